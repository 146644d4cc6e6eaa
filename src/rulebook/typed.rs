//! The checked form of rules: every name resolved, every type known, spans kept for explanations.
//!
//! The checker makes these values and the engine compiles them to closures. The tree stays: when an
//! alert is raised it is walked node by node to say what was observed. A [`Rulebook`] is immutable.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::domain::rekyc::{RekycCause, RekycLevel, RekycScope};
use crate::domain::{AlertClass, Severity, Span};

pub use super::aggregate::{
    Aggregate, AggregateFunction, BucketLength, Buckets, Percent, Period, Window, WindowSpan,
};
use super::call::Call;
use super::catalogue::{Catalogue, EventName, Role, Slot, Type};
use super::example::Example;
use super::institution::Institution;
pub use super::list::{List, ListRow};
use super::metadata::{Metadata, ParamMetadata};
use super::pattern::{Member, Pattern};
use super::waking::{Effective, Matches, Sequence, Timer};

/// All rules that are loaded together, in order of their names.
#[derive(Clone, Debug)]
pub struct Rulebook {
    /// Hexadecimal BLAKE3 of all rule and list texts with their paths: the rulebook's identity.
    pub digest: String,
    /// The fields and roles that the rules were checked against.
    pub catalogue: Arc<Catalogue>,
    /// The rules, sorted by name; rules with `status: off` are checked but not here.
    pub rules: Vec<Arc<Rule>>,
    /// What holds for all of them.
    pub institution: Institution,
    /// The lists, by name.
    pub lists: BTreeMap<String, List>,
    /// The texts that the digest covers, by path relative to the rules folder: what is stored by
    /// digest and can be loaded again.
    pub sources: BTreeMap<String, String>,
}

/// Byte range in the rule file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct SourceSpan {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Whether a rule's alerts are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Evaluated, alerts are sent.
    Active,
    /// Evaluated, alerts are recorded as shadow and not sent.
    Shadow,
    /// Checked only.
    Off,
}

impl Status {
    /// The words of all of them.
    pub const WORDS: &'static [&'static str] = &["active", "shadow", "off"];

    /// As written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Shadow => "shadow",
            Self::Off => "off",
        }
    }
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The fields and roles that it was checked against.
    pub catalogue: Arc<Catalogue>,
    /// Its id: the file's name without ending.
    pub name: String,
    /// Path relative to the rules folder.
    pub path: String,
    /// One line.
    pub title: String,
    /// What it looks for, in plain words.
    pub about: String,
    /// Whether its alerts are sent.
    pub status: Status,
    /// Class of its alerts.
    pub class: AlertClass,
    /// Severity of its alerts.
    pub severity: Severity,
    /// Free tags by kind (`typology`, `regulation`, ...).
    pub tags: BTreeMap<String, Vec<String>>,
    /// Version, people, sources, and what is expected of it.
    pub metadata: Metadata,
    /// The event that wakes it; that of the last step for a sequence. No event wakes a rule with a timer:
    /// there it is the one in whose fields the key is looked up.
    pub trigger: EventName,
    /// The instant that wakes it instead.
    pub timer: Option<Timer>,
    /// The events that must have come before, and the waking one.
    pub sequence: Option<Sequence>,
    /// Outside of it the rule judges nothing; its windows stay warm.
    pub effective: Option<Effective>,
    /// Whom its alerts are about.
    pub entity: Role,
    /// Cheap filter on the waking event.
    pub filter: Option<Expr>,
    /// Parameters, in file order.
    pub params: Vec<Param>,
    /// Named values, in file order; a `let` refers only to earlier ones.
    pub lets: Vec<Let>,
    /// Aggregates that any expression of the rule reads.
    pub aggregates: Vec<Aggregate>,
    /// Matches of other rules that any expression of the rule counts.
    pub matches: Vec<Matches>,
    /// Patterns that any expression of the rule reads.
    pub patterns: Vec<Pattern>,
    /// The condition.
    pub when: Expr,
    /// Named exceptions.
    pub unless: Vec<Exception>,
    /// What is raised.
    pub alert: AlertSpec,
    /// The renewed identification it asks for.
    pub rekyc: Option<RekycSpec>,
    /// Its in-file tests.
    pub tests: Vec<Example>,
    /// The whole file, which spans point into.
    pub source: Arc<str>,
    /// Hexadecimal BLAKE3 of `source`.
    pub digest: String,
    /// Hexadecimal BLAKE3 of what it means, lists that it reads included (`meaning`).
    pub meaning: String,
}

/// A named constant, or a table of constants by closed-set fields.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Type of its value.
    pub ty: Type,
    /// Its value.
    pub value: ParamValue,
    /// Unit, bounds and reasons.
    pub metadata: ParamMetadata,
}

/// A parameter's value.
#[derive(Clone, Debug)]
pub enum ParamValue {
    /// The same for everybody.
    Constant(Literal),
    /// By the value of one or more fields.
    Table(ParamTable),
}

/// Rows tried top to bottom; the first that fits gives the value.
#[derive(Clone, Debug)]
pub struct ParamTable {
    /// The fields that choose the row.
    pub by: Vec<Slot>,
    /// One pattern per field of `by` (`None` fits anything), and the value.
    pub rows: Vec<(Vec<Option<String>>, Literal)>,
    /// When no row fits or a field is absent.
    pub default: Option<Literal>,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Exact number.
    Number(Decimal),
    /// Text.
    Text(String),
    /// Length of time.
    Duration(Span),
    /// True or false.
    Bool(bool),
}

/// A named value.
#[derive(Clone, Debug)]
pub struct Let {
    /// Its name.
    pub name: String,
    /// Its expression.
    pub expr: Expr,
}

/// A named exception: a match that is excused and counted.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Its name.
    pub name: String,
    /// When it excuses.
    pub expr: Expr,
}

/// What an alert of the rule says.
#[derive(Clone, Debug)]
pub struct AlertSpec {
    /// 0 to 100; held to that range.
    pub score: Expr,
    /// One sentence.
    pub message: Template,
    /// Within this span a further match for the same entity extends the alert.
    pub cooldown: Option<Span>,
    /// A match extends only an alert that agrees in these roles too.
    pub dedup: Vec<Role>,
}

/// What a re-KYC request of the rule says.
#[derive(Clone, Debug)]
pub struct RekycSpec {
    /// Only then; `None` for every alert.
    pub when: Option<Expr>,
    /// What is reviewed.
    pub scope: RekycScope,
    /// How deep.
    pub level: RekycLevel,
    /// Neutral cause.
    pub cause: RekycCause,
    /// Reason for the restricted side.
    pub reason: Template,
    /// Deadline after the evaluation instant.
    pub due: Span,
}

/// Text with places for values: `{name}` or `{name:format}`.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// Alternating text and places.
    pub parts: Vec<TemplatePart>,
}

impl Template {
    /// The expressions in it.
    pub fn values(&self) -> impl Iterator<Item = &Expr> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Value(expr, _) => Some(expr),
            TemplatePart::Text(_) => None,
        })
    }
}

/// One piece of a [`Template`].
#[derive(Clone, Debug)]
pub enum TemplatePart {
    /// Fixed text.
    Text(String),
    /// A value.
    Value(Expr, Format),
}

/// How a value is written into a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// By its type: numbers without trailing zeros (at most 2 decimal places), times in RFC 3339.
    Plain,
    /// Two decimal places.
    Money,
    /// Hundred times, no decimal places, `%`.
    Percent,
    /// The date in UTC.
    Date,
    /// Whole hours.
    Hours,
    /// Whole days.
    Days,
}

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Type of its value.
    pub ty: Type,
    /// Where it is written.
    pub span: SourceSpan,
}

/// Index into [`Rule::params`].
pub type ParamIndex = usize;
/// Index into [`Rule::lets`].
pub type LetIndex = usize;
/// Index into [`Rule::aggregates`].
pub type AggregateIndex = usize;
/// Index into [`Rule::matches`].
pub type MatchesIndex = usize;
/// Index into [`Sequence::steps`](super::waking::Sequence::steps).
pub type StepIndex = usize;
/// Index into [`Step::kept`](super::waking::Step::kept).
pub type KeptIndex = usize;
/// Index into [`Rule::patterns`].
pub type PatternIndex = usize;

/// The forms of an expression.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A constant.
    Literal(Literal),
    /// A field of the event or of its facts.
    Field(Slot),
    /// A parameter.
    Param(ParamIndex),
    /// An earlier `let`.
    Let(LetIndex),
    /// A fold over a window.
    Aggregate(AggregateIndex),
    /// How often another rule matched.
    Matches(MatchesIndex),
    /// The id of the event itself, as its producer gave it.
    EventId,
    /// What is remembered of the event that an earlier step bound.
    Bound(StepIndex, KeptIndex),
    /// A pattern that is searched for.
    Pattern(PatternIndex),
    /// `ring.amount`: what is read of a pattern that was found.
    Member(Box<Expr>, Member),
    /// The alert's own score; only in `rekyc.when` and templates.
    Score,
    /// `not a`
    Not(Box<Expr>),
    /// `-a`, of a number or a duration.
    Negate(Box<Expr>),
    /// `a and b and ...`
    And(Vec<Expr>),
    /// `a or b or ...`
    Or(Vec<Expr>),
    /// `a == b` and its kin; false when a side is absent.
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    /// `a + b` and its kin; absent when a side is absent, on overflow and on division by zero.
    Arithmetic(ArithmeticOp, Box<Expr>, Box<Expr>),
    /// `a in ["x", "y"]` or `a in list.name`; false when absent.
    In {
        /// What is looked for.
        item: Box<Expr>,
        /// Where.
        set: Membership,
        /// `not in`: false too when absent.
        negated: bool,
    },
    /// `a ?? b`
    Default(Box<Expr>, Box<Expr>),
    /// `if(c, a, b)`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `has(a)`
    Has(Box<Expr>),
    /// `min(a, b)`, absent when one is.
    Min(Box<Expr>, Box<Expr>),
    /// `max(a, b)`, absent when one is.
    Max(Box<Expr>, Box<Expr>),
    /// `clamp(a, low, high)`
    Clamp(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `abs(a)`
    Abs(Box<Expr>),
    /// `round(a)` or `round(a, places)`, half away from zero.
    Round(Box<Expr>, u32),
    /// Another function and its arguments.
    Call(Call, Vec<Expr>),
}

/// What `in` looks through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// Words written in the rule.
    Words(Vec<String>),
    /// A list file, as of the event's time.
    List(String),
}

/// Comparisons. Text and booleans know only the first two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

/// Arithmetic on numbers, durations and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArithmeticOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`; of two durations it is a number.
    Divide,
}

impl CompareOp {
    /// As written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        }
    }
}

impl Expr {
    /// The expressions directly within, in the order of the file; an aggregate's own are not.
    #[must_use]
    pub fn parts(&self) -> Vec<&Self> {
        use ExprKind as E;
        match &self.kind {
            E::Literal(_)
            | E::Field(_)
            | E::Param(_)
            | E::Let(_)
            | E::Aggregate(_)
            | E::Bound(..)
            | E::EventId
            | E::Matches(_)
            | E::Pattern(_)
            | E::Score => Vec::new(),
            E::Not(part)
            | E::Negate(part)
            | E::Has(part)
            | E::Abs(part)
            | E::Round(part, _)
            | E::Member(part, _) => vec![part],
            E::In { item, .. } => vec![item],
            E::And(parts) | E::Or(parts) | E::Call(_, parts) => parts.iter().collect(),
            E::Compare(_, left, right)
            | E::Arithmetic(_, left, right)
            | E::Default(left, right)
            | E::Min(left, right)
            | E::Max(left, right) => vec![left, right],
            E::If(first, second, third) | E::Clamp(first, second, third) => {
                vec![first, second, third]
            }
        }
    }

    /// Hands this expression and all within to `note`; an aggregate's own are not within.
    pub fn each_part(&self, note: &mut dyn FnMut(&Self)) {
        note(self);
        for part in self.parts() {
            part.each_part(note);
        }
    }

    /// The expressions directly within, to be changed.
    pub fn parts_mut(&mut self) -> Vec<&mut Self> {
        use ExprKind as E;
        match &mut self.kind {
            E::Literal(_)
            | E::Field(_)
            | E::Param(_)
            | E::Let(_)
            | E::Aggregate(_)
            | E::Bound(..)
            | E::EventId
            | E::Matches(_)
            | E::Pattern(_)
            | E::Score => Vec::new(),
            E::Not(part)
            | E::Negate(part)
            | E::Has(part)
            | E::Abs(part)
            | E::Round(part, _)
            | E::Member(part, _) => vec![part],
            E::In { item, .. } => vec![item],
            E::And(parts) | E::Or(parts) | E::Call(_, parts) => parts.iter_mut().collect(),
            E::Compare(_, left, right)
            | E::Arithmetic(_, left, right)
            | E::Default(left, right)
            | E::Min(left, right)
            | E::Max(left, right) => vec![left, right],
            E::If(first, second, third) | E::Clamp(first, second, third) => {
                vec![first, second, third]
            }
        }
    }

    /// Whether both mean the same, wherever they are written. Names are compared by index, so both
    /// must be of the same rule.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        use ExprKind as E;
        let is_same_here = match (&self.kind, &other.kind) {
            (E::Literal(left), E::Literal(right)) => left == right,
            (E::Field(left), E::Field(right)) => left == right,
            (E::Param(left), E::Param(right))
            | (E::Matches(left), E::Matches(right))
            | (E::Let(left), E::Let(right))
            | (E::Aggregate(left), E::Aggregate(right))
            | (E::Pattern(left), E::Pattern(right)) => left == right,
            (E::Member(_, left), E::Member(_, right)) => left == right,
            (E::Bound(step, kept), E::Bound(other, other_kept)) => {
                (step, kept) == (other, other_kept)
            }
            (E::Compare(left, ..), E::Compare(right, ..)) => left == right,
            (E::Arithmetic(left, ..), E::Arithmetic(right, ..)) => left == right,
            (E::Round(_, left), E::Round(_, right)) => left == right,
            (E::Call(left, _), E::Call(right, _)) => left == right,
            (
                E::In { set: left, negated: left_negated, .. },
                E::In { set: right, negated: right_negated, .. },
            ) => left == right && left_negated == right_negated,
            (left, right) => std::mem::discriminant(left) == std::mem::discriminant(right),
        };
        let (left, right) = (self.parts(), other.parts());
        is_same_here
            && left.len() == right.len()
            && left.iter().zip(right).all(|(left, right)| left.is_same(right))
    }
}

impl Rule {
    /// Hands every expression of the rule to `note`, in no order that means anything: conditions,
    /// `let`s, what enters windows, score, and the values in its texts.
    pub fn each_expr(&self, note: &mut dyn FnMut(&Expr)) {
        self.filter.iter().for_each(&mut *note);
        if let Some(sequence) = &self.sequence {
            sequence.each_expr(note);
        }
        if let Some(timer) = &self.timer {
            timer.each_expr(note);
        }
        note(&self.when);
        self.lets.iter().for_each(|item| note(&item.expr));
        self.unless.iter().for_each(|item| note(&item.expr));
        for aggregate in &self.aggregates {
            aggregate.filter.iter().chain(&aggregate.value).for_each(&mut *note);
        }
        self.patterns.iter().filter_map(|pattern| pattern.filter.as_ref()).for_each(&mut *note);
        note(&self.alert.score);
        self.alert.message.values().for_each(&mut *note);
        if let Some(spec) = &self.rekyc {
            spec.when.iter().chain(spec.reason.values()).for_each(note);
        }
    }

    /// The text that `span` covers.
    #[must_use]
    pub fn text(&self, span: SourceSpan) -> &str {
        self.source.get(span.start..span.end).unwrap_or("")
    }
}

//! Expressions as written: parsed, but no name looked up and no type known.
//!
//! The parser makes these values, the checker turns them into `typed` ones. `Error` stands for what
//! was reported already, so that the checker stays silent about it and still reads what is around it.

use rust_decimal::Decimal;

use crate::domain::Span;

use super::pattern::Form;
use super::typed::{AggregateFunction, ArithmeticOp, CompareOp, SourceSpan};

/// An expression as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Syntax {
    /// What it is.
    pub kind: SyntaxKind,
    /// Where it stands.
    pub span: SourceSpan,
    /// Levels of expressions in it, itself included; bounds every recursion over it.
    pub depth: usize,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum SyntaxKind {
    /// Not readable, and reported.
    Error,
    /// A number.
    Number(Decimal),
    /// A duration.
    Duration(Span),
    /// Text.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// A name with its dots.
    Path(String),
    /// `[a, b]`
    List(Vec<Syntax>),
    /// `not a`
    Not(Box<Syntax>),
    /// `-a`
    Negate(Box<Syntax>),
    /// `a and b and ...`
    And(Vec<Syntax>),
    /// `a or b or ...`
    Or(Vec<Syntax>),
    /// `a == b` and its kin.
    Compare(CompareOp, Box<Syntax>, Box<Syntax>),
    /// `a + b` and its kin.
    Arithmetic(ArithmeticOp, Box<Syntax>, Box<Syntax>),
    /// `a ?? b`
    Default(Box<Syntax>, Box<Syntax>),
    /// `a in b`, `a not in b`
    In {
        /// What is looked for.
        item: Box<Syntax>,
        /// Where.
        set: Box<Syntax>,
        /// `not in`
        negated: bool,
    },
    /// `name(a, b)`
    Call {
        /// Which function.
        function: Function,
        /// Its arguments.
        arguments: Vec<Syntax>,
    },
    /// A fold over a window.
    Aggregate(Box<AggregateSyntax>),
    /// `sum(tx.amount where ...) per 1d`, inside a fold.
    Buckets(Box<BucketsSyntax>),
    /// A pattern over recent flows or shared identifiers.
    Pattern(Box<PatternSyntax>),
}

/// The functions that are not folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `if(c, a, b)`
    If,
    /// `has(a)`
    Has,
    /// `min(a, b, ...)`
    Min,
    /// `max(a, b, ...)`
    Max,
    /// `clamp(a, low, high)`
    Clamp,
    /// `abs(a)`
    Abs,
    /// `round(a)`, `round(a, places)`
    Round,
    /// `starts_with(a, "prefix")`
    StartsWith,
    /// `hour(time)`
    Hour,
    /// `weekday(time)`
    Weekday,
    /// `day_of_month(time)`
    DayOfMonth,
    /// `mod(a, b)`
    Mod,
    /// `lookup(list.name, a, "column")`
    Lookup,
    /// `convert(a, "USD")`, `convert(a, currency, "USD")`
    Convert,
    /// `name_similarity(a, b)`
    NameSimilarity,
    /// `address_similarity(a, b)`
    AddressSimilarity,
    /// `matches("rule-id", 7d)`; the role behind `by`, if one is written, is a third argument.
    Matches,
}

/// `sum(tx.amount where ...) by account over 24h`
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateSyntax {
    /// How the events are folded.
    pub function: AggregateFunction,
    /// The function's name as written.
    pub name: String,
    /// An event's name for `count` and `since`, else a value.
    pub head: Syntax,
    /// Which events enter.
    pub filter: Option<Syntax>,
    /// The share behind the comma of `percentile`.
    pub percent: Option<Syntax>,
    /// The roles of the key, as written.
    pub by: Vec<(String, SourceSpan)>,
    /// The window; `since` has none.
    pub window: Option<WindowSyntax>,
}

/// `sum(tx.amount where ...) per 1h at this hour`
#[derive(Clone, Debug, PartialEq)]
pub struct BucketsSyntax {
    /// How the events of a bucket are folded.
    pub function: AggregateFunction,
    /// The function's name as written.
    pub name: String,
    /// An event's name for `count`, else a value.
    pub head: Syntax,
    /// Which events enter.
    pub filter: Option<Syntax>,
    /// How long a bucket is, and where that is written.
    pub length: (Span, SourceSpan),
    /// `at this hour` or `on this weekday`, and where that is written.
    pub repeat: Option<(Repeat, SourceSpan)>,
}

/// Which buckets are looked at, if not all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// `at this hour`
    Hour,
    /// `on this weekday`
    Weekday,
}

/// `cycle(hops: 3..5, within: 72h, keep: 0.8) by account`
#[derive(Clone, Debug, PartialEq)]
pub struct PatternSyntax {
    /// Which form.
    pub form: Form,
    /// What stands in the brackets.
    pub options: Vec<OptionSyntax>,
    /// The roles behind `by`, as written.
    pub by: Vec<(String, SourceSpan)>,
}

/// `within: 72h`, `hops: 3..5`
#[derive(Clone, Debug, PartialEq)]
pub struct OptionSyntax {
    /// Its name as written.
    pub name: String,
    /// Where the name stands.
    pub span: SourceSpan,
    /// Its value, or the lower end of a range.
    pub value: Syntax,
    /// The upper end of a range.
    pub to: Option<Syntax>,
}

/// `over 90d ending 24h ago`
#[derive(Clone, Debug, PartialEq)]
pub struct WindowSyntax {
    /// How long.
    pub length: LengthSyntax,
    /// Where the length stands.
    pub length_span: SourceSpan,
    /// How long ago it ends, and where that is written.
    pub ending_ago: Option<(Span, SourceSpan)>,
    /// `previous`: the current event is left out.
    pub is_previous: bool,
}

/// How long a window is.
#[derive(Clone, Debug, PartialEq)]
pub enum LengthSyntax {
    /// `7d`
    Duration(Span),
    /// A parameter's name.
    Parameter(String),
    /// `lifetime`
    Lifetime,
    /// `calendar month`: the period's name.
    Calendar(String),
    /// `last 10`
    Last(Decimal),
}

impl Syntax {
    /// An expression of `kind` with the depth that follows from its parts.
    #[must_use]
    pub fn new(kind: SyntaxKind, span: SourceSpan) -> Self {
        let depth = 1 + kind.parts().map(|part| part.depth).max().unwrap_or(0);
        Self { kind, span, depth }
    }
}

impl SyntaxKind {
    /// The expressions directly within.
    pub fn parts(&self) -> impl Iterator<Item = &Syntax> {
        let (list, single): (&[Syntax], [Option<&Syntax>; 2]) = match self {
            Self::Error
            | Self::Number(_)
            | Self::Duration(_)
            | Self::Text(_)
            | Self::Bool(_)
            | Self::Path(_)
            | Self::Pattern(_) => (&[], [None, None]),
            Self::List(parts)
            | Self::And(parts)
            | Self::Or(parts)
            | Self::Call { arguments: parts, .. } => (parts, [None, None]),
            Self::Not(part) | Self::Negate(part) => (&[], [Some(part), None]),
            Self::Compare(_, left, right)
            | Self::Arithmetic(_, left, right)
            | Self::Default(left, right)
            | Self::In { item: left, set: right, .. } => (&[], [Some(left), Some(right)]),
            Self::Aggregate(aggregate) => {
                let share = aggregate.percent.as_slice();
                (share, [Some(&aggregate.head), aggregate.filter.as_ref()])
            }
            Self::Buckets(buckets) => (&[], [Some(&buckets.head), buckets.filter.as_ref()]),
        };
        let options = match self {
            Self::Pattern(pattern) => pattern.options.as_slice(),
            _ => &[],
        };
        let options = options.iter().flat_map(|option| [Some(&option.value), option.to.as_ref()]);
        list.iter().chain(single.into_iter().chain(options).flatten())
    }
}

impl Function {
    /// All functions.
    pub const ALL: &'static [Self] = &[
        Self::If,
        Self::Has,
        Self::Min,
        Self::Max,
        Self::Clamp,
        Self::Abs,
        Self::Round,
        Self::StartsWith,
        Self::Hour,
        Self::Weekday,
        Self::DayOfMonth,
        Self::Mod,
        Self::Lookup,
        Self::Convert,
        Self::NameSimilarity,
        Self::AddressSimilarity,
        Self::Matches,
    ];

    /// As written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::Has => "has",
            Self::Min => "min",
            Self::Max => "max",
            Self::Clamp => "clamp",
            Self::Abs => "abs",
            Self::Round => "round",
            Self::StartsWith => "starts_with",
            Self::Hour => "hour",
            Self::Weekday => "weekday",
            Self::DayOfMonth => "day_of_month",
            Self::Mod => "mod",
            Self::Lookup => "lookup",
            Self::Convert => "convert",
            Self::NameSimilarity => "name_similarity",
            Self::AddressSimilarity => "address_similarity",
            Self::Matches => "matches",
        }
    }

    /// The function named `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|function| function.word() == word)
    }
}

/// All folds, as written.
pub const FOLDS: &[(&str, AggregateFunction)] = &[
    ("count", AggregateFunction::Count),
    ("sum", AggregateFunction::Sum),
    ("avg", AggregateFunction::Avg),
    ("min_of", AggregateFunction::Min),
    ("max_of", AggregateFunction::Max),
    ("distinct", AggregateFunction::Distinct),
    ("stddev", AggregateFunction::Stddev),
    ("median", AggregateFunction::Median),
    ("percentile", AggregateFunction::Percentile),
    ("first", AggregateFunction::First),
    ("last", AggregateFunction::Last),
    ("since", AggregateFunction::Since),
];

/// The fold named `word`; `min` and `max` are folds only before `by`.
#[must_use]
pub fn aggregate_function(word: &str) -> Option<AggregateFunction> {
    match word {
        "min" => Some(AggregateFunction::Min),
        "max" => Some(AggregateFunction::Max),
        _ => FOLDS.iter().find(|(fold, _)| *fold == word).map(|(_, function)| *function),
    }
}

/// Functions and folds of later versions, whose names nothing else may take.
pub const LATER_FUNCTIONS: &[&str] = &["reaches"];

/// Words that cannot name a parameter or a `let`.
pub const RESERVED_WORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "in",
    "true",
    "false",
    "where",
    "by",
    "over",
    "ending",
    "ago",
    "previous",
    "calendar",
    "lifetime",
    "last",
    "first",
    "now",
    "score",
    "list",
    "lists",
    "tx",
    "kyc",
    "security",
    "customer",
    "account",
    "transaction",
    "if",
    "has",
    "null",
    "none",
];

//! From the tree of a rule file to a checked [`Rule`], with all problems of the file in one run.
//!
//! In: path and text of one file and the lists it may name. Out: the rule, if nothing is wrong, and
//! the problems. A name whose definition is wrong counts as known, so that one mistake is reported
//! once. The parts: `mend` (keys in the wrong place), `section` (keys and words), `remarks` (text that is cut off), `header`, `metadata`, `params` and `bounds`, `names`,
//! `expression`, `call`, `functions` and `convert`, `units`, `aggregate`, `buckets` and `window`, `sequence`,
//! `timer`, `matches`, `effective`, `template`, `effects` (alert and re-KYC), `absence` and `habits` (warnings).

mod absence;
mod aggregate;
mod bounds;
mod buckets;
mod call;
mod convert;
pub mod effective;
pub mod effects;
mod expression;
mod functions;
mod habits;
mod header;
mod matches;
mod mend;
pub mod metadata;
mod names;
mod operators;
pub mod params;
mod pattern;
mod remarks;
mod section;
pub mod sequence;
mod tables;
mod template;
pub mod timer;
mod units;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::catalogue::{Catalogue, EventName, Family, Role, Slot, Type};
use super::diagnostic::{Diagnostic, has_error};
use super::example_reader::{self, RuleNames};
use super::institution::Institution;
use super::lint;
use super::meaning;
use super::metadata::Metadata;
use super::parse;
use super::pattern::Pattern;
use super::source::{self, Node, NodeKind};
use super::syntax::Syntax;
use super::typed::{
    Aggregate, AlertSpec, Exception, Expr, ExprKind, Let, List, Literal, Param, RekycSpec, Rule,
    SourceSpan,
};
use super::waking::{Effective, Matches, Sequence, Step, Timer};
use header::Header;
use names::Named;

/// Most named values of one rule.
pub const LETS_MAX: usize = 64;

/// How long a rule may be with every named value written out where it is used, in bytes. Whatever walks
/// over expressions is bounded by it: a chain of values that each use the one above twice doubles per line.
pub const WRITTEN_OUT_BYTES_MAX: usize = source::FILE_BYTES_MAX;

/// All keys of a rule file, in the order in which `weir rules fmt` puts them.
pub const RULE_KEYS: &[&str] = &[
    "lang",
    "rule",
    "version",
    "title",
    "about",
    "misses",
    "false_alarms",
    "status",
    "effective",
    "class",
    "severity",
    "disclosable",
    "tags",
    "indicators",
    "references",
    "owner",
    "author",
    "approver",
    "review_by",
    "expected_alerts",
    "trigger",
    "sequence",
    "entity",
    "where",
    "params",
    "let",
    "when",
    "unless",
    "alert",
    "rekyc",
    "changes",
    "tests",
];

/// Keys that a later version will know.
const LATER_RULE_KEYS: &[&str] = &["evidence", "dedup", "replaces"];

/// Problems of the tree behind which the rest of the file is not what its author meant.
const DISTORTING: &[&str] = &["E004", "E005", "E006"];

/// Checks one rule file against the fields and roles of `catalogue`; `lists` holds every list file,
/// also the ones with problems.
#[must_use]
pub fn check(
    path: &str,
    text: &str,
    catalogue: &Arc<Catalogue>,
    lists: &BTreeMap<String, List>,
    institution: &Institution,
) -> (Option<Rule>, Vec<Diagnostic>) {
    let (root, problems) = source::read(path, text);
    let is_distorted = problems.iter().any(|problem| DISTORTING.contains(&problem.code));
    let Some(root) = root.filter(|_| !is_distorted) else { return (None, problems) };
    let mut checker = Checker {
        path,
        source: text,
        catalogue,
        lists,
        institution,
        problems,
        trigger: None,
        names: BTreeMap::new(),
        lets_to_come: BTreeSet::new(),
        is_before_lets: false,
        unknown: BTreeMap::new(),
        unusable: Vec::new(),
        bound: BTreeSet::new(),
        steps: Vec::new(),
        is_timed: false,
        timer: None,
        is_event_checked: false,
        event_conditions: Vec::new(),
        params: Vec::new(),
        lets: Vec::new(),
        let_bytes: Vec::new(),
        written_out: 0,
        aggregates: Vec::new(),
        entity: None,
        matches: Vec::new(),
        patterns: Vec::new(),
    };
    let rule = checker.rule(&root);
    let unusable = std::mem::take(&mut checker.unusable);
    let mut problems = checker.problems;
    problems.retain(|problem| !names::is_use_of(&unusable, text, problem));
    problems.extend(rule.iter().flat_map(|rule| lint::lint(rule, lists)));
    problems.sort_by_key(|problem| (problem.span.start, problem.code));
    // A part that is read in two ways is reported once.
    problems.dedup();
    (rule.filter(|_| !has_error(&problems)), problems)
}

struct Checker<'a> {
    path: &'a str,
    source: &'a str,
    catalogue: &'a Arc<Catalogue>,
    lists: &'a BTreeMap<String, List>,
    institution: &'a Institution,
    problems: Vec<Diagnostic>,
    /// `None` when it was not understood; then nothing is said about event families.
    trigger: Option<EventName>,
    names: BTreeMap<String, Named>,
    /// Names of `let`s further down.
    lets_to_come: BTreeSet<String>,
    /// What is decided before any `let` is being checked.
    is_before_lets: bool,
    /// Names that stand for nothing, by the place of the problem that says so.
    unknown: BTreeMap<String, usize>,
    /// Names of `let`s that no expression can read.
    unusable: Vec<String>,
    /// Names of steps that are wrong, which was reported.
    bound: BTreeSet<String>,
    /// The steps of the sequence.
    steps: Vec<Step>,
    /// The rule is woken by an instant.
    is_timed: bool,
    /// What it waits for; `None` when that was not understood.
    timer: Option<Timer>,
    /// The condition of an event that starts or stops a timer is being checked.
    is_event_checked: bool,
    /// The events that start or stop a timer, with their conditions as written.
    event_conditions: Vec<(EventName, Option<Syntax>)>,
    params: Vec<Param>,
    lets: Vec<Let>,
    /// How long each of `lets` is when written out, in bytes.
    let_bytes: Vec<usize>,
    /// How long all uses of `let`s so far are when written out, in bytes.
    written_out: usize,
    aggregates: Vec<Aggregate>,
    /// Whom the rule is about; `None` when that was not understood.
    entity: Option<Role>,
    matches: Vec<Matches>,
    patterns: Vec<Pattern>,
}

/// What an expression may read where it stands.
#[expect(clippy::struct_excessive_bools, reason = "each allows or forbids one thing")]
#[derive(Clone, Copy, Default)]
struct Place {
    /// The family whose fields are there; `None` when unknown.
    family: Option<Family>,
    is_in_aggregate: bool,
    has_score: bool,
    /// How many steps of the sequence are bound.
    steps: usize,
    /// The step whose event is the one that is there.
    own_step: Option<usize>,
    /// In the condition of a step.
    is_in_step: bool,
    /// A pattern may stand here: under a `let`, in `has`, in a message.
    takes_pattern: bool,
    /// It is compared with text: the words that fit, for suggestions.
    words: Option<Words>,
}

/// Which words may stand where text is written.
#[derive(Clone, Copy)]
enum Words {
    /// Any.
    Any,
    Field(Slot),
    Fixed(&'static [&'static str]),
}

/// The conditions of a rule, checked.
struct Logic {
    sequence: Option<Sequence>,
    effective: Option<Effective>,
    entity: Option<Role>,
    filter: Option<Expr>,
    when: Option<Expr>,
    unless: Vec<Exception>,
}

impl Checker<'_> {
    fn report(
        &mut self,
        code: &'static str,
        span: SourceSpan,
        title: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        let mut problem = Diagnostic::new(code, self.path, span, title, label);
        problem.help = help;
        self.problems.push(problem);
    }

    /// The text of the file under `span`, on one line.
    fn written(&self, span: SourceSpan) -> String {
        let text = self.source.get(span.start..span.end).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn rule(&mut self, root: &Node) -> Option<Rule> {
        let Some(entries) = root.entries() else {
            let title = format!("a rule file is a mapping of keys, this is {}", root.describe());
            let help = "start with `lang: 1` and `rule: <the file's name>`".to_owned();
            let span = self.first_line(root.span);
            self.report("E012", span, title, "no keys here", Some(help));
            return None;
        };
        let first_key = entries.first().map_or(root.span, |entry| entry.key_span);
        let root = &self.mended(root);
        self.warn_of_remarks(root);
        self.known_keys(root, RULE_KEYS, LATER_RULE_KEYS);
        let header = self.header(root, first_key);
        let metadata = self.metadata(root);
        let logic = self.logic(root, first_key);
        let alert = self.alert(root, first_key);
        let rekyc = self.rekyc(root);
        let tests = self.examples(root, logic.entity);
        self.warn_of_searches(&logic);
        self.warn_of_absence(&logic, alert.as_ref(), rekyc.as_ref());
        if has_error(&self.problems) {
            return None;
        }
        self.warn_of_habits(root, &tests, first_key);
        self.assemble((header?, metadata), logic, alert?, rekyc, tests)
    }

    fn assemble(
        &mut self,
        (header, metadata): (Header, Metadata),
        logic: Logic,
        alert: AlertSpec,
        rekyc: Option<RekycSpec>,
        tests: Vec<super::example::Example>,
    ) -> Option<Rule> {
        let mut rule = Rule {
            catalogue: Arc::clone(self.catalogue),
            name: header.name,
            path: self.path.to_owned(),
            title: header.title,
            about: header.about,
            status: header.status,
            class: header.class,
            severity: header.severity,
            tags: header.tags,
            metadata,
            trigger: self.trigger?,
            timer: self.timer.take(),
            sequence: logic
                .sequence
                .map(|sequence| Sequence { steps: std::mem::take(&mut self.steps), ..sequence }),
            effective: logic.effective,
            entity: logic.entity?,
            filter: logic.filter,
            params: std::mem::take(&mut self.params),
            lets: std::mem::take(&mut self.lets),
            aggregates: std::mem::take(&mut self.aggregates),
            matches: std::mem::take(&mut self.matches),
            patterns: std::mem::take(&mut self.patterns),
            when: logic.when?,
            unless: logic.unless,
            alert,
            rekyc,
            tests,
            source: Arc::from(self.source),
            digest: blake3::hash(self.source.as_bytes()).to_hex().to_string(),
            meaning: String::new(),
        };
        rule.meaning = meaning::rule_digest(&rule, self.lists, self.institution);
        Some(rule)
    }

    fn logic(&mut self, root: &Node, first_key: SourceSpan) -> Logic {
        let effective = self.effective(root);
        let head = self.sequence_head(root);
        self.trigger = match &head {
            Some(_) => self.steps.last().map(|step| step.event),
            None => self.trigger(root, first_key),
        };
        let entity = self.entity(root, first_key);
        self.entity = entity;
        self.params(root);
        let place = self.outside();
        let before = Place { steps: 0, ..place };
        let lets = root.entry("let").and_then(|entry| entry.value.entries()).unwrap_or_default();
        self.lets_to_come = lets.iter().map(|entry| entry.key.clone()).collect();
        self.is_before_lets = true;
        let filter = self.filter(root, before);
        self.is_before_lets = false;
        self.lets(root);
        let sequence = self.sequence(head);
        self.timer_conditions();
        let enough =
            root.entry("sequence").or_else(|| root.entry("trigger").filter(|_| self.is_timed));
        let when = match (root.entry("when"), enough) {
            // The sequence, or the instant, is condition enough.
            (None, Some(enough)) => Some(always(enough.key_span)),
            _ => self
                .required(root, "when", first_key, "a rule")
                .and_then(|entry| self.condition_node(&entry.value, place)),
        };
        let unless = self.unless(root);
        Logic { sequence, effective, entity, filter, when, unless }
    }

    /// Where `where`, `when`, `let` and `unless` stand.
    fn outside(&self) -> Place {
        let last = self.steps.len().checked_sub(1);
        Place {
            family: self.trigger.map(EventName::family),
            steps: last.unwrap_or(0),
            own_step: last,
            ..Place::default()
        }
    }

    fn lets(&mut self, root: &Node) {
        let Some(entry) = root.entry("let") else { return };
        let Some(entries) = self.entries(entry, "names with expressions") else { return };
        if let Some(beyond) = entries.get(LETS_MAX) {
            let title = format!("a rule has at most {LETS_MAX} named values");
            let help = Some("split the rule in two".to_owned());
            self.report("E035", beyond.key_span, title, "one too many", help);
        }
        for entry in entries {
            self.lets_to_come.remove(&entry.key);
            let place = Place { takes_pattern: true, ..self.outside() };
            let before = self.written_out;
            let expr = self.expression_node(&entry.value, place);
            let own = entry.value.span.end.saturating_sub(entry.value.span.start);
            self.define_let(entry, expr, own + (self.written_out - before));
        }
    }

    fn unless(&mut self, root: &Node) -> Vec<Exception> {
        let Some(entry) = root.entry("unless") else { return Vec::new() };
        let form = "write `- its-name: condition` for each exception";
        let Some(items) = entry.value.items() else {
            let title =
                format!("`unless` is a list of exceptions, this is {}", entry.value.describe());
            self.report("E012", entry.key_span, title, "not a list", Some(form.to_owned()));
            return Vec::new();
        };
        let mut exceptions: Vec<Exception> = Vec::new();
        for item in items {
            let Some([exception]) = item.entries() else {
                let title = "an exception has one name and one condition";
                let span = self.first_line(item.span);
                self.report("E012", span, title, item.describe(), Some(form.to_owned()));
                continue;
            };
            if exceptions.iter().any(|earlier| earlier.name == exception.key) {
                let title = format!("two exceptions are named `{}`", exception.key);
                let help = Some("exceptions are counted by name; give one another name".to_owned());
                self.report("E017", exception.key_span, title, "used before", help);
            }
            let place = self.outside();
            if let Some(expr) = self.condition_node(&exception.value, place) {
                exceptions.push(Exception { name: exception.key.clone(), expr });
            }
        }
        exceptions
    }

    fn examples(&mut self, root: &Node, entity: Option<Role>) -> Vec<super::example::Example> {
        let Some(entry) = root.entry("tests") else { return Vec::new() };
        let written = match root.entry("let").map(|entry| &entry.value) {
            None => &[],
            Some(section) if section.is_empty() => &[],
            // Its names are not known, so nothing can be said of what tests expect of them.
            Some(section) => match section.entries() {
                Some(entries) => entries,
                None => return Vec::new(),
            },
        };
        let mut lets: Vec<(String, Option<Type>)> =
            self.lets.iter().map(|named| (named.name.clone(), Some(named.expr.ty))).collect();
        // A `let` that was not understood may be expected all the same; its type is not known.
        // A name that is known nowhere was reported where the rule reads it.
        lets.extend(self.unknown.keys().map(|name| (name.clone(), None)));
        for entry in written {
            if !lets.iter().any(|(name, _)| *name == entry.key) {
                lets.push((entry.key.clone(), None));
            }
        }
        let names = RuleNames {
            catalogue: self.catalogue,
            trigger: self.trigger.filter(|_| !self.is_timed),
            entity,
            lets: &lets,
            asks_for_rekyc: root.entry("rekyc").is_some(),
            lists: self.lists,
        };
        example_reader::read(&entry.value, &names, &mut self.problems, self.path)
    }

    /// The condition under a key: an expression that is true or false.
    fn condition_node(&mut self, node: &Node, place: Place) -> Option<Expr> {
        let expr = self.expression_node(node, place)?;
        self.must_be_condition(expr)
    }

    /// The expression under a key.
    fn expression_node(&mut self, node: &Node, place: Place) -> Option<Expr> {
        let NodeKind::Scalar { text, is_raw } = &node.kind else {
            let title = format!("an expression is expected, this is {}", node.describe());
            let help = match &node.kind {
                NodeKind::Mapping(_) => {
                    "an expression that holds `: ` or starts with `{` needs `|`"
                }
                _ => "put the expression on the lines below its key, after `|`",
            };
            let span = self.first_line(node.span);
            self.report("E012", span, title, "not an expression", Some(help.to_owned()));
            return None;
        };
        if text.is_empty() {
            let help = Some("write a condition or a value, or delete the key".to_owned());
            self.report("E109", node.span, "an expression is missing", "nothing follows", help);
            return None;
        }
        if !is_raw {
            let title = "an expression cannot stand in quotes with escapes";
            let help = Some("put it on the lines below its key, after `|`".to_owned());
            self.report("E107", node.span, title, "holds an escaped character", help);
            return None;
        }
        let (syntax, mut problems) = parse::expression(self.path, self.source, node.span);
        remarks::blame(self.source, node, &mut problems);
        self.problems.extend(problems);
        self.expression(&syntax, place)
    }

    /// The expression as written, in brackets if it has parts.
    fn as_operand(&self, expr: &Expr) -> String {
        let written = self.written(expr.span);
        let is_simple = expr.parts().is_empty() || written.ends_with(')');
        if is_simple { written } else { format!("({written})") }
    }

    /// The part of `span` on its first line, so that long blocks are not drawn whole.
    fn first_line(&self, span: SourceSpan) -> SourceSpan {
        let text = self.source.get(span.start..span.end).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default().trim_end();
        SourceSpan { start: span.start, end: span.start + line.len() }
    }
}

/// A condition that holds whenever it is asked.
const fn always(span: SourceSpan) -> Expr {
    Expr { kind: ExprKind::Literal(Literal::Bool(true)), ty: Type::Bool, span }
}

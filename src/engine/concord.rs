//! Whole random rules, judged in three ways that must agree: the compiled plan as the engine runs it, the
//! typed tree walked by a plain `match`, and the parsed text read by the language reference alone.
//!
//! The rules are files as an analyst writes them, read by the real loader; the stories have late events,
//! repeated ones, and customers who become known later. Agreed on must be every `let`, the cheap filter,
//! the condition, which exception excused, the score, the message, and every alert that is raised or
//! extended. `PROPTEST_CASES` sets how many rules are tried, 256 otherwise.

mod alerts;
mod claims;
mod draft;
mod figure;
mod naive;
mod narrow;
mod overhear;
mod story;
mod tape;
mod tree;
mod windows;
mod writer;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::iter::Peekable;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;

use crate::domain::Event;
use crate::domain::event::TransactionKind;
use crate::rulebook::syntax::Function;
use crate::rulebook::{Rulebook, loader};

use super::outcome::Effect;
use super::{Engine, Limits, wake};
use alerts::Alerts;
use draft::{Draft, FILES};
use figure::Figure;
use naive::Naive;
use story::{Row, World, events};
use tree::Tree;
use windows::Past;
use writer::draft;

pub use overhear::Heard;

/// A value with whatever stands for its numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen<N> {
    Absent,
    Number(N),
    Text(String),
    /// A time or a duration.
    Micros(i64),
    Bool(bool),
}

impl<N> Seen<N> {
    /// The same with another kind of number.
    fn map<M>(self, convert: impl FnOnce(N) -> M) -> Seen<M> {
        match self {
            Self::Absent => Seen::Absent,
            Self::Number(number) => Seen::Number(convert(number)),
            Self::Text(text) => Seen::Text(text),
            Self::Micros(micros) => Seen::Micros(micros),
            Self::Bool(truth) => Seen::Bool(truth),
        }
    }

    fn number(&self) -> Option<N>
    where
        N: Clone,
    {
        match self {
            Self::Number(number) => Some(number.clone()),
            _ => None,
        }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// A number without zeros that mean nothing.
trait Told {
    fn told(&self) -> String;
}

impl Told for Decimal {
    fn told(&self) -> String {
        if self.is_zero() { "0".to_owned() } else { self.normalize().to_string() }
    }
}

impl Told for Figure {
    fn told(&self) -> String {
        self.to_string()
    }
}

impl<N: Told> fmt::Display for Seen<N> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => out.write_str("absent"),
            Self::Number(number) => write!(out, "number {}", number.told()),
            Self::Text(text) => write!(out, "text {text}"),
            Self::Micros(micros) => write!(out, "micros {micros}"),
            Self::Bool(truth) => write!(out, "{truth}"),
        }
    }
}

/// What one rule makes of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub lets: Vec<(String, String)>,
    /// `where`
    pub is_let_in: bool,
    /// `when`
    pub holds: bool,
    /// The first exception that holds.
    pub excuse: Option<String>,
    pub score: String,
    /// Without cuts and joins of white space; the tree does not write any.
    pub message: Option<String>,
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_plan_the_tree_and_the_text_agree_about_whole_rules(
        rule in prop::collection::vec(any::<u8>(), 0..300),
        story in prop::collection::vec(prop::collection::vec(any::<u8>(), 24), 1..24),
    ) {
        let draft = draft(&rule);
        let rulebook = Arc::new(load(&draft.yaml()));
        let mut run = Run::new(&draft, &rulebook);
        for (sequence, event) in (1..).zip(&events(&story)) {
            run.step(sequence, event)?;
        }
    }
}

/// What the comparison came across, so that it cannot agree about nothing.
#[derive(Debug, Default)]
struct Tally {
    raised: usize,
    extended: usize,
    excused: usize,
    again: usize,
    absent: usize,
    there: usize,
}

#[test]
fn the_comparison_comes_across_every_outcome() {
    let rule = prop::collection::vec(any::<u8>(), 0..300);
    let story = prop::collection::vec(prop::collection::vec(any::<u8>(), 24), 1..24);
    let mut runner = TestRunner::deterministic();
    let mut tally = Tally::default();
    for _ in 0..100 {
        let rule = rule.new_tree(&mut runner).expect("bytes").current();
        let story = story.new_tree(&mut runner).expect("bytes").current();
        let draft = draft(&rule);
        let rulebook = Arc::new(load(&draft.yaml()));
        let mut run = Run::new(&draft, &rulebook);
        for (sequence, event) in (1..).zip(&events(&story)) {
            run.step(sequence, event).expect("agreement");
        }
        tally.add(&run.tally);
    }
    let Tally { raised, extended, excused, again, absent, there } = tally;
    let least = [raised, extended, excused, again, absent, there].into_iter().min();
    assert!(least >= Some(10), "{tally:?}");
}

#[test]
fn random_rules_have_every_function_and_fold() {
    let rule = prop::collection::vec(any::<u8>(), 0..300);
    let mut runner = TestRunner::deterministic();
    let texts = std::iter::repeat_with(|| rule.new_tree(&mut runner).expect("bytes").current());
    let texts: String = texts.take(1_000).map(|bytes| draft(&bytes).yaml()).collect();
    let functions = Function::ALL.iter().filter(|it| **it != Function::Matches);
    let folds = ["count", "sum", "avg", "min_of", "max_of", "distinct", "stddev", "median"];
    let folds = folds.into_iter().chain(["percentile", "first", "last", "since"]);
    let words = functions.map(|function| function.word()).chain(folds);
    let missing: Vec<&str> = words.filter(|word| !texts.contains(&format!("{word}("))).collect();
    assert!(missing.is_empty(), "never written: {missing:?}");
}

fn load(text: &str) -> Rulebook {
    let files = FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    let mut files: BTreeMap<String, String> = files.collect();
    files.insert("asks.yaml".to_owned(), text.to_owned());
    let loaded = loader::load(&files);
    loaded.rulebook.unwrap_or_else(|| {
        let problems = loaded.diagnostics.iter();
        let errors = problems.filter(|it| it.code.starts_with('E'));
        panic!("{:#?}\n{text}", errors.collect::<Vec<_>>())
    })
}

/// The three side by side, and an engine that nobody listens to.
struct Run<'a> {
    draft: &'a Draft,
    rulebook: &'a Rulebook,
    naive: Naive<'a>,
    world: World,
    alerts: Alerts,
    /// Alerts of the engine by their ids.
    names: BTreeMap<String, String>,
    engine: Engine,
    unheard: Engine,
    tally: Tally,
}

impl<'a> Run<'a> {
    fn new(draft: &'a Draft, rulebook: &'a Arc<Rulebook>) -> Self {
        // Nothing is forgotten, so that an event can be judged again however late its identity comes.
        let limits =
            Limits { judge_again_within: crate::domain::Span::days(3650), ..Limits::default() };
        let mut engine = Engine::new(Arc::clone(rulebook), limits.clone());
        engine.state.heard = Some(Vec::new());
        Self {
            draft,
            rulebook,
            naive: Naive::new(draft, &rulebook.lists),
            world: World::default(),
            alerts: Alerts::new(draft),
            names: BTreeMap::new(),
            engine,
            unheard: Engine::new(Arc::clone(rulebook), limits),
            tally: Tally::default(),
        }
    }

    fn step(&mut self, sequence: u64, event: &Event<'static>) -> Result<(), TestCaseError> {
        let effects = self.engine.apply(sequence, event).effects;
        let unheard = self.unheard.apply(sequence, event).effects;
        prop_assert_eq!(&effects, &unheard, "listening changed something");
        let effects = alerted(&mut self.names, &effects);
        let heard = std::mem::take(self.engine.state.heard.as_mut().expect("ears"));
        let mut heard = heard.into_iter().peekable();
        let count = self.world.apply(sequence, event);
        let mut expected = Vec::new();
        let rows = std::mem::take(&mut self.world.rows);
        let mut settled = BTreeSet::new();
        for index in rows.len() - count..rows.len() {
            let row = &rows[index];
            // All that waited is there before any of it is judged.
            let (end, then) =
                if row.is_again { (rows.len(), Some(row.at)) } else { (index + 1, None) };
            if row.is_again {
                settled.extend(self.alerts.done_of(row.sequence));
            }
            let zone = &self.rulebook.institution.zone;
            let kinds = self.naive.kinds().clone();
            let past = Past {
                rows: &rows[..end],
                row,
                then,
                entity: self.draft.entity,
                kinds: &kinds,
                zone,
            };
            let entity = row.role(self.draft.entity).filter(|_| row.name == "transaction");
            let Some(entity) = entity.filter(|entity| !self.alerts.is_done(row, entity)) else {
                continue;
            };
            if self.judge(past, &entity, &mut heard, &mut expected)? {
                settled.insert(entity);
            }
        }
        // What was judged while the others waited may have needed them.
        let waited = &rows[rows.len() - count..];
        for row in last_first(waited) {
            let Some(entity) = row.role(self.draft.entity) else { continue };
            let zone = &self.rulebook.institution.zone;
            let kinds = self.naive.kinds().clone();
            let mut past = Past {
                rows: &rows,
                row,
                then: None,
                entity: self.draft.entity,
                kinds: &kinds,
                zone,
            };
            let latest = past.latest(&[self.draft.entity.to_owned()]);
            if !settled.contains(&entity) && latest > Some(row.at) {
                past.then = latest;
                if self.judge(past, &entity, &mut heard, &mut expected)? {
                    settled.insert(entity);
                }
            }
        }
        self.world.rows = rows;
        let rest: Vec<Heard> = heard.collect();
        prop_assert!(rest.is_empty(), "judged too much: {:#?}\n{}", rest, self.draft.yaml());
        self.tally.raised += effects.iter().filter(|it| it.starts_with("raised")).count();
        self.tally.extended += effects.iter().filter(|it| it.starts_with("extended")).count();
        prop_assert_eq!(effects, expected, "alerts differ: {}\n{:#?}", self.draft.yaml(), event);
        Ok(())
    }

    /// Judges one row in three ways; whether it matched.
    fn judge(
        &mut self,
        past: Past<'_>,
        entity: &str,
        heard: &mut Peekable<impl Iterator<Item = Heard>>,
        expected: &mut Vec<String>,
    ) -> Result<bool, TestCaseError> {
        let row = past.row();
        let naive = self.naive.judge(past);
        let tree = Tree { rulebook: self.rulebook, rule: &self.rulebook.rules[0] }.judge(past);
        let written = Judged { message: None, ..naive.clone() };
        let story = || format!("{}\n{row:#?}", self.draft.yaml());
        prop_assert_eq!(&tree, &written, "tree and text differ: {}", story());
        match heard.next_if(|heard| is_of(heard, row)) {
            Some(heard) => {
                prop_assert_eq!(&heard.judged, &naive, "plan and text differ: {}", story());
            }
            None => prop_assert!(!(naive.is_let_in && naive.holds), "unheard: {}", story()),
        }
        self.tally.note(row, &naive);
        let is_match = naive.is_let_in && naive.holds && naive.excuse.is_none();
        if is_match {
            expected.extend(self.alerts.matched(past, entity, &naive));
        }
        Ok(is_match)
    }
}

impl Tally {
    fn note(&mut self, row: &Row, judged: &Judged) {
        let absent = judged.lets.iter().filter(|(_, value)| value == "absent").count();
        self.absent += absent;
        self.there += judged.lets.len() - absent;
        self.again += usize::from(row.is_again);
        let is_match = judged.is_let_in && judged.holds;
        self.excused += usize::from(is_match && judged.excuse.is_some());
    }

    fn add(&mut self, other: &Self) {
        self.raised += other.raised;
        self.extended += other.extended;
        self.excused += other.excused;
        self.again += other.again;
        self.absent += other.absent;
        self.there += other.there;
    }
}

/// The rows that waited, the last event first, the sides of each in their order.
fn last_first(rows: &[Row]) -> Vec<&Row> {
    let waited = rows.iter().filter(|row| row.is_again);
    let mut order: Vec<&Row> = waited.collect();
    order.sort_by_key(|row| Reverse((row.at, row.sequence)));
    order
}

/// Whether the engine's note is about `row`.
fn is_of(heard: &Heard, row: &Row) -> bool {
    let kind = row.field("tx.type").text().and_then(|word| TransactionKind::parse(&word));
    let is_inbound = row.is_inbound();
    let place = kind.map(|kind| wake::place(kind, is_inbound));
    (heard.sequence, heard.is_again, heard.place) == (row.sequence, row.is_again, place)
}

/// Alerts among effects, one line each; `names` tells alerts by entity and opening event.
fn alerted(names: &mut BTreeMap<String, String>, effects: &[Effect]) -> Vec<String> {
    let mut lines = Vec::new();
    for effect in effects {
        lines.extend(match effect {
            Effect::AlertRaised(alert) => {
                let name = format!("{} {}", alert.entity.id, alert.event.id);
                names.insert(alert.id.clone(), name.clone());
                let told = (alert.at.0, alert.score.told(), alert.message.clone());
                Some(alerts::line("raised", &name, (told.0, &told.1, &told.2)))
            }
            Effect::AlertExtended(update) => {
                let name = names.get(&update.alert).cloned().unwrap_or_default();
                let told = (update.at.0, update.score.told(), update.message.clone());
                Some(alerts::line("extended", &name, (told.0, &told.1, &told.2)))
            }
            _ => None,
        });
    }
    lines
}

//! Compares what a test expects with what the engine did.
//!
//! Only what the test writes is compared, in order; how many came always is. Values are compared
//! exactly. A missing alert does not make all later ones look wrong: both sides are aligned first.

use rust_decimal::Decimal;

use crate::domain::alert::NamedValue;
use crate::domain::{Alert, Instant, RekycRequest, Span};
use crate::rulebook::example::{Example, ExpectedAlert, ExpectedRekyc};
use crate::rulebook::typed::{Literal, SourceSpan};

use super::why::{Why, why};
use super::{Change, Difference, Performance, Subject, offset};

/// Everything that was not as expected: alerts first, then re-KYC requests.
pub fn differences(example: &Example, performance: &Performance) -> Vec<Difference> {
    let mut differences = alert_differences(example, performance);
    if let Some(expected) = &example.rekyc {
        differences.extend(rekyc_differences(example, expected, performance));
    }
    differences
}

fn alert_differences(example: &Example, performance: &Performance) -> Vec<Difference> {
    let (expected, actual) = (&example.alerts, &performance.alerts);
    let same_entity = |expected: &ExpectedAlert, actual: &Alert| {
        expected.entity.as_ref().is_none_or(|entity| *entity == actual.entity.id)
    };
    let of_alert = |alert: &ExpectedAlert| {
        why(example, performance, Subject::Alert, alert.at, alert.entity.as_deref())
    };
    let mut differences = Vec::new();
    let pairs = align(expected, actual, |e, a| (e.at == a.at, same_entity(e, a)));
    for (number, pair) in pairs.into_iter().enumerate() {
        match pair {
            Pair::Missing(alert) => differences.push(Difference {
                span: alert.span,
                subject: Subject::Alert,
                at: offset(example, alert.at),
                change: missing_alert(alert),
                why: Some(of_alert(alert)),
                pair: number,
            }),
            Pair::Unexpected(alert) => {
                let mut values = vec![("score".to_owned(), alert.score.normalize().to_string())];
                let named = &alert.evidence.values;
                values.extend(named.iter().map(|it| (it.name.clone(), it.value.clone())));
                differences.push(Difference {
                    span: example.span,
                    subject: Subject::Alert,
                    at: offset(example, alert.at),
                    change: Change::Unexpected { entity: alert.entity.id.clone(), values },
                    why: None,
                    pair: number,
                });
            }
            Pair::Both(expected, actual) => {
                let mut found =
                    Found::new(example, Subject::Alert, expected.at, number, &mut differences);
                found.instant(expected.span, expected.at, actual.at, || of_alert(expected));
                if !same_entity(expected, actual) {
                    let entity = expected.entity.clone().unwrap_or_default();
                    found.different(expected.span, "entity", entity, actual.entity.id.clone());
                }
                if let Some(score) = expected.score.filter(|score| *score != actual.score) {
                    let actual = actual.score.normalize().to_string();
                    found.different(expected.span, "score", score.to_string(), actual);
                }
                for (name, literal, span) in &expected.values {
                    found.value(*span, name, literal, &actual.evidence.values);
                }
            }
        }
    }
    differences
}

fn missing_alert(alert: &ExpectedAlert) -> Change {
    let score = alert.score.map(|score| ("score".to_owned(), score.normalize().to_string()));
    let named = alert.values.iter().map(|(name, value, _)| (name.clone(), shown(value)));
    let values = score.into_iter().chain(named).collect();
    Change::Missing { entity: alert.entity.clone(), values }
}

fn missing_request(request: &ExpectedRekyc) -> Change {
    let level = request.level.clone().map(|level| ("level".to_owned(), level));
    Change::Missing { entity: request.entity.clone(), values: level.into_iter().collect() }
}

fn rekyc_differences(
    example: &Example,
    expected: &[ExpectedRekyc],
    performance: &Performance,
) -> Vec<Difference> {
    // A request is about a customer; a test of a rule about accounts may name the account instead.
    let alert_entity = |request: &RekycRequest| {
        let alert = performance.alerts.iter().find(|it| Some(&it.id) == request.alert.as_ref());
        alert.map(|alert| alert.entity.id.as_str())
    };
    let same_entity = |expected: &ExpectedRekyc, request: &RekycRequest| {
        expected.entity.as_deref().is_none_or(|entity| {
            entity == request.customer || Some(entity) == alert_entity(request)
        })
    };
    let of_request = |request: &ExpectedRekyc| {
        why(example, performance, Subject::Rekyc, request.at, request.entity.as_deref())
    };
    let mut differences = Vec::new();
    let fits = |e: &ExpectedRekyc, a: &RekycRequest| (e.at == a.at, same_entity(e, a));
    // Counted on from the alerts, so that no request shares a number with one.
    let first = example.alerts.len() + performance.alerts.len();
    let pairs = align(expected, &performance.requests, fits);
    for (number, pair) in (first..).zip(pairs) {
        match pair {
            Pair::Missing(request) => differences.push(Difference {
                span: request.span,
                subject: Subject::Rekyc,
                at: offset(example, request.at),
                change: missing_request(request),
                why: Some(of_request(request)),
                pair: number,
            }),
            Pair::Unexpected(request) => differences.push(Difference {
                span: example.span,
                subject: Subject::Rekyc,
                at: offset(example, request.at),
                change: Change::Unexpected {
                    entity: request.customer.clone(),
                    values: vec![("level".to_owned(), request.level.word().to_owned())],
                },
                why: None,
                pair: number,
            }),
            Pair::Both(expected, actual) => {
                let mut found =
                    Found::new(example, Subject::Rekyc, expected.at, number, &mut differences);
                found.instant(expected.span, expected.at, actual.at, || of_request(expected));
                if !same_entity(expected, actual) {
                    let entity = expected.entity.clone().unwrap_or_default();
                    found.different(expected.span, "entity", entity, actual.customer.clone());
                }
                let actual = actual.level.word();
                if let Some(level) = expected.level.as_deref().filter(|level| *level != actual) {
                    found.different(expected.span, "level", level.to_owned(), actual.to_owned());
                }
            }
        }
    }
    differences
}

/// Where differences of one pair are gathered.
struct Found<'a> {
    example: &'a Example,
    subject: Subject,
    at: Span,
    pair: usize,
    differences: &'a mut Vec<Difference>,
}

impl<'a> Found<'a> {
    fn new(
        example: &'a Example,
        subject: Subject,
        at: Instant,
        pair: usize,
        differences: &'a mut Vec<Difference>,
    ) -> Self {
        Self { example, subject, at: offset(example, at), pair, differences }
    }

    fn different(&mut self, span: SourceSpan, what: &str, expected: String, actual: String) {
        self.differences.push(Difference {
            span,
            subject: self.subject,
            at: self.at,
            change: Change::Different { what: what.to_owned(), expected, actual },
            why: None,
            pair: self.pair,
        });
    }

    fn instant(
        &mut self,
        span: SourceSpan,
        expected: Instant,
        actual: Instant,
        why: impl FnOnce() -> Why,
    ) {
        if expected != actual {
            let actual = offset(self.example, actual).to_string();
            self.different(span, "at", offset(self.example, expected).to_string(), actual);
            if let Some(difference) = self.differences.last_mut() {
                difference.why = Some(why());
            }
        }
    }

    fn value(&mut self, span: SourceSpan, name: &str, expected: &Literal, actual: &[NamedValue]) {
        let found = actual.iter().find(|value| value.name == name);
        let actual = found.map_or("absent", |value| value.value.as_str());
        if !equals(expected, actual) {
            self.different(span, name, shown(expected), actual.to_owned());
        }
    }
}

/// Whether a value of the evidence, which is text, is the expected one.
fn equals(expected: &Literal, actual: &str) -> bool {
    match expected {
        Literal::Number(number) => {
            Decimal::from_str_exact(actual).is_ok_and(|actual| actual == *number)
        }
        Literal::Duration(span) => Span::parse(actual) == Some(*span),
        Literal::Text(text) => text == actual,
        Literal::Bool(value) => value.to_string() == actual,
    }
}

fn shown(literal: &Literal) -> String {
    match literal {
        Literal::Number(number) => number.normalize().to_string(),
        Literal::Duration(span) => span.to_string(),
        Literal::Text(text) => text.clone(),
        Literal::Bool(value) => value.to_string(),
    }
}

/// One row of two aligned lists.
enum Pair<'a, E, A> {
    Both(&'a E, &'a A),
    Missing(&'a E),
    Unexpected(&'a A),
}

/// Aligns both lists: the longest run of pairs that agree in time and entity holds everything else in
/// place; between them, what agrees in one of the two is taken for the same thing.
fn align<'a, E, A>(
    expected: &'a [E],
    actual: &'a [A],
    fits: impl Fn(&E, &A) -> (bool, bool),
) -> Vec<Pair<'a, E, A>> {
    let mut rest_expected = expected.iter().peekable();
    let mut rest_actual = actual.iter().peekable();
    let mut pairs = Vec::new();
    for (anchor_expected, anchor_actual) in anchors(expected, actual, &fits) {
        let before_expected: Vec<&E> =
            rest_expected.by_ref().take_while(|it| !std::ptr::eq(*it, anchor_expected)).collect();
        let before_actual: Vec<&A> =
            rest_actual.by_ref().take_while(|it| !std::ptr::eq(*it, anchor_actual)).collect();
        pair_up(&before_expected, &before_actual, &fits, &mut pairs);
        pairs.push(Pair::Both(anchor_expected, anchor_actual));
    }
    let (rest_expected, rest_actual): (Vec<&E>, Vec<&A>) =
        (rest_expected.collect(), rest_actual.collect());
    pair_up(&rest_expected, &rest_actual, &fits, &mut pairs);
    pairs
}

/// Pairs in order what agrees in time or entity; the rest stands alone.
fn pair_up<'a, E, A>(
    expected: &[&'a E],
    actual: &[&'a A],
    fits: impl Fn(&E, &A) -> (bool, bool),
    pairs: &mut Vec<Pair<'a, E, A>>,
) {
    let mut actual = actual.iter().copied().peekable();
    for it in expected {
        match actual.next_if(|other| matches!(fits(it, other), (true, _) | (_, true))) {
            Some(other) => pairs.push(Pair::Both(it, other)),
            None => pairs.push(Pair::Missing(it)),
        }
    }
    pairs.extend(actual.map(Pair::Unexpected));
}

/// The longest common subsequence of what agrees in time and entity.
fn anchors<'a, E, A>(
    expected: &'a [E],
    actual: &'a [A],
    fits: impl Fn(&E, &A) -> (bool, bool),
) -> Vec<(&'a E, &'a A)> {
    // longest[i] holds, per place in `actual`, how many pairs the suffixes from there on can have.
    let width = actual.len() + 1;
    let mut longest = vec![vec![0_usize; width]];
    let at = |row: Option<&Vec<usize>>, column: usize| {
        row.and_then(|row| row.get(column)).copied().unwrap_or(0)
    };
    for one in expected.iter().rev() {
        let below = longest.last();
        let mut row = vec![0; width];
        for (column, other) in actual.iter().enumerate().rev() {
            let best = if fits(one, other) == (true, true) {
                at(below, column + 1) + 1
            } else {
                at(below, column).max(at(Some(&row), column + 1))
            };
            if let Some(place) = row.get_mut(column) {
                *place = best;
            }
        }
        longest.push(row);
    }
    longest.reverse();
    let (mut line, mut column, mut found) = (0, 0, Vec::new());
    while let (Some(one), Some(other)) = (expected.get(line), actual.get(column)) {
        if fits(one, other) == (true, true) {
            found.push((one, other));
            line += 1;
            column += 1;
        } else if at(longest.get(line + 1), column) >= at(longest.get(line), column + 1) {
            line += 1;
        } else {
            column += 1;
        }
    }
    found
}

//! What the reader makes of a section, and what it refuses: each refusal by its code and place.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::*;
use crate::rulebook::source;
use crate::rulebook::typed::Literal;

const PATH: &str = "pack/rule.yaml";

/// Reads a section for a rule about customers that waits for transactions.
fn read_section(text: &str) -> (Vec<Example>, Vec<Diagnostic>) {
    let text = format!("tests:\n{text}\n");
    let (tree, mut problems) = source::read(PATH, &text);
    let tree = tree.expect("a tree");
    let node = &tree.entry("tests").expect("the section").value;
    let lets = [
        ("n".to_owned(), Some(Type::Number)),
        ("age".to_owned(), Some(Type::Duration)),
        ("is_new".to_owned(), Some(Type::Bool)),
        ("since".to_owned(), Some(Type::Time)),
    ];
    let lists = BTreeMap::from([("branches".to_owned(), List::default())]);
    let rule = RuleNames {
        catalogue: &Catalogue::built_in(),
        trigger: Some(EventName::Transaction),
        entity: Some(Role::CUSTOMER),
        lets: &lets,
        asks_for_rekyc: true,
        lists: &lists,
    };
    let examples = read(node, &rule, &mut problems, PATH);
    for problem in &problems {
        let place = problem.span.start..problem.span.end;
        assert!(text.get(place).is_some_and(|piece| !piece.is_empty()), "{problem:?}");
    }
    (examples, problems)
}

/// The codes of the problems in one test whose body is `body`.
fn codes(body: &str) -> Vec<&'static str> {
    let (_, problems) = read_section(&format!("  - {body}"));
    problems.iter().map(|problem| problem.code).collect()
}

fn number(text: &str) -> Decimal {
    text.parse().expect("a number")
}

#[test]
fn a_story_is_read_with_defaults_repetition_and_facts() {
    let (examples, problems) = read_section(
        r#"
  - name: a story
    given:
      customer: { C1: { risk: high, since: -20d, expected_turnover: 2_500.50 }, C2: { known: false } }
      account: { A1: { opened_at: 2020-01-01T00:00:00Z, purpose: club } }
      list: { branches: [B1, B2] }
    defaults: { tx: { customer: C1, type: wire, amount: 10 } }
    events:
      - { at: 1d, every: 2h, times: 3, tx: { counterparty: "P{i}", country: NO } }
      - { at: -30d, tx: { amount: 9400.50, type: cash_deposit } }
      - { at: 0d, kyc.registered: { customer: C3, risk: low, document: D1 } }
      - { at: 5m, security.login: { customer: C1, outcome: success } }
    alerts:
      - { at: 2d, entity: C1, score: 55, n: 3, age: 36h, is_new: true, since: absent }
    rekyc:
      - { at: 2d, level: enhanced }
  - name: nothing happens
    events: [{ at: 0h, tx: { customer: C1, amount: 1 } }]
    alerts: []
"#,
    );
    assert_eq!(problems, []);
    let [story, quiet] = examples.as_slice() else { panic!("two examples") };
    let start = Instant::parse(STORY_START).expect("a time");
    assert_eq!(story.start, start);
    let facts = &story.customers["C1"];
    assert_eq!(facts["risk"], Value::Text("high".to_owned()));
    assert_eq!(facts["since"], Value::Time(start.minus(Span::days(20))));
    assert_eq!(facts["expected_turnover"], Value::Number(number("2500.50")));
    assert_eq!(story.customers["C2"]["known"], Value::Bool(false));
    let branches: Vec<&str> =
        story.lists["branches"].rows.iter().map(|row| row.value.as_str()).collect();
    assert_eq!(branches, ["B1", "B2"]);
    let times: Vec<Span> = story.events.iter().map(|event| event.at - start).collect();
    let hours = [24, 26, 28, -720, 0].map(Span::hours);
    assert_eq!(times, [&hours[..], &[Span::minutes(5)]].concat());
    let third = &story.events[2].fields;
    assert_eq!(third["counterparty"], Value::Text("P3".to_owned()));
    assert_eq!(third["type"], Value::Text("wire".to_owned()));
    assert_eq!(third["country"], Value::Text("NO".to_owned()), "Norway, not false");
    let own = &story.events[3].fields;
    assert_eq!(own["type"], Value::Text("cash_deposit".to_owned()), "before the default");
    assert_eq!(own["amount"], Value::Number(number("9400.50")));
    let [alert] = story.alerts.as_slice() else { panic!("one alert") };
    let values: Vec<&Literal> = alert.values.iter().map(|(_, literal, _)| literal).collect();
    assert_eq!(
        values,
        [
            &Literal::Number(number("3")),
            &Literal::Duration(Span::hours(36)),
            &Literal::Bool(true),
            &Literal::Text("absent".to_owned())
        ]
    );
    assert_eq!((alert.score, alert.at - start), (Some(number("55")), Span::days(2)));
    assert_eq!(story.rekyc.as_ref().map(Vec::len), Some(1));
    assert!(quiet.rekyc.is_none() && quiet.alerts.is_empty());
}

#[test]
fn every_mistake_has_its_code() {
    let ok = "alerts: [{ at: 0h }]";
    let tx = "events: [{ at: 0h, tx: { customer: C1, amount: 1 } }]";
    for (code, body) in [
        ("E200", format!("{{ name: [a], {tx}, {ok} }}")),
        ("E200", format!("{{ name: a, events: {{ at: 0h }}, {ok} }}")),
        ("E200", format!("{{ name: a, {tx}, alerts: none }}")),
        ("E201", format!("{{ name: a, {tx}, alert: [], {ok} }}")),
        ("E201", format!("{{ name: a, given: {{ customers: {{}} }}, {tx}, {ok} }}")),
        ("E202", format!("{{ {tx}, {ok} }}")),
        ("E202", format!("{{ name: a, {ok} }}")),
        ("E202", format!("{{ name: a, events: [], {ok} }}")),
        ("E202", format!("{{ name: a, {tx} }}")),
        ("E202", format!("{{ name: a, {tx}, alerts: [{{ entity: C1 }}] }}")),
        ("E202", format!("{{ name: a, events: [{{ tx: {{ customer: C, amount: 1 }} }}], {ok} }}")),
        ("E203", format!("{{ name: a, events: [{{ at: 0h }}], {ok} }}")),
        ("E203", format!("{{ name: a, events: [{{ at: 0h, transaction: {{}} }}], {ok} }}")),
        ("E203", format!("{{ name: a, events: [{{ at: 0h, tx: {{}}, kyc.ended: {{}} }}], {ok} }}")),
        (
            "E204",
            format!("{{ name: a, given: {{ customer: {{ C1: {{ rsk: low }} }} }}, {tx}, {ok} }}"),
        ),
        ("E204", format!("{{ name: a, defaults: {{ tx: {{ amont: 1 }} }}, {tx}, {ok} }}")),
        ("E204", format!("{{ name: a, {tx}, alerts: [{{ at: 0h, m: 3 }}] }}")),
        (
            "E205",
            format!("{{ name: a, given: {{ customer: {{ C1: {{ risk: lo }} }} }}, {tx}, {ok} }}"),
        ),
        ("E205", format!("{{ name: a, defaults: {{ tx: {{ type: wired }} }}, {tx}, {ok} }}")),
        ("E205", format!("{{ name: a, defaults: {{ tx: {{ amount: -1 }} }}, {tx}, {ok} }}")),
        ("E205", format!("{{ name: a, defaults: {{ tx: {{ amount: 1e9 }} }}, {tx}, {ok} }}")),
        ("E205", format!("{{ name: a, defaults: {{ tx: {{ country: no }} }}, {tx}, {ok} }}")),
        ("E205", format!("{{ name: a, defaults: {{ tx: {{ currency: XXZ }} }}, {tx}, {ok} }}")),
        ("E205", format!("{{ name: a, {tx}, alerts: [{{ at: 0h, age: 3 }}] }}")),
        ("E205", format!("{{ name: a, {tx}, {ok}, rekyc: [{{ at: 0h, level: deep }}] }}")),
        ("E206", format!("{{ name: a, start: monday, {tx}, {ok} }}")),
        ("E206", format!("{{ name: a, {tx}, alerts: [{{ at: 3 }}] }}")),
        (
            "E207",
            format!(
                "{{ name: a, events: [{{ at: 0h, every: 1h, tx: {{ customer: C, amount: 1 }} }}], {ok} }}"
            ),
        ),
        (
            "E207",
            format!(
                "{{ name: a, events: [{{ at: 0h, every: 1h, times: 0, tx: {{ customer: C, amount: 1 }} }}], {ok} }}"
            ),
        ),
        ("E209", format!("{{ name: a, given: {{ list: {{ branchs: [] }} }}, {tx}, {ok} }}")),
        ("E210", format!("{{ name: a, events: [{{ at: 0h, tx: {{ customer: C1 }} }}], {ok} }}")),
        ("E210", format!("{{ name: a, events: [{{ at: 0h, tx: {{ amount: 1 }} }}], {ok} }}")),
        (
            "E210",
            format!("{{ name: a, events: [{{ at: 0h, kyc.ended: {{ risk: low }} }}], {ok} }}"),
        ),
        (
            "E210",
            format!(
                "{{ name: a, given: {{ customer: {{ C1: {{ state: lapsed }} }} }}, {tx}, {ok} }}"
            ),
        ),
        (
            "E210",
            format!(
                "{{ name: a, given: {{ customer: {{ C1: {{ known: false, risk: low }} }} }}, {tx}, {ok} }}"
            ),
        ),
    ] {
        assert_eq!(codes(&body), [code], "{body}");
    }
}

#[test]
fn all_problems_of_a_section_are_reported_at_once() {
    let (examples, problems) = read_section(
        r"
  - name: a
    events: [{ at: 0h, tx: { customer: C1, amont: 1 } }]
    alerts: [{ at: 0h, m: 1, entity: C1 }]
  - name: b
    start: never
",
    );
    let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["E204", "E204", "E206"]);
    assert!(problems[0].help.as_ref().is_some_and(|help| help.contains("`amount`")));
    assert!(examples.is_empty(), "nothing half-read is run");
}

#[test]
fn a_story_has_a_limit() {
    let body = "{ name: a, alerts: [], events: [
      { at: 0h, every: 1s, times: 10000, tx: { customer: C1, amount: 1 } },
      { at: 0h, tx: { customer: C1, amount: 1 } }] }";
    assert_eq!(codes(body), ["E208"]);
}

#[test]
fn two_tests_of_one_name_are_one_too_many() {
    let one = "  - { name: a, events: [{ at: 0h, tx: { customer: C1, amount: 1 } }], alerts: [] }";
    let (examples, problems) = read_section(&format!("{one}\n{one}"));
    assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["E211"]);
    assert_eq!(examples.len(), 1);
}

#[test]
fn a_test_that_never_wakes_the_rule_is_pointed_out() {
    assert_eq!(
        codes("{ name: a, events: [{ at: 0h, kyc.ended: { customer: C1 } }], alerts: [] }"),
        ["W302"]
    );
    assert_eq!(
        codes("{ name: a, events: [{ at: 0h, tx: { account: A1, amount: 1 } }], alerts: [] }"),
        ["W302"]
    );
}

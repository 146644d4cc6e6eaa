//! What functions give, asked by a rule that writes one value down.

use std::collections::BTreeMap;

use crate::engine::rehearsal;
use crate::rulebook::institution::zone_named;
use crate::rulebook::{Rulebook, loader};

/// A rule that raises an alert for every transaction and shows `v`.
const PROBE: &str = r#"
lang: 1
rule: probe
title: Shows one value
about: Raises an alert for every transaction.
severity: low
trigger: transaction
entity: customer
let:
  v: |
    EXPRESSION
when: tx.amount >= 0
alert:
  score: 1
  message: "{v}"
tests:
  - name: one value
    start: 2026-01-05T23:30:00Z
    given: GIVEN
    events:
      - { at: 0d, tx: { customer: C1, EVENT } }
    alerts:
      - { at: 0d, entity: C1, v: EXPECTED }
"#;

/// A rulebook with the probe and some lists.
pub fn probe(expression: &str, event: &str, expected: &str, lists: &[(&str, &str)]) -> Rulebook {
    let text = PROBE
        .replace("EXPRESSION", expression)
        .replace("EVENT", event)
        .replace("EXPECTED", expected)
        .replace("GIVEN", "{}");
    let mut texts = BTreeMap::from([("probe.yaml".to_owned(), text)]);
    for (name, list) in lists {
        texts.insert(format!("lists/{name}.csv"), (*list).to_owned());
    }
    let loaded = loader::load(&texts);
    loaded.rulebook.unwrap_or_else(|| panic!("{expression}: {:#?}", loaded.diagnostics))
}

#[track_caller]
fn check(rulebook: &Rulebook, expression: &str) {
    let report = rehearsal::rehearse_all(rulebook);
    let differences: Vec<String> = report
        .rehearsals
        .iter()
        .flat_map(|rehearsal| rehearsal.differences.iter().map(ToString::to_string))
        .collect();
    assert!(differences.is_empty(), "{expression}: {differences:?}");
}

#[test]
fn each_function_gives_what_the_reference_says() {
    for (expression, event, expected) in [
        ("starts_with(tx.counterparty, \"DE\")", "amount: 1, counterparty: DE12", "true"),
        ("starts_with(tx.counterparty, \"DE\")", "amount: 1, counterparty: D", "false"),
        ("starts_with(tx.counterparty, tx.bank)", "amount: 1, counterparty: X1, bank: X", "true"),
        ("starts_with(tx.counterparty, \"DE\")", "amount: 1", "false"),
        ("hour(now)", "amount: 1", "23"),
        ("hour(now + 1h)", "amount: 1", "0"),
        ("weekday(now)", "amount: 1", "mon"),
        ("weekday(now - 1d)", "amount: 1", "sun"),
        ("weekday(now + 1h) in [\"tue\"]", "amount: 1", "true"),
        ("day_of_month(now)", "amount: 1", "5"),
        ("hour(customer.next_review_at)", "amount: 1", "absent"),
        ("mod(tx.amount, 1000)", "amount: 9250.50", "250.5"),
        ("mod(tx.amount, 1000) == 0", "amount: 9000.00", "true"),
        ("mod(tx.amount, 0.1)", "amount: 0.35", "0.05"),
        ("mod(-tx.amount, 100)", "amount: 250", "-50"),
        ("mod(tx.amount, 0)", "amount: 250", "absent"),
    ] {
        check(&probe(expression, event, expected, &[]), expression);
    }
}

#[test]
fn hours_and_days_are_those_of_the_institution() {
    for (zone, expression, expected) in [
        ("Asia/Shanghai", "hour(now)", "7"),
        ("Asia/Shanghai", "weekday(now)", "tue"),
        ("Asia/Shanghai", "day_of_month(now)", "6"),
        ("America/New_York", "hour(now)", "18"),
        // Summer time: four hours behind instead of five.
        ("America/New_York", "hour(now + 180d)", "19"),
    ] {
        let mut rulebook = probe(expression, "amount: 1", expected, &[]);
        rulebook.institution.zone = zone_named(zone).expect("a zone");
        check(&rulebook, &format!("{expression} in {zone}"));
    }
}

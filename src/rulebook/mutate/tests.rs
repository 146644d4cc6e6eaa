//! Each kind of change, on one rule.

use super::*;

const RULE: &str = r#"lang: 1
rule: r
title: A title with 7d and `and` in it
severity: low
trigger: transaction
entity: account
where: tx.type in ["wire", "ach"] and not customer.known   # 3 > 2
params:
  share: 0.85
  floor: { by: customer.risk, values: { low: 80, high: 50 }, default: 70 }
let:
  is_big: has(tx.branch)
  n: count(transaction where tx.amount >= floor) by account over 7d ending 24h ago
  pair: sum(tx.amount) by customer, counterparty over lifetime
when: |
  (n >= 3 or pair > share * (n ?? 2))
  and is_big
unless:
  - charity: account.purpose == "charity"
alert:
  score: clamp(40 + n, 0, 100)
  message: "{n} of 7d and more"
  cooldown: 3d
rekyc:
  when: score >= 60
  level: enhanced
  reason: x
  due: 7d
tests: []
"#;

#[test]
fn every_kind_of_change_is_tried_and_words_for_people_are_left_alone() {
    let found = mutants("p/r.yaml", RULE);
    let told: Vec<String> = found
        .iter()
        .map(|mutant| {
            let line = RULE[..mutant.span.start].matches('\n').count() + 1;
            format!("{line} {}: {}", mutant.kind.word(), mutant.supposition())
        })
        .collect();
    assert_eq!(told, TOLD, "{told:#?}");
}

#[test]
fn a_change_is_a_span_of_the_text_and_what_stands_there_instead() {
    for mutant in mutants("p/r.yaml", RULE) {
        let changed = mutant.apply(RULE);
        assert_ne!(changed, RULE, "{mutant:?}");
        assert!(changed.contains("A title with 7d and `and` in it"), "{mutant:?}");
        assert!(changed.ends_with("tests: []\n"), "{mutant:?}");
    }
}

#[test]
fn of_a_parameter_with_reasons_only_the_value_is_changed() {
    let long = "share: { value: 0.85, min: 0.5, max: 1, confidence: DES, why: 3 of 4 times }";
    let found = mutants("p/r.yaml", &RULE.replace("share: 0.85", long));
    let told: Vec<String> = found
        .iter()
        .map(super::Mutant::supposition)
        .filter(|told| told.contains("value: "))
        .collect();
    assert_eq!(
        told,
        [
            "`value: 0.85` were `value: 0.86`",
            "`value: 0.85` were `value: 0.84`",
            "`value: 0.85` were `value: 1.70`",
        ]
    );
    assert_eq!(found.len(), mutants("p/r.yaml", RULE).len());
}

#[test]
fn numbers_and_lengths_of_time_are_moved_by_one_of_their_last_place() {
    use super::literal::{duration_steps, halved, number_steps};
    for (written, steps) in [
        ("8_000", &["8001", "7999", "16000"][..]),
        ("0.85", &["0.86", "0.84", "1.70"]),
        ("0", &["1"]),
        ("1", &["2", "0"]),
        ("7d", &[]),
    ] {
        assert_eq!(number_steps(written), steps, "{written}");
    }
    for (written, steps, half) in [
        ("90d", &["91d", "89d", "180d"][..], Some("45d")),
        ("7d", &["8d", "6d", "14d"], Some("84h")),
        ("1h", &["2h"], Some("30m")),
        ("0d", &["1d"], None),
        ("12", &[], None),
    ] {
        let mut found = duration_steps(written);
        found.dedup();
        found.retain(|it| it != written);
        assert_eq!(found, steps, "{written}");
        assert_eq!(halved(written).filter(|it| it != written).as_deref(), half, "{written}");
    }
}

const TOLD: &[&str] = &[
    "6 key: `entity: account` were `entity: customer`",
    "7 condition: `where:` were left out",
    "7 condition: `tx.type in [\"wire\", \"ach\"]` were left out",
    "7 negation: `tx.type in [\"wire\", \"ach\"]` were `tx.type not in [\"wire\", \"ach\"]`",
    "7 condition: `\"wire\"` were left out",
    "7 condition: `\"ach\"` were left out",
    "7 condition: `not customer.known` were left out",
    "7 condition: `tx.type in [\"wire\", \"ach\"] and not customer.known` were `tx.type in [\"wire\", \"ach\"] or not customer.known`",
    "7 negation: `not customer.known` were `customer.known`",
    "7 negation: `customer.known` were `not (customer.known)`",
    "9 parameter: `share: 0.85` were `share: 0.86`",
    "9 parameter: `share: 0.85` were `share: 0.84`",
    "9 parameter: `share: 0.85` were `share: 1.70`",
    "10 parameter: `low: 80` were `low: 81`",
    "10 parameter: `low: 80` were `low: 79`",
    "10 parameter: `low: 80` were `low: 160`",
    "10 parameter: `low: 80` were `low: 70`",
    "10 parameter: `low: 80, high: 50` were `low: 50, high: 80`",
    "10 parameter: `high: 50` were `high: 51`",
    "10 parameter: `high: 50` were `high: 49`",
    "10 parameter: `high: 50` were `high: 100`",
    "10 parameter: `high: 50` were `high: 70`",
    "10 parameter: `default: 70` were `default: 71`",
    "10 parameter: `default: 70` were `default: 69`",
    "10 parameter: `default: 70` were `default: 140`",
    "12 negation: `has(tx.branch)` were `not (has(tx.branch))`",
    "13 filter: `where tx.amount >= floor` were left out",
    "13 boundary: `tx.amount >= floor` were `tx.amount > floor`",
    "13 negation: `tx.amount >= floor` were `tx.amount < floor`",
    "13 key: `account` were `customer`",
    "13 window: `7d` were `14d`",
    "13 window: `7d` were `84h`",
    "13 window: `ending 24h ago` were left out",
    "13 window: `24h` were `48h`",
    "13 window: `24h` were `12h`",
    "14 key: `by customer` were left out",
    "14 key: `by counterparty` were left out",
    "14 window: `lifetime` were `30d`",
    "16 condition: `(n >= 3 or pair > share * (n ?? 2))` were left out",
    "16 condition: `n >= 3` were left out",
    "16 boundary: `n >= 3` were `n > 3`",
    "16 negation: `n >= 3` were `n < 3`",
    "16 threshold: `n >= 3` were `n >= 4`",
    "16 threshold: `n >= 3` were `n >= 2`",
    "16 threshold: `n >= 3` were `n >= 6`",
    "16 condition: `pair > share * (n ?? 2)` were left out",
    "16 condition: `n >= 3 or pair > share * (n ?? 2)` were `n >= 3 and pair > share * (n ?? 2)`",
    "16 boundary: `pair > share * (n ?? 2)` were `pair >= share * (n ?? 2)`",
    "16 negation: `pair > share * (n ?? 2)` were `pair <= share * (n ?? 2)`",
    "16 arithmetic: `share * (n ?? 2)` were `share / (n ?? 2)`",
    "16 arithmetic: `?? 2` were left out",
    "16 threshold: `(n ?? 2)` were `(n ?? 3)`",
    "16 threshold: `(n ?? 2)` were `(n ?? 1)`",
    "16 threshold: `(n ?? 2)` were `(n ?? 4)`",
    "16 condition: `is_big` were left out",
    "17 condition: `(n >= 3 or pair > share * (n ?? 2)) and is_big` were `(n >= 3 or pair > share * (n ?? 2)) or is_big`",
    "17 negation: `is_big` were `not (is_big)`",
    "19 exception: `charity: account.purpose == \"charity\"` were left out",
    "19 exception: `account.purpose == \"charity\"` were `not (account.purpose == \"charity\")`",
    "19 negation: `account.purpose == \"charity\"` were `account.purpose != \"charity\"`",
    "21 threshold: `40 + n` were `41 + n`",
    "21 threshold: `40 + n` were `39 + n`",
    "21 threshold: `40 + n` were `80 + n`",
    "21 arithmetic: `40 + n` were `40 - n`",
    "21 threshold: `clamp(40 + n, 0, 100)` were `clamp(40 + n, 0, 99)`",
    "23 cooldown: `cooldown: 3d` were left out",
    "23 cooldown: `cooldown: 3d` were `cooldown: 6d`",
    "23 cooldown: `cooldown: 3d` were `cooldown: 36h`",
    "24 rekyc: `rekyc:` were left out",
    "25 rekyc: `when: score >= 60` were left out",
    "25 boundary: `score >= 60` were `score > 60`",
    "25 negation: `score >= 60` were `score < 60`",
    "25 threshold: `score >= 60` were `score >= 61`",
    "25 threshold: `score >= 60` were `score >= 59`",
    "25 threshold: `score >= 60` were `score >= 120`",
    "26 rekyc: `level: enhanced` were `level: standard`",
];

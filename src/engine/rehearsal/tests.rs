//! Stories against rules: what passes, and how each kind of difference is told.

use std::collections::BTreeMap;

use super::*;
use crate::rulebook::loader;

/// A rule with everything that a test can speak of.
const RULE: &str = r#"lang: 1
rule: big-payment
title: A big payment
severity: low
trigger: transaction
entity: account
params: { line: 100 }
let:
  n: count(transaction where tx.amount >= line) by account over 24h
  total: sum(tx.amount) by account over 24h
  mean: avg(tx.amount) by account over 24h ending 24h ago
  age: now - account.opened_at
  known: customer.known
  state: customer.state
  home: customer.country
  listed: tx.counterparty in list.friends
when: tx.amount >= line
unless:
  - friend: listed
alert:
  score: 10 * n
  message: "{n} {total} {mean} {age} {known} {state} {home}"
rekyc:
  when: n >= 2
  level: enhanced
  reason: many big payments
  due: 7d
tests:
"#;

fn rehearse_story(story: &str) -> Rehearsal {
    let text = format!("{RULE}  - name: a story\n{story}");
    let texts = BTreeMap::from([
        ("pack/big-payment.yaml".to_owned(), text),
        ("lists/friends.csv".to_owned(), "value\nF1\n".to_owned()),
    ]);
    let loaded = loader::load(&texts);
    let problems: Vec<_> =
        loaded.diagnostics.iter().filter(|problem| problem.code != "W205").collect();
    assert!(problems.is_empty(), "{problems:#?}");
    let report = rehearse_all(&loaded.rulebook.expect("a rulebook"));
    let [rehearsal] = report.rehearsals.as_slice() else { panic!("one test") };
    rehearsal.clone()
}

/// The differences as sentences.
fn told(story: &str) -> Vec<String> {
    rehearse_story(story).differences.iter().map(ToString::to_string).collect()
}

#[test]
fn a_story_that_comes_out_as_expected_has_no_differences() {
    let rehearsal = rehearse_story(
        "    defaults: { tx: { customer: C1, account: A1 } }
    events:
      - { at: 0h, tx: { amount: 100 } }
      - { at: 1h, tx: { amount: 50 } }
      - { at: 2h, tx: { amount: 120.50 } }
    alerts:
      - { at: 0h, entity: A1, score: 10, n: 1, total: 100, mean: absent, listed: false }
      - { at: 2h, total: 270.5, known: true, state: verified, age: 26282h }
    rekyc:
      - { at: 2h, entity: A1, level: enhanced }
",
    );
    assert_eq!(rehearsal.differences, []);
    assert!(rehearsal.is_passed());
    assert_eq!(
        (rehearsal.rule.as_str(), rehearsal.path.as_str(), rehearsal.example.as_str()),
        ("big-payment", "pack/big-payment.yaml", "a story")
    );
}

#[test]
fn every_difference_is_told() {
    let events = "    defaults: { tx: { customer: C1, account: A1 } }
    events:
      - { at: 1d, tx: { amount: 100 } }
      - { at: 26h, tx: { amount: 110 } }
";
    for (expected, sentences) in [
        (
            "    alerts: [{ at: 1d }]\n",
            &["unexpected alert about A1 at 26h: score 20, n 2, total 210, mean absent, \
               age 26306h, known true, state verified, home absent, listed false"][..],
        ),
        (
            "    alerts: [{ at: 12h, entity: A2 }, { at: 1d }, { at: 26h }]\n",
            &["no alert about A2 at 12h"],
        ),
        (
            "    alerts: [{ at: 1d }, { at: 25h, entity: A1 }]\n",
            &["alert at 25h: at is 26h, expected 25h"],
        ),
        (
            "    alerts: [{ at: 1d, entity: C1 }, { at: 26h }]\n",
            &["alert at 1d: entity is A1, expected C1"],
        ),
        (
            "    alerts: [{ at: 1d, score: 11, n: 2, known: false }, { at: 26h, mean: 3 }]\n",
            &[
                "alert at 1d: score is 10, expected 11",
                "alert at 1d: n is 1, expected 2",
                "alert at 1d: known is true, expected false",
                "alert at 26h: mean is absent, expected 3",
            ],
        ),
        (
            "    alerts: [{ at: 1d }, { at: 26h }]\n    rekyc: []\n",
            &["unexpected re-KYC request about C1 at 26h: level enhanced"],
        ),
        (
            "    alerts: [{ at: 1d }, { at: 26h }]\n    rekyc: [{ at: 1d }, { at: 26h, level: standard }]\n",
            &[
                "no re-KYC request at 1d",
                "re-KYC request at 26h: level is enhanced, expected standard",
            ],
        ),
        (
            "    alerts: [{ at: 1d }, { at: 26h }]\n    rekyc: [{ at: 26h, entity: C2 }]\n",
            &["re-KYC request at 26h: entity is C1, expected C2"],
        ),
    ] {
        assert_eq!(told(&format!("{events}{expected}")), sentences, "{expected}");
    }
}

#[test]
fn a_difference_points_at_the_expectation() {
    let rehearsal = rehearse_story(
        "    events: [{ at: 0h, tx: { customer: C1, account: A1, amount: 100 } }]
    alerts: [{ at: 0h, n: 7 }]
",
    );
    let text = format!(
        "{RULE}  - name: a story
    events: [{{ at: 0h, tx: {{ customer: C1, account: A1, amount: 100 }} }}]
    alerts: [{{ at: 0h, n: 7 }}]
"
    );
    let [difference] = rehearsal.differences.as_slice() else { panic!("one difference") };
    assert_eq!(text.get(difference.span.start..difference.span.end), Some("7"));
}

#[test]
fn whoever_is_mentioned_is_known_unless_the_story_says_otherwise() {
    let differences = told(
        "    given:
      customer:
        C2: { known: false }
        C3: { state: review_open, country: SE }
        C5: { since: -10d, state: submitted }
      account: { A2: { opened_at: -20d } }
    events:
      - { at: 0d, tx: { customer: C1, account: A1, amount: 100 } }
      - { at: 1d, tx: { customer: C2, account: A2, amount: 100 } }
      - { at: 2d, tx: { customer: C3, account: A3, amount: 100 } }
      - { at: 3d, kyc.registered: { customer: C4, country: NO } }
      - { at: 4d, tx: { customer: C4, account: A4, amount: 100 } }
      - { at: 5d, tx: { customer: C5, account: A5, amount: 100 } }
    alerts:
      - { at: 0d, known: true, state: verified, home: absent, age: 1095d }
      - { at: 1d, known: false, state: absent, age: 21d }
      - { at: 2d, known: true, state: review_open, home: SE }
      - { at: 4d, known: true, state: registered, home: NO, age: absent }
      - { at: 5d, known: true, state: submitted }
",
    );
    assert_eq!(differences, [""; 0]);
}

#[test]
fn every_state_that_a_test_may_start_with_is_reached() {
    for state in [
        "registered",
        "submitted",
        "in_review",
        "resubmit",
        "verified",
        "review_open",
        "rejected",
        "exited",
    ] {
        let story = format!(
            "    given: {{ customer: {{ C1: {{ state: {state} }} }} }}
    events: [{{ at: 0d, tx: {{ customer: C1, account: A1, amount: 100 }} }}]
    alerts: [{{ at: 0d, state: {state} }}]
"
        );
        assert_eq!(told(&story), [""; 0], "{state}");
    }
}

#[test]
fn a_list_of_the_test_stands_in_for_the_file() {
    let events = "    events: [{ at: 0d, tx: { customer: C1, account: A1, amount: 100, counterparty: F1 } }]\n";
    assert_eq!(told(&format!("{events}    alerts: []\n")), [""; 0]);
    let given = "    given: { list: { friends: [F2] } }\n";
    assert_eq!(
        told(&format!("{given}{events}    alerts: [{{ at: 0d, listed: false }}]\n")),
        [""; 0]
    );
}

#[test]
fn events_are_played_in_order_of_time() {
    let differences = told(
        "    defaults: { tx: { customer: C1, account: A1 } }
    events:
      - { at: 2h, tx: { amount: 100 } }
      - { at: -1h, tx: { amount: 30 } }
    alerts:
      - { at: 2h, total: 130 }
",
    );
    assert_eq!(differences, [""; 0]);
}

#[test]
fn a_transaction_between_two_customers_of_ours_has_two_legs() {
    let differences = told(
        "    events:
      - { at: 0h, tx: { customer: C2, account: A2, amount: 1 } }
      - { at: 1h, tx: { customer: C1, account: A1, counterparty: A2, direction: out, amount: 100 } }
    alerts:
      - { at: 1h, entity: A1, total: 100 }
      - { at: 1h, entity: A2, total: 101 }
",
    );
    assert_eq!(differences, [""; 0]);
}

/// Why the expected things did not come, all lines of all of them.
fn whys(story: &str) -> Vec<String> {
    let whys = rehearse_story(story).differences.into_iter().filter_map(|it| it.why);
    whys.flat_map(|why| why.lines()).collect()
}

#[test]
fn what_did_not_come_is_told_with_its_reason() {
    let first = "    events: [{ at: 0d, tx: { customer: C1, account: A1, amount: 99.99 } }]\n";
    let listed = "    events: [{ at: 0d, tx: { customer: C1, account: A1, amount: 100, counterparty: F1 } }]\n";
    let twice = "    defaults: { tx: { customer: C1, account: A1, amount: 100 } }\n    events: [{ at: 0d, tx: {} }, { at: 1d, tx: {} }]\n";
    let no_account = "    events: [{ at: 0d, tx: { customer: C1, amount: 100 } }, { at: 1d, tx: { account: A1, amount: 1 } }]\n";
    for (events, expected, reasons) in [
        (first, "alerts: [{ at: 0d }]", &["when: `tx.amount >= line` was false: 99.99 >= 100"][..]),
        (first, "alerts: [{ at: 0d, entity: A2 }]", &["the events of that instant are about A1"]),
        (
            first,
            "alerts: [{ at: 3d }]",
            &[
                "the story ends at 0s, before 3d: add an event then, or `until: 3d` if nothing happens",
            ],
        ),
        (
            listed,
            "alerts: [{ at: 0d }]",
            &["the exception `friend` held, so the match was excused"],
        ),
        (
            no_account,
            "alerts: [{ at: 0d }]",
            &["the event names no account, and the rule is about one"],
        ),
        (
            twice,
            "alerts: [{ at: 0d }, { at: 1d }]\n    rekyc: [{ at: 0d, entity: A1 }, { at: 1d }]",
            &["rekyc.when: `n >= 2` was false: 1 >= 2", "rekyc.when: `n >= 2` was false: 1 >= 2"],
        ),
        (
            twice,
            "alerts: [{ at: 0d }, { at: 12h }, { at: 1d }]",
            &["no event wakes the rule then; it woke at 0s, 1d"],
        ),
        (
            twice,
            "alerts: [{ at: 1d }, { at: 0d }]",
            &["it came: write `alerts` in the order in which they come: 0s A1, 1d A1"],
        ),
        (
            twice,
            "alerts: [{ at: 0d }, { at: 0d }, { at: 1d }]",
            &["one such alert came, and the test expects it more than once"],
        ),
    ] {
        assert_eq!(whys(&format!("{events}    {expected}\n")), reasons, "{events}{expected}");
    }
}

/// The reasons of the only test of a rule that is written out.
fn whys_of(name: &str, text: &str) -> Vec<String> {
    let texts = BTreeMap::from([(format!("pack/{name}.yaml"), text.to_owned())]);
    let loaded = loader::load(&texts);
    let rulebook = loaded.rulebook.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    let differences = rehearse_all(&rulebook).rehearsals.into_iter().flat_map(|it| it.differences);
    differences.filter_map(|it| it.why).flat_map(|why| why.lines()).collect()
}

#[test]
fn a_story_outside_of_the_days_on_which_the_rule_judges_says_so() {
    let rule = "lang: 1\nrule: spring\ntitle: t\nseverity: low\n\
                effective: { from: 2026-03-01, to: 2026-06-01 }\ntrigger: transaction\n\
                entity: account\nwhen: tx.amount > 1\nalert: { score: 1, message: m, cooldown: 1d }\n\
                tests:\n  - name: in winter\n    \
                events: [{ at: 0d, tx: { customer: C1, account: A1, amount: 5 } }]\n    \
                alerts: [{ at: 0d }]\n";
    assert_eq!(
        whys_of("spring", rule),
        [
            "the rule judges from 2026-03-01T00:00:00Z on until 2026-06-01T00:00:00Z (`effective`), \
             and this is 2026-01-05T00:00:00Z",
            "say in the test when its story starts: `start: ...`",
        ]
    );
}

#[test]
fn an_absence_is_expected_after_the_story_is_over() {
    let rule = "lang: 1\nrule: quiet\ntitle: t\nseverity: low\n\
                trigger: { absent: transaction, by: account, for: 14d }\nentity: account\n\
                alert: { score: 1, message: quiet }\ntests:\n  - name: once\n    \
                events: [{ at: 0d, tx: { customer: C1, account: A1, amount: 5 } }]\n    \
                alerts: [{ at: 14d }]\n";
    assert_eq!(
        whys_of("quiet", rule),
        ["the story ends at 0s, before 14d: add an event then, or `until: 14d` if nothing happens"]
    );
    assert!(whys_of("quiet", &rule.replace("    alerts", "    until: 14d\n    alerts")).is_empty());
}

#[test]
fn a_false_condition_is_opened_up_and_one_that_held_is_not() {
    let text = r#"lang: 1
rule: nested
title: Conditions within conditions
severity: low
trigger: transaction
entity: account
where: tx.amount > 1
let:
  is_small: tx.amount < 10 and tx.direction == "out"
when: is_small or (tx.amount == 50 and not (tx.direction == "out"))
alert: { score: 1, message: "x", cooldown: 2d }
tests:
  - name: a story
    defaults: { tx: { customer: C1, account: A1 } }
    events: [{ at: 0d, tx: { amount: 12 } }, { at: 1d, tx: { amount: 1 } }, { at: 2d, tx: { amount: 5 } }, { at: 3d, tx: { amount: 6 } }]
    alerts: [{ at: 0d }, { at: 1d }, { at: 2d }, { at: 3d }]
"#;
    assert_eq!(
        whys_of("nested", text),
        [
            "when: `is_small or (tx.amount == 50 and not (tx.direction == \"out\"))` was false",
            "  when: `is_small` was false",
            "    when: `tx.amount < 10` was false: 12 < 10",
            "  when: `(tx.amount == 50 and not (tx.direction == \"out\"))` was false",
            "    when: `tx.amount == 50` was false: 12 == 50",
            "    when: `not (tx.direction == \"out\")` was false",
            "where: `tx.amount > 1` was false: 1 > 1",
            "the rule matched, but an alert was still open (cooldown 2d): it was extended",
        ]
    );
}

#[test]
fn the_rules_whose_matches_are_read_are_played_too_and_only_the_rule_itself_is_compared() {
    let other = "lang: 1\nrule: small\ntitle: t\nseverity: low\ntrigger: transaction\n\
                 entity: account\nwhen: tx.amount < 100\nalert: { score: 1, message: small }\n\
                 rekyc: { reason: small, due: 7d }\n";
    let rule = "lang: 1\nrule: many\ntitle: t\nseverity: low\ntrigger: transaction\n\
                entity: account\nlet: { n: 'matches(\"small\", 1d)' }\nwhen: n >= 2\n\
                alert: { score: 1, message: many }\ntests:\n  - name: two small ones\n    \
                defaults: { tx: { customer: C1, account: A1 } }\n    events:\n      \
                - { at: 0h, tx: { amount: 5 } }\n      - { at: 1h, tx: { amount: 500 } }\n      \
                - { at: 2h, tx: { amount: 6 } }\n    alerts:\n      - { at: 2h, entity: A1, n: 2 }\n    \
                rekyc: []\n";
    let texts = BTreeMap::from([
        ("p/small.yaml".to_owned(), other.to_owned()),
        ("p/many.yaml".to_owned(), rule.to_owned()),
    ]);
    let loaded = loader::load(&texts);
    let rulebook = loaded.rulebook.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    let report = rehearse_all(&rulebook);
    assert!(report.is_passed() && report.rehearsals.len() == 1, "{report:#?}");
}

#[test]
fn time_passes_at_ticks_and_until_the_end_of_a_story() {
    let rule = "lang: 1\nrule: quiet\ntitle: t\nseverity: low\n\
                trigger: { absent: transaction, by: account, for: 30d }\nentity: account\n\
                let: { n: count(transaction) by account over 90d }\n\
                alert: { score: 1, message: quiet }\ntests:\n  - name: twice\n    \
                defaults: { tx: { customer: C1, account: A1, amount: 5 } }\n    events:\n      \
                - { at: 0d, tx: {} }\n      - { at: 30d, tick: {} }\n      - { at: 40d, tx: {} }\n    \
                until: 70d\n    alerts:\n      - { at: 30d, entity: A1, n: 1 }\n      \
                - { at: 70d, entity: A1, n: 2 }\n  - name: not yet\n    \
                defaults: { tx: { customer: C1, account: A1, amount: 5 } }\n    \
                events: [{ at: 1h, tx: {} }]\n    until: 30d\n    alerts: []\n";
    let loaded = loader::load(&BTreeMap::from([("p/quiet.yaml".to_owned(), rule.to_owned())]));
    let rulebook = loaded.rulebook.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    let report = rehearse_all(&rulebook);
    assert!(report.is_passed() && report.rehearsals.len() == 2, "{report:#?}");
}

/// Fields and roles of a deployment, and a rule that reads them.
const SCHEMA: &str = "fields:
  tx.extra.wallet: { type: text, doc: The wallet. }
  tx.extra.share: { type: number, doc: A share that may be below zero. }
  tx.extra.vip: { type: bool, doc: A flag. }
  tx.extra.idle: { type: duration, doc: How long it lay still. }
  tx.extra.made: { type: time, doc: When it was made. }
  tx.extra.owner: { type: text, personal: true, doc: Whose it is. }
roles:
  wallet: { tx: tx.extra.wallet, doc: The wallet. }
";

const WALLETS: &str = r#"lang: 1
rule: many-customers-one-wallet
title: Many customers use one wallet
severity: low
trigger: transaction
entity: wallet
let:
  n: distinct(tx.customer) by wallet over 7d
  owners: distinct(tx.extra.owner) by wallet over 7d
  owner: tx.extra.owner
  is_same: tx.extra.owner == "Greta"
  age: now - tx.extra.made
  listed: tx.extra.owner in list.owners
when: >
  n >= 2 and tx.extra.share < 0 and tx.extra.vip and tx.extra.idle >= 36h and tx.extra.owner != "Nobody" and listed
alert:
  score: 10
  message: "{n} customers, {owners} owners, {tx.extra.share} {tx.extra.idle} {age} {is_same}"
tests:
  - name: two customers
    defaults:
      tx:
        amount: 1
        extra.wallet: W1
        extra.share: -0.5
        extra.vip: true
        extra.idle: 36h
        extra.made: -2d
        extra.owner: Greta
    events:
      - { at: 0d, tx: { customer: C1 } }
      - { at: 1d, tx: { customer: C2 } }
      - { at: 1d, tx: { customer: C3, extra.wallet: W2 } }
    alerts:
      - { at: 1d, entity: W1, n: 2, owners: 1, owner: withheld, is_same: true, age: 3d }
"#;

#[test]
fn fields_and_roles_of_a_deployment_are_used_like_any_other() {
    let texts = |schema: &str| {
        BTreeMap::from([
            ("pack/many-customers-one-wallet.yaml".to_owned(), WALLETS.to_owned()),
            ("schema.yaml".to_owned(), schema.to_owned()),
            ("lists/owners.csv".to_owned(), "value\nGreta\n".to_owned()),
        ])
    };
    let load = |schema: &str| {
        let loaded = loader::load(&texts(schema));
        loaded.rulebook.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
    };
    let rulebook = load(SCHEMA);
    assert_eq!(rulebook.sources, texts(SCHEMA), "the schema is stored with the rules");
    let report = rehearse_all(&rulebook);
    assert!(report.is_passed() && report.rehearsals.len() == 1, "{:#?}", report.rehearsals);
    let other = load(&SCHEMA.replace("{ type: bool,", "{ type: bool, personal: true,"));
    assert_ne!(rulebook.digest, other.digest);
    assert_ne!(rulebook.catalogue.digest(), other.catalogue.digest());
    let reworded = load(&SCHEMA.replace("A flag.", "Another word for it."));
    assert_ne!(rulebook.digest, reworded.digest);
    assert_eq!(rulebook.catalogue.digest(), reworded.catalogue.digest());
    assert!(loader::load(&texts("fields: {}")).rulebook.is_none(), "the fields are not declared");
}

#[test]
fn evidence_withholds_what_names_a_person() {
    let texts = BTreeMap::from([
        ("pack/many-customers-one-wallet.yaml".to_owned(), WALLETS.to_owned()),
        ("schema.yaml".to_owned(), SCHEMA.to_owned()),
        ("lists/owners.csv".to_owned(), "value\nGreta\n".to_owned()),
    ]);
    let rulebook = loader::load(&texts).rulebook.expect("a rulebook");
    let rule = rulebook.rules.first().expect("a rule");
    let example = rule.tests.first().expect("a test");
    let performance = perform(&stage(&rulebook, rule, example), rule, example, false);
    let [alert] = performance.alerts.as_slice() else { panic!("one alert") };
    let told = format!("{alert:?}");
    assert!(!told.contains("Greta"), "{told}");
    let fact = |name: &str| {
        let found = alert.evidence.facts.iter().find(|fact| fact.name == name);
        found.unwrap_or_else(|| panic!("no fact {name}: {told}")).value.as_str()
    };
    assert_eq!(fact("tx.extra.owner"), "withheld");
    assert_eq!(fact("tx.extra.share"), "-0.5");
    assert_eq!(alert.message, "2 customers, 1 owners, -0.5 36h 3d true");
}

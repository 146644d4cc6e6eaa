//! What functions give, asked by a rule that writes one value down.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Currency, Evidence, Instant};
use crate::engine::outcome::Effect;
use crate::engine::{Engine, Limits, rehearsal};
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
        ("name_similarity(tx.bank, \"Wang Xiaoming\")", "amount: 1, bank: 王小明", "1"),
        ("name_similarity(tx.bank, \"Wang Xiaoming\") >= 0.85", "amount: 1, bank: Li Na", "false"),
        ("name_similarity(tx.bank, \"Wang Xiaoming\")", "amount: 1", "absent"),
        ("address_similarity(tx.branch, \"Main St 12\")", "amount: 1, branch: 12 Main Street", "1"),
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

/// Countries, with a tier that changes in the middle of the story's day.
const COUNTRIES: &str = "value,valid_from,valid_to,tier,limit:number,sanctioned:bool,listed:time,grace:duration\n\
    SE,,2026-01-05T23:00:00Z,low,5000.50,false,,\n\
    SE,2026-01-05T23:00:00Z,,high,100,true,2026-01-04,36h\n\
    NO,,2026-01-05T23:30:00Z,low,1,true,,\n\
    DK,,,,,,,\n";

#[test]
fn lookup_reads_the_row_that_is_valid_at_the_events_time() {
    for (expression, country, expected) in [
        ("lookup(list.countries, tx.country, \"tier\")", "SE", "high"),
        ("lookup(list.countries, tx.country, \"limit\")", "SE", "100"),
        ("lookup(list.countries, tx.country, \"sanctioned\")", "SE", "true"),
        ("lookup(list.countries, tx.country, \"listed\") < now", "SE", "true"),
        ("now - lookup(list.countries, tx.country, \"listed\")", "SE", "2850m"),
        ("lookup(list.countries, tx.country, \"grace\")", "SE", "36h"),
        // Ended at this very instant.
        ("lookup(list.countries, tx.country, \"tier\")", "NO", "absent"),
        ("lookup(list.countries, tx.country, \"sanctioned\")", "NO", "false"),
        // A row that says nothing in this column, no row, no country.
        ("lookup(list.countries, tx.country, \"tier\")", "DK", "absent"),
        ("lookup(list.countries, tx.country, \"limit\") ?? 7", "FI", "7"),
        ("has(lookup(list.countries, tx.bank, \"tier\"))", "SE", "false"),
    ] {
        let event = format!("amount: 1, country: {country}");
        check(&probe(expression, &event, expected, &[("countries", COUNTRIES)]), expression);
    }
}

#[test]
fn a_list_of_a_test_has_the_columns_of_the_file() {
    let rows = "{ list: { countries: [NO, { value: SE, limit: 3, valid_from: -1d }] } }";
    for (country, expected) in [("SE", "3"), ("NO", "absent"), ("DK", "absent")] {
        let expression = "lookup(list.countries, tx.country, \"limit\")";
        let event = format!("amount: 1, country: {country}");
        let rulebook = probe(expression, &event, expected, &[("countries", COUNTRIES)]);
        let text = rulebook.sources["probe.yaml"].replace("given: {}", &format!("given: {rows}"));
        let texts = BTreeMap::from([
            ("probe.yaml".to_owned(), text),
            ("lists/countries.csv".to_owned(), COUNTRIES.to_owned()),
        ]);
        check(&loader::load(&texts).rulebook.expect("sound"), expression);
    }
}

#[test]
fn evidence_names_each_list_its_version_and_the_row_that_was_found() {
    let expression =
        "lookup(list.countries, tx.country, \"limit\") > 50 and tx.country not in list.own";
    let rulebook = probe(
        expression,
        "amount: 1, country: SE",
        "true",
        &[("countries", COUNTRIES), ("own", "value\nDK\n")],
    );
    let evidence = evidence(&rulebook);
    let [countries, own] = evidence.lists.as_slice() else { panic!("{evidence:#?}") };
    assert_eq!((countries.name.as_str(), own.name.as_str()), ("countries", "own"));
    assert_eq!(countries.digest, rulebook.lists["countries"].digest);
    assert_eq!(own.rows, []);
    let [row] = countries.rows.as_slice() else { panic!("{countries:#?}") };
    assert_eq!(row.text, "lookup(list.countries, tx.country, \"limit\")");
    assert_eq!((row.value.as_str(), row.cell.as_deref()), ("SE", Some("100")));
    assert_eq!(row.valid_from, Instant::parse("2026-01-05T23:00:00Z"));
    assert_eq!(row.valid_to, None);
}

/// The evidence of the alert that the probe's story raises.
fn evidence(rulebook: &Rulebook) -> Evidence {
    let rule = rulebook.rules.first().expect("the probe");
    let example = rule.tests.first().expect("its test");
    let mut engine = Engine::new(Arc::new(rulebook.clone()), Limits::default());
    let events = rehearsal::story::events(example);
    let effects =
        (1..).zip(events).flat_map(|(sequence, event)| engine.apply(sequence, &event).effects);
    let alert = effects.into_iter().find_map(|effect| match effect {
        Effect::AlertRaised(alert) => Some(alert),
        _ => None,
    });
    alert.expect("an alert").evidence
}

/// Base units for one unit; the dollar's rate changes half an hour before the story's event.
const RATES: &str = "value,valid_from,valid_to,rate:number\n\
    USD,2026-01-01,2026-01-05T23:00:00Z,0.90\n\
    USD,2026-01-05T23:00:00Z,,0.80\n\
    JPY,2026-01-01,,0.005\n\
    GBP,2026-02-01,,1.2\n";

#[test]
fn amounts_are_converted_by_the_rates_of_the_events_time() {
    let booked = "amount: 100, local_amount: 20000, currency: JPY";
    for (expression, event, expected) in [
        ("convert(tx.amount, \"USD\")", "amount: 100", "125"),
        ("convert(100, \"USD\")", "amount: 1", "125"),
        ("convert(tx.local_amount, tx.currency, \"USD\")", booked, "125"),
        ("convert(tx.local_amount, tx.currency, \"JPY\")", booked, "20000"),
        ("convert(100, \"USD\", \"JPY\")", "amount: 1", "16000"),
        // The pound's first rate is of next month; the krona has none at all.
        ("convert(tx.amount, \"GBP\")", "amount: 1", "absent"),
        ("convert(tx.amount, \"SEK\") ?? 7", "amount: 1", "7"),
        ("convert(tx.amount, \"SEK\") > 0", "amount: 1", "false"),
        ("convert(customer.expected_turnover, \"USD\")", "amount: 1", "absent"),
    ] {
        check(&probe(expression, event, expected, &[("fx_rates", RATES)]), expression);
    }
}

#[test]
fn the_base_currency_needs_no_rate() {
    for (expression, expected) in [
        ("convert(tx.amount, \"EUR\")", "100"),
        ("convert(tx.local_amount, tx.currency, \"USD\")", "125"),
        ("convert(80, \"USD\", \"EUR\")", "64"),
    ] {
        let mut rulebook = probe(expression, "amount: 100", expected, &[("fx_rates", RATES)]);
        rulebook.institution.base_currency = Currency::parse("EUR");
        check(&rulebook, expression);
    }
}

#[test]
fn evidence_shows_each_rate_and_its_date() {
    let expression = "convert(tx.local_amount, tx.currency, \"USD\")";
    let event = "amount: 100, local_amount: 20000, currency: JPY";
    let rulebook = probe(expression, event, "125", &[("fx_rates", RATES)]);
    let evidence = evidence(&rulebook);
    let [list] = evidence.lists.as_slice() else { panic!("{evidence:#?}") };
    let rates: Vec<(&str, Option<&str>, Option<Instant>)> = list
        .rows
        .iter()
        .map(|row| (row.value.as_str(), row.cell.as_deref(), row.valid_from))
        .collect();
    let at = |text| Instant::parse(text);
    assert_eq!(
        rates,
        [
            ("JPY", Some("0.005"), at("2026-01-01T00:00:00Z")),
            ("USD", Some("0.8"), at("2026-01-05T23:00:00Z")),
        ]
    );
    assert_eq!(list.digest, rulebook.lists["fx_rates"].digest);
}

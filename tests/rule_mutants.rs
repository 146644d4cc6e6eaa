//! No slip of the finger turns a shipped rule into a weaker one unseen.
//!
//! Every token of every shipped rule file is taken away, misspelt, and exchanged for another name of the
//! file, and every line is taken away. Nothing may panic, and each result must be one of these:
//!
//! - **refused**: the loader has an error;
//! - **warned**: the checker has a warning, which no shipped rule has;
//! - **noticed**: a test of the rule fails;
//! - **same**: the rule means what it meant. Its digest of meaning is equal, which covers everything that
//!   decides or is asked for: trigger, conditions, windows, parameters, exceptions, score, severity, class,
//!   cool-down, re-KYC and the lists that are read. Words for people are not in it, and neither are tests:
//!   a file that lost one of its tests is no weaker rule;
//! - **listed** below, with the reason why no alert is lost.
//!
//! So whatever changes the meaning counts as weaker until it is shown not to be. An ordinary run tries
//! every [`SAMPLE`]th slip; `WEIR_ALL_MUTANTS=1` tries all.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use weir::engine::rehearsal::gaps::{Fate, Study, studies};
use weir::files;
use weir::rulebook::Rulebook;
use weir::rulebook::loader;

/// Of so many slips one is tried in an ordinary run; a prime, so that no kind is always left out.
const SAMPLE: usize = 101;

/// Slips that change what a rule means, and that no test of its own can notice: the rule, what stands on
/// the line, what is taken away, what stands there instead, and why no alert is lost.
const LISTED: &[[&str; 5]] = &[
    ["dormant-reactivation", "cause: reactivation", "cause: reactivation", "", OTHER_WORD],
    ["expired-document-active", "scope: document", "scope: document", "", WIDER],
    ["expired-document-active", "cause: document_expiry", "cause: document_expiry", "", OTHER_WORD],
    ["fan-in-collection", "+ if(customer.risk == \"high\", 10, 0), 0, 100)", "0", "01", CLAMPED],
    [
        "fan-in-collection",
        "+ if(customer.risk == \"high\", 10, 0), 0, 100)",
        "100",
        "1001",
        CLAMPED,
    ],
    ["fan-in-mule", "+ if(went_out >= 0.8 * came_in, 10, 0), 0, 100)", "0", "01", CLAMPED],
    ["fan-in-mule", "+ if(went_out >= 0.8 * came_in, 10, 0), 0, 100)", "100", "1001", CLAMPED],
    [
        "fan-out-to-many-payees",
        "+ if(customer.risk == \"high\", 10, 0), 0, 100)",
        "100",
        "1001",
        CLAMPED,
    ],
    [
        "fan-out-to-many-payees",
        "+ if(customer.risk == \"high\", 10, 0), 0, 100)",
        "0",
        "01",
        CLAMPED,
    ],
    [
        "gather-scatter",
        "score: clamp(65 + 5 * (min(new_payers, new_payees) - min_new",
        "new_payers",
        "new_payees",
        "the score is higher at times and never lower, and no alert depends on it",
    ],
    [
        "gather-scatter",
        "score: clamp(65 + 5 * (min(new_payers, new_payees) - min_new",
        "0",
        "01",
        CLAMPED,
    ],
    [
        "gather-scatter",
        "score: clamp(65 + 5 * (min(new_payers, new_payees) - min_new",
        "100",
        "1001",
        CLAMPED,
    ],
    ["gather-scatter", "scope: funds", "scope: funds", "", WIDER],
    [
        "high-risk-jurisdiction",
        "score: if(is_called, 85, clamp(40 + round(monitored / min_mo",
        "0",
        "01",
        CLAMPED,
    ],
    [
        "one-device-many-customers",
        "score: clamp(60 + 10 * (customers - min_customers), 0, 100)",
        "0",
        "01",
        CLAMPED,
    ],
    [
        "one-device-many-customers",
        "score: clamp(60 + 10 * (customers - min_customers), 0, 100)",
        "100",
        "1001",
        CLAMPED,
    ],
    ["one-device-many-customers", "scope: biometric", "scope: biometric", "", WIDER],
    ["one-device-many-customers", "cause: actor_doubt", "cause: actor_doubt", "", OTHER_WORD],
    [
        "profile-change-then-withdrawal",
        "and (kyc.channel ?? \"unknown\") != \"branch\"",
        "unknown",
        "",
        "any word but `branch` says the same there",
    ],
    [
        "profile-change-then-withdrawal",
        "and (kyc.channel ?? \"unknown\") != \"branch\"",
        "unknown",
        "unknownx",
        "any word but `branch` says the same there",
    ],
    [
        "profile-change-then-withdrawal",
        "and tx.amount > multiple * (usual ?? 0)",
        "0",
        "01",
        "no payment is so small: `large` is 100 at least and `multiple` 20 at most",
    ],
    ["profile-change-then-withdrawal", "cause: actor_doubt", "cause: actor_doubt", "", OTHER_WORD],
    ["rapid-pass-through", "scope: funds", "scope: funds", "", WIDER],
    [
        "registration-burst",
        "score: clamp(30 + 15 * on_device + if(on_document >= per_doc",
        "0",
        "01",
        CLAMPED,
    ],
    [
        "registration-burst",
        "score: clamp(30 + 15 * on_device + if(on_document >= per_doc",
        "100",
        "1001",
        CLAMPED,
    ],
    ["registration-burst", "cause: data_doubt", "cause: data_doubt", "", OTHER_WORD],
    [
        "repeated-small-transfers",
        "values: { EUR: 1000, USD: 1000, GBP: 1000, SEK: 11000, NOK: ",
        "EUR",
        "EURx",
        "the default says the same as the row",
    ],
    [
        "repeated-small-transfers",
        "values: { EUR: 1000, USD: 1000, GBP: 1000, SEK: 11000, NOK: ",
        "EUR",
        "",
        "the default says the same as the row",
    ],
    [
        "repeated-small-transfers",
        "values: { EUR: 1000, USD: 1000, GBP: 1000, SEK: 11000, NOK: ",
        "USD",
        "",
        "the default says the same as the row",
    ],
    [
        "repeated-small-transfers",
        "values: { EUR: 1000, USD: 1000, GBP: 1000, SEK: 11000, NOK: ",
        "USD",
        "USDx",
        "the default says the same as the row",
    ],
    [
        "repeated-small-transfers",
        "values: { EUR: 1000, USD: 1000, GBP: 1000, SEK: 11000, NOK: ",
        "GBP",
        "",
        "the default says the same as the row",
    ],
    [
        "repeated-small-transfers",
        "values: { EUR: 1000, USD: 1000, GBP: 1000, SEK: 11000, NOK: ",
        "GBP",
        "GBPx",
        "the default says the same as the row",
    ],
    [
        "repeated-small-transfers",
        "score: clamp(40 + 10 * (n - min_transfers), 0, 90)",
        "0",
        "01",
        CLAMPED,
    ],
    [
        "structuring-cash-deposits",
        "and (branches >= min_branches or weeks_before >= min_deposits)",
        "min_deposits",
        "min_branches",
        "it asks for less before than it did: more alerts, and none is lost",
    ],
    [
        "structuring-cash-deposits",
        "+ if(weeks_before >= min_deposits, 15, 0), 0, 100)",
        "min_deposits",
        "min_branches",
        "the score is higher at times and never lower, and no alert depends on it",
    ],
    [
        "structuring-cash-deposits",
        "+ if(weeks_before >= min_deposits, 15, 0), 0, 100)",
        "0",
        "01",
        CLAMPED,
    ],
    [
        "structuring-cash-deposits",
        "+ if(weeks_before >= min_deposits, 15, 0), 0, 100)",
        "100",
        "1001",
        CLAMPED,
    ],
    ["structuring-cash-deposits", "scope: funds", "scope: funds", "", WIDER],
    [
        "unknown-account-transacting",
        "class: control_breach",
        "class: control_breach",
        "",
        "the alert stays and is sorted as a suspicion, which is looked at first",
    ],
];

const CLAMPED: &str = "the score is held to 0 to 100 anyway, and what is clamped is never below 1";
const OTHER_WORD: &str = "alert and request stay; only the neutral word on the request is another";
const WIDER: &str = "alert and request stay; all is reviewed and not only a part";

/// One slip.
struct Slip {
    start: usize,
    end: usize,
    instead: String,
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

/// Words whole, other signs one by one.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let mut tokens = Vec::new();
    let mut signs = text.char_indices().peekable();
    while let Some((start, first)) = signs.next() {
        let mut end = start + first.len_utf8();
        while is_word(first) && signs.peek().is_some_and(|(_, next)| is_word(*next)) {
            end += signs.next().map_or(0, |(_, next)| next.len_utf8());
        }
        if !first.is_whitespace() {
            tokens.push((start, end));
        }
    }
    tokens
}

fn slips(study: &Study) -> Vec<Slip> {
    let text: &str = &study.rule.source;
    let params = study.rule.params.iter().map(|it| it.name.as_str());
    let names: Vec<&str> =
        study.rule.lets.iter().map(|it| it.name.as_str()).chain(params).collect();
    let mut slips = Vec::new();
    for (start, end) in tokens(text) {
        let token = &text[start..end];
        let mut push = |instead: String| slips.push(Slip { start, end, instead });
        push(String::new());
        if token.starts_with(|first: char| first.is_ascii_digit()) {
            push(format!("{token}1"));
        } else if token.starts_with(is_word) {
            push(format!("{token}x"));
        }
        if let Some(place) = names.iter().position(|name| *name == token) {
            push(names[(place + 1) % names.len()].to_owned());
        }
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        slips.push(Slip { start, end: start + line.len(), instead: String::new() });
        start += line.len();
    }
    slips
}

/// What came of all slips tried.
#[derive(Debug, Default)]
struct Tally {
    refused: usize,
    warned: usize,
    noticed: usize,
    same: usize,
    listed: BTreeSet<usize>,
    unseen: Vec<String>,
}

/// The rule as it would be, and its line.
fn changed<'t>(text: &'t str, slip: &Slip) -> (String, &'t str, usize) {
    let changed = format!("{}{}{}", &text[..slip.start], slip.instead, &text[slip.end..]);
    let line_start = text[..slip.start].rfind('\n').map_or(0, |at| at + 1);
    let number = text[..slip.start].matches('\n').count() + 1;
    (changed, text[line_start..].lines().next().unwrap_or_default().trim(), number)
}

/// Whether the checker says something of the changed file.
fn is_warned(rulebook: &Rulebook, study: &Study, text: String) -> bool {
    let mut sources = rulebook.sources.clone();
    sources.insert(study.rule.path.clone(), text);
    loader::load(&sources).diagnostics.iter().any(|problem| problem.path == study.rule.path)
}

fn try_slip(rulebook: &Rulebook, study: &Study, slip: &Slip, tally: &Mutex<Tally>) {
    let text: &str = &study.rule.source;
    let (changed, line, number) = changed(text, slip);
    let fate = catch_unwind(AssertUnwindSafe(|| {
        let fate = study.try_text(changed.clone());
        (fate == Fate::Unnoticed && is_warned(rulebook, study, changed), fate)
    }));
    let taken = text[slip.start..slip.end].trim();
    let is_it = |[rule, part, gone, instead, _]: &[&str; 5]| {
        (*rule, *gone, *instead) == (study.rule.name.as_str(), taken, slip.instead.as_str())
            && line.contains(part)
    };
    let told =
        || format!("{}:{number}: {taken:?} -> {:?} in: {line}", study.rule.path, slip.instead);
    let listed = LISTED.iter().position(is_it);
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    match (fate, listed) {
        (Ok((_, Fate::NotARule)), _) => tally.refused += 1,
        (Ok((_, Fate::Noticed)), _) => tally.noticed += 1,
        (Ok((_, Fate::Same(_))), _) => tally.same += 1,
        (Ok((true, Fate::Unnoticed)), _) => tally.warned += 1,
        (Ok((false, Fate::Unnoticed)), Some(place)) => {
            tally.listed.insert(place);
        }
        (Ok((false, Fate::Unnoticed)), None) => tally.unseen.push(seen_now(told())),
        (Err(_), _) => tally.unseen.push(seen_now(format!("PANIC {}", told()))),
    }
}

/// Told at once as well, because a whole run takes many minutes.
fn seen_now(told: String) -> String {
    println!("unseen: {told}");
    told
}

fn shipped() -> Rulebook {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let texts = files::read_folder(&folder).expect("the rules folder can be read");
    loader::load(&texts).rulebook.expect("the shipped rules load")
}

#[test]
fn every_slip_in_a_shipped_rule_is_refused_or_noticed_or_changes_nothing() {
    let rulebook = shipped();
    let studies = studies(&rulebook, |_| true);
    let is_whole = std::env::var_os("WEIR_ALL_MUTANTS").is_some();
    let step = if is_whole { 1 } else { SAMPLE };
    let mut all: Vec<(&Study, Slip)> = studies
        .iter()
        .flat_map(|study| slips(study).into_iter().map(move |slip| (study, slip)))
        .collect();
    // What can change the meaning comes first, and is told first.
    all.sort_by_key(|(study, slip)| {
        study.rule.source.find("\ntests:").is_some_and(|at| slip.start > at)
    });
    let tried: Vec<&(&Study, Slip)> = all.iter().step_by(step).collect();
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some((study, slip)) = tried.get(place) else { break };
                    try_slip(&rulebook, study, slip, &tally);
                    if place % 1_000 == 999 {
                        println!("{} of {} slips", place + 1, tried.len());
                    }
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.unseen.sort();
    println!(
        "{} of {} slips in {} rules: {} refused, {} warned of, {} noticed by a test, {} the same, {} listed",
        tried.len(),
        all.len(),
        studies.len(),
        tally.refused,
        tally.warned,
        tally.noticed,
        tally.same,
        tally.listed.len(),
    );
    assert!(tally.unseen.is_empty(), "unseen:\n{}", tally.unseen.join("\n"));
    // Each kind of answer is really given, so that the test cannot pass by trying nothing.
    assert!(tally.refused > 0 && tally.noticed > 0 && tally.same > 0, "{tally:?}");
    if is_whole {
        assert_eq!(tally.listed.len(), LISTED.len(), "something is listed that is seen by now");
    }
}

#[test]
fn whatever_is_listed_is_there_once_and_says_why() {
    let rulebook = shipped();
    let keys: BTreeSet<[&str; 4]> = LISTED
        .iter()
        .map(|[rule, part, gone, instead, _]| [*rule, *part, *gone, *instead])
        .collect();
    assert_eq!(keys.len(), LISTED.len(), "something is listed twice");
    for [rule, part, _, _, reason] in LISTED {
        let rule = rulebook.rules.iter().find(|it| it.name == *rule).expect("a shipped rule");
        assert!(rule.source.contains(part), "{} has no `{part}`", rule.name);
        assert!(reason.len() > 20, "{part}");
    }
}

//! The engine alone: one event through no rule, each shipped rule by itself, all of them, and sixty, on the
//! sample data, already decoded.
//!
//! What is measured is an engine that has seen the whole sample once, so that windows are full, and
//! then judges it again shifted in time.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up must stop")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use weir::domain::{Body, Currency, Event, Instant, Span};
use weir::engine::{Engine, Limits};
use weir::publish;
use weir::rulebook::{Rulebook, loader};
use weir::wire::{Decoder, Settings};
use weir::{demo, files};

/// Events of one judged round.
const EVENTS_MAX: usize = 20_000;

/// Rules of the largest rulebook that is measured.
const RULES: usize = 60;

fn shipped() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    files::read_folder(&root).expect("readable rules")
}

fn rulebook(texts: &BTreeMap<String, String>) -> Arc<Rulebook> {
    let loaded = loader::load(texts);
    Arc::new(loaded.rulebook.unwrap_or_else(|| panic!("sound rules: {:#?}", loaded.diagnostics)))
}

/// The shipped rules, and variants of them with other lengths of their windows, so that nothing is
/// shared between a rule and its variant that two rules of an analyst would not share.
fn sixty(shipped: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut texts = shipped.clone();
    let rules: Vec<(&String, &String)> =
        shipped.iter().filter(|(path, _)| files::is_rule(Path::new(path))).collect();
    let variants = (1..).flat_map(|variant| rules.iter().map(move |rule| (variant, rule)));
    for (variant, (path, text)) in variants.take(RULES.saturating_sub(rules.len())) {
        let stem = path.trim_end_matches(".yaml");
        let (name, other) = (file_stem(stem), format!("{}-{variant}", file_stem(stem)));
        let logic = text.split("\ntests:\n").next().unwrap_or_default();
        let text =
            longer(logic, variant).replace(&format!("rule: {name}\n"), &format!("rule: {other}\n"));
        texts.insert(format!("{stem}-{variant}.yaml"), text + "\n");
    }
    texts
}

fn file_stem(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Every window of days or hours is `more` units longer.
fn longer(text: &str, more: u32) -> String {
    let mut parts = text.split(" over ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(" over ");
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match part.get(..digits).and_then(|number| number.parse::<u32>().ok()) {
            Some(number) => {
                out.push_str(&(number + more).to_string());
                out.push_str(part.get(digits..).unwrap_or_default());
            }
            None => out.push_str(part),
        }
    }
    out
}

fn payloads() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let files = demo::unpack(folder.path()).expect("sample files");
    let mut all = Vec::new();
    for file in files {
        for prepared in publish::open(&file, None).expect("readable sample") {
            all.push(prepared.expect("a sound row").payload);
        }
    }
    all
}

fn shifted<'a>(events: &[Event<'a>], round: i64) -> Vec<Event<'a>> {
    let shift = |event: &Event<'a>| {
        let mut event = event.clone();
        event.at = event.at.plus(Span::days(60 * round));
        event.id = format!("{}-{round}", event.id).into();
        event
    };
    events.iter().map(shift).collect()
}

fn evaluate(criterion: &mut Criterion) {
    let base = Currency::parse("SEK").expect("a currency");
    let decoder = Decoder::new(Settings::new(base));
    let payloads = payloads();
    let stored_at = Instant::parse("2026-01-01T00:00:00Z").expect("a time");
    let events: Vec<Event<'_>> =
        payloads.iter().filter_map(|bytes| decoder.decode(&[], bytes, stored_at).ok()).collect();
    let (identities, transactions): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| !matches!(event.body, Body::Transaction(_)));
    let transactions: Vec<Event<'_>> = transactions.into_iter().take(EVENTS_MAX).collect();
    let shipped = shipped();
    let mut group = criterion.benchmark_group("evaluate");
    group.throughput(Throughput::Elements(1));
    group.sample_size(10);
    let mut measure = |name: &str, texts: &BTreeMap<String, String>| {
        let rulebook = rulebook(texts);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| judge(&rulebook, &identities, &transactions, count));
        });
    };
    measure("one transaction, no rule", &without_rules(&shipped, |_| false));
    measure("one transaction, all shipped rules", &shipped);
    measure("one transaction, sixty rules", &sixty(&shipped));
    for path in shipped.keys().filter(|path| files::is_rule(Path::new(path))) {
        let name = format!("one transaction, only {}", file_stem(path.trim_end_matches(".yaml")));
        measure(&name, &without_rules(&shipped, |other| other == path));
    }
    group.finish();
}

fn without_rules(
    shipped: &BTreeMap<String, String>,
    keeps: impl Fn(&str) -> bool,
) -> BTreeMap<String, String> {
    let texts = shipped.iter();
    let kept = texts.filter(|(path, _)| !files::is_rule(Path::new(path)) || keeps(path));
    kept.map(|(path, text)| (path.clone(), text.clone())).collect()
}

/// How long `count` transactions take once windows are full.
fn judge(
    rulebook: &Arc<Rulebook>,
    identities: &[Event<'_>],
    transactions: &[Event<'_>],
    count: u64,
) -> Duration {
    let mut engine = Engine::new(Arc::clone(rulebook), Limits::default());
    let mut sequence = 0;
    for event in identities.iter().chain(transactions) {
        sequence += 1;
        engine.apply(sequence, event);
    }
    let mut spent = Duration::ZERO;
    let mut left = count;
    let mut round = 1;
    while left > 0 {
        let batch = shifted(transactions, round);
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(batch.len());
        let started = Clock::now();
        for event in batch.iter().take(part) {
            sequence += 1;
            std::hint::black_box(engine.apply(sequence, event));
        }
        spent += started.elapsed();
        left -= part as u64;
        round += 1;
    }
    spent
}

criterion_group!(benches, evaluate);
criterion_main!(benches);

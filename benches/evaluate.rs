//! The engine alone: one event through all shipped rules, on the sample data, already decoded.
//!
//! What is measured is an engine that has seen the whole sample once, so that windows are full, and
//! then judges it again shifted in time.

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

fn rulebook() -> Arc<Rulebook> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let loaded = loader::load(&files::read_folder(&root).expect("readable rules"));
    Arc::new(loaded.rulebook.expect("sound rules"))
}

fn payloads() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for sample in demo::SAMPLES {
        for prepared in sample.read().expect("readable sample") {
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
    let mut group = criterion.benchmark_group("evaluate");
    group.throughput(Throughput::Elements(1));
    group.sample_size(20);
    group.bench_function("one transaction, all shipped rules", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut engine = Engine::new(rulebook(), Limits::default());
            let mut sequence = 0;
            for event in identities.iter().chain(&transactions) {
                sequence += 1;
                engine.apply(sequence, event);
            }
            let mut spent = Duration::ZERO;
            let mut left = iterations;
            let mut round = 1;
            while left > 0 {
                let batch = shifted(&transactions, round);
                let count = usize::try_from(left).unwrap_or(usize::MAX).min(batch.len());
                let started = Clock::now();
                for event in batch.iter().take(count) {
                    sequence += 1;
                    std::hint::black_box(engine.apply(sequence, event));
                }
                spent += started.elapsed();
                left -= count as u64;
                round += 1;
            }
            spent
        });
    });
    group.finish();
}

criterion_group!(benches, evaluate);
criterion_main!(benches);

//! Decoding one message: structured and binary mode, and what a refusal costs.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use weir::domain::{Currency, Instant};
use weir::wire::{Decoder, Settings};

const DATA: &str = r#"{"type":"transfer","amount":"437.32","currency":"SEK","debtor":{"customer_id":"DC000067","account_id":"DA002942","bank":"bank_x","country":"SE"},"creditor":{"account_id":"DA000714","country":"SE"}}"#;

fn structured() -> String {
    format!(
        r#"{{"specversion":"1.0","id":"DT0000001","source":"amlgentex","type":"aml.transaction.v1","time":"2023-03-01T00:08:07Z","data":{DATA}}}"#
    )
}

fn decode(criterion: &mut Criterion) {
    let base = Currency::parse("SEK").expect("a currency");
    let decoder = Decoder::new(Settings::new(base));
    let stored_at = Instant::parse("2023-03-01T00:08:08Z").expect("a time");
    let mut group = criterion.benchmark_group("decode");
    let message = structured();
    group.throughput(Throughput::Bytes(message.len() as u64));
    group.bench_function("structured transaction", |bencher| {
        bencher.iter(|| decoder.decode(&[], black_box(message.as_bytes()), stored_at).is_ok());
    });
    let headers: Vec<(String, String)> = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "DT0000001"),
        ("ce-source", "amlgentex"),
        ("ce-type", "aml.transaction.v1"),
        ("ce-time", "2023-03-01T00:08:07Z"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    group.throughput(Throughput::Bytes(DATA.len() as u64));
    group.bench_function("binary transaction", |bencher| {
        bencher.iter(|| decoder.decode(black_box(&headers), DATA.as_bytes(), stored_at).is_ok());
    });
    let wrong = message.replace("437.32", "437.325");
    group.bench_function("refusal", |bencher| {
        bencher.iter(|| decoder.decode(&[], black_box(wrong.as_bytes()), stored_at).is_err());
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);

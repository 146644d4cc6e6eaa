//! Random input against what must never fail: the reader of rule files and the reader of messages.
//!
//! In: real rule files, diagnostics and messages as seeds, changed at random, from a fixed seed of
//! chance. An ordinary run takes a few seconds; `WEIR_FUZZ_SECONDS=600` takes as long as it says, and
//! `WEIR_FUZZ_SEED=7` starts elsewhere. An input that fails is written to a file, whose name is told.
//!
//! There is no coverage to guide it, because that needs a nightly compiler; the seeds and a vocabulary
//! of the language stand in for it.

mod chance;
mod messages;
mod rules;

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use chance::Chance;

/// How long one target runs in an ordinary test run.
const SHORT: Duration = Duration::from_secs(4);

/// One input may take so long at most, in a build without optimization on a busy machine.
const SLOWEST: Duration = Duration::from_secs(20);

fn budget() -> Duration {
    let seconds = std::env::var("WEIR_FUZZ_SECONDS").ok().and_then(|it| it.parse().ok());
    seconds.map_or(SHORT, Duration::from_secs)
}

fn seed() -> u64 {
    std::env::var("WEIR_FUZZ_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(1)
}

/// Tries inputs until the time is over. `attempt` says whether the input was accepted.
fn fuzz(
    target: &str,
    mut input: impl FnMut(&mut Chance) -> Vec<u8>,
    attempt: impl Fn(&[u8]) -> bool,
) {
    let (begun, budget) = (Instant::now(), budget());
    let mut chance = Chance::new(seed());
    let (mut tried, mut accepted) = (0_u64, 0_u64);
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < budget {
        let bytes = input(&mut chance);
        let one = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| attempt(&bytes)));
        let took = one.elapsed();
        slowest = slowest.max(took);
        // What panicked, the test harness has printed already.
        let is_sound = outcome.is_ok() && took <= SLOWEST;
        assert!(is_sound, "{target}: failed after {took:?} on {}", keep(target, &bytes));
        accepted += u64::from(outcome.unwrap_or_default());
        tried += 1;
    }
    println!("{target}: {tried} inputs, {accepted} accepted, the slowest took {slowest:?}");
    assert!(tried > 50, "{target}: only {tried} inputs in {budget:?}");
    assert!(accepted > 0 && accepted < tried, "{target}: {accepted} of {tried} accepted");
}

/// Writes an input that failed beside the build, where no clean checkout is touched.
fn keep(target: &str, bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    fs::create_dir_all(&folder).expect("a folder for inputs that failed");
    let path = folder.join(format!("{target}-{:016x}", hasher.finish()));
    fs::write(&path, bytes).expect("the input can be written");
    path.display().to_string()
}

/// All files below a folder of the repository that end in one of `endings`, by path.
fn seeds(folder: &str, endings: &[&str]) -> Vec<(String, Vec<u8>)> {
    fn walk(folder: &Path, endings: &[&str], into: &mut Vec<(String, Vec<u8>)>) {
        let mut paths: Vec<_> = fs::read_dir(folder)
            .expect("a folder of seeds")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                walk(&path, endings, into);
            } else if path.extension().is_some_and(|it| endings.iter().any(|end| it == *end)) {
                into.push((path.display().to_string(), fs::read(&path).expect("a seed")));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), endings, &mut found);
    found
}

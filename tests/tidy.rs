//! The source tree tests itself: direction of imports, bans with their replacement, file openings.
//!
//! In: every Rust file below `src`, `tests` and `benches`. Out: a failed test that lists each place
//! and says what to write instead. Long files and functions are printed, not failed: a long
//! function that reads well beats three that do not. Every check has tests of its own on invented
//! text, so that a check which finds nothing is known to be able to find something.

mod bans;
mod direction;
mod log_fields;
mod sizes;
mod source;

use source::{File, Finding};

/// Fails with all findings, one per line.
#[track_caller]
fn assert_tidy(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{} untidy places:\n{}", lines.len(), lines.join("\n"));
}

fn check_all(check: impl Fn(&File) -> Vec<Finding>) -> Vec<Finding> {
    source::rust_files().iter().flat_map(check).collect()
}

#[test]
fn modules_import_only_what_lies_before_them() {
    assert_tidy(&check_all(direction::check));
}

#[test]
fn core_reads_no_clock_no_world_and_no_floating_point() {
    assert_tidy(&check_all(bans::check_core));
}

#[test]
fn nothing_is_left_lying_about() {
    assert_tidy(&check_all(bans::check_everywhere));
}

#[test]
fn every_file_opens_by_saying_its_job() {
    assert_tidy(&check_all(bans::check_opening));
}

#[test]
fn log_lines_carry_only_listed_fields() {
    assert_tidy(&check_all(log_fields::check));
}

#[test]
fn long_files_and_functions_are_printed() {
    let files = source::rust_files();
    // Shown by `cargo test tidy -- --nocapture`, and by anyone who asks why a file is hard to read.
    for line in files.iter().flat_map(sizes::report) {
        println!("{line}");
    }
    assert!(!files.is_empty(), "no Rust file was found");
}

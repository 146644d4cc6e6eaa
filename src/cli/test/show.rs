//! Failed tests for a reader at a terminal: what was expected, what came, field by field, and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{place, why};
use crate::cli::output;
use crate::engine::rehearsal::{Change, Difference, Rehearsal};
use crate::rulebook::Rulebook;

/// The colors of a difference; empty where there is no terminal.
#[derive(Clone, Copy)]
pub struct Colors {
    expected: &'static str,
    actual: &'static str,
    failed: &'static str,
    end: &'static str,
}

impl Colors {
    /// No colors.
    pub const NONE: Self = Self { expected: "", actual: "", failed: "", end: "" };

    const TERMINAL: Self = Self {
        expected: "\u{1b}[31m",
        actual: "\u{1b}[32m",
        failed: "\u{1b}[1;31m",
        end: "\u{1b}[0m",
    };
}

/// Prints every failed test and one line that sums up.
pub fn report(
    rulebook: &Rulebook,
    run: &[Rehearsal],
    texts: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let colors = if output::is_styled() { Colors::TERMINAL } else { Colors::NONE };
    for rehearsal in run.iter().filter(|rehearsal| !rehearsal.is_passed()) {
        let source = texts.get(&rehearsal.path).map_or("", String::as_str);
        output::line(&failure(rehearsal, source, colors))?;
    }
    let untested = rulebook.rules.iter().filter(|rule| rule.tests.is_empty()).count();
    let failed = run.iter().filter(|rehearsal| !rehearsal.is_passed()).count();
    let passed = run.len() - failed;
    output::line(&format!(
        "{} rule(s), {passed} test(s) passed, {failed} failed, {untested} rule(s) without a test",
        rulebook.rules.len()
    ))?;
    Ok(())
}

/// One failed test: `-` was expected, `+` came.
pub fn failure(rehearsal: &Rehearsal, source: &str, colors: Colors) -> String {
    let Colors { failed, end, .. } = colors;
    let mut text = format!("{failed}FAILED{end} {}: {}\n", rehearsal.rule, rehearsal.example);
    for of_one in rehearsal.differences.chunk_by(|one, other| one.pair == other.pair) {
        let Some(first) = of_one.first() else { continue };
        let _ = writeln!(text, "  {}: {}", place(rehearsal, first, source), heading(first));
        for difference in of_one {
            write_change(&mut text, difference, colors);
        }
    }
    text
}

/// What the differences of one alert are about.
fn heading(difference: &Difference) -> String {
    let Difference { subject, at, change, .. } = difference;
    match change {
        Change::Missing { entity: Some(entity), .. } | Change::Unexpected { entity, .. } => {
            format!("{subject} at {at} about {entity}")
        }
        Change::Missing { entity: None, .. } | Change::Different { .. } => {
            format!("{subject} at {at}")
        }
    }
}

fn write_change(text: &mut String, difference: &Difference, colors: Colors) {
    let Colors { expected: red, actual: green, end, .. } = colors;
    let mut write = |sign: char, color: &str, line: &str| {
        let _ = writeln!(text, "    {color}{sign} {line}{end}");
    };
    match &difference.change {
        Change::Missing { values, .. } => {
            write('-', red, &in_full("expected", values));
            write('+', green, "did not come");
        }
        Change::Unexpected { values, .. } => {
            write('-', red, "nothing expected");
            write('+', green, &in_full("came", values));
        }
        Change::Different { what, expected, actual } => {
            write('-', red, &format!("{what} {expected}"));
            write('+', green, &format!("{what} {actual}"));
        }
    }
    for line in why(difference) {
        write(' ', "", &line);
    }
}

fn in_full(word: &str, values: &[(String, String)]) -> String {
    let mut line = word.to_owned();
    for (place, (name, value)) in values.iter().enumerate() {
        let before = if place == 0 { ": " } else { ", " };
        let _ = write!(line, "{before}{name} {value}");
    }
    line
}

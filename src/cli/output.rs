//! Printing: text, tables and JSON to standard output, complaints to standard error.

use std::io::{self, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// Prints one line.
///
/// # Errors
/// Standard output is closed.
pub fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Empties the screen; what is not a terminal gets nothing.
///
/// # Errors
/// Standard output is closed.
pub fn clear() -> io::Result<()> {
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        write!(out, "\u{1b}[2J\u{1b}[3J\u{1b}[H")?;
    }
    out.flush()
}

/// Prints text that ends its own lines.
///
/// # Errors
/// Standard output is closed.
pub fn text(text: &str) -> io::Result<()> {
    write!(io::stdout().lock(), "{text}")
}

/// Prints a value as indented JSON.
///
/// # Errors
/// Standard output is closed.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?)?;
    Ok(())
}

/// Prints one line to standard error: progress and hints, never results.
pub fn say(text: &str) {
    // Standard error may be closed; then nobody wants to know.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Tells what went wrong, with every cause.
pub fn complain(error: &anyhow::Error) {
    say(&format!("weir: {error:#}"));
}

/// Whether the reader of standard output went away.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// A table without lines that fits the terminal.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    if !io::stdout().is_terminal() {
        table.set_width(200);
    }
    table
}

/// Whether standard output is a terminal that shows colors.
pub fn is_styled() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Whether progress may be drawn.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// The shortest beginning of an id that people pass around.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// A number with thousands separated by thin groups: `169_792` is `169,792`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes for people: `980 B`, `5.3 kB`, `1.2 GB`, in steps of a thousand.
pub fn bytes(number: u64) -> String {
    let mut unit = "B";
    let mut tenths = u128::from(number) * 10;
    for next in ["kB", "MB", "GB", "TB", "PB", "EB"] {
        if tenths < 10_000 {
            break;
        }
        tenths = (tenths + 500) / 1000;
        unit = next;
    }
    if unit == "B" {
        return format!("{number} B");
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_three_or_four_digits() {
        let cases = [0, 999, 1_000, 5_340, 999_960, 12_345_678, u64::MAX];
        let texts = ["0 B", "999 B", "1.0 kB", "5.3 kB", "1.0 MB", "12.3 MB", "18.4 EB"];
        assert_eq!(cases.map(bytes), texts);
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1_000, 169_792].map(grouped), ["0", "999", "1,000", "169,792"]);
    }
}

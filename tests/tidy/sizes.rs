//! Files and functions that have become long, for a reader to judge.

use super::source::{File, word_positions};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// One line per long file and function, tests apart.
pub fn report(file: &File) -> Vec<String> {
    let code = file.product_code();
    let mut lines = Vec::new();
    let count = code.lines().count();
    if count > FILE_LINES_MAX {
        lines.push(format!("{}: {count} lines without tests", file.path));
    }
    for (name, at, count) in functions(code) {
        if count > FUNCTION_LINES_MAX {
            let line = code[..at].matches('\n').count() + 1;
            lines.push(format!("{}:{line}: {name} has {count} lines", file.path));
        }
    }
    lines
}

/// Name, place and number of lines of each function with a body.
fn functions(code: &str) -> Vec<(&str, usize, usize)> {
    let mut found = Vec::new();
    for at in word_positions(code, "fn") {
        let rest = &code[at + 2..];
        let name = rest.trim_start().split(['(', '<']).next().unwrap_or_default();
        // A declaration without a body ends in a semicolon; one in an array type is inside brackets.
        let Some(open) = body(rest) else { continue };
        let Some(length) = block(&rest[open..]) else { continue };
        found.push((name, at, rest[..open + length].matches('\n').count() + 1));
    }
    found
}

fn body(rest: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, character) in rest.char_indices() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn block(text: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[test]
fn lines_of_a_function_are_counted_from_its_name_to_its_end() {
    let code =
        "fn short() {}\nfn declared(a: [u8; 2]);\npub fn long<T>(\n    a: T,\n) {\n    {}\n}\n";
    assert_eq!(functions(code), [("short", 0, 1), ("long", 43, 5)]);
}

#[test]
fn long_function_and_long_file_are_reported() {
    let text = format!("//! A.\nfn long() {{\n{}}}\n", "    a();\n".repeat(FUNCTION_LINES_MAX));
    assert_eq!(report(&File::new("src/a.rs", &text)), ["src/a.rs:2: long has 72 lines"]);
    let text = "const A: u8 = 1;\n".repeat(FILE_LINES_MAX + 1);
    assert_eq!(report(&File::new("src/a.rs", &text)), ["src/a.rs: 601 lines without tests"]);
    assert_eq!(report(&File::new("src/a/tests.rs", &text)), [""; 0]);
}

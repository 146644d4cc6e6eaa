//! The page as Markdown, with tables as code hosts know them.

use std::fmt::Write as _;

use super::document::{Block, Chapter, Document, Section, Table, Text, paragraphs};

/// The whole page.
#[must_use]
pub fn markdown(document: &Document) -> String {
    let mut out = format!("# {}\n\n{}\n", escaped(&document.title), escaped(&document.subtitle));
    out.push_str("\n## Contents\n\n");
    for section in &document.front {
        let id = section.id.as_deref().unwrap_or_default();
        let _ = writeln!(out, "- [{}](#{id})", escaped(&section.title));
    }
    for part in &document.parts {
        let _ = writeln!(out, "- {}", escaped(&part.title));
        for chapter in &part.chapters {
            let title = escaped(&chapter.title);
            let _ = writeln!(out, "  - [{}](#{}): {title}", escaped(&chapter.name), chapter.id);
        }
    }
    for section in &document.front {
        write_section(&mut out, section, 2);
    }
    for part in &document.parts {
        let _ = writeln!(out, "\n## {}", escaped(&part.title));
        part.chapters.iter().for_each(|chapter| write_chapter(&mut out, chapter));
    }
    out
}

fn write_chapter(out: &mut String, chapter: &Chapter) {
    let (name, title) = (escaped(&chapter.name), escaped(&chapter.title));
    let _ = writeln!(out, "\n<a id=\"{}\"></a>\n\n### {name}: {title}", chapter.id);
    chapter.sections.iter().for_each(|section| write_section(out, section, 4));
}

fn write_section(out: &mut String, section: &Section, level: usize) {
    if let Some(id) = &section.id {
        let _ = writeln!(out, "\n<a id=\"{id}\"></a>");
    }
    let _ = writeln!(out, "\n{} {}", "#".repeat(level), escaped(&section.title));
    for block in &section.blocks {
        out.push('\n');
        write_block(out, block);
    }
}

fn write_block(out: &mut String, block: &Block) {
    match block {
        Block::Prose(text) => {
            let paragraphs: Vec<String> = paragraphs(text).map(|it| escaped(&it)).collect();
            out.push_str(&paragraphs.join("\n\n"));
            out.push('\n');
        }
        Block::Code(text) => {
            let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
            let _ = writeln!(out, "{fence}\n{}\n{fence}", text.trim_end());
        }
        Block::Items(items) => {
            for item in items {
                let _ = writeln!(out, "- {}", inline(item));
            }
        }
        Block::Facts(facts) => {
            out.push_str("| | |\n|---|---|\n");
            for (name, value) in facts {
                let _ = writeln!(out, "| **{}** | {} |", escaped(name), inline(value));
            }
        }
        Block::Table(table) => write_table(out, table),
    }
}

fn write_table(out: &mut String, table: &Table) {
    let head: Vec<String> = table.head.iter().map(|text| escaped(text)).collect();
    let _ = writeln!(out, "| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(inline).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

/// A piece of text on one line, also in a table.
fn inline(text: &Text) -> String {
    match text {
        Text::Plain(text) => escaped(text),
        Text::Code(text) => code(text),
        Text::Lines(lines) => lines.iter().map(inline).collect::<Vec<_>>().join("<br>"),
        Text::Link { text, to } => format!("[{}](#{to})", escaped(text)),
    }
}

/// Text of a rule file; a bar would end the cell of a table.
fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return text;
    }
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", text.replace('|', "\\|"))
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|letter| letter != of).map(str::len).max().unwrap_or(0)
}

/// Text with everything escaped that Markdown would take for a sign, on one line.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for (at, letter) in text.split_whitespace().collect::<Vec<_>>().join(" ").char_indices() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => out.extend(['\\', letter]),
            '#' | '+' | '-' if at == 0 => out.extend(['\\', letter]),
            _ => out.push(letter),
        }
    }
    // `1. ` at the beginning of a line would begin a list.
    let digits = out.len() - out.trim_start_matches(|it: char| it.is_ascii_digit()).len();
    if digits > 0 && out.get(digits..).is_some_and(|rest| rest.starts_with(['.', ')'])) {
        out.insert(digits, '\\');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_escaped_outside_of_code_and_bars_everywhere() {
        for (text, expected) in [
            ("a | b", "a \\| b"),
            ("<script>&", "&lt;script&gt;&amp;"),
            ("*_`[x]`_*", "\\*\\_\\`\\[x\\]\\`\\_\\*"),
            ("# no heading", "\\# no heading"),
            ("- no item - here", "\\- no item - here"),
            ("2026. A year", "2026\\. A year"),
            ("over\n two lines", "over two lines"),
        ] {
            assert_eq!(escaped(text), expected);
        }
        for (text, expected) in [
            ("a || \"*\" <b>", "`a \\|\\| \"*\" <b>`"),
            ("with ` in it", "``with ` in it``"),
            ("`", "`` ` ``"),
            ("", ""),
        ] {
            assert_eq!(code(text), expected);
        }
    }
}

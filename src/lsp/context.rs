//! Where in a rule file the cursor is: under which keys, and before which words of an expression.
//!
//! While somebody types, the file is seldom readable as YAML. So the keys are found by indentation, line
//! by line, and the words of an expression by looking back from the cursor.

use lsp_types::Position;

use super::text::Text;

/// The cursor's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The keys above the cursor, outermost first; the key of its own line is the last if the cursor
    /// stands behind its colon.
    pub keys: Vec<String>,
    /// The cursor stands where a key is written.
    pub is_key: bool,
    /// What stands before the cursor in the value: the whole expression so far, over several lines.
    pub before: String,
}

/// A line of the file as far as keys go.
struct Line<'a> {
    /// How far its first word is indented; the dash of a list item counts as indentation.
    indent: usize,
    key: Option<&'a str>,
    /// What stands behind the key's colon, or the whole line.
    value: &'a str,
}

impl Context {
    /// The place of `position` in `text`.
    pub fn at(text: &Text, position: Position) -> Self {
        let number = position.line as usize;
        let line = text.line(number);
        let start = text.offset(Position { line: position.line, character: 0 });
        let cut = text.offset(position).saturating_sub(start);
        let typed = line.get(..cut).unwrap_or(line);
        let own = read(typed);
        let mut keys = Vec::new();
        let mut before = own.value.to_owned();
        let mut indent = own.indent;
        let has_key = own.key.is_some();
        if let Some(key) = own.key {
            keys.push(key.to_owned());
        }
        let mut is_in_value = has_key;
        for number in (0..number).rev() {
            let above = text.line(number);
            if above.trim().is_empty() || above.trim_start().starts_with('#') {
                continue;
            }
            let above = read(above);
            if above.indent >= indent {
                // A line of the same expression, while no key was met below it.
                if !has_key && !is_in_value && above.key.is_none() && above.indent == indent {
                    before.insert(0, '\n');
                    before.insert_str(0, above.value);
                }
                continue;
            }
            let Some(key) = above.key else { continue };
            let opens_block = matches!(above.value.trim(), "|" | ">" | "|-" | ">-");
            if !is_in_value && !has_key && (opens_block || !above.value.trim().is_empty()) {
                if !opens_block {
                    before.insert(0, '\n');
                    before.insert_str(0, above.value);
                }
                is_in_value = true;
            }
            keys.push(key.to_owned());
            indent = above.indent;
            if indent == 0 {
                break;
            }
        }
        keys.reverse();
        Self { is_key: !is_in_value, keys, before }
    }

    /// The keys as one path, to compare with.
    pub fn path(&self) -> Vec<&str> {
        self.keys.iter().map(String::as_str).collect()
    }

    /// The word that is being typed: letters, digits, `_` and `.`.
    pub fn word(&self) -> &str {
        let start = self.before.rfind(|c: char| !is_word(c)).map_or(0, |at| {
            at + self
                .before
                .get(at..)
                .and_then(|rest| rest.chars().next())
                .map_or(1, char::len_utf8)
        });
        self.before.get(start..).unwrap_or_default()
    }

    /// What stands before that word.
    pub fn ahead(&self) -> &str {
        let end = self.before.len() - self.word().len();
        self.before.get(..end).unwrap_or_default()
    }

    /// The text in quotes that is being typed, and what stands before its quote.
    pub fn quoted(&self) -> Option<(&str, &str)> {
        let last = self.before.rfind('"')?;
        let is_open = self.before.matches('"').count() % 2 == 1;
        is_open.then(|| {
            (
                self.before.get(..last).unwrap_or_default(),
                self.before.get(last + 1..).unwrap_or_default(),
            )
        })
    }
}

/// Whether a name can hold the character.
pub const fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.')
}

/// The name that covers byte `offset` of `text`, with its start; names of rules may hold dashes.
pub fn word_at(text: &str, offset: usize) -> Option<(usize, &str)> {
    let is_name = |c: char| is_word(c) || c == '-';
    let before = text.get(..offset)?;
    let start = before.rfind(|c: char| !is_name(c)).map_or(0, |at| {
        at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
    });
    let rest = text.get(start..)?;
    let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
    let word = rest.get(..end)?.trim_end_matches(['.', '-']);
    (!word.is_empty() && offset <= start + word.len()).then_some((start, word))
}

fn read(line: &str) -> Line<'_> {
    let mut indent = line.len() - line.trim_start_matches([' ', '-']).len();
    let mut rest = line.get(indent..).unwrap_or_default();
    // `-x` is an expression; only a dash with a space behind it begins an item.
    if indent > 0 && line.as_bytes().get(indent - 1) == Some(&b'-') && !rest.is_empty() {
        indent -= 1;
        rest = line.get(indent..).unwrap_or_default();
    }
    let is_key = |key: &str| {
        let key = key.trim_matches('"');
        !key.is_empty() && key.chars().all(|c| is_word(c) || matches!(c, '-' | '/' | '*'))
    };
    match rest.split_once(':') {
        Some((key, value))
            if is_key(key) && (value.is_empty() || value.starts_with([' ', '\t'])) =>
        {
            Line { indent, key: Some(key.trim_matches('"')), value: value.trim_start() }
        }
        _ => Line { indent, key: None, value: rest },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The context at the mark `|` in `text`.
    fn at(marked: &str) -> Context {
        let offset = marked.find('¦').expect("a mark");
        let text = Text::new(marked.replace('¦', ""));
        Context::at(&text, text.position(offset))
    }

    #[test]
    fn keys_are_found_by_indentation_also_in_a_broken_file() {
        let rule = "rule: r\nlet:\n  n: count(¦\nwhen: [\n";
        let context = at(rule);
        assert_eq!((context.path(), context.is_key), (vec!["let", "n"], false));
        assert_eq!((context.before.as_str(), context.word()), ("count(", ""));
        let context = at("alert:\n  sco¦");
        assert_eq!((context.path(), context.is_key, context.word()), (vec!["alert"], true, "sco"));
        let context = at("sta¦");
        assert_eq!((context.path(), context.is_key, context.word()), (vec![], true, "sta"));
        let context = at("unless:\n  - known: tx.bra¦nch");
        assert_eq!((context.path(), context.word()), (vec!["unless", "known"], "tx.bra"));
    }

    #[test]
    fn an_expression_over_several_lines_is_read_from_its_start() {
        let context = at("when: |\n  tx.amount > 5\n  # a remark\n  and tx.type == \"wi¦");
        assert_eq!(context.path(), ["when"]);
        assert_eq!(context.before, "tx.amount > 5\n  and tx.type == \"wi".replace("  and", "and"));
        assert_eq!(context.quoted(), Some(("tx.amount > 5\nand tx.type == ", "wi")));
        let context = at("when: tx.amount > 5\n  and tx.¦");
        assert_eq!((context.path(), context.word()), (vec!["when"], "tx."));
    }

    #[test]
    fn a_name_is_found_around_a_byte() {
        let text = "a + tx.amount.";
        assert_eq!(word_at(text, 7), Some((4, "tx.amount")));
        assert_eq!(word_at(text, 4), Some((4, "tx.amount")));
        assert_eq!(word_at(text, 2), None);
        assert_eq!(word_at("名 x", 4), Some((4, "x")));
    }
}

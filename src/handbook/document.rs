//! The page as a value: parts, chapters, sections and what stands in them. Both forms are made of it.

/// A whole page.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// One line below it.
    pub subtitle: String,
    /// What stands before the rules.
    pub front: Vec<Section>,
    /// The rules, by pack.
    pub parts: Vec<Part>,
}

/// The rules of one pack.
#[derive(Clone, Debug)]
pub struct Part {
    /// The pack.
    pub title: String,
    /// Its rules.
    pub chapters: Vec<Chapter>,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// Its anchor.
    pub id: String,
    /// The rule's name.
    pub name: String,
    /// The rule's title.
    pub title: String,
    /// In a few words: status, severity.
    pub marks: Vec<String>,
    /// What is told of it.
    pub sections: Vec<Section>,
}

/// Something with a heading.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// Its anchor, if something leads there.
    pub id: Option<String>,
    /// What stands below it.
    pub blocks: Vec<Block>,
}

/// What stands in a section.
#[derive(Clone, Debug)]
pub enum Block {
    /// Running text; an empty line begins another paragraph.
    Prose(String),
    /// As written in the rule file.
    Code(String),
    /// Points.
    Items(Vec<Text>),
    /// Names and what belongs to each.
    Facts(Vec<(String, Text)>),
    /// A table; the first cell of each row names it.
    Table(Table),
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// What it is, for those who cannot see it.
    pub caption: String,
    /// Headings.
    pub head: Vec<String>,
    /// Rows, each as long as the headings.
    pub rows: Vec<Vec<Text>>,
    /// Marks under many narrow columns.
    pub is_matrix: bool,
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// As it is read.
    Plain(String),
    /// As it is written in a rule file.
    Code(String),
    /// Several of them, one below the other.
    Lines(Vec<Text>),
    /// It leads to an anchor of the page.
    Link {
        /// What is read.
        text: String,
        /// The anchor.
        to: String,
    },
}

impl Text {
    /// Plain text.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Plain(text.into())
    }

    /// Text of a rule file.
    pub fn code(text: impl Into<String>) -> Self {
        Self::Code(text.into())
    }

    /// Nothing.
    pub const fn none() -> Self {
        Self::Plain(String::new())
    }

    /// Plain text, or nothing.
    pub fn maybe(text: Option<&String>) -> Self {
        text.map_or_else(Self::none, Self::plain)
    }

    /// Whether there is nothing to read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Plain(text) | Self::Code(text) | Self::Link { text, .. } => text.is_empty(),
            Self::Lines(lines) => lines.iter().all(Self::is_empty),
        }
    }
}

impl Section {
    /// A section without an anchor.
    pub fn new(title: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self { title: title.into(), id: None, blocks }
    }

    /// A section that something leads to.
    pub fn at(id: &str, title: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self { id: Some(id.to_owned()), ..Self::new(title, blocks) }
    }
}

impl Table {
    /// A table of whatever, with these headings.
    pub fn new(caption: impl Into<String>, head: &[&str], rows: Vec<Vec<Text>>) -> Self {
        let head = head.iter().map(|text| (*text).to_owned()).collect();
        Self { caption: caption.into(), head, rows, is_matrix: false }
    }

    /// Without the columns that are empty in every row.
    #[must_use]
    pub fn without_empty_columns(mut self) -> Self {
        let is_used = |column: usize| {
            self.rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.is_empty()))
        };
        let used: Vec<bool> = (0..self.head.len()).map(is_used).collect();
        let mut keep = used.iter();
        self.head.retain(|_| keep.next().copied().unwrap_or(true));
        for row in &mut self.rows {
            let mut keep = used.iter();
            row.retain(|_| keep.next().copied().unwrap_or(true));
        }
        self
    }
}

/// The paragraphs of a text, each on one line; an empty line parts them, and so does one that begins with
/// a word of its own and a colon (`Misses: ...`).
pub fn paragraphs(text: &str) -> impl Iterator<Item = String> {
    let mut all: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in text.lines().map(str::trim) {
        let begins = line.is_empty() || begins_a_point(line);
        is_open &= !begins;
        if line.is_empty() {
            continue;
        }
        match all.last_mut().filter(|_| is_open) {
            Some(last) => {
                last.push(' ');
                last.push_str(line);
            }
            None => all.push(line.to_owned()),
        }
        is_open = true;
    }
    all.into_iter()
}

/// Whether a line begins like `Usual false alarms: ...`: a capital, and at most four words before a colon.
fn begins_a_point(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(before, _)| {
        before.starts_with(|first: char| first.is_uppercase())
            && before.split(' ').count() <= 4
            && before.chars().all(|it| it.is_alphabetic() || it == ' ')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_ends_at_an_empty_line_and_before_a_point() {
        let text = "Looks for this\nand that.\nMisses: much,\nwhich is so.\n\nMore.\n";
        let all: Vec<String> = paragraphs(text).collect();
        assert_eq!(all, ["Looks for this and that.", "Misses: much, which is so.", "More."]);
    }
}

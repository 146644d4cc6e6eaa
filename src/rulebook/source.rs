//! The text of a rule file as a tree of nodes, each with its place in the file.
//!
//! A subset of YAML 1.2: one document, no tags, anchors, aliases, merge keys, duplicate keys or tabs.
//! Every scalar stays text and is read by the key it stands under, so `NO` is Norway and `9400.50` is
//! exactly that. This is the only module that knows the YAML library.

mod broken;
mod flow;

use granit_parser::{Event, Parser, ScalarStyle, ScanError};

use super::diagnostic::Diagnostic;
use super::typed::SourceSpan;

/// Largest rule or list file.
pub const FILE_BYTES_MAX: usize = 256 * 1024;

/// Deepest nesting of sequences and mappings.
pub const NESTING_LEVELS_MAX: usize = 32;

/// A piece of a rule file.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands; of a scalar, without quotes and block markers; of an empty value, its key.
    pub span: SourceSpan,
    /// What it is.
    pub kind: NodeKind,
}

/// The three kinds of nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// A scalar; `text` is its value after unfolding, `is_raw` tells that the file's bytes under the
    /// span say the same (plain, `|` and `>`, and quotes without escapes), so that expressions can be
    /// read in place.
    Scalar {
        /// The value.
        text: String,
        /// The bytes under the span can be lexed in place.
        is_raw: bool,
    },
    /// `[a, b]` or lines with dashes.
    Sequence(Vec<Node>),
    /// `{a: b}` or lines with colons, in file order.
    Mapping(Vec<Entry>),
}

/// One key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key stands.
    pub key_span: SourceSpan,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// The text of a scalar.
    #[must_use]
    pub fn scalar(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { text, .. } => Some(text),
            NodeKind::Sequence(_) | NodeKind::Mapping(_) => None,
        }
    }

    /// The items of a sequence.
    #[must_use]
    pub fn items(&self) -> Option<&[Self]> {
        match &self.kind {
            NodeKind::Sequence(items) => Some(items),
            NodeKind::Scalar { .. } | NodeKind::Mapping(_) => None,
        }
    }

    /// The entries of a mapping.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            NodeKind::Mapping(entries) => Some(entries),
            NodeKind::Scalar { .. } | NodeKind::Sequence(_) => None,
        }
    }

    /// The entry of a mapping under `key`.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| entry.key == key)
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scalar().is_some_and(str::is_empty)
    }

    /// Whether it is a scalar in quotes, where `"3"` is text and not a number.
    #[must_use]
    pub fn is_quoted(&self, source: &str) -> bool {
        let before = self.span.start.checked_sub(1).and_then(|at| source.as_bytes().get(at));
        self.scalar().is_some() && matches!(before, Some(b'"' | b'\''))
    }

    /// What it is, with an article, for messages.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            NodeKind::Scalar { text, .. } if text.is_empty() => "nothing",
            NodeKind::Scalar { .. } => "a single value",
            NodeKind::Sequence(_) => "a list",
            NodeKind::Mapping(_) => "a mapping",
        }
    }
}

/// The text of a file, which must be UTF-8.
///
/// # Errors
/// The bytes are not UTF-8; the diagnostic points at the first bad one.
pub fn decode(path: &str, bytes: &[u8]) -> Result<String, Box<Diagnostic>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
        Err(error) => {
            // The good bytes before it keep their length, so the place can be shown in lossy text.
            let at = error.valid_up_to();
            let title = "the file is not UTF-8 text";
            let label = "not a character in UTF-8";
            let span = SourceSpan { start: at, end: at + 1 };
            let problem = Diagnostic::new("E002", path, span, title, label);
            Err(Box::new(problem.with_help("save the file with the encoding UTF-8")))
        }
    }
}

/// Reads the tree of `text`, with every problem found on the way.
///
/// There is no tree when the text is not YAML at all or breaks a limit; otherwise the rest of the
/// file can be checked in the same run.
#[must_use]
pub fn read(path: &str, text: &str) -> (Option<Node>, Vec<Diagnostic>) {
    if text.len() > FILE_BYTES_MAX {
        return (None, vec![too_large(path, text.len())]);
    }
    if let Some(problem) = tab_in_indentation(path, text).or_else(|| odd_space(path, text)) {
        return (None, vec![problem]);
    }
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_anchor_events: true,
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: NESTING_LEVELS_MAX,
        block_nesting_limit: NESTING_LEVELS_MAX,
    };
    let mut builder = Builder { path, text, open: Vec::new(), root: None, problems: Vec::new() };
    for next in Parser::new_from_str_with_options(text, options) {
        match next {
            Ok((event, span)) => {
                let range = span.byte_range().unwrap_or_default();
                let place = SourceSpan { start: range.start, end: range.end };
                let tag = span.tag_span().and_then(|tag| tag.byte_range());
                if let Some(tag) = tag {
                    builder.tag(SourceSpan { start: tag.start, end: tag.end });
                }
                if builder.event(event, place).is_err() {
                    return (None, builder.problems);
                }
            }
            Err(error) => {
                builder.scan_error(&error);
                return (None, builder.problems);
            }
        }
    }
    if builder.root.is_none() {
        let span = SourceSpan::default();
        builder.report("E001", span, "the file is empty", "no rule here", None);
    }
    (builder.root, builder.problems)
}

/// Where the comments of a readable file stand; a `#` inside a block of text is none of them.
#[must_use]
pub fn comments(text: &str) -> Vec<SourceSpan> {
    let options = granit_parser::options! { emit_comments: true };
    let parsed = Parser::new_from_str_with_options(text, options).map_while(Result::ok);
    let found = parsed.filter(|(event, _)| matches!(event, Event::Comment(..)));
    found
        .filter_map(|(_, span)| span.byte_range())
        .map(|range| SourceSpan { start: range.start, end: range.end })
        .collect()
}

fn too_large(path: &str, size: usize) -> Diagnostic {
    let title = format!("the file has {size} bytes, more than {FILE_BYTES_MAX}");
    Diagnostic::new("E008", path, SourceSpan::default(), title, "too large")
        .with_help("one rule per file; move long lists of values to `lists/`")
}

fn tab_in_indentation(path: &str, text: &str) -> Option<Diagnostic> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        let tab = line.get(..indentation).and_then(|blank| blank.find('\t'));
        // A line of white space alone indents nothing.
        if let Some(tab) = tab.filter(|_| !line.trim().is_empty()) {
            let span = SourceSpan { start: start + tab, end: start + tab + 1 };
            let title = "a tab stands in the indentation";
            return Some(
                Diagnostic::new("E020", path, span, title, "a tab, whose width nobody knows")
                    .with_help("indent with spaces only, in the whole file"),
            );
        }
        start += line.len();
    }
    None
}

/// A space of another kind in the indentation, which looks like one and is none.
fn odd_space(path: &str, text: &str) -> Option<Diagnostic> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let indentation = line.len() - line.trim_start().len();
        let blank = line.get(..indentation).filter(|_| !line.trim().is_empty());
        let odd = blank.and_then(|it| it.char_indices().find(|(_, it)| *it != ' '));
        if let Some((at, odd)) = odd {
            let span = SourceSpan { start: start + at, end: start + at + odd.len_utf8() };
            let title = "a space of another kind stands in the indentation";
            let label = format!("U+{:04X}, which only looks like a space", u32::from(odd));
            return Some(
                Diagnostic::new("E020", path, span, title, label)
                    .with_help("type the spaces again; such ones come along when text is copied"),
            );
        }
        start += line.len();
    }
    None
}

/// What was given up: nothing of the file can be trusted any more.
struct GaveUp;

/// A collection whose end has not come.
struct Open {
    start: usize,
    kind: OpenKind,
}

enum OpenKind {
    Sequence(Vec<Node>),
    /// The entries, and a key that waits for its value.
    Mapping(Vec<Entry>, Option<(String, SourceSpan)>),
}

struct Builder<'a> {
    path: &'a str,
    text: &'a str,
    open: Vec<Open>,
    root: Option<Node>,
    problems: Vec<Diagnostic>,
}

impl Builder<'_> {
    fn report(
        &mut self,
        code: &'static str,
        span: SourceSpan,
        title: impl Into<String>,
        label: &str,
        help: Option<&str>,
    ) {
        let mut problem = Diagnostic::new(code, self.path, span, title, label);
        problem.help = help.map(str::to_owned);
        self.problems.push(problem);
    }

    fn tag(&mut self, span: SourceSpan) {
        let written = self.text.get(span.start..span.end).unwrap_or_default();
        let title = format!("`{written}` is a YAML tag");
        let help = "to negate a condition, write `not`; text that starts with `!` needs quotes";
        self.report("E004", span, title, "tags are not used in rule files", Some(help));
    }

    fn event(&mut self, event: Event<'_>, span: SourceSpan) -> Result<(), GaveUp> {
        match event {
            Event::Scalar(text, style, _, _) => {
                let node = self.scalar_node(&text, style, span);
                self.place(node);
            }
            Event::SequenceStart(..) => self.open(span, OpenKind::Sequence(Vec::new()))?,
            Event::MappingStart(..) => self.open(span, OpenKind::Mapping(Vec::new(), None))?,
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Anchor(..) => self.anchor(span),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.anchor(span);
                self.place(Node {
                    span,
                    kind: NodeKind::Scalar { text: String::new(), is_raw: false },
                });
            }
            Event::DocumentStart(..) if self.root.is_some() => {
                let help = "one rule per file: move what follows to a file of its own";
                let title = "the file holds more than one document";
                self.report("E007", span, title, "a second document starts here", Some(help));
                return Err(GaveUp);
            }
            _ => {}
        }
        Ok(())
    }

    fn anchor(&mut self, span: SourceSpan) {
        let written = self.text.get(span.start..span.end).unwrap_or_default();
        let title = format!("`{written}` is a YAML anchor or alias");
        let help = "write the value itself; a value used often is a parameter, text that starts \
                    with `&` or `*` needs quotes";
        self.report("E005", span, title, "not used in rule files", Some(help));
    }

    fn scalar_node(&self, text: &str, style: ScalarStyle, span: SourceSpan) -> Node {
        let raw = self.text.get(span.start..span.end).unwrap_or_default();
        let (is_raw, inner) = match style {
            ScalarStyle::DoubleQuoted => (!raw.contains('\\'), without_quotes(span)),
            ScalarStyle::SingleQuoted => {
                let inner = without_quotes(span);
                let within = self.text.get(inner.start..inner.end).unwrap_or_default();
                (!within.contains("''"), inner)
            }
            _ => (true, trimmed(raw, span)),
        };
        // The library writes `~` for a value that is not there.
        let text = if span.start == span.end { "" } else { text };
        Node { span: inner, kind: NodeKind::Scalar { text: text.to_owned(), is_raw } }
    }

    fn open(&mut self, span: SourceSpan, kind: OpenKind) -> Result<(), GaveUp> {
        if self.open.len() >= NESTING_LEVELS_MAX {
            self.too_deep(span);
            return Err(GaveUp);
        }
        self.open.push(Open { start: span.start, kind });
        Ok(())
    }

    fn too_deep(&mut self, span: SourceSpan) {
        let title = format!("nested deeper than {NESTING_LEVELS_MAX} levels");
        self.report(
            "E009",
            span,
            title,
            "one level too many",
            Some("no rule needs that; flatten it"),
        );
    }

    fn close(&mut self, span: SourceSpan) {
        let Some(open) = self.open.pop() else { return };
        let is_flow = span.end > span.start;
        let (end, kind) = match open.kind {
            OpenKind::Mapping(entries, _) if is_flow => {
                let (entries, problems) = flow::mended(self.path, self.text, entries);
                self.problems.extend(problems);
                (None, NodeKind::Mapping(entries))
            }
            OpenKind::Sequence(items) => {
                (items.last().map(|item| item.span.end), NodeKind::Sequence(items))
            }
            OpenKind::Mapping(entries, _) => {
                (entries.last().map(|entry| entry.value.span.end), NodeKind::Mapping(entries))
            }
        };
        // The end of a block collection is reported where the next thing starts, which is too far.
        let end = if is_flow { span.end } else { end.unwrap_or(span.end) };
        self.place(Node { span: SourceSpan { start: open.start, end: end.max(open.start) }, kind });
    }

    /// Hands a finished node to the collection that waits for it.
    fn place(&mut self, node: Node) {
        let around = self.open.len().checked_sub(2).and_then(|around| self.open.get(around));
        let is_entry = around.is_some_and(|it| matches!(it.kind, OpenKind::Sequence(_)));
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { kind: OpenKind::Sequence(items), .. }) => items.push(node),
            Some(Open { kind: OpenKind::Mapping(_, waiting @ None), .. }) => {
                let key = match node.kind {
                    NodeKind::Scalar { text, .. } => Some(text),
                    NodeKind::Sequence(_) | NodeKind::Mapping(_) => None,
                };
                *waiting = Some((key.clone().unwrap_or_default(), node.span));
                if key.is_none() {
                    let title = "a key must be a single word";
                    self.report("E012", node.span, title, "a collection as a key", None);
                } else if key.as_deref() == Some("<<") {
                    let title = "`<<` is a YAML merge key";
                    let label = "not used in rule files";
                    self.report("E006", node.span, title, label, Some("write the entries out"));
                }
            }
            Some(Open { kind: OpenKind::Mapping(entries, waiting), start }) => {
                let Some((key, key_span)) = waiting.take() else { return };
                let mut value = node;
                if value.is_empty() && value.span.start == value.span.end {
                    value.span = key_span;
                }
                let start = *start;
                if entries.iter().any(|entry| entry.key == key) {
                    if is_entry {
                        return self.next_entry_without_dash(&key, key_span, start);
                    }
                    let title = format!("the key `{key}` stands twice in one mapping");
                    let help = "keep one of them, or give one another name";
                    self.report("E003", key_span, title, "written before", Some(help));
                } else if key != "<<" {
                    entries.push(Entry { key, key_span, value });
                }
            }
        }
    }

    /// A key comes again in an entry of a list: most often the next entry has no dash, and all its keys do.
    fn next_entry_without_dash(&mut self, key: &str, span: SourceSpan, start: usize) {
        let was_said = self
            .problems
            .iter()
            .any(|problem| problem.code == "E003" && problem.span.start > start);
        if !was_said {
            let title = format!("the key `{key}` stands twice in one entry of a list");
            let help = format!("if the next entry begins here, write `- {key}: ...`");
            self.report("E003", span, title, "written before", Some(&help));
        }
    }

    fn scan_error(&mut self, error: &ScanError) {
        use granit_parser::ErrorKind as Kind;
        let offset = error.marker().byte_offset().unwrap_or(self.text.len());
        let start = self.text.floor_char_boundary(offset.min(self.text.len()));
        let width = self.text.get(start..).and_then(|rest| rest.chars().next());
        let width = width.filter(|next| *next != '\n').map_or(0, char::len_utf8);
        let span = SourceSpan { start, end: start + width };
        match error.kind() {
            Kind::DirectiveDisallowed => {
                let help = Some("delete the line");
                return self.report("E007", span, "a YAML directive", "not used here", help);
            }
            Kind::RecursionLimitExceeded => return self.too_deep(span),
            _ => {}
        }
        if let Some(broken) = broken::explain(self.text, error.kind(), start) {
            let help = Some(broken.help.as_str());
            return self.report("E001", broken.span, broken.title, &broken.label, help);
        }
        let title = format!("this cannot be read as YAML: {}", error.info());
        let help = self.scan_help(error.kind(), start);
        self.report("E001", span, title, "the reader stopped here", help);
    }

    /// The edit that most often mends a broken file, by what the line looks like.
    fn scan_help(&self, kind: &granit_parser::ErrorKind, at: usize) -> Option<&'static str> {
        use granit_parser::ErrorKind as Kind;
        let line_start = self.text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text.get(line_start..)?.lines().next().unwrap_or_default();
        let value = line.split_once(": ").map_or("", |(_, value)| value.trim_start());
        // What the value begins with matters only where the reader got that far.
        let is_in_value = at >= line_start + (line.len() - value.len());
        let value = if is_in_value { value } else { "" };
        match kind {
            Kind::UnclosedFlowCollection { .. } => Some("close the bracket"),
            Kind::UnclosedQuotedScalar => Some("close the quote"),
            Kind::MappingValueNotAllowed if line.matches(": ").count() > 1 => {
                Some("text that holds `: ` needs quotes, or put it below the key after `|`")
            }
            Kind::CommentInterceptedScalar => {
                Some("a condition of several lines with comments stands below its key after `|`")
            }
            _ if value.starts_with('!') => Some("to negate a condition, write `not`"),
            _ if value.starts_with('{') => Some("text that starts with `{` needs quotes"),
            _ if value.starts_with(['"', '\'']) => {
                Some("a condition that starts with a quote stands below its key after `|`")
            }
            _ if value.starts_with(['@', '`', '%']) => {
                Some("text that starts with this sign needs quotes")
            }
            _ => Some("check indentation, brackets and quotes here and in the line above"),
        }
    }
}

const fn without_quotes(span: SourceSpan) -> SourceSpan {
    if span.end < span.start + 2 {
        return span;
    }
    SourceSpan { start: span.start + 1, end: span.end - 1 }
}

/// The span without white space around it.
fn trimmed(raw: &str, span: SourceSpan) -> SourceSpan {
    let start = span.start + (raw.len() - raw.trim_start().len());
    SourceSpan { start, end: (start + raw.trim().len()).min(span.end).max(start) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Node {
        let (node, problems) = read("rule.yaml", text);
        assert_eq!(problems, [], "{text}");
        node.expect("a tree")
    }

    #[test]
    fn scalars_keep_their_exact_text_and_place() {
        let text = "a: 9400.50\nb: NO\nc: |\n  é and\n  # remark\n  more\nd: \"q x\"\ne:\n";
        let node = tree(text);
        let value = |key: &str| &node.entry(key).expect("an entry").value;
        assert_eq!(value("a").scalar(), Some("9400.50"));
        assert_eq!(value("b").scalar(), Some("NO"));
        let block = value("c").span;
        assert_eq!(&text[block.start..block.end], "é and\n  # remark\n  more");
        assert!(value("d").is_quoted(text) && !value("a").is_quoted(text));
        assert!(value("e").is_empty());
        assert_eq!(value("e").span, node.entry("e").expect("an entry").key_span);
    }

    #[test]
    fn a_quoted_scalar_with_escapes_cannot_be_lexed_in_place() {
        let node = tree("a: \"x\\n\"\nb: 'it''s'\nc: 'plain'\n");
        let raw = |key: &str| match &node.entry(key).expect("an entry").value.kind {
            NodeKind::Scalar { is_raw, .. } => *is_raw,
            _ => panic!("a scalar was expected"),
        };
        assert_eq!([raw("a"), raw("b"), raw("c")], [false, false, true]);
    }

    #[test]
    fn comments_are_found_where_the_format_has_them() {
        let text =
            "# top\na: 1 # one\nb: |\n  x # in the text\n# below\nc: [1, # in a list\n  2]\n";
        let found: Vec<&str> =
            comments(text).iter().map(|span| text[span.start..span.end].trim_end()).collect();
        assert_eq!(found, ["# top", "# one", "# below", "# in a list"]);
    }

    #[test]
    fn a_block_collection_ends_with_its_last_value() {
        let text = "a:\n  b: 1\n  c: [2, 3]\n\nd: 4\n";
        let node = tree(text);
        let inner = node.entry("a").expect("an entry").value.span;
        assert_eq!(&text[inner.start..inner.end], "b: 1\n  c: [2, 3]");
    }

    #[test]
    fn nesting_at_the_limit_is_read_and_beyond_it_refused() {
        let nested = |levels: usize| format!("{}{}\n", "[".repeat(levels), "]".repeat(levels));
        assert!(read("rule.yaml", &nested(NESTING_LEVELS_MAX)).1.is_empty());
        let (node, problems) = read("rule.yaml", &nested(NESTING_LEVELS_MAX + 1));
        assert!(node.is_none());
        assert_eq!(problems.first().map(|problem| problem.code), Some("E009"));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused_with_their_place() {
        let problem = decode("rule.yaml", b"title: caf\xe9\n").expect_err("not UTF-8");
        assert_eq!((problem.code, problem.span.start), ("E002", 10));
    }
}

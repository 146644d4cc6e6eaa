//! The block structure of a rule file: sections in order, indentation, and comments where they belong.
//!
//! A comment on a line of its own belongs to what follows it at its column, one that is indented deeper
//! to the section above it. Sections are moved together with their comments.

use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::source::{self, Entry, Node, NodeKind};
use crate::rulebook::typed::SourceSpan;

use super::expression::{self, Style};
use super::line::{Line, Remark};
use super::{Refused, STEP, flow, is_expression, order, paragraph};

/// First words of a comment that editors look for in the first line.
const MODELINE: &str = "# yaml-language-server:";

pub(super) struct Layout<'a> {
    pub(super) path: &'a str,
    pub(super) source: &'a str,
    comments: Vec<SourceSpan>,
    problems: Vec<Diagnostic>,
}

/// An entry of a mapping or an item of a sequence, with the part of the file that belongs to it.
struct Piece<'n> {
    entry: Option<&'n Entry>,
    value: &'n Node,
    /// Where its key or dash stands.
    start: usize,
    /// Behind its key or dash.
    head_end: usize,
    /// Behind its value.
    end: usize,
    /// From its first comment to the comment that belongs to the next.
    region: SourceSpan,
}

/// What is written of a piece.
struct Written {
    key: String,
    lines: Vec<Line>,
    /// An empty line stood before it.
    was_apart: bool,
    is_remarked: bool,
}

impl<'a> Layout<'a> {
    pub(super) fn new(path: &'a str, source: &'a str) -> Self {
        let comments = source::comments(source);
        Self { path, source, comments, problems: Vec::new() }
    }

    /// All lines of the file, and what could not be read in it.
    pub(super) fn file(mut self, root: &Node) -> Result<(Vec<Line>, Vec<Diagnostic>), Refused> {
        if !self.is_block(root) || root.entries().is_none() {
            return Err(Refused::Altered("the file is not a list of keys with a line for each"));
        }
        let whole = SourceSpan { start: 0, end: self.source.len() };
        let lines = self.block(root, whole, 0, &[])?;
        Ok((lines, self.problems))
    }

    pub(super) fn text(&self, start: usize, end: usize) -> &'a str {
        self.source.get(start..end).unwrap_or_default()
    }

    pub(super) fn remark(&self, comment: SourceSpan) -> Remark {
        let text = self.text(comment.start, comment.end).trim_end();
        Remark::at(self.source, comment.start, text)
    }

    /// Comments that start within.
    pub(super) fn comments(&self, start: usize, end: usize) -> Vec<SourceSpan> {
        let from = self.comments.partition_point(|comment| comment.start < start);
        let to = self.comments.partition_point(|comment| comment.start < end);
        self.comments.get(from..to).unwrap_or_default().to_vec()
    }

    fn line_start(&self, at: usize) -> usize {
        self.text(0, at).rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    /// Whether nothing stands before it on its line.
    pub(super) fn is_own(&self, at: usize) -> bool {
        self.text(self.line_start(at), at).trim().is_empty()
    }

    /// Whether the line before that of `at` is empty.
    fn is_apart(&self, at: usize) -> bool {
        let before = self.text(0, self.line_start(at));
        let before = before.strip_suffix('\n').unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        !before.is_empty() && line.trim().is_empty()
    }

    /// Whether it is a collection with a line for each part.
    fn is_block(&self, node: &Node) -> bool {
        let first = self.source.as_bytes().get(node.span.start);
        node.scalar().is_none() && !matches!(first, Some(b'{' | b'['))
    }

    fn own_comments(&self, start: usize, end: usize) -> Vec<SourceSpan> {
        let mut comments = self.comments(start, end);
        comments.retain(|comment| self.is_own(comment.start));
        comments
    }

    fn block(
        &mut self,
        node: &Node,
        region: SourceSpan,
        indent: usize,
        keys: &[&str],
    ) -> Result<Vec<Line>, Refused> {
        let (mut pieces, footer) = self.pieces(node, region)?;
        let mut lines = Vec::new();
        if keys.is_empty()
            && let Some(first) = pieces.first_mut()
        {
            lines.extend(self.header(first));
        }
        let mut written = Vec::new();
        for piece in &pieces {
            written.push(self.piece(piece, indent, keys)?);
        }
        in_order(&mut written, order(keys));
        let mut before: Option<String> = None;
        for piece in written {
            let is_apart = before.is_some_and(|before| match keys {
                [] if paragraph(&before) != paragraph(&piece.key) => true,
                [] => piece.was_apart && piece.is_remarked,
                _ => piece.was_apart,
            });
            if is_apart {
                lines.push(Line::default());
            }
            lines.extend(piece.lines);
            before = Some(piece.key);
        }
        for comment in footer {
            if self.is_apart(comment.start) {
                lines.push(Line::default());
            }
            lines.push(Line::remark(indent, self.text(comment.start, comment.end).trim_end()));
        }
        Ok(lines)
    }

    /// The comments that are about the whole file: those before the last empty line, and what editors
    /// look for. They are taken out of the first piece.
    fn header(&self, first: &mut Piece<'_>) -> Vec<Line> {
        let comments = self.own_comments(first.region.start, first.start);
        let nexts = comments.iter().skip(1).map(|next| next.start).chain([first.start]);
        let last_apart = nexts.enumerate().filter(|(_, next)| self.is_apart(*next)).last();
        let is_modeline =
            |comment: &SourceSpan| self.text(comment.start, comment.end).starts_with(MODELINE);
        let count = match last_apart {
            Some((index, _)) => index + 1,
            None => usize::from(comments.first().is_some_and(is_modeline)),
        };
        let mut lines = Vec::new();
        for comment in comments.get(..count).unwrap_or_default() {
            if self.is_apart(comment.start) && !lines.is_empty() {
                lines.push(Line::default());
            }
            lines.push(Line::remark(0, self.text(comment.start, comment.end).trim_end()));
            first.region.start = comment.end;
        }
        if last_apart.is_some() && !lines.is_empty() {
            lines.push(Line::default());
        }
        lines
    }

    /// The parts of a collection, and the comments behind the last of them.
    fn pieces<'n>(
        &self,
        node: &'n Node,
        region: SourceSpan,
    ) -> Result<(Vec<Piece<'n>>, Vec<SourceSpan>), Refused> {
        let mut pieces: Vec<Piece<'n>> = Vec::new();
        let mut end = region.start;
        let parts: Vec<(Option<&Entry>, &Node)> = match &node.kind {
            NodeKind::Mapping(entries) => {
                entries.iter().map(|entry| (Some(entry), &entry.value)).collect()
            }
            NodeKind::Sequence(items) => items.iter().map(|item| (None, item)).collect(),
            NodeKind::Scalar { .. } => Vec::new(),
        };
        for (entry, value) in parts {
            let (start, head_end) = match entry {
                Some(entry) => self.key_place(entry)?,
                None => self.dash_place(end, value)?,
            };
            let value_end = self.value_end(entry, value, head_end);
            let piece = Piece { entry, value, start, head_end, end: value_end, region };
            end = value_end;
            pieces.push(piece);
        }
        let starts: Vec<usize> = pieces.iter().map(|piece| piece.start).collect();
        let column = starts.first().map_or(0, |start| self.column(*start));
        let mut from = region.start;
        let mut footer = Vec::new();
        for (index, piece) in pieces.iter_mut().enumerate() {
            let next = starts.get(index + 1).copied();
            let comments = self.own_comments(piece.end, next.unwrap_or(region.end));
            let holds = self.is_block(piece.value);
            let of_next = comments.iter().position(|it| !(holds && self.column(it.start) > column));
            let first = of_next.and_then(|at| comments.get(at)).map(|comment| comment.start);
            piece.region = SourceSpan { start: from, end: first.or(next).unwrap_or(region.end) };
            from = piece.region.end;
            if next.is_none() {
                footer = of_next.and_then(|at| comments.get(at..)).unwrap_or_default().to_vec();
            }
        }
        Ok((pieces, footer))
    }

    /// Where a key starts, and the end of its colon.
    fn key_place(&self, entry: &Entry) -> Result<(usize, usize), Refused> {
        let SourceSpan { start, end } = self.whole(entry.key_span);
        let rest = self.text(end, self.source.len());
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if !self.text(end + blank, self.source.len()).starts_with(':') {
            return Err(Refused::Altered("a key is written in an unusual form"));
        }
        Ok((start, end + blank + 1))
    }

    /// Where the dash of an item stands; `before` is the end of the item before it.
    fn dash_place(&self, before: usize, item: &Node) -> Result<(usize, usize), Refused> {
        let end = if self.is_block(item) { item.span.start } else { self.whole(item.span).start };
        let comments = self.comments(before, end);
        let mut at = end;
        for start in comments.iter().rev().map(|comment| comment.end).chain([before]) {
            if let Some(found) = self.text(start, at).rfind('-') {
                let dash = start + found;
                return Ok((dash, dash + 1));
            }
            at = comments.iter().rev().find(|it| it.end == start).map_or(at, |it| it.start);
        }
        // An item without a value is placed at its own dash.
        if item.is_empty() && self.text(end, end + 1) == "-" {
            return Ok((end, end + 1));
        }
        Err(Refused::Altered("an item of a list is written in an unusual form"))
    }

    fn value_end(&self, entry: Option<&Entry>, value: &Node, head_end: usize) -> usize {
        match entry {
            Some(entry) if value.span == entry.key_span => {
                self.empty_quotes(head_end).map_or(head_end, |quotes| quotes.end)
            }
            _ if self.is_block(value) => value.span.end,
            _ => self.whole(value.span).end.max(head_end),
        }
    }

    /// An empty text in quotes has no place of its own in the tree.
    pub(super) fn empty_quotes(&self, head_end: usize) -> Option<SourceSpan> {
        let rest = self.text(head_end, self.source.len());
        let start = head_end + (rest.len() - rest.trim_start().len());
        let is_there = matches!(self.text(start, start + 2), "\"\"" | "''");
        is_there.then_some(SourceSpan { start, end: start + 2 })
    }

    /// The span of a scalar with its quotes.
    pub(super) fn whole(&self, span: SourceSpan) -> SourceSpan {
        let quote = span.start.checked_sub(1).and_then(|at| self.source.as_bytes().get(at));
        match quote {
            Some(b'"' | b'\'') if self.source.as_bytes().get(span.end) == quote => {
                SourceSpan { start: span.start - 1, end: span.end + 1 }
            }
            _ => span,
        }
    }

    fn piece(
        &mut self,
        piece: &Piece<'_>,
        indent: usize,
        keys: &[&str],
    ) -> Result<Written, Refused> {
        let remarks = self.own_comments(piece.region.start, piece.start);
        let mut lines = Vec::new();
        for comment in &remarks {
            if !lines.is_empty() && self.is_apart(comment.start) {
                lines.push(Line::default());
            }
            lines.push(Line::remark(indent, self.text(comment.start, comment.end).trim_end()));
        }
        if !remarks.is_empty() && self.is_apart(piece.start) {
            lines.push(Line::default());
        }
        let key = piece.entry.map_or("", |entry| entry.key.as_str());
        let path: Vec<&str> = match piece.entry {
            Some(_) => [keys, &[key]].concat(),
            None => keys.to_vec(),
        };
        let start = remarks.first().map_or(piece.start, |comment| comment.start);
        let head = match piece.entry {
            Some(entry) => {
                let SourceSpan { start, end } = self.whole(entry.key_span);
                Line::new(indent, format!("{}:", self.text(start, end)))
            }
            None => Line::new(indent, "-"),
        };
        if self.is_block(piece.value) {
            lines.extend(self.section(piece, head, &path)?);
        } else {
            lines.extend(self.single(piece, head, &path)?);
        }
        Ok(Written {
            key: key.to_owned(),
            lines,
            was_apart: self.is_apart(start),
            is_remarked: !remarks.is_empty(),
        })
    }

    /// A key or dash with a collection below it.
    fn section(
        &mut self,
        piece: &Piece<'_>,
        mut head: Line,
        path: &[&str],
    ) -> Result<Vec<Line>, Refused> {
        let mut start = piece.head_end;
        let comments = self.comments(piece.head_end, piece.value.span.start);
        if let Some(comment) = comments.first().filter(|comment| !self.is_own(comment.start)) {
            head.comment = Some(self.remark(*comment));
            start = comment.end;
        }
        let region = SourceSpan { start, end: piece.region.end };
        let indent = head.indent;
        let inner = self.block(piece.value, region, indent + STEP, path)?;
        if piece.entry.is_some() {
            return Ok([vec![head], inner].concat());
        }
        let mut lines: Vec<Line> =
            head.comment.iter().map(|remark| Line::remark(indent, &remark.text)).collect();
        let mut is_dashed = false;
        for mut line in inner {
            if !is_dashed && !line.is_blank() {
                line.indent = indent;
                is_dashed = line.is_code();
                if is_dashed {
                    line.text = format!("- {}", line.text);
                }
            }
            lines.push(line);
        }
        Ok(lines)
    }

    /// A key or dash with a single value or a collection in brackets.
    fn single(
        &mut self,
        piece: &Piece<'_>,
        mut head: Line,
        path: &[&str],
    ) -> Result<Vec<Line>, Refused> {
        let indent = head.indent;
        let start = if piece.end == piece.head_end {
            piece.end
        } else {
            self.whole(piece.value.span).start.max(piece.head_end)
        };
        let mut remarks = self.comments(piece.head_end, start).into_iter().peekable();
        if let Some(first) = remarks.next_if(|comment| !self.is_own(comment.start)) {
            head.comment = Some(self.remark(first));
        }
        let header = self.block_header(piece, start);
        let mut value = match (&header, &piece.value.kind) {
            (Some(_), _) => self.below(piece, header.as_deref(), indent, path),
            (None, NodeKind::Scalar { .. }) => self.beside(piece, path),
            (None, _) => flow::lines(self, piece.value, path)?,
        };
        if let Some(comment) = self.comment_beside(piece.end)
            && let Some(last) = value.last_mut().or(Some(&mut head))
        {
            last.comment = Some(self.remark(comment));
        }
        let mut lines = vec![head];
        if let (Some(header), Some(head)) = (header, lines.first_mut()) {
            head.text = format!("{} {header}", head.text);
            lines.extend(value);
            return Ok(lines);
        }
        let is_remarked = lines.first().is_some_and(|head| head.comment.is_some());
        let is_below = (is_remarked && !value.is_empty()) || remarks.peek().is_some();
        for comment in remarks {
            let text = self.text(comment.start, comment.end).trim_end();
            lines.push(Line::remark(indent + STEP, text));
        }
        for (index, line) in value.iter_mut().enumerate() {
            line.indent += indent + STEP;
            if index == 0
                && !is_below
                && let Some(head) = lines.first_mut()
            {
                head.text = format!("{} {}", head.text, line.text);
                head.comment = head.comment.take().or_else(|| line.comment.take());
                continue;
            }
            lines.push(line.clone());
        }
        Ok(lines)
    }

    /// The comment on the line where a value ends.
    fn comment_beside(&self, end: usize) -> Option<SourceSpan> {
        let rest = self.text(end, self.source.len());
        let line_end = end + rest.find('\n').unwrap_or(rest.len());
        self.comments(end, line_end).into_iter().find(|comment| !self.is_own(comment.start))
    }

    /// `|` or `>` with its signs, if the value stands below it.
    fn block_header(&self, piece: &Piece<'_>, start: usize) -> Option<String> {
        let line = self.text(piece.head_end, start).lines().next()?;
        let header = line.split('#').next().unwrap_or_default().trim();
        header.starts_with(['|', '>']).then(|| header.to_owned())
    }

    /// The lines of a value below `|` or `>`, indented.
    fn below(
        &mut self,
        piece: &Piece<'_>,
        header: Option<&str>,
        indent: usize,
        path: &[&str],
    ) -> Vec<Line> {
        let span = piece.value.span;
        let digit = header.and_then(|header| header.chars().find_map(|sign| sign.to_digit(10)));
        let digit = digit.and_then(|digit| usize::try_from(digit).ok());
        let new_base = indent + digit.unwrap_or(STEP);
        if is_expression(path) {
            let mut lines = self.expression(span, Style::Block, path);
            for line in &mut lines {
                line.indent += new_base;
            }
            return lines;
        }
        let first = self.line_start(span.start);
        let old_base = digit.map_or(span.start - first, |digit| self.column(piece.start) + digit);
        let rest = self.text(span.end, self.source.len());
        let last = span.end + rest.find('\n').unwrap_or(rest.len());
        let between = self.text(piece.head_end, first).matches('\n').count();
        let mut lines = vec![Line::default(); between.saturating_sub(1)];
        for line in self.text(first, last).lines() {
            let blank = line.len() - line.trim_start_matches(' ').len();
            let text = line.get(blank.min(old_base)..).unwrap_or_default();
            lines.push(Line::new(new_base, text));
        }
        lines
    }

    /// The lines of a scalar beside its key, the first without indentation.
    fn beside(&mut self, piece: &Piece<'_>, path: &[&str]) -> Vec<Line> {
        let span = piece.value.span;
        if piece.entry.is_some_and(|entry| entry.key_span == span) {
            let quotes = self.empty_quotes(piece.head_end);
            return quotes
                .map(|it| Line::new(0, self.text(it.start, it.end)))
                .into_iter()
                .collect();
        }
        self.scalar(piece.value, path)
    }

    /// The lines of a scalar with its quotes.
    pub(super) fn scalar(&mut self, node: &Node, path: &[&str]) -> Vec<Line> {
        let whole = self.whole(node.span);
        let is_raw = matches!(node.kind, NodeKind::Scalar { is_raw: true, .. });
        if whole.start == whole.end {
            return Vec::new();
        }
        if is_expression(path) && is_raw && !node.is_empty() {
            if whole == node.span {
                return self.expression(whole, Style::Plain, path);
            }
            let mut lines = self.expression(node.span, Style::Quoted, path);
            let quote = self.text(whole.start, whole.start + 1);
            if let Some(first) = lines.first_mut() {
                first.text.insert_str(0, quote);
            }
            if let Some(last) = lines.last_mut() {
                last.text.push_str(quote);
            }
            return lines;
        }
        let text = self.text(whole.start, whole.end);
        text.lines().map(|line| Line::new(0, line.trim_start())).collect()
    }

    fn expression(&mut self, span: SourceSpan, style: Style, path: &[&str]) -> Vec<Line> {
        let is_step = path.first() == Some(&"sequence");
        match expression::lines(self.path, self.source, span, style, is_step) {
            Ok(lines) => lines,
            Err(problems) => {
                self.problems.extend(problems);
                Vec::new()
            }
        }
    }
}

/// Sorts by the rank of the keys; an unknown key stays behind the one it followed.
fn in_order(pieces: &mut Vec<Written>, order: &[&str]) {
    if order.is_empty() {
        return;
    }
    let mut rank = 0;
    let mut ranked: Vec<(usize, Written)> = Vec::new();
    for piece in pieces.drain(..) {
        rank = order.iter().position(|key| *key == piece.key).unwrap_or(rank);
        ranked.push((rank, piece));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    pieces.extend(ranked.into_iter().map(|(_, piece)| piece));
}

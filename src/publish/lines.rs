//! JSON lines: each is a message as it stands, and only its subject and message id are made here.

use std::io::{self, BufRead};

use crate::wire;
use crate::wire::kinds::{Kind, UNKNOWN_SUBJECT};

use super::input::Content;
use super::{Prepared, RowError};

/// Longest line: what a broker takes in one message unless it is configured otherwise.
const LINE_BYTES_MAX: usize = 1024 * 1024;

pub(super) struct Lines {
    content: Content,
    line: u64,
    is_over: bool,
}

impl Lines {
    pub(super) fn new(content: Content) -> Self {
        Self { content, line: 0, is_over: false }
    }

    pub(super) fn next(&mut self) -> Option<Result<Prepared, RowError>> {
        loop {
            if self.is_over {
                return None;
            }
            self.line += 1;
            let line = self.line;
            match read_line(&mut self.content) {
                Ok(Line::End) => self.is_over = true,
                Ok(Line::TooLong) => {
                    let what = format!("longer than {LINE_BYTES_MAX} bytes; a broker refuses it");
                    return Some(Err(RowError { line, what }));
                }
                Ok(Line::Text(payload)) if payload.iter().all(u8::is_ascii_whitespace) => {}
                Ok(Line::Text(payload)) => return Some(Ok(prepare(payload, line))),
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(RowError { line, what: error.to_string() }));
                }
            }
        }
    }
}

/// The line number is part of the message id: the same line sent again is recognized by the broker, but
/// an event that stands in the file twice reaches the daemon twice, which judges what is a duplicate.
fn prepare(payload: Vec<u8>, line: u64) -> Prepared {
    let head = wire::head(&payload);
    let kind = head.as_ref().and_then(|head| head.kind);
    let subject = kind.map_or_else(|| UNKNOWN_SUBJECT.to_owned(), Kind::subject);
    let message_id =
        head.map(|head| super::message_id(&head.source, &head.id, &format!("#{line}")));
    Prepared { subject, message_id, payload }
}

enum Line {
    Text(Vec<u8>),
    TooLong,
    End,
}

/// Reads up to the line break, which is left out, and keeps no more than the longest line.
fn read_line(content: &mut Content) -> io::Result<Line> {
    let mut text = Vec::new();
    let mut is_too_long = false;
    let mut is_end = true;
    loop {
        let available = content.fill_buf()?;
        if available.is_empty() {
            break;
        }
        is_end = false;
        let end = memchr::memchr(b'\n', available);
        let piece = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        if text.len() + piece.len() > LINE_BYTES_MAX {
            is_too_long = true;
            text.clear();
        }
        if !is_too_long {
            text.extend_from_slice(piece);
        }
        let used = piece.len() + usize::from(end.is_some());
        content.consume(used);
        if end.is_some() {
            break;
        }
    }
    if is_end {
        return Ok(Line::End);
    }
    if is_too_long {
        return Ok(Line::TooLong);
    }
    if text.last() == Some(&b'\r') {
        text.pop();
    }
    Ok(Line::Text(text))
}

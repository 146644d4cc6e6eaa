//! The text of a rule file as a tree of nodes, each with its place in the file.
//!
//! A subset of YAML 1.2: one document, no tags, anchors, aliases, merge keys, duplicate keys or tabs.
//! Every scalar stays text and is read by the key it stands under, so `NO` is Norway and `9400.50` is
//! exactly that. This is the only module that knows the YAML library.

use super::typed::SourceSpan;

/// A piece of a rule file.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands; of a scalar, without quotes and block markers.
    pub span: SourceSpan,
    /// What it is.
    pub kind: NodeKind,
}

/// The three kinds of nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// A scalar; `text` is its value after unfolding, `is_raw` tells that the file's bytes under the
    /// span are the value (plain, `|` and `>`), so that expressions can be read in place.
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

//! Parameters: constants, and tables of constants by closed-set fields.
//!
//! What they say about themselves, and their bounds, are read by `bounds`.

use rust_decimal::Decimal;

use crate::domain::Span;
use crate::rulebook::catalogue::{EventName, Slot, Type};
use crate::rulebook::diagnostic::did_you_mean;
use crate::rulebook::elsewhere::{self, numbers};
use crate::rulebook::metadata::ParamMetadata;
use crate::rulebook::source::{Entry, Node, NodeKind};
use crate::rulebook::typed::{Literal, Param, ParamTable, ParamValue};

use super::Checker;
use super::expression::article;
use super::header::noun;

/// Keys of a parameter that says more than its value: a constant has `value`, a table the next three.
pub const PARAM_KEYS: &[&str] =
    &["value", "by", "values", "default", "unit", "min", "max", "source", "confidence", "why"];

/// Most fields that choose a row.
const TABLE_FIELDS_MAX: usize = 3;

/// Most combinations that are listed when a table is not complete.
const MISSING_SHOWN_MAX: usize = 4;

/// A table's row: a pattern per field (`None` fits anything) and its value.
pub(super) type Row = (Vec<Option<String>>, Literal);

impl<'a> Checker<'a> {
    pub(super) fn params(&mut self, root: &Node) {
        let Some(entry) = root.entry("params") else { return };
        for entry in self.entries(entry, "names with values").unwrap_or_default() {
            let param = match &entry.value.kind {
                NodeKind::Scalar { .. } => self.constant(entry, &entry.value),
                NodeKind::Mapping(_) => self.described(entry),
                NodeKind::Sequence(_) => {
                    let title = format!("`{}` is a single value or a table", entry.key);
                    let help = "write lists in the condition, or as a file in `lists/`".to_owned();
                    self.report("E012", entry.key_span, title, "holds a list", Some(help));
                    None
                }
            };
            self.define_param(entry, param);
        }
    }

    fn constant(&mut self, entry: &Entry, node: &Node) -> Option<Param> {
        let literal = self.literal(node)?;
        let (name, ty) = (entry.key.clone(), type_of(&literal));
        let metadata = ParamMetadata { span: entry.key_span, ..ParamMetadata::default() };
        Some(Param { name, ty, value: ParamValue::Constant(literal), metadata })
    }

    /// A parameter with keys of its own: its value, and what is to be known of it.
    fn described(&mut self, entry: &Entry) -> Option<Param> {
        self.known_keys(&entry.value, PARAM_KEYS, &[]);
        let metadata = self.param_metadata(entry);
        let param = self.constant_or_table(entry)?;
        let mut param = Param { metadata, ..param };
        self.must_be_bounded(entry, &mut param);
        Some(param)
    }

    fn constant_or_table(&mut self, entry: &Entry) -> Option<Param> {
        let mut keys = entry.value.entries().unwrap_or_default().iter().map(|it| it.key.as_str());
        let of_table = keys.find(|key| matches!(*key, "by" | "values" | "default"));
        match (entry.value.entry("value"), of_table) {
            (Some(value), Some(key)) => {
                let title = format!("`{}` is a single value and a table at once", entry.key);
                let help = format!("keep `value`, or `by` and `values`; delete `{key}` or `value`");
                self.report("E128", value.key_span, title, "which of the two?", Some(help));
                None
            }
            (Some(value), None) if value.value.scalar().is_none() => {
                self.text(value);
                None
            }
            (Some(value), None) => self.constant(entry, &value.value),
            (None, Some(_)) => self.table(entry),
            (None, None) => {
                let title = format!("`{}` has no value", entry.key);
                let help = "add `value: 3`, or `by: customer.risk` and `values: { ... }`";
                let help = Some(help.to_owned());
                self.report("E128", entry.key_span, title, "of which value?", help);
                None
            }
        }
    }

    /// The value that a scalar stands for: a number, a duration, `true` or `false`, or text.
    pub(super) fn literal(&mut self, node: &Node) -> Option<Literal> {
        let text = node.scalar().unwrap_or_default().trim().to_owned();
        if node.is_quoted(self.source) {
            return Some(Literal::Text(text));
        }
        if text.is_empty() {
            let title = format!("a value is expected, this is {}", node.describe());
            self.report("E012", node.span, title, "no value", None);
            return None;
        }
        if let Some(span) = Span::parse(&text) {
            return Some(Literal::Duration(span));
        }
        match text.as_str() {
            "true" => return Some(Literal::Bool(true)),
            "false" => return Some(Literal::Bool(false)),
            _ => {}
        }
        let digits = text.strip_prefix('-').unwrap_or(&text);
        if !digits.starts_with(|first: char| first.is_ascii_digit()) {
            return Some(Literal::Text(text));
        }
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || b"._".contains(&byte));
        let number = is_plain.then(|| Decimal::from_str_exact(&text.replace('_', "")).ok());
        if let Some(number) = number.flatten() {
            self.warn_of_thousands(&text, node.span);
            return Some(Literal::Number(number));
        }
        let title = format!("`{text}` is neither a number nor a duration");
        let help = if elsewhere::date_length(&text).is_some() {
            format!(
                "from which day on a rule judges stands under `effective`; if text is meant, \"{text}\""
            )
        } else {
            numbers::meant(&text).map_or_else(
                || format!("write 8000.50, 24h or 7d; if text is meant, \"{text}\""),
                |meant| meant.help(),
            )
        };
        self.report("E044", node.span, title, "not understood here", Some(help));
        None
    }

    fn table(&mut self, entry: &Entry) -> Option<Param> {
        let by = self
            .required(&entry.value, "by", entry.key_span, "a table")
            .and_then(|by| self.table_fields(by));
        let values = self.required(&entry.value, "values", entry.key_span, "a table");
        let rows = values
            .and_then(|values| self.entries(values, "rows"))
            .and_then(|rows| self.rows(rows, by.as_deref()));
        let default = match entry.value.entry("default") {
            Some(default) => Some(self.literal(&default.value)?),
            None => None,
        };
        let (by, rows) = (by?, rows?);
        let ty = self.one_type(entry, &rows, default.as_ref())?;
        self.must_be_complete(entry, &by, &rows, default.is_some())?;
        let entries = values.and_then(|values| values.value.entries()).unwrap_or_default();
        self.warn_of_rows(entry, entries, &by, &rows);
        let name = entry.key.clone();
        let metadata = ParamMetadata { span: entry.key_span, ..ParamMetadata::default() };
        let value = ParamValue::Table(ParamTable { by, rows, default });
        Some(Param { name, ty, value, metadata })
    }

    fn table_fields(&mut self, entry: &Entry) -> Option<Vec<Slot>> {
        let single = std::slice::from_ref(&entry.value);
        let nodes = entry.value.items().unwrap_or(single);
        if nodes.is_empty() || nodes.len() > TABLE_FIELDS_MAX {
            let title = format!("a table has one to {TABLE_FIELDS_MAX} fields");
            self.report("E012", entry.key_span, title, format!("{} fields", nodes.len()), None);
            return None;
        }
        let fields: Vec<_> = nodes.iter().map(|node| self.table_field(node)).collect();
        fields.into_iter().collect()
    }

    /// Paths of the fields with a fixed set of words.
    fn fields_with_words(&self) -> Vec<&'a str> {
        let fields = self.catalogue.fields().iter().filter(|field| field.values.is_some());
        fields.map(|field| field.path.as_str()).collect()
    }

    fn table_field(&mut self, node: &Node) -> Option<Slot> {
        let path = node.scalar().unwrap_or_default();
        if self.catalogue.is_broken(path) {
            return None;
        }
        let Some(field) = self.catalogue.by_path(path) else {
            let help = did_you_mean(path, &self.fields_with_words());
            self.report(
                "E021",
                node.span,
                format!("unknown field `{path}`"),
                "no such field",
                help,
            );
            return None;
        };
        if field.ty != Type::Text {
            let title = format!("`{path}` cannot choose a row");
            let help = Some("use a field with a fixed set of words, like customer.risk".to_owned());
            self.report("E024", node.span, title, article(field.ty), help);
            return None;
        }
        let own = self.trigger.map(EventName::family);
        if let (Some(own), Some(family)) = (own, field.family)
            && own != family
        {
            let title = format!("{} has no `{path}`", noun(own));
            let label = "not a field of the event that wakes the rule";
            self.report("E029", node.span, title, label, None);
            return None;
        }
        Some(field.slot)
    }

    fn rows(&mut self, entries: &[Entry], by: Option<&[Slot]>) -> Option<Vec<Row>> {
        let rows: Vec<_> = entries.iter().map(|entry| self.row(entry, by)).collect();
        rows.into_iter().collect()
    }

    fn row(&mut self, entry: &Entry, by: Option<&[Slot]>) -> Option<Row> {
        let value = self.literal(&entry.value);
        let words: Vec<&str> = entry.key.split('/').map(str::trim).collect();
        let by = by?;
        if words.len() != by.len() {
            let title = format!("the row `{}` does not fit the fields of `by`", entry.key);
            let form: Vec<&str> =
                by.iter().map(|slot| self.catalogue.field(*slot).path.as_str()).collect();
            let help = Some(format!("one word for each of {}, joined by `/`", form.join(", ")));
            let label = format!("{} for {}", words.len(), by.len());
            self.report("E019", entry.key_span, title, label, help);
            return None;
        }
        let mut pattern = Vec::new();
        for (slot, word) in by.iter().zip(words) {
            if word == "*" {
                pattern.push(None);
                continue;
            }
            self.must_be_word(*slot, word, entry.key_span)?;
            pattern.push(Some(word.to_owned()));
        }
        Some((pattern, value?))
    }

    fn one_type(&mut self, entry: &Entry, rows: &[Row], default: Option<&Literal>) -> Option<Type> {
        let mut types = rows.iter().map(|(_, value)| value).chain(default).map(type_of);
        let Some(first) = types.next() else {
            let title = format!("the table `{}` has no rows", entry.key);
            self.report("E012", entry.key_span, title, "nothing to choose from", None);
            return None;
        };
        let Some(other) = types.find(|ty| *ty != first) else { return Some(first) };
        let title = format!("all rows of `{}` must be of one type", entry.key);
        let label = format!("{} and {}", article(first), article(other));
        let texts = rows.iter().map(|(_, value)| value).chain(default);
        let meant = texts.filter_map(|value| match value {
            Literal::Text(text) => numbers::meant(text),
            _ => None,
        });
        let meant = meant.map(|meant| meant.help()).next();
        let help = meant.or_else(|| Some("give every row a value of the same kind".to_owned()));
        self.report("E019", entry.key_span, title, label, help);
        None
    }

    /// Every combination of words needs a row, so that a new word cannot fall through silently.
    fn must_be_complete(
        &mut self,
        entry: &Entry,
        by: &[Slot],
        rows: &[Row],
        has_default: bool,
    ) -> Option<()> {
        if has_default {
            return Some(());
        }
        let mut combinations: Vec<Vec<Option<&str>>> = vec![Vec::new()];
        for slot in by {
            // A field without a fixed set has one more word: any other.
            let words: Vec<Option<&str>> = match &self.catalogue.field(*slot).values {
                Some(words) => words.iter().map(|word| Some(word.as_str())).collect(),
                None => vec![None],
            };
            combinations = combinations
                .iter()
                .flat_map(|start| {
                    words.iter().map(move |word| [start.as_slice(), &[*word]].concat())
                })
                .collect();
        }
        let missing: Vec<String> = combinations
            .iter()
            .filter(|words| !rows.iter().any(|(pattern, _)| fits(pattern, words)))
            .map(|words| {
                words.iter().map(|w| w.unwrap_or("any other")).collect::<Vec<_>>().join("/")
            })
            .collect();
        if missing.is_empty() {
            return Some(());
        }
        let shown = missing.get(..MISSING_SHOWN_MAX).unwrap_or(&missing).join(", ");
        let more = missing.len().saturating_sub(MISSING_SHOWN_MAX);
        let shown = if more > 0 { format!("{shown} and {more} more") } else { shown };
        let title = format!("`{}` has no value for {shown}", entry.key);
        let verb = if missing.len() == 1 { "is" } else { "are" };
        let help = Some("add the missing row(s), or a `default`".to_owned());
        self.report("E014", entry.key_span, title, format!("{shown} {verb} not covered"), help);
        None
    }
}

fn fits(pattern: &[Option<String>], words: &[Option<&str>]) -> bool {
    pattern
        .iter()
        .zip(words)
        .all(|(pattern, word)| pattern.as_deref().is_none_or(|pattern| Some(pattern) == *word))
}

pub(super) const fn type_of(literal: &Literal) -> Type {
    match literal {
        Literal::Number(_) => Type::Number,
        Literal::Text(_) => Type::Text,
        Literal::Duration(_) => Type::Duration,
        Literal::Bool(_) => Type::Bool,
    }
}

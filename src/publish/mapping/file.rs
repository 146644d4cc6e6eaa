//! The text of a mapping file, checked: every key is known and every field exists.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use toml::Spanned;

use crate::wire::kinds::Kind;

use super::fields::{self, Form};
use super::{ColumnMapping, EventMapping, Mapping, Place};

/// What is wrong with a mapping file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) place: Place,
    pub(super) what: String,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: Spanned<String>,
    event: Option<Spanned<String>>,
    id_suffix: Option<String>,
    #[serde(default)]
    columns: Tree,
    #[serde(default)]
    values: Tree,
    #[serde(default)]
    constants: Tree,
    #[serde(default)]
    when: BTreeMap<String, String>,
    #[serde(default)]
    events: Vec<Section>,
}

/// One of several events of a row.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    event: Spanned<String>,
    #[serde(default)]
    id_suffix: String,
    #[serde(default)]
    columns: Tree,
    #[serde(default)]
    values: Tree,
    #[serde(default)]
    constants: Tree,
    #[serde(default)]
    when: BTreeMap<String, String>,
}

/// Nested tables; dotted keys are nested tables too.
#[derive(Clone, Default)]
struct Tree(BTreeMap<String, Spanned<Node>>);

#[derive(Clone)]
enum Node {
    Leaf(Value),
    Table(Tree),
}

/// A value that is no table, with the keys that lead to it and where it stands.
struct Leaf {
    keys: Vec<String>,
    value: Value,
    start: usize,
}

/// What is wrong, and after how many bytes.
type Wrong = (usize, String);

pub(super) fn parse(text: &str) -> Result<Mapping, Mistake> {
    let file: File = toml::from_str(text).map_err(|error| Mistake {
        place: place(text, error.span().map_or(0, |span| span.start)),
        what: error.message().to_owned(),
    })?;
    mapping(file).map_err(|(start, what)| Mistake { place: place(text, start), what })
}

fn mapping(mut file: File) -> Result<Mapping, Wrong> {
    let mut sections = std::mem::take(&mut file.events);
    if let Some(event) = file.event.take() {
        if !sections.is_empty() {
            let what = "`event` and `[[events]]` exclude each other".to_owned();
            return Err((event.span().start, what));
        }
        sections.push(Section {
            event,
            id_suffix: file.id_suffix.take().unwrap_or_default(),
            columns: Tree::default(),
            values: Tree::default(),
            constants: Tree::default(),
            when: BTreeMap::new(),
        });
    }
    if sections.is_empty() {
        return Err((0, "`event` or at least one `[[events]]` is required".to_owned()));
    }
    if file.source.get_ref().is_empty() {
        return Err((file.source.span().start, "`source` must not be empty".to_owned()));
    }
    let events = sections.into_iter().map(|section| event(&file, section));
    let events = events.collect::<Result<_, _>>()?;
    Ok(Mapping { source: file.source.into_inner(), events })
}

/// The event of one section, with what the whole file says about all events.
fn event(file: &File, section: Section) -> Result<EventMapping, Wrong> {
    let kind = kind(section.event.get_ref()).map_err(|what| (section.event.span().start, what))?;
    let known = fields::of(kind);
    let mut columns: Vec<ColumnMapping> = Vec::new();
    for leaf in file.columns.leaves().into_iter().chain(section.columns.leaves()) {
        let (field, form) = field(kind, &known, &leaf)?;
        let Value::String(column) = leaf.value else {
            return Err((leaf.start, "must be the name of a column".to_owned()));
        };
        columns.retain(|column| column.field != field);
        columns.push(ColumnMapping { field, column, form, words: BTreeMap::new() });
    }
    for mut leaf in file.values.leaves().into_iter().chain(section.values.leaves()) {
        let theirs = leaf.keys.pop().unwrap_or_default();
        let field = leaf.keys.join(".");
        let Some(column) = columns.iter_mut().find(|column| column.field == field) else {
            return Err((leaf.start, format!("`{field}` is not among the columns")));
        };
        let Value::String(ours) = leaf.value else {
            return Err((leaf.start, "must be text".to_owned()));
        };
        column.words.insert(theirs, ours);
    }
    let mut constants = Vec::new();
    for leaf in file.constants.leaves().into_iter().chain(section.constants.leaves()) {
        let (field, _) = field(kind, &known, &leaf)?;
        constants.retain(|(other, _)| *other != field);
        constants.push((field, leaf.value));
    }
    let when = file.when.clone().into_iter().chain(section.when).collect();
    Ok(EventMapping { kind, id_suffix: section.id_suffix, columns, constants, when })
}

fn kind(name: &str) -> Result<Kind, String> {
    Kind::parse(name).ok_or_else(|| {
        let names = Kind::all().map(Kind::name);
        format!("no event is called `{name}`{}", hint(name, names))
    })
}

fn field(kind: Kind, known: &BTreeMap<String, Form>, leaf: &Leaf) -> Result<(String, Form), Wrong> {
    let path = leaf.keys.join(".");
    if fields::is_extra(kind, &path) {
        return Ok((path, Form::Text));
    }
    let Some(form) = known.get(&path) else {
        let names = known.keys().map(String::as_str);
        return Err((leaf.start, format!("the event has no field `{path}`{}", hint(&path, names))));
    };
    Ok((path, *form))
}

fn hint<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near = names
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    near.map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
}

fn place(text: &str, start: usize) -> Place {
    let before = text.get(..start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place { line, column }
}

impl Tree {
    fn leaves(&self) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        self.collect(&[], &mut leaves);
        leaves
    }

    fn collect(&self, above: &[String], leaves: &mut Vec<Leaf>) {
        for (key, node) in &self.0 {
            let keys = [above, std::slice::from_ref(key)].concat();
            match node.get_ref() {
                Node::Table(table) => table.collect(&keys, leaves),
                Node::Leaf(value) => {
                    leaves.push(Leaf { keys, value: value.clone(), start: node.span().start });
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Node;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("text, a whole number, a list of texts or a table")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Node, E> {
                Ok(Node::Leaf(text.into()))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Node, E> {
                Ok(Node::Leaf(number.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element::<String>()? {
                    texts.push(Value::from(text));
                }
                Ok(Node::Leaf(texts.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Node, A::Error> {
                let mut nodes = BTreeMap::new();
                while let Some((key, node)) = table.next_entry()? {
                    nodes.insert(key, node);
                }
                Ok(Node::Table(Tree(nodes)))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

//! Reads `schema.yaml` into a [`Catalogue`].

use crate::rulebook::source::{self, Entry, Node};

use super::{Catalogue, Family, Field, Presence, Slot, Type};

/// The built-in catalogue. Its text is part of the program: a test proves that all of it is understood.
pub(super) fn built_in(text: &str) -> Catalogue {
    let mut catalogue = Catalogue::default();
    let (root, _) = source::read("schema.yaml", text);
    let section = |name| {
        let entries = root.as_ref().and_then(|root| root.entry(name)?.value.entries());
        entries.unwrap_or_default()
    };
    for entry in section("fields") {
        field(&mut catalogue, entry);
    }
    for entry in section("roles") {
        role(&mut catalogue, entry);
    }
    catalogue.seal()
}

fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.entry(key)?.value.scalar()
}

fn field(catalogue: &mut Catalogue, entry: &Entry) -> Option<Slot> {
    let node = &entry.value;
    let ty = Type::parse(text(node, "type")?)?;
    let doc = text(node, "doc")?.to_owned();
    let presence = match text(node, "absent") {
        Some("maybe") => Presence::Maybe,
        _ => Presence::Always,
    };
    let values = node.entry("values").and_then(|values| values.value.items());
    let values = values.map(|items| items.iter().filter_map(Node::scalar).map(str::to_owned));
    catalogue.add_field(|slot| Field {
        slot,
        path: entry.key.clone(),
        family: entry.key.split('.').next().and_then(Family::parse),
        ty,
        presence,
        values: values.map(Iterator::collect),
        is_personal: text(node, "personal") == Some("true"),
        doc,
    })
}

fn role(catalogue: &mut Catalogue, entry: &Entry) -> Option<super::Role> {
    let node = &entry.value;
    let doc = text(node, "doc")?;
    let slot = |key| text(node, key).and_then(|path| catalogue.by_path(path)).map(|it| it.slot);
    let fact = slot("fact");
    let slots = Family::ALL.map(|family| fact.or_else(|| slot(family.word())));
    catalogue.add_role(&entry.key, doc, slots)
}

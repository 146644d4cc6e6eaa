//! The field catalogue: every name that a rule may read, with type, values and meaning, and the roles.
//!
//! It is data: `catalogue/schema.yaml` is built in, and a deployment adds to it in its own. The checker, the reference in `rules/README.md` and
//! the engine's rows all follow it. A [`Slot`] is a field's place in it, a [`Role`] that of a role;
//! both mean something only beside the catalogue that gave them out.

mod events;
mod format;
pub mod read;
mod slots;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

pub use events::{EventName, EventSet, Family};
pub use format::Format;
pub use slots::{BUILT_IN_FIELDS, BUILT_IN_ROLES, Money, Role, SLOTS_MAX, Slot};

/// The built-in catalogue's text.
pub const BUILT_IN: &str = include_str!("catalogue/schema.yaml");

/// The type of a value in the rule language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text, compared by equality only.
    Text,
    /// Exact decimal.
    Number,
    /// A length of time.
    Duration,
    /// A point in time.
    Time,
    /// True or false.
    Bool,
    /// What a search found; no field has it.
    Pattern,
    /// Accounts or customers, to be shown; no field has it.
    Names,
}

impl Type {
    /// The words of all types, as `schema.yaml` writes them.
    pub const WORDS: &'static [&'static str] = &["text", "number", "duration", "time", "bool"];

    /// The type's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Duration => "duration",
            Self::Time => "time",
            Self::Bool => "bool",
            Self::Pattern => "pattern",
            Self::Names => "names",
        }
    }

    /// The type that `word` names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Text, Self::Number, Self::Duration, Self::Time, Self::Bool]
            .into_iter()
            .find(|ty| ty.word() == word)
    }
}

/// Whether a field always has a value when its event or entity is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Always.
    Always,
    /// Perhaps not: the event may lack it, or the customer or account may be unknown.
    Maybe,
}

/// One field of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Place in the row.
    pub slot: Slot,
    /// Name in rule files.
    pub path: String,
    /// The event family that carries it; `None` for facts and `now`.
    pub family: Option<Family>,
    /// Type of its value.
    pub ty: Type,
    /// Whether it may be absent.
    pub presence: Presence,
    /// The closed set of words, if it has one.
    pub values: Option<Vec<String>>,
    /// The standard whose codes it holds, if it does.
    pub format: Option<Format>,
    /// Whether it names a person: it can be compared, and is never shown.
    pub is_personal: bool,
    /// One sentence for the analyst.
    pub doc: String,
}

impl Field {
    /// The closed set of words, for suggestions; empty without one.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        self.values.iter().flatten().map(String::as_str).collect()
    }

    /// Whether the field can hold `word`.
    #[must_use]
    pub fn allows(&self, word: &str) -> bool {
        self.values.as_ref().is_none_or(|words| words.iter().any(|known| known == word))
    }

    /// The name behind the first dot: `amount` of `tx.amount`.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.path.split_once('.').map_or(self.path.as_str(), |(_, name)| name)
    }
}

/// What things can be counted by and alerts can be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleField {
    /// Place among the roles.
    pub role: Role,
    /// Name in rule files.
    pub word: String,
    /// The field that carries it in transactions, identity events and security events, if they have one.
    slots: [Option<Slot>; 3],
    /// One sentence for the analyst.
    pub doc: String,
}

/// All fields and roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    fields: Vec<Field>,
    roles: Vec<RoleField>,
    by_path: BTreeMap<String, Slot>,
    /// Names of fields and roles whose definition is wrong, and that was reported.
    broken: BTreeSet<String>,
    digest: String,
}

static BUILT_IN_CATALOGUE: LazyLock<Arc<Catalogue>> =
    LazyLock::new(|| Arc::new(read::built_in(BUILT_IN).0));

impl Catalogue {
    /// The catalogue without any additions.
    #[must_use]
    pub fn built_in() -> Arc<Self> {
        Arc::clone(&BUILT_IN_CATALOGUE)
    }

    /// All fields, in the order of their slots.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The field at `slot`.
    #[must_use]
    #[expect(
        clippy::indexing_slicing,
        reason = "a slot is used with the catalogue that gave it out"
    )]
    pub fn field(&self, slot: Slot) -> &Field {
        &self.fields[slot.index()]
    }

    /// The field named `path` in rule files.
    #[must_use]
    pub fn by_path(&self, path: &str) -> Option<&Field> {
        self.by_path.get(path).map(|slot| self.field(*slot))
    }

    /// The names of all fields, in the order of their slots.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.path.as_str())
    }

    /// The event family that carries the field at `slot`; `None` for facts and `now`.
    #[must_use]
    pub fn family(&self, slot: Slot) -> Option<Family> {
        self.field(slot).family
    }

    /// All roles, in the order of their places.
    #[must_use]
    pub fn roles(&self) -> &[RoleField] {
        &self.roles
    }

    /// The role named `word`.
    #[must_use]
    pub fn role(&self, word: &str) -> Option<Role> {
        self.roles.iter().find(|role| role.word == word).map(|role| role.role)
    }

    /// The name of `role` in rule files.
    #[must_use]
    pub fn role_word(&self, role: Role) -> &str {
        self.roles.get(role.index()).map_or("", |role| role.word.as_str())
    }

    /// The field that carries `role` in events of `family`, if they have one.
    #[must_use]
    pub fn role_slot(&self, role: Role, family: Family) -> Option<Slot> {
        self.roles.get(role.index())?.slots.get(family as usize).copied().flatten()
    }

    /// Whether `name` is a field or role whose definition is wrong, which was reported at its place.
    #[must_use]
    pub fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name)
    }

    /// The name of `role` with the fields that carry it: equal texts are equal roles, also of two catalogues.
    #[must_use]
    pub fn role_text(&self, role: Role) -> String {
        let path = |family| {
            let slot = self.role_slot(role, family);
            slot.map_or("-", |slot| self.field(slot).path.as_str())
        };
        format!("{}({})", self.role_word(role), Family::ALL.map(path).join(","))
    }

    /// Hexadecimal BLAKE3 of all fields and roles; words for people are not in it.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Works out the digest, when all fields and roles are there.
    fn seal(mut self) -> Self {
        let mut text = String::new();
        for field in &self.fields {
            // A format helps who writes rules and decides nothing.
            let Field { path, ty, presence, values, is_personal, .. } = field;
            let ty = ty.word();
            let _ = writeln!(text, "{path} {ty} {presence:?} {values:?} personal {is_personal}");
        }
        for role in &self.roles {
            let _ = writeln!(text, "{}", self.role_text(role.role));
        }
        self.digest = blake3::hash(text.as_bytes()).to_hex().to_string();
        self
    }

    /// Adds a field behind the others; `None` when there is no place left or the name is taken.
    fn add_field(&mut self, field: impl FnOnce(Slot) -> Field) -> Option<Slot> {
        let slot = Slot::at(self.fields.len())?;
        let field = field(slot);
        if self.by_path.contains_key(&field.path) {
            return None;
        }
        self.by_path.insert(field.path.clone(), slot);
        self.fields.push(field);
        Some(slot)
    }

    /// Adds a role behind the others.
    fn add_role(&mut self, word: &str, doc: &str, slots: [Option<Slot>; 3]) -> Option<Role> {
        let role = Role(u16::try_from(self.roles.len()).ok()?);
        self.roles.push(RoleField { role, word: word.to_owned(), slots, doc: doc.to_owned() });
        Some(role)
    }
}

#[cfg(test)]
mod tests;

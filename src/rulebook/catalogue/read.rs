//! Reads `schema.yaml`: the built-in one, and what a deployment adds to it.
//!
//! In: the text of a schema. Out: the catalogue, what was said of the institution, and every problem.
//! A field or role with a problem is known and broken, so that rules which name it are not called wrong
//! for it. A deployment can add fields and roles and can change none.

use crate::domain::{Currency, Span};
use crate::rulebook::diagnostic::{Diagnostic, did_you_mean};
use crate::rulebook::institution::{Institution, WINDOW_MAX, zone_named};
use crate::rulebook::source::{self, Entry, Node};
use crate::rulebook::syntax::RESERVED_WORDS;
use crate::rulebook::typed::SourceSpan;

use super::{Catalogue, Family, Field, Format, Presence, SLOTS_MAX, Slot, Type};

/// What came of a deployment's schema.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The built-in fields and roles and the deployment's own.
    pub catalogue: Catalogue,
    /// What it says of the institution.
    pub institution: Institution,
    /// Every problem, in the order of the file.
    pub problems: Vec<Diagnostic>,
}

const FIELD_KEYS: &[&str] = &["type", "values", "format", "personal", "doc"];
const BUILT_IN_FIELD_KEYS: &[&str] = &["type", "absent", "values", "format", "personal", "doc"];
const INSTITUTION_KEYS: &[&str] = &["zone", "base_currency", "window_max"];
const ROLE_KEYS: &[&str] = &["tx", "kyc", "security", "fact", "doc"];

/// The built-in catalogue with the problems of its text, of which a test proves that there are none.
pub(super) fn built_in(text: &str) -> (Catalogue, Vec<Diagnostic>) {
    let mut reader = Reader::new("schema.yaml", text, Catalogue::default(), true);
    reader.read();
    (reader.catalogue.seal(), reader.problems)
}

/// Reads a deployment's schema on top of `built_in`.
#[must_use]
pub fn schema(path: &str, text: &str, built_in: &Catalogue) -> Schema {
    let mut reader = Reader::new(path, text, built_in.clone(), false);
    reader.read();
    reader.problems.sort_by_key(|problem| (problem.span.start, problem.code));
    Schema {
        catalogue: reader.catalogue.seal(),
        institution: reader.institution,
        problems: reader.problems,
    }
}

struct Reader<'a> {
    path: &'a str,
    text: &'a str,
    catalogue: Catalogue,
    institution: Institution,
    problems: Vec<Diagnostic>,
    /// The text is the program's own.
    is_built_in: bool,
}

impl<'a> Reader<'a> {
    fn new(path: &'a str, text: &'a str, catalogue: Catalogue, is_built_in: bool) -> Self {
        let institution = Institution::default();
        Self { path, text, catalogue, institution, problems: Vec::new(), is_built_in }
    }

    fn read(&mut self) {
        let (root, problems) = source::read(self.path, self.text);
        self.problems.extend(problems);
        let Some(root) = root else { return };
        let keys: &[&str] = if self.is_built_in {
            &["fields", "roles"]
        } else {
            &["institution", "fields", "roles"]
        };
        self.known_keys(&root, keys);
        if let Some(entry) = root.entry("institution") {
            self.institution(entry);
        }
        for entry in self.section(&root, "fields") {
            self.field(entry);
        }
        for entry in self.section(&root, "roles") {
            self.role(entry);
        }
    }

    fn institution(&mut self, entry: &Entry) {
        self.known_keys(&entry.value, INSTITUTION_KEYS);
        if let Some((name, span)) = self.text_of(&entry.value, "zone") {
            if let Some(zone) = zone_named(&name) {
                self.institution.zone = zone;
            } else {
                let help = "write an IANA name, like `Europe/Stockholm`, `Asia/Shanghai` or `UTC`";
                let title = format!("there is no time zone `{name}`");
                self.report("E054", span, title, "not a time zone", Some(help.to_owned()));
            }
        }
        if let Some((code, span)) = self.text_of(&entry.value, "base_currency") {
            self.institution.base_currency = Currency::parse(&code);
            if self.institution.base_currency.is_none() {
                let help = Some("write its ISO 4217 code, like EUR or CNY".to_owned());
                let title = format!("there is no currency `{code}`");
                self.report("E055", span, title, "not a currency", help);
            }
        }
        if let Some((length, span)) = self.text_of(&entry.value, "window_max") {
            let allowed = Span::parse(&length).filter(|it| *it > Span::ZERO && *it <= WINDOW_MAX);
            if let Some(most) = allowed {
                self.institution.window_max = most;
            } else {
                let title = format!("`{length}` is not how far a window may reach");
                let help = format!("write a length of time up to {WINDOW_MAX}, like `400d`");
                self.report("E079", span, title, "not such a length", Some(help));
            }
        }
    }

    fn field(&mut self, entry: &Entry) {
        let errors = self.problems.len();
        let family = entry.key.split('.').next().and_then(Family::parse);
        self.field_name(entry);
        let node = &entry.value;
        self.known_keys(node, if self.is_built_in { BUILT_IN_FIELD_KEYS } else { FIELD_KEYS });
        let ty = self.required(entry, "type").and_then(|(word, span)| {
            let ty = Type::parse(&word);
            if ty.is_none() {
                self.not_a_word("type", &word, span, Type::WORDS);
            }
            ty
        });
        let presence = match self.text_of(node, "absent") {
            None if self.is_built_in => Presence::Always,
            _ => Presence::Maybe,
        };
        let is_personal = self.is_true(node, "personal");
        let doc = self.required(entry, "doc");
        let values = self.values(node, ty);
        let format = self.format(node, ty);
        let (Some(ty), Some((doc, _)), true) = (ty, doc, errors == self.problems.len()) else {
            self.catalogue.broken.insert(entry.key.clone());
            return;
        };
        let path = entry.key.clone();
        let field =
            |slot| Field { slot, path, family, ty, presence, values, format, is_personal, doc };
        if self.catalogue.add_field(field).is_none() {
            self.catalogue.broken.insert(entry.key.clone());
            // Said once; everything behind it is too many as well.
            if !self.problems.iter().any(|problem| problem.code == "E056") {
                let title = format!("a catalogue has at most {SLOTS_MAX} fields");
                self.report("E056", entry.key_span, title, "one too many", None);
            }
        }
    }

    /// A deployment names its fields `tx.extra.NAME`, so that no later built-in field can collide.
    fn field_name(&mut self, entry: &Entry) {
        if self.is_built_in {
            return;
        }
        let mut parts = entry.key.splitn(3, '.');
        let family = parts.next().and_then(Family::parse);
        let is_own = parts.next() == Some("extra") && parts.next().is_some_and(is_name);
        if family.is_some() && is_own {
            return;
        }
        let title = format!("`{}` cannot name a field of a deployment", entry.key);
        let help = if self.catalogue.by_path(&entry.key).is_some() {
            "the field is built in; rules can read it as it is"
        } else {
            "write `tx.extra.NAME`, `kyc.extra.NAME` or `security.extra.NAME`, the name in small \
             letters, digits and `_`"
        };
        self.report("E050", entry.key_span, title, "not a name for it", Some(help.to_owned()));
    }

    fn values(&mut self, node: &Node, ty: Option<Type>) -> Option<Vec<String>> {
        let entry = node.entry("values")?;
        let Some(items) = entry.value.items().filter(|items| !items.is_empty()) else {
            let help = Some("write `values: [word, word]`, or leave the key out".to_owned());
            self.report("E051", entry.key_span, "`values` is a list of words", "no words", help);
            return None;
        };
        if ty.is_some_and(|ty| ty != Type::Text) {
            let title = "only text has a fixed set of words";
            let help = Some("write `type: text`, or leave `values` out".to_owned());
            self.report("E051", entry.key_span, title, "not a text", help);
        }
        let mut words: Vec<String> = Vec::new();
        for item in items {
            let word = item.scalar().map(str::trim).filter(|word| !word.is_empty());
            let Some(word) = word else {
                let title = "a word of a fixed set is one text";
                self.report("E051", self.first_line(item.span), title, "not a word", None);
                continue;
            };
            if words.iter().any(|known| known == word) {
                let title = format!("`{word}` stands twice in `values`");
                self.report("E051", item.span, title, "written before", None);
            }
            words.push(word.to_owned());
        }
        Some(words)
    }

    fn format(&mut self, node: &Node, ty: Option<Type>) -> Option<Format> {
        let (word, span) = self.text_of(node, "format")?;
        let format = Format::parse(&word);
        if format.is_none() {
            self.not_a_word("format", &word, span, Format::WORDS);
        }
        if ty.is_some_and(|ty| ty != Type::Text) || node.entry("values").is_some() {
            let title = "a format is that of a text without words of its own";
            let help = Some("write `type: text` and no `values`, or leave `format` out".to_owned());
            self.report("E051", span, title, "does not fit", help);
        }
        format
    }

    fn role(&mut self, entry: &Entry) {
        let errors = self.problems.len();
        let node = &entry.value;
        self.role_name(entry);
        self.known_keys(node, ROLE_KEYS);
        let doc = self.required(entry, "doc");
        let fact = self.carrier(node, "fact");
        let slots = Family::ALL.map(|family| self.carrier(node, family.word()));
        let written = |key: &str| node.entry(key).is_some();
        let has_family = Family::ALL.iter().any(|family| written(family.word()));
        if written("fact") == has_family {
            let title = if has_family {
                "a fact carries the role in every event; no other field can"
            } else {
                "no field carries the role"
            };
            let help = "write the field for each kind of event, `tx: tx.extra.wallet`, or one fact, \
                        `fact: customer.segment`";
            let help = Some(help.to_owned());
            self.report("E052", entry.key_span, title, "which field is it?", help);
        }
        let (Some((doc, _)), true) = (doc, errors == self.problems.len()) else {
            self.catalogue.broken.insert(entry.key.clone());
            return;
        };
        self.catalogue.add_role(&entry.key, &doc, slots.map(|slot| fact.or(slot)));
    }

    fn role_name(&mut self, entry: &Entry) {
        let word = entry.key.as_str();
        let help = if self.catalogue.role(word).is_some() {
            "the role is built in; choose another name"
        } else if self.is_built_in {
            return;
        } else if RESERVED_WORDS.contains(&word) {
            "the word has a meaning of its own; choose another"
        } else if !is_name(word) {
            "use small letters, digits and `_`, a letter first"
        } else {
            return;
        };
        let title = format!("`{word}` cannot name a role");
        self.report("E053", entry.key_span, title, "not usable here", Some(help.to_owned()));
    }

    /// The field that carries a role under `key`: a text of that family, or a fact.
    fn carrier(&mut self, node: &Node, key: &str) -> Option<Slot> {
        let (path, span) = self.text_of(node, key)?;
        if self.catalogue.is_broken(&path) {
            return None;
        }
        let family = Family::parse(key);
        let Some(field) = self.catalogue.by_path(&path) else {
            let fits = |field: &&Field| field.family == family && field.ty == Type::Text;
            let fields = self.catalogue.fields().iter().filter(fits);
            let paths: Vec<&str> = fields.map(|field| field.path.as_str()).collect();
            let help = did_you_mean(&path, &paths);
            self.report("E052", span, format!("unknown field `{path}`"), "no such field", help);
            return None;
        };
        let (slot, is_personal) = (field.slot, field.is_personal);
        let label = if field.family != family {
            "not a field of these events"
        } else if field.ty != Type::Text {
            "not a text"
        } else {
            if is_personal {
                let title = format!("`{path}` names a person and cannot carry a role");
                let help =
                    "a role's value is shown in alerts; use an id or a keyed hash".to_owned();
                self.report("E057", span, title, "personal", Some(help));
            }
            return Some(slot);
        };
        self.report("E052", span, format!("`{path}` cannot carry a role here"), label, None);
        None
    }

    // What follows reads shapes and reports what does not have them.

    fn section<'n>(&mut self, root: &'n Node, key: &str) -> &'n [Entry] {
        let Some(entry) = root.entry(key) else { return &[] };
        if entry.value.entries().is_none() && !entry.value.is_empty() {
            let title = format!("`{key}` holds names, this is {}", entry.value.describe());
            let help = Some("write `name: { ... }`, each on a line of its own".to_owned());
            self.report("E012", entry.key_span, title, "not a mapping", help);
        }
        entry.value.entries().unwrap_or_default()
    }

    fn known_keys(&mut self, node: &Node, keys: &[&str]) {
        let Some(entries) = node.entries() else {
            let title = format!("keys are expected here, this is {}", node.describe());
            let help = Some(format!("the keys are {}", keys.join(", ")));
            self.report("E012", self.first_line(node.span), title, "no keys here", help);
            return;
        };
        for entry in entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            let title = format!("unknown key `{}`", entry.key);
            let help = did_you_mean(&entry.key, keys);
            self.report("E010", entry.key_span, title, "not a key of this section", help);
        }
    }

    fn required(&mut self, entry: &Entry, key: &str) -> Option<(String, SourceSpan)> {
        if entry.value.entries().is_some() && entry.value.entry(key).is_none() {
            let title = format!("`{}` needs the key `{key}`", entry.key);
            let help = Some(format!("add `{key}: ...`"));
            self.report("E011", entry.key_span, title, format!("`{key}` is missing"), help);
        }
        self.text_of(&entry.value, key)
    }

    /// The text under `key`, if the key is there; it must be a single value.
    fn text_of(&mut self, node: &Node, key: &str) -> Option<(String, SourceSpan)> {
        let value = &node.entry(key)?.value;
        let text = value.scalar().map(str::trim).filter(|text| !text.is_empty());
        if text.is_none() {
            let title = format!("`{key}` is a single value, this is {}", value.describe());
            self.report("E012", self.first_line(value.span), title, "no text here", None);
        }
        text.map(|text| (text.to_owned(), value.span))
    }

    fn is_true(&mut self, node: &Node, key: &str) -> bool {
        let Some((word, span)) = self.text_of(node, key) else { return false };
        if !matches!(word.as_str(), "true" | "false") {
            self.not_a_word(key, &word, span, &["true", "false"]);
        }
        word == "true"
    }

    fn not_a_word(&mut self, key: &str, word: &str, span: SourceSpan, words: &[&str]) {
        let title = format!("`{key}` is never `{word}`");
        let help =
            did_you_mean(word, words).or_else(|| Some(format!("one of {}", words.join(", "))));
        self.report("E013", span, title, "no such value", help);
    }

    /// The part of `span` on its first line, so that long blocks are not drawn whole.
    fn first_line(&self, span: SourceSpan) -> SourceSpan {
        let text = self.text.get(span.start..span.end).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default().trim_end();
        SourceSpan { start: span.start, end: span.start + line.len() }
    }

    fn report(
        &mut self,
        code: &'static str,
        span: SourceSpan,
        title: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        let mut problem = Diagnostic::new(code, self.path, span, title, label);
        problem.help = help;
        self.problems.push(problem);
    }
}

/// Small letters, digits and `_`, a letter first.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

//! Tables of everything that a rule may name, made of the catalogue and of the table of functions.
//!
//! In: the catalogue of a deployment, or the built-in one. Out: rows of texts and the same as Markdown;
//! the tables in `rules/README.md` are these, which a test holds.

use crate::rulebook::catalogue::{Catalogue, Family, Field, Presence, Type};

use super::FUNCTIONS;

/// A table of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What its columns hold.
    pub header: &'static [&'static str],
    /// Its rows, each as long as the header.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// As Markdown; names and words in backticks are written so in the cells already.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = &str>| -> String {
            let cells: Vec<String> = cells
                .map(|cell| if cell.is_empty() { " ".to_owned() } else { format!(" {cell} ") })
                .collect();
            format!("|{}|\n", cells.join("|"))
        };
        let mut text = line(&mut self.header.iter().copied());
        text.push_str(&line(&mut self.header.iter().map(|_| "---")).replace(' ', ""));
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            text.push_str(&line(&mut cells.iter().map(String::as_str)));
        }
        text
    }
}

fn quoted(word: &str) -> String {
    format!("`{word}`")
}

/// The type as analysts say it.
#[must_use]
pub const fn type_name(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "true or false",
        other => other.word(),
    }
}

/// The closed set of words, or the type; and what else is known of the values.
fn values(field: &Field) -> String {
    let mut said = match &field.values {
        Some(words) => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", "),
        None => type_name(field.ty).to_owned(),
    };
    if field.is_personal {
        said.push_str("; personal");
    }
    said
}

/// All fields: name, type or words, unit, absent or not, meaning.
#[must_use]
pub fn fields(catalogue: &Catalogue) -> Table {
    let row = |field: &Field| {
        let absent = if field.presence == Presence::Maybe { "maybe" } else { "" };
        let unit = field.slot.money().map_or("", |money| money.word());
        [&quoted(&field.path), &values(field), unit, absent, &field.doc].map(str::to_owned).to_vec()
    };
    Table {
        header: &["field", "type or words", "unit", "absent", "meaning"],
        rows: catalogue.fields().iter().map(row).collect(),
    }
}

/// All roles: name, the field that carries it in each kind of event, meaning.
#[must_use]
pub fn roles(catalogue: &Catalogue) -> Table {
    let rows = catalogue.roles().iter().map(|role| {
        let carriers = Family::ALL.map(|family| {
            let slot = catalogue.role_slot(role.role, family);
            slot.map_or_else(String::new, |slot| quoted(&catalogue.field(slot).path))
        });
        let mut row = vec![quoted(&role.word)];
        row.extend(carriers);
        row.push(role.doc.clone());
        row
    });
    Table {
        header: &["role", "in transactions", "in identity events", "in security events", "meaning"],
        rows: rows.collect(),
    }
}

/// All functions and folds: how they are called, what they give.
#[must_use]
pub fn functions() -> Table {
    let rows = FUNCTIONS.iter().map(|function| {
        let forms: Vec<String> = function.form.split("; ").map(quoted).collect();
        vec![forms.join(", "), function.doc.to_owned()]
    });
    Table { header: &["form", "what it gives"], rows: rows.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rulebook::catalogue::read;

    #[test]
    fn a_field_of_a_deployment_is_in_the_table_with_all_that_is_known_of_it() {
        let text = "fields:\n  tx.extra.payer: { type: text, personal: true, doc: Who paid. }\n  \
                    tx.extra.tier: { type: text, values: [gold, tin], doc: The tier. }\n\
                    roles:\n  tier: { tx: tx.extra.tier, doc: The tier. }\n";
        let schema = read::schema("schema.yaml", text, &Catalogue::built_in());
        assert_eq!(schema.problems, []);
        let fields = fields(&schema.catalogue);
        let row = |name: &str| {
            fields.rows.iter().find(|row| row[0] == name).map(|row| row.join(" / ")).expect("a row")
        };
        assert_eq!(
            row("`tx.extra.payer`"),
            "`tx.extra.payer` / text; personal /  / maybe / Who paid."
        );
        assert_eq!(
            row("`tx.extra.tier`"),
            "`tx.extra.tier` / `gold`, `tin` /  / maybe / The tier."
        );
        assert!(row("`tx.amount`").contains(" / base currency / "), "{}", row("`tx.amount`"));
        let roles = roles(&schema.catalogue).markdown();
        assert!(roles.contains("| `tier` | `tx.extra.tier` | | | The tier. |\n"), "{roles}");
    }

    #[test]
    fn a_bar_in_a_cell_does_not_end_it() {
        let table = Table { header: &["a"], rows: vec![vec!["x | y".to_owned()]] };
        assert_eq!(table.markdown(), "| a |\n|---|\n| x \\| y |\n");
    }
}

//! `weir schema`: the JSON Schemas of all messages, in and out, and of rule files; and the tables of
//! everything that a rule may name.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::{exit, output};
use crate::files;
use crate::rulebook::catalogue::{Catalogue, Family, Money, Presence};
use crate::rulebook::reference::tables::{self, Table};
use crate::rulebook::{self, loader, reference};
use crate::wire::schema;

/// The name under which the schema of rule files is printed.
const RULE: &str = "rule";

/// The name under which fields and roles are listed.
const FIELDS: &str = "fields";

/// The name under which functions are listed.
const FUNCTIONS: &str = "functions";

/// Names beside those of the message types.
const OTHERS: [&str; 3] = [RULE, FIELDS, FUNCTIONS];

#[derive(Debug, Args)]
pub struct Arguments {
    /// The message type, for example `aml.transaction.v1`, or `rule` for rule files; `fields` and
    /// `functions` are what a rule may name; none lists all.
    name: Option<String>,
    /// Rules folder whose own fields and roles are known too.
    #[arg(long, value_name = "FOLDER")]
    rules: Option<PathBuf>,
    /// Print `fields` or `functions` as Markdown.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print JSON (schemas are JSON anyway; this also turns the list into JSON).
    #[arg(long)]
    json: bool,
}

/// `weir schema`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let all = schema::all();
    let Some(name) = &arguments.name else {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).chain(OTHERS).collect();
        if arguments.json {
            output::json(&names)?;
        } else {
            output::line(&names.join("\n"))?;
        }
        return Ok(exit::FINE);
    };
    if name == FIELDS {
        let catalogue = catalogue(arguments)?;
        if arguments.json {
            output::json(&fields_json(&catalogue))?;
            return Ok(exit::FINE);
        }
        return show(arguments, &[tables::fields(&catalogue), tables::roles(&catalogue)]);
    }
    if name == FUNCTIONS {
        if arguments.json {
            output::json(&functions_json())?;
            return Ok(exit::FINE);
        }
        return show(arguments, &[tables::functions()]);
    }
    if arguments.markdown {
        output::say("weir: only `fields` and `functions` can be printed as Markdown");
        return Ok(exit::FINDINGS);
    }
    if name == RULE {
        output::json(&rulebook::schema::rule(&*catalogue(arguments)?))?;
        return Ok(exit::FINE);
    }
    if let Some((_, schema)) = all.iter().find(|(known, _)| known == name) {
        output::json(schema)?;
        return Ok(exit::FINE);
    }
    let nearest = all
        .iter()
        .map(|(known, _)| *known)
        .chain(OTHERS)
        .min_by_key(|known| strsim::damerau_levenshtein(known, name));
    let hint = nearest.map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
    output::say(&format!("weir: there is no schema `{name}`{hint}"));
    Ok(exit::FINDINGS)
}

/// Tables below one another, as Markdown or for a terminal.
fn show(arguments: &Arguments, all: &[Table]) -> anyhow::Result<u8> {
    let shown = all.iter().map(|table| {
        if arguments.markdown {
            return table.markdown();
        }
        let mut lines = output::table(table.header);
        for row in &table.rows {
            // Backticks are for Markdown; a name of the language holds none.
            lines.add_row(row.iter().map(|cell| cell.replace('`', "")));
        }
        format!("{lines}\n")
    });
    output::text(&shown.collect::<Vec<_>>().join("\n"))?;
    Ok(exit::FINE)
}

fn fields_json(catalogue: &Catalogue) -> Value {
    let fields = catalogue.fields().iter().map(|field| {
        json!({
            "name": field.path,
            "type": field.ty.word(),
            "values": field.values,
            "unit": field.slot.money().map(Money::word),
            "may_be_absent": field.presence == Presence::Maybe,
            "is_personal": field.is_personal,
            "is_built_in": !field.slot.is_custom(),
            "doc": field.doc,
        })
    });
    let roles = catalogue.roles().iter().map(|role| {
        let carriers = Family::ALL.map(|family| {
            let slot = catalogue.role_slot(role.role, family);
            (family.word(), slot.map(|slot| &catalogue.field(slot).path))
        });
        json!({ "name": role.word, "fields": BTreeMap::from(carriers), "doc": role.doc })
    });
    json!({
        "digest": catalogue.digest(),
        "fields": fields.collect::<Vec<_>>(),
        "roles": roles.collect::<Vec<_>>(),
    })
}

fn functions_json() -> Value {
    let functions = reference::FUNCTIONS.iter().map(|function| {
        let forms: Vec<&str> = function.form.split("; ").collect();
        let name = function.name;
        json!({ "name": name, "forms": forms, "is_fold": function.is_fold, "doc": function.doc })
    });
    functions.collect()
}

/// The built-in fields and roles, or those of the rules folder that was named.
fn catalogue(arguments: &Arguments) -> anyhow::Result<Arc<Catalogue>> {
    let Some(folder) = &arguments.rules else { return Ok(Catalogue::built_in()) };
    let loaded = loader::load(&files::read_folder(folder)?);
    let rulebook =
        loaded.rulebook.ok_or_else(|| anyhow!("the rules have errors; run `weir check`"))?;
    Ok(rulebook.catalogue)
}

//! `weir schema`: the JSON Schemas of all messages, in and out, and of rule files.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use clap::Args;

use super::{exit, output};
use crate::files;
use crate::rulebook::catalogue::Catalogue;
use crate::rulebook::{self, loader};
use crate::wire::schema;

/// The name under which the schema of rule files is printed.
const RULE: &str = "rule";

#[derive(Debug, Args)]
pub struct Arguments {
    /// The message type, for example `aml.transaction.v1`, or `rule` for rule files; none lists all.
    name: Option<String>,
    /// Rules folder whose own fields and roles the schema of rule files knows too.
    #[arg(long, value_name = "FOLDER")]
    rules: Option<PathBuf>,
    /// Print JSON (schemas are JSON anyway; this also turns the list into JSON).
    #[arg(long)]
    json: bool,
}

/// `weir schema`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let all = schema::all();
    let Some(name) = &arguments.name else {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).chain([RULE]).collect();
        if arguments.json {
            output::json(&names)?;
        } else {
            output::line(&names.join("\n"))?;
        }
        return Ok(exit::FINE);
    };
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
        .chain([RULE])
        .min_by_key(|known| strsim::damerau_levenshtein(known, name));
    let hint = nearest.map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
    output::say(&format!("weir: there is no schema `{name}`{hint}"));
    Ok(exit::FINDINGS)
}

/// The built-in fields and roles, or those of the rules folder that was named.
fn catalogue(arguments: &Arguments) -> anyhow::Result<Arc<Catalogue>> {
    let Some(folder) = &arguments.rules else { return Ok(Catalogue::built_in()) };
    let loaded = loader::load(&files::read_folder(folder)?);
    let rulebook =
        loaded.rulebook.ok_or_else(|| anyhow!("the rules have errors; run `weir check`"))?;
    Ok(rulebook.catalogue)
}

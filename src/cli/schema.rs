//! `weir schema`: the JSON Schemas of all messages, in and out.

use clap::Args;

use super::{exit, output};
use crate::wire::schema;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The message type, for example `aml.transaction.v1`; none lists all types.
    name: Option<String>,
    /// Print JSON (schemas are JSON anyway; this also turns the list into JSON).
    #[arg(long)]
    json: bool,
}

/// `weir schema`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let all = schema::all();
    let Some(name) = &arguments.name else {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        if arguments.json {
            output::json(&names)?;
        } else {
            output::line(&names.join("\n"))?;
        }
        return Ok(exit::FINE);
    };
    if let Some((_, schema)) = all.iter().find(|(known, _)| known == name) {
        output::json(schema)?;
        return Ok(exit::FINE);
    }
    let nearest = all.iter().map(|(known, _)| *known).min_by_key(|known| {
        strsim::damerau_levenshtein(known, name)
    });
    let hint = nearest.map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
    output::say(&format!("weir: there is no message type `{name}`{hint}"));
    Ok(exit::FINDINGS)
}

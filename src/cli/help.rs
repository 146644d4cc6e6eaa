//! `weir help CODE`: what a code means, with a wrong and a right example.

use clap::{Args, CommandFactory};
use serde_json::json;

use super::{exit, output};
use crate::rulebook::codes::{self, CODES, Code, examples};
use crate::rulebook::diagnostic::closest;

/// Widest line of text that is written for people.
const WIDTH: usize = 96;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Codes that `weir check` prints (`E021`), or a command; without one, all codes.
    #[arg(value_name = "CODE")]
    codes: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `weir help`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let Some(first) = arguments.codes.first() else { return all(arguments.json) };
    let found: Vec<&Code> = arguments.codes.iter().filter_map(|it| codes::explain(it)).collect();
    if found.len() == arguments.codes.len() {
        match (arguments.json, found.as_slice()) {
            (true, [code]) => output::json(&as_json(code))?,
            (true, codes) => output::json(&codes.iter().map(|it| as_json(it)).collect::<Vec<_>>())?,
            (false, codes) => {
                let pages: Vec<String> =
                    codes.iter().map(|code| page(code).trim_end().to_owned()).collect();
                output::line(&pages.join("\n\n"))?;
            }
        }
        return Ok(exit::FINE);
    }
    // The first that is no code is the one to speak of.
    let word = arguments.codes.iter().find(|it| codes::explain(it).is_none()).unwrap_or(first);
    let mut commands = super::Arguments::command();
    // Only then do subcommands know the whole command line.
    commands.build();
    if let Some(command) = commands.find_subcommand_mut(word) {
        output::line(command.render_long_help().to_string().trim_end())?;
        return Ok(exit::FINE);
    }
    let known = CODES.iter().map(|row| row.code);
    // Codes are so short that one wrong letter is already more than a third of them.
    let near = known.clone().min_by_key(|code| strsim::osa_distance(&word.to_uppercase(), code));
    let near = near.filter(|code| strsim::osa_distance(&word.to_uppercase(), code) <= 1);
    let commands: Vec<&str> = commands.get_subcommands().map(clap::Command::get_name).collect();
    let hint = match near.or_else(|| closest(word, commands)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`weir help` lists all codes, `weir --help` all commands".to_owned(),
    };
    output::say(&format!("weir: there is no code or command `{word}`; {hint}"));
    Ok(exit::FINDINGS)
}

fn all(is_json: bool) -> anyhow::Result<u8> {
    if is_json {
        output::json(&CODES.iter().map(as_json).collect::<Vec<_>>())?;
        return Ok(exit::FINE);
    }
    for row in CODES {
        output::line(&format!("{}  {}", row.code, row.title))?;
    }
    output::line("\nweir help CODE explains one; weir --help lists the commands.")?;
    Ok(exit::FINE)
}

fn as_json(code: &Code) -> serde_json::Value {
    let example = examples::of(code.code);
    json!({
        "code": code.code,
        "level": code.level().word(),
        "title": code.title,
        "explanation": code.explanation,
        "wrong": example.map(|example| example.wrong),
        "right": example.map(|example| example.right),
    })
}

fn page(code: &Code) -> String {
    let mut page = format!("{} ({}): {}\n", code.code, code.level().word(), code.title);
    page.push('\n');
    page.push_str(&wrapped(code.explanation));
    if let Some(example) = examples::of(code.code) {
        for (title, text) in [("Wrong", example.wrong), ("Right", example.right)] {
            page.extend(["\n", title, ":\n\n"]);
            for line in text.lines() {
                page.push_str(format!("    {line}").trim_end());
                page.push('\n');
            }
        }
    }
    page
}

fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut width = 0;
    for word in text.split_whitespace() {
        if width > 0 && width + 1 + word.chars().count() > WIDTH {
            lines.push('\n');
            width = 0;
        } else if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += word.chars().count();
    }
    lines + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_the_title_the_text_and_both_examples() {
        let code = codes::explain("e022").expect("a code");
        let expected = "\
E022 (error): a word the field never has

The field has a fixed set of words, and this is not one of them, so the comparison could never
hold.

Wrong:

    when: tx.type == \"wired\"

Right:

    when: tx.type == \"wire\"
";
        assert_eq!(page(code), expected);
    }

    #[test]
    fn every_page_fits_a_terminal() {
        for code in CODES {
            let wide =
                page(code).lines().find(|line| line.chars().count() > 110).map(str::to_owned);
            assert_eq!(wide, None, "{}", code.code);
        }
    }
}

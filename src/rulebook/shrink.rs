//! Lists that lose more than half of their rows: usually a broken export, so that a person has to say it is meant.
//!
//! In: the rulebook that runs and the one that is to take its place. Out: each list that shrank so much,
//! with the approval that stands in its file, if one does. An approval is a remark that names the list and
//! its rows before and after, so that it holds for this one step and for no later one:
//! `# shrink-approved: sanctions from 812 to 12 rows, 2026-01-31, Ann Analyst`.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;

use super::diagnostic::Diagnostic;
use super::meaning::lists_read;
use super::typed::{Rulebook, SourceSpan};

/// What an approval's remark begins with.
pub const MARK: &str = "shrink-approved:";

/// Longest name of who approved, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// A person's word that a list may lose so many rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The list.
    pub list: String,
    /// Its rows before.
    pub from: usize,
    /// Its rows after.
    pub to: usize,
    /// The day on which it was approved.
    pub on: Date,
    /// Who approved it.
    pub by: String,
}

/// A list that lost more than half of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// Its name.
    pub list: String,
    /// Its rows in the rulebook that runs, whenever they are valid.
    pub before: usize,
    /// Its rows now; none when there is no such list any more.
    pub after: Option<usize>,
    /// The approval of this very step.
    pub approval: Option<Approval>,
}

impl fmt::Display for Shrunk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { list, before, after, approval } = self;
        match after {
            Some(after) => write!(out, "lists/{list}.csv: {before} rows before, {after} now")?,
            None => write!(out, "lists/{list}.csv: {before} rows before, the file is gone now")?,
        }
        if let Some(approval) = approval {
            return write!(out, "; approved on {} by {}", approval.on, approval.by);
        }
        if after.is_none() {
            out.write_str(
                "; rules that run read it: take up rules that do not, then delete the file, or keep its \
                 first line and approve that",
            )?;
        }
        let to = after.unwrap_or_default();
        write!(
            out,
            "; if that is meant, add the line `# {MARK} {list} from {before} to {to} rows, DATE, NAME`"
        )
    }
}

/// The lists of `running` that lost more than half of their rows in `next`, by name. One that is gone
/// counts when a rule of `running` reads it; half exactly is not more than half.
#[must_use]
pub fn shrunk(running: &Rulebook, next: &Rulebook) -> Vec<Shrunk> {
    let read: BTreeSet<String> = running.rules.iter().flat_map(|rule| lists_read(rule)).collect();
    let steps = running.lists.iter().map(|(name, list)| {
        let now = next.lists.get(name);
        let (before, after) = (list.rows.len(), now.map(|now| now.rows.len()));
        let is_noticed = now.is_some() || read.contains(name);
        let is_half_lost = after.unwrap_or_default().saturating_mul(2) < before;
        (is_noticed && is_half_lost).then(|| Shrunk {
            list: name.clone(),
            before,
            after,
            approval: now.and_then(|now| approval_of(&now.approvals, name, before, after)),
        })
    });
    steps.flatten().collect()
}

fn approval_of(
    approvals: &[Approval],
    list: &str,
    before: usize,
    after: Option<usize>,
) -> Option<Approval> {
    let mut approvals = approvals.iter();
    let fits = |it: &&Approval| it.list == list && it.from == before && Some(it.to) == after;
    approvals.find(fits).cloned()
}

/// The approvals in the remarks of the list file at `path`, which has `rows` rows now. One that cannot be
/// read is an error, since its author relies on it; one that speaks of another list or of another number of
/// rows is reported, so that it does not stand there for ever.
#[must_use]
pub fn approvals(path: &str, text: &str, rows: usize) -> (Vec<Approval>, Vec<Diagnostic>) {
    let file = path.rsplit('/').next().unwrap_or(path);
    let name = file.strip_suffix(".csv").unwrap_or(file);
    let mut found = Vec::new();
    let mut problems = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let written = line.trim_end();
        let span = SourceSpan { start, end: start + written.len() };
        start += line.len();
        let Some(said) = marked(written) else { continue };
        let Some(approval) = read(said) else {
            let help = format!("write `# {MARK} {name} from 812 to {rows} rows, 2026-01-31, NAME`");
            let title = "an approval that cannot be read".to_owned();
            let problem = Diagnostic::new("E047", path, span, title, "approves nothing");
            problems.push(problem.with_help(help));
            continue;
        };
        let label = if approval.list != name {
            Some(format!("it speaks of the list `{}`", approval.list))
        } else if approval.to != rows {
            Some(format!("it speaks of {} rows, the list has {rows}", approval.to))
        } else {
            None
        };
        if let Some(label) = label {
            let title = "an approval of another step".to_owned();
            let problem = Diagnostic::new("W234", path, span, title, label);
            problems.push(problem.with_help("delete the line; it has served its purpose"));
        }
        found.push(approval);
    }
    (found, problems)
}

/// What stands behind the mark, if the line is a remark with it; nothing if the mark is not quite right.
fn marked(line: &str) -> Option<&str> {
    let remark = line.strip_prefix('#')?.trim_start();
    if let Some(said) = remark.strip_prefix(MARK) {
        return Some(said);
    }
    let words: String = remark.chars().take(MARK.len()).collect();
    let plain = words.to_ascii_lowercase().replace([' ', '_'], "-");
    (plain == MARK || plain == "shrink-approved").then_some("")
}

/// `sanctions from 812 to 12 rows, 2026-01-31, Ann Analyst`
fn read(said: &str) -> Option<Approval> {
    let mut parts = said.splitn(3, ',').map(str::trim);
    let (step, on, by) = (parts.next()?, parts.next()?, parts.next()?);
    let words: Vec<&str> = step.split_whitespace().collect();
    let [list, "from", from, "to", to, "rows"] = words.as_slice() else { return None };
    // The name goes into the log, where messages are checked like everybody's.
    let is_name = !by.is_empty() && by.len() <= NAME_BYTES_MAX && !by.contains(char::is_control);
    Some(Approval {
        list: (*list).to_owned(),
        from: from.parse().ok()?,
        to: to.parse().ok()?,
        on: on.parse().ok()?,
        by: is_name.then(|| by.to_owned())?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rulebook::loader;

    /// A rule that reads the list `far`, or none.
    fn rule(reads: bool) -> String {
        let when = if reads { "tx.country in list.far" } else { "tx.amount > 1" };
        format!(
            "lang: 1\nrule: r\ntitle: R\nabout: R.\nseverity: low\ntrigger: transaction\n\
             entity: customer\nwhen: {when}\nalert: {{ score: 1, message: M. }}\n"
        )
    }

    /// The list `far` with so many rows and perhaps a remark before them.
    fn list(rows: usize, remark: &str) -> String {
        let rows: Vec<String> = (0..rows).map(|row| format!("V{row}")).collect();
        format!("{remark}value\n{}\n", rows.join("\n"))
    }

    fn book(reads: bool, list: Option<String>) -> Rulebook {
        let mut sources = BTreeMap::from([("p/r.yaml".to_owned(), rule(reads))]);
        sources.extend(list.map(|text| ("lists/far.csv".to_owned(), text)));
        let loaded = loader::load(&sources);
        loaded.rulebook.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
    }

    /// What happens when a list of `before` rows has `after` rows.
    fn step(before: usize, after: usize, remark: &str) -> Vec<(usize, Option<usize>, bool)> {
        let found =
            shrunk(&book(true, Some(list(before, ""))), &book(true, Some(list(after, remark))));
        found.iter().map(|it| (it.before, it.after, it.approval.is_some())).collect()
    }

    #[test]
    fn a_list_may_lose_half_of_its_rows_and_no_more() {
        for (before, after, is_shrunk) in [
            (10, 10, false),
            (10, 20, false),
            (10, 5, false),
            (10, 4, true),
            (10, 0, true),
            (11, 6, false),
            (11, 5, true),
            (2, 1, false),
            (1, 0, true),
            (0, 0, false),
            (0, 5, false),
        ] {
            let expected: &[_] = if is_shrunk { &[(before, Some(after), false)] } else { &[] };
            assert_eq!(step(before, after, ""), expected, "{before} to {after}");
        }
    }

    #[test]
    fn a_list_that_comes_is_no_loss_and_one_that_goes_is_if_it_is_read() {
        let with = |reads, rows| book(reads, Some(list(rows, "")));
        assert_eq!(shrunk(&book(false, None), &with(true, 3)), []);
        assert_eq!(shrunk(&with(false, 3), &book(false, None)), [], "nobody reads it");
        assert_eq!(shrunk(&with(true, 0), &book(false, None)), [], "it was empty");
        let gone = shrunk(&with(true, 3), &book(false, None));
        assert_eq!(gone.iter().map(|it| (it.before, it.after)).collect::<Vec<_>>(), [(3, None)]);
        assert!(gone[0].to_string().contains("the file is gone"), "{}", gone[0]);
        assert!(!shrunk(&with(false, 3), &with(false, 1)).is_empty(), "it is there, read or not");
    }

    #[test]
    fn an_approval_holds_for_its_list_and_its_step_only() {
        let remark =
            |list, from, to| format!("# {MARK} {list} from {from} to {to} rows, 2026-01-31, Ann\n");
        assert_eq!(step(10, 4, &remark("far", 10, 4)), [(10, Some(4), true)]);
        assert_eq!(step(10, 4, &remark("near", 10, 4)), [(10, Some(4), false)]);
        assert_eq!(step(10, 4, &remark("far", 11, 4)), [(10, Some(4), false)]);
        assert_eq!(step(10, 4, &remark("far", 10, 3)), [(10, Some(4), false)]);
        let two = remark("far", 12, 4) + &remark("far", 10, 4);
        assert_eq!(step(10, 4, &two), [(10, Some(4), true)]);
    }

    #[test]
    fn what_the_refusal_tells_to_write_is_read_once_day_and_name_are_filled_in() {
        let shrunk = Shrunk { list: "far".into(), before: 10, after: Some(4), approval: None };
        let told = shrunk.to_string();
        let line = told.split('`').nth(1).expect("a line to write");
        let (unfilled, problems) = approvals("lists/far.csv", line, 4);
        assert!(unfilled.is_empty() && problems[0].code == "E047", "{problems:#?}");
        let filled = line.replace("DATE, NAME", "2026-01-31, Ann");
        let (read, problems) = approvals("lists/far.csv", &filled, 4);
        assert_eq!((read.len(), problems.len()), (1, 0), "{problems:#?}");
    }

    #[test]
    fn an_approval_that_approves_nothing_is_reported() {
        for (line, code) in [
            ("# shrink-approved: far from 10 to 4 rows, 2026-01-31, Ann", None),
            ("# shrink-approved: far from 10 to 4 rows, 2026-01-31, Ann, with Bo", None),
            ("# we shrink approved lists by hand", None),
            ("# shrink-approved: far from 10 to 4 rows, 2026-02-31, Ann", Some("E047")),
            ("# shrink-approved: far from 10 to 4 rows, 2026-01-31", Some("E047")),
            ("# shrink-approved: far from 10 to 4 rows, 2026-01-31, ", Some("E047")),
            ("# shrink-approved: far to 4 rows, 2026-01-31, Ann", Some("E047")),
            ("# Shrink approved: far from 10 to 4 rows, 2026-01-31, Ann", Some("E047")),
            ("# shrink-approved: near from 10 to 4 rows, 2026-01-31, Ann", Some("W234")),
            ("# shrink-approved: far from 10 to 5 rows, 2026-01-31, Ann", Some("W234")),
        ] {
            let (_, problems) = approvals("lists/far.csv", line, 4);
            let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
            assert_eq!(codes, code.into_iter().collect::<Vec<_>>(), "{line}");
        }
    }
}

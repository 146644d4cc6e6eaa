//! Warnings about a rule that is right but probably not finished.

use crate::rulebook::example::Example;
use crate::rulebook::numerals;
use crate::rulebook::source::Node;
use crate::rulebook::typed::SourceSpan;

use super::Checker;
use super::names::Meaning;

impl Checker<'_> {
    pub(super) fn warn_of_habits(&mut self, root: &Node, tests: &[Example], first_key: SourceSpan) {
        self.warn_of_unused();
        self.warn_of_missing_tests(root, tests, first_key);
    }

    fn warn_of_unused(&mut self) {
        let unused: Vec<_> = self
            .names
            .iter()
            .filter(|(_, named)| !named.is_used)
            .map(|(name, named)| (name.clone(), named.span, named.meaning))
            .collect();
        for (name, span, meaning) in unused {
            let (code, what) = match meaning {
                Meaning::Param(_) => ("W203", "parameter"),
                Meaning::Let(_) => ("W202", "named value"),
                Meaning::Broken => continue,
            };
            let title = format!("the {what} `{name}` is never used");
            let help = Some("use it, or delete the line".to_owned());
            self.report(code, span, title, "nothing reads it", help);
        }
    }

    /// `15.000` is fifteen, which not everybody reads so.
    pub(super) fn warn_of_thousands(&mut self, written: &str, span: SourceSpan) {
        if let Some(problem) = numerals::doubt(self.path, written, span) {
            self.problems.push(problem);
        }
    }

    /// `over 1m` is a minute.
    pub(super) fn warn_of_minutes(&mut self, span: SourceSpan) {
        let written = self.written(span);
        let months = match written.as_str() {
            "1m" => "30d",
            "2m" => "60d",
            "3m" => "90d",
            "6m" => "180d",
            "12m" => "365d",
            _ => return,
        };
        let count = written.trim_end_matches('m');
        let seconds = count.parse::<u32>().unwrap_or_default().saturating_mul(60);
        let unit = if count == "1" { "minute" } else { "minutes" };
        let title = format!("`{written}` is {count} {unit}");
        let help = format!("for months write `{months}`; if minutes are meant, `{seconds}s`");
        self.report("W276", span, title, "`m` stands for minutes", Some(help));
    }

    fn warn_of_missing_tests(&mut self, root: &Node, tests: &[Example], first_key: SourceSpan) {
        let entry = root.entry("tests");
        let written = entry.and_then(|entry| entry.value.items()).unwrap_or_default();
        let span = entry.map_or(first_key, |entry| entry.key_span);
        let fires = tests.iter().any(|test| !test.alerts.is_empty());
        let stays_silent = tests.iter().any(|test| test.alerts.is_empty());
        let (title, help) = if written.is_empty() {
            (
                "the rule has no tests",
                "add `tests:` with one story that fires and one that does not",
            )
        } else if tests.is_empty() || fires && stays_silent {
            return;
        } else if fires {
            ("no test shows when the rule stays silent", "add a story with `alerts: []`")
        } else {
            ("no test shows that the rule can fire", "add a story with an alert")
        };
        self.report("W205", span, title, "not proven", Some(help.to_owned()));
    }
}

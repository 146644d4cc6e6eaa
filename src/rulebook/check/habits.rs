//! Warnings about a rule that is right but probably not finished.

use crate::rulebook::catalogue::Slot;
use crate::rulebook::example::Example;
use crate::rulebook::source::Node;
use crate::rulebook::typed::SourceSpan;

use super::Checker;
use super::names::Meaning;

impl Checker<'_> {
    pub(super) fn warn_of_habits(&mut self, root: &Node, tests: &[Example], first_key: SourceSpan) {
        self.warn_of_unused();
        self.warn_of_booked_amount();
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

    /// An amount as booked means nothing without its currency.
    fn warn_of_booked_amount(&mut self) {
        let reads = |slot| self.fields_read.contains(&slot);
        if !reads(Slot::TX_LOCAL_AMOUNT) || reads(Slot::TX_CURRENCY) {
            return;
        }
        let start = self.source.find("tx.local_amount").unwrap_or_default();
        let span = SourceSpan { start, end: start + "tx.local_amount".len() };
        let title = "`tx.local_amount` is read, but not its currency";
        let help = "test `tx.currency`, or use `tx.amount`, which is in the base currency";
        self.report("W204", span, title, "an amount in any currency", Some(help.to_owned()));
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

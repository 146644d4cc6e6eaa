//! The words of the language with one sentence each: what editors show and pages print.
//!
//! One table for functions, one for keys, one for events. A test holds each equal to what the parser, the
//! checker and the catalogue know, so that nothing can be written that is not described here.

mod keys;
pub mod tables;

use super::catalogue::{EventName, Family};

pub use keys::{KEYS, KeyEntry, Section};

/// A function or fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionEntry {
    /// Its name.
    pub name: &'static str,
    /// How it is called; several ways are separated by `; `.
    pub form: &'static str,
    /// What it gives, in a sentence or two.
    pub doc: &'static str,
    /// Whether it folds events in a window: `by` and `over` follow.
    pub is_fold: bool,
}

const fn function(name: &'static str, form: &'static str, doc: &'static str) -> FunctionEntry {
    FunctionEntry { name, form, doc, is_fold: false }
}

const fn fold(name: &'static str, form: &'static str, doc: &'static str) -> FunctionEntry {
    FunctionEntry { name, form, doc, is_fold: true }
}

/// All functions, in the order in which they are explained.
pub const FUNCTIONS: &[FunctionEntry] = &[
    fold(
        "count",
        "count(EVENT where CONDITION) by ROLE over WINDOW",
        "How many events are in the window; 0 when there are none.",
    ),
    fold(
        "sum",
        "sum(NUMBER where CONDITION) by ROLE over WINDOW",
        "The sum of a number over the events in the window; 0 when there are none.",
    ),
    fold(
        "avg",
        "avg(NUMBER where CONDITION) by ROLE over WINDOW",
        "The mean of a number over the events in the window; absent when there are none.",
    ),
    fold(
        "min_of",
        "min_of(NUMBER where CONDITION) by ROLE over WINDOW",
        "The smallest number among the events in the window; absent when there are none.",
    ),
    fold(
        "max_of",
        "max_of(NUMBER where CONDITION) by ROLE over WINDOW",
        "The largest number among the events in the window; absent when there are none.",
    ),
    fold(
        "distinct",
        "distinct(TEXT where CONDITION) by ROLE over WINDOW",
        "How many different texts the events in the window have; 0 when there are none.",
    ),
    fold(
        "stddev",
        "stddev(NUMBER where CONDITION) by ROLE over WINDOW",
        "The standard deviation of the population, rounded to ten decimal places; absent when there are no \
         events.",
    ),
    fold(
        "median",
        "median(NUMBER where CONDITION) by ROLE over WINDOW",
        "The middle value, or the mean of the two in the middle; absent when there are no events.",
    ),
    fold(
        "percentile",
        "percentile(NUMBER where CONDITION, 95) by ROLE over WINDOW",
        "The smallest value that at least so many percent of the values do not exceed; absent when there are \
         no events.",
    ),
    fold(
        "first",
        "first(VALUE where CONDITION) by ROLE over WINDOW",
        "The oldest value in the window, of any type; absent when there is none.",
    ),
    fold(
        "last",
        "last(VALUE where CONDITION) by ROLE over WINDOW",
        "The latest value in the window, of any type; absent when there is none.",
    ),
    fold(
        "since",
        "since(EVENT where CONDITION) by ROLE",
        "The time since the latest such event before this one; absent when there was none. It has no window.",
    ),
    function(
        "if",
        "if(CONDITION, a, b)",
        "The first value where the condition holds, else the second.",
    ),
    function("has", "has(a)", "Whether there is a value at all."),
    function("min", "min(a, b, ...)", "The smallest of the values; absent when one is."),
    function("max", "max(a, b, ...)", "The largest of the values; absent when one is."),
    function("clamp", "clamp(a, lowest, highest)", "The value, held between the two bounds."),
    function("abs", "abs(a)", "The value without its sign."),
    function(
        "round",
        "round(a); round(a, places)",
        "Rounded to so many decimal places (none without a second value), halves away from zero.",
    ),
    function(
        "starts_with",
        "starts_with(TEXT, \"prefix\")",
        "Whether a text begins with another; case matters. False when a side is absent.",
    ),
    function("hour", "hour(TIME)", "The hour from 0 to 23 in the institution's time zone."),
    function(
        "weekday",
        "weekday(TIME)",
        "`mon`, `tue`, `wed`, `thu`, `fri`, `sat` or `sun` in the institution's time zone.",
    ),
    function(
        "day_of_month",
        "day_of_month(TIME)",
        "The day from 1 to 31 in the institution's time zone.",
    ),
    function(
        "mod",
        "mod(a, b)",
        "What is left of `a` when `b` is taken away as often as it fits, with the sign of `a`; absent when \
         `b` is 0.",
    ),
    function(
        "lookup",
        "lookup(list.NAME, TEXT, \"COLUMN\")",
        "What the list says in a column about the value, as of the event's time; absent when it says nothing.",
    ),
    function(
        "name_similarity",
        "name_similarity(a, b)",
        "How alike two names are, 0 to 1, across scripts; absent when one holds no letter.",
    ),
    function(
        "address_similarity",
        "address_similarity(a, b)",
        "How alike two addresses are, 0 to 1, across scripts; absent when one holds neither letter nor digit.",
    ),
    function(
        "convert",
        "convert(AMOUNT, \"USD\"); convert(tx.local_amount, tx.currency, \"USD\")",
        "An amount in another currency, at the rate of the list `fx_rates` as of the event's time; absent without \
         a rate.",
    ),
    function(
        "matches",
        "matches(\"RULE\", LENGTH)",
        "How often another rule matched for the same entity within the length; what its exceptions excused \
         does not count.",
    ),
];

/// The function named `name`.
#[must_use]
pub fn function_named(name: &str) -> Option<&'static FunctionEntry> {
    FUNCTIONS.iter().find(|entry| entry.name == name)
}

/// Words between values, with one sentence each.
pub const CONNECTIVES: &[(&str, &str)] = &[
    ("and", "Holds when both sides do."),
    ("or", "Holds when one side does."),
    ("not", "Holds when what follows does not."),
    ("in", "Holds when the value is among those in brackets, or on a list."),
    (
        "where",
        "Only events for which the condition holds enter the window; decided once, on entry.",
    ),
    ("by", "Per whom or what it is kept: one role or several."),
    ("over", "The window: a length up to the event, or `lifetime`."),
    ("ending", "`over 90d ending 24h ago`: the window ends that long before the event."),
    ("ago", "`over 90d ending 24h ago`: the window ends that long before the event."),
    ("lifetime", "All events that were ever seen."),
    ("previous", "`over previous 90d`: the event that is judged is left out."),
    (
        "calendar",
        "`over calendar day`, `week` or `month`, in the institution's time zone; `over previous calendar month` is the \
         whole month before.",
    ),
];

/// What an event is, in one sentence.
#[must_use]
pub fn event_doc(name: EventName) -> String {
    match name.family() {
        Family::Transaction => {
            "A transaction, once for each side that we answer for; its fields are `tx.*`."
                .to_owned()
        }
        Family::Kyc => format!("The identity event `{}`; its fields are `kyc.*`.", name.word()),
        Family::Security => {
            format!("The security event `{}`; its fields are `security.*`.", name.word())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rulebook::syntax::{Function, aggregate_function};

    #[test]
    fn every_function_of_the_parser_is_described_and_no_other() {
        for function in Function::ALL {
            let entry = function_named(function.word());
            assert!(entry.is_some_and(|it| !it.is_fold), "no entry for `{}`", function.word());
        }
        for entry in FUNCTIONS {
            let is_known = if entry.is_fold {
                aggregate_function(entry.name).is_some()
            } else {
                Function::parse(entry.name).is_some()
            };
            assert!(is_known, "`{}` is described and unknown", entry.name);
            assert!(entry.form.starts_with(entry.name), "{}", entry.form);
            assert!(entry.doc.ends_with('.'), "{}", entry.doc);
        }
        let names: BTreeSet<&str> = FUNCTIONS.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), FUNCTIONS.len());
    }
}

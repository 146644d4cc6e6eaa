//! What is written elsewhere, and what to write here: signs, words between values, functions, keys and
//! numbers of other languages, of spreadsheets and of prose.
//!
//! Tables and the look-up in them. The lexer, the parser and the checker ask here when they meet something
//! that the language does not have, so that their own rules need no special cases.

pub mod numbers;

use super::diagnostic::closest;
use super::lexer::Symbol;

/// Signs: what is written, what is read instead, and what to write.
pub const SIGNS: &[(&str, Option<Symbol>, &str)] = &[
    ("===", Some(Symbol::Equal), "to compare, write `==`"),
    ("!==", Some(Symbol::NotEqual), "for not equal, write `!=`"),
    ("<>", Some(Symbol::NotEqual), "for not equal, write `!=`"),
    ("=<", Some(Symbol::LessEqual), "for at most, write `<=`"),
    ("=>", Some(Symbol::GreaterEqual), "for at least, write `>=`"),
    (">>", Some(Symbol::Greater), "for more than, write `>`"),
    ("<<", Some(Symbol::Less), "for less than, write `<`"),
    ("=~", None, LOOK_INSIDE),
    ("\u{2264}", Some(Symbol::LessEqual), "for at most, write `<=`"),
    ("\u{2265}", Some(Symbol::GreaterEqual), "for at least, write `>=`"),
    ("\u{2260}", Some(Symbol::NotEqual), "for not equal, write `!=`"),
    ("=", Some(Symbol::Equal), "to compare, write `==`"),
    ("&", Some(Symbol::And), "to join conditions, write `and`"),
    ("|", Some(Symbol::Or), "for either condition, write `or`"),
    ("//", None, "a remark begins with ` #`"),
    (";", Some(Symbol::And), "to join conditions, write `and`"),
    ("?", None, "to choose between two values, write `if(condition, a, b)`"),
    ("%", None, "for what a division leaves, write `mod(tx.amount, 1000)`"),
    ("^", None, "there are no powers: write `n * n`"),
    ("**", None, "there are no powers: write `n * n`"),
    ("~", None, LOOK_INSIDE),
    ("\u{2013}", Some(Symbol::Minus), "the sign for minus is `-`"),
    ("\u{2014}", Some(Symbol::Minus), "the sign for minus is `-`"),
    ("\u{2212}", Some(Symbol::Minus), "the sign for minus is `-`"),
    ("\u{d7}", Some(Symbol::Times), "the sign for times is `*`"),
    ("$", None, "amounts are plain numbers in the base currency"),
    ("\u{20ac}", None, "amounts are plain numbers in the base currency"),
    ("\u{a3}", None, "amounts are plain numbers in the base currency"),
    ("\u{201c}", None, "text stands between straight quotes: \"text\""),
    ("\u{201d}", None, "text stands between straight quotes: \"text\""),
    ("\u{201e}", None, "text stands between straight quotes: \"text\""),
    ("\u{2018}", None, "text stands between straight quotes: \"text\""),
    ("\u{2019}", None, "text stands between straight quotes: \"text\""),
    ("{", None, "braces belong into messages; a list of words stands in `[` and `]`"),
    ("}", None, "braces belong into messages; a list of words stands in `[` and `]`"),
];

/// A `%` right behind a number.
pub const PERCENT: &str = "write a share as a number: 0.85 for 85 percent";

/// What to write for a look into a text.
const LOOK_INSIDE: &str = "conditions do not look inside of a text: write `starts_with(a, \"x\")`, or name the texts in a list";

/// What to write for a choice between two values.
const CHOICE: &str = "to choose between two values, write `if(condition, a, b)`";

/// What a word between two values stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// An operator, as it is written here.
    Sign(&'static str),
    /// `a between b and c`
    Range,
    /// A call with what stands before it, and nothing behind it.
    Call(&'static str),
    /// A call with what stands before and behind it.
    CallOfBoth(&'static str),
    /// Something else; the help says what.
    Other(&'static str),
}

/// Words between values, longest first where one begins with another.
const BETWEEN: &[(&[&str], Between)] = &[
    (&["is", "not", "null"], Between::Call("has")),
    (&["is", "not", "none"], Between::Call("has")),
    (&["is", "not", "empty"], Between::Call("has")),
    (&["is", "not", "missing"], Between::Call("has")),
    (&["is", "not", "in"], Between::Sign("not in")),
    (&["is", "not"], Between::Sign("!=")),
    (&["is", "null"], Between::Call("not has")),
    (&["is", "none"], Between::Call("not has")),
    (&["is", "empty"], Between::Call("not has")),
    (&["is", "missing"], Between::Call("not has")),
    (&["is", "set"], Between::Call("has")),
    (&["is", "present"], Between::Call("has")),
    (&["is", "in"], Between::Sign("in")),
    (&["is", "one", "of"], Between::Sign("in")),
    (&["is", "between"], Between::Range),
    (&["is", "greater", "than"], Between::Sign(">")),
    (&["is", "more", "than"], Between::Sign(">")),
    (&["is", "above"], Between::Sign(">")),
    (&["is", "less", "than"], Between::Sign("<")),
    (&["is", "below"], Between::Sign("<")),
    (&["is", "at", "least"], Between::Sign(">=")),
    (&["is", "at", "most"], Between::Sign("<=")),
    (&["is", "equal", "to"], Between::Sign("==")),
    (&["is"], Between::Sign("==")),
    (&["isnt"], Between::Sign("!=")),
    (&["greater", "than"], Between::Sign(">")),
    (&["more", "than"], Between::Sign(">")),
    (&["less", "than"], Between::Sign("<")),
    (&["fewer", "than"], Between::Sign("<")),
    (&["at", "least"], Between::Sign(">=")),
    (&["at", "most"], Between::Sign("<=")),
    (&["above"], Between::Sign(">")),
    (&["exceeds"], Between::Sign(">")),
    (&["below"], Between::Sign("<")),
    (&["gt"], Between::Sign(">")),
    (&["gte"], Between::Sign(">=")),
    (&["ge"], Between::Sign(">=")),
    (&["lt"], Between::Sign("<")),
    (&["lte"], Between::Sign("<=")),
    (&["le"], Between::Sign("<=")),
    (&["eq"], Between::Sign("==")),
    (&["ne"], Between::Sign("!=")),
    (&["neq"], Between::Sign("!=")),
    (&["equals"], Between::Sign("==")),
    (&["equal", "to"], Between::Sign("==")),
    (&["equal"], Between::Sign("==")),
    (&["one", "of"], Between::Sign("in")),
    (&["not", "between"], Between::Other("write `x < a or x > b`")),
    (&["not", "like"], Between::Other(LOOK_INSIDE)),
    (&["not", "contains"], Between::Other(LOOK_INSIDE)),
    (&["not"], Between::Sign("!=")),
    (&["between"], Between::Range),
    (&["contains"], Between::Other(LOOK_INSIDE)),
    (&["includes"], Between::Other(LOOK_INSIDE)),
    (&["like"], Between::Other(LOOK_INSIDE)),
    (&["ilike"], Between::Other(LOOK_INSIDE)),
    (&["matches"], Between::Other(LOOK_INSIDE)),
    (&["regexp"], Between::Other(LOOK_INSIDE)),
    (&["ends", "with"], Between::Other(LOOK_INSIDE)),
    (&["endswith"], Between::Other(LOOK_INSIDE)),
    (&["starts", "with"], Between::CallOfBoth("starts_with")),
    (&["startswith"], Between::CallOfBoth("starts_with")),
    (&["starts_with"], Between::CallOfBoth("starts_with")),
    (&["begins", "with"], Between::CallOfBoth("starts_with")),
    (&["mod"], Between::CallOfBoth("mod")),
    (&["modulo"], Between::CallOfBoth("mod")),
    (&["exists"], Between::Call("has")),
    (&["plus"], Between::Sign("+")),
    (&["minus"], Between::Sign("-")),
    (&["xor"], Between::Other("write `a != b`")),
    (&["then"], Between::Other(CHOICE)),
    (&["else"], Between::Other(CHOICE)),
    (
        &["if"],
        Between::Other("for one more condition, write `and`; to choose, `if(condition, a, b)`"),
    ),
    (&["unless"], Between::Other("write `and not (...)`, or an exception under the key `unless`")),
    (&["except"], Between::Other("write `and not (...)`, or an exception under the key `unless`")),
    (&["but"], Between::Other("to join conditions, write `and`")),
    (&["also"], Between::Other("to join conditions, write `and`")),
    (&["percent"], Between::Other(PERCENT)),
    (&["as"], Between::Other("give the value a name under `let`")),
];

/// What the words at the beginning of `words` stand for between two values, and how many they are.
#[must_use]
pub fn between(words: &[&str]) -> Option<(Between, usize)> {
    BETWEEN
        .iter()
        .find(|(form, _)| begins_with(words, form))
        .map(|(form, meant)| (*meant, form.len()))
}

/// Words that stand behind a fold elsewhere, where `by` and `over` stand here.
const BEHIND_A_FOLD: &[&[&str]] = &[
    &["group", "by"],
    &["grouped", "by"],
    &["partition", "by"],
    &["for", "each"],
    &["for", "every"],
    &["per"],
    &["for"],
    &["within", "the", "last"],
    &["within"],
    &["during"],
    &["in", "the", "last"],
    &["in"],
];

/// How many of `words`, which stand behind a fold, stand for `by` or `over`.
#[must_use]
pub fn behind_a_fold(words: &[&str]) -> Option<usize> {
    BEHIND_A_FOLD.iter().find(|form| begins_with(words, form)).map(|form| form.len())
}

fn begins_with(words: &[&str], form: &[&str]) -> bool {
    form.len() <= words.len()
        && form.iter().zip(words).all(|(form, word)| word.eq_ignore_ascii_case(form))
}

/// Words of prose before a length of time.
pub const BEFORE_A_LENGTH: &[&str] =
    &["the", "this", "current", "past", "last", "previous", "every", "each", "a", "rolling"];

/// Periods of the calendar, as they stand behind `over`.
const PERIODS: &[(&str, &str)] = &[
    ("day", "day"),
    ("today", "day"),
    ("daily", "day"),
    ("week", "week"),
    ("weekly", "week"),
    ("month", "month"),
    ("monthly", "month"),
];

/// The period of the calendar that `word` means.
#[must_use]
pub fn period(word: &str) -> Option<&'static str> {
    PERIODS.iter().find(|(written, _)| word == *written).map(|(_, period)| *period)
}

/// Whether `word` is that of a length of time.
#[must_use]
pub fn is_unit(word: &str) -> bool {
    numbers::span_of("1", word).is_some()
}

/// Functions: what is called, and what to do instead.
const FUNCTIONS: &[(&[&str], &str)] = &[
    (
        &["now", "today", "current_date", "current_timestamp", "getdate", "sysdate"],
        "write `now`, without brackets",
    ),
    (&["average", "mean"], "write `avg(tx.amount) by customer over 7d`"),
    (&["total"], "write `sum(tx.amount) by customer over 7d`"),
    (
        &[
            "unique",
            "uniq",
            "count_distinct",
            "countdistinct",
            "distinct_count",
            "nunique",
            "dcount",
        ],
        "write `distinct(tx.device) by customer over 7d`",
    ),
    (
        &["size", "number", "cnt", "count_if", "countif", "countifs"],
        "write `count(transaction where ...) by customer over 7d`",
    ),
    (&["sum_if", "sumif", "sumifs"], "write `sum(tx.amount where ...) by customer over 7d`"),
    (&["minimum"], "write `min_of(tx.amount) by customer over 7d`, or `min(a, b)`"),
    (&["maximum"], "write `max_of(tx.amount) by customer over 7d`, or `max(a, b)`"),
    (
        &["std", "stdev", "stdev_s", "stdev_p", "sd", "sigma"],
        "write `stddev(tx.amount) by customer over 90d`",
    ),
    (
        &["quantile", "percentile_cont", "perc", "pctl"],
        "write `percentile(tx.amount, 95) by customer over 90d`",
    ),
    (
        &["latest", "most_recent", "prev", "previous", "lag"],
        "write `last(tx.amount) by customer over 90d`",
    ),
    (&["earliest"], "write `first(tx.amount) by customer over 90d`"),
    (
        &["exists", "is_set", "isset", "notnull", "is_not_null", "isnotnull", "defined", "present"],
        "to ask whether a value is there, write `has(tx.device)`",
    ),
    (
        &[
            "isnull",
            "is_null",
            "isempty",
            "is_empty",
            "isna",
            "isblank",
            "missing",
            "is_missing",
            "empty",
        ],
        "to ask whether a value is missing, write `not has(tx.device)`",
    ),
    (
        &["coalesce", "ifnull", "nvl", "isnull_or", "default"],
        "for a value in place of a missing one, write `a ?? b`",
    ),
    (&["iif", "iff", "case", "when", "choose", "switch"], CHOICE),
    (
        &["ceil", "ceiling", "floor", "trunc", "truncate", "int"],
        "write `round(a)`, or `a - mod(a, 1)`",
    ),
    (&["modulo", "remainder"], "write `mod(tx.amount, 1000)`"),
    (
        &["pow", "power", "sqrt", "log", "ln", "exp"],
        "there are no powers, roots and logarithms: write `n * n`",
    ),
    (
        &["month", "year", "quarter"],
        "of the calendar there are `hour(now)`, `weekday(now)` and `day_of_month(now)`; to count since the first, \
      `over calendar month`",
    ),
    (&["day", "dayofmonth"], "write `day_of_month(now)`"),
    (
        &["dayofweek", "day_of_week", "week_day", "dow"],
        "write `weekday(now) in [\"sat\", \"sun\"]`",
    ),
    (&["minute", "second", "time"], "of the time of day there is `hour(now)`"),
    (&["date", "to_date", "datetime", "timestamp", "parse_date"], DATE),
    (
        &["datediff", "date_diff", "days_between", "timediff", "days", "age", "days_since", "ago"],
        "subtract two times: `now - customer.since > 30d`",
    ),
    (
        &[
            "contains",
            "includes",
            "like",
            "regex",
            "regexp",
            "matches_regex",
            "match",
            "endswith",
            "ends_with",
            "substring",
            "substr",
            "left",
            "right",
            "find",
            "instr",
            "len",
            "length",
            "split",
        ],
        LOOK_INSIDE,
    ),
    (
        &["startswith", "beginswith", "begins_with", "prefix"],
        "write `starts_with(tx.account, \"DE\")`",
    ),
    (
        &["lower", "upper", "lcase", "ucase", "trim", "strip"],
        "texts are compared as they are written: name each spelling, `tx.purpose in [\"a\", \"A\"]`",
    ),
    (
        &["in_list", "inlist", "isin", "is_in", "any_of", "one_of", "member"],
        "write `tx.country in list.name`",
    ),
    (&["not_in", "notin", "none_of"], "write `tx.country not in list.name`"),
    (&["between"], "write `a >= b and a <= c`"),
    (&["vlookup", "xlookup"], "write `lookup(list.countries, tx.country, \"tier\")`"),
    (
        &["levenshtein", "jaro_winkler", "similarity", "fuzzy", "soundex"],
        "write `name_similarity(tx.counterparty, \"Wang Wei\")`",
    ),
    (&["fx", "exchange", "to_eur", "to_usd", "currency"], "write `convert(tx.amount, \"USD\")`"),
    (
        &["to_number", "number_of", "cast", "float", "str", "to_text", "text", "bool"],
        "every field has its type already: leave the call away",
    ),
];

/// What to write in place of a call of `name`, a function of another language.
#[must_use]
pub fn function(name: &str) -> Option<&'static str> {
    let small = name.to_ascii_lowercase();
    FUNCTIONS.iter().find(|(names, _)| names.contains(&small.as_str())).map(|(_, help)| *help)
}

/// What to write in place of a call of `name`; `known` are the functions that there are.
#[must_use]
pub fn function_help(name: &str, known: &[&str]) -> String {
    if let Some(help) = function(name) {
        return help.to_owned();
    }
    match closest(&name.to_ascii_lowercase(), known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("functions are {}", known.join(", ")),
    }
}

/// Keys: what is written, and the keys that may be meant.
const KEYS: &[(&[&str], &[&str])] = &[
    (&["id", "rule_id", "ruleid", "rule_name", "regel"], &["rule"]),
    (&["name"], &["rule", "title"]),
    (&["headline", "titel"], &["title"]),
    (&["description", "desc", "summary", "doc", "docs", "beschreibung"], &["about"]),
    (&["priority", "level", "grade"], &["severity", "level"]),
    (&["enabled", "active", "state"], &["status"]),
    (&["on", "event", "events", "source", "input"], &["trigger", "events"]),
    (&["subject", "group_by", "per", "by", "about_whom"], &["entity"]),
    (&["filter", "scope", "filters"], &["where"]),
    (&["parameters", "thresholds", "threshold", "constants", "config", "settings"], &["params"]),
    (
        &[
            "variables",
            "vars",
            "define",
            "definitions",
            "values",
            "aggregates",
            "features",
            "lets",
            "with",
        ],
        &["let"],
    ),
    (&["if", "condition", "conditions", "rule_when", "wenn", "match", "logic"], &["when"]),
    (&["except", "exceptions", "exclude", "unless_when", "whitelist", "exclusions"], &["unless"]),
    (&["then", "action", "actions", "alerts", "output", "raise"], &["alert"]),
    (&["examples", "test", "cases", "test_cases"], &["tests"]),
    (&["steps", "pattern"], &["sequence"]),
    (&["valid", "validity", "active_from"], &["effective"]),
    (&["changelog", "history"], &["changes"]),
    (&["points", "weight", "risk_score", "rating", "value"], &["score", "value"]),
    (&["text", "msg", "narrative", "explanation"], &["message", "reason"]),
    (
        &[
            "suppress",
            "silence",
            "snooze",
            "throttle",
            "suppression",
            "dedupe",
            "dedup_for",
            "cool_down",
        ],
        &["cooldown"],
    ),
    (&["deduplicate"], &["dedup"]),
    (&["deadline", "within", "due_in"], &["due"]),
    (&["why", "because"], &["reason"]),
    (&["setup", "before", "background"], &["given"]),
    (&["expect", "expected", "expects", "then"], &["alerts"]),
    (&["time", "when"], &["at"]),
    (&["count", "repeat"], &["times"]),
    (&["interval"], &["every"]),
    (&["customers"], &["customer"]),
    (&["accounts"], &["account"]),
    (&["lists"], &["list"]),
];

/// The key of `keys` that `written` most likely means: one known from elsewhere, or one spelled alike.
#[must_use]
pub fn key_meant<'k>(written: &str, keys: &[&'k str]) -> Option<&'k str> {
    let small = written.to_lowercase();
    let meant = KEYS.iter().filter(|(names, _)| names.contains(&small.as_str()));
    let mut meant = meant.flat_map(|(_, meant)| meant.iter());
    let known = meant.find_map(|meant| keys.iter().copied().find(|key| key == meant));
    known.or_else(|| closest(&small, keys.iter().copied()))
}

/// The event that `written` most likely means: `login` for `security.login`.
#[must_use]
pub fn event_meant<'e>(written: &str, events: &[&'e str]) -> Option<&'e str> {
    let small = written.to_lowercase();
    let meant = match small.as_str() {
        "tx" | "payment" | "payments" | "transactions" | "transfer" | "txn" => "transaction",
        other => other,
    };
    let ending = format!(".{meant}");
    let found = events.iter().copied().find(|event| *event == meant || event.ends_with(&ending));
    found.or_else(|| closest(&small, events.iter().copied()))
}

/// The format of a message that `written`, a format of another language, means.
#[must_use]
pub fn format_meant(written: &str) -> Option<&'static str> {
    if written.ends_with('%') || written.starts_with("pct") {
        return Some("percent");
    }
    let is_money = written.ends_with('f') || written.starts_with(['0', '#', ',']);
    match written {
        "eur" | "EUR" | "usd" | "USD" | "currency" | "amount" | "number" => Some("money"),
        _ if is_money => Some("money"),
        _ if written.starts_with(['Y', 'y']) => Some("date"),
        _ => None,
    }
}

/// What to do about a date in a condition.
pub const DATE: &str = "compare how long ago it was: `now - customer.since < 365d`; from which day on the rule judges stands \
     under `effective`";

/// Whether `text` begins with a day of the calendar, `2026-01-31`, and how long the date is.
#[must_use]
pub fn date_length(text: &str) -> Option<usize> {
    let form = "0000-00-00";
    let day = text.get(..form.len())?;
    let fits = form.bytes().zip(day.bytes()).all(|(form, is)| match form {
        b'-' => is == b'-',
        _ => is.is_ascii_digit(),
    });
    let rest = text.get(form.len()..)?;
    let is_part = |next: char| next.is_ascii_alphanumeric() || ":.+".contains(next);
    let time = rest.find(|next| !is_part(next)).unwrap_or(rest.len());
    let is_time = rest.starts_with('T');
    (fits && (is_time || time == 0)).then(|| form.len() + if is_time { time } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_form_is_found_first() {
        assert_eq!(between(&["is", "not", "null"]), Some((Between::Call("has"), 3)));
        assert_eq!(between(&["is", "not", "x"]), Some((Between::Sign("!="), 2)));
        assert_eq!(between(&["IS"]), Some((Between::Sign("=="), 1)));
        assert_eq!(between(&["x"]), None);
        for (place, (form, _)) in BETWEEN.iter().enumerate() {
            let is_hidden = BETWEEN.iter().take(place).any(|(other, _)| form.starts_with(other));
            assert!(!is_hidden, "{form:?} is never found");
        }
    }

    #[test]
    fn a_key_from_elsewhere_is_one_of_those_that_fit() {
        assert_eq!(key_meant("on", &["when", "trigger"]), Some("trigger"));
        assert_eq!(key_meant("event", &["events", "alerts"]), Some("events"));
        assert_eq!(key_meant("severty", &["severity"]), Some("severity"));
        assert_eq!(key_meant("Severity", &["severity"]), Some("severity"));
        assert_eq!(key_meant("colour", &["severity"]), None);
    }

    #[test]
    fn dates_are_told_from_sums() {
        assert_eq!(date_length("2026-01-01 and"), Some(10));
        assert_eq!(date_length("2026-01-01T00:00:00Z and"), Some(20));
        assert_eq!(date_length("2026-01-011"), None);
        assert_eq!(date_length("2026 - 01"), None);
    }
}

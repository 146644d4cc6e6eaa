//! Every code that a diagnostic can carry, with what it means: one row per code, never used again.
//!
//! `weir help CODE` prints a row. Codes of errors begin with E, of warnings with W; E0xx speak of
//! the file and of meaning, E10x and E11x of the way an expression is written, E12x of what a rule says
//! about itself, E2xx of a rule's tests.

pub mod examples;

use super::diagnostic::Level;

/// One code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// `E021`
    pub code: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// What it means and how it is mended.
    pub explanation: &'static str,
}

macro_rules! codes {
    ($($code:literal, $title:literal, $explanation:literal;)+) => {
        /// All codes, sorted.
        pub const CODES: &[Code] =
            &[$(Code { code: $code, title: $title, explanation: $explanation },)+];
    };
}

codes! {
    "E001", "not readable as YAML",
    "The file breaks the form of YAML, so nothing behind this place was checked. Most often a quote or \
     bracket is not closed, the indentation is off, or text holds `: ` or starts with a sign that means \
     something to YAML. Put such text in quotes, and conditions below their key after `|`.";
    "E002", "not UTF-8",
    "Rule and list files are UTF-8 text. Save the file with that encoding.";
    "E003", "a key twice",
    "One mapping holds the same key twice. Other readers silently keep one of them; here it is an error.";
    "E004", "a YAML tag",
    "A word that starts with `!` is a tag to YAML, and rule files have none. To negate a condition write \
     `not`; put text that starts with `!` in quotes.";
    "E005", "a YAML anchor or alias",
    "`&name` and `*name` are not used in rule files: what a rule does should be readable where it stands. \
     Repeat the value or make it a parameter; put text that starts with `&` or `*` in quotes.";
    "E006", "a YAML merge key",
    "`<<` merges mappings in some readers and not in others. Write the entries out.";
    "E007", "more than one document",
    "A rule file holds one rule. `---` in the middle and `%` directives are refused.";
    "E008", "too large",
    "A rule file has at most 262,144 bytes and a list at most 100,000 rows.";
    "E009", "nested too deep",
    "Lists and mappings may stand in one another at most 32 levels deep.";
    "E010", "unknown key",
    "Nobody reads this key, so it would have no effect. Usually it is a typing mistake.";
    "E011", "a key is missing",
    "The section cannot do without this key.";
    "E012", "the wrong shape",
    "A single value, a list or a mapping stands where something else is expected.";
    "E013", "not one of the allowed words",
    "The key takes one word of a fixed set.";
    "E014", "a table is not complete",
    "A table of parameters needs a row for every word of its fields, or a `default`. So a new risk band or \
     segment cannot fall through a rule silently.";
    "E015", "the rule's name",
    "A rule is named like its file, in small letters and digits joined by `-`.";
    "E016", "another language version",
    "`lang` says which meaning the file relies on. A program refuses versions that it does not know.";
    "E017", "a name that cannot be used",
    "Names of parameters and `let` are letters, digits and `_`, are not words of the language, and are used \
     once; exceptions have different names because they are counted by name.";
    "E018", "two rules of one name",
    "Alerts and counters go by the rule's name, so it must be unique over all packs.";
    "E019", "rows that do not fit",
    "Each row of a table has one word per field of `by`, and all values are of one type.";
    "E020", "a tab in the indentation",
    "Editors show tabs in different widths, and YAML forbids them. Indent with spaces; spaces of another kind, \
     which come along when text is copied, are none to YAML.";
    "E021", "unknown name",
    "No field, parameter or `let` has this name. A `let` can use only those above it. Text needs quotes.";
    "E022", "a word the field never has",
    "The field has a fixed set of words, and this is not one of them, so the comparison could never hold.";
    "E023", "types that cannot be compared",
    "Both sides of a comparison must be of one type. A duration needs a unit; a time becomes a duration \
     when it is subtracted from `now`.";
    "E024", "the wrong type here",
    "A condition must be true or false, a score a number, a list must stand behind `in`, and so on.";
    "E025", "an operator that does not fit",
    "Numbers can be calculated freely; times can be subtracted; durations can be added, scaled by a number \
     and divided by one another. Text and true or false have no order.";
    "E026", "unknown event",
    "Events are `transaction`, the `kyc.` events and the `security.` events.";
    "E027", "a role that is not there",
    "Things are counted by roles, such as customer, account or device; `weir schema fields` lists them all. The waking \
     event and the counted events must both have the role.";
    "E028", "a window that depends on the customer",
    "The length of a window must be the same for everybody, because the window exists before anybody is \
     looked at. Put what differs into the condition.";
    "E029", "a field of another event",
    "Outside aggregates a rule reads the event that wakes it and facts about its customer and account. \
     Other events are read in aggregates.";
    "E030", "an aggregate of an aggregate",
    "What enters a window is decided once, when the event comes; it cannot depend on another window.";
    "E031", "unknown list",
    "`list.name` stands for the file `lists/name.csv`.";
    "E032", "the wrong number of values",
    "The function takes another number of values.";
    "E033", "unknown function",
    "The language has a fixed set of functions.";
    "E034", "a format that does not fit",
    "Formats in messages are money and percent for numbers, date for times, hours and days for durations.";
    "E035", "too many named values",
    "A rule has at most 64 entries under `let`.";
    "E036", "an event or a value is expected",
    "`count` counts events: `count(transaction where ...)`. All other folds take a value: `sum(tx.amount)`.";
    "E037", "the score is not known here",
    "`score` is computed after the condition held. It can be used in `rekyc.when` and in messages.";
    "E038", "a window without a length of time",
    "A window is as long as a duration (`over 7d`), a parameter with one, or `lifetime`.";
    "E041", "the header of a list",
    "The first line of a list file names its columns: `value`, then perhaps `valid_from`, `valid_to`, columns \
     that rules read, and columns for people: `source` and `comment`.";
    "E042", "a date in a list",
    "Dates are written 2026-01-31 (midnight UTC) or 2026-01-31T08:00:00Z; a row ends after it begins.";
    "E043", "a row without a value",
    "Every row of a list has something in the column `value`.";
    "E044", "an unreadable parameter",
    "What starts with a digit must be a number (8000.50, 8_000) or a duration (24h). Put text in quotes.";
    "E045", "not a length of time",
    "A whole number with one of s, m, h, d, w right behind it: 90m, 24h, 7d.";
    "E046", "a list's file name",
    "Rules name a list by its file, so the name must be letters, digits and `_`.";
    "E047", "an approval that cannot be read",
    "A list that loses more than half of its rows is not taken up while Weir runs, unless a remark in its \
     file approves it: `# shrink-approved: NAME from BEFORE to NOW rows, DATE, WHO`. This one is written \
     otherwise, so it would approve nothing.";
    "E050", "the name of a deployment's field",
    "Fields that a deployment adds in `schema.yaml` are named `tx.extra.NAME`, `kyc.extra.NAME` or \
     `security.extra.NAME`, so that no built-in field can ever collide with them. Built-in fields cannot be \
     defined again.";
    "E051", "the words of a field",
    "`values` lists every word that the field can have: text, each word once, at least one. Messages with \
     another word count as unreadable and the field as absent.";
    "E052", "the field that carries a role",
    "A role names, for each kind of event that has it, the text field that holds its key: `tx: \
     tx.extra.wallet`. A role of all events names one fact instead: `fact: customer.segment`.";
    "E053", "the name of a role",
    "A role's name is a new word of small letters, digits and `_` that means nothing else in rules.";
    "E054", "not a time zone",
    "`zone` is the name of a time zone of the IANA database. Calendar days, hours and weekdays of rules \
     are counted in it.";
    "E055", "not a currency",
    "`base_currency` is an ISO 4217 code: the currency that `tx.amount` is in.";
    "E056", "too many fields",
    "A catalogue has at most 256 fields, built-in ones included.";
    "E057", "a personal field as a role",
    "What a role is keyed by is shown as the entity of alerts. A field that names a person is never shown, \
     so it cannot carry a role. Let the producer send an id or a keyed hash.";
    "E058", "a personal field in a message",
    "Messages of alerts leave the program, and fields that name a person never do. Say that something \
     matched or differed; the person who works on the alert looks up the name.";
    "E060", "a column of a list",
    "Beside `value`, `valid_from` and `valid_to` a list may have columns that rules read by `lookup`: a name, or a \
     name and a type as in `limit:number`. Types are text, number, bool, time and duration; a name is there once.";
    "E061", "a cell that does not fit its column",
    "Every cell of a column is of the type that the first line gives it, or empty, and every cell has a column. A comma \
     in a number or a text makes two cells of one: write 1.17 and 10000, and put text with a comma in quotes.";
    "E062", "rows that contradict one another",
    "Two rows of one value are valid at the same time and say different things, so nobody could tell which one \
     `lookup` should give. Let one end before the other begins.";
    "E063", "a column that the list does not have",
    "`lookup(list.name, value, \"column\")` reads a column that the first line of `lists/name.csv` names. `source` \
     and `comment` are for people and cannot be read.";
    "E064", "not a currency",
    "Currencies are ISO 4217 codes in capitals: EUR, USD, JPY.";
    "E065", "no rates",
    "`convert` goes by the list `lists/fx_rates.csv`: its values are currencies, and its column `rate:number` says \
     how many units of the base currency one unit is worth.";
    "E066", "amounts of different money",
    "`tx.amount` is in the base currency, `tx.local_amount` in the one that was booked, and what `convert` gives in \
     the one it names. Amounts are compared and added only in one currency; plain numbers fit all of them.";
    "E067", "an amount times an amount",
    "The product of two amounts of money has no meaning. A ratio of two amounts is a plain number.";
    "E070", "a window that is too long",
    "A window that has an end reaches back at most 3650 days, `ending ... ago` included, and so do a sequence and \
     `matches`. The schema of a deployment may say less (`window_max` under `institution`). `over lifetime` has no end.";
    "E071", "`last` without a number of events",
    "`over last 10` holds the ten latest events: a whole number, at most 1000.";
    "E072", "an unknown period of the calendar",
    "`over calendar day`, `week` and `month` begin at midnight, on Monday and on the first, in the institution's \
     time zone.";
    "E073", "a percentile without its share",
    "`percentile(tx.amount, 95)` is the value that 95 % of the amounts do not exceed. The share is a number above 0, \
     at most 100, with at most 4 decimal places, or a parameter with one that is the same for everybody.";
    "E074", "a bucket of another length",
    "Buckets of time are an hour (`per 1h`), a day (`per 1d`) or a week (`per 7d`) long. `at this hour` looks only at \
     hours that are whole days away, `on this weekday` only at days that are whole weeks away.";
    "E075", "buckets that nothing folds",
    "`sum(...) per 1d` or `count(...) per 1d` is one number for each day; avg, stddev, min_of, max_of, median or \
     percentile around it makes one value of them. `where` stands in the inner fold.";
    "E076", "buckets over another window",
    "What is usual is folded from whole buckets that are over: `over previous 90d`, long enough for two of them and \
     short enough for at most 10,000.";
    "E077", "`since` with a window",
    "`since(kyc.refreshed) by customer` is the time since the latest such event, however long ago; it needs no window.";
    "E078", "a window that cannot end earlier",
    "`ending 24h ago` moves the end of a window with a length. `previous` leaves out the current event already, and \
     periods of the calendar and numbers of events always end now.";
    "E079", "how far windows may reach",
    "`window_max` under `institution` of schema.yaml is a length of time, at most 3650 days. No window, sequence or \
     `matches` of any rule may reach back further.";
    "E080", "not a sequence",
    "A sequence has `by` (the key that all steps share), `within` (from first to last step) and `steps`: two to \
     eight of them, each `- its-name: EVENT where CONDITION`, or `- not: EVENT` between two steps. Its last step \
     wakes the rule, so there is no `trigger` beside it.";
    "E081", "a step that cannot be forbidden here",
    "`not` forbids an event between its neighbours. It cannot come first, where it has no neighbour, nor last: \
     that something does not come is known only by a clock. For that use `trigger: { absent: EVENT, after: EVENT, \
     by: customer, for: 30d }`.";
    "E082", "a step has no such field",
    "A step's name stands for its event, `changed.field` for one of its fields. It has the fields of that event's \
     family, its time `at` and its id `id`.";
    "E083", "a step that is not bound yet",
    "A step may read the steps above it, and `let`, `when`, `unless`, the alert and `rekyc` may read all. What is \
     decided before the sequence is complete, such as `where` and what enters a window, can read none.";
    "E084", "a named value that comes too late for a step",
    "A condition of a step is decided when the step's event comes. A `let` that reads a window or steps is worked \
     out only when the last step is there; write out in the step what it needs.";
    "E085", "a timer that cannot run",
    "A rule may be woken by an instant: `trigger: { absent: EVENT, by: ROLE, for: 30d }` when something has not come, \
     with `after: EVENT` since something else, or `trigger: { due: customer.next_review_at, by: customer, after: 30d }` \
     when a date has passed. No event is there at that instant: the rule reads `now`, the facts about the timer's key, \
     and windows of that key.";
    "E086", "not a date of the timer's key",
    "`due` waits for a date that is known of the customer or account: a fact that is a time, such as \
     `customer.next_review_at` or `account.opened_at`.";
    "E087", "matches that cannot be counted",
    "`matches(\"rule-id\", 7d)` counts the matches of another rule of this folder for the same key: the rule's own \
     entity, or the role behind `by`. The other rule must be about that role. What is decided before any rule, such \
     as what enters a window or a step, cannot count matches.";
    "E088", "rules that wait for one another",
    "A rule is evaluated after those whose matches it counts. Here that order would lead back to the rule itself.";
    "E089", "no span of days",
    "`effective` says from which day on a rule judges (`from`, included) and from which on no more (`to`). Both \
     are days of the calendar, written like 2026-01-01, and `to` is after `from`.";
    "E090", "an option of a pattern",
    "Patterns have named options: `cycle(hops: 3..5, within: 72h, keep: 0.8) by account`. Some cannot be left \
     out, because they bound the search; none may be given twice.";
    "E091", "a pattern is not a value",
    "What a search found has no order and no amount of its own. Ask `has(ring)`, read a member such as \
     `ring.amount`, or show it in a message.";
    "E092", "a search inside a filter",
    "What enters a window or a graph is decided once, when the event comes; it cannot depend on a search.";
    "E093", "an option that does not fit",
    "Searches are bounded: paths have 2 to 5 hops, flows take at most 31 days, identifiers are shared over at \
     most 90 days, shares are above 0 and at most 1. A parameter without a table can stand for a value.";
    "E094", "unknown member",
    "Each pattern has members of its own: paths have hops, fans have a fan, groups have identifiers.";
    "E095", "a pattern's key or trigger",
    "Flows of money are looked for by account when a transaction wakes the rule, shared identifiers by customer.";
    "E096", "too long when written out",
    "A `let` stands for its expression wherever it is used. With each of them written out, a rule may be as long as \
     a file: 256 KiB.";
    "E097", "what parts the matches of an entity",
    "`dedup` under `alert` names up to four roles of the waking event besides the rule's entity, each once. It says which \
     further matches extend an open alert, so it needs a `cooldown`.";
    "E098", "quotes of a list that do not fit",
    "A cell that begins with a quote ends with one, and commas and line breaks between the two are part of it. Without \
     the second one all rows below would be lost. A quote inside a quoted text is written twice.";
    "E099", "a schema in the wrong place",
    "A deployment's own fields and roles are in one file, `schema.yaml`, at the top of the rules folder.";
    "E101", "not understood here",
    "The expression breaks the grammar at this place.";
    "E102", "a bracket is not closed",
    "The bracket that is pointed at has no partner.";
    "E103", "text is not closed",
    "Text starts and ends with the same quote, on one line.";
    "E104", "a thousands separator",
    "A comma separates values. Group digits with `_`: 10_000.";
    "E105", "an unreadable word",
    "Numbers have at most 28 digits, no exponent and no unit but s, m, h, d, w; names have no empty part; \
     text has no escapes.";
    "E106", "not in this version yet",
    "The language has a place for this form, but this version cannot run it. A rule that uses it is refused \
     rather than half understood.";
    "E107", "quotes with escapes",
    "Expressions and messages with values are read where they stand in the file, which escapes prevent.";
    "E108", "chained comparisons",
    "`a < b < c` reads differently in different languages. Write two comparisons joined by `and`.";
    "E109", "an expression is missing",
    "The key or the braces hold nothing.";
    "E110", "too deep",
    "An expression has at most 32 brackets in one another and 64 levels. Give parts of it names.";
    "E111", "no window",
    "An aggregate must say over which events: `over 24h`, `over previous 90d`, `over calendar month`, `over last 10`, \
     `over lifetime`.";
    "E112", "no key",
    "An aggregate must say per whom or what it is kept: `by customer`, `by account`, ...";
    "E113", "an unpaired brace",
    "A value in a message stands between `{` and `}`.";
    "E114", "a request that cannot come",
    "A test expects a request for re-KYC, and its rule has no section `rekyc`, so it never asks for one.";
    "E115", "no space behind a colon",
    "Between `{` and `}` YAML takes `at:0d` for one long key. A key is followed by a colon and a space.";
    "E116", "a comma that ends the value",
    "Between `{` and `}` a comma begins the next key, also in the middle of a call. Put the value in quotes, or \
     write the keys on lines of their own.";
    "E120", "not a version",
    "A version is three numbers joined by dots. The first rises when the rule raises other alerts, the second \
     when something is added, the third for wording.";
    "E121", "not a date",
    "A day of the calendar, written like 2026-01-31.";
    "E122", "not a mark of confidence",
    "REG says that the number, or the duty, stands in the cited law. IND says that an official indicator \
     describes the behavior and the number is yours. DES says that it is a decision of yours, or comes from a \
     source that is not official.";
    "E123", "a version that no change made",
    "`changes` is the rule's history, so its first entry is the version that the file is.";
    "E124", "changes out of order",
    "The newest change comes first; below it versions fall and dates do not rise. A version is used once.";
    "E125", "bounds that contradict",
    "A parameter's `max` is below its `min`, so that no value could keep within them.";
    "E126", "a value outside of its bounds",
    "A parameter that names bounds keeps to them in every row. Whoever tunes the rule may move the value within \
     them; moving a bound is a change of the rule.";
    "E127", "a bound that does not fit",
    "A bound is of the kind of the parameter's values. Only numbers and lengths of time have bounds.";
    "E128", "a parameter without one value",
    "A parameter with keys of its own is a constant with `value`, or a table with `by` and `values`.";
    "E129", "not a number of alerts",
    "`expected_alerts` says how many alerts 10,000 customers are expected to give in 30 days: a number of 0 or \
     more, which may have a fraction.";
    "E200", "the wrong shape in a test",
    "A single value, a list or a mapping stands where the tests of a rule need something else.";
    "E201", "unknown key in a test",
    "Tests know `name`, `start`, `given`, `defaults`, `events`, `until`, `alerts` and `rekyc`.";
    "E202", "something is missing in a test",
    "A test has a name, at least one event (or `until`), and says which alerts must come: `alerts: []` if none.";
    "E203", "an event that is not there",
    "Each entry of a story holds one event: `tx`, or the name of an identity or security event.";
    "E204", "unknown field in a test",
    "Events and facts have the fields of the catalogue; expected alerts name `let`s of the rule.";
    "E205", "a value that does not fit",
    "The value is of another type than its field or `let`, or not one of the words it can have.";
    "E206", "an unreadable time",
    "Times are offsets from the story's start (`36h`, `-20d`); `start` is a date or a time in RFC 3339.";
    "E207", "a repetition that is not complete",
    "`every` and `times` belong together: `every: 2h, times: 3` are three events.";
    "E208", "a story that is too long",
    "A story has at most 10,000 events, repetitions counted.";
    "E209", "a list that is not there",
    "A test can replace only lists that exist as files in `lists/`.";
    "E210", "an event that cannot be",
    "The event or fact lacks something that every real one has, or contradicts itself.";
    "E211", "two tests of one name",
    "Reports go by the test's name, so it must be unique in its rule.";
    "W201", "an absent value decides",
    "A comparison with an absent value is false, so `x != \"a\"` is false and `not (x == \"a\")` is true when \
     there is no x. Say which is meant with `has(x)` or `x ?? \"none\"`.";
    "W202", "a `let` that nothing reads",
    "It has no effect on the rule.";
    "W203", "a parameter that nothing reads",
    "It has no effect on the rule; changing it would tune nothing.";
    "W204", "an amount without its currency",
    "`tx.local_amount` is in the currency that was booked. Test `tx.currency` too, or use `tx.amount`.";
    "W205", "a rule that no test proves",
    "A rule should carry one story that fires and one that stays silent.";
    "W206", "a row that is never reached",
    "Rows of a table are tried from the top, and those above fit wherever this one does; likewise a default \
     when rows fit everything.";
    "W207", "a condition that never holds",
    "No event can make it true, by itself or together with what it is joined with: an amount below zero, two \
     words of one field at once, something that `where` keeps out. What depends on it never happens.";
    "W208", "a condition that decides nothing",
    "It holds for every event, or at least for every value, or whenever the condition beside it does. Most often \
     it compares with the wrong number. A condition that holds for every value is only false when there is none, \
     which `has(...)` says more clearly.";
    "W209", "an exception that excuses everything",
    "It holds whenever the rule matches, alone or together with those above it, so the rule never raises an alert.";
    "W210", "rows that cross",
    "Two rows fit the same case, say different things, and neither is narrower than the other. The one above \
     decides, which a reader has to know. A row for exactly that case, above both, makes it plain.";
    "W211", "a table with a hole for the absent",
    "A field that chooses the row may be absent: an unknown customer has no risk band. Without a `default` or a \
     row of `*` the parameter has no value then, every comparison with it is false, and the rule sees nothing.";
    "W212", "a rule about where somebody comes from",
    "Residence, nationality or birthplace alone make the condition true, whatever the customer does. That treats \
     people by their origin and finds no crime. Origin may count beside what was done.";
    "W213", "a field that its event never has",
    "The event has no such value at that moment, so every comparison with it is false and the rule is blind.";
    "W214", "a key that its events never have",
    "A window is kept per key. Events that never carry the key enter no window, and a rule whose own event never \
     carries it reads none.";
    "W215", "a quotient that blinds the rule",
    "A division by zero or by an absent value has no value, and a comparison with it is false. When nothing else \
     in `when` speaks of the divisor, the rule stays silent about exactly those who have no history yet, however \
     much they move.";
    "W216", "alternatives that forget the absent",
    "Every word of a field has its alternative, so it looks complete; but the field may be absent, and then none \
     of them holds.";
    "W217", "not documented",
    "An active rule says which version it is, what it looks for (`about`), what it misses, who is a false alarm, \
     its typology, what it rests on, who owns, wrote and approved it, how many alerts are expected, and what was \
     changed. Only `weir check --strict` asks for it, and a rule in shadow owes nothing yet. `to be named`, with which a new rule \
     starts, does not count.";
    "W218", "approved by its author",
    "Whoever writes a rule does not let it become active: the approver is somebody else than the author.";
    "W219", "a number without reasons",
    "Each parameter of an active rule says how firmly its value is founded (`confidence`) and why it is this one \
     (`why`); with REG or IND also in which text (`source`). Only `weir check --strict` asks for it.";
    "W220", "no test on a boundary",
    "A threshold is proven by a test that stands exactly on it, and a window by one at its end. The name of such a \
     test begins with `boundary`. Only `weir check --strict` asks for it.";
    "W221", "a review that is due",
    "`review_by` has passed. Rules are looked at again at intervals that fit their risk: do so, note it under \
     `changes`, and set the next day.";
    "W222", "a suspicion that would be told",
    "Whoever is suspected must not learn of it, so a rule of class `suspicion` is not `disclosable`.";
    "W223", "a source without a mark",
    "Each of `references` says how firmly it carries the rule: REG, IND or DES. Only `weir check --strict` asks \
     for it.";
    "W230", "a currency without a rate",
    "The list of rates has no row for this currency, so what is converted by it is always absent.";
    "W234", "an approval of another step",
    "The remark approves that a list shrinks, but speaks of another list or of another number of rows than the \
     file has. It approves nothing any more; delete it, so that nobody takes it for a standing permission.";
    "W250", "matches that do not count",
    "A rule that is off matches nothing. Matches of a rule in shadow count only for rules in shadow, so that an \
     experiment never leads to an alert that is sent.";
    "W260", "a search for every transaction",
    "Nothing cheaper is asked before the search, so it is made for every transaction. Ask for an amount, a type \
     or a direction in `where` or beside it in `when`.";
    "W270", "a cell of several lines",
    "A quoted cell goes on over a line break. Most often a quote is missing or one too many, and the rows between are \
     no rows any more.";
    "W271", "no country or currency",
    "The field holds codes of a standard: countries by ISO 3166-1 alpha-2 (SE, GB), currencies by ISO 4217 (EUR). No \
     message carries anything else, so the comparison is true for nobody.";
    "W272", "a score out of range",
    "A score is points from 0 to 100 and is held to that. A fixed one above, below, or between 0 and 1 is most often \
     a slip, or a share that was meant as points.";
    "W273", "a percentile of a share",
    "The percentile is a number of 100: the 95th leaves 5 percent above it. A number up to 1 asks for what nearly nothing \
     lies below.";
    "W274", "a number that reads like thousands",
    "Points stand before decimals: 15.000 is fifteen. Write 15, or 15_000; a list has 15000.";
    "W276", "minutes that may be months",
    "`m` stands for minutes. A month has no fixed length: write `30d`, or `calendar month` for the running one.";
    "W280", "text that is cut off",
    "Behind text without quotes YAML takes ` #` for the beginning of a remark, so the text ends before it. Put \
     the text in quotes. A remark that is meant as one has a space behind `#`.";
    "W302", "a test that never wakes the rule",
    "No event of the story is the rule's trigger with its entity, so the test passes whatever the rule says.";
}

impl Code {
    /// Whether it keeps the rulebook from being loaded.
    #[must_use]
    pub fn level(&self) -> Level {
        Level::of(self.code)
    }
}

/// What `code` means.
#[must_use]
pub fn explain(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|row| row.code.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(CODES.is_sorted_by(|left, right| left.code < right.code));
    }

    #[test]
    fn a_code_is_found_in_any_case() {
        assert_eq!(explain("e021").map(|row| row.code), Some("E021"));
        assert_eq!(explain("E999"), None);
    }
}

//! Random rules as an analyst would write them: well-typed text of every form of the language.
//!
//! Each kind of value is written by its own function, so that types and units always fit and the real
//! loader must accept the whole.

use std::fmt::Write;

use super::draft::{Draft, Param};
use super::tape::Tape;

/// Deepest expression.
const DEPTH: usize = 3;

/// What an expression stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number that may be money of the base currency.
    Amount,
    /// A number that is no money.
    Plain,
    Text,
    Duration,
    Time,
    Truth,
}

use Kind::{Amount, Duration, Plain, Text, Time, Truth};

const KINDS: &[Kind] = &[Amount, Truth, Plain, Text, Duration, Time];

const CONSTANTS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "100",
    "0.5",
    "10",
    "1000",
    "0.01",
    "2.5",
    "-1",
    "7",
    "1.005",
    "99.99",
    "28600.50",
    "0.0000000001",
    "79228162514264337593543950335",
    "33.333333333333333333333333333",
];

const SPANS: &[&str] = &["1h", "7d", "30m", "90s", "36h", "2w", "0s", "365d"];

const BASE_FIELDS: &[&str] = &["tx.amount", "customer.expected_turnover"];

/// Text fields with open values.
const OPEN_FIELDS: &[&str] = &[
    "tx.country",
    "tx.channel",
    "tx.counterparty",
    "tx.purpose",
    "tx.currency",
    "tx.branch",
    "customer.occupation",
    "account.purpose",
    "customer.country",
    "tx.device",
    "account.currency",
];

/// Text fields with closed values, and some of these.
const CLOSED_FIELDS: &[(&str, &[&str])] = &[
    ("tx.type", &["wire", "transfer", "cash_deposit", "fee"]),
    ("customer.risk", &["high", "low", "prohibited"]),
    ("customer.segment", &["retail", "cash_business"]),
    ("tx.direction", &["in", "out"]),
    ("customer.state", &["verified", "registered", "exited"]),
    ("tx.extra.tier", &["gold", "tin"]),
    ("tx.status", &["booked", "rejected"]),
    ("tx.initiator", &["bank", "customer"]),
];

const OPEN_WORDS: &[&str] = &["SE", "web", "X1", "gift", "EUR", "IR", "smith", "club", "D1"];

const TIME_FIELDS: &[&str] = &[
    "now",
    "customer.since",
    "customer.verified_at",
    "account.opened_at",
    "tx.extra.moment",
    "customer.document_expires_at",
];

const WINDOWS: &[&str] = &[
    "1h",
    "7d",
    "30m ending 10m ago",
    "previous 1d",
    "lifetime",
    "last 3",
    "calendar day",
    "previous last 2",
    "calendar month",
    "previous lifetime",
    "calendar week",
    "reach",
    "previous calendar day",
    "previous calendar week",
    "previous calendar month",
    "90s",
];

const KEYS: &[&str] = &[
    "customer",
    "account",
    "counterparty",
    "device",
    "customer, counterparty",
    "account, customer",
];

/// Events that are counted, roles that they share with a transaction, and conditions on them.
const OTHER_EVENTS: &[(&str, &[&str], &[&str])] = &[
    (
        "kyc.profile_changed",
        &["customer", "device"],
        &["kyc.field == \"phone\"", "has(kyc.device)", "customer.risk != \"low\""],
    ),
    ("kyc", &["customer", "device"], &["customer.known", "has(kyc.field)", "kyc.device == \"D1\""]),
    (
        "security.login",
        &["customer", "device"],
        &["security.outcome == \"failure\"", "not (security.outcome == \"success\")"],
    ),
    ("security", &["customer", "counterparty"], &["has(security.payee)", "hour(now) < 23"]),
];

/// A rule from a tape.
pub fn draft(bytes: &[u8]) -> Draft {
    let mut writer = Writer::new(Tape::new(bytes));
    let params = writer.params();
    let filter = writer.tape.one_in(3).then(|| {
        writer.is_flat = true;
        writer.of(Truth, 2)
    });
    let mut lets = Vec::new();
    for number in 0..=writer.tape.below(6) {
        let kind = writer.tape.pick(KINDS);
        writer.is_flat = writer.tape.one_in(4);
        let text = writer.of(kind, DEPTH);
        writer.names.push(Name { text: format!("v{number}"), kind, has_window: !writer.is_flat });
        lets.push((format!("v{number}"), text));
    }
    writer.is_flat = false;
    let when = writer.of(Truth, DEPTH);
    let unless = (0..writer.tape.below(3)).map(|number| {
        let text = writer.of(Truth, 2);
        (format!("e{number}"), text)
    });
    let unless = unless.collect();
    let score = writer.of(Plain, 2);
    let message = writer.message();
    let entity = writer.tape.pick(&["customer", "account", "counterparty", "device"]);
    let cooldown = writer.tape.pick(&[None, Some("1h"), Some("7d")]);
    Draft { entity, filter, params, lets, when, unless, score, message, cooldown }
}

/// Something that was named.
struct Name {
    text: String,
    kind: Kind,
    /// It may read windows, so it cannot stand in what enters one.
    has_window: bool,
}

pub struct Writer<'a> {
    pub tape: Tape<'a>,
    names: Vec<Name>,
    /// What is written may read no window.
    is_flat: bool,
}

impl<'a> Writer<'a> {
    pub const fn new(tape: Tape<'a>) -> Self {
        Self { tape, names: Vec::new(), is_flat: false }
    }

    pub fn params(&mut self) -> Vec<(String, Param)> {
        let number = self.tape.pick(&["8000", "0.5", "-3", "100"]);
        let span = self.tape.pick(&["7d", "90m", "1s"]);
        let mut params = vec![
            ("reach".to_owned(), Param::Constant(self.tape.pick(&["2d", "45m", "30d"]))),
            ("limit".to_owned(), Param::Constant(number)),
            ("pause".to_owned(), Param::Constant(span)),
            ("floor".to_owned(), self.table()),
            ("grace".to_owned(), self.table_of_spans()),
        ];
        for (name, kind) in
            [("limit", Plain), ("pause", Duration), ("floor", Plain), ("grace", Duration)]
        {
            self.names.push(Name { text: name.to_owned(), kind, has_window: false });
        }
        if self.tape.one_in(2) {
            let word = self.tape.pick(OPEN_WORDS);
            params.push(("word".to_owned(), Param::Constant(word)));
        }
        params
    }

    fn table(&mut self) -> Param {
        let default = self.tape.maybe(&["7000", "0.1"]);
        match self.tape.below(3) {
            0 => {
                let rows = vec![("low", "8000"), ("high", "100"), ("medium", "2.50")];
                let rest = default.map_or(Some(("prohibited", "0")), |_| None);
                let rows = rows.into_iter().chain(rest).collect();
                Param::Table { by: &["customer.risk"], rows, default }
            }
            1 => {
                let rows = vec![("retail/high", "500"), ("retail/*", "1500"), ("*/high", "9")];
                let rest = default.map_or(Some(("*/*", "25000")), |_| None);
                let rows = rows.into_iter().chain(rest).collect();
                Param::Table { by: &["customer.segment", "customer.risk"], rows, default }
            }
            _ => {
                // The order of rows decides.
                let rows = vec![("*/out", "1"), ("wire/*", "2"), ("wire/in", "3"), ("*/*", "4")];
                Param::Table { by: &["tx.type", "tx.direction"], rows, default: None }
            }
        }
    }

    fn table_of_spans(&mut self) -> Param {
        let default = self.tape.maybe(&["30m", "2d"]);
        let rows = vec![("gold", "1d"), ("tin", "5m")];
        Param::Table { by: &["tx.extra.tier"], rows, default }
    }

    fn message(&mut self) -> String {
        let mut message = "seen".to_owned();
        let shown: Vec<(String, Kind)> =
            self.names.iter().map(|name| (name.text.clone(), name.kind)).collect();
        for (name, kind) in shown {
            let format = match kind {
                Amount | Plain => self.tape.pick(&["", ":money", ":percent"]),
                Duration => self.tape.pick(&["", ":hours", ":days"]),
                Time => self.tape.pick(&["", ":date"]),
                Text | Truth => "",
            };
            let _ = write!(message, " {{{name}{format}}},");
        }
        message
    }

    fn of(&mut self, kind: Kind, depth: usize) -> String {
        if self.tape.one_in(5)
            && let Some(name) = self.name(kind)
        {
            return name;
        }
        if depth == 0 {
            return self.leaf(kind);
        }
        match self.tape.below(8) {
            0 | 1 => self.leaf(kind),
            2 if !self.is_flat => self.fold(kind),
            3 => self.chosen(kind, depth - 1),
            _ => match kind {
                Amount => self.amount(depth - 1),
                Plain => self.plain(depth - 1),
                Text => self.text(depth - 1),
                Duration => self.duration(depth - 1),
                Time => self.time(depth - 1),
                Truth => self.truth(depth - 1),
            },
        }
    }

    fn name(&mut self, kind: Kind) -> Option<String> {
        let fits = |name: &&Name| {
            let is_kind = name.kind == kind || (kind == Amount && name.kind == Plain);
            is_kind && !(self.is_flat && name.has_window)
        };
        let fitting: Vec<String> =
            self.names.iter().filter(fits).map(|name| name.text.clone()).collect();
        let place = self.tape.below(fitting.len().max(1));
        fitting.get(place).cloned()
    }

    fn leaf(&mut self, kind: Kind) -> String {
        match kind {
            Amount => match self.tape.below(3) {
                0 | 1 => self.tape.pick(BASE_FIELDS).to_owned(),
                _ => self.tape.pick(CONSTANTS).to_owned(),
            },
            Plain => match self.tape.below(4) {
                0 | 1 => self.tape.pick(CONSTANTS).to_owned(),
                2 => "tx.extra.points".to_owned(),
                _ => "floor".to_owned(),
            },
            Text => match self.tape.below(3) {
                0 => self.tape.pick(OPEN_FIELDS).to_owned(),
                1 => self.tape.pick(CLOSED_FIELDS).0.to_owned(),
                _ => format!("weekday({})", self.tape.pick(TIME_FIELDS)),
            },
            Duration => match self.tape.below(3) {
                0 | 1 => self.tape.pick(SPANS).to_owned(),
                _ => "tx.extra.pause".to_owned(),
            },
            Time => self.tape.pick(TIME_FIELDS).to_owned(),
            Truth => match self.tape.below(5) {
                0 => self.tape.pick(&["true", "false"]).to_owned(),
                1 => "customer.known".to_owned(),
                2 => "tx.extra.flag".to_owned(),
                3 => self.listed(),
                _ => self.word(),
            },
        }
    }

    /// `if`, `??`: of any kind.
    fn chosen(&mut self, kind: Kind, depth: usize) -> String {
        let first = self.of(kind, depth);
        let second = self.of(kind, depth);
        match self.tape.below(2) {
            0 if kind == Truth => format!("(({first}) ?? ({second}))"),
            0 => format!("({first} ?? {second})"),
            _ => format!("if({}, {first}, {second})", self.of(Truth, depth)),
        }
    }

    /// `min`, `max`, `clamp`: of numbers and durations.
    fn bounded(&mut self, kind: Kind, depth: usize) -> String {
        let (first, second) = (self.of(kind, depth), self.of(kind, depth));
        match self.tape.below(4) {
            0 => format!("min({first}, {second})"),
            1 => format!("max({first}, {second})"),
            2 => format!("max({first}, {second}, {})", self.of(kind, depth)),
            _ => format!("clamp({first}, {second}, {})", self.of(kind, depth)),
        }
    }

    fn amount(&mut self, depth: usize) -> String {
        let first = self.of(Amount, depth);
        match self.tape.below(9) {
            0 => format!("({first} + {})", self.of(Amount, depth)),
            1 => format!("({first} - {})", self.of(Amount, depth)),
            2 => format!("({first} * {})", self.of(Plain, depth)),
            3 => format!("({first} / {})", self.of(Plain, depth)),
            4 => format!("round({first}, {})", self.tape.pick(&["0", "2", "1", "28"])),
            5 => format!("-({first})"),
            6 => format!("abs({first})"),
            7 => format!("mod({first}, {})", self.of(Amount, depth)),
            _ => self.bounded(Amount, depth),
        }
    }

    fn plain(&mut self, depth: usize) -> String {
        let first = self.of(Plain, depth);
        // Without brackets, so that what binds more tightly is seen.
        let sign = self.tape.pick(&["+", "-", "*", "/", "??"]);
        match self.tape.below(13) {
            0 => format!("({first} {sign} {})", self.of(Plain, depth)),
            1 => format!("({first} {sign} {} * {})", self.of(Plain, depth), self.leaf(Plain)),
            2 => format!("({first} {sign} {} - {})", self.of(Plain, depth), self.leaf(Plain)),
            3 => format!("({} / {})", self.of(Amount, depth), self.tape.pick(BASE_FIELDS)),
            4 => format!("({} / {})", self.of(Duration, depth), self.of(Duration, depth)),
            5 => format!("round({first})"),
            6 => format!("hour({})", self.of(Time, depth)),
            7 => format!("day_of_month({})", self.of(Time, depth)),
            8 => format!("lookup(list.watch, {}, \"limit\")", self.of(Text, depth)),
            9 => {
                let amount = self.of(Amount, depth);
                let code = self.tape.pick(&["USD", "JPY"]);
                let local = format!("convert(tx.local_amount, tx.currency, \"{code}\")");
                format!("(convert({amount}, \"{code}\") / {local})")
            }
            10 => format!("name_similarity({}, \"Dr Smith\")", self.of(Text, depth)),
            11 => format!("address_similarity({}, \"Main Street 12\")", self.of(Text, depth)),
            _ => self.bounded(Plain, depth),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        match self.tape.below(3) {
            0 => format!("lookup(list.watch, {}, \"level\")", self.of(Text, depth)),
            1 => format!("weekday({})", self.of(Time, depth)),
            _ => self.chosen(Text, depth),
        }
    }

    fn duration(&mut self, depth: usize) -> String {
        let first = self.of(Duration, depth);
        match self.tape.below(8) {
            0 => format!("({} - {})", self.of(Time, depth), self.of(Time, depth)),
            1 => format!("({first} + {})", self.of(Duration, depth)),
            2 => format!("({first} - {})", self.of(Duration, depth)),
            3 => format!("({first} * {})", self.of(Plain, depth)),
            4 => format!("({first} / {})", self.of(Plain, depth)),
            5 => format!("lookup(list.watch, {}, \"grace\")", self.of(Text, depth)),
            6 => format!("-({first})"),
            _ => self.bounded(Duration, depth),
        }
    }

    fn time(&mut self, depth: usize) -> String {
        match self.tape.below(4) {
            0 => format!("({} + {})", self.of(Time, depth), self.of(Duration, depth)),
            1 => format!("({} - {})", self.of(Time, depth), self.of(Duration, depth)),
            2 => format!("lookup(list.watch, {}, \"since\")", self.of(Text, depth)),
            _ => format!("({} + {})", self.of(Duration, depth), self.of(Time, depth)),
        }
    }

    fn truth(&mut self, depth: usize) -> String {
        match self.tape.below(13) {
            0..4 => {
                let kind = self.tape.pick(&[Amount, Plain, Duration, Time]);
                let sign = self.tape.pick(&["<", ">=", "==", "!=", "<=", ">"]);
                let (left, right) = (self.of(kind, depth), self.of(kind, depth));
                format!("{left} {sign} {right}")
            }
            4 => self.word(),
            5 => self.listed(),
            6 => {
                let (first, second) = (self.of(Truth, depth), self.of(Truth, depth));
                format!("(({first}) and ({second}))")
            }
            7 => {
                let (first, second) = (self.leaf(Truth), self.leaf(Truth));
                format!("({} or not {first} and {second})", self.leaf(Truth))
            }
            8 => format!("(({}) or ({}))", self.of(Truth, depth), self.of(Truth, depth)),
            9 => format!("not ({})", self.of(Truth, depth)),
            10 => {
                let kind = self.tape.pick(KINDS);
                format!("has({})", self.of(kind, depth))
            }
            11 => {
                let sign = self.tape.pick(&["==", "!="]);
                format!("({}) {sign} ({})", self.of(Truth, depth), self.of(Truth, depth))
            }
            _ => match self.tape.below(3) {
                0 => format!("starts_with({}, \"S\")", self.of(Text, depth)),
                1 => format!("lookup(list.watch, {}, \"flag\")", self.of(Text, depth)),
                _ => {
                    let amount = self.of(Amount, depth);
                    format!("convert({amount}, \"USD\") > {}", self.tape.pick(CONSTANTS))
                }
            },
        }
    }

    /// A text and one or several words.
    pub fn word(&mut self) -> String {
        let sign = self.tape.pick(&["==", "!="]);
        match self.tape.below(4) {
            0 => {
                let (field, words) = self.tape.pick(CLOSED_FIELDS);
                format!("{field} {sign} \"{}\"", self.tape.pick(words))
            }
            1 => {
                let (field, words) = self.tape.pick(CLOSED_FIELDS);
                let word = self.tape.pick(&["in", "not in"]);
                format!("{field} {word} [\"{}\", \"{}\"]", words[0], self.tape.pick(words))
            }
            2 => {
                let word = self.tape.pick(OPEN_WORDS);
                format!("{} {sign} \"{word}\"", self.tape.pick(OPEN_FIELDS))
            }
            _ => format!("{} {sign} {}", self.tape.pick(OPEN_FIELDS), self.tape.pick(OPEN_FIELDS)),
        }
    }

    pub fn listed(&mut self) -> String {
        let word = self.tape.pick(&["in", "not in"]);
        format!("{} {word} list.watch", self.tape.pick(OPEN_FIELDS))
    }

    fn fold(&mut self, kind: Kind) -> String {
        self.is_flat = true;
        let text = match kind {
            Plain if self.tape.one_in(3) => self.count_of_others("count"),
            Plain => match self.tape.below(2) {
                0 => format!("count(transaction{})", self.filter()),
                _ => format!("distinct({}{})", self.tape.pick(OPEN_FIELDS), self.filter()),
            },
            Amount => {
                let function = self.tape.pick(&[
                    "sum",
                    "avg",
                    "min_of",
                    "max_of",
                    "stddev",
                    "median",
                    "percentile",
                    "first",
                    "last",
                ]);
                let head = self.folded_amount();
                let share = self.tape.pick(&["90", "50", "100", "12.5"]);
                let share =
                    if function == "percentile" { format!(", {share}") } else { String::new() };
                format!("{function}({head}{}{share})", self.filter())
            }
            Duration if self.tape.one_in(2) => self.count_of_others("since"),
            Duration => format!("since(transaction{})", self.filter()),
            Text | Time | Truth => {
                let function = self.tape.pick(&["first", "last"]);
                let head = match kind {
                    Text => self.tape.pick(OPEN_FIELDS).to_owned(),
                    Time => self.tape.pick(TIME_FIELDS).to_owned(),
                    _ => self.tape.pick(&["tx.extra.flag", "tx.amount > 99"]).to_owned(),
                };
                format!("{function}({head}{})", self.filter())
            }
        };
        self.is_flat = false;
        if text.contains(" by ") {
            return format!("({text})");
        }
        // In brackets, for a comma behind `by` names another role.
        let key = self.tape.pick(KEYS);
        if text.starts_with("since") {
            return format!("({text} by {key})");
        }
        format!("({text} by {key} over {})", self.tape.pick(WINDOWS))
    }

    /// `count` or `since` of identity and security events, with key and window.
    fn count_of_others(&mut self, function: &str) -> String {
        let (event, keys, filters) = self.tape.pick(OTHER_EVENTS);
        let filter = self.tape.maybe(filters).map(|it| format!(" where {it}")).unwrap_or_default();
        let key = self.tape.pick(keys);
        let window = match function {
            "since" => String::new(),
            _ => format!(" over {}", self.tape.pick(WINDOWS)),
        };
        format!("{function}({event}{filter}) by {key}{window}")
    }

    fn filter(&mut self) -> String {
        if self.tape.one_in(2) { format!(" where {}", self.of(Truth, 1)) } else { String::new() }
    }

    fn folded_amount(&mut self) -> String {
        match self.tape.below(6) {
            0 | 1 => "tx.amount".to_owned(),
            2 => "abs(tx.amount - 100)".to_owned(),
            3 => "round(tx.amount / 3, 4)".to_owned(),
            4 => format!("if({}, tx.amount, 0.5)", self.leaf(Truth)),
            _ => "customer.expected_turnover".to_owned(),
        }
    }
}

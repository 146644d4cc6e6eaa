//! Rules judged from their text and the language reference alone: parsed, but not checked, not typed and
//! not compiled.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::similarity;
use crate::domain::{Instant, Span};
use crate::rulebook::list::{Cell, List};
use crate::rulebook::parse;
use crate::rulebook::syntax::{
    AggregateSyntax, Function, LengthSyntax, Syntax, SyntaxKind, WindowSyntax,
};
use crate::rulebook::typed::{ArithmeticOp, CompareOp, Period, SourceSpan, Window, WindowSpan};

use super::draft::{Draft, Param};
use super::figure::Figure;
use super::story::Row;
use super::windows::{Fold, Kinds, Past, Place, Source};
use super::{Judged, Seen};

type Value = Seen<Figure>;

/// A rule as parsed, with its lists.
pub struct Naive<'a> {
    draft: &'a Draft,
    filter: Option<Syntax>,
    lets: BTreeMap<&'a str, Syntax>,
    when: Syntax,
    unless: Vec<(&'a str, Syntax)>,
    score: Syntax,
    lists: &'a BTreeMap<String, List>,
    kinds: Kinds,
}

fn parsed(text: &str) -> Syntax {
    let span = SourceSpan { start: 0, end: text.len() };
    let (syntax, problems) = parse::expression("asks.yaml", text, span);
    assert!(problems.is_empty(), "{problems:#?}");
    syntax
}

impl<'a> Naive<'a> {
    pub fn new(draft: &'a Draft, lists: &'a BTreeMap<String, List>) -> Self {
        let lets: BTreeMap<&str, Syntax> =
            draft.lets.iter().map(|(name, text)| (name.as_str(), parsed(text))).collect();
        let unless = draft.unless.iter().map(|(name, text)| (name.as_str(), parsed(text)));
        let mut naive = Self {
            draft,
            filter: draft.filter.as_deref().map(parsed),
            lets,
            when: parsed(&draft.when),
            unless: unless.collect(),
            score: parsed(&draft.score),
            lists,
            kinds: Kinds::new(),
        };
        let mut kinds = Kinds::new();
        let exceptions = naive.unless.iter().map(|(_, it)| it);
        let all = naive.lets.values().chain([&naive.when, &naive.score]).chain(exceptions);
        all.for_each(|syntax| note_kinds(syntax, &mut kinds));
        naive.kinds = kinds;
        naive
    }

    pub const fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    pub fn judge(&self, past: Past<'_>) -> Judged {
        let place = Place { row: past.row(), past: Some(past), zone: past.zone };
        let holds = |syntax: &Syntax| self.holds(syntax, place);
        let lets = self.draft.lets.iter().map(|(name, _)| {
            (name.clone(), self.value(&self.lets[name.as_str()], place).to_string())
        });
        let score = match self.value(&self.score, place) {
            Seen::Number(number) => number.max(Figure::whole(0)).min(Figure::whole(100)),
            _ => Figure::whole(0),
        };
        Judged {
            lets: lets.collect(),
            is_let_in: self.filter.as_ref().is_none_or(holds),
            holds: holds(&self.when),
            excuse: self
                .unless
                .iter()
                .find(|(_, it)| holds(it))
                .map(|(name, _)| (*name).to_owned()),
            score: score.to_string(),
            message: Some(self.message(place)),
        }
    }

    fn holds(&self, syntax: &Syntax, place: Place<'_>) -> bool {
        self.value(syntax, place) == Seen::Bool(true)
    }

    fn value(&self, syntax: &Syntax, place: Place<'_>) -> Value {
        let value = |syntax: &Syntax| self.value(syntax, place);
        let holds = |syntax: &Syntax| self.holds(syntax, place);
        match &syntax.kind {
            SyntaxKind::Number(number) => Seen::Number(Figure::parse(&number.to_string())),
            SyntaxKind::Duration(span) => Seen::Micros(span.0),
            SyntaxKind::Text(text) => Seen::Text(text.clone()),
            SyntaxKind::Bool(truth) => Seen::Bool(*truth),
            SyntaxKind::Path(path) => self.named(path, place),
            SyntaxKind::Not(part) => Seen::Bool(!holds(part)),
            SyntaxKind::Negate(part) => match value(part) {
                Seen::Number(number) => Seen::Number(number.negated()),
                Seen::Micros(micros) => micros.checked_neg().map_or(Seen::Absent, Seen::Micros),
                _ => Seen::Absent,
            },
            SyntaxKind::And(parts) => Seen::Bool(parts.iter().all(holds)),
            SyntaxKind::Or(parts) => Seen::Bool(parts.iter().any(holds)),
            SyntaxKind::Compare(op, left, right) => {
                Seen::Bool(compared(*op, &value(left), &value(right)))
            }
            SyntaxKind::Arithmetic(op, left, right) => {
                // Times are told from durations by what they are: their sum is neither's business.
                calculated(*op, &value(left), &value(right))
            }
            SyntaxKind::Default(left, right) => match value(left) {
                Seen::Absent => value(right),
                there => there,
            },
            SyntaxKind::In { item, set, negated } => {
                let Seen::Text(item) = value(item) else { return Seen::Bool(false) };
                let is_in = match &set.kind {
                    SyntaxKind::List(words) => {
                        words.iter().any(|word| value(word) == Seen::Text(item.clone()))
                    }
                    SyntaxKind::Path(list) => self.row_of(list, &item, place.row.at).is_some(),
                    _ => panic!("no list"),
                };
                Seen::Bool(is_in != *negated)
            }
            SyntaxKind::Call { function, arguments } => self.call(*function, arguments, place),
            SyntaxKind::Aggregate(aggregate) => self.aggregate(aggregate, place),
            SyntaxKind::Error
            | SyntaxKind::List(_)
            | SyntaxKind::Buckets(_)
            | SyntaxKind::Pattern(_) => panic!("not written here: {syntax:?}"),
        }
    }

    fn named(&self, path: &str, place: Place<'_>) -> Value {
        if let Some(named) = self.lets.get(path) {
            return self.value(named, place);
        }
        let Some((_, param)) = self.draft.params.iter().find(|(name, _)| name == path) else {
            return field(place.row, path);
        };
        match param {
            Param::Constant(text) => constant(text),
            Param::Table { by, rows, default } => {
                let facts: Vec<Value> = by.iter().map(|path| field(place.row, path)).collect();
                let fits = |row: &str| {
                    row.split('/')
                        .zip(&facts)
                        .all(|(word, fact)| word == "*" || *fact == Seen::Text(word.to_owned()))
                };
                let row = rows.iter().find(|(row, _)| fits(row)).map(|(_, value)| *value);
                row.or(*default).map_or(Seen::Absent, constant)
            }
        }
    }

    fn row_of(&self, list: &str, item: &str, at: i64) -> Option<&crate::rulebook::list::ListRow> {
        let list = &self.lists[list.trim_start_matches("list.")];
        list.rows.iter().find(|row| {
            row.value == item
                && row.valid_from.is_none_or(|from| from.0 <= at)
                && row.valid_to.is_none_or(|to| at < to.0)
        })
    }

    fn cell(&self, list: &str, item: &str, column: &str, at: i64) -> Value {
        let columns = &self.lists[list.trim_start_matches("list.")].columns;
        let place = columns.iter().position(|it| it.name == column).expect("a column");
        match self.row_of(list, item, at).and_then(|row| row.cells[place].clone()) {
            None if columns[place].ty == crate::rulebook::catalogue::Type::Bool => {
                Seen::Bool(false)
            }
            None => Seen::Absent,
            Some(Cell::Text(text)) => Seen::Text(text),
            Some(Cell::Number(number)) => Seen::Number(Figure::parse(&number.to_string())),
            Some(Cell::Bool(truth)) => Seen::Bool(truth),
            Some(Cell::Duration(span)) => Seen::Micros(span.0),
            Some(Cell::Time(at)) => Seen::Micros(at.0),
        }
    }

    fn call(&self, function: Function, arguments: &[Syntax], place: Place<'_>) -> Value {
        if function == Function::If {
            let is_met = self.holds(&arguments[0], place);
            return self.value(&arguments[if is_met { 1 } else { 2 }], place);
        }
        if matches!(function, Function::Lookup | Function::Convert) {
            return self.looked_up(function, arguments, place);
        }
        let given: Vec<Value> = arguments.iter().map(|it| self.value(it, place)).collect();
        if function == Function::Has {
            return Seen::Bool(given[0] != Seen::Absent);
        }
        if given.contains(&Seen::Absent) {
            let is_truth = function == Function::StartsWith;
            return if is_truth { Seen::Bool(false) } else { Seen::Absent };
        }
        let least = |values: &[Value]| values.iter().min_by(|a, b| order(a, b)).cloned();
        let most = |values: &[Value]| values.iter().max_by(|a, b| order(a, b)).cloned();
        let found = match (function, given.as_slice()) {
            (Function::Min, values) => least(values),
            (Function::Max, values) => most(values),
            (Function::Clamp, [value, low, high]) => {
                most(&[value.clone(), low.clone()]).and_then(|it| least(&[it, high.clone()]))
            }
            (Function::Abs, [Seen::Number(number)]) => Some(Seen::Number(number.absolute())),
            (Function::Round, [Seen::Number(number), places @ ..]) => {
                let places = match places {
                    [Seen::Number(places)] => places.to_string().parse().expect("places"),
                    _ => 0,
                };
                Some(Seen::Number(number.rounded(places)))
            }
            (Function::Mod, [Seen::Number(number), Seen::Number(divisor)]) => {
                number.remainder(divisor).map(Seen::Number)
            }
            (Function::StartsWith, [Seen::Text(text), Seen::Text(prefix)]) => {
                Some(Seen::Bool(text.starts_with(prefix.as_str())))
            }
            (Function::NameSimilarity, [Seen::Text(left), Seen::Text(right)]) => {
                similarity::names(left, right)
                    .map(|it| Seen::Number(Figure::parse(&it.to_string())))
            }
            (Function::AddressSimilarity, [Seen::Text(left), Seen::Text(right)]) => {
                similarity::addresses(left, right)
                    .map(|it| Seen::Number(Figure::parse(&it.to_string())))
            }
            (clock, [Seen::Micros(at)]) => on_the_clock(clock, *at, place.zone),
            other => panic!("not written here: {other:?}"),
        };
        found.unwrap_or(Seen::Absent)
    }

    fn looked_up(&self, function: Function, arguments: &[Syntax], place: Place<'_>) -> Value {
        let at = place.row.at;
        let word = |syntax: &Syntax| match self.value(syntax, place) {
            Seen::Text(text) => Some(text),
            _ => None,
        };
        if function == Function::Lookup {
            let SyntaxKind::Path(list) = &arguments[0].kind else { panic!("no list") };
            let column = word(&arguments[2]).expect("a column");
            // Without anything to look for there is no row: also a truth is false then.
            let item = word(&arguments[1]).unwrap_or_else(|| "\0".to_owned());
            return self.cell(list, &item, &column, at);
        }
        let Seen::Number(amount) = self.value(&arguments[0], place) else { return Seen::Absent };
        let from = if arguments.len() == 3 { word(&arguments[1]) } else { Some("EUR".to_owned()) };
        let (Some(from), Some(to)) = (from, arguments.last().and_then(word)) else {
            return Seen::Absent;
        };
        let rate = |code: &str| match self.cell("fx_rates", code, "rate", at) {
            Seen::Number(rate) => Some(rate),
            _ if code == "EUR" => Some(Figure::whole(1)),
            _ => None,
        };
        if from == to {
            return Seen::Number(amount);
        }
        let (Some(worth), Some(rate)) = (rate(&from), rate(&to)) else { return Seen::Absent };
        let base = amount.times(&worth).fit();
        base.and_then(|base| base.over(&rate)).map_or(Seen::Absent, Seen::Number)
    }

    fn aggregate(&self, written: &AggregateSyntax, place: Place<'_>) -> Value {
        let past = place.past.expect("no window within a window");
        let enters = |row: &Row| {
            written
                .filter
                .as_ref()
                .is_none_or(|filter| self.holds(filter, Place::kept(row, place.zone)))
        };
        let value = |row: &Row| self.value(&written.head, Place::kept(row, place.zone));
        let percent = written.percent.as_ref().map(|share| self.value(share, place));
        let percent = percent.and_then(|share| match share {
            Seen::Number(number) => Some(number),
            _ => None,
        });
        past.fold(&Fold {
            function: written.function,
            percent,
            source: source_of(written),
            by: roles(written),
            window: written.window.as_ref().map_or(
                Window { span: WindowSpan::Last(1), is_previous: true, ..Window::default() },
                |window| self.window(window),
            ),
            enters: &enters,
            value: &value,
        })
    }

    fn window(&self, written: &WindowSyntax) -> Window {
        let span = match &written.length {
            LengthSyntax::Duration(length) => WindowSpan::Length(*length),
            LengthSyntax::Parameter(name) => {
                let param = self.draft.params.iter().find(|(known, _)| known == name);
                let Some((_, Param::Constant(text))) = param else { panic!("no length") };
                WindowSpan::Length(Span::parse(text).expect("a length"))
            }
            LengthSyntax::Lifetime => WindowSpan::Lifetime,
            LengthSyntax::Calendar(word) => WindowSpan::Calendar(match word.as_str() {
                "day" => Period::Day,
                "week" => Period::Week,
                _ => Period::Month,
            }),
            LengthSyntax::Last(count) => {
                WindowSpan::Last(count.to_string().parse().expect("a number"))
            }
        };
        let ending_ago = written.ending_ago.map_or(Span::ZERO, |(ago, _)| ago);
        Window { span, ending_ago, is_previous: written.is_previous }
    }

    /// The message with its values, as `## Alerts` says.
    fn message(&self, place: Place<'_>) -> String {
        let mut text = String::new();
        let mut pieces = self.draft.message.split(['{', '}']);
        while let Some(fixed) = pieces.next() {
            text.push_str(fixed);
            let Some(written) = pieces.next() else { break };
            let (name, format) = written.split_once(':').unwrap_or((written, ""));
            let value = self.named(name, place);
            let is_time = self.is_time(name);
            text.push_str(&shown(&value, format, is_time));
        }
        text
    }

    /// Whether what is named is a time and not a length of time: both are microseconds.
    fn is_time(&self, name: &str) -> bool {
        self.draft.message.contains(&format!("{{{name}:date}}"))
            || self.lets.get(name).is_some_and(|syntax| self.tells_time(syntax))
    }

    fn tells_time(&self, syntax: &Syntax) -> bool {
        match &syntax.kind {
            SyntaxKind::Path(path) if self.lets.contains_key(path.as_str()) => {
                self.tells_time(&self.lets[path.as_str()])
            }
            SyntaxKind::Path(path) => {
                path == "now"
                    || path.ends_with("_at")
                    || path.ends_with("since")
                    || path.ends_with("moment")
            }
            SyntaxKind::Arithmetic(ArithmeticOp::Add, left, right) => {
                self.tells_time(left) || self.tells_time(right)
            }
            SyntaxKind::Arithmetic(ArithmeticOp::Subtract, left, right) => {
                self.tells_time(left) && !self.tells_time(right)
            }
            SyntaxKind::Default(left, _) => self.tells_time(left),
            SyntaxKind::Call { function: Function::If, arguments } => {
                self.tells_time(&arguments[1])
            }
            SyntaxKind::Call { function: Function::Lookup, arguments } => {
                arguments[2].kind == SyntaxKind::Text("since".to_owned())
            }
            SyntaxKind::Aggregate(it) => it.name != "since" && self.tells_time(&it.head),
            _ => false,
        }
    }
}

fn field(row: &Row, path: &str) -> Value {
    match row.field(path) {
        Seen::Absent => Seen::Absent,
        Seen::Number(number) => Seen::Number(Figure::parse(&number.to_string())),
        Seen::Text(text) => Seen::Text(text),
        Seen::Micros(micros) => Seen::Micros(micros),
        Seen::Bool(truth) => Seen::Bool(truth),
    }
}

fn constant(text: &str) -> Value {
    match Span::parse(text) {
        Some(span) => Seen::Micros(span.0),
        None if text.starts_with(|it: char| it.is_ascii_digit() || it == '-') => {
            Seen::Number(Figure::parse(text))
        }
        None => Seen::Text(text.to_owned()),
    }
}

fn order(left: &Value, right: &Value) -> std::cmp::Ordering {
    match (left, right) {
        (Seen::Number(left), Seen::Number(right)) => left.cmp(right),
        (Seen::Micros(left), Seen::Micros(right)) => left.cmp(right),
        other => panic!("no order: {other:?}"),
    }
}

/// `absent-1`: false when a side is absent.
fn compared(op: CompareOp, left: &Value, right: &Value) -> bool {
    if *left == Seen::Absent || *right == Seen::Absent {
        return false;
    }
    match op {
        CompareOp::Equal => left == right,
        CompareOp::NotEqual => left != right,
        CompareOp::Less => order(left, right).is_lt(),
        CompareOp::LessEqual => order(left, right).is_le(),
        CompareOp::Greater => order(left, right).is_gt(),
        CompareOp::GreaterEqual => order(left, right).is_ge(),
    }
}

/// `absent-2`, `absent-6`, `number-2`, `number-4`, `number-6`.
fn calculated(op: ArithmeticOp, left: &Value, right: &Value) -> Value {
    use ArithmeticOp as A;
    let figure = |micros: &i64| Figure::whole(*micros);
    let number = |number: Option<Figure>| number.map_or(Seen::Absent, Seen::Number);
    let micros = |number: Option<Figure>| {
        let whole = number.map(|number| number.rounded(0).to_string());
        whole.and_then(|text| text.parse().ok()).map_or(Seen::Absent, Seen::Micros)
    };
    match (op, left, right) {
        (A::Add, Seen::Number(left), Seen::Number(right)) => number(left.plus(right).fit()),
        (A::Subtract, Seen::Number(left), Seen::Number(right)) => number(left.minus(right).fit()),
        (A::Multiply, Seen::Number(left), Seen::Number(right)) => number(left.times(right).fit()),
        (A::Divide, Seen::Number(left), Seen::Number(right)) => number(left.over(right)),
        (A::Divide, Seen::Micros(left), Seen::Micros(right)) => {
            number(figure(left).over(&figure(right)))
        }
        (A::Add, Seen::Micros(left), Seen::Micros(right)) => {
            left.checked_add(*right).map_or(Seen::Absent, Seen::Micros)
        }
        (A::Subtract, Seen::Micros(left), Seen::Micros(right)) => {
            left.checked_sub(*right).map_or(Seen::Absent, Seen::Micros)
        }
        (A::Multiply, Seen::Micros(span), Seen::Number(factor))
        | (A::Multiply, Seen::Number(factor), Seen::Micros(span)) => {
            micros(figure(span).times(factor).fit())
        }
        (A::Divide, Seen::Micros(span), Seen::Number(divisor)) => {
            micros(figure(span).over(divisor))
        }
        _ => Seen::Absent,
    }
}

fn on_the_clock(function: Function, at: i64, zone: &TimeZone) -> Option<Value> {
    let at = Timestamp::from_microsecond(at).ok()?.to_zoned_datetime(zone.clone());
    let number = |number: i8| Some(Seen::Number(Figure::whole(i64::from(number))));
    match function {
        Function::Hour => number(at.hour()),
        Function::DayOfMonth => number(at.day()),
        Function::Weekday => Some(Seen::Text(at.strftime("%a").to_string().to_lowercase())),
        other => panic!("not written here: {other:?}"),
    }
}

/// A value in a message.
fn shown(value: &Value, format: &str, is_time: bool) -> String {
    let places = |number: &Figure, places: usize| {
        let text = number.rounded(places).to_string();
        let (before, after) = text.split_once('.').unwrap_or((&text, ""));
        if places == 0 { before.to_owned() } else { format!("{before}.{after:0<places$}") }
    };
    match (value, format) {
        (Seen::Number(number), "money") => places(number, 2),
        (Seen::Number(number), "percent") => match number.times(&Figure::whole(100)).fit() {
            Some(hundredths) => format!("{}%", places(&hundredths, 0)),
            None => "absent".to_owned(),
        },
        (Seen::Number(number), _) => number.rounded(2).to_string(),
        (Seen::Micros(micros), "hours") => (micros / 3_600_000_000).to_string(),
        (Seen::Micros(micros), "days") => (micros / 86_400_000_000).to_string(),
        (Seen::Micros(micros), "date") => {
            Instant(*micros).to_string().split('T').next().unwrap_or_default().to_owned()
        }
        (Seen::Micros(micros), _) if is_time => Instant(*micros).to_string(),
        (Seen::Micros(micros), _) => Span(*micros).to_string(),
        (Seen::Text(text), _) => text.clone(),
        (Seen::Bool(truth), _) => truth.to_string(),
        (Seen::Absent, _) => "absent".to_owned(),
    }
}

fn roles(written: &AggregateSyntax) -> Vec<String> {
    let mut roles: Vec<String> = written.by.iter().map(|(role, _)| role.clone()).collect();
    roles.sort();
    roles
}

/// `count` and `since` name their events; a fold of values is one of transactions here.
fn source_of(written: &AggregateSyntax) -> Source {
    match &written.head.kind {
        SyntaxKind::Path(path) if matches!(written.name.as_str(), "count" | "since") => {
            Source(path.clone())
        }
        _ => Source("transaction".to_owned()),
    }
}

fn note_kinds(syntax: &Syntax, kinds: &mut Kinds) {
    if let SyntaxKind::Aggregate(aggregate) = &syntax.kind {
        kinds.entry(roles(aggregate)).or_default().insert(source_of(aggregate));
    }
    syntax.kind.parts().for_each(|part| note_kinds(part, kinds));
}

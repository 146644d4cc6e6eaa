//! A deployment's own fields: what messages carry under `extra`, read by the types of the schema.
//!
//! In: names with raw values. Out: values in the row. A value that is not what the schema says is left
//! absent and counted by its field: a movement of money is judged even when a detail of it is unreadable.

use rust_decimal::Decimal;

use crate::domain::event::{Extra, Scalar};
use crate::domain::{Instant, Span};
use crate::rulebook::catalogue::{Catalogue, Family, Field, Type};

use super::row::{Row, SlotSet, Value};
use super::strings::Strings;

/// What stands between `tx.` and the name of a deployment's field.
const EXTRA: &str = "extra.";

/// The custom fields that some rule reads, by family.
#[derive(Default)]
pub struct ExtraFields {
    by_family: [Vec<ExtraField>; 3],
}

struct ExtraField {
    /// The name under `extra`.
    name: String,
    field: Field,
    unreadable: u64,
}

impl ExtraFields {
    /// Those of `catalogue` that are in `wanted`.
    pub fn new(catalogue: &Catalogue, wanted: &SlotSet) -> Self {
        let fields = |family| {
            let own = catalogue.fields().iter().filter(|field| field.family == Some(family));
            own.filter(|field| wanted.contains(field.slot))
                .filter_map(|field| {
                    let name = field.short_name().strip_prefix(EXTRA)?.to_owned();
                    Some(ExtraField { name, field: field.clone(), unreadable: 0 })
                })
                .collect()
        };
        Self { by_family: Family::ALL.map(fields) }
    }

    /// Fills `row` with those that `extra` carries.
    pub fn fill(&mut self, row: &mut Row, extra: &Extra<'_>, strings: &mut Strings) {
        let Some(fields) = self.by_family.get_mut(row.name.family() as usize) else { return };
        if extra.is_empty() {
            return;
        }
        for known in fields {
            let Some((_, raw)) = extra.iter().find(|(name, _)| *name == known.name) else {
                continue;
            };
            match read(&known.field, raw, strings) {
                Some(value) => row.set(known.field.slot, || value),
                None => known.unreadable += 1,
            }
        }
    }

    /// How often each field could not be read since the last call, by its name in rules.
    pub fn take_unreadable(&mut self) -> Vec<(String, u64)> {
        let fields = self.by_family.iter_mut().flatten();
        let counts = fields.map(|it| (it.field.path.clone(), std::mem::take(&mut it.unreadable)));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

fn read(field: &Field, raw: &Scalar<'_>, strings: &mut Strings) -> Option<Value> {
    match (raw, field.ty) {
        (Scalar::Bool(value), Type::Bool) => Some(Value::Bool(*value)),
        // A declared field is never a pattern.
        (Scalar::Bool(_), _) | (Scalar::Text(_), Type::Pattern | Type::Names) => None,
        (Scalar::Text(text), Type::Text) => {
            field.allows(text).then(|| Value::Text(strings.intern(text)))
        }
        (Scalar::Text(text), Type::Number) => number(text).map(Value::Number),
        (Scalar::Text(text), Type::Bool) => text.parse().ok().map(Value::Bool),
        (Scalar::Text(text), Type::Time) => {
            let midnight = || Instant::parse(&format!("{text}T00:00:00Z"));
            let at = Instant::parse(text).or_else(midnight);
            at.map(|at| Value::Micros(at.0))
        }
        (Scalar::Text(text), Type::Duration) => Span::parse(text).map(|span| Value::Micros(span.0)),
    }
}

/// Plain digits with at most one decimal point, perhaps below zero; never an exponent.
fn number(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let is_plain = digits.bytes().all(|byte| is_digit(byte) || byte == b'.')
        && digits.bytes().next().is_some_and(is_digit)
        && digits.bytes().last().is_some_and(is_digit);
    if is_plain { Decimal::from_str_exact(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rulebook::catalogue::read::schema;

    #[test]
    fn values_are_read_by_their_type_and_others_are_counted() {
        let text = "fields:
  tx.extra.wallet: { type: text, doc: d }
  tx.extra.tier: { type: text, values: [gold, tin], doc: d }
  tx.extra.ratio: { type: number, doc: d }
  tx.extra.vip: { type: bool, doc: d }
  tx.extra.since: { type: time, doc: d }
  tx.extra.idle: { type: duration, doc: d }
  kyc.extra.wallet: { type: text, doc: d }
";
        let schema = schema("schema.yaml", text, &Catalogue::built_in());
        assert_eq!(schema.problems, []);
        let catalogue = schema.catalogue;
        let mut wanted = SlotSet::default();
        catalogue.fields().iter().for_each(|field| wanted.insert(field.slot));
        let mut fields = ExtraFields::new(&catalogue, &wanted);
        let mut strings = Strings::default();
        let mut row = Row::default();
        row.want(wanted);
        let text = |text: &'static str| Scalar::Text(text.into());
        let day = Instant::parse("2026-01-05T00:00:00Z").expect("a time").0;
        let mut seen = |name: &'static str, raw: Scalar<'static>| {
            row.begin(row.name, Instant(0), 0);
            fields.fill(&mut row, &vec![(name.into(), raw)], &mut strings);
            let path = format!("tx.extra.{name}");
            let value = row.get(catalogue.by_path(&path).expect("declared").slot);
            (value, fields.take_unreadable() == [(path, 1)])
        };
        let read = |value| (value, false);
        let unreadable = (Value::Absent, true);
        let decimal = |text: &str| Value::Number(text.parse().expect("a number"));
        assert!(matches!(seen("wallet", text("W1")), (Value::Text(_), false)));
        assert_eq!(seen("wallet", Scalar::Bool(true)), unreadable);
        assert!(matches!(seen("tier", text("tin")), (Value::Text(_), false)));
        assert_eq!(seen("tier", text("silver")), unreadable);
        assert_eq!(seen("ratio", text("-0.25")), read(decimal("-0.25")));
        for wrong in ["1e3", ".5", "1.", "1,5", "", "0x1"] {
            assert_eq!(seen("ratio", text(wrong)), unreadable, "{wrong}");
        }
        assert_eq!(seen("vip", Scalar::Bool(false)), read(Value::Bool(false)));
        assert_eq!(seen("vip", text("true")), read(Value::Bool(true)));
        assert_eq!(seen("vip", text("yes")), unreadable);
        assert_eq!(seen("since", text("2026-01-05")), read(Value::Micros(day)));
        assert_eq!(seen("since", text("2026-01-05T00:00:00Z")), read(Value::Micros(day)));
        assert_eq!(seen("since", text("soon")), unreadable);
        assert_eq!(seen("idle", text("2d")), read(Value::Micros(Span::days(2).0)));
        assert_eq!(seen("idle", text("2")), unreadable);
    }
}

//! What a parameter says about itself, and whether its values keep within the bounds that it names.

use crate::rulebook::catalogue::Type;
use crate::rulebook::metadata::ParamMetadata;
use crate::rulebook::source::{Entry, Node};
use crate::rulebook::typed::{Literal, Param};

use super::Checker;
use super::expression::article;
use super::params::type_of;

/// A bound and where it is written.
type Bound<'n> = Option<(&'n Node, Literal)>;

impl Checker<'_> {
    /// The words that stand beside the value.
    pub(super) fn param_metadata(&mut self, entry: &Entry) -> ParamMetadata {
        let node = &entry.value;
        ParamMetadata {
            span: entry.key_span,
            unit: self.text_under(node, "unit"),
            source: self.text_under(node, "source"),
            confidence: self.confidence_under(node),
            why: self.text_under(node, "why"),
            ..ParamMetadata::default()
        }
    }

    /// Reads the bounds, and holds every value to them.
    pub(super) fn must_be_bounded(&mut self, entry: &Entry, param: &mut Param) {
        let (min, max) = (self.bound(entry, "min", param), self.bound(entry, "max", param));
        if let (Some((lowest, low)), Some((at, high))) = (&min, &max)
            && is_less(high, low)
        {
            let title = format!("no value of `{}` can keep within its bounds", entry.key);
            let label = format!("below `min`, {}", self.written(lowest.span));
            let help = Some("write the lower bound under `min`".to_owned());
            self.report("E125", at.span, title, label, help);
        } else {
            self.must_keep_within(entry, &min, &max);
        }
        param.metadata.min = min.map(|(_, bound)| bound);
        param.metadata.max = max.map(|(_, bound)| bound);
    }

    fn bound<'n>(&mut self, entry: &'n Entry, key: &str, param: &Param) -> Bound<'n> {
        let bound = entry.value.entry(key)?;
        if bound.value.scalar().is_none() {
            self.text(bound);
            return None;
        }
        let literal = self.literal(&bound.value)?;
        if !matches!(param.ty, Type::Number | Type::Duration) {
            let title = format!("`{}` is {}, which has no bounds", param.name, article(param.ty));
            let help = Some(format!("delete `{key}`"));
            self.report("E127", bound.key_span, title, "nothing to hold it to", help);
            return None;
        }
        if type_of(&literal) != param.ty {
            let title = format!("`{key}` is not of the kind of `{}`", param.name);
            let label = format!("{}, not {}", article(type_of(&literal)), article(param.ty));
            let help = Some("write the bound like the value: 10000, or 7d".to_owned());
            self.report("E127", bound.value.span, title, label, help);
            return None;
        }
        Some((&bound.value, literal))
    }

    /// Each value that is written, rows and default too.
    fn must_keep_within(&mut self, entry: &Entry, min: &Bound<'_>, max: &Bound<'_>) {
        let node = &entry.value;
        let single = |key| node.entry(key).map(|entry: &Entry| &entry.value);
        let rows = node.entry("values").and_then(|values| values.value.entries());
        let rows = rows.unwrap_or_default().iter().map(|row| &row.value);
        let written = single("value").into_iter().chain(rows).chain(single("default"));
        for value in written {
            let Some(literal) = self.literal(value) else { continue };
            let broken = [
                min.as_ref().filter(|(_, low)| is_less(&literal, low)).map(|it| (it.0, "below")),
                max.as_ref().filter(|(_, high)| is_less(high, &literal)).map(|it| (it.0, "above")),
            ];
            for (bound, word) in broken.into_iter().flatten() {
                let (is, bound) = (self.written(value.span), self.written(bound.span));
                let title = format!("a value of `{}` is outside of its bounds", entry.key);
                let label = format!("{is} is {word} {bound}");
                let help = "write a value within the bounds, or widen them and say why";
                self.report("E126", value.span, title, label, Some(help.to_owned()));
            }
        }
    }
}

/// Whether `left` is less; values of different kinds are not.
fn is_less(left: &Literal, right: &Literal) -> bool {
    match (left, right) {
        (Literal::Number(left), Literal::Number(right)) => left < right,
        (Literal::Duration(left), Literal::Duration(right)) => left < right,
        _ => false,
    }
}

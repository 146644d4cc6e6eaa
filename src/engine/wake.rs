//! Which transactions a condition can hold for at all, judged by how and which way the money moves.
//!
//! Nearly every rule and every filter names types or a direction. What that leaves possible is worked out
//! once from the checked expression, so that an event meets only the rules that it can wake and the
//! series that it can enter. Sound and not sharp: what is said to be impossible is, what is said to be
//! possible may not be.

use crate::domain::event::TransactionKind;
use crate::rulebook::catalogue::Slot;
use crate::rulebook::typed::{CompareOp, Expr, ExprKind, Literal, Membership, Rule};

/// Kinds of transactions that the index tells apart: each type, going out and coming in.
pub const PLACES: usize = TransactionKind::ALL.len() * 2;

const _: () = assert!(PLACES <= 64, "a wake has 64 bits");

/// A set of transactions by type and direction, one bit each (see [`place`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake(u64);

/// The place of a leg's type and direction in the index.
pub const fn place(kind: TransactionKind, is_inbound: bool) -> usize {
    kind as usize * 2 + is_inbound as usize
}

impl Wake {
    /// Everything is possible.
    pub const ALL: Self = Self(u64::MAX);

    /// The transactions for which `expr` of `rule` may be true.
    pub fn of(rule: &Rule, expr: &Expr) -> Self {
        match &expr.kind {
            ExprKind::And(parts) => {
                parts.iter().fold(Self::ALL, |all, part| Self(all.0 & Self::of(rule, part).0))
            }
            ExprKind::Or(parts) => {
                parts.iter().fold(Self(0), |any, part| Self(any.0 | Self::of(rule, part).0))
            }
            ExprKind::Let(index) => {
                rule.lets.get(*index).map_or(Self::ALL, |inner| Self::of(rule, &inner.expr))
            }
            ExprKind::Compare(op @ (CompareOp::Equal | CompareOp::NotEqual), left, right) => {
                match (&left.kind, &right.kind) {
                    (ExprKind::Field(slot), ExprKind::Literal(Literal::Text(word)))
                    | (ExprKind::Literal(Literal::Text(word)), ExprKind::Field(slot)) => {
                        let is_equal = *op == CompareOp::Equal;
                        Self::where_word(*slot, |found| (found == word) == is_equal)
                    }
                    _ => Self::ALL,
                }
            }
            ExprKind::In { item, set: Membership::Words(words), negated } => match item.kind {
                ExprKind::Field(slot) => Self::where_word(slot, |found| {
                    words.iter().any(|word| word == found) != *negated
                }),
                _ => Self::ALL,
            },
            _ => Self::ALL,
        }
    }

    /// Both sets at once.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether transactions at `place` are in the set.
    pub const fn holds(self, place: usize) -> bool {
        self.0 & (1 << place) != 0
    }

    /// The transactions whose type, or direction, is a word that `is_in` accepts.
    fn where_word(slot: Slot, is_in: impl Fn(&str) -> bool) -> Self {
        let word_of: fn(TransactionKind, bool) -> &'static str = match slot {
            Slot::TX_TYPE => |kind, _| kind.word(),
            Slot::TX_DIRECTION => |_, is_inbound| if is_inbound { "in" } else { "out" },
            _ => return Self::ALL,
        };
        let mut set = Self(0);
        for &kind in TransactionKind::ALL {
            for is_inbound in [false, true] {
                if is_in(word_of(kind, is_inbound)) {
                    set.0 |= 1 << place(kind, is_inbound);
                }
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rulebook::loader;

    fn woken(condition: &str) -> Vec<String> {
        let text = format!(
            "lang: 1\nrule: r\ntitle: t\nseverity: low\ntrigger: transaction\nentity: customer\n\
             let:\n  is_wire: tx.type == \"wire\"\nwhen: |\n  {condition}\n\
             alert: {{ score: 1, message: m }}\n"
        );
        let loaded = loader::load(&BTreeMap::from([("r.yaml".to_owned(), text)]));
        let rulebook = loaded.rulebook.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
        let rule = rulebook.rules.first().expect("a rule");
        let wake = Wake::of(rule, &rule.when);
        let all = TransactionKind::ALL.iter().flat_map(|&kind| [(kind, false), (kind, true)]);
        all.filter(|&(kind, is_inbound)| wake.holds(place(kind, is_inbound)))
            .map(|(kind, is_inbound)| {
                format!("{} {}", kind.word(), if is_inbound { "in" } else { "out" })
            })
            .collect()
    }

    #[test]
    fn what_is_impossible_by_type_and_direction_wakes_nothing() {
        let all = PLACES;
        for (condition, expected) in [
            ("tx.type == \"wire\" and tx.direction == \"in\"", 1),
            ("is_wire and tx.amount > 5", 2),
            ("tx.type in [\"wire\", \"card\"] and tx.direction != \"out\"", 2),
            ("tx.type == \"wire\" or tx.direction == \"in\"", all / 2 + 1),
            ("tx.type == \"wire\" or tx.amount > 5", all),
            ("not (tx.type == \"wire\")", all),
            ("tx.type not in [\"wire\"]", all - 2),
            ("tx.type == \"wire\" and tx.type == \"card\"", 0),
            ("if(tx.amount > 5, is_wire, tx.amount > 3)", all),
            ("tx.branch == \"wire\"", all),
        ] {
            assert_eq!(woken(condition).len(), expected, "{condition}: {:?}", woken(condition));
        }
        assert_eq!(woken("is_wire and tx.direction == \"in\""), ["wire in"]);
    }
}

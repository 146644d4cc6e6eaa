//! Rules about few things, so that their conditions say something about each other.

use super::draft::Draft;
use super::tape::Tape;
use super::writer::Writer;

/// A rule from a tape.
pub fn narrow(bytes: &[u8]) -> Draft {
    let mut writer = Writer::new(Tape::new(bytes));
    let params = writer.params();
    let lets = vec![
        ("n".to_owned(), "(count(transaction) by customer over 1h)".to_owned()),
        ("ratio".to_owned(), writer.tape.pick(SUBJECTS).to_owned()),
        ("known".to_owned(), writer.narrow_truth(1)),
    ];
    let filter = writer.tape.one_in(2).then(|| writer.narrow_leaf());
    let when = writer.narrow_truth(3);
    let unless =
        vec![("e0".to_owned(), writer.narrow_truth(1)), ("e1".to_owned(), writer.narrow_truth(2))];
    let (score, message) = ("1".to_owned(), "seen".to_owned());
    let entity = writer.tape.pick(&["customer", "account"]);
    Draft { entity, filter, params, lets, when, unless, score, message, cooldown: None }
}

/// Numbers that narrow conditions are about; none reads a window.
const SUBJECTS: &[&str] = &[
    "tx.amount",
    "tx.extra.points",
    "floor",
    "customer.expected_turnover",
    "abs(tx.extra.points)",
    "round(tx.amount)",
    "min(tx.amount, 100)",
    "max(tx.extra.points, 3)",
    "-tx.extra.points",
    "(tx.amount + 1)",
    "(tx.extra.points * 2)",
    "(100 / tx.extra.points)",
    "hour(now)",
    "if(customer.known, 1, 3)",
    "(tx.extra.points ?? 0)",
    "clamp(tx.extra.points, 0, 1)",
    "mod(tx.amount, 10)",
    "(tx.extra.points / 3)",
    "(tx.amount - tx.amount)",
    "if(tx.extra.flag, tx.extra.points, 2)",
    "(floor * tx.extra.points)",
    "round(tx.extra.points, 1)",
    "lookup(list.watch, tx.country, \"limit\")",
    "(1d / tx.extra.pause)",
];

const LENGTHS: &[&str] = &[
    "(now - customer.since)",
    "tx.extra.pause",
    "(tx.extra.pause * 2)",
    "grace",
    "(tx.extra.pause / 2)",
    "(pause + 1h)",
    "max(tx.extra.pause, 0s)",
    "-tx.extra.pause",
];

impl Writer<'_> {
    fn narrow_truth(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.narrow_leaf();
        }
        let first = self.narrow_truth(depth - 1);
        match self.tape.below(6) {
            0 => first,
            1 => format!("(({first}) and ({}))", self.narrow_truth(depth - 1)),
            2 => format!("(({first}) or ({}))", self.narrow_truth(depth - 1)),
            3 => format!("not ({first})"),
            4 => {
                let (yes, no) = (self.narrow_truth(depth - 1), self.narrow_truth(depth - 1));
                format!("if({first}, {yes}, {no})")
            }
            _ => format!("(({first}) ?? ({}))", self.narrow_truth(depth - 1)),
        }
    }

    fn narrow_leaf(&mut self) -> String {
        let sign = self.tape.pick(&["<", ">=", "==", "!=", "<=", ">"]);
        match self.tape.below(10) {
            0..3 => {
                let constant = self.tape.pick(&["0", "1", "3", "100", "8000", "-1", "0.5", "2"]);
                format!("{} {sign} {constant}", self.tape.pick(SUBJECTS))
            }
            3 => format!("{} {sign} {}", self.tape.pick(SUBJECTS), self.tape.pick(SUBJECTS)),
            4 => format!(
                "{} {sign} {}",
                self.tape.pick(LENGTHS),
                self.tape.pick(&["0s", "1h", "1d"])
            ),
            5 => {
                let subject = self.tape.pick(SUBJECTS);
                format!("has({})", self.tape.pick(&[subject, "tx.country", "tx.extra.flag"]))
            }
            6 => self.listed(),
            7 => self
                .tape
                .pick(&["tx.extra.flag", "customer.known", "has(tx.extra.tier)"])
                .to_owned(),
            8 => {
                let sign = self.tape.pick(&["==", "!="]);
                format!(
                    "tx.extra.flag {sign} {}",
                    self.tape.pick(&["true", "customer.known", "false"])
                )
            }
            _ => self.word(),
        }
    }
}

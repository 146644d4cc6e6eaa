//! The meaning of expressions and rules as text: equal texts mean the same.
//!
//! Names of parameters and `let`s are replaced by what they stand for, so two rules that write the
//! same filter in other words share one series, and editing a comment moves no state. A rule's meaning
//! digest covers what decides and what is asked for, and the lists that are read; words for people
//! (title, message, reason, tags, remarks, order of keys) and tests are not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::call::Call;
use super::catalogue::{Role, Slot};
use super::institution::Institution;
use super::pattern::{Pattern, Shape};
use super::typed::{
    Aggregate, Expr, ExprKind, List, Literal, Membership, ParamValue, Rule, Status, WindowSpan,
};
use super::waking::{EventFilter, Sequence, Timer, TimerKind};

/// Hexadecimal BLAKE3 of what `rule` means, with `lists` as they are now.
///
/// A rule whose digest is unchanged raises the same alerts, in other words perhaps.
#[must_use]
pub fn rule_digest(
    rule: &Rule,
    lists: &BTreeMap<String, List>,
    institution: &Institution,
) -> String {
    let text = rule_text(rule, lists, institution);
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn rule_text(rule: &Rule, lists: &BTreeMap<String, List>, institution: &Institution) -> String {
    let mut out = String::new();
    let is_shadow = rule.status == Status::Shadow;
    let _ = writeln!(out, "rule {:?} shadow {is_shadow}", rule.name);
    let _ = writeln!(out, "class {} severity {}", rule.class.word(), rule.severity.word());
    let _ = write!(out, "wakes {:?} about ", rule.trigger);
    write_key(&mut out, rule, rule.entity);
    out.push('\n');
    if let Some(timer) = &rule.timer {
        let _ = writeln!(out, "timer {}", timer_text(rule, timer));
    }
    if let Some(effective) = rule.effective {
        let _ = writeln!(out, "effective {:?} {:?}", effective.from, effective.to);
    }
    if let Some(sequence) = &rule.sequence {
        write_sequence(&mut out, rule, sequence);
    }
    let mut part = |name: &str, expr: &Expr| {
        let _ = write!(out, "{name} ");
        write_expr(&mut out, rule, expr);
        out.push('\n');
    };
    rule.filter.iter().for_each(|filter| part("where", filter));
    part("when", &rule.when);
    // Exceptions are counted by name, so that the name is part of what happens.
    for exception in &rule.unless {
        part(&format!("unless {:?}", exception.name), &exception.expr);
    }
    part("score", &rule.alert.score);
    if let Some(when) = rule.rekyc.as_ref().and_then(|spec| spec.when.as_ref()) {
        part("rekyc when", when);
    }
    let _ = writeln!(out, "cooldown {:?}", rule.alert.cooldown);
    if !rule.alert.dedup.is_empty() {
        out.push_str("dedup ");
        rule.alert.dedup.iter().for_each(|role| write_key(&mut out, rule, *role));
        out.push('\n');
    }
    if let Some(spec) = &rule.rekyc {
        let (scope, level, cause) = (spec.scope.word(), spec.level.word(), spec.cause.word());
        let _ = writeln!(out, "rekyc {scope} {level} {cause} due {:?}", spec.due);
    }
    for name in lists_read(rule) {
        let version = lists.get(&name).map(|list| &list.digest);
        let _ = writeln!(out, "list {name:?} {version:?}");
    }
    let calls = |is_such: fn(&Call) -> bool| {
        let mut found = false;
        let mut note = |expr: &Expr| {
            found |= matches!(&expr.kind, ExprKind::Call(call, _) if is_such(call));
        };
        rule.each_expr(&mut |expr| expr.each_part(&mut note));
        found
    };
    // Days, weeks and buckets begin at midnight there.
    let has_calendar = rule
        .aggregates
        .iter()
        .any(|it| it.per.is_some() || matches!(it.window.span, WindowSpan::Calendar(_)));
    if has_calendar || calls(|call| matches!(call, Call::Hour | Call::Weekday | Call::DayOfMonth)) {
        let _ = writeln!(out, "zone {:?}", institution.zone.iana_name());
    }
    if calls(|call| matches!(call, Call::Convert { .. })) {
        let _ = writeln!(out, "base {:?}", institution.base_currency);
    }
    out
}

/// The names of the lists that `rule` reads.
#[must_use]
pub fn lists_read(rule: &Rule) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut note = |expr: &Expr| match &expr.kind {
        ExprKind::In { set: Membership::List(name), .. } => names.extend([name.clone()]),
        ExprKind::Call(call, _) => names.extend(call.list().map(str::to_owned)),
        _ => {}
    };
    rule.each_expr(&mut |expr| expr.each_part(&mut note));
    names
}

fn write_aggregate(out: &mut String, rule: &Rule, aggregate: &Aggregate) {
    let Aggregate { function, percent, per, source, value, filter, by, window, span: _ } =
        aggregate;
    let _ = write!(out, "({function:?} {percent:?} of {source:?} by ");
    for key in by {
        write_key(out, rule, *key);
    }
    let _ = write!(out, "over {window:?}");
    if let Some(per) = per {
        let _ = write!(out, " {per:?}");
    }
    for (word, expr) in [("value", value), ("where", filter)] {
        if let Some(expr) = expr {
            let _ = write!(out, " {word} ");
            write_expr(out, rule, expr);
        }
    }
    out.push(')');
}

/// A field by its name; one of a deployment with its type, which may change under the same name.
fn write_field(out: &mut String, rule: &Rule, slot: Slot) {
    let field = rule.catalogue.field(slot);
    out.push_str(&field.path);
    if slot.is_custom() {
        let _ = write!(out, ":{}", field.ty.word());
    }
}

/// A role by its name and the fields that carry it, which a deployment may change.
/// What a timer waits for, as text: equal texts keep equal state.
#[must_use]
pub fn timer_text(rule: &Rule, timer: &Timer) -> String {
    let mut out = String::from("by ");
    write_key(&mut out, rule, timer.by);
    let event = |out: &mut String, word: &str, filter: &EventFilter| {
        let _ = write!(out, "{word} {:?} ", filter.event);
        if let Some(filter) = &filter.filter {
            write_expr(out, rule, filter);
        }
    };
    match &timer.kind {
        TimerKind::Absent { event: absent, after, length } => {
            event(&mut out, "absent", absent);
            if let Some(after) = after {
                event(&mut out, "after", after);
            }
            let _ = write!(out, "for {length:?}");
        }
        TimerKind::Due { fact, after } => {
            let _ = write!(out, "due {} after {after:?}", rule.catalogue.field(*fact).path);
        }
    }
    out
}

fn write_sequence(out: &mut String, rule: &Rule, sequence: &Sequence) {
    out.push_str("sequence by ");
    sequence.by.iter().for_each(|key| write_key(out, rule, *key));
    let _ = writeln!(out, "within {:?}", sequence.within);
    for step in &sequence.steps {
        let _ = write!(out, "step {} {:?}", step.name.is_some(), step.event);
        for expr in step.own.iter().chain(&step.links) {
            out.push(' ');
            write_expr(out, rule, expr);
        }
        out.push('\n');
    }
}

fn write_key(out: &mut String, rule: &Rule, key: Role) {
    out.push_str(&rule.catalogue.role_text(key));
    out.push(' ');
}

fn write_pattern(out: &mut String, rule: &Rule, pattern: &Pattern) {
    let Pattern { shape, filter, within, span: _ } = pattern;
    match shape {
        Shape::Shared { roles, hub } => {
            let _ = write!(out, "(shared hub {hub} by ");
            for role in roles {
                write_key(out, rule, *role);
            }
        }
        _ => {
            let _ = write!(out, "({shape:?}");
        }
    }
    let _ = write!(out, " within {within:?}");
    if let Some(filter) = filter {
        out.push_str(" where ");
        write_expr(out, rule, filter);
    }
    out.push(')');
}

/// The canonical text of `expr` in `rule`.
#[must_use]
pub fn canonical(rule: &Rule, expr: &Expr) -> String {
    let mut text = String::new();
    write_expr(&mut text, rule, expr);
    text
}

fn write_expr(out: &mut String, rule: &Rule, expr: &Expr) {
    match &expr.kind {
        ExprKind::Literal(literal) => write_literal(out, literal),
        ExprKind::Field(slot) => write_field(out, rule, *slot),
        ExprKind::Param(index) => match rule.params.get(*index).map(|param| &param.value) {
            Some(ParamValue::Constant(literal)) => write_literal(out, literal),
            Some(ParamValue::Table(table)) => {
                out.push_str("(table");
                for slot in &table.by {
                    out.push(' ');
                    write_field(out, rule, *slot);
                }
                for (pattern, literal) in &table.rows {
                    let _ = write!(out, " {pattern:?} ");
                    write_literal(out, literal);
                }
                if let Some(default) = &table.default {
                    out.push_str(" default ");
                    write_literal(out, default);
                }
                out.push(')');
            }
            None => out.push('?'),
        },
        ExprKind::Let(index) => match rule.lets.get(*index) {
            Some(inner) => write_expr(out, rule, &inner.expr),
            None => out.push('?'),
        },
        ExprKind::Matches(index) => match rule.matches.get(*index) {
            Some(read) => {
                let _ = write!(out, "(matches {:?} {:?} by ", read.rule, read.within);
                write_key(out, rule, read.by);
                out.push(')');
            }
            None => out.push('?'),
        },
        ExprKind::Bound(step, kept) => {
            let remembered =
                rule.sequence.as_ref().and_then(|it| it.steps.get(*step)?.kept.get(*kept));
            let _ = write!(out, "(of step {step} ");
            match remembered {
                Some(remembered) => write_expr(out, rule, remembered),
                None => out.push('?'),
            }
            out.push(')');
        }
        ExprKind::Aggregate(index) => match rule.aggregates.get(*index) {
            Some(aggregate) => write_aggregate(out, rule, aggregate),
            None => out.push('?'),
        },
        ExprKind::Pattern(index) => match rule.patterns.get(*index) {
            Some(pattern) => write_pattern(out, rule, pattern),
            None => out.push('?'),
        },
        _ => {
            let _ = write!(out, "({}", head(&expr.kind));
            for child in expr.parts() {
                out.push(' ');
                write_expr(out, rule, child);
            }
            out.push(')');
        }
    }
}

/// What an expression does with its parts.
fn head(kind: &ExprKind) -> String {
    match kind {
        ExprKind::Not(_) => "not".to_owned(),
        ExprKind::Negate(_) => "negate".to_owned(),
        ExprKind::And(_) => "and".to_owned(),
        ExprKind::Or(_) => "or".to_owned(),
        ExprKind::Compare(op, ..) => op.word().to_owned(),
        ExprKind::Arithmetic(op, ..) => format!("{op:?}"),
        ExprKind::In { set, negated, .. } => {
            let word = if *negated { "not in" } else { "in" };
            match set {
                Membership::Words(words) => format!("{word} {words:?}"),
                Membership::List(name) => format!("{word} list.{name}"),
            }
        }
        ExprKind::Default(..) => "default".to_owned(),
        ExprKind::If(..) => "if".to_owned(),
        ExprKind::Has(_) => "has".to_owned(),
        ExprKind::Min(..) => "min".to_owned(),
        ExprKind::Max(..) => "max".to_owned(),
        ExprKind::Clamp(..) => "clamp".to_owned(),
        ExprKind::Abs(_) => "abs".to_owned(),
        ExprKind::Round(_, places) => format!("round {places}"),
        ExprKind::Call(call, _) => call.canonical(),
        ExprKind::Score => "score".to_owned(),
        ExprKind::EventId => "event id".to_owned(),
        ExprKind::Literal(_)
        | ExprKind::Field(_)
        | ExprKind::Param(_)
        | ExprKind::Let(_)
        | ExprKind::Bound(..)
        | ExprKind::Matches(_)
        | ExprKind::Aggregate(_)
        | ExprKind::Pattern(_) => String::new(),
        ExprKind::Member(_, member) => format!("member {}", member.word()),
    }
}

fn write_literal(out: &mut String, literal: &Literal) {
    let _ = match literal {
        Literal::Number(number) => write!(out, "{}", number.normalize()),
        Literal::Text(text) => write!(out, "{text:?}"),
        Literal::Duration(span) => write!(out, "{}us", span.0),
        Literal::Bool(value) => write!(out, "{value}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rulebook::catalogue::Catalogue;
    use crate::rulebook::check;

    const RULE: &str = r#"lang: 1
rule: r
title: a title
severity: high
trigger: transaction
entity: customer
params:
  least: 3
let:
  n: count(transaction where tx.country in list.far) by customer over 7d
when: n >= least
unless:
  - small: tx.amount < 10
alert: { score: 50, message: "{n} payments" }
"#;

    fn digest(text: &str, far: &str) -> String {
        let (list, problems) =
            crate::rulebook::lists::read("lists/far.csv", &format!("value\n{far}\n"));
        assert_eq!(problems, []);
        let lists = BTreeMap::from([("far".to_owned(), list)]);
        let (rule, problems) =
            check::check("p/r.yaml", text, &Catalogue::built_in(), &lists, &Institution::default());
        let rule = rule.unwrap_or_else(|| panic!("{problems:#?}"));
        rule_digest(&rule, &lists, &Institution::default())
    }

    #[test]
    fn words_for_people_change_no_meaning_and_what_decides_does() {
        let before = digest(RULE, "KP");
        for (from, to) in [
            ("title: a title\n", "title: another title   # a remark\n"),
            ("{n} payments", "too many: {n}"),
            ("least: 3", "least: 3.00"),
            ("params:\n  least: 3\nlet:", "let:"),
            ("let:\n  n:", "let:\n  number:"),
            (
                "title: a title",
                "title: a title\nversion: 1.0.0\nowner: o\nmisses: all\nexpected_alerts: 2",
            ),
            (
                "least: 3",
                "least: { value: 3, unit: payments, min: 1, max: 9, confidence: DES, why: w }",
            ),
        ] {
            let mut text = RULE.replace(from, to);
            if from.starts_with("params") {
                text = text.replace("least", "3");
            }
            if from.starts_with("let") {
                text = text.replace("n >= least", "number >= least").replace("{n}", "{number}");
            }
            assert_ne!(text, RULE, "{from}");
            assert_eq!(digest(&text, "KP"), before, "{from} -> {to}");
        }
        for (from, to) in [
            ("least: 3", "least: 4"),
            ("least: 3", "least: { value: 4, unit: payments, min: 1, max: 9 }"),
            ("over 7d", "over 8d"),
            (">= least", "> least"),
            ("< 10", "< 11"),
            ("- small:", "- tiny:"),
            ("score: 50", "score: 51"),
            ("severity: high", "severity: low"),
            ("by customer over", "by account over"),
            ("entity: customer", "entity: account"),
            ("title: a title", "title: a title\nstatus: shadow"),
        ] {
            let text = RULE.replace(from, to);
            assert_ne!(text, RULE, "{from}");
            assert_ne!(digest(&text, "KP"), before, "{from} -> {to}");
        }
        assert_ne!(digest(RULE, "KP\nIR"), before, "a list that is read");
    }

    #[test]
    fn the_institution_is_part_of_the_meaning_only_where_it_decides() {
        let zoned = Institution {
            zone: crate::rulebook::institution::zone_named("Asia/Tokyo").expect("a zone"),
            base_currency: None,
            ..Institution::default()
        };
        let digest = |text: &str, institution: &Institution| {
            let lists = BTreeMap::from([("far".to_owned(), List::default())]);
            let catalogue = Catalogue::built_in();
            let (rule, problems) = check::check("p/r.yaml", text, &catalogue, &lists, institution);
            rule_digest(&rule.unwrap_or_else(|| panic!("{problems:#?}")), &lists, institution)
        };
        let utc = Institution::default();
        assert_eq!(digest(RULE, &utc), digest(RULE, &zoned));
        let nightly = RULE.replace("n >= least", "n >= least and hour(now) >= 22");
        assert_ne!(digest(&nightly, &utc), digest(&nightly, &zoned));
        let monthly = RULE.replace("over 7d", "over calendar month");
        assert_ne!(digest(&monthly, &utc), digest(&monthly, &zoned));
        let usual = "avg(count(transaction) per 1d) by customer over previous 90d";
        let daily = RULE.replace("n >= least", &format!("n >= least and n > ({usual})"));
        assert_ne!(daily, RULE);
        assert_ne!(digest(&daily, &utc), digest(&daily, &zoned));
    }
}

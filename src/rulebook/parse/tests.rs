//! How expressions are read: binding, windows, several problems at once, and bounds.

use super::*;
use crate::rulebook::syntax::{LengthSyntax, OptionSyntax};

fn parsed(text: &str) -> Syntax {
    let (syntax, problems) =
        expression("rule.yaml", text, SourceSpan { start: 0, end: text.len() });
    assert_eq!(problems, [], "{text}");
    syntax
}

fn codes(text: &str) -> Vec<&'static str> {
    let (_, problems) = expression("rule.yaml", text, SourceSpan { start: 0, end: text.len() });
    problems.into_iter().map(|problem| problem.code).collect()
}

/// The syntax with all brackets written out.
fn shape(syntax: &Syntax) -> String {
    let joined = |parts: &[Syntax], by: &str| {
        format!("({})", parts.iter().map(shape).collect::<Vec<_>>().join(by))
    };
    match &syntax.kind {
        SyntaxKind::Error => "?".to_owned(),
        SyntaxKind::Number(number) => number.to_string(),
        SyntaxKind::Duration(duration) => duration.to_string(),
        SyntaxKind::Text(text) => format!("{text:?}"),
        SyntaxKind::Bool(value) => value.to_string(),
        SyntaxKind::Path(path) => path.clone(),
        SyntaxKind::List(items) => joined(items, ", "),
        SyntaxKind::Not(inner) => format!("(not {})", shape(inner)),
        SyntaxKind::Negate(inner) => format!("(-{})", shape(inner)),
        SyntaxKind::And(parts) => joined(parts, " and "),
        SyntaxKind::Or(parts) => joined(parts, " or "),
        SyntaxKind::Compare(op, a, b) => format!("({} {} {})", shape(a), op.word(), shape(b)),
        SyntaxKind::Arithmetic(op, a, b) => format!("({op:?} {} {})", shape(a), shape(b)),
        SyntaxKind::Default(a, b) => format!("({} ?? {})", shape(a), shape(b)),
        SyntaxKind::In { item, set, negated } => {
            format!("({}{} in {})", shape(item), if *negated { " not" } else { "" }, shape(set))
        }
        SyntaxKind::Call { function, arguments } => {
            format!("{}{}", function.word(), joined(arguments, ", "))
        }
        SyntaxKind::Aggregate(fold) => format!("{:?} {}", fold.function, shape(&fold.head)),
        SyntaxKind::Buckets(fold) => {
            let repeat = fold.repeat.map(|(repeat, _)| format!(" {repeat:?}"));
            let repeat = repeat.unwrap_or_default();
            format!("({:?} {} per {}{repeat})", fold.function, shape(&fold.head), fold.length.0)
        }
        SyntaxKind::Pattern(pattern) => {
            let option = |option: &OptionSyntax| {
                let to =
                    option.to.as_ref().map(|to| format!("..{}", shape(to))).unwrap_or_default();
                format!("{}: {}{to}", option.name, shape(&option.value))
            };
            let options: Vec<String> = pattern.options.iter().map(option).collect();
            let by: Vec<&str> = pattern.by.iter().map(|(role, _)| role.as_str()).collect();
            format!("{}({}) by {}", pattern.form.word(), options.join(", "), by.join(", "))
        }
    }
}

#[test]
fn operators_bind_as_the_language_says() {
    for (text, expected) in [
        ("a or b and not c == d", "(a or (b and (not (c == d))))"),
        ("a && b || !c", "((a and b) or (not c))"),
        ("a + b * c - d", "(Subtract (Add a (Multiply b c)) d)"),
        ("a > 3 * (b ?? 0)", "(a > (Multiply 3 (b ?? 0)))"),
        ("a ?? b + 1", "(a ?? (Add b 1))"),
        ("-a * b", "(Multiply (-a) b)"),
        ("a not in [\"x\", \"y\"] and b", "((a not in (\"x\", \"y\")) and b)"),
        ("a and b and c", "(a and b and c)"),
        ("min(a, b) + max(1, 2, 3)", "(Add min(a, b) max(1, 2, 3))"),
        ("if(a, 1, 0)", "if(a, 1, 0)"),
        ("min(a) by customer over 7d", "Min a"),
        ("max_of(a where b) by customer over 7d / 2", "(Divide Max a 2)"),
        ("avg(sum(a where b) per 1d) by c over previous 9d", "Avg (Sum a per 1d)"),
        (
            "percentile(count(a) per 1h at this hour, 9) by c over d",
            "Percentile (Count a per 1h Hour)",
        ),
        ("max(sum(a) per 1d on this weekday) by c over previous 90d", "Max (Sum a per 1d Weekday)"),
    ] {
        assert_eq!(shape(&parsed(text)), expected, "{text}");
    }
}

#[test]
fn a_window_keeps_its_length_and_its_end() {
    let syntax = parsed("avg(tx.amount where a and b) by account, customer over w ending 24h ago");
    let SyntaxKind::Aggregate(fold) = syntax.kind else { panic!("an aggregate was expected") };
    assert_eq!(
        fold.by.iter().map(|(role, _)| role.as_str()).collect::<Vec<_>>(),
        ["account", "customer"]
    );
    let window = fold.window.expect("a window");
    assert_eq!(window.length, LengthSyntax::Parameter("w".to_owned()));
    assert_eq!(window.ending_ago.expect("an end").0, crate::domain::Span::hours(24));
}

#[test]
fn every_kind_of_window_is_read() {
    for (text, length, is_previous) in [
        ("previous 90d", LengthSyntax::Duration(crate::domain::Span::days(90)), true),
        ("previous lifetime", LengthSyntax::Lifetime, true),
        ("calendar week", LengthSyntax::Calendar("week".to_owned()), false),
        ("last 10", LengthSyntax::Last(10.into()), false),
        ("previous last 10", LengthSyntax::Last(10.into()), true),
    ] {
        let syntax = parsed(&format!("percentile(a where b, 95) by account over {text}"));
        let SyntaxKind::Aggregate(fold) = syntax.kind else { panic!("an aggregate: {text}") };
        let window = fold.window.expect("a window");
        assert_eq!((window.length, window.is_previous), (length, is_previous), "{text}");
        assert!(fold.percent.is_some(), "{text}");
    }
    let SyntaxKind::Aggregate(fold) = parsed("since(kyc.refreshed where a) by b").kind else {
        panic!("an aggregate")
    };
    assert_eq!(fold.window, None);
}

#[test]
fn several_problems_of_one_expression_are_all_reported() {
    assert_eq!(codes("a = 1 and (b > and c == 1e5"), ["E101", "E105", "E101", "E102"]);
    assert_eq!(codes("a > 10,000 and b < 1 < 2"), ["E104", "E108"]);
    assert_eq!(codes("sum(a where a > 10,000) by customer over 7d"), ["E104"]);
    assert_eq!(codes("a b and c d"), ["E101", "E101"]);
    assert_eq!(codes(""), ["E109"]);
    assert_eq!(codes("a and"), ["E101"]);
}

#[test]
fn forms_of_later_versions_are_named_and_cause_nothing_else() {
    let text = "reaches(list.x, hops: 2, within: 30d) by account and b";
    assert_eq!(codes(text), ["E106"]);
}

#[test]
fn depth_is_bounded_whatever_is_written() {
    let nested = format!("{}1{}", "(".repeat(500), ")".repeat(500));
    let signs = format!("{}1", "- ".repeat(5_000));
    let chain = format!("1{}", " + 1".repeat(20_000));
    for text in [nested, signs, chain] {
        assert_eq!(codes(&text), ["E110"]);
    }
}

#[test]
fn patterns_have_named_options_and_a_range() {
    for (text, expected) in [
        (
            "cycle(hops: 3..5, within: 72h, keep: 0.8, where: tx.amount > 1 or a) by account and b",
            "(cycle(hops: 3..5, within: 3d, keep: 0.8, where: ((tx.amount > 1) or a)) by account and b)",
        ),
        (
            "has(shared(by: [device, ip], within: w) by customer)",
            "has(shared(by: (device, ip), within: w) by customer)",
        ),
    ] {
        assert_eq!(shape(&parsed(text)), expected);
    }
    for (text, expected) in [
        ("cycle(3..5, 72h) by account and a", vec!["E090"]),
        ("cycle(hops: 3..5, within: 72h) by account over 7d and a", vec!["E090"]),
        ("cycle(hops: 3..5) and a", vec!["E112"]),
        ("cycle(hops: 3..5", vec!["E102", "E112"]),
        ("3..5", vec!["E101"]),
    ] {
        assert_eq!(codes(text), expected, "{text}");
    }
}

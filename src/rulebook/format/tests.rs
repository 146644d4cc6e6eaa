//! What the layout does, by before and after.

use super::*;

#[track_caller]
fn formats(before: &str, after: &str) {
    let formatted = format("pack/rule.yaml", before).expect("it can be formatted");
    assert_eq!(formatted, after);
    assert_eq!(format("pack/rule.yaml", &formatted).expect("formatted text"), after, "twice");
}

#[test]
fn expressions_get_their_spaces_and_words() {
    for (before, after) in [
        ("a&&b||!c", "a and b or not c"),
        ("(a>=1)and(b<-2)", "(a >= 1) and (b < -2)"),
        ("a - -b", "a - -b"),
        ("-a*2", "-a * 2"),
        ("clamp( 1 ,2,- 3 )", "clamp(1, 2, -3)"),
        ("tx.type in[\"a\",\"b c\"]", "tx.type in [\"a\", \"b c\"]"),
        ("tx.type not   in list.x", "tx.type not in list.x"),
        (
            "count (transaction where a)by x , y over 7d",
            "count(transaction where a) by x, y over 7d",
        ),
        ("sum(a)by x over 9d ending 1d ago??0", "sum(a) by x over 9d ending 1d ago ?? 0"),
        ("not(a)", "not (a)"),
        ("8_000.50+0.10", "8_000.50 + 0.10"),
    ] {
        formats(&format!("when: {before}\n"), &format!("when: {after}\n"));
    }
}

#[test]
fn lines_and_comments_of_a_condition_stay_and_brackets_indent() {
    formats(
        "when: |\n     a>=1   # first\n     # own\n\n\n     and max(\n         b,\n     c\n       )>2\nlet:\n  x: |-\n      1\n",
        "let:\n  x: |-\n    1\n\nwhen: |\n  a >= 1    # first\n  # own\n\n  and max(\n    b,\n    c\n  ) > 2\n",
    );
}

#[test]
fn keys_are_sorted_with_their_comments_and_paragraphs_are_set_apart() {
    formats(
        "# about the file\n\n# about when\nwhen: a\nrule: x # name\nlang: 1\n\n# the event\ntrigger: transaction\n\nentity: account\nparams:\n    # first\n    b: 1\n\n\n    a: 2\n    # last\n# end\n",
        "# about the file\n\nlang: 1\nrule: x  # name\n\n# the event\ntrigger: transaction\nentity: account\n\nparams:\n  # first\n  b: 1\n\n  a: 2\n  # last\n\n# about when\nwhen: a\n# end\n",
    );
}

#[test]
fn what_is_said_of_a_rule_and_of_its_parameters_is_in_one_order() {
    formats(
        "rule: x\nowner: o\nversion: 1.0.0\nreferences:\n- confidence: REG\n  # which\n  cite: law\nentity: account\nparams:\n  a:\n    why: w\n    max: 9\n    value: 1\nchanges:\n- what: first\n  version: 1.0.0\ntests: []\n",
        "rule: x\nversion: 1.0.0\nreferences:\n  # which\n  - cite: law\n    confidence: REG\n\nowner: o\n\nentity: account\n\nparams:\n  a:\n    value: 1\n    max: 9\n    why: w\n\nchanges:\n  - version: 1.0.0\n    what: first\n\ntests: []\n",
    );
}

#[test]
fn an_editors_line_stays_the_first() {
    formats(
        "# yaml-language-server: $schema=../.schema/rule.schema.json\nrule: x\nlang: 1\n",
        "# yaml-language-server: $schema=../.schema/rule.schema.json\nlang: 1\nrule: x\n",
    );
}

#[test]
fn lists_and_mappings_are_indented_by_two() {
    formats(
        "unless:\n- a:   x>1\n-   b: y\ntests:\n-\n   events: []\n   # why\n   name: n\n-     name: m   # second\n\n      alerts: [ ]\n",
        "unless:\n  - a: x > 1\n  - b: y\n\ntests:\n  # why\n  - name: n\n    events: []\n  - name: m     # second\n\n    alerts: []\n",
    );
}

#[test]
fn brackets_get_spaces_and_keep_their_lines() {
    formats(
        "tags: {a: [x,y], 'b' : \"q, r\",}\nparams:\n  t: {by: customer.risk, # how\n      values: {low: 1,\n   high: 2}}\n  e: { }\n",
        "tags: { a: [x, y], 'b': \"q, r\" }\n\nparams:\n  t: { by: customer.risk,  # how\n    values: { low: 1,\n      high: 2 } }\n  e: {}\n",
    );
}

#[test]
fn texts_keep_every_sign() {
    formats(
        "about: |\n      Two  spaces,\n\n        a deeper line; a>=b\n      #no comment\ntitle:   \"it's  a>=b\"\nalert:\n   message: >-\n     {n:money}  of\n     {m}\n   score: 1+1\n",
        "title: \"it's  a>=b\"\nabout: |\n  Two  spaces,\n\n    a deeper line; a>=b\n  #no comment\n\nalert:\n  score: 1 + 1\n  message: >-\n    {n:money}  of\n    {m}\n",
    );
}

#[test]
fn values_on_the_next_line_move_up_unless_a_comment_stands_between() {
    formats(
        "when:\n    a>1\n    and b\nlet:\n  x: # why\n    1+1\n  y:\n    # how\n    2\n  z: \"a>1\" # q\n",
        "let:\n  x:  # why\n    1 + 1\n  y:\n    # how\n    2\n  z: \"a > 1\"  # q\n\nwhen: a > 1\n  and b\n",
    );
}

#[test]
fn what_cannot_be_read_is_reported() {
    for (text, code) in [("a: [", "E001"), ("when: (a\n", "E102"), ("a: &x 1\n", "E005")] {
        let Err(Refused::Unreadable(problems)) = format("pack/rule.yaml", text) else {
            panic!("{text} was formatted");
        };
        assert!(problems.iter().any(|problem| problem.code == code), "{problems:?}");
    }
    assert!(matches!(format("pack/rule.yaml", "- a\n"), Err(Refused::Altered(_))));
    assert!(matches!(format("pack/rule.yaml", "{ a: 1 }\n"), Err(Refused::Altered(_))));
}

#[test]
fn the_comparison_sees_what_would_have_changed() {
    let (root, _) = crate::rulebook::source::read("r.yaml", "when: a > 1 # why\nlet: { x: 1 }\n");
    let root = root.expect("a tree");
    let text = "when: a > 1 # why\nlet: { x: 1 }\n";
    let same = |new: &str| compare::must_say_the_same("r.yaml", (text, &root), new);
    assert_eq!(same("let: { x: 1 }\nwhen: a>1 # why\n"), Ok(()));
    for new in [
        "when: a >= 1 # why\nlet: { x: 1 }\n",
        "when: a > 1 # why\nlet: { x: 1.0 }\n",
        "when: a > 1 # why\nlet: { x: \"1\" }\n",
        "when: a > 1\nlet: { x: 1 }\n",
        "when: a > 1 # why\nlet: { x: 1 }\nunless: []\n",
        "when: [",
    ] {
        assert!(same(new).is_err(), "{new}");
    }
}

//! Rule files: whatever the text, there is an answer, its places lie in the file, and what is accepted
//! can be compiled, told by heart, put into the layout and tested.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir::engine::rehearsal;
use weir::engine::{Engine, Limits};
use weir::rulebook::{loader, mutate, render};

use super::chance::Chance;
use super::{fuzz, seeds};

/// Words and signs of the language, and things that are nearly such.
const VOCABULARY: &[&str] = &[
    " and ",
    " or ",
    "not ",
    " in ",
    " not in ",
    "==",
    "!=",
    ">=",
    "<=",
    "<",
    ">",
    "+",
    "-",
    "*",
    "/",
    " ?? ",
    "(",
    ")",
    "[",
    "]",
    ",",
    ":",
    "{",
    "}",
    "|",
    ">",
    "#",
    "\"",
    "'",
    "\n",
    "\n  ",
    "\n- ",
    " ",
    "tx.amount",
    "tx.type",
    "tx.direction",
    "customer.risk",
    "account.opened_at",
    "kyc.device",
    "now",
    "score",
    "true",
    "false",
    "lifetime",
    "previous ",
    "calendar day",
    "last 3",
    "ending 1d ago",
    "7d",
    "90d",
    "0",
    "1",
    "0.1",
    "79228162514264337593543950335",
    "9999999d",
    "1e5",
    "-1",
    "count(",
    "sum(",
    "avg(",
    "distinct(",
    "stddev(",
    "median(",
    "percentile(",
    "since(",
    "first(",
    "min(",
    "max(",
    "clamp(",
    "round(",
    "if(",
    "has(",
    "abs(",
    "mod(",
    "hour(",
    "convert(",
    "lookup(",
    "cycle(",
    "matches(",
    "starts_with(",
    "name_similarity(",
    " where ",
    " by ",
    " over ",
    " per 1d",
    "customer",
    "account",
    "counterparty",
    "everyone",
    "transaction",
    "kyc.registered",
    "list.night_safe_accounts",
    "when: ",
    "where: ",
    "let:",
    "unless:",
    "params:",
    "tests:",
    "events:",
    "alerts:",
    "sequence:",
    "steps:",
    "\u{e9}",
    "\u{1f4b6}",
    "\u{feff}",
    "\u{0}",
    "\t",
    "\r\n",
    "&a",
    "*a",
    "!!x",
    "%",
    "<<: ",
    "? ",
    "---\n",
];

/// The seed with words and signs of the language put in, taken out or exchanged.
fn change_words(chance: &mut Chance, text: &mut String, other: &str) {
    for _ in 0..=chance.below(3) {
        let at = text.floor_char_boundary(chance.below(text.len() + 1));
        let end = text.ceil_char_boundary((at + chance.below(16)).min(text.len()));
        match chance.below(6) {
            0 => text.replace_range(at..end, ""),
            1 => {
                let from = other.floor_char_boundary(chance.below(other.len() + 1));
                let to = other.ceil_char_boundary((from + chance.below(80)).min(other.len()));
                text.replace_range(at..end, &other[from..to]);
            }
            2 => {
                let part = text[at..end].repeat(1 + chance.below(40));
                text.insert_str(at, &part);
            }
            3 => text.insert_str(at, chance.pick::<&str>(VOCABULARY)),
            _ => exchange_word(chance, text),
        }
    }
}

/// One word of the text by another word of it, which is what keeps most of it sound.
fn exchange_word(chance: &mut Chance, text: &mut String) {
    let is_part = |sign: char| sign.is_alphanumeric() || "_.".contains(sign);
    let words: Vec<(usize, &str)> = text
        .split(|sign| !is_part(sign))
        .filter(|word| !word.is_empty())
        .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
        .collect();
    if words.is_empty() {
        return;
    }
    let (at, word) = *chance.pick(&words);
    let instead = chance.pick(&words).1.to_owned();
    let end = at + word.len();
    text.replace_range(at..end, &instead);
}

/// A number that is built from the language itself, so that expressions are tried that no seed has.
fn number(chance: &mut Chance, depth: usize) -> String {
    if depth == 0 || chance.one_in(6) {
        let leaves = [
            "tx.amount",
            "1",
            "0.5",
            "n",
            "0",
            "79228162514264337593543950335",
            "customer.expected_turnover",
        ];
        return (*chance.pick(&leaves)).to_owned();
    }
    let (a, b, c) =
        (number(chance, depth - 1), number(chance, depth - 1), condition(chance, depth - 1));
    let forms = [
        format!("({a} + {b})"),
        format!("({a} - {b})"),
        format!("({a}) * ({b})"),
        format!("(({a}) / ({b}) ?? ({a}))"),
        format!("if({c}, {a}, {b})"),
        format!("(-({a}))"),
        format!("clamp({a}, 0, {b})"),
        format!("round({a}, 2)"),
        format!("abs({a})"),
        format!("mod({a}, {b})"),
        format!("min({a}, {b})"),
        "(now - account.opened_at) / 1d".to_owned(),
    ];
    chance.pick(&forms).clone()
}

/// A condition likewise.
fn condition(chance: &mut Chance, depth: usize) -> String {
    if depth == 0 || chance.one_in(6) {
        let leaves = [
            "tx.direction == \"in\"",
            "customer.known",
            "has(tx.device)",
            "now > account.opened_at",
            "tx.type in [\"wire\", \"ach\"]",
            "customer.risk != \"low\"",
            "false",
        ];
        return (*chance.pick(&leaves)).to_owned();
    }
    let (a, b) = (condition(chance, depth - 1), condition(chance, depth - 1));
    let (x, y) = (number(chance, depth - 1), number(chance, depth - 1));
    let op = *chance.pick(&["==", "!=", "<", "<=", ">", ">="]);
    let forms = [
        format!("({a} or {b})"),
        format!("({a} and {b})"),
        format!("not ({a})"),
        format!("{x} {op} {y}"),
        format!("if({a}, {b}, {x} {op} {y})"),
    ];
    chance.pick(&forms).clone()
}

/// A fold over a window.
fn fold(chance: &mut Chance) -> String {
    let heads = [
        "count(transaction",
        "sum(tx.amount",
        "avg(tx.amount",
        "max_of(tx.amount",
        "stddev(tx.amount",
        "median(tx.amount",
        "distinct(tx.counterparty",
        "last(tx.amount",
        "sum(tx.amount * 2",
    ];
    let keys = ["customer", "account", "customer, counterparty", "counterparty"];
    let windows = [
        "7d",
        "2h",
        "2h ending 1h ago",
        "previous 2h",
        "lifetime",
        "last 2",
        "calendar day",
        "previous calendar week",
    ];
    let filter =
        if chance.one_in(2) { format!(" where {}", condition(chance, 0)) } else { String::new() };
    let (head, key, window) = (chance.pick(&heads), chance.pick(&keys), chance.pick(&windows));
    if *head == "distinct(tx.counterparty" {
        return format!("{head}{filter}) by {key} over 7d");
    }
    format!("{head}{filter}) by {key} over {window}")
}

fn built(chance: &mut Chance) -> String {
    let (first, second, when) = (number(chance, 3), fold(chance), condition(chance, 3));
    let (third, unless, score) = (fold(chance), condition(chance, 1), number(chance, 2));
    format!(
        "lang: 1\nrule: fuzzed\ntitle: t\nseverity: low\ntrigger: transaction\nentity: customer\n\
         let:\n  n: tx.amount\n  a: |\n    {first}\n  b: {second}\n  c: {third}\n\
         when: |\n  {when} or has(b) and b > a\nunless:\n  - some: |\n      {unless}\n\
         alert:\n  score: |\n    {score}\n  message: \"{{a}} {{b}} {{c}}\"\n  cooldown: 1h\n\
         tests:\n  - name: t\n    \
         defaults: {{ tx: {{ customer: C1, account: A1, counterparty: P1, direction: in }} }}\n    events:\n      \
         - {{ at: 0h, every: 1h, times: 3, tx: {{ amount: 79228162514264337593543950335 }} }}\n      \
         - {{ at: 90m, tx: {{ amount: 0.01, direction: out, counterparty: P2, device: D1 }} }}\n    \
         alerts: []\n"
    )
}

fn attempt(bytes: &[u8], lists: &[(String, String)]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    // Named as the text names itself, so that a sound rule is not refused for its path.
    let name = text.lines().find_map(|line| line.strip_prefix("rule: ")).unwrap_or("fuzzed").trim();
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let path = format!("pack/{}.yaml", if is_name { name } else { "fuzzed" });
    let mut texts = BTreeMap::from([(path, text.to_owned())]);
    for (path, text) in lists {
        texts.insert(path.clone(), text.clone());
    }
    let loaded = loader::load(&texts);
    for problem in &loaded.diagnostics {
        let source = &texts[&problem.path];
        let (start, end) = (problem.span.start, problem.span.end);
        assert!(start <= end && end <= source.len(), "{problem:?} lies outside of the file");
        assert!(source.is_char_boundary(start) && source.is_char_boundary(end), "{problem:?}");
        let _ = render::render(problem, source, false);
        let _ = render::to_json(problem, source);
    }
    for (path, text) in &texts {
        let _ = mutate::mutants(path, text);
    }
    let Some(rulebook) = loaded.rulebook else {
        assert!(!loaded.diagnostics.is_empty(), "refused without a word");
        return false;
    };
    let rulebook = Arc::new(rulebook);
    let _ = Engine::new(Arc::clone(&rulebook), Limits::default());
    let _ = rehearsal::rehearse_all(&rulebook);
    true
}

#[test]
fn no_rule_file_makes_the_loader_or_the_engine_fail() {
    let mut texts: Vec<String> = Vec::new();
    for folder in ["rules", "tests/diagnostics", "tests/contract"] {
        let found = seeds(folder, &["yaml"]).into_iter();
        texts.extend(found.filter_map(|(_, bytes)| String::from_utf8(bytes).ok()));
    }
    // Deep and long seeds would take all the time.
    texts.retain(|text| text.len() < 16 * 1024);
    assert!(texts.len() > 60, "{} seeds", texts.len());
    let shipped = seeds("rules/lists", &["csv"]).into_iter();
    let lists: Vec<(String, String)> = shipped
        .map(|(path, bytes)| {
            let name = path.rsplit('/').next().unwrap_or_default();
            (format!("lists/{name}"), String::from_utf8(bytes).expect("a list is text"))
        })
        .collect();
    let input = |chance: &mut Chance| {
        if chance.one_in(2) {
            return built(chance).into_bytes();
        }
        let mut text = chance.pick(&texts).clone();
        let other = chance.pick(&texts).clone();
        change_words(chance, &mut text, &other);
        let mut bytes = text.into_bytes();
        if chance.one_in(8) {
            chance.change_bytes(&mut bytes);
        }
        bytes
    };
    fuzz("rules", input, |bytes| attempt(bytes, &lists));
}

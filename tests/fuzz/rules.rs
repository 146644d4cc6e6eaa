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
    "within: 48h",
    "not: kyc.refreshed",
    "- changed: kyc.profile_changed",
    "changed.device",
    "changed.at",
    "changed.id",
    "trigger: { absent: kyc.refreshed, by: customer, for: 365d }",
    "trigger: { due: customer.next_review_at, by: customer, after: 30d }",
    "after: kyc.rekyc_opened, ",
    "until: 400d",
    "tick: {}",
    "effective: { from: 2026-01-01 }",
    "dedup: [counterparty]",
    "status: shadow",
    "cooldown: 7d",
    "rekyc: { scope: funds, level: enhanced, cause: behaviour, reason: r, due: 14d }",
    "version: 2",
    "misses: ",
    "references: ",
    "owner: ",
    "changes: ",
    "indicators: ",
    "disclosable: ",
    "expected_alerts: ",
    "pass_through(hops: 2..4, within: 72h, keep: 0.8, fresh: true) by account",
    "gather_scatter(fan: 3, within: 7d, keep: 0.8) by account",
    "scatter_gather(",
    "shared(by: [device, phone], within: 30d) by customer",
    "has(ring)",
    "ring.amount",
    "ring.accounts",
    "address_similarity(",
    "weekday(",
    "day_of_month(",
    "min_of(",
    "max_of(",
    "last(",
    " per 1h at this hour",
    " per 1d on this weekday",
    " per 7d",
    "segment",
    "booked_amount",
    "list.fx_rates",
    "\"rate\"",
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

/// A rule of the forms that look at more than one event: sequences, instants, patterns, buckets, other
/// currencies and lists with columns.
fn built_of_several(chance: &mut Chance) -> String {
    let length = *chance.pick(&["48h", "1s", "3650d", "0s", "7d"]);
    let (first, last) = (condition(chance, 0), condition(chance, 1));
    let wakes = [
        format!(
            "entity: customer\nsequence:\n  by: customer\n  within: {length}\n  steps:\n    \
             - began: transaction where {first}\n    - not: kyc.refreshed\n    \
             - ended: transaction where tx.amount >= began.amount\n"
        ),
        format!(
            "entity: customer\ntrigger: {{ absent: transaction, by: customer, for: {length} }}\n"
        ),
        format!(
            "entity: customer\ntrigger: {{ absent: kyc.refreshed, after: kyc.rekyc_opened, \
             by: customer, for: {length} }}\n"
        ),
        format!(
            "entity: customer\n\
             trigger: {{ due: customer.next_review_at, by: customer, after: {length} }}\n"
        ),
        "entity: customer\ntrigger: transaction\n".to_owned(),
    ];
    let wakes = chance.pick(&wakes).clone();
    let (hops, keep) = (chance.pick(&["2..3", "3", "2..5"]), chance.pick(&["0.8", "1", "0.01"]));
    let patterns = [
        format!("cycle(hops: {hops}, within: {length}, keep: {keep}) by account"),
        format!(
            "pass_through(hops: {hops}, within: {length}, keep: {keep}, fresh: true) by account"
        ),
        format!("gather_scatter(fan: 2, within: {length}, keep: {keep}) by account"),
        format!("scatter_gather(fan: 2, within: {length}, keep: {keep}) by account"),
        "shared(by: [device, phone], within: 30d, hub: 3) by customer".to_owned(),
    ];
    let values = [
        "avg(sum(tx.amount) per 1d) by customer over previous 90d",
        "stddev(count(transaction) per 1h at this hour) by everyone over previous 28d",
        "max_of(sum(tx.amount) per 1d on this weekday) by segment over previous 84d",
        "convert(tx.amount, \"USD\")",
        "convert(tx.local_amount, tx.currency, \"USD\")",
        "lookup(list.fx_rates, tx.currency, \"rate\")",
        "name_similarity(tx.counterparty, \"王小明\")",
        "since(kyc.refreshed) by customer / 1d",
        "hour(now) + day_of_month(customer.since)",
        "matches(\"fuzzed\", 7d)",
        "if(weekday(now) in [\"sat\", \"sun\"], 1, 2)",
    ];
    let (one, two) = (chance.pick(&values), chance.pick(&values));
    let pattern = chance.pick(&patterns);
    let part = chance.pick(&["hops", "size", "amount", "fan", "started_at", "accounts"]);
    format!(
        "lang: 1\nrule: fuzzed\ntitle: t\nseverity: low\n{wakes}let:\n  a: |\n    {one}\n  \
         b: |\n    {two}\n  ring: |\n    {pattern}\nwhen: |\n  has(a) or has(ring) and {last}\n\
         alert:\n  score: 1\n  message: \"{{a}} {{b}} {{ring}} {{ring.{part}}}\"\n\
         tests:\n  - name: t\n    given:\n      customer: {{ C1: {{ next_review_at: 2d }} }}\n    \
         defaults: {{ tx: {{ customer: C1, account: A1, counterparty: A2, device: D1 }} }}\n    events:\n      \
         - {{ at: 0h, every: 1h, times: 3, tx: {{ amount: 100 }} }}\n      \
         - {{ at: 2h, arrives: 5h, tx: {{ amount: 90, direction: in }} }}\n      \
         - {{ at: 5h, kyc.rekyc_opened: {{ customer: C1 }} }}\n    \
         until: 400d\n    alerts: []\n"
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
    let mut lists: Vec<(String, String)> = shipped
        .map(|(path, bytes)| {
            let name = path.rsplit('/').next().unwrap_or_default();
            (format!("lists/{name}"), String::from_utf8(bytes).expect("a list is text"))
        })
        .collect();
    let rates = "value,valid_from,valid_to,rate:number\nUSD,,,0.85\nJPY,2026-01-06,,0.006\n";
    lists.push(("lists/fx_rates.csv".to_owned(), rates.to_owned()));
    let input = |chance: &mut Chance| {
        match chance.below(4) {
            0 => return built(chance).into_bytes(),
            1 => return built_of_several(chance).into_bytes(),
            _ => {}
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

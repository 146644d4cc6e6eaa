//! Addresses: numbers weigh as much as all words together; order and abbreviations do not count.
//!
//! Words: twice the sum of the likenesses of pairs over the words of both sides (Dice with soft words),
//! kinds of streets and flats counting half. Numbers: equal or not; when one side has all numbers of the
//! other and more (a postcode, a flat), each further one takes a tenth, down to 0.7. Both have numbers:
//! half words, half numbers. Only one has: three quarters of the words. Han addresses are read in pinyin,
//! parted at the words for road, street and the like.

use super::fold::{is_han, sounds, words};
use super::{ALIKE, Likeness, jaro, pairs};

/// Least likeness of two words that may be the same.
const WORD_LEAST: Likeness = 8_500;

/// Abbreviations and kinds, each with the word that stands for all of them.
const KINDS: &[(&str, &[&str])] = &[
    (
        "street",
        &[
            "st", "str", "street", "saint", "strasse", "straat", "gatan", "gata", "jie", "rue",
            "calle", "via",
        ],
    ),
    ("road", &["rd", "road", "lu", "weg", "vag", "vagen"]),
    ("avenue", &["av", "ave", "avenue", "avenida", "dadao", "dajie"]),
    ("boulevard", &["blvd", "boulevard"]),
    ("lane", &["ln", "lane", "xiang", "hutong", "nong"]),
    ("drive", &["dr", "drive"]),
    ("court", &["ct", "court"]),
    ("place", &["pl", "place", "platz", "plaza"]),
    ("square", &["sq", "square"]),
    ("building", &["bldg", "building", "block", "blk", "zhuang", "lou", "dong", "tower", "house"]),
    ("flat", &["apt", "apartment", "flat", "unit", "room", "rm", "suite", "ste", "shi", "danyuan"]),
    ("floor", &["fl", "floor", "ceng"]),
    ("north", &["n", "north", "nord", "bei"]),
    ("south", &["s", "south", "sud", "nan"]),
    ("east", &["e", "east", "ost", "est"]),
    ("west", &["w", "west", "ouest", "xi"]),
];

/// Words that say nothing.
const EMPTY: &[&str] = &[
    "no", "nr", "number", "num", "hao", "sheng", "province", "qu", "district", "xian", "county",
    "city", "po", "box", "the", "of", "de",
];

/// Han characters that end a part of an address, with the word that stands for them; empty for none.
const HAN_ENDS: &[(char, &str)] = &[
    ('省', ""),
    ('市', ""),
    ('区', ""),
    ('區', ""),
    ('县', ""),
    ('縣', ""),
    ('镇', ""),
    ('鎮', ""),
    ('村', ""),
    ('号', ""),
    ('號', ""),
    ('路', "road"),
    ('街', "street"),
    ('道', "avenue"),
    ('巷', "lane"),
    ('弄', "lane"),
    ('楼', "building"),
    ('樓', "building"),
    ('栋', "building"),
    ('幢', "building"),
    ('室', "flat"),
    ('单', "flat"),
    ('层', "floor"),
    ('東', "east"),
    ('东', "east"),
];

/// An address: words with what each counts, and what holds a digit.
struct Address {
    words: Vec<String>,
    numbers: Vec<String>,
}

/// How alike two addresses are; `None` when one holds neither letter nor digit.
pub(super) fn likeness(left: &str, right: &str) -> Option<Likeness> {
    let (left, right) = (Address::read(left), Address::read(right));
    if left.is_empty() || right.is_empty() {
        return None;
    }
    let words = word_likeness(&left.words, &right.words);
    Some(match (left.numbers.is_empty(), right.numbers.is_empty()) {
        (false, false) => words.midpoint(number_likeness(&left.numbers, &right.numbers)),
        (true, true) => words,
        _ => words * 3 / 4,
    })
}

impl Address {
    fn read(text: &str) -> Self {
        let all = words(&han_parted(text));
        let mut address = Self { words: Vec::new(), numbers: Vec::new() };
        for word in all {
            if word.bytes().any(|byte| byte.is_ascii_digit()) {
                address.numbers.push(word);
            } else if !EMPTY.contains(&word.as_str()) {
                address.words.push(kind(&word).unwrap_or(&word).to_owned());
            }
        }
        address
    }

    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.numbers.is_empty()
    }
}

/// Han characters in pinyin, parted into words where a part of the address ends.
fn han_parted(text: &str) -> String {
    let mut parted = String::new();
    for character in text.chars() {
        if let Some((_, word)) = HAN_ENDS.iter().find(|(end, _)| *end == character) {
            parted.extend([" ", *word, " "]);
        } else if is_han(character) {
            parted.push_str(sounds(character).first().map_or("", String::as_str));
        } else {
            // A number behind a name without an end between them.
            if character.is_ascii_digit()
                && parted.ends_with(|last: char| last.is_ascii_alphabetic())
                && text.chars().any(is_han)
            {
                parted.push(' ');
            }
            parted.push(character);
        }
    }
    parted
}

fn kind(word: &str) -> Option<&'static str> {
    KINDS.iter().find(|(_, words)| words.contains(&word)).map(|(kind, _)| *kind)
}

/// What a word counts, in halves.
fn weight(word: &str) -> u32 {
    if KINDS.iter().any(|(kind, _)| *kind == word) { 1 } else { 2 }
}

fn word_likeness(left: &[String], right: &[String]) -> Likeness {
    let total: u32 = left.iter().chain(right).map(|word| weight(word)).sum();
    if total == 0 {
        return ALIKE;
    }
    // A pair counts what its words count, so that kinds of streets alone make no likeness.
    let of_weight = |words: &[String], wanted: u32| -> Vec<String> {
        words.iter().filter(|word| weight(word) == wanted).cloned().collect()
    };
    let mut sum = 0;
    for counts in [1, 2] {
        let found = pairs(&of_weight(left, counts), &of_weight(right, counts), |left, right| {
            let likeness = jaro::likeness(left, right);
            if likeness < WORD_LEAST { 0 } else { likeness }
        });
        sum += found.iter().sum::<Likeness>() * 2 * counts;
    }
    sum / total
}

fn number_likeness(left: &[String], right: &[String]) -> Likeness {
    let common = pairs(left, right, |left, right| u32::from(left == right) * ALIKE).len();
    let (fewer, more) = (left.len().min(right.len()), left.len().max(right.len()));
    if common == fewer {
        let further = u32::try_from(more - common).unwrap_or(u32::MAX).min(3);
        return ALIKE - further * 1_000;
    }
    Likeness::try_from(2 * common * ALIKE as usize / (fewer + more).max(1)).unwrap_or(0)
}

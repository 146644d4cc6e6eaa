//! Names: order of words, initials, particles, titles, and Han characters by their sounds.
//!
//! Two Latin names: words are paired, best pairs first; a pair counts the square of its Jaro–Winkler
//! likeness, nothing below 0.8; an initial counts 0.9, and `ue` beside `ü` 0.95. The likeness is half the mean over all words and half
//! the worst pair, so that one wrong word weighs. A word that only one name has counts 0.3 in the mean if
//! the other name has at least two words, else as a word that does not fit. A Han name beside a Latin one:
//! the sounds in a row beside the words in a row, in any turn of the words: the share of letters that need
//! no edit, squared. Two Han names: character by
//! character, 0.9 for another character of the same sound.

use super::fold::{is_han, sounds, syllable, words};
use super::{ALIKE, Likeness, jaro, pairs};

/// Said beside a name, no part of it.
const TITLES: &[&str] = &[
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "prof",
    "professor",
    "sir",
    "madam",
    "dame",
    "lord",
    "lady",
    "herr",
    "frau",
    "mme",
    "mlle",
    "monsieur",
    "madame",
    "sr",
    "sra",
    "srta",
    "senor",
    "senora",
    "ing",
    "rev",
    "hon",
    "ltd",
    "limited",
    "inc",
    "llc",
    "gmbh",
    "ag",
    "co",
    "corp",
    "plc",
    "ab",
    "oy",
    "as",
];

/// The same in Han characters, behind the name.
const HAN_TITLES: &[&str] = &["先生", "女士", "小姐", "太太", "博士", "教授", "老师"];

/// Small words within names, which registers keep, join or drop.
const PARTICLES: &[&str] = &[
    "de", "da", "do", "dos", "das", "di", "del", "della", "du", "des", "la", "le", "van", "von",
    "der", "den", "ter", "ten", "zu", "bin", "ibn", "bint", "al", "el", "y", "e", "and",
];

/// Least likeness of two words that may be the same.
const WORD_LEAST: Likeness = 8_000;

/// Likeness of an initial and a word that begins with it.
const INITIAL: Likeness = 9_000;

/// Likeness of two Han characters of one sound.
const SAME_SOUND: Likeness = 9_000;

/// Likeness of two words that differ only in how an umlaut is written.
const SAME_UMLAUT: Likeness = 9_500;

/// What a word that only one name has counts in the mean, in tenths of a word.
const EXTRA_TENTHS: usize = 3;

/// Most readings of a whole Han name that are tried.
const READINGS_MAX: usize = 32;

/// A name in its scripts: it may be written in both, `王伟 (Wang Wei)`.
struct Name {
    han: Vec<char>,
    words: Vec<String>,
}

/// How alike two names are; `None` when one holds no letter.
pub(super) fn likeness(left: &str, right: &str) -> Option<Likeness> {
    let (left, right) = (Name::read(left), Name::read(right));
    if left.is_empty() || right.is_empty() {
        return None;
    }
    let mut best = 0;
    if !left.han.is_empty() && !right.han.is_empty() {
        best = best.max(han_and_han(&left.han, &right.han));
    }
    if !left.words.is_empty() && !right.words.is_empty() {
        best = best.max(latin_and_latin(&left.words, &right.words));
    }
    for (han, words) in [(&left.han, &right.words), (&right.han, &left.words)] {
        if !han.is_empty() && !words.is_empty() {
            best = best.max(han_and_latin(han, words));
        }
    }
    Some(best)
}

impl Name {
    fn read(text: &str) -> Self {
        let mut text = text.to_owned();
        for title in HAN_TITLES {
            // A text that is a title only is somebody's name after all.
            if let Some(rest) = text.trim_end().strip_suffix(title).filter(|rest| !rest.is_empty())
            {
                text = rest.to_owned();
            }
        }
        let han: Vec<char> = text.chars().filter(|character| is_han(*character)).collect();
        let others: String = text.chars().map(|it| if is_han(it) { ' ' } else { it }).collect();
        let without_tones =
            |word: String| -> String { word.chars().filter(char::is_ascii_alphabetic).collect() };
        let words: Vec<String> =
            words(&others).into_iter().map(without_tones).filter(|it| !it.is_empty()).collect();
        let without = |left_out: &[&str], words: Vec<String>| {
            let kept: Vec<String> =
                words.iter().filter(|word| !left_out.contains(&word.as_str())).cloned().collect();
            if kept.is_empty() { words } else { kept }
        };
        let words = without(TITLES, words);
        Self { han, words }
    }

    fn is_empty(&self) -> bool {
        self.han.is_empty() && self.words.is_empty()
    }
}

fn latin_and_latin(left: &[String], right: &[String]) -> Likeness {
    // Joined or parted words: `De la Cruz`, `Delacruz`; `Xiao Ming Wang`, `Wang Xiaoming`.
    let whole = left.concat();
    if turns(right).iter().any(|turn| turn.concat() == whole) {
        return ALIKE;
    }
    let without_particles = |words: &[String]| -> Vec<String> {
        let kept: Vec<String> =
            words.iter().filter(|word| !PARTICLES.contains(&word.as_str())).cloned().collect();
        if kept.is_empty() { words.to_vec() } else { kept }
    };
    paired(&without_particles(left), &without_particles(right))
}

fn paired(left: &[String], right: &[String]) -> Likeness {
    let found = pairs(left, right, |left, right| word(left, right));
    let (shorter, longer) = (left.len().min(right.len()), left.len().max(right.len()));
    let missing = shorter - found.len();
    let extra = longer - shorter;
    // Of one word alone it cannot be said that the others are only left out.
    let extra_weight = if shorter >= 2 { EXTRA_TENTHS } else { 10 };
    let words = u32::try_from(10 * shorter + extra * extra_weight).unwrap_or(u32::MAX);
    let mean = found.iter().sum::<Likeness>() * 10 / words.max(1);
    let worst = if missing > 0 { 0 } else { found.iter().copied().min().unwrap_or(0) };
    mean.midpoint(worst)
}

/// How alike two words of names are.
fn word(left: &str, right: &str) -> Likeness {
    if left == right {
        return ALIKE;
    }
    let is_initial = |short: &str, long: &str| short.len() == 1 && long.starts_with(short);
    if is_initial(left, right) || is_initial(right, left) {
        return INITIAL;
    }
    if umlauts(left) == umlauts(right) {
        return SAME_UMLAUT;
    }
    let likeness = jaro::likeness(left, right);
    if likeness < WORD_LEAST { 0 } else { likeness * likeness / ALIKE }
}

/// A word with `ae`, `oe` and `ue` as the plain vowel, as other registers write `ä`, `ö` and `ü`.
fn umlauts(word: &str) -> String {
    word.replace("ae", "a").replace("oe", "o").replace("ue", "u")
}

/// The words in every order that a register may have put them: turned, and the last one first.
fn turns(words: &[String]) -> Vec<Vec<String>> {
    let mut turns = Vec::new();
    for turn in 0..words.len().max(1) {
        let mut turned = words.to_vec();
        turned.rotate_left(turn.min(words.len()));
        let reversed: Vec<String> = turned.iter().rev().cloned().collect();
        turns.push(turned);
        turns.push(reversed);
    }
    turns
}

fn han_and_han(left: &[char], right: &[char]) -> Likeness {
    if left.len() != right.len() {
        let shared = pairs(left, right, |left, right| u32::from(left == right) * ALIKE);
        let longer = left.len().max(right.len());
        let share = shared.len() * ALIKE as usize / longer.max(1);
        // At most half: a character more or less is another name.
        return Likeness::try_from(share).unwrap_or(0).min(ALIKE / 2);
    }
    let each = left.iter().zip(right).map(|(left, right)| {
        if left == right {
            return ALIKE;
        }
        let others = sounds(*right);
        let is_same = sounds(*left).iter().any(|sound| others.contains(sound));
        if is_same { SAME_SOUND } else { 0 }
    });
    let each: Vec<Likeness> = each.collect();
    let mean = each.iter().sum::<Likeness>() / u32::try_from(each.len()).unwrap_or(1).max(1);
    mean.midpoint(each.iter().copied().min().unwrap_or(0))
}

/// The sounds of a Han name in a row beside the words of a Latin one in a row.
fn han_and_latin(han: &[char], words: &[String]) -> Likeness {
    let words: Vec<String> = words.iter().map(|word| syllable(word)).collect();
    let written: Vec<String> = turns(&words).iter().map(|turn| turn.concat()).collect();
    let mut best = 0;
    for reading in readings(han) {
        for written in &written {
            let longer = reading.len().max(written.len()).max(1);
            let edits = strsim::osa_distance(&reading, written).min(longer);
            // Sounds are short: the share of right letters, squared.
            let right = longer - edits;
            let likeness = right * right * ALIKE as usize / (longer * longer);
            best = best.max(Likeness::try_from(likeness).unwrap_or(0));
        }
    }
    best
}

/// How a Han name may sound as a whole.
fn readings(han: &[char]) -> Vec<String> {
    let mut readings = vec![String::new()];
    for character in han {
        let sounds = sounds(*character);
        if sounds.is_empty() {
            continue;
        }
        let next = readings
            .iter()
            .flat_map(|so_far| sounds.iter().map(move |sound| format!("{so_far}{sound}")));
        readings = next.take(READINGS_MAX).collect();
    }
    readings
}

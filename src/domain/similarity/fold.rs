//! Text of any script as small Latin letters and digits, and Han characters as their sounds.

use pinyin::ToPinyinMulti;

/// Whether a character is Han and has a reading.
pub(super) fn is_han(character: char) -> bool {
    matches!(u32::from(character), 0x3400..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

/// Most readings of one character that are tried; rarer ones come later in the table.
const READINGS_MAX: usize = 3;

/// How a Han character may sound, in Latin letters without tones.
pub(super) fn sounds(character: char) -> Vec<String> {
    let Some(readings) = character.to_pinyin_multi() else { return Vec::new() };
    let mut sounds: Vec<String> = Vec::new();
    for reading in readings {
        let sound = syllable(&latin(reading.plain()));
        if !sounds.contains(&sound) && sounds.len() < READINGS_MAX {
            sounds.push(sound);
        }
    }
    sounds
}

/// Passports write the sound `ü` in several ways.
pub(super) fn syllable(sound: &str) -> String {
    match sound {
        "lv" | "lyu" => "lu".to_owned(),
        "nv" | "nyu" => "nu".to_owned(),
        _ => sound.to_owned(),
    }
}

/// Small Latin letters and digits; everything else stays as it comes out of the table, mostly spaces.
pub(super) fn latin(text: &str) -> String {
    deunicode::deunicode(text).to_lowercase()
}

/// The words of a text: apostrophes join, all other signs part.
pub(super) fn words(text: &str) -> Vec<String> {
    let latin = latin(text).replace(['\'', '`'], "");
    let words = latin.split(|character: char| !character.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

//! Substrings of texts, found by an index that only knows whole words.
//!
//! Korean is searched for by syllables from the middle of words, and no database here indexes
//! those alike: PostgreSQL's and SQLite's trigrams need three characters, MariaDB has none. So
//! every text is kept beside its n-grams of one and two characters, written as words of ASCII,
//! which every full-text index takes as they are.

use std::collections::BTreeSet;
use std::fmt::Write;

/// A longer search term is narrowed down by its first pairs alone. The rest costs an index more
/// than it saves, as the text itself is compared in any case.
const MAX_TERM_PAIRS: usize = 12;

/// The words of an index for `text`: each character and each pair that stand in it, once.
pub fn tokens(text: &str) -> String {
    let characters = normal(text);
    let mut words: BTreeSet<String> = characters.windows(2).map(word).collect();
    words.extend(characters.chunks(1).map(word));
    words.into_iter().collect::<Vec<_>>().join(" ")
}

/// The words that the tokens of every text with `term` in it have. Empty for an empty term.
pub fn term_tokens(term: &str) -> String {
    let characters = normal(term);
    let size = characters.len().clamp(1, 2);
    let words: BTreeSet<String> = characters.windows(size).take(MAX_TERM_PAIRS).map(word).collect();
    words.into_iter().collect::<Vec<_>>().join(" ")
}

/// White space counts as one space, and capital letters as small ones.
fn normal(text: &str) -> Vec<char> {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().map(small).collect()
}

/// Each character by itself, as databases do it: `str::to_lowercase` looks at a sigma's
/// neighbours, which a term may lack, and makes two characters of `İ`.
fn small(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// Hexadecimal, at least four digits a character: no index takes it for a stop word or too short.
fn word(characters: &[char]) -> String {
    characters.iter().fold(String::new(), |mut word, c| {
        // Writing to a string cannot fail.
        let _ = write!(word, "{:04x}", u32::from(*c));
        word
    })
}

/// The first consonant of each syllable (초성) and everything else as it is: `서울 A의원` becomes
/// `ㅅㅇ Aㅇㅇ`. Syllables are in the order of Unicode's chapter 3.12.
pub fn initial_consonants(text: &str) -> String {
    const INITIALS: [char; 19] = [
        'ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ',
        'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ',
    ];
    const SYLLABLES_PER_INITIAL: usize = 21 * 28;
    let initial = |c: char| match c {
        '가'..='힣' => INITIALS[(c as usize - '가' as usize) / SYLLABLES_PER_INITIAL],
        other => other,
    };
    text.chars().map(initial).collect()
}

#[cfg(test)]
mod tests {
    use super::{initial_consonants, term_tokens, tokens};

    /// Whether the index would offer `text` for `term`.
    fn finds(text: &str, term: &str) -> bool {
        let tokens = tokens(text);
        let words: Vec<&str> = tokens.split(' ').collect();
        term_tokens(term).split(' ').all(|word| words.contains(&word))
    }

    #[test]
    fn what_stands_in_a_text_is_found() {
        let text = "서울튼튼 Clinic에서\n근무 환경을 👩‍⚕️ 묻습니다";
        for term in ["울튼", "튼튼 clinic", "IC에", "근무 환", "서", "👩‍⚕️ 묻", text]
        {
            assert!(finds(text, term), "{term}");
        }
        assert!(finds("ΟΔΟΣ İz", "οδοσ iz") && finds("ΟΔΟΣΑ", "ΔΟΣ"));
        for term in ["울서", "임금", "튼튼클"] {
            assert!(!finds(text, term), "{term}");
        }
    }

    #[test]
    fn words_are_ascii_and_long_enough_for_every_index() {
        for word in tokens("a 가 é 👩").split(' ') {
            assert!(word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        assert_eq!(term_tokens(" "), "");
    }

    #[test]
    fn initial_consonants_are_those_of_the_syllables() {
        assert_eq!(initial_consonants("서울 A의원 힣까"), "ㅅㅇ Aㅇㅇ ㅎㄲ");
    }
}

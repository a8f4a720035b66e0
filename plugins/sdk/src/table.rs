//! Tables of words: what the CRM says, and what it means.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{LineageRecorder, RuleProblem, canonical::Choice, text};

/// A table from the CRM's words to what they mean. Case, full stops and blanks do not matter.
#[derive(Debug, Clone)]
pub struct Table<T> {
    /// Normalised words behind their [`head`], sorted, each with the place of its meaning.
    words: Vec<(u64, String, usize)>,
    meanings: Vec<T>,
    /// The place where the rules have the table, as a JSON Pointer.
    path: Cow<'static, str>,
    /// The table's keys as the rules write them, for messages.
    keys: String,
}

impl<T> Table<T> {
    /// The meaning of a word.
    #[must_use]
    pub fn get(&self, word: &str) -> Option<&T> {
        let found = text::with_normal(word, |word| {
            let sought = head(word);
            self.words.binary_search_by(|(head, known, _)| head.cmp(&sought).then_with(|| known.as_str().cmp(word)))
        });
        found.ok().map(|index| &self.meanings[self.words[index].2])
    }

    /// The meaning of a word without what stands in brackets or behind a dash: `TPD` of `TPD (own occ)`, of `TPD - Std`
    /// and of `TPD – own (Std)`. With the meaning comes the word that has it. None of a word that has neither.
    #[must_use]
    pub fn get_without_remark(&self, word: &str) -> Option<(&T, String)> {
        let unbracketed = without_brackets(word);
        let before_dash = before_dash(&unbracketed).map(str::to_owned);
        let shorter = [Some(unbracketed), before_dash].into_iter().flatten().filter(|shorter| shorter != word);
        let mut known = shorter.filter_map(|shorter| Some((self.get(&shorter)?, shorter)));
        known.next()
    }

    /// The meaning of a word, or none and a diagnostic `unknown-<field>` that says so and how to fix it.
    pub fn read(&self, word: &str, field: &str, recorder: &mut LineageRecorder) -> Option<&T> {
        let found = self.get(word);
        if found.is_none() {
            let code = format!("unknown-{}", field.replace('_', "-"));
            let named = field.replace('_', " ");
            recorder.warn(
                field,
                &code,
                format!(
                    "“{word}” is no {named} the rules know ({}); it was left out. If it means one of these, add \
                     it to {} in the pack's rules; else correct it in the CRM.",
                    self.keys, self.path
                ),
            );
        }
        found
    }

    /// The table of words that need no meaning beyond standing in it.
    #[must_use]
    pub fn listing(words: &[String], path: impl Into<Cow<'static, str>>) -> Self
    where
        T: Default,
    {
        let words = words.iter().map(|word| (text::normal(word), 0)).collect();
        Self { keys: String::new(), words: sorted(words), meanings: vec![T::default()], path: path.into() }
    }

    /// Whether the rules have no such table.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// The text without what stands in brackets, and without the brackets; one that is not closed reaches to the end.
fn without_brackets(text: &str) -> String {
    let mut depth = 0_usize;
    let kept = text.chars().filter(|c| match c {
        '(' | '[' => {
            depth += 1;
            false
        }
        ')' | ']' => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => depth == 0,
    });
    kept.collect::<String>().trim().to_owned()
}

/// The text before the first dash. A hyphen counts where a blank stands beside it: `Long-Term` is one word.
fn before_dash(text: &str) -> Option<&str> {
    let is_blank = |c: Option<char>| c.is_some_and(char::is_whitespace);
    let is_dash = |(at, c): (usize, char)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + c.len_utf8()..].chars().next());
        matches!(c, '–' | '—') || c == '-' && (is_blank(before) || is_blank(after))
    };
    let (at, _) = text.char_indices().find(|place| is_dash(*place))?;
    Some(text[..at].trim())
}

/// The first eight bytes of a word as a number: it tells most words apart in one comparison.
#[inline]
fn head(word: &str) -> u64 {
    let mut head = [0; 8];
    let length = word.len().min(head.len());
    head[..length].copy_from_slice(&word.as_bytes()[..length]);
    u64::from_be_bytes(head)
}

/// Sorted apart from what the words mean: sorting is much code, which a component should have once.
fn sorted(words: Vec<(String, usize)>) -> Vec<(u64, String, usize)> {
    let mut words: Vec<_> = words.into_iter().map(|(word, meaning)| (head(&word), word, meaning)).collect();
    words.sort();
    words
}

/// A table as the rules write it: the spellings under each meaning, `mr = ["Mr", "Mister"]`.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Spellings(BTreeMap<String, Vec<String>>);

impl Spellings {
    /// The table for the choices `T` of the contract. `path` is its JSON Pointer; a choice that there is not, and
    /// a spelling that means two things, are problems.
    pub fn choices<T: Choice>(&self, path: impl Into<Cow<'static, str>>, problems: &mut Vec<RuleProblem>) -> Table<T> {
        self.table(path, problems, choice)
    }

    /// Whether the rules have no such table.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The table whose meanings `parse` makes of the keys.
    pub fn table<T>(
        &self,
        path: impl Into<Cow<'static, str>>,
        problems: &mut Vec<RuleProblem>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Table<T> {
        let path = path.into();
        let (mut words, mut meanings, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for (key, spellings) in &self.0 {
            match parse(key) {
                Ok(meaning) => {
                    words.extend(spellings.iter().map(|word| (text::normal(word), meanings.len())));
                    meanings.push(meaning);
                    keys.push(key.as_str());
                }
                Err(message) => problems.push(RuleProblem { path: format!("{path}/{key}"), message }),
            }
        }
        let words = sorted(words);
        for pair in words.windows(2).filter(|pair| pair[0].1 == pair[1].1) {
            let (word, other) = (&pair[0].1, keys[pair[0].2]);
            let path = format!("{path}/{}", keys[pair[1].2]);
            let message = format!("“{word}” stands under {other} too; a word can stand once only.");
            problems.push(RuleProblem { path, message });
        }
        let keys: Vec<&str> = self.0.keys().map(String::as_str).collect();
        Table { keys: keys.join(", "), words, meanings, path }
    }
}

/// The choice of the contract that a word of the rules names.
///
/// # Errors
/// Returns which choices there are.
pub fn choice<T: Choice>(word: &str) -> Result<T, String> {
    T::of(word).ok_or_else(|| {
        let words: Vec<&str> = T::ALL.iter().map(|(_, word)| *word).collect();
        format!("There is no “{word}”; the choices are {}.", words.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::{Spellings, Table, head};
    use crate::{LineageRecorder, Title};

    fn spellings(json: &str) -> Spellings {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_word_is_found_however_it_is_written() {
        let mut problems = Vec::new();
        let table = spellings(r#"{"Mr": ["Mr", "Mister"], "Dr": ["Dr."]}"#).choices::<Title>("/titles", &mut problems);
        assert_eq!(problems, []);
        assert_eq!(table.get(" MISTER"), Some(&Title::Mr));
        assert_eq!(table.get("dr"), Some(&Title::Dr));
        assert_eq!(table.get("Sir"), None);
    }

    #[test]
    fn words_are_told_by_their_beginning_where_it_differs() {
        assert_eq!(head(""), 0);
        assert_eq!(head("a"), u64::from(b'a') << 56);
        assert_eq!(head("12345678"), u64::from_be_bytes(*b"12345678"));
        assert_eq!(head("12345678"), head("123456789"));
        // Words that share it are told apart all the same, and one that is the beginning of another.
        let words = ["12345678", "123456789", "1234567", "12345678 b", "", "a"].map(str::to_owned);
        let table = Table::<()>::listing(&words, "/words");
        for word in &words {
            assert!(table.get(word).is_some(), "{word}");
        }
        for word in ["123456780", "12345678 a", "123456", "b", "aa"] {
            assert!(table.get(word).is_none(), "{word}");
        }
        assert!(!table.is_empty() && Table::<()>::listing(&[], "/words").is_empty());
    }

    #[test]
    fn an_unknown_word_is_told_with_the_place_that_would_mend_it() {
        let table = spellings(r#"{"Mr": ["Mr"]}"#).choices::<Title>("/titles", &mut Vec::new());
        let mut recorder = LineageRecorder::new();
        assert_eq!(table.read("Sir", "title", &mut recorder), None);
        let verdict = recorder.end(crate::MapResult::Skipped);
        let crate::Verdict::Skipped(diagnostics) = verdict else { panic!("{verdict:?}") };
        assert_eq!(diagnostics[0].code, "unknown-title");
        assert_eq!(diagnostics[0].field.as_deref(), Some("title"));
        assert!(diagnostics[0].message.contains("“Sir”"));
        assert!(diagnostics[0].message.contains("/titles"));
    }

    #[test]
    fn a_word_is_found_without_its_remark() {
        let table = spellings(r#"{"Mr": ["Mister", "Half-Yearly"]}"#).choices::<Title>("/titles", &mut Vec::new());
        let check = |word: &str, found: Option<&str>| {
            let plain = table.get_without_remark(word).map(|(_, plain)| plain);
            assert_eq!(plain.as_deref(), found, "{word:?}");
        };
        check("Mister (own occ)", Some("Mister"));
        check("(Std) Mister [2]", Some("Mister"));
        check("Mister (own", Some("Mister"));
        check("Mister - Std", Some("Mister"));
        check("Mister- Std", Some("Mister"));
        check("Mister – Std (2)", Some("Mister"));
        check("Mister—Std", Some("Mister"));
        check("Half-Yearly (in advance)", Some("Half-Yearly"));
        check("Mister-Std", None);
        check("Mister", None);
        check("Sir (Mister)", None);
        check("- Mister", None);
        check("(Mister)", None);
        check("", None);
    }

    #[test]
    fn wrong_tables_are_told_with_their_places() {
        let mut problems = Vec::new();
        spellings(r#"{"Sir": ["Sir"], "Mr": ["M"], "Mrs": ["m."]}"#).choices::<Title>("/titles", &mut problems);
        assert_eq!(problems[0].path, "/titles/Sir");
        assert!(problems[0].message.contains("Mr, Mrs, Ms, Miss, Dr, Prof"));
        assert_eq!(problems[1].path, "/titles/Mrs");
        assert!(problems[1].message.contains("stands under Mr too"));
    }
}

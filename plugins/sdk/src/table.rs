//! Tables of words: what the CRM says, and what it means.

use serde::Deserialize;
use std::collections::BTreeMap;

use crate::{RuleProblem, canonical::Choice, text};

/// A table from the CRM's words to a choice of the contract. In the rules it is written the other way round, a
/// list of spellings under each choice: `mr = ["Mr", "Mister"]`. Case, full stops and blanks do not matter.
#[derive(Debug, Clone)]
pub struct Table<T> {
    /// Sorted by the normalised word.
    words: Vec<(String, T)>,
}

impl<T: Copy> Table<T> {
    /// What a word means.
    #[must_use]
    pub fn get(&self, word: &str) -> Option<T> {
        let word = text::normal(word);
        let found = self.words.binary_search_by(|(known, _)| known.as_str().cmp(&word));
        found.ok().map(|index| self.words[index].1)
    }
}

/// A table as the rules spell it.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Spellings(BTreeMap<String, Vec<String>>);

impl Spellings {
    /// The table for the choices `T`. `path` is the table's JSON Pointer; every choice that the contract has not
    /// got and every spelling that stands twice is a problem.
    pub fn choices<T: Choice>(&self, path: &str, problems: &mut Vec<RuleProblem>) -> Table<T> {
        let choices: Vec<&str> = T::ALL.iter().map(|(_, word)| *word).collect();
        self.table(path, problems, |word| {
            T::of(word).ok_or_else(|| format!("There is no “{word}” here; the choices are {}.", choices.join(", ")))
        })
    }

    /// The table whose entries `parse` makes of the keys.
    pub fn table<T: Copy>(
        &self,
        path: &str,
        problems: &mut Vec<RuleProblem>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Table<T> {
        let mut words = Vec::new();
        for (key, spellings) in &self.0 {
            match parse(key) {
                Ok(choice) => {
                    words.extend(spellings.iter().map(|word| (text::normal(word), choice)));
                }
                Err(message) => problems.push(RuleProblem { path: format!("{path}/{key}"), message }),
            }
        }
        words.sort_by(|(a, _), (b, _)| a.cmp(b));
        for pair in words.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let message = format!("“{}” stands here twice; a word can mean one thing.", pair[0].0);
            problems.push(RuleProblem { path: path.to_owned(), message });
        }
        Table { words }
    }
}

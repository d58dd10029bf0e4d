//! Which row of a file is the last that speaks of a person at a visit.
//!
//! One sheet may name a person twice on one day, mostly to correct a phone number at its end. The correction is to stand,
//! and the same file again must not bring the first word back; so the file is read once before anything is taken.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use crate::survey::{
    reader::{SurveyError, read_survey},
    row::{RowRules, SurveyRow},
    source::SurveyFile,
};

/// Lines by person and day. Both are kept as one hash, so that a million rows take little memory.
pub(super) struct LastWords {
    hasher: RandomState,
    lines: HashMap<u64, u64>,
}

impl LastWords {
    /// Reads the whole file.
    pub(super) fn read(file: &mut SurveyFile, rules: RowRules<'_>) -> Result<Self, SurveyError> {
        let mut words = Self { hasher: RandomState::new(), lines: HashMap::new() };
        read_survey(file, rules, |judged| {
            if let Ok(row) = judged {
                words.lines.insert(words.key(&row), row.line);
            }
            Ok::<_, SurveyError>(())
        })?;
        Ok(words)
    }

    /// Whether no later row speaks of the same person and day.
    pub(super) fn has(&self, row: &SurveyRow) -> bool {
        self.lines.get(&self.key(row)).is_none_or(|last| *last <= row.line)
    }

    fn key(&self, row: &SurveyRow) -> u64 {
        match &row.national_id {
            Some(number) => self.hasher.hash_one((number, row.visited_on)),
            None => self.hasher.hash_one((&row.household_no, row.name.expose(), row.birth_date, row.visited_on)),
        }
    }
}

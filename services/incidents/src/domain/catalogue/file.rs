//! The office's file of categories: TOML, one `[[category]]` each. Everything that is wrong is told with its line.

use std::collections::BTreeSet;

use chassis::data::AreaCode;
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::{AnswerKind, Category, Details, Nearness, Question, Route, TimePromise};
use crate::domain::category::CategoryCode;

/// Most that a tree may have, and that one category may list of anything.
const CATEGORIES: usize = 2000;
const LISTED: usize = 100;
const NAME: usize = 60;
const ABOUT: usize = 500;

/// One thing that is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, {place}: {rule}")]
pub struct FileProblem {
    /// From 1.
    pub line: usize,
    /// A category's code and field, or `file`.
    pub place: String,
    /// What is wrong, and what to write.
    pub rule: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    category: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    code: Spanned<String>,
    zh: String,
    en: String,
    #[serde(default)]
    about_zh: String,
    #[serde(default)]
    about_en: String,
    #[serde(default)]
    units: Vec<Route>,
    #[serde(default)]
    promises: Vec<TimePromise>,
    #[serde(default)]
    questions: Vec<Question>,
    duplicates: Option<Nearness>,
    publishable: Option<bool>,
    #[serde(default)]
    call_first: Vec<String>,
    #[serde(default)]
    retired: bool,
}

/// Reads a whole file: every category in its order, or everything that is wrong.
pub fn read(text: &str) -> Result<Vec<Category>, Vec<FileProblem>> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        vec![FileProblem { line, place: "file".to_owned(), rule: error.message().to_owned() }]
    })?;
    let mut problems = Vec::new();
    if file.category.is_empty() || file.category.len() > CATEGORIES {
        let rule = format!("has {} categories; write 1 to {CATEGORIES} tables [[category]]", file.category.len());
        problems.push(FileProblem { line: 1, place: "file".to_owned(), rule });
    }
    let mut categories = Vec::with_capacity(file.category.len());
    let mut seen = BTreeSet::new();
    for (position, entry) in (1..).zip(file.category) {
        let line = line_of(text, entry.code.span().start);
        let written = entry.code.get_ref().clone();
        let mut wrong = |field: &str, rule: String| {
            problems.push(FileProblem { line, place: format!("`{written}` {field}"), rule });
        };
        match entry.code.get_ref().parse::<CategoryCode>() {
            Err(error) => wrong("code", error.to_string()),
            Ok(code) => {
                if !seen.insert(code.clone()) {
                    wrong("code", "stands twice: leave one out".to_owned());
                }
                if code.parent().is_some_and(|parent| !seen.contains(&parent)) {
                    wrong("code", "has no group: write the group's table before it".to_owned());
                }
                let category = entry.category(code, position);
                category.details.check(&mut wrong);
                categories.push(category);
            }
        }
    }
    if problems.is_empty() { Ok(categories) } else { Err(problems) }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

impl Entry {
    fn category(self, code: CategoryCode, position: u32) -> Category {
        let Self {
            code: _,
            zh,
            en,
            about_zh,
            about_en,
            units,
            promises,
            questions,
            duplicates,
            publishable,
            call_first,
            retired,
        } = self;
        let details =
            Details { zh, en, about_zh, about_en, units, promises, questions, duplicates, publishable, call_first };
        Category { code, position, details, retired }
    }
}

impl Details {
    /// Tells every field that breaks a rule, wherever the category comes from.
    pub fn check(&self, wrong: &mut dyn FnMut(&str, String)) {
        for (field, name) in [("zh", &self.zh), ("en", &self.en)] {
            if name.trim().is_empty() || name.chars().count() > NAME {
                wrong(field, format!("must be a name of 1 to {NAME} characters"));
            }
        }
        for (field, text) in [("about_zh", &self.about_zh), ("about_en", &self.about_en)] {
            if text.chars().count() > ABOUT {
                wrong(field, format!("must have at most {ABOUT} characters"));
            }
        }
        for (field, count) in
            [("units", self.units.len()), ("promises", self.promises.len()), ("questions", self.questions.len())]
        {
            if count > LISTED {
                wrong(field, format!("lists {count}; at most {LISTED} are possible"));
            }
        }
        for Route { unit, area } in &self.units {
            if unit.trim().is_empty() || unit.chars().count() > NAME {
                wrong("units", format!("`unit` must be a code of 1 to {NAME} characters"));
            }
            if let Some(digits) = area
                && digits.parse::<AreaCode>().is_err()
            {
                wrong("units", format!("`area` is `{digits}`; write 6, 9, 12 or 15 digits"));
            }
        }
        self.check_times(wrong);
        self.check_questions(wrong);
        if let Some(Nearness { metres, days }) = self.duplicates
            && (!(1..=5000).contains(&metres) || !(1..=365).contains(&days))
        {
            wrong("duplicates", "must be 1 to 5000 metres and 1 to 365 days".to_owned());
        }
        let is_number =
            |number: &String| (3..=12).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        if !self.call_first.iter().all(is_number) || self.call_first.len() > 5 {
            wrong("call_first", "must list at most 5 telephone numbers of 3 to 12 digits".to_owned());
        }
    }

    fn check_times(&self, wrong: &mut dyn FnMut(&str, String)) {
        for (at, promise) in self.promises.iter().enumerate() {
            if promise.contact.is_none() && promise.resolve.is_none() {
                wrong("promises", "promises nothing: write `contact`, `resolve` or both".to_owned());
            }
            let earlier = &self.promises[..at];
            if earlier.iter().any(|other| other.urgency.is_none() || other.urgency == promise.urgency) {
                wrong("promises", "is never reached: an earlier one fits the same urgency".to_owned());
            }
        }
    }

    fn check_questions(&self, wrong: &mut dyn FnMut(&str, String)) {
        let mut codes = BTreeSet::new();
        for Question { code, kind, required: _, zh, en, values } in &self.questions {
            let is_code = |text: &str| {
                (1..=40).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            };
            if !is_code(code) || !codes.insert(code) {
                wrong("questions", format!("`code` is `{code}`; write small letters, digits and `_`, each code once"));
            }
            if zh.trim().is_empty() || en.trim().is_empty() {
                wrong("questions", format!("`{code}` must be asked in Chinese (`zh`) and English (`en`)"));
            }
            let is_list = matches!(kind, AnswerKind::SingleValueList | AnswerKind::MultiValueList);
            if is_list == values.is_empty() || values.len() > LISTED {
                wrong("questions", format!("`{code}`: lists have 1 to {LISTED} `values`, other kinds none"));
            }
            let keys: BTreeSet<_> = values.iter().map(|choice| choice.key.as_str()).collect();
            let named = values.iter().all(|choice| !choice.zh.is_empty() && !choice.en.is_empty());
            if keys.len() != values.len() || !keys.iter().all(|key| is_code(key)) || !named {
                wrong("questions", format!("`{code}`: every value needs a `key` of its own, `zh` and `en`"));
            }
        }
    }
}

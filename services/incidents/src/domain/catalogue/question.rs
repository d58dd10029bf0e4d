//! What must be asked for a category, and whether the answers will do. The kinds are the datatypes of Open311 `GeoReport` v2,
//! so that a question is an attribute of the service there.

use std::collections::BTreeSet;

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::codes::coded_enum;

/// Most characters of an answer in one line, and in several.
const LINE: usize = 500;
const LINES: usize = 4000;

coded_enum! {
    /// What an answer looks like.
    AnswerKind, "kind of answer" {
        /// One line.
        String = "string",
        Number = "number",
        /// RFC 3339, for example 2026-11-23T09:00:00+08:00.
        DateTime = "datetime",
        Text = "text",
        /// One of the listed values.
        SingleValueList = "singlevaluelist",
        /// One or more of the listed values.
        MultiValueList = "multivaluelist",
    }
}

/// Something to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Unique in the category.
    pub code: String,
    pub kind: AnswerKind,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// The question itself.
    pub zh: String,
    pub en: String,
    /// What may be chosen; for lists only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Choice>,
}

/// One value of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// What is stored and sent.
    pub key: String,
    pub zh: String,
    pub en: String,
}

/// What was answered to one question. No value: it was asked, and is not known.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub code: String,
    pub values: Vec<String>,
}

/// Answers say who, where and what; they go into no log.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("code", &self.code).field("values", &self.values.len()).finish()
    }
}

/// When the answers are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// By whoever reports it: what must be answered is answered.
    Report,
    /// By the desk, which may say that nobody knows.
    Triage,
    /// There is no time for questions; what is answered must still be right.
    Emergency,
}

/// What is wrong with the answers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{code}` {rule}")]
pub struct AnswerProblem {
    pub code: String,
    pub rule: String,
}

/// Whether `answers` will do for `questions`; else the first thing that is wrong.
pub fn check_answers(questions: &[Question], answers: &[Answer], stage: Stage) -> Result<(), AnswerProblem> {
    let mut seen = BTreeSet::new();
    for Answer { code, values } in answers {
        let wrong = |rule: String| AnswerProblem { code: code.chars().take(60).collect(), rule };
        let Some(question) = questions.iter().find(|question| question.code == *code) else {
            let known: Vec<_> = questions.iter().map(|question| question.code.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(wrong(format!("is not asked for this category; asked: {known}")));
        };
        if !seen.insert(code) {
            return Err(wrong("is answered twice: answer it once".to_owned()));
        }
        question.check(values).map_err(wrong)?;
    }
    let unanswered = questions.iter().filter(|question| question.required).find(|question| {
        let answer = answers.iter().find(|answer| answer.code == question.code);
        match stage {
            Stage::Report => answer.is_none_or(|answer| answer.values.is_empty()),
            Stage::Triage => answer.is_none(),
            Stage::Emergency => false,
        }
    });
    match unanswered {
        None => Ok(()),
        Some(question) => {
            let rule = match stage {
                Stage::Triage => "must be asked; answer it, or give it without a value where nobody knows",
                Stage::Report | Stage::Emergency => "must be answered",
            };
            Err(AnswerProblem { code: question.code.clone(), rule: format!("{rule}: {} {}", question.zh, question.en) })
        }
    }
}

impl Question {
    fn check(&self, values: &[String]) -> Result<(), String> {
        let [first, more @ ..] = values else { return Ok(()) };
        if self.kind != AnswerKind::MultiValueList && !more.is_empty() {
            return Err("takes one value".to_owned());
        }
        match self.kind {
            AnswerKind::String if first.trim().is_empty() || first.chars().count() > LINE || first.contains('\n') => {
                Err(format!("must be one line of 1 to {LINE} characters"))
            }
            AnswerKind::Text if first.trim().is_empty() || first.chars().count() > LINES => {
                Err(format!("must have 1 to {LINES} characters"))
            }
            AnswerKind::Number if !first.parse::<f64>().is_ok_and(f64::is_finite) => {
                Err("must be a number, for example 3 or 2.5".to_owned())
            }
            AnswerKind::DateTime if DateTime::parse_from_rfc3339(first).is_err() => {
                Err("must be a time as in 2026-11-23T09:00:00+08:00".to_owned())
            }
            AnswerKind::SingleValueList | AnswerKind::MultiValueList => self.check_choice(values),
            _ => Ok(()),
        }
    }

    fn check_choice(&self, values: &[String]) -> Result<(), String> {
        let keys: Vec<_> = self.values.iter().map(|choice| choice.key.as_str()).collect();
        if !values.iter().all(|value| keys.contains(&value.as_str())) {
            return Err(format!("must be chosen from: {}", keys.join(", ")));
        }
        let distinct: BTreeSet<_> = values.iter().collect();
        if distinct.len() == values.len() { Ok(()) } else { Err("names a value twice: name it once".to_owned()) }
    }
}

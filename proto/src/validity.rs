//! The rules of `buf.validate` that the contracts use, and how a broken one is told.

use std::sync::OnceLock;

use regex_lite::Regex;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// One broken rule: which field, which rule, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path from the request, for example `resident.care_tags[2].source`.
    pub field: String,
    /// The rule's name in `buf.validate`, for example `string.max_len`.
    pub rule: &'static str,
    pub message: String,
}

/// Walks a request and gathers what is wrong with it. At most [`Checker::MOST`] violations are kept.
#[derive(Debug, Default)]
pub struct Checker {
    path: Vec<String>,
    found: Vec<Violation>,
}

/// The rules of a text field; lengths are in characters.
pub(crate) struct Text {
    pub(crate) min_len: Option<usize>,
    pub(crate) max_len: Option<usize>,
    pub(crate) pattern: Option<&'static Pattern>,
    pub(crate) one_of: &'static [&'static str],
    pub(crate) uuid: bool,
    pub(crate) ignore_zero: bool,
}

/// A regular expression, compiled when it is first needed. The build has proved that it compiles.
pub(crate) struct Pattern {
    text: &'static str,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, regex: OnceLock::new() }
    }

    fn matches(&self, value: &str) -> bool {
        self.regex.get_or_init(|| Regex::new(self.text).ok()).as_ref().is_some_and(|regex| regex.is_match(value))
    }
}

impl Checker {
    /// More than this many violations of one request are not told.
    pub const MOST: usize = 50;

    /// What was found.
    pub fn into_violations(self) -> Vec<Violation> {
        self.found
    }

    fn note(&mut self, name: &str, rule: &'static str, message: impl Into<String>) {
        if self.found.len() < Self::MOST {
            let mut field = self.path.join(".");
            if !name.is_empty() {
                if !field.is_empty() {
                    field.push('.');
                }
                field.push_str(name);
            }
            self.found.push(Violation { field, rule, message: message.into() });
        }
    }

    pub(crate) fn below(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        // An empty name means that the path already ends in this item.
        if name.is_empty() {
            return check(self);
        }
        self.path.push(name.to_owned());
        check(self);
        self.path.pop();
    }

    pub(crate) fn each(&mut self, name: &str, index: usize, check: impl FnOnce(&mut Self)) {
        self.path.push(format!("{name}[{index}]"));
        check(self);
        self.path.pop();
    }

    pub(crate) fn required(&mut self, name: &str, set: bool) {
        if !set {
            self.note(name, "required", "is missing: set it");
        }
    }

    pub(crate) fn items(&mut self, name: &str, len: usize, min: Option<usize>, max: Option<usize>) {
        if let Some(min) = min.filter(|min| len < *min) {
            self.note(name, "repeated.min_items", format!("has {len} items, needs at least {min}"));
        }
        if let Some(max) = max.filter(|max| len > *max) {
            self.note(name, "repeated.max_items", format!("has {len} items, may have at most {max}"));
        }
    }

    pub(crate) fn text(&mut self, name: &str, value: &str, rules: &Text) {
        // No text field of any request may hold U+0000: Postgres cannot store it, and no person types it.
        if value.contains('\0') {
            return self.note(name, "string.no_nul", "holds the character U+0000: take it out");
        }
        if rules.ignore_zero && value.is_empty() {
            return;
        }
        let len = value.chars().count();
        if let Some(min) = rules.min_len.filter(|min| len < *min) {
            self.note(name, "string.min_len", format!("has {len} characters, needs at least {min}"));
        }
        if let Some(max) = rules.max_len.filter(|max| len > *max) {
            self.note(name, "string.max_len", format!("has {len} characters, may have at most {max}"));
        }
        if let Some(pattern) = rules.pattern.filter(|pattern| !pattern.matches(value)) {
            self.note(name, "string.pattern", format!("does not have the form {}", pattern.text));
        }
        if !rules.one_of.is_empty() && !rules.one_of.contains(&value) {
            self.note(name, "string.in", format!("must be one of {}", rules.one_of.join(", ")));
        }
        if rules.uuid && !is_uuid(value) {
            self.note(name, "string.uuid", "must be a UUID, for example 01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11");
        }
    }

    pub(crate) fn number(&mut self, name: &str, value: f64, gte: Option<f64>, lte: Option<f64>) {
        // Written so that NaN breaks every limit.
        if let Some(gte) = gte.filter(|gte| !matches!(value.partial_cmp(gte), Some(o) if o.is_ge())) {
            self.note(name, "number.gte", format!("is {value}, must be at least {gte}"));
        }
        if let Some(lte) = lte.filter(|lte| !matches!(value.partial_cmp(lte), Some(o) if o.is_le())) {
            self.note(name, "number.lte", format!("is {value}, must be at most {lte}"));
        }
    }

    pub(crate) fn choice(&mut self, name: &str, value: i32, known: bool, within: &[i32], not_in: &[i32]) {
        if !known {
            return self.note(name, "enum.defined_only", format!("{value} is not a value of this enum"));
        }
        if not_in.contains(&value) {
            return self.note(
                name,
                "enum.not_in",
                if value == 0 { "is missing: set it" } else { "is not allowed here" },
            );
        }
        if !within.is_empty() && !within.contains(&value) {
            self.note(name, "enum.in", "is not allowed here");
        }
    }
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// `INVALID_ARGUMENT` with an `ErrorInfo` (reason `INVALID_FIELD`) and a field violation for each broken rule.
pub fn refuse(violations: Vec<Violation>) -> Status {
    let fields: Vec<_> = violations.iter().take(3).map(|v| format!("{} {}", v.field, v.message)).collect();
    let more = if violations.len() > 3 { format!("; and {} more", violations.len() - 3) } else { String::new() };
    let mut details = ErrorDetails::with_error_info("INVALID_FIELD", "linju", []);
    details.set_bad_request(
        violations
            .into_iter()
            .map(|v| FieldViolation {
                field: v.field,
                description: v.message,
                reason: v.rule.to_owned(),
                ..FieldViolation::default()
            })
            .collect::<Vec<_>>(),
    );
    Status::with_error_details(Code::InvalidArgument, format!("{}{more}", fields.join("; ")), details)
}

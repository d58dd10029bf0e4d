//! The office's tree of categories: what may be reported, who handles it, by when, and what must be asked.
//!
//! What a category leaves out it takes from the group it stands in: the units, the promises, the rule for duplicates, whom to
//! call first and whether it may be published. Questions are a category's own.

mod file;
mod question;
mod span;

use chassis::data::AreaCode;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use file::{FileProblem, read};
pub use question::{Answer, AnswerKind, AnswerProblem, Choice, Question, Stage, check_answers};
pub use span::{NotASpan, Span, SpanUnit};

use super::category::CategoryCode;
use super::status::Urgency;

/// One node of the tree, as the office keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    pub code: CategoryCode,
    /// Where it stands among the others: the order of the office's file.
    pub position: u32,
    pub details: Details,
    /// Nothing new is reported under it; what was keeps it.
    pub retired: bool,
}

/// Everything about a category but where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Details {
    /// The name, in Chinese and in English.
    pub zh: String,
    pub en: String,
    /// What belongs here and what does not.
    pub about_zh: String,
    pub about_en: String,
    /// Who handles it: the unit of the smallest area that holds the place, then the others, each in the order given.
    pub units: Vec<Route>,
    /// By when. The first that fits the urgency counts.
    pub promises: Vec<TimePromise>,
    /// In the order in which they are asked.
    pub questions: Vec<Question>,
    /// Which other report may be the same; none: none.
    pub duplicates: Option<Nearness>,
    /// Whether a report may be shown to the public, without personal data; unsaid: not.
    pub publishable: Option<bool>,
    /// The numbers to call before anything else, for example 119.
    pub call_first: Vec<String>,
}

/// A unit, everywhere or in one area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub unit: String,
    /// Digits of the area; none: everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
}

/// When the office wants to have spoken to the reporter, and when it wants to have solved it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimePromise {
    /// None: whatever the urgency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolve: Option<Span>,
    /// Whether the time runs from the report; else from when a unit was first told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_report: bool,
}

/// How near another report must be to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nearness {
    pub metres: u32,
    pub days: u32,
}

/// Why a code cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unusable {
    #[error("is `{code}`, which is not in the catalogue; known there: {known}")]
    Unknown { code: CategoryCode, known: String },
    #[error("is `{code}`, which is no longer used; choose another: {known}")]
    Retired { code: CategoryCode, known: String },
    #[error("is `{code}`, a group; choose what stands in it: {known}")]
    Group { code: CategoryCode, known: String },
}

/// A whole tree, in the office's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue(Vec<Category>);

impl Catalogue {
    pub fn new(mut categories: Vec<Category>) -> Self {
        categories.sort_by(|a, b| (a.position, &a.code).cmp(&(b.position, &b.code)));
        Self(categories)
    }

    pub fn all(&self) -> &[Category] {
        &self.0
    }

    pub fn find(&self, code: &CategoryCode) -> Option<&Category> {
        self.0.iter().find(|category| category.code == *code)
    }

    /// The group and all that stands in it, also what is retired; empty where there is no such code.
    pub fn within(&self, group: &CategoryCode) -> Vec<CategoryCode> {
        self.0.iter().map(|category| &category.code).filter(|code| group.contains(code)).cloned().collect()
    }

    /// The category as it counts for a new report: itself, with what it takes from its groups.
    pub fn usable(&self, code: &CategoryCode) -> Result<Category, Unusable> {
        let unknown = || Unusable::Unknown { code: code.clone(), known: self.near(code) };
        let found = self.find(code).ok_or_else(unknown)?;
        if found.retired {
            return Err(Unusable::Retired { code: code.clone(), known: self.near(code) });
        }
        if self.is_group(code) {
            return Err(Unusable::Group { code: code.clone(), known: self.near(code) });
        }
        Ok(self.inherited(found))
    }

    /// The category with what it takes from its groups; also one that is retired. None: it is not in the tree.
    pub fn resolved(&self, code: &CategoryCode) -> Option<Category> {
        self.find(code).map(|found| self.inherited(found))
    }

    /// Whether anything that is in use stands in it.
    pub fn is_group(&self, code: &CategoryCode) -> bool {
        self.0.iter().any(|other| !other.retired && other.code != *code && code.contains(&other.code))
    }

    fn inherited(&self, category: &Category) -> Category {
        let mut whole = category.clone();
        let mut above = category.code.parent();
        while let Some(code) = above {
            if let Some(group) = self.find(&code) {
                whole.details.inherit(&group.details);
            }
            above = code.parent();
        }
        whole
    }

    /// What could have been meant: what stands in the same group, or all groups.
    fn near(&self, code: &CategoryCode) -> String {
        let used = || self.0.iter().filter(|category| !category.retired).map(|category| &category.code);
        let inside: Vec<_> = used().filter(|other| code.contains(other) && *other != code).collect();
        let beside: Vec<_> = used().filter(|other| code.parent().is_some_and(|group| group.contains(other))).collect();
        let groups: Vec<_> = used().filter(|other| other.parent().is_none()).collect();
        let choice = [inside, beside, groups].into_iter().find(|codes| !codes.is_empty()).unwrap_or_default();
        choice.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl Details {
    fn inherit(&mut self, group: &Self) {
        if self.units.is_empty() {
            self.units.clone_from(&group.units);
        }
        if self.promises.is_empty() {
            self.promises.clone_from(&group.promises);
        }
        if self.call_first.is_empty() {
            self.call_first.clone_from(&group.call_first);
        }
        self.duplicates = self.duplicates.or(group.duplicates);
        self.publishable = self.publishable.or(group.publishable);
    }

    /// The units for a place, the one to ask first at the front.
    pub fn routes(&self, area: AreaCode) -> Vec<&str> {
        let mut fitting: Vec<_> = self.units.iter().filter_map(|route| Some((route.reach(area)?, route))).collect();
        fitting.sort_by_key(|(reach, _)| std::cmp::Reverse(*reach));
        fitting.into_iter().map(|(_, route)| route.unit.as_str()).collect()
    }

    /// What is promised at this urgency.
    pub fn promise(&self, urgency: Urgency) -> Option<&TimePromise> {
        let fits = |promise: &&TimePromise| promise.urgency.is_none_or(|of| of == urgency);
        self.promises.iter().find(fits)
    }
}

impl Route {
    /// How closely the route names the place: 0 for everywhere, more the smaller its area; none: not for this place.
    fn reach(&self, area: AreaCode) -> Option<usize> {
        let Some(digits) = &self.area else { return Some(0) };
        let of: AreaCode = digits.parse().ok()?;
        of.contains(area).then_some(digits.len())
    }
}

#[cfg(test)]
mod tests;

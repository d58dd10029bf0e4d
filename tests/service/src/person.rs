//! Somebody with a token.

use chassis::access::{Grant, Principal};
use linju_proto::common::v1::{Cover, Role};

use crate::SUBDISTRICT;

/// Who calls, and why.
#[derive(Clone, Debug)]
pub struct Person {
    pub(crate) principal: Principal,
    pub(crate) purpose: Option<&'static str>,
}

impl Person {
    /// # Panics
    /// Where `area` is no area code.
    pub fn new(subject: &str, role: Role, area: &str) -> Self {
        let area = area.parse().unwrap_or_else(|e| panic!("`{area}` is no area code: {e}"));
        let grants = vec![Grant::new(role, Some(vec![area]))];
        Self { principal: Principal { subject: subject.to_owned(), on_behalf: None, grants }, purpose: None }
    }

    /// The same with the last grant for a unit.
    #[must_use]
    pub fn of_unit(self, unit: &str) -> Self {
        self.granted(|grant| grant.unit = Some(unit.to_owned()))
    }

    /// Somebody whose own record this is.
    ///
    /// # Panics
    /// Where `record` is no UUID, or `area` no area code.
    pub fn resident(subject: &str, record: &str, area: &str) -> Self {
        let id = record.parse().unwrap_or_else(|e| panic!("`{record}` is no UUID: {e}"));
        Self::new(subject, Role::Resident, area).granted(|grant| grant.persons = vec![id])
    }

    /// Somebody who acts for the person of the record, in these matters.
    pub fn for_somebody(subject: &str, record: &str, covers: &[Cover]) -> Self {
        let mut person =
            Self::resident(subject, record, SUBDISTRICT).granted(|grant| grant.covers = Some(covers.to_vec()));
        person.principal.on_behalf = Some(record.to_owned());
        person
    }

    fn granted(mut self, change: impl FnOnce(&mut Grant)) -> Self {
        if let Some(grant) = self.principal.grants.last_mut() {
            change(grant);
        }
        self
    }

    /// The same grants in the hands of somebody else.
    #[must_use]
    pub fn named(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.principal.subject);
        self
    }

    /// The same person with the other's grants, too.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.principal.grants.extend(other.principal.grants.iter().cloned());
        self
    }

    #[must_use]
    pub fn because(mut self, purpose: &'static str) -> Self {
        self.purpose = Some(purpose);
        self
    }
}

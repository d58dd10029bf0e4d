//! Which rows a call may touch.

use linju_proto::{Method, OWN_ROWS, common::v1};
use sea_orm::{ColumnTrait, Condition, sea_query::Expr};
use uuid::Uuid;

use super::{Grant, Principal};
use crate::data::AreaCode;

/// Areas, all or some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Areas {
    Everywhere,
    Within(Vec<AreaCode>),
}

impl Areas {
    fn none() -> Self {
        Self::Within(Vec::new())
    }

    fn add(&mut self, more: Option<&[AreaCode]>) {
        match (&mut *self, more) {
            (Self::Everywhere, _) => {}
            (_, None) => *self = Self::Everywhere,
            (Self::Within(codes), Some(more)) => {
                codes.extend(more.iter().filter(|code| !codes.contains(code)).copied().collect::<Vec<_>>());
            }
        }
    }

    /// Whether `area` lies within.
    pub fn contain(&self, area: AreaCode) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Within(codes) => codes.iter().any(|code| code.contains(area)),
        }
    }

    /// `column` holds an area within.
    pub fn hold(&self, column: impl ColumnTrait) -> Condition {
        match self {
            Self::Everywhere => Condition::all(),
            Self::Within(codes) if codes.is_empty() => Condition::all().add(Expr::value(false)),
            Self::Within(codes) => codes.iter().fold(Condition::any(), |any, code| any.add(code.holds(column))),
        }
    }
}

/// What the grants of a caller let one method touch. Every finder takes it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Where the caller sees and changes rows, whoever they are about.
    pub areas: Areas,
    /// Where the caller sees and makes rows of their own.
    pub own_areas: Areas,
    /// Whose rows are the caller's own, as rows name their owner: the account, and the records of the register that are its
    /// own; for a call by mandate only the person for whom it is made.
    own: Vec<String>,
    /// The grants that count for this call. What one of them gives is never mixed with what another gives.
    grants: Vec<Grant>,
}

impl Scope {
    /// Everything, for the program itself: imports, timers, events.
    pub fn everything() -> Self {
        Self { areas: Areas::Everywhere, own_areas: Areas::Everywhere, own: Vec::new(), grants: Vec::new() }
    }

    /// What `grants` give for `method`, or none where no grant has a role that may call it. A public method may be called by
    /// anybody, and the roles it names see more there; one about the caller's own account asks for no role.
    pub(super) fn of<'g>(
        method: &Method,
        principal: &Principal,
        grants: impl IntoIterator<Item = &'g Grant>,
    ) -> Option<Self> {
        let fitting = grants.into_iter().filter(|grant| grant.opens(method)).cloned().collect();
        let mut scope = Self { areas: Areas::none(), own_areas: Areas::none(), own: Vec::new(), grants: fitting };
        scope.own = if let Some(person) = &principal.on_behalf {
            vec![person.clone()]
        } else {
            let persons = scope.persons().into_iter().map(|person| person.to_string());
            [principal.subject.clone()].into_iter().filter(|subject| !subject.is_empty()).chain(persons).collect()
        };
        for grant in &scope.grants {
            let own_only = method.scope == v1::Scope::Self_ as i32 || OWN_ROWS.contains(&(grant.role as i32));
            let areas = if own_only { &mut scope.own_areas } else { &mut scope.areas };
            areas.add(grant.areas.as_deref());
        }
        let asks_no_role = [v1::Scope::Public as i32, v1::Scope::Account as i32].contains(&method.scope);
        (asks_no_role || !scope.grants.is_empty()).then_some(scope)
    }

    /// Whether the caller holds `role` in `area`.
    pub fn acts_as(&self, role: v1::Role, area: AreaCode) -> bool {
        self.grants_in(area).any(|grant| grant.role == role)
    }

    /// Whether the caller works for `unit` in `area`.
    pub fn works_for(&self, unit: &str, area: AreaCode) -> bool {
        self.grants_in(area).any(|grant| grant.unit.as_deref() == Some(unit))
    }

    /// Whether the caller works at the centre or room `place` in `area`.
    pub fn works_at(&self, place: Uuid, area: AreaCode) -> bool {
        self.grants_in(area).any(|grant| grant.place == Some(place))
    }

    /// The records that are the caller's own for this call, each once.
    pub fn persons(&self) -> Vec<Uuid> {
        let mut persons: Vec<Uuid> = self.grants.iter().flat_map(|grant| grant.persons.iter().copied()).collect();
        persons.sort_unstable();
        persons.dedup();
        persons
    }

    /// Whether a row of this area about `person` is the caller's own.
    pub fn is_about(&self, person: Uuid, area: AreaCode) -> bool {
        self.grants_in(area).any(|grant| grant.persons.contains(&person))
    }

    /// Rows about the caller's own persons: each within the areas of the grant that names the person.
    pub fn about(&self, area: impl ColumnTrait, person: impl ColumnTrait) -> Condition {
        let named = self.grants.iter().filter(|grant| !grant.persons.is_empty());
        named.fold(Condition::any().add(Expr::value(false)), |any, grant| {
            let held = match &grant.areas {
                None => Condition::all(),
                Some(codes) => Areas::Within(codes.clone()).hold(area),
            };
            any.add(Condition::all().add(person.is_in(grant.persons.iter().copied())).add(held))
        })
    }

    /// The roles that count for this call, with their units: `grid_worker`, `handler:sanitation`; each once.
    pub fn acting(&self) -> String {
        let mut roles: Vec<String> = Vec::new();
        for Grant { role, unit, .. } in &self.grants {
            let unit = unit.as_ref().map(|unit| format!(":{unit}")).unwrap_or_default();
            let text = super::role_code(*role) + &unit;
            if !roles.contains(&text) {
                roles.push(text);
            }
        }
        roles.join(",")
    }

    fn grants_in(&self, area: AreaCode) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(move |g| g.areas.as_ref().is_none_or(|areas| areas.iter().any(|a| a.contains(area))))
    }

    /// Whether rows of `owner` are the caller's own for this call.
    pub fn owns(&self, owner: &str) -> bool {
        self.own.iter().any(|own| own == owner)
    }

    /// Whether a row of this area, made by or about `owner`, may be touched.
    pub fn admits(&self, area: AreaCode, owner: Option<&str>) -> bool {
        let is_own = owner.is_some_and(|owner| self.owns(owner));
        self.areas.contain(area) || (is_own && self.own_areas.contain(area))
    }

    /// Whether a new row of the caller's may be put into `area`.
    pub fn admits_new(&self, area: AreaCode) -> bool {
        self.areas.contain(area) || self.own_areas.contain(area)
    }

    /// The rows that may be touched: of the areas, or the caller's own.
    pub fn rows(&self, area: impl ColumnTrait, owner: Option<impl ColumnTrait>) -> Condition {
        let mut any = Condition::any().add(self.areas.hold(area));
        if let Some(owner) = owner
            && !self.own.is_empty()
            && self.own_areas != Areas::none()
        {
            any = any.add(
                Condition::all().add(owner.is_in(self.own.iter().map(String::as_str))).add(self.own_areas.hold(area)),
            );
        }
        any
    }
}

impl Grant {
    /// Whether it counts for the method: the method names its role, a mandate counts only for what it covers, and what is
    /// about the whole installation only for whoever holds the role everywhere.
    pub fn opens(&self, method: &Method) -> bool {
        let covered = self.covers.as_ref().is_none_or(|covers| covers.iter().any(|c| *c as i32 == method.cover));
        let wide = method.scope != v1::Scope::All as i32 || self.areas.is_none();
        covered && wide && method.roles.contains(&(self.role as i32))
    }
}

#[cfg(test)]
mod tests {
    use linju_proto::{METHODS, common::v1::Role};

    use super::*;

    fn grant(role: Role, area: Option<&str>) -> Grant {
        Grant::new(role, area.map(|a| vec![a.parse().expect("a code")]))
    }

    fn who(subject: &str) -> Principal {
        Principal { subject: subject.to_owned(), ..Principal::nobody() }
    }

    fn method(name: &str) -> &'static Method {
        METHODS.iter().find(|m| m.path.ends_with(name)).expect("a method")
    }

    #[test]
    fn what_one_grant_gives_is_not_mixed_with_another() {
        let accept = method("/AcceptIncident");
        let (here, there) = ("511903001008".parse().expect("a code"), "511903001009".parse().expect("a code"));
        let mut sanitation = grant(Role::Handler, Some("511903001008"));
        sanitation.unit = Some("sanitation".to_owned());
        let grants = [sanitation, grant(Role::GridWorker, Some("511903001009"))];
        let scope = Scope::of(accept, &who("h1"), &grants).expect("may call");
        assert!(scope.works_for("sanitation", here) && !scope.works_for("sanitation", there));
        assert!(scope.acts_as(Role::GridWorker, there) && !scope.acts_as(Role::GridWorker, here));
    }

    #[test]
    fn only_roles_that_see_rows_see_more_of_a_public_method() {
        let figures = method("/GetFigures");
        let area = "511903001008".parse().expect("a code");
        for (role, more) in [(Role::GridWorker, true), (Role::Handler, false), (Role::TeamLeader, false)] {
            let scope = Scope::of(figures, &who("x"), &[grant(role, Some("511903001"))]).expect("anybody may call");
            assert_eq!(scope.areas.contain(area), more, "{role:?}");
        }
    }

    #[test]
    fn a_role_that_may_not_call_gives_nothing() {
        let merge = method("/MergeResidents");
        assert_eq!(Scope::of(merge, &who("w1"), &[grant(Role::GridWorker, None)]), None);
        assert!(Scope::of(merge, &who("m1"), &[grant(Role::CommunityManager, Some("511903001008"))]).is_some());
    }

    #[test]
    fn areas_add_up_and_nothing_else_does() {
        let get = method("/GetResident");
        let grants = [
            grant(Role::GridWorker, Some("511903001008001")),
            grant(Role::CallClerk, Some("511903001009")),
            grant(Role::Volunteer, None),
        ];
        let scope = Scope::of(get, &who("w1"), &grants).expect("may call");
        for (area, seen) in
            [("511903001008001", true), ("511903001008002", false), ("511903001009007", true), ("511903001010", false)]
        {
            assert_eq!(scope.admits(area.parse().expect("a code"), None), seen, "{area}");
        }
    }

    #[test]
    fn a_resident_sees_only_own_rows() {
        let get = method("/GetIncident");
        let scope = Scope::of(get, &who("r1"), &[grant(Role::Resident, Some("511903001"))]).expect("may call");
        let area = "511903001008".parse().expect("a code");
        assert!(scope.admits(area, Some("r1")));
        assert!(!scope.admits(area, Some("r2")));
        assert!(!scope.admits(area, None));
        assert!(scope.admits_new(area));
        assert!(!scope.admits_new("511903002".parse().expect("a code")));
    }

    #[test]
    fn rows_are_about_a_person_only_where_the_grant_that_names_it_holds() {
        let get = method("/GetIncident");
        let person = Uuid::from_u128(7);
        let own = Grant { persons: vec![person], ..grant(Role::Resident, Some("511903001008")) };
        let scope = Scope::of(get, &who("r1"), &[own, grant(Role::Volunteer, None)]).expect("may call");
        let (here, there) = ("511903001008001".parse().expect("a code"), "511903001009001".parse().expect("a code"));
        assert!(scope.is_about(person, here));
        assert!(!scope.is_about(person, there), "the other grant holds there, and names nobody");
        assert!(!scope.is_about(Uuid::from_u128(8), here));
        assert_eq!(scope.acting(), "resident,volunteer");
    }

    #[test]
    fn by_mandate_only_the_persons_rows_are_own() {
        let get = method("/GetMyRecord");
        let person = Uuid::from_u128(7);
        let link = Grant { persons: vec![person], ..grant(Role::Resident, Some("511903001")) };
        let area = "511903001008".parse().expect("a code");
        let own = Scope::of(get, &who("r1"), std::slice::from_ref(&link)).expect("may call");
        assert!(own.admits(area, Some("r1")) && own.admits(area, Some(&person.to_string())));
        let daughter = Principal { on_behalf: Some(person.to_string()), ..who("d1") };
        let mandate = Grant { covers: Some(vec![v1::Cover::See]), ..link };
        let acting = Scope::of(get, &daughter, &[mandate]).expect("may call");
        assert!(acting.admits(area, Some(&person.to_string())) && !acting.admits(area, Some("d1")));
    }

    #[test]
    fn a_mandate_counts_only_for_what_it_covers() {
        let get = method("/GetIncident");
        let by_mandate = |covers| Grant { covers: Some(covers), ..grant(Role::Resident, Some("511903001008")) };
        assert_eq!(Scope::of(get, &who("d1"), &[by_mandate(vec![v1::Cover::See, v1::Cover::Correct])]), None);
        assert_eq!(Scope::of(get, &who("d1"), &[by_mandate(Vec::new())]), None);
    }
}

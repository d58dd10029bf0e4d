//! Which rows a call may touch.

use linju_proto::{Method, OWN_ROWS, common::v1};
use sea_orm::{ColumnTrait, Condition, sea_query::Expr};

use super::Grant;
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
    /// Whose rows are the caller's own.
    pub own: String,
    /// The units the caller works for.
    pub units: Vec<String>,
}

impl Scope {
    /// Everything, for the program itself: imports, timers, events.
    pub fn everything() -> Self {
        Self { areas: Areas::Everywhere, own_areas: Areas::Everywhere, own: String::new(), units: Vec::new() }
    }

    /// What `grants` give for `method`, or none where no grant has a role that may call it.
    pub(super) fn of(method: &Method, subject: &str, grants: &[Grant]) -> Option<Self> {
        let public = method.scope == v1::Scope::Public as i32;
        let mut scope =
            Self { areas: Areas::none(), own_areas: Areas::none(), own: subject.to_owned(), units: Vec::new() };
        let mut may_call = public;
        for grant in grants.iter().filter(|g| public || method.roles.contains(&(g.role as i32))) {
            may_call = true;
            let areas = grant.areas.as_deref();
            let own_only = method.scope == v1::Scope::Self_ as i32 || OWN_ROWS.contains(&(grant.role as i32));
            if own_only {
                scope.own_areas.add(areas);
            } else {
                scope.areas.add(areas);
                scope.units.extend(grant.unit.clone());
            }
        }
        may_call.then_some(scope)
    }

    /// Whether a row of this area, made by or about `owner`, may be touched.
    pub fn admits(&self, area: AreaCode, owner: Option<&str>) -> bool {
        self.areas.contain(area) || (owner == Some(self.own.as_str()) && self.own_areas.contain(area))
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
            any = any.add(Condition::all().add(owner.eq(self.own.clone())).add(self.own_areas.hold(area)));
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use linju_proto::{METHODS, common::v1::Role};

    use super::*;

    fn grant(role: Role, area: Option<&str>) -> Grant {
        Grant { role, areas: area.map(|a| vec![a.parse().expect("a code")]), unit: None }
    }

    fn method(name: &str) -> &'static Method {
        METHODS.iter().find(|m| m.path.ends_with(name)).expect("a method")
    }

    #[test]
    fn a_role_that_may_not_call_gives_nothing() {
        let merge = method("/MergeResidents");
        assert_eq!(Scope::of(merge, "w1", &[grant(Role::GridWorker, None)]), None);
        assert!(Scope::of(merge, "m1", &[grant(Role::CommunityManager, Some("511903001008"))]).is_some());
    }

    #[test]
    fn areas_add_up_and_nothing_else_does() {
        let get = method("/GetResident");
        let grants = [
            grant(Role::GridWorker, Some("511903001008001")),
            grant(Role::CallClerk, Some("511903001009")),
            grant(Role::Volunteer, None),
        ];
        let scope = Scope::of(get, "w1", &grants).expect("may call");
        for (area, seen) in
            [("511903001008001", true), ("511903001008002", false), ("511903001009007", true), ("511903001010", false)]
        {
            assert_eq!(scope.admits(area.parse().expect("a code"), None), seen, "{area}");
        }
    }

    #[test]
    fn a_resident_sees_only_own_rows() {
        let get = method("/GetIncident");
        let scope = Scope::of(get, "r1", &[grant(Role::Resident, Some("511903001"))]).expect("may call");
        let area = "511903001008".parse().expect("a code");
        assert!(scope.admits(area, Some("r1")));
        assert!(!scope.admits(area, Some("r2")));
        assert!(!scope.admits(area, None));
        assert!(scope.admits_new(area));
        assert!(!scope.admits_new("511903002".parse().expect("a code")));
    }
}

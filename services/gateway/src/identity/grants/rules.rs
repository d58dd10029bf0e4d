//! Who may hold what together, and who may grant what to whom. Pure.

use chassis::{access::Role, data::AreaCode};
use chrono::{DateTime, Utc};

/// System administrator, security administrator and auditor exclude one another (三员分立, GB/T 22239-2019 level 3).
pub const OFFICERS: [Role; 3] = [Role::Operator, Role::SecurityAdmin, Role::Auditor];

/// What a security administrator may hold beside: roles that see rows of one's own only. All others would show the one who
/// hands out rights the personal data that those rights open.
const BESIDE_SECURITY_ADMIN: [Role; 2] = [Role::Resident, Role::Volunteer];

const STAFF: &[Role] = &[
    Role::TeamLeader,
    Role::GridWorker,
    Role::CallClerk,
    Role::Dispatcher,
    Role::Handler,
    Role::CentreStaff,
    Role::YouthStaff,
    Role::CommunityManager,
    Role::Volunteer,
    Role::Resident,
];

/// Who may grant which roles, each only where they hold their own role. What is not here nobody may grant.
pub const MAY_GRANT: &[(Role, &[Role])] = &[
    (
        Role::SecurityAdmin,
        &[
            Role::Operator,
            Role::SecurityAdmin,
            Role::Auditor,
            Role::SubdistrictManager,
            Role::Partner,
            Role::TeamLeader,
            Role::GridWorker,
            Role::CallClerk,
            Role::Dispatcher,
            Role::Handler,
            Role::CentreStaff,
            Role::YouthStaff,
            Role::CommunityManager,
            Role::Volunteer,
            Role::Resident,
        ],
    ),
    (Role::SubdistrictManager, STAFF),
    (Role::CommunityManager, &[Role::TeamLeader, Role::GridWorker, Role::Volunteer, Role::Resident]),
];

/// Roles that may hold everywhere. All others name an area.
pub(super) const EVERYWHERE: [Role; 3] = OFFICERS;

/// A time from `start` to before `end`; no end: for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub start: DateTime<Utc>,
    pub end: Option<DateTime<Utc>>,
}

impl Period {
    /// Whether the two have a moment in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.end.is_none_or(|end| other.start < end) && other.end.is_none_or(|end| self.start < end)
    }
}

/// A role that an account holds, or will hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldRole {
    pub role: Role,
    pub period: Period,
}

/// Two roles that one account may not hold at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clash {
    pub held: Role,
    pub wanted: Role,
}

/// The first of `held` that excludes `wanted`.
pub fn clash(held: &[HeldRole], wanted: HeldRole) -> Option<Clash> {
    let at_once = held.iter().filter(|held| held.period.overlaps(wanted.period));
    at_once
        .map(|held| held.role)
        .find(|held| exclude(*held, wanted.role))
        .map(|held| Clash { held, wanted: wanted.role })
}

fn exclude(one: Role, other: Role) -> bool {
    let officers = OFFICERS.contains(&one) && OFFICERS.contains(&other) && one != other;
    let security =
        |one, other: Role| one == Role::SecurityAdmin && other != one && !BESIDE_SECURITY_ADMIN.contains(&other);
    officers || security(one, other) || security(other, one)
}

/// Whether somebody with these roles, each within its area (none: everywhere), may grant or take away `role` in `area`.
pub fn may_grant(granter: &[(Role, Option<AreaCode>)], role: Role, area: Option<AreaCode>) -> bool {
    granter.iter().any(|(own, within)| {
        let listed = MAY_GRANT.iter().any(|(who, what)| who == own && what.contains(&role));
        let inside = match (within, area) {
            (None, _) => true,
            (Some(within), Some(area)) => within.contains(area),
            (Some(_), None) => false,
        };
        listed && inside
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: std::ops::RangeInclusive<i32> = 1..=15;

    fn day(day: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(day * 86_400, 0).expect("a time")
    }

    fn held(role: Role, start: i64, end: Option<i64>) -> HeldRole {
        HeldRole { role, period: Period { start: day(start), end: end.map(day) } }
    }

    fn roles() -> Vec<Role> {
        ALL.map(|number| Role::try_from(number).expect("a role")).collect()
    }

    #[test]
    fn the_three_officers_exclude_one_another() {
        for one in OFFICERS {
            for other in OFFICERS {
                let found = clash(&[held(one, 0, None)], held(other, 5, Some(9)));
                assert_eq!(found.is_some(), one != other, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn exclusion_does_not_ask_who_came_first() {
        for one in roles() {
            for other in roles() {
                let (there, back) = (
                    clash(&[held(one, 0, None)], held(other, 0, None)),
                    clash(&[held(other, 0, None)], held(one, 0, None)),
                );
                assert_eq!(there.is_some(), back.is_some(), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_security_administrator_holds_no_role_that_shows_others() {
        for role in roles() {
            let may = [Role::SecurityAdmin, Role::Resident, Role::Volunteer].contains(&role);
            assert_eq!(clash(&[held(Role::SecurityAdmin, 0, None)], held(role, 0, None)).is_none(), may, "{role:?}");
        }
    }

    #[test]
    fn one_after_the_other_is_no_clash() {
        let operator = held(Role::Operator, 0, Some(10));
        assert_eq!(clash(&[operator], held(Role::Auditor, 10, None)), None);
        assert!(clash(&[operator], held(Role::Auditor, 9, None)).is_some());
        assert!(clash(&[held(Role::Operator, 20, None)], held(Role::Auditor, 0, None)).is_some(), "it will begin");
        assert_eq!(clash(&[held(Role::Operator, 20, None)], held(Role::Auditor, 0, Some(20))), None);
    }

    #[test]
    fn nobody_grants_beyond_what_they_hold() {
        let (community, grid, other) = ("511903001008", "511903001008001", "511903001009");
        let code = |text: &str| Some(text.parse::<AreaCode>().expect("a code"));
        let manager = [(Role::CommunityManager, code(community))];
        assert!(may_grant(&manager, Role::GridWorker, code(grid)));
        assert!(may_grant(&manager, Role::GridWorker, code(community)));
        for (role, area) in [
            (Role::GridWorker, code(other)),
            (Role::GridWorker, code("511903001")),
            (Role::GridWorker, None),
            (Role::CommunityManager, code(community)),
            (Role::Auditor, code(grid)),
            (Role::SecurityAdmin, None),
        ] {
            assert!(!may_grant(&manager, role, area), "{role:?} {area:?}");
        }
        for role in roles() {
            assert!(!may_grant(&[(Role::Operator, None)], role, code(grid)), "{role:?}");
            assert!(!may_grant(&[(Role::GridWorker, code(community))], role, code(grid)), "{role:?}");
            assert!(may_grant(&[(Role::SecurityAdmin, None)], role, None), "{role:?}");
        }
    }

    #[test]
    fn only_a_security_administrator_makes_officers() {
        for (granter, roles) in MAY_GRANT {
            let makes = OFFICERS.iter().any(|officer| roles.contains(officer));
            assert_eq!(makes, *granter == Role::SecurityAdmin, "{granter:?}");
        }
    }
}

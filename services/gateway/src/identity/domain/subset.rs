//! What a personal token has of its owner's rights.

use chassis::{
    access::{Grant, role_code, role_of},
    data::AreaCode,
};
use linju_proto::common::v1::Role;
use serde::{Deserialize, Serialize};

/// The roles and areas a token was made for. It gives no right that its owner has not at the time of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subset {
    pub roles: Vec<Role>,
    /// Empty: wherever the owner has the role.
    pub areas: Vec<AreaCode>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    roles: Vec<String>,
    areas: Vec<String>,
}

impl Subset {
    /// What of `grants` the token has.
    pub fn of(&self, grants: Vec<Grant>) -> Vec<Grant> {
        grants.into_iter().filter(|grant| self.roles.contains(&grant.role)).filter_map(|g| self.narrow(g)).collect()
    }

    fn narrow(&self, grant: Grant) -> Option<Grant> {
        if self.areas.is_empty() {
            return Some(grant);
        }
        let areas: Vec<AreaCode> = match &grant.areas {
            None => self.areas.clone(),
            Some(granted) => {
                let within = self.areas.iter().filter(|asked| granted.iter().any(|area| area.contains(**asked)));
                let around = granted.iter().filter(|area| self.areas.iter().any(|asked| asked.contains(**area)));
                let mut both: Vec<_> = within.chain(around).copied().collect();
                both.sort_unstable();
                both.dedup();
                both
            }
        };
        (!areas.is_empty()).then_some(Grant { areas: Some(areas), ..grant })
    }

    /// As it is stored.
    pub fn to_json(&self) -> String {
        let stored = Stored {
            roles: self.roles.iter().map(|role| role_code(*role)).collect(),
            areas: self.areas.iter().map(AreaCode::to_string).collect(),
        };
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// None where it cannot be read; such a token has no rights.
    pub fn from_json(json: &str) -> Option<Self> {
        let Stored { roles, areas } = serde_json::from_str(json).ok()?;
        Some(Self {
            roles: roles.iter().map(|code| role_of(code)).collect::<Option<_>>()?,
            areas: areas.iter().map(|code| code.parse().ok()).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(codes: &[&str]) -> Vec<AreaCode> {
        codes.iter().map(|code| code.parse().expect("a code")).collect()
    }

    fn grant(role: Role, areas: Option<&[&str]>) -> Grant {
        Grant::new(role, areas.map(codes))
    }

    #[test]
    fn a_token_has_no_more_than_its_owner() {
        let owner = vec![
            grant(Role::GridWorker, Some(&["511903001008"])),
            grant(Role::Dispatcher, None),
            grant(Role::Auditor, None),
        ];
        let subset = Subset {
            roles: vec![Role::GridWorker, Role::Dispatcher, Role::Operator],
            areas: codes(&["511903001008001", "511903002"]),
        };
        let expected = [
            grant(Role::GridWorker, Some(&["511903001008001"])),
            grant(Role::Dispatcher, Some(&["511903001008001", "511903002"])),
        ];
        assert_eq!(subset.of(owner), expected);
    }

    #[test]
    fn asking_for_more_gives_what_there_is() {
        let subset = Subset { roles: vec![Role::GridWorker], areas: codes(&["511903"]) };
        let owner = vec![grant(Role::GridWorker, Some(&["511903001008"]))];
        assert_eq!(subset.of(owner.clone()), owner);
        let elsewhere = Subset { areas: codes(&["511904"]), ..subset };
        assert_eq!(elsewhere.of(owner), []);
    }

    #[test]
    fn what_is_stored_is_what_was_meant() {
        let subset = Subset { roles: vec![Role::CallClerk], areas: codes(&["511903001"]) };
        assert_eq!(Subset::from_json(&subset.to_json()), Some(subset));
        for broken in ["", "{}", r#"{"roles":["king"],"areas":[]}"#, r#"{"roles":[],"areas":["x"]}"#] {
            assert_eq!(Subset::from_json(broken), None, "{broken}");
        }
    }
}

//! What one follower follows.

use chassis::{
    access::{Areas, Scope},
    data::{AreaCode, AreaLevel},
};
use linju_proto::gateway::v1::FollowChangesRequest;

use super::{change::Shared, error::Error};

/// With more subjects than this, all events are read and most left out.
const MOST_SUBJECTS: usize = 32;

/// Areas and services.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    areas: Areas,
    /// Empty: all.
    services: Vec<String>,
}

impl Wanted {
    /// What the request asks for, within what the caller may see.
    pub(super) fn read(scope: &Scope, request: &FollowChangesRequest) -> Result<Self, Error> {
        let areas = match request.area_code.as_str() {
            "" => scope.areas.clone(),
            code => {
                let area = code.parse().map_err(|_| Error::NoArea)?;
                if !scope.areas.contain(area) {
                    return Err(Error::AreaNotGranted);
                }
                Areas::Within(vec![area])
            }
        };
        let mut services = request.services.clone();
        services.sort();
        services.dedup();
        Ok(Self { areas, services })
    }

    pub(super) fn takes(&self, event: &Shared) -> bool {
        let area = match event.area {
            Some(area) => self.areas.contain(area),
            None => self.areas == Areas::Everywhere,
        };
        area && (self.services.is_empty() || self.services.iter().any(|service| **service == *event.service))
    }

    /// Subjects that hold at least what is wanted, no two of them the same event; none where nothing is wanted.
    pub(super) fn subjects(&self) -> Vec<String> {
        let places = match &self.areas {
            Areas::Everywhere => vec![String::new()],
            Areas::Within(codes) => places(codes),
        };
        let services = match self.services.as_slice() {
            [] => vec!["*".to_owned()],
            some => some.to_vec(),
        };
        if places.len() * services.len() > MOST_SUBJECTS {
            return vec!["linju.*.v1.>".to_owned()];
        }
        let pairs = places.iter().flat_map(|place| services.iter().map(move |service| (place, service)));
        pairs.map(|(place, service)| format!("linju.{service}.v1.{place}>")).collect()
    }
}

/// The areas as the start of subjects, down to the community, none within another.
fn places(codes: &[AreaCode]) -> Vec<String> {
    let mut all: Vec<AreaCode> = codes.iter().map(|code| code.at(AreaLevel::Community).unwrap_or(*code)).collect();
    all.sort_unstable();
    all.dedup();
    let within = |code: &AreaCode| all.iter().any(|other| other != code && other.contains(*code));
    let outer = all.iter().filter(|code| !within(code));
    outer
        .map(|code| {
            let levels = [AreaLevel::County, AreaLevel::Subdistrict, AreaLevel::Community];
            levels
                .iter()
                .map(|level| code.token(*level))
                .filter(|token| token != "-")
                .map(|token| token + ".")
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::change::tests::event;

    fn wanted(areas: Option<&[&str]>, services: &[&str]) -> Wanted {
        let areas = areas.map_or(Areas::Everywhere, |codes| {
            Areas::Within(codes.iter().map(|code| code.parse().expect("a code")).collect())
        });
        Wanted { areas, services: services.iter().map(|service| (*service).to_owned()).collect() }
    }

    #[test]
    fn an_event_is_for_those_who_see_its_area() {
        let takes = |areas, services: &[&str], community, grid| {
            wanted(areas, services).takes(&Shared::new(&event(1, community, grid)))
        };
        assert!(takes(Some(&["511903001008"]), &[], "008", "001"));
        assert!(takes(Some(&["511903001008001"]), &[], "008", "001"));
        assert!(!takes(Some(&["511903001008001"]), &[], "008", "002"));
        assert!(!takes(Some(&["511903001008001"]), &[], "008", ""), "known of the whole community only");
        assert!(!takes(Some(&["511903001009"]), &[], "008", "001"));
        assert!(takes(Some(&["511903001009", "511903001008"]), &[], "008", "001"));
        assert!(!takes(Some(&[]), &[], "008", "001"));
        assert!(takes(None, &[], "008", "001"));
        assert!(takes(None, &["incidents", "residents"], "008", "001"));
        assert!(!takes(None, &["residents"], "008", "001"));
    }

    #[test]
    fn subjects_hold_what_is_wanted_and_do_not_overlap() {
        let subjects = |areas, services: &[&str]| wanted(areas, services).subjects();
        assert_eq!(subjects(None, &[]), ["linju.*.v1.>"]);
        assert_eq!(subjects(None, &["incidents"]), ["linju.incidents.v1.>"]);
        assert!(subjects(Some(&[]), &[]).is_empty());
        let nested = ["511903001008001", "511903001008002", "511903001009", "511903002", "511903002001"];
        assert_eq!(
            subjects(Some(&nested), &[]),
            ["linju.*.v1.511903.001.008.>", "linju.*.v1.511903.001.009.>", "linju.*.v1.511903.002.>"]
        );
        assert_eq!(
            subjects(Some(&["511903", "511903001"]), &["a", "b"]),
            ["linju.a.v1.511903.>", "linju.b.v1.511903.>"]
        );
        let many: Vec<String> = (1..=40).map(|n| format!("511903001{n:03}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(subjects(Some(&many), &[]), ["linju.*.v1.>"]);
    }
}

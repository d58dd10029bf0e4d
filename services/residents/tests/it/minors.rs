//! Nobody sees a minor's record alone.

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use linju_proto::{
    common::v1::{Cover, Purpose, Role},
    residents::v1,
};
use tonic::Status;

use crate::ground::{
    COMMUNITY, GRID, Ground, OTHER_GRID, Person, SUBDISTRICT, any_id, field, grid_worker, manager, reason, somebody,
};

const CHILD: &str = "王小明";

struct Home {
    child: v1::Resident,
    mother: v1::Resident,
    household: String,
}

/// A mother and a child of twelve who uses a wheelchair.
async fn family(ground: &Ground) -> Result<Home> {
    let home = ground.household(GRID, "1").await?;
    let mother = ground.resident(&home.id, somebody("王平", "1990-02-03")).await?;
    let child = ground.resident(&home.id, somebody(CHILD, "2014-05-06")).await?;
    for person in [&mother, &child] {
        let tag = v1::CareTag {
            kind: v1::CareTagKind::Wheelchair.into(),
            source: "visit".to_owned(),
            observed_on: "2026-11-01".to_owned(),
            ..Default::default()
        };
        let request = v1::SetCareTagRequest { id: person.id.clone(), tag: Some(tag) };
        ground.door.clone().set_care_tag(ground.of(&manager(), request)?).await?;
    }
    Ok(Home { child, mother, household: home.id })
}

fn worker() -> Person {
    grid_worker(GRID).because("home_visit")
}

fn boss() -> Person {
    Person::new("u-boss", Role::CommunityManager, COMMUNITY)
}

impl Ground {
    async fn read(&self, who: &Person, id: &str) -> Result<v1::Resident, Status> {
        let request = self.of(who, v1::GetResidentRequest { id: id.to_owned() });
        let request = request.map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.door.clone().get_resident(request).await?.into_inner())
    }

    async fn ask(&self, who: &Person, child: &str, days: i32) -> Result<v1::MinorAccess, Status> {
        let request = v1::RequestMinorAccessRequest {
            resident_id: child.to_owned(),
            purpose: Purpose::HomeVisit.into(),
            reason: "入户走访前了解情况".to_owned(),
            days,
            request_id: any_id(),
        };
        let request = self.of(who, request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.minors.clone().request_minor_access(request).await?.into_inner())
    }

    async fn approve(&self, who: &Person, id: &str) -> Result<v1::MinorAccess, Status> {
        let request = v1::ApproveMinorAccessRequest { id: id.to_owned(), decision: "同意".to_owned() };
        let request = self.of(who, request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.minors.clone().approve_minor_access(request).await?.into_inner())
    }

    async fn report(&self, who: &Person, area: &str) -> Result<v1::MinorAccessReport, Status> {
        let request = v1::GetMinorAccessReportRequest { area_code: area.to_owned(), year: 2026 };
        let request = self.of(who, request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.minors.clone().get_minor_access_report(request).await?.into_inner())
    }
}

#[tokio::test]
async fn a_minors_record_opens_with_somebody_elses_approval() -> Result<()> {
    for ground in Ground::both().await? {
        let Home { child, mother, .. } = family(&ground).await?;
        assert_eq!(ground.read(&grid_worker(GRID), &child.id).await?.name, "王*", "masked reading stays possible");
        assert_eq!(reason(ground.read(&worker(), &child.id).await), "PermissionDenied MINOR_APPROVAL_NEEDED");
        assert_eq!(ground.read(&worker(), &mother.id).await?.name, "王平");

        assert_eq!(reason(ground.ask(&grid_worker(GRID), &mother.id, 1).await), "FailedPrecondition NOT_A_MINOR");
        assert_eq!(reason(ground.ask(&grid_worker(OTHER_GRID), &child.id, 1).await), "NotFound NOT_FOUND");
        assert_eq!(field(ground.ask(&grid_worker(GRID), &child.id, 8).await), "days");
        let asked = ground.ask(&grid_worker(GRID), &child.id, 2).await?;
        assert_eq!((asked.state(), asked.reason.as_str()), (v1::MinorAccessState::Requested, ""), "reasons are masked");
        assert_eq!(reason(ground.read(&worker(), &child.id).await), "PermissionDenied MINOR_APPROVAL_NEEDED");
        assert_eq!(reason(ground.approve(&grid_worker(GRID), &asked.id).await), "PermissionDenied ROLE_NOT_ALLOWED");
        let far = Person::new("u-far", Role::CommunityManager, OTHER_GRID);
        assert_eq!(reason(ground.approve(&far, &asked.id).await), "NotFound NOT_FOUND");
        let approved = ground.approve(&boss(), &asked.id).await?;
        assert_eq!((approved.state(), approved.decided_by.as_str()), (v1::MinorAccessState::Approved, "u-boss"));

        let seen = ground.read(&worker(), &child.id).await?;
        assert_eq!((seen.name.as_str(), seen.care_tags.len()), (CHILD, 1));
        let basis = format!("SELECT basis FROM audit WHERE who = 'u-worker' AND subject = '{}'", child.id);
        assert_eq!(ground.rows(&basis).await?, std::slice::from_ref(&asked.id), "the entry names the approval");
        let colleague = Person::new("u-colleague", Role::GridWorker, GRID).because("home_visit");
        assert_eq!(reason(ground.read(&colleague, &child.id).await), "PermissionDenied MINOR_APPROVAL_NEEDED");
        let otherwise = grid_worker(GRID).because("register_upkeep");
        assert_eq!(reason(ground.read(&otherwise, &child.id).await), "PermissionDenied MINOR_APPROVAL_NEEDED");

        ground.clock.advance(TimeDelta::days(2));
        assert_eq!(reason(ground.read(&worker(), &child.id).await), "PermissionDenied MINOR_APPROVAL_NEEDED");
    }
    Ok(())
}

#[tokio::test]
async fn nobody_approves_their_own_and_an_approval_can_end_early() -> Result<()> {
    for ground in Ground::both().await? {
        let Home { child, .. } = family(&ground).await?;
        let own = ground.ask(&boss(), &child.id, 1).await?;
        assert_eq!(reason(ground.approve(&boss(), &own.id).await), "PermissionDenied OWN_REQUEST");
        let approved = ground.approve(&manager(), &own.id).await?;
        assert_eq!(ground.read(&boss().because("home_visit"), &child.id).await?.name, CHILD);
        let end = v1::EndMinorAccessRequest { id: approved.id.clone() };
        let outcome = ground.minors.clone().end_minor_access(ground.of(&grid_worker(GRID), end.clone())?).await;
        assert_eq!(reason(outcome), "NotFound NOT_FOUND", "it is not theirs to end");
        ground.minors.clone().end_minor_access(ground.of(&boss(), end)?).await?;
        let outcome = ground.read(&boss().because("home_visit"), &child.id).await;
        assert_eq!(reason(outcome), "PermissionDenied MINOR_APPROVAL_NEEDED");
        assert_eq!(
            reason(ground.approve(&manager(), &approved.id).await),
            "FailedPrecondition MINOR_ACCESS_IS_DECIDED"
        );
        let most = ground.app.minors.most_open;
        for _ in 0..most {
            ground.ask(&boss(), &child.id, 1).await?;
        }
        let outcome = ground.ask(&boss(), &child.id, 1).await;
        assert_eq!(reason(outcome), "FailedPrecondition MINOR_ACCESS_IN_BULK", "that would be a copy in bulk");
    }
    Ok(())
}

#[tokio::test]
async fn lists_mask_minors_one_by_one() -> Result<()> {
    for ground in Ground::both().await? {
        let Home { child, mother, household } = family(&ground).await?;
        let looks = format!("audit WHERE subject = '{}' AND who = 'u-worker'", child.id);
        let draw = || v1::DrawCareListRequest { area_code: GRID.to_owned(), ..Default::default() };
        let mut care = ground.care.clone();
        let list = care.draw_care_list(ground.of(&worker(), draw())?).await?.into_inner().entries;
        let name = |entries: &[v1::CareListEntry], id: &str| {
            let entry = entries.iter().find(|e| e.resident.as_ref().is_some_and(|r| r.id == id));
            let entry = entry.map(|e| (e.resident.clone().unwrap_or_default(), e.dwelling.clone().unwrap_or_default()));
            entry.map(|(person, place)| (person.name, person.care_tags.len(), place.room)).context("on the list")
        };
        assert_eq!(name(&list, &mother.id)?, ("王平".to_owned(), 1, "601".to_owned()));
        assert_eq!(name(&list, &child.id)?, ("王*".to_owned(), 0, String::new()));

        let page = v1::ListResidentsRequest { area_code: GRID.to_owned(), ..Default::default() };
        let mut door = ground.door.clone();
        let residents = door.list_residents(ground.of(&worker(), page.clone())?).await?.into_inner().residents;
        let names: Vec<&str> = residents.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["王平", "王*"]);
        let urgent = grid_worker(GRID).because("emergency_help");
        let residents = door.list_residents(ground.of(&urgent, page)?).await?.into_inner().residents;
        assert_eq!(residents[1].name, "王*", "no emergency opens pages of minors");
        let get = v1::GetHouseholdRequest { id: household };
        let members = door.get_household(ground.of(&worker(), get)?).await?.into_inner().members;
        let mut names: Vec<String> = members.into_iter().map(|member| member.name).collect();
        names.sort_unstable();
        assert_eq!(names, ["王*", "王平"]);
        assert_eq!(ground.count(&looks).await?, 0, "what was masked was not looked at");

        let asked = ground.ask(&grid_worker(GRID), &child.id, 1).await?;
        ground.approve(&boss(), &asked.id).await?;
        let list = care.draw_care_list(ground.of(&worker(), draw())?).await?.into_inner().entries;
        assert_eq!(name(&list, &child.id)?, (CHILD.to_owned(), 1, "601".to_owned()));
        assert_eq!(ground.count(&looks).await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn an_emergency_opens_at_once_and_is_reviewed() -> Result<()> {
    for ground in Ground::both().await? {
        let Home { child, .. } = family(&ground).await?;
        let urgent = Person::new("u-night", Role::Dispatcher, SUBDISTRICT).because("emergency_help");
        let draw = v1::DrawCareListRequest { area_code: GRID.to_owned(), ..Default::default() };
        let list = ground.care.clone().draw_care_list(ground.of(&urgent, draw)?).await?.into_inner().entries;
        assert!(list.iter().filter_map(|e| e.resident.as_ref()).any(|r| r.name == CHILD));
        assert_eq!(ground.read(&urgent, &child.id).await?.name, CHILD);

        let wanted = v1::ListMinorAccessRequest { state: v1::MinorAccessState::ToReview.into(), ..Default::default() };
        let mut minors = ground.minors.clone();
        let open = minors.list_minor_access(ground.of(&boss(), wanted)?).await?.into_inner().access;
        assert_eq!(open.len(), 1, "two looks of one night are one review");
        assert_eq!((open[0].reader_id.as_str(), open[0].resident_id.as_str()), ("u-night", child.id.as_str()));
        let basis = format!("audit WHERE basis = '{}'", open[0].id);
        assert_eq!(ground.count(&basis).await?, 2);
        let review = v1::ReviewMinorAccessRequest {
            id: open[0].id.clone(),
            in_order: false,
            decision: "当晚没有警情".to_owned(),
        };
        let done = minors.review_minor_access(ground.of(&boss(), review.clone())?).await?.into_inner();
        assert_eq!(done.state(), v1::MinorAccessState::NotInOrder);
        let again = minors.review_minor_access(ground.of(&boss(), review)?).await;
        assert_eq!(reason(again), "FailedPrecondition MINOR_ACCESS_IS_DECIDED");
    }
    Ok(())
}

#[tokio::test]
async fn guardians_need_nobodys_approval_and_changes_are_not_refused() -> Result<()> {
    for ground in Ground::both().await? {
        let Home { child, .. } = family(&ground).await?;
        let mother = Person::for_somebody("u-mother", &child.id, &[Cover::See]).because("own_matter");
        let seen = ground.mine.clone().get_my_record(ground.of(&mother, v1::GetMyRecordRequest::default())?).await?;
        assert_eq!(seen.into_inner().resident.map(|r| r.name), Some(CHILD.to_owned()));
        let change = v1::UpdateResidentRequest {
            resident: Some(v1::Resident {
                id: child.id.clone(),
                living: v1::Living::StudyingAway.into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let staff = manager().because("register_upkeep");
        let changed = ground.door.clone().update_resident(ground.of(&staff, change)?).await?.into_inner();
        assert_eq!((changed.name.as_str(), changed.living()), ("王*", v1::Living::StudyingAway), "done, and masked");
    }
    Ok(())
}

#[tokio::test]
async fn a_year_is_told_in_counts() -> Result<()> {
    for ground in Ground::both().await? {
        let Home { child, .. } = family(&ground).await?;
        let ids = [
            ground.ask(&grid_worker(GRID), &child.id, 1).await?.id,
            ground.ask(&grid_worker(GRID), &child.id, 1).await?.id,
            ground.ask(&grid_worker(GRID), &child.id, 1).await?.id,
        ];
        ground.approve(&boss(), &ids[0]).await?;
        let decline = v1::DeclineMinorAccessRequest { id: ids[1].clone(), decision: "不必要".to_owned() };
        ground.minors.clone().decline_minor_access(ground.of(&boss(), decline)?).await?;
        ground.read(&worker(), &child.id).await?;
        ground.read(&grid_worker(GRID).because("emergency_help"), &child.id).await?;
        let auditor = Person::new("u-auditor", Role::Auditor, SUBDISTRICT);
        let report = ground.report(&auditor, COMMUNITY).await?;
        assert_eq!((report.requested, report.approved, report.declined, report.undecided), (3, 1, 1, 1));
        assert_eq!((report.emergencies, report.to_review, report.looks), (1, 1, 2));
        assert_eq!(ground.report(&auditor, OTHER_GRID).await?.requested, 0);
        assert_eq!(reason(ground.report(&boss(), SUBDISTRICT).await), "NotFound NOT_FOUND");
    }
    Ok(())
}

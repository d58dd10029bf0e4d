//! Residents: found, masked, shown for a purpose, counted.

use anyhow::{Context as _, Result};
use linju_proto::{
    common::v1::Purpose,
    residents::v1::{
        ApproveMinorAccessRequest, Cell, GetFiguresRequest, GetResidentRequest, RequestMinorAccessRequest, Resident,
        SearchResidentsRequest, cell::Value,
    },
};
use uuid::Uuid;

use super::{Office, SUBDISTRICT, load::Loaded};
use crate::ground::{Caller, House, refusal};

/// Line 8 of the survey.
const NAME: &str = "张超怡";
const NATIONAL_ID: &str = "511903201407059371";
const PHONE: &str = "15881847639";

async fn search(caller: &Caller, query: &str) -> Result<Vec<Resident>> {
    let request = SearchResidentsRequest {
        area_code: "511903001234".to_owned(),
        query: query.to_owned(),
        ..SearchResidentsRequest::default()
    };
    Ok(caller.residents().search_residents(request).await?.into_inner().residents)
}

/// By pinyin initials, part of the name, phone and ID number, all masked.
pub(super) async fn are_found(office: &Office) -> Result<()> {
    let mut ids = Vec::new();
    for query in ["zcy", "超怡", PHONE, NATIONAL_ID] {
        let found = search(&office.worker, query).await?;
        let person = found
            .iter()
            .find(|person| person.phone.ends_with("7639"))
            .with_context(|| format!("{query}: {found:?}"))?;
        assert_eq!(person.name, "张*");
        assert_eq!(person.phone, "158****7639");
        assert_eq!(person.national_id, "511903**********71");
        assert_eq!(person.birth_date, "2014");
        assert!(person.care_tags.is_empty(), "health is left out");
        ids.push(person.id.clone());
    }
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "one person: {ids:?}");
    assert!(search(&office.worker, "511903199001010033").await?.is_empty(), "a number nobody has");
    Ok(())
}

/// In clear with a purpose the role is entitled to, and each look is in the audit log.
pub(super) async fn are_shown_only_for_a_purpose(house: &House, office: &Office) -> Result<()> {
    let masked = search(&office.worker, NATIONAL_ID).await?.pop().context("found")?;
    let get = GetResidentRequest { id: masked.id.clone() };
    let looks = format!("audit WHERE subject = '{}' AND purpose = 'home_visit' AND who = 'u-worker'", masked.id);
    assert_eq!(house.install.count("residents", &looks).await?, 0);

    // A child's record opens by the leave of somebody above, and only for whoever asked.
    let early = office.worker.because("home_visit").residents().get_resident(get.clone()).await;
    assert_eq!(refusal(early), "PermissionDenied MINOR_APPROVAL_NEEDED");
    let ask = RequestMinorAccessRequest {
        resident_id: masked.id.clone(),
        purpose: Purpose::HomeVisit.into(),
        reason: "家访".to_owned(),
        days: 1,
        request_id: Uuid::from_u128(7).to_string(),
    };
    let asked = office.worker.minors().request_minor_access(ask).await?.into_inner();
    let leave = ApproveMinorAccessRequest { id: asked.id, decision: "同意".to_owned() };
    office.manager.minors().approve_minor_access(leave).await?;
    assert_eq!(house.install.count("residents", &looks).await?, 0);

    let shown = office.worker.because("home_visit").residents().get_resident(get.clone()).await?.into_inner();
    assert_eq!((shown.name.as_str(), shown.phone.as_str()), (NAME, PHONE));
    assert_eq!((shown.national_id.as_str(), shown.birth_date.as_str()), (NATIONAL_ID, "2014-07-05"));
    assert_eq!(shown.care_tags.len(), 1);
    assert_eq!(house.install.count("residents", &looks).await?, 1);

    let refused = office.clerk.because("home_visit").residents().get_resident(get.clone()).await;
    assert_eq!(refusal(refused), "PermissionDenied PURPOSE_NOT_ALLOWED");
    let again = office.worker.residents().get_resident(get).await?.into_inner();
    assert_eq!(again.name, "张*");
    assert_eq!(house.install.count("residents", &looks).await?, 1);
    Ok(())
}

/// The figures of the subdistrict add up to what was imported.
pub(super) async fn are_counted(office: &Office, loaded: &Loaded) -> Result<()> {
    let request = GetFiguresRequest { area_code: SUBDISTRICT.to_owned() };
    let figures = office.manager.care().get_figures(request).await?.into_inner();
    let count = |cell: &Option<Cell>| match cell.as_ref().and_then(|cell| cell.value) {
        Some(Value::Count(count)) => Ok(count),
        other => anyhow::bail!("{other:?} is no count"),
    };
    assert_eq!(count(&figures.residents)?, loaded.people);
    assert!(count(&figures.households)? <= loaded.households);
    let mut people = 0;
    for band in &figures.age_bands {
        people += count(&band.male)? + count(&band.female)?;
    }
    assert_eq!(people, loaded.people, "everybody has an age and a sex");
    assert!(figures.elder_dependency.is_some_and(|ratio| ratio > 0.0));
    Ok(())
}

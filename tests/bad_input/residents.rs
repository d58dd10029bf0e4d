//! The register is asked for what it cannot do.

use anyhow::{Context as _, Result};
use linju_proto::{
    common::v1::Role,
    residents::v1::{
        CreateResidentRequest, DrawCareListRequest, EndResidenceRequest, GetHouseholdRequest, GetResidentRequest,
        ListAreasRequest, ListResidentsRequest, MergeResidentsRequest, MoveResidentRequest, Resident, ResidentState,
        SearchResidentsRequest, UpdateResidentRequest,
    },
};
use prost::Message as _;
use tonic::{Request, Status};

use super::{COMMUNITY, ELSEWHERE, Scene, a_resident};
use crate::ground::{RawCodec, id, refusal};

fn resident(change: impl FnOnce(&mut Resident), household: &str) -> CreateResidentRequest {
    let mut request = CreateResidentRequest { request_id: id(), ..a_resident(household) };
    if let Some(resident) = &mut request.resident {
        resident.national_id.clear();
        resident.birth_date = "1960-05-01".into();
        resident.set_sex(linju_proto::residents::v1::Sex::Female);
        change(resident);
    }
    request
}

/// Every refusal of a field says which, and its message is for a person.
pub(super) async fn refused(scene: &Scene) -> Result<()> {
    let home = scene.household.id.as_str();
    let invalid = |field: &str| format!("InvalidArgument INVALID_FIELD {field}");
    let creations = [
        (resident(|r| r.name = "张".repeat(61), home), invalid("resident.name")),
        (resident(|r| r.name = "张\u{0}秀".into(), home), invalid("resident.name")),
        (resident(|r| r.name = "=1+1".into(), home), invalid("resident.name")),
        (resident(|r| r.name.clear(), home), invalid("resident.name")),
        (resident(|r| r.birth_date = "1960-02-30".into(), home), invalid("resident.birth_date")),
        (resident(|r| r.birth_date = "2960-02-03".into(), home), invalid("resident.birth_date")),
        (resident(|r| r.birth_date.clear(), home), invalid("resident.birth_date")),
        (resident(|r| r.national_id = "511903196005019121".into(), home), invalid("resident.national_id")),
        (resident(|r| r.phone = "1391234".into(), home), invalid("resident.phone")),
        (resident(|r| r.sex = 7, home), invalid("resident.sex")),
        (resident(|_| {}, "not-a-uuid"), invalid("household_id")),
        (
            CreateResidentRequest { observed_on: "2026-13-01".to_owned(), ..resident(|_| {}, home) },
            invalid("observed_on"),
        ),
        (
            CreateResidentRequest { observed_on: "2960-01-01".to_owned(), ..resident(|_| {}, home) },
            invalid("observed_on"),
        ),
        (CreateResidentRequest { resident: None, ..resident(|_| {}, home) }, invalid("resident")),
        (CreateResidentRequest { request_id: String::new(), ..resident(|_| {}, home) }, invalid("request_id")),
        (resident(|_| {}, &id()), "NotFound NOT_FOUND".to_owned()),
        (a_resident(home), "AlreadyExists NATIONAL_ID_TAKEN".to_owned()),
    ];
    for (request, wanted) in creations {
        let shown = format!("{request:?}");
        let answer = scene.manager.residents().create_resident(request).await;
        if let Err(status) = &answer {
            assert!(status.message().len() > 20, "{status:?}");
        }
        assert_eq!(refusal(answer), wanted, "{shown}");
    }
    Box::pin(updates(scene)).await
}

async fn updates(scene: &Scene) -> Result<()> {
    let (person, mut manager) = (&scene.resident, scene.manager.residents());
    let update = |resident: Resident, paths: &[&str]| UpdateResidentRequest {
        resident: Some(Resident { id: person.id.clone(), ..resident }),
        update_mask: Some(prost_types::FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() }),
        observed_on: String::new(),
    };
    let renamed = Resident { name: "张清".to_owned(), ..Resident::default() };
    let stale = Resident { etag: "v99".to_owned(), ..renamed.clone() };
    for (request, wanted) in [
        (update(renamed.clone(), &["nmae"]), "InvalidArgument INVALID_FIELD update_mask"),
        (update(renamed.clone(), &["state"]), "InvalidArgument INVALID_FIELD update_mask"),
        (update(renamed.clone(), &["sex"]), "InvalidArgument INVALID_FIELD resident.sex"),
        (update(stale, &["name"]), "Aborted STALE_ETAG"),
        (
            UpdateResidentRequest { observed_on: "1999-01-01".to_owned(), ..update(renamed, &["name"]) },
            "FailedPrecondition OLDER_THAN_KEPT",
        ),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(refusal(manager.update_resident(request).await), wanted, "{shown}");
    }
    let moved = MoveResidentRequest {
        id: person.id.clone(),
        household_id: scene.next_door.id.clone(),
        moved_on: "1999-01-01".to_owned(),
        etag: person.etag.clone(),
        relation: 1,
    };
    let home_again = MoveResidentRequest { household_id: scene.household.id.clone(), ..moved.clone() };
    assert_eq!(refusal(manager.move_resident(home_again).await), "InvalidArgument INVALID_FIELD household_id");
    let reversed = manager.move_resident(moved.clone()).await;
    assert_eq!(refusal(reversed), "InvalidArgument INVALID_FIELD moved_on");
    let stale = MoveResidentRequest { etag: "v99".to_owned(), ..moved };
    assert_eq!(refusal(manager.move_resident(stale).await), "Aborted STALE_ETAG");
    let ended = EndResidenceRequest {
        id: person.id.clone(),
        state: ResidentState::Left.into(),
        ended_on: "1999-01-01".to_owned(),
        etag: person.etag.clone(),
    };
    let reversed = manager.end_residence(ended.clone()).await;
    assert_eq!(refusal(reversed), "InvalidArgument INVALID_FIELD ended_on");
    let living = EndResidenceRequest { state: ResidentState::Living.into(), ..ended };
    assert_eq!(refusal(manager.end_residence(living).await), "InvalidArgument INVALID_FIELD state");
    let merged = MergeResidentsRequest {
        leading_id: person.id.clone(),
        merged_id: person.id.clone(),
        reason: "重复".to_owned(),
    };
    assert_eq!(refusal(manager.merge_residents(merged).await), "FailedPrecondition MERGE_INTO_ITSELF");
    Ok(())
}

/// What lies in another subdistrict does not exist for a caller from here.
pub(super) async fn found_nowhere_else(scene: &Scene) -> Result<()> {
    let stranger = scene.who(Role::CommunityManager, ELSEWHERE).await?;
    let get = GetResidentRequest { id: scene.resident.id.clone() };
    assert_eq!(refusal(stranger.residents().get_resident(get.clone()).await), "NotFound NOT_FOUND");
    let nobody = GetResidentRequest { id: id() };
    let messages: Vec<String> =
        [stranger.residents().get_resident(get).await.err(), stranger.residents().get_resident(nobody).await.err()]
            .into_iter()
            .flatten()
            .map(|status: Status| status.message().to_owned())
            .collect();
    assert!(messages.len() == 2 && messages[0] == messages[1], "the two cannot be told apart: {messages:?}");
    let home = GetHouseholdRequest { id: scene.household.id.clone() };
    assert_eq!(refusal(stranger.residents().get_household(home).await), "NotFound NOT_FOUND");
    let moved_in = resident(|_| {}, &scene.household.id);
    assert_eq!(refusal(stranger.residents().create_resident(moved_in).await), "NotFound NOT_FOUND");
    let list = ListResidentsRequest { area_code: COMMUNITY.to_owned(), ..Default::default() };
    let listed = stranger.residents().list_residents(list).await.map(|list| list.into_inner().residents.len());
    assert_eq!(listed.unwrap_or_default(), 0);
    Ok(())
}

/// The same request again is the same answer; another one under its id is refused.
pub(super) async fn asked_twice(scene: &Scene) -> Result<()> {
    let mut manager = scene.manager.residents();
    let again = manager.create_resident(scene.asked.clone()).await?.into_inner();
    assert_eq!(again.id, scene.resident.id);
    let mut other = scene.asked.clone();
    other.observed_on = "2026-11-01".into();
    assert_eq!(refusal(manager.create_resident(other).await), "AlreadyExists REQUEST_ID_REUSED");
    let taken = manager.create_household(super::a_household()).await;
    assert_eq!(refusal(taken), "AlreadyExists HOUSEHOLD_NUMBER_TAKEN");
    Ok(())
}

/// Bodies that no client of ours would send.
pub(super) async fn bytes(scene: &Scene) -> Result<()> {
    let create = "/linju.residents.v1.ResidentService/CreateResident";
    let get = "/linju.residents.v1.ResidentService/GetResident";
    let long = resident(|r| r.name = "x".repeat(10 << 20), &scene.household.id).encode_to_vec();
    let cases = [
        ("10 MB in a name", create, long, "OutOfRange"),
        ("a surrogate half in UTF-8", get, vec![0x0a, 3, 0xed, 0xa0, 0x80], "InvalidArgument MALFORMED_MESSAGE"),
        ("bytes that are no UTF-8", get, vec![0x0a, 2, 0xff, 0xfe], "InvalidArgument MALFORMED_MESSAGE"),
        ("a length past the end", get, vec![0x0a, 200, 1, 1], "InvalidArgument MALFORMED_MESSAGE"),
        ("a wrong wire type", get, vec![0x08, 1], "InvalidArgument MALFORMED_MESSAGE"),
        ("a field that is not known", get, vec![0xf8, 0x7f, 1], "InvalidArgument INVALID_FIELD id"),
    ];
    let token = scene.house.install.told(&["keys", "token", "--role", "community_manager", "--scope", "511903001"])?;
    let token = format!("Bearer {}", token["token"].as_str().context("a token")?);
    for (what, path, body, wanted) in cases {
        let mut request = Request::new(body);
        request.metadata_mut().insert("authorization", token.parse()?);
        let answer = RawCodec::call(&scene.manager.residents_at, path, request).await;
        assert_eq!(refusal(answer), wanted, "{what}");
    }
    Ok(())
}

/// Sizes and tokens of pages, areas that are none, searches that cannot be.
pub(super) async fn pages(scene: &Scene) -> Result<()> {
    let mut manager = scene.manager.residents();
    let list = |area: &str, size, token: &str| ListResidentsRequest {
        area_code: area.to_owned(),
        page_size: size,
        page_token: token.to_owned(),
        ..Default::default()
    };
    let areas = ListAreasRequest { parent_code: "511903".to_owned(), page_size: 1, ..Default::default() };
    let areas = scene.manager.areas().list_areas(areas).await?.into_inner();
    assert!(!areas.next_page_token.is_empty(), "two subdistricts, one a page");
    for (request, wanted) in [
        (list(COMMUNITY, -1, ""), "InvalidArgument INVALID_FIELD page_size"),
        (list(COMMUNITY, 1001, ""), "InvalidArgument INVALID_FIELD page_size"),
        (list("51190", 0, ""), "InvalidArgument INVALID_FIELD area_code"),
        (list("5119030010080021", 0, ""), "InvalidArgument INVALID_FIELD area_code"),
        (list("五一一九〇三", 0, ""), "InvalidArgument INVALID_FIELD area_code"),
        (list(COMMUNITY, 0, &areas.next_page_token), "InvalidArgument PAGE_TOKEN_OF_ANOTHER_QUERY"),
        (list(COMMUNITY, 0, "!!"), "InvalidArgument PAGE_TOKEN_OF_ANOTHER_QUERY"),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(refusal(manager.list_residents(request).await), wanted, "{shown}");
    }
    for query in ["", "\u{0}", "%", "' OR 1=1 --"] {
        let search =
            SearchResidentsRequest { area_code: COMMUNITY.to_owned(), query: query.to_owned(), ..Default::default() };
        match manager.search_residents(search).await {
            Ok(found) => assert!(found.into_inner().residents.is_empty(), "{query:?}"),
            status => assert_eq!(refusal(status), "InvalidArgument INVALID_FIELD query", "{query:?}"),
        }
    }
    let draw = DrawCareListRequest { area_code: "511903001".to_owned(), ..Default::default() };
    let drawn = scene.manager.because("emergency_help").care().draw_care_list(draw).await;
    assert_eq!(refusal(drawn), "InvalidArgument INVALID_FIELD area_code");
    Ok(())
}

//! Who may hold what together, who may grant what to whom, and how soon it counts.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use chassis::{
    access::{Cover, Gate, Gated, Grant, Principal, Role},
    run::Meter,
};
use chrono::TimeDelta;
use linju_gateway::identity::{
    Caller, Credential,
    grants::{grants_of, grants_on_behalf},
};
use linju_proto::gateway::v1::{self, grant_service_client::GrantServiceClient};
use serde_json::json;
use tonic::{Request, Status, service::Routes};
use tonic_types::StatusExt;
use tower::Layer;
use uuid::Uuid;

use crate::office::Office;

const SUBDISTRICT: &str = "511903001";
const COMMUNITY: &str = "511903001008";
const OTHER_COMMUNITY: &str = "511903001009";
const GRID: &str = "511903001008002";

/// An office, its grants, and tokens of whoever is named.
struct Desk {
    office: Office,
    door: GrantServiceClient<Gated<Routes>>,
}

/// Different ids; nothing depends on their values.
fn any_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed))).to_string()
}

/// Somebody with grants.
fn holder(subject: &str, grants: Vec<Grant>) -> Principal {
    Principal { subject: subject.to_owned(), on_behalf: None, grants }
}

fn within(role: Role, area: &str) -> Grant {
    Grant::new(role, Some(vec![area.parse().expect("a code")]))
}

fn security() -> Principal {
    holder("s-security", vec![Grant::new(Role::SecurityAdmin, None)])
}

fn manager() -> Principal {
    holder("s-manager", vec![within(Role::CommunityManager, COMMUNITY)])
}

fn new(account: Uuid, role: Role, area: &str) -> v1::CreateGrantRequest {
    v1::CreateGrantRequest {
        account_id: account.to_string(),
        role: role.into(),
        area_code: area.to_owned(),
        reason: "任命文件 2026-11".to_owned(),
        request_id: any_id(),
        ..Default::default()
    }
}

fn reason<T>(outcome: Result<T, Status>) -> String {
    match outcome {
        Ok(_) => "no refusal".to_owned(),
        Err(status) => status.get_details_error_info().map(|info| info.reason).unwrap_or_default(),
    }
}

impl Desk {
    async fn both() -> Result<[Self; 2]> {
        let [one, other] = Office::both(json!({})).await?;
        Ok([Self::of(one)?, Self::of(other)?])
    }

    fn of(office: Office) -> Result<Self> {
        let gate = Gate::new(office.verifier.clone(), 1000, Meter::new().map_err(anyhow::Error::msg)?);
        let door = GrantServiceClient::new(gate.layer(office.identity.routes(1 << 20)));
        Ok(Self { office, door })
    }

    /// A request of somebody, with the token that services would hear.
    fn by<T>(&self, who: &Principal, message: T) -> Result<Request<T>> {
        let caller = Caller { principal: who.clone(), credential: Credential::Personal(Uuid::nil()) };
        let token = self.office.identity.internal_token(&caller).context("a token")?;
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
        Ok(request)
    }

    async fn grant(&self, who: &Principal, request: v1::CreateGrantRequest) -> Result<v1::Grant, Status> {
        let request = self.by(who, request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.door.clone().create_grant(request).await?.into_inner())
    }

    async fn revoke(&self, who: &Principal, id: &str) -> Result<v1::Grant, Status> {
        let request = v1::RevokeGrantRequest { id: id.to_owned(), reason: "调离".to_owned() };
        let request = self.by(who, request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.door.clone().revoke_grant(request).await?.into_inner())
    }

    async fn roles(&self, account: Uuid) -> Result<Vec<Role>> {
        let grants = grants_of(self.office.db.read(), account, self.office.clock.now()).await?;
        Ok(grants.into_iter().map(|grant| grant.role).collect())
    }
}

#[tokio::test]
async fn the_three_officers_exclude_one_another() -> Result<()> {
    for desk in Desk::both().await? {
        let person = desk.office.person("chen").await?;
        let auditor = desk.grant(&security(), new(person, Role::Auditor, "")).await?;
        for role in [Role::Operator, Role::SecurityAdmin] {
            assert_eq!(reason(desk.grant(&security(), new(person, role, "")).await), "ROLES_EXCLUDE", "{role:?}");
        }
        desk.revoke(&security(), &auditor.id).await?;
        desk.grant(&security(), new(person, Role::Operator, "")).await?;
        assert_eq!(desk.roles(person).await?, [Role::Operator]);
        let admin = desk.office.person("deng").await?;
        desk.grant(&security(), new(admin, Role::SecurityAdmin, "")).await?;
        let outcome = desk.grant(&security(), new(admin, Role::GridWorker, GRID)).await;
        assert_eq!(reason(outcome), "ROLES_EXCLUDE", "whoever hands out rights sees no personal data");
    }
    Ok(())
}

#[tokio::test]
async fn of_two_grants_at_once_that_exclude_each_other_one_is_given() -> Result<()> {
    for desk in Desk::both().await? {
        for round in 0..10 {
            let person = desk.office.person(&format!("both{round}")).await?;
            let (one, other) = (new(person, Role::Operator, ""), new(person, Role::Auditor, ""));
            let (by_one, by_other) = (security(), holder("s-other", vec![Grant::new(Role::SecurityAdmin, None)]));
            let outcomes = tokio::join!(desk.grant(&by_one, one), desk.grant(&by_other, other));
            let given = [outcomes.0.is_ok(), outcomes.1.is_ok()];
            assert_eq!(given.iter().filter(|given| **given).count(), 1, "{outcomes:?}");
            assert_eq!(desk.roles(person).await?.len(), 1);
        }
    }
    Ok(())
}

#[tokio::test]
async fn nobody_grants_to_oneself_or_beyond() -> Result<()> {
    for desk in Desk::both().await? {
        let person = desk.office.person("luo").await?;
        let own = holder(&person.to_string(), vec![within(Role::CommunityManager, COMMUNITY)]);
        assert_eq!(reason(desk.grant(&own, new(person, Role::GridWorker, GRID)).await), "GRANT_TO_ONESELF");
        for (who, role, area) in [
            (manager(), Role::GridWorker, OTHER_COMMUNITY),
            (manager(), Role::GridWorker, SUBDISTRICT),
            (manager(), Role::CommunityManager, COMMUNITY),
            (manager(), Role::Auditor, ""),
            (
                holder("s-sub", vec![within(Role::SubdistrictManager, SUBDISTRICT)]),
                Role::SubdistrictManager,
                SUBDISTRICT,
            ),
            (holder("s-sec", vec![within(Role::SecurityAdmin, SUBDISTRICT)]), Role::Operator, ""),
        ] {
            assert_eq!(reason(desk.grant(&who, new(person, role, area)).await), "MAY_NOT_GRANT", "{role:?} {area}");
        }
        let operator = holder("s-op", vec![Grant::new(Role::Operator, None)]);
        assert_eq!(reason(desk.grant(&operator, new(person, Role::GridWorker, GRID)).await), "ROLE_NOT_ALLOWED");
        assert_eq!(desk.roles(person).await?, []);

        let given = desk.grant(&manager(), new(person, Role::GridWorker, GRID)).await?;
        let far = holder("s-far", vec![within(Role::CommunityManager, OTHER_COMMUNITY)]);
        assert_eq!(reason(desk.revoke(&far, &given.id).await), "NOT_FOUND");
        assert_eq!(given.granted_by, "s-manager");
        for (wrong, field) in [
            (new(person, Role::GridWorker, ""), "area_code"),
            (new(person, Role::Handler, COMMUNITY), "unit"),
            (new(person, Role::CentreStaff, COMMUNITY), "place_id"),
            (
                v1::CreateGrantRequest {
                    person_id: Uuid::nil().to_string(),
                    ..new(person, Role::Dispatcher, COMMUNITY)
                },
                "person_id",
            ),
        ] {
            let status = desk.grant(&security(), wrong).await.err().context("refused")?;
            let told = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
            assert_eq!(told.first().map(|v| v.field.as_str()), Some(field), "{status:?}");
        }
        let unknown = desk.grant(&security(), new(Uuid::nil(), Role::Auditor, "")).await;
        assert_eq!(reason(unknown), "NOT_FOUND");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_taken_away_is_gone_at_once_and_stays_as_a_row() -> Result<()> {
    for desk in Desk::both().await? {
        let person = desk.office.person("peng").await?;
        let revision = "SELECT CAST(revision AS TEXT) FROM identity_revision";
        let before = desk.office.rows(revision).await?;
        let request = new(person, Role::GridWorker, GRID);
        let given = desk.grant(&manager(), request.clone()).await?;
        assert_eq!(desk.grant(&manager(), request).await?.id, given.id, "the same request again gives nothing new");
        let after = desk.office.rows(revision).await?;
        assert_ne!(before, after, "every copy of the gateway learns of it");
        assert_eq!(desk.roles(person).await?, [Role::GridWorker]);
        let taken = desk.revoke(&manager(), &given.id).await?;
        assert_eq!((taken.revoked_by.as_str(), taken.revoke_reason.as_str()), ("s-manager", "调离"));
        assert_eq!(desk.roles(person).await?, []);
        assert_ne!(desk.office.rows(revision).await?, after);
        assert_eq!(desk.revoke(&security(), &given.id).await?, taken, "once is enough");

        let list =
            |ended| v1::ListGrantsRequest { account_id: person.to_string(), with_ended: ended, ..Default::default() };
        let mut door = desk.door.clone();
        assert!(door.list_grants(desk.by(&manager(), list(false))?).await?.into_inner().grants.is_empty());
        let all = door.list_grants(desk.by(&manager(), list(true))?).await?.into_inner().grants;
        assert_eq!(all, std::slice::from_ref(&taken));
        let far = holder("s-far", vec![within(Role::CommunityManager, OTHER_COMMUNITY)]);
        assert!(door.list_grants(desk.by(&far, list(true))?).await?.into_inner().grants.is_empty());
        let told =
            desk.office.rows("SELECT method || ' ' || fields FROM audit WHERE who = 's-manager' ORDER BY id").await?;
        let service = "/linju.gateway.v1.GrantService";
        assert_eq!(told, [format!("{service}/CreateGrant grid_worker"), format!("{service}/RevokeGrant grid_worker")]);
    }
    Ok(())
}

#[tokio::test]
async fn a_grant_holds_in_its_time() -> Result<()> {
    for desk in Desk::both().await? {
        let person = desk.office.person("tan").await?;
        let at = |days| {
            let time = desk.office.clock.now() + TimeDelta::days(days);
            Some(prost_types::Timestamp { seconds: time.timestamp(), nanos: 0 })
        };
        let later = v1::CreateGrantRequest { starts_at: at(1), ends_at: at(2), ..new(person, Role::GridWorker, GRID) };
        desk.grant(&manager(), later).await?;
        assert_eq!(desk.roles(person).await?, []);
        desk.office.clock.advance(TimeDelta::days(1));
        assert_eq!(desk.roles(person).await?, [Role::GridWorker]);
        desk.office.clock.advance(TimeDelta::days(1));
        assert_eq!(desk.roles(person).await?, []);
    }
    Ok(())
}

#[tokio::test]
async fn the_last_security_administrator_stays_and_a_record_has_one_account() -> Result<()> {
    for desk in Desk::both().await? {
        let (one, other) = (desk.office.person("one").await?, desk.office.person("other").await?);
        let first = desk.grant(&security(), new(one, Role::SecurityAdmin, "")).await?;
        assert_eq!(reason(desk.revoke(&security(), &first.id).await), "LAST_SECURITY_ADMIN");
        desk.grant(&security(), new(other, Role::SecurityAdmin, "")).await?;
        desk.revoke(&security(), &first.id).await?;

        let record = Uuid::from_u128(7).to_string();
        let own =
            |account| v1::CreateGrantRequest { person_id: record.clone(), ..new(account, Role::Resident, COMMUNITY) };
        desk.grant(&manager(), own(one)).await?;
        assert_eq!(reason(desk.grant(&manager(), own(other)).await), "PERSON_IS_TAKEN");
        let second = v1::CreateGrantRequest { person_id: Uuid::from_u128(8).to_string(), ..own(one) };
        let second = v1::CreateGrantRequest { request_id: any_id(), ..second };
        assert_eq!(reason(desk.grant(&manager(), second).await), "HAS_ANOTHER_PERSON");
        let grants = grants_of(desk.office.db.read(), one, desk.office.clock.now()).await?;
        assert_eq!(grants[0].persons, [Uuid::from_u128(7)]);
    }
    Ok(())
}

#[tokio::test]
async fn a_mandate_is_the_persons_to_give_and_to_end() -> Result<()> {
    for desk in Desk::both().await? {
        let (mother, daughter) = (desk.office.person("mother").await?, desk.office.person("daughter").await?);
        let record = Uuid::from_u128(7);
        let own = Grant { persons: vec![record], ..within(Role::Resident, COMMUNITY) };
        let mother = holder(&mother.to_string(), vec![own]);
        let until = desk.office.clock.now() + TimeDelta::days(365);
        let request = |holder: Uuid| v1::CreateMandateRequest {
            holder_account_id: holder.to_string(),
            person_id: record.to_string(),
            covers: vec![Cover::See.into(), Cover::See.into()],
            area_code: COMMUNITY.to_owned(),
            ends_at: Some(prost_types::Timestamp { seconds: until.timestamp(), nanos: 0 }),
            proof: "本人在应用中授权".to_owned(),
            request_id: any_id(),
            ..Default::default()
        };
        let mut door = desk.door.clone();
        let stranger = Grant { persons: vec![Uuid::from_u128(9)], ..within(Role::Resident, COMMUNITY) };
        let stranger = holder("s-stranger", vec![stranger]);
        let outcome = door.create_mandate(desk.by(&stranger, request(daughter))?).await;
        assert_eq!(reason(outcome), "MAY_NOT_GRANT", "it is not theirs to give");
        let herself = holder(&daughter.to_string(), vec![within(Role::GridWorker, GRID)]);
        assert_eq!(reason(door.create_mandate(desk.by(&herself, request(daughter))?).await), "GRANT_TO_ONESELF");
        let long = v1::CreateMandateRequest {
            ends_at: Some(prost_types::Timestamp { seconds: until.timestamp() * 2, nanos: 0 }),
            ..request(daughter)
        };
        assert_eq!(reason(door.create_mandate(desk.by(&mother, long)?).await), "INVALID_FIELD");
        let given = door.create_mandate(desk.by(&mother, request(daughter))?).await?.into_inner();
        assert_eq!(given.covers, [i32::from(Cover::See)]);

        let now = || desk.office.clock.now();
        let db = desk.office.db.read();
        let acting = grants_on_behalf(db, daughter, record, now()).await?.context("she may act")?;
        let expected =
            Grant { persons: vec![record], covers: Some(vec![Cover::See]), ..within(Role::Resident, COMMUNITY) };
        assert_eq!(acting, [expected]);
        assert_eq!(grants_on_behalf(db, daughter, Uuid::from_u128(9), now()).await?, None);
        assert_eq!(grants_of(db, daughter, now()).await?, [], "in her own name she has nothing of it");

        let signed_in = holder(&daughter.to_string(), vec![within(Role::Resident, COMMUNITY)]);
        let mine = door.get_my_access(desk.by(&signed_in, v1::GetMyAccessRequest {})?).await?.into_inner();
        assert_eq!(mine.mandates, std::slice::from_ref(&given));
        assert!(mine.summary.contains("受 1 项委托"), "{}", mine.summary);
        let by_mandate = Principal { on_behalf: Some(record.to_string()), ..holder(&daughter.to_string(), acting) };
        let outcome = door.create_mandate(desk.by(&by_mandate, request(Uuid::from_u128(3)))?).await;
        assert_eq!(reason(outcome), "ROLE_NOT_ALLOWED", "a mandate is not handed on");

        let end = v1::RevokeMandateRequest { id: given.id, reason: "不再需要".to_owned() };
        assert_eq!(reason(door.revoke_mandate(desk.by(&stranger, end.clone())?).await), "NOT_FOUND");
        let ended = door.revoke_mandate(desk.by(&mother, end)?).await?.into_inner();
        assert!(ended.revoked_at.is_some());
        assert_eq!(grants_on_behalf(db, daughter, record, now()).await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn everybody_learns_what_they_may_do() -> Result<()> {
    let desk = Desk::of(Office::sqlite(json!({})).await?)?;
    let mut door = desk.door.clone();
    let nobody = door.get_my_access(Request::new(v1::GetMyAccessRequest {})).await?.into_inner();
    assert!(nobody.grants.is_empty() && nobody.account_id.is_empty());
    assert!(nobody.open_methods.contains(&"linju.residents.v1.AreaService/ListAreas".to_owned()));
    let worker = holder("s-worker", vec![within(Role::GridWorker, COMMUNITY)]);
    let mine = door.get_my_access(desk.by(&worker, v1::GetMyAccessRequest {})?).await?.into_inner();
    let grant = &mine.grants[0];
    assert_eq!((grant.area_codes.as_slice(), grant.everywhere), (&[COMMUNITY.to_owned()][..], false));
    assert_eq!(grant.words, "网格员：511903001008（社区）");
    let get = grant.methods.iter().find(|m| m.name.ends_with("/GetResident")).context("a method")?;
    let purposes: Vec<String> = get.purposes().map(|p| p.as_str_name().to_owned()).collect();
    assert!(
        purposes.contains(&"PURPOSE_HOME_VISIT".to_owned())
            && !purposes.contains(&"PURPOSE_SUBJECT_REQUEST".to_owned())
    );
    assert!(!grant.methods.iter().any(|m| m.name.ends_with("/MergeResidents") || m.name.ends_with("/CreateGrant")));
    Ok(())
}

/// A security administrator hands out what opens personal data, so none is shown to one.
#[test]
fn no_method_of_a_security_administrator_shows_personal_data() {
    let role = Role::SecurityAdmin as i32;
    for method in linju_proto::METHODS.iter().filter(|method| method.roles.contains(&role)) {
        assert!(method.purposes.is_empty(), "{}", method.path);
        assert!(method.path.starts_with("/linju.gateway.v1."), "{}", method.path);
    }
}

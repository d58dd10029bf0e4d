//! Organisations: from the first word to the day they leave, with what they were lent and what they give.

use anyhow::Result;
use chrono::TimeDelta;
use linju_proto::{
    common::v1::Role,
    volunteers::v1::{
        self, AssetAccount, AssetKind, OfferKind, OfferState, OrganisationKind, OrganisationOrigin, OrganisationStage,
        organisation_service_client::OrganisationServiceClient,
    },
};
use tonic::{Request, Status};

use crate::ground::{COMMUNITY, Gated, Ground, Person, SUBDISTRICT, manager, neighbour, new_id, reason};

/// Made after GB 32100; nobody's.
const USCC: &str = "52511903MJQ01234XX";

impl Ground {
    fn organisations(&self) -> OrganisationServiceClient<Gated> {
        OrganisationServiceClient::new(self.gated.clone())
    }

    async fn introduce(&self, name: &str) -> Result<v1::Organisation> {
        let request = self.of(&manager(), entering(name, OrganisationKind::Unregistered, ""))?;
        Ok(self.organisations().create_organisation(request).await?.into_inner())
    }

    async fn step(&self, id: &str, stage: OrganisationStage) -> Result<v1::Organisation, Status> {
        let reason = "评估小组一致同意".to_owned();
        let step = v1::MoveOrganisationRequest { id: id.to_owned(), stage: stage.into(), reason, etag: String::new() };
        Ok(self.organisations().move_organisation(self.of(&manager(), step).expect("a request")).await?.into_inner())
    }

    /// One that has settled.
    async fn settled(&self, name: &str) -> Result<v1::Organisation> {
        let id = self.introduce(name).await?.id;
        self.step(&id, OrganisationStage::Assessed).await?;
        Ok(self.step(&id, OrganisationStage::Settled).await?)
    }

    async fn chairs(&self, quantity: i32) -> Result<v1::Asset> {
        let take = v1::CreateAssetRequest { quantity, ..asset(AssetKind::Equipment) };
        Ok(self.organisations().create_asset(self.of(&manager(), take)?).await?.into_inner())
    }

    async fn lend(&self, asset: &str, to: &str, quantity: i32, due_on: &str) -> Result<v1::Asset, Status> {
        let lend = lending(asset, to, quantity, due_on);
        Ok(self.organisations().lend_asset(self.of(&manager(), lend).expect("a request")).await?.into_inner())
    }

    async fn give_back(&self, back: v1::ReturnAssetRequest) -> Result<v1::Asset, Status> {
        let back = v1::ReturnAssetRequest { request_id: new_id(), ..back };
        Ok(self.organisations().return_asset(self.of(&manager(), back).expect("a request")).await?.into_inner())
    }

    async fn shift(&self, asset: &str, ways: (AssetAccount, AssetAccount), quantity: i32) -> Result<v1::Asset, Status> {
        let shift = v1::MoveAssetRequest {
            id: asset.to_owned(),
            from: ways.0.into(),
            to: ways.1.into(),
            quantity,
            note: String::new(),
            request_id: new_id(),
        };
        Ok(self.organisations().move_asset(self.of(&manager(), shift).expect("a request")).await?.into_inner())
    }
}

fn entering(name: &str, kind: OrganisationKind, uscc: &str) -> v1::CreateOrganisationRequest {
    let organisation = v1::Organisation {
        name: name.to_owned(),
        kind: kind.into(),
        origin: OrganisationOrigin::BroughtIn.into(),
        uscc: uscc.to_owned(),
        area_code: COMMUNITY.to_owned(),
        services: "居家养老、助浴".to_owned(),
        contact_name: "何秀英".to_owned(),
        contact_phone: "13800001234".to_owned(),
        ..Default::default()
    };
    v1::CreateOrganisationRequest { organisation: Some(organisation), request_id: new_id() }
}

fn asset(kind: AssetKind) -> v1::CreateAssetRequest {
    let asset = v1::Asset {
        name: "折叠椅".to_owned(),
        kind: kind.into(),
        area_code: COMMUNITY.to_owned(),
        place: "实践站".to_owned(),
        unit: "把".to_owned(),
        ..Default::default()
    };
    v1::CreateAssetRequest { asset: Some(asset), quantity: 1, request_id: new_id() }
}

fn lending(asset: &str, to: &str, quantity: i32, due_on: &str) -> v1::LendAssetRequest {
    v1::LendAssetRequest {
        id: asset.to_owned(),
        organisation_id: to.to_owned(),
        quantity,
        due_on: due_on.to_owned(),
        request_id: new_id(),
    }
}

fn back(asset: &str, from: &str, whole: i32, damaged: i32) -> v1::ReturnAssetRequest {
    v1::ReturnAssetRequest {
        id: asset.to_owned(),
        organisation_id: from.to_owned(),
        whole,
        damaged,
        ..Default::default()
    }
}

#[tokio::test]
async fn an_organisation_is_entered_once() -> Result<()> {
    for ground in Ground::both().await? {
        let enter = |request| ground.of(&manager(), request);
        let first = entering("登科养老服务中心", OrganisationKind::SocialService, USCC);
        let made = ground.organisations().create_organisation(enter(first.clone())?).await?.into_inner();
        assert_eq!((made.stage(), made.uscc.as_str()), (OrganisationStage::Introduced, USCC));
        assert!(!made.contact_name.contains("秀英") && made.contact_phone != "13800001234", "masked without a purpose");
        let again = ground.organisations().create_organisation(enter(first)?).await?.into_inner();
        assert_eq!(again.id, made.id, "the same request");
        let other = entering("另一家", OrganisationKind::SocialService, &USCC.to_ascii_lowercase());
        let known = ground.organisations().create_organisation(enter(other)?).await;
        assert_eq!(reason(known), "FailedPrecondition ORGANISATION_KNOWN");
        for (kind, uscc, why) in [
            (OrganisationKind::SocialService, "52511903MJQ01234X1", "USCC_WRONG"),
            (OrganisationKind::SocialService, "52511903MJQ01235XX", "USCC_WRONG"),
            (OrganisationKind::Enterprise, USCC, "USCC_OF_ANOTHER_KIND"),
            (OrganisationKind::Enterprise, "", "USCC_MISSING"),
            (OrganisationKind::Unregistered, USCC, "USCC_OF_ANOTHER_KIND"),
        ] {
            let refused = ground.organisations().create_organisation(enter(entering("甲", kind, uscc))?).await;
            assert_eq!(reason(refused), format!("InvalidArgument {why}"), "{uscc}");
        }
        let mut elsewhere = entering("乙", OrganisationKind::Unregistered, "");
        elsewhere.organisation.as_mut().expect("it is there").area_code = "511903002001".to_owned();
        let refused = ground.organisations().create_organisation(enter(elsewhere)?).await;
        assert_eq!(reason(refused), "PermissionDenied AREA_NOT_GRANTED");

        // The contact is shown for a reason, and the look is on record.
        let get = v1::GetOrganisationRequest { id: made.id.clone() };
        let because = manager().because("volunteer_service");
        let clear = ground.organisations().get_organisation(ground.of(&because, get.clone())?).await?.into_inner();
        assert_eq!((clear.contact_name.as_str(), clear.contact_phone.as_str()), ("何秀英", "13800001234"));
        assert_eq!(ground.count("audit").await?, 1);
        let public = ground.organisations().get_organisation(ground.of(&neighbour("u-anybody"), get)?).await;
        assert_eq!(reason(public), "NotFound NOT_FOUND", "not before it has settled");
    }
    Ok(())
}

#[tokio::test]
async fn the_way_from_introduced_to_left() -> Result<()> {
    for ground in Ground::both().await? {
        let id = ground.introduce("社工站").await?.id;
        let skipped = ground.step(&id, OrganisationStage::Settled).await;
        assert_eq!(reason(skipped), "FailedPrecondition WRONG_STATE");
        ground.step(&id, OrganisationStage::Assessed).await?;
        ground.step(&id, OrganisationStage::Incubated).await?;
        let settled = ground.step(&id, OrganisationStage::Settled).await?;

        // Now the public knows it, without its contact.
        let get = v1::GetOrganisationRequest { id: id.clone() };
        let public = ground.organisations().get_organisation(Request::new(get)).await?.into_inner();
        assert_eq!((public.name.as_str(), public.contact_name.as_str()), ("社工站", ""));
        let list = v1::ListOrganisationsRequest { area_code: SUBDISTRICT.to_owned(), ..Default::default() };
        let other = ground.introduce("尚未入驻").await?;
        let seen = ground.organisations().list_organisations(Request::new(list.clone())).await?.into_inner();
        assert_eq!(seen.organisations.len(), 1);
        let all = ground.organisations().list_organisations(ground.of(&manager(), list)?).await?.into_inner();
        assert_eq!(all.organisations.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [&id, &other.id]);

        let stale = v1::MoveOrganisationRequest {
            id: id.clone(),
            stage: OrganisationStage::Graduated.into(),
            reason: "期满".to_owned(),
            etag: "v1".to_owned(),
        };
        let stale = ground.organisations().move_organisation(ground.of(&manager(), stale)?).await;
        assert_eq!(reason(stale), "Aborted STALE_ETAG");
        assert_eq!(settled.etag, "v4");
        ground.step(&id, OrganisationStage::Left).await?;
        assert_eq!(reason(ground.step(&id, OrganisationStage::Settled).await), "FailedPrecondition WRONG_STATE");

        let steps = v1::ListOrganisationStepsRequest { id: id.clone() };
        let because = manager().because("volunteer_service");
        let steps =
            ground.organisations().list_organisation_steps(ground.of(&because, steps)?).await?.into_inner().steps;
        assert_eq!(
            steps.iter().map(v1::OrganisationStep::stage).collect::<Vec<_>>(),
            [
                OrganisationStage::Introduced,
                OrganisationStage::Assessed,
                OrganisationStage::Incubated,
                OrganisationStage::Settled,
                OrganisationStage::Left,
            ]
        );
        assert!(steps[1..].iter().all(|step| step.reason == "评估小组一致同意" && step.by == "u-manager"));
        assert!(ground.run("UPDATE organisation_steps SET stage = 'settled'").await.is_err(), "append-only");
        let moved = ground.told().await?.iter().filter(|kind| *kind == "OrganisationMoved").count();
        assert_eq!(moved, 6);
    }
    Ok(())
}

#[tokio::test]
async fn what_is_lent_comes_back() -> Result<()> {
    for ground in Ground::both().await? {
        let club = ground.settled("书画社").await?.id;
        let new = ground.introduce("新来的").await?.id;
        let chairs = ground.chairs(20).await?.id;
        assert_eq!(
            reason(ground.lend(&chairs, &new, 1, "2026-12-31").await),
            "FailedPrecondition ORGANISATION_NOT_HERE"
        );
        assert_eq!(reason(ground.lend(&chairs, &club, 1, "2026-11-22").await), "InvalidArgument INVALID_FIELD");
        assert_eq!(reason(ground.lend(&chairs, &club, 21, "2026-12-31").await), "FailedPrecondition NOT_IN_STORE");

        // One request is one entry, also when it is sent again after the store is empty.
        let all = lending(&chairs, &club, 20, "2026-12-31");
        for _ in 0..2 {
            let lent = ground.organisations().lend_asset(ground.of(&manager(), all.clone())?).await?.into_inner();
            let holdings = lent.holdings.unwrap_or_default();
            assert_eq!((holdings.in_store, holdings.lent[0].quantity), (0, 20));
        }
        assert_eq!(ground.count("asset_entries").await?, 2);
        let other = v1::LendAssetRequest { quantity: 19, ..all };
        let reused = ground.organisations().lend_asset(ground.of(&manager(), other)?).await;
        assert_eq!(reason(reused), "AlreadyExists REQUEST_ID_REUSED");

        assert_eq!(reason(ground.step(&club, OrganisationStage::Graduated).await), "FailedPrecondition STILL_LENT");
        assert_eq!(reason(ground.step(&club, OrganisationStage::Left).await), "FailedPrecondition STILL_LENT");
        assert_eq!(reason(ground.give_back(back(&chairs, &club, 0, 0)).await), "InvalidArgument INVALID_FIELD");
        assert_eq!(reason(ground.give_back(back(&chairs, &club, 1, 1)).await), "InvalidArgument NOTE_MISSING");
        assert_eq!(reason(ground.give_back(back(&chairs, &new, 1, 0)).await), "FailedPrecondition NOT_LENT");
        let broken = v1::ReturnAssetRequest { note: "椅腿断了两把".to_owned(), ..back(&chairs, &club, 18, 2) };
        let holdings = ground.give_back(broken).await?.holdings.unwrap_or_default();
        assert_eq!((holdings.in_store, holdings.damaged, holdings.lent.len()), (18, 2, 0));
        ground.step(&club, OrganisationStage::Graduated).await?;

        // Repaired and written off; nothing from nowhere, and loans not this way.
        ground.shift(&chairs, (AssetAccount::Damaged, AssetAccount::Store), 1).await?;
        let holdings = ground.shift(&chairs, (AssetAccount::Damaged, AssetAccount::WrittenOff), 1).await?.holdings;
        assert_eq!(holdings.map(|h| (h.in_store, h.damaged, h.written_off)), Some((19, 0, 1)));
        let more = ground.shift(&chairs, (AssetAccount::Damaged, AssetAccount::Store), 1).await;
        assert_eq!(reason(more), "FailedPrecondition NOT_THERE");
        let lent = ground.shift(&chairs, (AssetAccount::Store, AssetAccount::Lent), 1).await;
        assert_eq!(reason(lent), "InvalidArgument INVALID_FIELD");
        let odd = ground.shift(&chairs, (AssetAccount::Damaged, AssetAccount::Source), 1).await;
        assert_eq!(reason(odd), "InvalidArgument NO_SUCH_MOVE");

        let ledger = v1::ListAssetEntriesRequest { asset_id: chairs.clone(), page_size: 4, ..Default::default() };
        let page =
            ground.organisations().list_asset_entries(ground.of(&manager(), ledger.clone())?).await?.into_inner();
        assert_eq!((page.entries[0].from(), page.entries[0].quantity), (AssetAccount::Source, 20));
        let rest = v1::ListAssetEntriesRequest { page_token: page.next_page_token, ..ledger };
        let rest = ground.organisations().list_asset_entries(ground.of(&manager(), rest)?).await?.into_inner();
        assert_eq!((page.entries.len(), rest.entries.len(), rest.next_page_token.as_str()), (4, 2, ""));
        assert!(ground.run("DELETE FROM asset_entries").await.is_err(), "append-only");
    }
    Ok(())
}

#[tokio::test]
async fn two_who_lend_the_last_chairs() -> Result<()> {
    for ground in Ground::both().await? {
        let club = ground.settled("书画社").await?.id;
        let chairs = ground.chairs(3).await?.id;
        let (one, two) =
            tokio::join!(ground.lend(&chairs, &club, 2, "2026-12-31"), ground.lend(&chairs, &club, 2, "2026-12-31"));
        let refused: Vec<String> = [one, two].into_iter().filter(Result::is_err).map(reason).collect();
        assert_eq!(refused, ["FailedPrecondition NOT_IN_STORE"]);
        assert_eq!(ground.count("asset_entries").await?, 2);
    }
    Ok(())
}

#[tokio::test]
async fn premises_are_one_of_each() -> Result<()> {
    for ground in Ground::both().await? {
        let two = v1::CreateAssetRequest { quantity: 2, ..asset(AssetKind::Premises) };
        let refused = ground.organisations().create_asset(ground.of(&manager(), two)?).await;
        assert_eq!(reason(refused), "InvalidArgument ONE_OF_EACH");
        let room = ground.organisations().create_asset(ground.of(&manager(), asset(AssetKind::Premises))?).await?;
        let room = room.into_inner().id;
        let more = ground.shift(&room, (AssetAccount::Source, AssetAccount::Store), 1).await;
        assert_eq!(reason(more), "InvalidArgument ONE_OF_EACH");
        let club = ground.settled("书画社").await?.id;
        ground.lend(&room, &club, 1, "2027-11-22").await?;
        ground.chairs(5).await?;
        let has =
            v1::ListAssetsRequest { area_code: COMMUNITY.to_owned(), lent_to: club.clone(), ..Default::default() };
        let has_now = ground.organisations().list_assets(ground.of(&manager(), has.clone())?).await?.into_inner();
        assert_eq!(has_now.assets.iter().map(|asset| asset.id.as_str()).collect::<Vec<_>>(), [&room]);
        ground.give_back(back(&room, &club, 1, 0)).await?;
        let has_none = ground.organisations().list_assets(ground.of(&manager(), has)?).await?.into_inner();
        assert!(has_none.assets.is_empty());
        let foreign = Person::new("u-else", Role::CommunityManager, "511903002001");
        let get = v1::GetAssetRequest { id: room };
        assert_eq!(reason(ground.organisations().get_asset(ground.of(&foreign, get)?).await), "NotFound NOT_FOUND");
    }
    Ok(())
}

#[tokio::test]
async fn a_loan_that_is_late_is_told_every_week() -> Result<()> {
    for ground in Ground::both().await? {
        let club = ground.settled("书画社").await?.id;
        let chairs = ground.chairs(10).await?.id;
        ground.lend(&chairs, &club, 4, "2026-11-30").await?;
        ground.lend(&chairs, &club, 6, "2026-12-20").await?;
        ground.clock.advance(TimeDelta::days(7));
        assert_eq!(ground.fire_due().await?, 0, "the last day");
        ground.clock.advance(TimeDelta::days(1));
        assert_eq!((ground.fire_due().await?, late(&ground).await?), (1, 1));
        ground.clock.advance(TimeDelta::days(7));
        assert_eq!((ground.fire_due().await?, late(&ground).await?), (1, 2));
        // What was late is back; the rest is not due yet.
        ground.give_back(back(&chairs, &club, 4, 0)).await?;
        ground.clock.advance(TimeDelta::days(7));
        assert_eq!(ground.fire_due().await?, 0);
        ground.give_back(back(&chairs, &club, 6, 0)).await?;
        ground.clock.advance(TimeDelta::days(365));
        assert_eq!((ground.fire_due().await?, late(&ground).await?), (0, 2));
    }
    Ok(())
}

async fn late(ground: &Ground) -> Result<usize> {
    Ok(ground.told().await?.iter().filter(|kind| *kind == "LoanOverdue").count())
}

#[tokio::test]
async fn partners_give_no_more_than_they_offer() -> Result<()> {
    for ground in Ground::both().await? {
        let school = ground.introduce("恩阳中学").await?.id;
        let offer = |what: &str, quantity, until: &str| v1::CreateOfferRequest {
            organisation_id: school.clone(),
            offer: Some(v1::Offer {
                kind: OfferKind::People.into(),
                what: what.to_owned(),
                quantity,
                unit: "人次".to_owned(),
                until: until.to_owned(),
                ..Default::default()
            }),
            request_id: new_id(),
        };
        let create = |request| ground.of(&manager(), request);
        let past = ground.organisations().create_offer(create(offer("过期", 1, "2026-11-22"))?).await;
        assert_eq!(reason(past), "InvalidArgument INVALID_FIELD");
        let tutors = ground.organisations().create_offer(create(offer("学生志愿者", 30, "2026-12-31"))?).await?;
        let tutors = tutors.into_inner();
        assert_eq!((tutors.state(), tutors.from.as_str()), (OfferState::Open, "2026-11-23"));
        ground.organisations().create_offer(create(offer("操场", 0, ""))?).await?;

        let take = |quantity| v1::TakeUpOfferRequest {
            id: tutors.id.clone(),
            quantity,
            occasion: "重阳节活动".to_owned(),
            request_id: new_id(),
        };
        let twice = take(25);
        for _ in 0..2 {
            let taken = ground.organisations().take_up_offer(ground.of(&manager(), twice.clone())?).await?.into_inner();
            assert_eq!(taken.taken_up, 25, "one request is one use");
        }
        let too_many = ground.organisations().take_up_offer(ground.of(&manager(), take(6))?).await;
        assert_eq!(reason(too_many), "FailedPrecondition OFFER_USED_UP");
        let rest = ground.organisations().take_up_offer(ground.of(&manager(), take(5))?).await?.into_inner();
        assert_eq!(rest.state(), OfferState::UsedUp);

        let list =
            |open_only| v1::ListOffersRequest { area_code: COMMUNITY.to_owned(), open_only, ..Default::default() };
        let all = ground.organisations().list_offers(ground.of(&manager(), list(false))?).await?.into_inner().offers;
        assert_eq!(all.iter().map(|offer| offer.what.as_str()).collect::<Vec<_>>(), ["学生志愿者", "操场"]);
        let open = ground.organisations().list_offers(ground.of(&manager(), list(true))?).await?.into_inner().offers;
        assert_eq!((open.len(), open[0].until.as_str()), (1, ""));
        let withdraw = v1::WithdrawOfferRequest { id: open[0].id.clone() };
        for _ in 0..2 {
            let gone = ground.organisations().withdraw_offer(ground.of(&manager(), withdraw.clone())?).await?;
            assert_eq!(gone.get_ref().state(), OfferState::Withdrawn);
        }
        ground.step(&school, OrganisationStage::Left).await?;
        let late = ground.organisations().create_offer(create(offer("又一项", 1, "2026-12-31"))?).await;
        assert_eq!(reason(late), "FailedPrecondition ORGANISATION_LEFT");
    }
    Ok(())
}

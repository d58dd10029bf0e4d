//! The catalogue: public, kept by the office, vouched for by its owners, and published.

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use linju_proto::{
    common::v1::Role,
    volunteers::v1::{self, ServiceForm, ServiceStatus, catalogue_service_client::CatalogueServiceClient},
};
use prost_types::value::Kind;
use tonic::Request;

use crate::ground::{COMMUNITY, Gated, Ground, Person, SUBDISTRICT, manager, neighbour, reason};

impl Ground {
    fn catalogue(&self) -> CatalogueServiceClient<Gated> {
        CatalogueServiceClient::new(self.gated.clone())
    }

    async fn items(&self, who: &Person, list: v1::ListServiceItemsRequest) -> Result<Vec<v1::ServiceItem>> {
        Ok(self.catalogue().list_service_items(self.of(who, list)?).await?.into_inner().items)
    }

    async fn item(&self, code: &str) -> Result<v1::ServiceItem> {
        let get = v1::GetServiceItemRequest { code: code.to_owned() };
        Ok(self.catalogue().get_service_item(self.of(&office(), get)?).await?.into_inner())
    }

    async fn published(&self, asked: v1::ListDirectoryServicesRequest) -> Result<v1::DirectoryPage> {
        let mut directory = v1::directory_service_client::DirectoryServiceClient::new(self.gated.clone());
        Ok(directory.list_directory_services(Request::new(asked)).await?.into_inner())
    }
}

fn office() -> Person {
    Person::new("u-office", Role::SubdistrictManager, SUBDISTRICT)
}

fn owner() -> Person {
    Person::new("social_work_station", Role::GridWorker, COMMUNITY)
}

fn assure(code: &str) -> v1::AssureServiceItemRequest {
    v1::AssureServiceItemRequest { code: code.to_owned(), etag: String::new() }
}

#[tokio::test]
async fn anybody_reads_what_can_be_asked_for() -> Result<()> {
    for ground in Ground::both().await? {
        let items = ground.items(&neighbour("u-anybody"), v1::ListServiceItemsRequest::default()).await?;
        assert_eq!(items.len(), 25);
        assert!(items.iter().all(|item| item.owner.is_empty()), "the public sees no account");
        assert!(items.iter().all(|item| !item.zh.is_empty() && !item.en.is_empty() && !item.stale));
        let medicine = &items[0];
        assert_eq!((medicine.code.as_str(), medicine.promise.as_str()), ("errand_medicine", "2h"));
        assert!(medicine.money && medicine.prescriptions);
        let visits = v1::ListServiceItemsRequest { form: ServiceForm::Visit.into(), ..Default::default() };
        assert_eq!(ground.items(&manager(), visits).await?.len(), 2);
        assert_eq!(ground.item("errand_medicine").await?.owner, "social_work_station");
        let none = v1::GetServiceItemRequest { code: "no_such".to_owned() };
        assert_eq!(reason(ground.catalogue().get_service_item(Request::new(none)).await), "NotFound NOT_FOUND");
    }
    Ok(())
}

#[tokio::test]
async fn the_office_keeps_the_list() -> Result<()> {
    for ground in Ground::both().await? {
        let new = v1::ServiceItem {
            code: "umbrella_loan".to_owned(),
            zh: "借伞".to_owned(),
            en: "Umbrellas to borrow".to_owned(),
            about_zh: "雨天借用，用后归还".to_owned(),
            about_en: "Borrowed in the rain and brought back".to_owned(),
            form: ServiceForm::OnSite.into(),
            area_code: SUBDISTRICT.to_owned(),
            owner: "u-desk".to_owned(),
            ..Default::default()
        };
        let create = |item: &v1::ServiceItem| v1::CreateServiceItemRequest { item: Some(item.clone()) };
        let made = ground.catalogue().create_service_item(ground.of(&office(), create(&new))?).await?.into_inner();
        assert_eq!((made.status(), made.assured_on.as_str()), (ServiceStatus::Active, "2026-11-23"));
        let again = ground.catalogue().create_service_item(ground.of(&office(), create(&new))?).await;
        assert_eq!(reason(again), "FailedPrecondition SERVICE_CODE_TAKEN");
        let elsewhere = v1::ServiceItem { area_code: "511903002".to_owned(), ..new.clone() };
        let elsewhere = ground.catalogue().create_service_item(ground.of(&office(), create(&elsewhere))?).await;
        assert_eq!(reason(elsewhere), "PermissionDenied AREA_NOT_GRANTED");
        let nobody = v1::ServiceItem { organisation_id: crate::ground::new_id(), ..new.clone() };
        let nobody = ground.catalogue().create_service_item(ground.of(&office(), create(&nobody))?).await;
        assert_eq!(reason(nobody), "InvalidArgument INVALID_FIELD", "an organisation that is not here");
        let crossed = v1::ServiceItem { minimum_age: 60, maximum_age: 18, ..new };
        let crossed = ground.catalogue().create_service_item(ground.of(&office(), create(&crossed))?).await;
        assert_eq!(reason(crossed), "InvalidArgument INVALID_FIELD");

        let changed =
            v1::ServiceItem { promise: "3wd".to_owned(), fees_zh: "押金二十元".to_owned(), ..made.clone() };
        let update = v1::UpdateServiceItemRequest { item: Some(changed) };
        let done = ground.catalogue().update_service_item(ground.of(&office(), update.clone())?).await?.into_inner();
        assert_eq!((done.promise.as_str(), done.fees_zh.as_str()), ("3wd", "押金二十元"));
        let stale = ground.catalogue().update_service_item(ground.of(&office(), update)?).await;
        assert_eq!(reason(stale), "Aborted STALE_ETAG");
        let last = ground.items(&manager(), v1::ListServiceItemsRequest::default()).await?;
        assert_eq!(last.last().map(|item| item.code.as_str()), Some("umbrella_loan"), "behind all others");

        let close = |status: ServiceStatus, alert: &str| v1::SetServiceStatusRequest {
            code: "umbrella_loan".to_owned(),
            status: status.into(),
            alert: alert.to_owned(),
            etag: String::new(),
        };
        let silent = close(ServiceStatus::TemporarilyClosed, " ");
        let silent = ground.catalogue().set_service_status(ground.of(&office(), silent)?).await;
        assert_eq!(reason(silent), "InvalidArgument ALERT_MISSING");
        let foreign = Person::new("u-else", Role::CommunityManager, "511903002001");
        let closing = close(ServiceStatus::TemporarilyClosed, "春节期间暂停");
        let refused = ground.catalogue().set_service_status(ground.of(&foreign, closing.clone())?).await;
        assert_eq!(reason(refused), "PermissionDenied NOT_ITS_OWNER");
        let closed = ground.catalogue().set_service_status(ground.of(&office(), closing)?).await?.into_inner();
        assert_eq!((closed.status(), closed.alert.as_str()), (ServiceStatus::TemporarilyClosed, "春节期间暂停"));
        let ended = close(ServiceStatus::Defunct, "");
        ground.catalogue().set_service_status(ground.of(&office(), ended)?).await?;
        assert_eq!(ground.items(&manager(), v1::ListServiceItemsRequest::default()).await?.len(), 25);
        let all = v1::ListServiceItemsRequest { include_ended: true, ..Default::default() };
        assert_eq!(ground.items(&manager(), all).await?.len(), 26);
    }
    Ok(())
}

#[tokio::test]
async fn an_owner_is_reminded_until_the_word_is_renewed() -> Result<()> {
    for ground in Ground::both().await? {
        assert_eq!(ground.fire_items().await?, 25, "the first look");
        assert_eq!(ground.fire_items().await?, 0);
        ground.clock.advance(TimeDelta::days(180));
        assert_eq!(ground.fire_items().await?, 0, "180 days are allowed");
        ground.clock.advance(TimeDelta::days(1));
        assert_eq!(ground.fire_items().await?, 25);
        assert_eq!(reminders(&ground).await?, 25);
        assert!(ground.item("errand_medicine").await?.stale);
        let stale = v1::ListServiceItemsRequest { stale_only: true, ..Default::default() };
        assert_eq!(ground.items(&office(), stale).await?.len(), 25);

        // The owner vouches for one, the office ends another; a stranger does neither.
        let stranger = Person::new("u-else", Role::GridWorker, COMMUNITY);
        let refused = ground.catalogue().assure_service_item(ground.of(&stranger, assure("errand_medicine"))?).await;
        assert_eq!(reason(refused), "PermissionDenied NOT_ITS_OWNER");
        let done = ground.catalogue().assure_service_item(ground.of(&owner(), assure("errand_medicine"))?).await?;
        assert_eq!((done.get_ref().stale, done.get_ref().assured_on.as_str()), (false, "2027-05-23"));
        let end = v1::SetServiceStatusRequest {
            code: "haircut_home".to_owned(),
            status: ServiceStatus::Defunct.into(),
            ..Default::default()
        };
        ground.catalogue().set_service_status(ground.of(&office(), end)?).await?;
        ground.clock.advance(TimeDelta::days(14));
        assert_eq!(ground.fire_items().await?, 23);
        assert_eq!(reminders(&ground).await?, 48);

        // Who was away for a year finds one reminder more, not twenty-six.
        ground.clock.advance(TimeDelta::days(365));
        ground.fire_items().await?;
        assert_eq!(reminders(&ground).await?, 72, "23 again, and the renewed word is old by now");
    }
    Ok(())
}

async fn reminders(ground: &Ground) -> Result<usize> {
    Ok(ground.told().await?.iter().filter(|kind| *kind == "ServiceItemStale").count())
}

#[tokio::test]
async fn the_directory_is_hsds() -> Result<()> {
    for ground in Ground::both().await? {
        let page =
            ground.published(v1::ListDirectoryServicesRequest { page: 3, per_page: 10, ..Default::default() }).await?;
        assert_eq!((page.total_items, page.total_pages, page.size), (Some(25), Some(3), Some(5)));
        assert_eq!((page.first_page, page.last_page, page.empty), (Some(false), Some(true), Some(false)));
        let contents = page.contents.context("services")?.values;
        let Some(Kind::StructValue(service)) = contents[0].kind.clone() else { anyhow::bail!("no object") };
        let Some(Kind::StringValue(id)) = service.fields["id"].kind.clone() else { anyhow::bail!("no id") };

        let mut directory = v1::directory_service_client::DirectoryServiceClient::new(ground.gated.clone());
        let get = v1::GetDirectoryServiceRequest { id };
        let one = directory.get_directory_service(Request::new(get)).await?.into_inner();
        assert_eq!(one.service.as_ref(), Some(&service), "the list shows what the service shows");
        let none = v1::GetDirectoryServiceRequest { id: crate::ground::new_id() };
        assert_eq!(reason(directory.get_directory_service(Request::new(none)).await), "NotFound NOT_FOUND");
        let root = directory.get_directory(Request::new(v1::GetDirectoryRequest {})).await?.into_inner();
        assert_eq!(root.version, "3.0");

        let nothing = v1::ListDirectoryServicesRequest { search: "无此服务".to_owned(), ..Default::default() };
        let nothing = ground.published(nothing).await?;
        assert_eq!((nothing.total_items, nothing.empty), (Some(0), Some(true)));
        assert!(nothing.contents.is_some_and(|contents| contents.values.is_empty()), "an empty list, and not none");

        // Changed later: what the office touched since.
        let since = v1::ListDirectoryServicesRequest { modified_after: "2026-11-23".to_owned(), ..Default::default() };
        assert_eq!(ground.published(since.clone()).await?.total_items, Some(0));
        ground.catalogue().assure_service_item(ground.of(&owner(), assure("errand_medicine"))?).await?;
        assert_eq!(ground.published(since).await?.total_items, Some(1));
        let wrong = v1::ListDirectoryServicesRequest { modified_after: "yesterday".to_owned(), ..Default::default() };
        let refused = directory.list_directory_services(Request::new(wrong)).await;
        assert_eq!(reason(refused), "InvalidArgument INVALID_FIELD");
    }
    Ok(())
}

//! Answers `linju.volunteers.v1.CatalogueService` and `linju.volunteers.v1.DirectoryService`.

use chassis::access::Call;
use linju_proto::volunteers::v1::{
    self, catalogue_service_server::CatalogueService, directory_service_server::DirectoryService,
};
use tonic::{Request, Response};

use super::{
    Answer,
    convert::{self, catalogue as read, directory},
};
use crate::{
    App,
    domain::catalogue::hsds::{Depth, VERSION},
};

/// The contract's methods on the catalogue.
#[derive(Clone, Debug)]
pub struct Catalogue(pub App);

#[tonic::async_trait]
impl CatalogueService for Catalogue {
    async fn get_service_item(&self, request: Request<v1::GetServiceItemRequest>) -> Answer<v1::ServiceItem> {
        let call = Call::of(&request)?;
        Ok(Response::new(read::item(self.0.service_item(&call, &request.into_inner().code).await?)))
    }

    async fn list_service_items(
        &self,
        request: Request<v1::ListServiceItemsRequest>,
    ) -> Answer<v1::ListServiceItemsResponse> {
        let call = Call::of(&request)?;
        let items = self.0.service_items(&call, read::items_of(request.into_inner())?).await?;
        Ok(Response::new(v1::ListServiceItemsResponse { items: items.into_iter().map(read::item).collect() }))
    }

    async fn create_service_item(&self, request: Request<v1::CreateServiceItemRequest>) -> Answer<v1::ServiceItem> {
        let call = Call::of(&request)?;
        let (said, _) = read::said(request.into_inner().item)?;
        Ok(Response::new(read::item(self.0.create_service_item(&call, said).await?)))
    }

    async fn update_service_item(&self, request: Request<v1::UpdateServiceItemRequest>) -> Answer<v1::ServiceItem> {
        let call = Call::of(&request)?;
        let (said, etag) = read::said(request.into_inner().item)?;
        Ok(Response::new(read::item(self.0.update_service_item(&call, said, &etag).await?)))
    }

    async fn assure_service_item(&self, request: Request<v1::AssureServiceItemRequest>) -> Answer<v1::ServiceItem> {
        let call = Call::of(&request)?;
        let v1::AssureServiceItemRequest { code, etag } = request.into_inner();
        Ok(Response::new(read::item(self.0.assure_service_item(&call, code, &etag).await?)))
    }

    async fn set_service_status(&self, request: Request<v1::SetServiceStatusRequest>) -> Answer<v1::ServiceItem> {
        let call = Call::of(&request)?;
        let v1::SetServiceStatusRequest { code, status, alert, etag } = request.into_inner();
        let set = (read::some_status(status)?, alert);
        Ok(Response::new(read::item(self.0.set_service_status(&call, code, set, &etag).await?)))
    }
}

/// The contract's methods on the published directory.
#[derive(Clone, Debug)]
pub struct Directory(pub App);

#[tonic::async_trait]
impl DirectoryService for Directory {
    async fn get_directory(&self, _: Request<v1::GetDirectoryRequest>) -> Answer<v1::Directory> {
        Ok(Response::new(v1::Directory {
            version: VERSION.to_owned(),
            profile: "https://docs.openreferral.org/en/3.0/hsds/".to_owned(),
            openapi_url: "/openapi.json".to_owned(),
        }))
    }

    async fn list_directory_services(
        &self,
        request: Request<v1::ListDirectoryServicesRequest>,
    ) -> Answer<v1::DirectoryPage> {
        let (wanted, depth, page) = directory::wanted(request.into_inner())?;
        Ok(Response::new(directory::page(self.0.directory(&wanted, depth, page).await?)))
    }

    async fn get_directory_service(
        &self,
        request: Request<v1::GetDirectoryServiceRequest>,
    ) -> Answer<v1::DirectoryEntry> {
        let id = convert::id("id", &request.into_inner().id)?;
        Ok(Response::new(directory::entry(self.0.directory_service(id, Depth::Full).await?)))
    }
}

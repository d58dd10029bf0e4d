//! Answers `linju.volunteers.v1.OrganisationService`.

use chassis::access::Call;
use linju_proto::volunteers::v1::{self, organisation_service_server::OrganisationService};
use tonic::{Request, Response};

use super::{
    Answer,
    convert::{self, assets, organisations as read},
};
use crate::App;

/// The contract's methods on organisations, what they are lent and what they offer.
#[derive(Clone, Debug)]
pub struct Organisations(pub App);

#[tonic::async_trait]
impl OrganisationService for Organisations {
    async fn create_organisation(&self, request: Request<v1::CreateOrganisationRequest>) -> Answer<v1::Organisation> {
        let call = Call::of(&request)?;
        let (request, new) = read::new(request.into_inner())?;
        Ok(Response::new(read::organisation(self.0.create_organisation(&call, request, new).await?)))
    }

    async fn get_organisation(&self, request: Request<v1::GetOrganisationRequest>) -> Answer<v1::Organisation> {
        let call = Call::of(&request)?;
        let id = convert::id("id", &request.into_inner().id)?;
        Ok(Response::new(read::organisation(self.0.organisation(&call, id).await?)))
    }

    async fn list_organisations(
        &self,
        request: Request<v1::ListOrganisationsRequest>,
    ) -> Answer<v1::ListOrganisationsResponse> {
        let call = Call::of(&request)?;
        let of = read::organisations_of(request.into_inner())?;
        let (organisations, next_page_token) = self.0.organisations(&call, of).await?;
        let organisations = organisations.into_iter().map(read::organisation).collect();
        Ok(Response::new(v1::ListOrganisationsResponse { organisations, next_page_token }))
    }

    async fn update_organisation(&self, request: Request<v1::UpdateOrganisationRequest>) -> Answer<v1::Organisation> {
        let call = Call::of(&request)?;
        let (of, update) = read::update(request.into_inner())?;
        Ok(Response::new(read::organisation(self.0.update_organisation(&call, of, update).await?)))
    }

    async fn move_organisation(&self, request: Request<v1::MoveOrganisationRequest>) -> Answer<v1::Organisation> {
        let call = Call::of(&request)?;
        let v1::MoveOrganisationRequest { id, stage, reason, etag } = request.into_inner();
        let (of, to) = ((convert::id("id", &id)?, etag), read::some_stage("stage", stage)?);
        Ok(Response::new(read::organisation(self.0.move_organisation(&call, of, to, reason).await?)))
    }

    async fn list_organisation_steps(
        &self,
        request: Request<v1::ListOrganisationStepsRequest>,
    ) -> Answer<v1::ListOrganisationStepsResponse> {
        let call = Call::of(&request)?;
        let id = convert::id("id", &request.into_inner().id)?;
        let steps = self.0.organisation_steps(&call, id).await?.into_iter().map(read::step).collect();
        Ok(Response::new(v1::ListOrganisationStepsResponse { steps }))
    }

    async fn create_asset(&self, request: Request<v1::CreateAssetRequest>) -> Answer<v1::Asset> {
        let call = Call::of(&request)?;
        let (request, new) = assets::new_asset(request.into_inner())?;
        Ok(Response::new(assets::asset(self.0.create_asset(&call, request, new).await?)))
    }

    async fn get_asset(&self, request: Request<v1::GetAssetRequest>) -> Answer<v1::Asset> {
        let call = Call::of(&request)?;
        let id = convert::id("id", &request.into_inner().id)?;
        Ok(Response::new(assets::asset(self.0.asset(&call, id).await?)))
    }

    async fn list_assets(&self, request: Request<v1::ListAssetsRequest>) -> Answer<v1::ListAssetsResponse> {
        let call = Call::of(&request)?;
        let (assets, next_page_token) = self.0.assets(&call, assets::assets_of(request.into_inner())?).await?;
        let assets = assets.into_iter().map(assets::asset).collect();
        Ok(Response::new(v1::ListAssetsResponse { assets, next_page_token }))
    }

    async fn lend_asset(&self, request: Request<v1::LendAssetRequest>) -> Answer<v1::Asset> {
        let call = Call::of(&request)?;
        let (request, id, change) = assets::lend(request.into_inner())?;
        Ok(Response::new(assets::asset(self.0.change_asset(&call, request, id, change).await?)))
    }

    async fn return_asset(&self, request: Request<v1::ReturnAssetRequest>) -> Answer<v1::Asset> {
        let call = Call::of(&request)?;
        let (request, id, change) = assets::give_back(request.into_inner())?;
        Ok(Response::new(assets::asset(self.0.change_asset(&call, request, id, change).await?)))
    }

    async fn move_asset(&self, request: Request<v1::MoveAssetRequest>) -> Answer<v1::Asset> {
        let call = Call::of(&request)?;
        let (request, id, change) = assets::movement(request.into_inner())?;
        Ok(Response::new(assets::asset(self.0.change_asset(&call, request, id, change).await?)))
    }

    async fn list_asset_entries(
        &self,
        request: Request<v1::ListAssetEntriesRequest>,
    ) -> Answer<v1::ListAssetEntriesResponse> {
        let call = Call::of(&request)?;
        let (id, page) = assets::entries_of(request.into_inner())?;
        let (entries, next_page_token) = self.0.asset_entries(&call, id, &page).await?;
        let entries = entries.into_iter().map(assets::entry).collect::<Result<_, _>>()?;
        Ok(Response::new(v1::ListAssetEntriesResponse { entries, next_page_token }))
    }

    async fn create_offer(&self, request: Request<v1::CreateOfferRequest>) -> Answer<v1::Offer> {
        let call = Call::of(&request)?;
        let (request, new) = assets::new_offer(request.into_inner())?;
        Ok(Response::new(assets::offer(self.0.create_offer(&call, request, new).await?)))
    }

    async fn list_offers(&self, request: Request<v1::ListOffersRequest>) -> Answer<v1::ListOffersResponse> {
        let call = Call::of(&request)?;
        let (offers, next_page_token) = self.0.offers(&call, assets::offers_of(request.into_inner())?).await?;
        let offers = offers.into_iter().map(assets::offer).collect();
        Ok(Response::new(v1::ListOffersResponse { offers, next_page_token }))
    }

    async fn take_up_offer(&self, request: Request<v1::TakeUpOfferRequest>) -> Answer<v1::Offer> {
        let call = Call::of(&request)?;
        let (request, id, taken) = assets::take_up(request.into_inner())?;
        Ok(Response::new(assets::offer(self.0.take_up_offer(&call, request, id, taken).await?)))
    }

    async fn withdraw_offer(&self, request: Request<v1::WithdrawOfferRequest>) -> Answer<v1::Offer> {
        let call = Call::of(&request)?;
        let id = convert::id("id", &request.into_inner().id)?;
        Ok(Response::new(assets::offer(self.0.withdraw_offer(&call, id).await?)))
    }
}

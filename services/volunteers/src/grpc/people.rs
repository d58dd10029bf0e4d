//! Answers `linju.volunteers.v1.PeopleService`.

use chassis::access::Call;
use linju_proto::volunteers::v1::{self, people_service_server::PeopleService};
use tonic::{Request, Response};

use super::{
    Answer,
    convert::{self, codes, people as read, proofs},
};
use crate::{App, app::Step};

/// The contract's methods on volunteers.
#[derive(Clone, Debug)]
pub struct People(pub App);

impl People {
    async fn step(&self, call: Call, id: &str, etag: String, step: Step) -> Answer<v1::Volunteer> {
        let of = (convert::id("id", id)?, etag);
        Ok(Response::new(read::volunteer(self.0.step(&call, of, step).await?)?))
    }
}

#[tonic::async_trait]
impl PeopleService for People {
    async fn create_volunteer(&self, request: Request<v1::CreateVolunteerRequest>) -> Answer<v1::Volunteer> {
        let call = Call::of(&request)?;
        let created = self.0.create_volunteer(&call, request.into_inner().try_into()?).await?;
        Ok(Response::new(read::volunteer(created)?))
    }

    async fn get_volunteer(&self, request: Request<v1::GetVolunteerRequest>) -> Answer<v1::Volunteer> {
        let call = Call::of(&request)?;
        let id = convert::id("id", &request.into_inner().id)?;
        Ok(Response::new(read::volunteer(self.0.volunteer(&call, id).await?)?))
    }

    async fn list_volunteers(&self, request: Request<v1::ListVolunteersRequest>) -> Answer<v1::ListVolunteersResponse> {
        let call = Call::of(&request)?;
        let of = read::volunteers_of(request.into_inner(), self.0.today())?;
        let (volunteers, next_page_token) = self.0.volunteers(&call, of).await?;
        let volunteers = volunteers.into_iter().map(read::volunteer).collect::<Result<_, _>>()?;
        Ok(Response::new(v1::ListVolunteersResponse { volunteers, next_page_token }))
    }

    async fn update_volunteer(&self, request: Request<v1::UpdateVolunteerRequest>) -> Answer<v1::Volunteer> {
        let call = Call::of(&request)?;
        let (of, update) = read::update(request.into_inner())?;
        Ok(Response::new(read::volunteer(self.0.update_volunteer(&call, of, update).await?)?))
    }

    async fn review_volunteer(&self, request: Request<v1::ReviewVolunteerRequest>) -> Answer<v1::Volunteer> {
        let call = Call::of(&request)?;
        let v1::ReviewVolunteerRequest { id, etag } = request.into_inner();
        self.step(call, &id, etag, Step::Review).await
    }

    async fn activate_volunteer(&self, request: Request<v1::ActivateVolunteerRequest>) -> Answer<v1::Volunteer> {
        let call = Call::of(&request)?;
        let v1::ActivateVolunteerRequest { id, etag } = request.into_inner();
        self.step(call, &id, etag, Step::Activate).await
    }

    async fn pause_volunteer(&self, request: Request<v1::PauseVolunteerRequest>) -> Answer<v1::Volunteer> {
        let call = Call::of(&request)?;
        let v1::PauseVolunteerRequest { id, reason, resume_on, etag } = request.into_inner();
        let resume_on = convert::day_or_none("resume_on", &resume_on)?;
        self.step(call, &id, etag, Step::Pause { reason: codes::some_reason(reason)?, resume_on }).await
    }

    async fn resume_volunteer(&self, request: Request<v1::ResumeVolunteerRequest>) -> Answer<v1::Volunteer> {
        let call = Call::of(&request)?;
        let v1::ResumeVolunteerRequest { id, etag } = request.into_inner();
        self.step(call, &id, etag, Step::Resume).await
    }

    async fn archive_volunteer(&self, request: Request<v1::ArchiveVolunteerRequest>) -> Answer<v1::Volunteer> {
        let call = Call::of(&request)?;
        let v1::ArchiveVolunteerRequest { id, reason, etag } = request.into_inner();
        self.step(call, &id, etag, Step::Archive { reason: codes::some_reason(reason)? }).await
    }

    async fn reinstate_volunteer(&self, request: Request<v1::ReinstateVolunteerRequest>) -> Answer<v1::Volunteer> {
        let call = Call::of(&request)?;
        let v1::ReinstateVolunteerRequest { id, etag } = request.into_inner();
        self.step(call, &id, etag, Step::Reinstate).await
    }

    async fn link_account(&self, request: Request<v1::LinkAccountRequest>) -> Answer<v1::Volunteer> {
        let call = Call::of(&request)?;
        let v1::LinkAccountRequest { id, account, etag } = request.into_inner();
        let linked = self.0.link_account(&call, (convert::id("id", &id)?, etag), account).await?;
        Ok(Response::new(read::volunteer(linked)?))
    }

    async fn list_volunteer_changes(
        &self,
        request: Request<v1::ListVolunteerChangesRequest>,
    ) -> Answer<v1::ListVolunteerChangesResponse> {
        let call = Call::of(&request)?;
        let changes = self.0.volunteer_changes(&call, convert::id("id", &request.into_inner().id)?).await?;
        let changes = changes.iter().map(read::change).collect();
        Ok(Response::new(v1::ListVolunteerChangesResponse { changes }))
    }

    async fn record_qualification(
        &self,
        request: Request<v1::RecordQualificationRequest>,
    ) -> Answer<v1::Qualification> {
        let call = Call::of(&request)?;
        let (of, new) = proofs::new_qualification(request.into_inner())?;
        Ok(Response::new(proofs::qualification(self.0.record_qualification(&call, of, new).await?)))
    }

    async fn revoke_qualification(
        &self,
        request: Request<v1::RevokeQualificationRequest>,
    ) -> Answer<v1::Qualification> {
        let call = Call::of(&request)?;
        let v1::RevokeQualificationRequest { id, reason } = request.into_inner();
        let (id, reason) = (convert::id("id", &id)?, codes::some_revocation(reason)?);
        Ok(Response::new(proofs::qualification(self.0.revoke_qualification(&call, id, reason).await?)))
    }

    async fn list_qualifications(
        &self,
        request: Request<v1::ListQualificationsRequest>,
    ) -> Answer<v1::ListQualificationsResponse> {
        let call = Call::of(&request)?;
        let of = convert::id("volunteer_id", &request.into_inner().volunteer_id)?;
        let qualifications = self.0.qualifications(&call, of).await?;
        Ok(Response::new(proofs::qualifications((qualifications, String::new()))))
    }

    async fn list_expiring_qualifications(
        &self,
        request: Request<v1::ListExpiringQualificationsRequest>,
    ) -> Answer<v1::ListQualificationsResponse> {
        let call = Call::of(&request)?;
        let (of, page) = proofs::expiring(request.into_inner())?;
        Ok(Response::new(proofs::qualifications(self.0.expiring_qualifications(&call, of, &page).await?)))
    }

    async fn record_insurance(&self, request: Request<v1::RecordInsuranceRequest>) -> Answer<v1::Insurance> {
        let call = Call::of(&request)?;
        let (of, new) = proofs::new_insurance(request.into_inner())?;
        Ok(Response::new(proofs::insurance(self.0.record_insurance(&call, of, new).await?)))
    }

    async fn list_insurance(&self, request: Request<v1::ListInsuranceRequest>) -> Answer<v1::ListInsuranceResponse> {
        let call = Call::of(&request)?;
        let of = convert::id("volunteer_id", &request.into_inner().volunteer_id)?;
        let insurance = self.0.insurance(&call, of).await?.into_iter().map(proofs::insurance).collect();
        Ok(Response::new(v1::ListInsuranceResponse { insurance }))
    }

    async fn record_guardian_consent(
        &self,
        request: Request<v1::RecordGuardianConsentRequest>,
    ) -> Answer<v1::GuardianConsent> {
        let call = Call::of(&request)?;
        let (of, new) = proofs::new_consent(request.into_inner())?;
        Ok(Response::new(proofs::consent(self.0.record_consent(&call, of, new).await?)))
    }

    async fn withdraw_guardian_consent(
        &self,
        request: Request<v1::WithdrawGuardianConsentRequest>,
    ) -> Answer<v1::GuardianConsent> {
        let call = Call::of(&request)?;
        let id = convert::id("id", &request.into_inner().id)?;
        Ok(Response::new(proofs::consent(self.0.withdraw_consent(&call, id).await?)))
    }

    async fn list_guardian_consents(
        &self,
        request: Request<v1::ListGuardianConsentsRequest>,
    ) -> Answer<v1::ListGuardianConsentsResponse> {
        let call = Call::of(&request)?;
        let of = convert::id("volunteer_id", &request.into_inner().volunteer_id)?;
        let consents = self.0.consents(&call, of).await?.into_iter().map(proofs::consent).collect();
        Ok(Response::new(v1::ListGuardianConsentsResponse { consents }))
    }

    async fn check_eligibility(&self, request: Request<v1::CheckEligibilityRequest>) -> Answer<v1::Eligibility> {
        let call = Call::of(&request)?;
        let (id, needs, span) = read::eligibility_of(request.into_inner())?;
        Ok(Response::new(read::eligibility(self.0.eligibility(&call, id, &needs, span).await?)))
    }
}

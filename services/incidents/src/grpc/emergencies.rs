//! Answers `linju.incidents.v1.EmergencyService`.

use chassis::access::Call;
use linju_proto::incidents::v1::{self, emergency_service_server::EmergencyService};
use tonic::{Request, Response};

use super::{
    Answer,
    convert::{self, emergencies as read},
};
use crate::{App, app::EmergencyChange};

/// The contract's methods on emergencies.
#[derive(Clone, Debug)]
pub struct Emergencies(pub App);

impl Emergencies {
    async fn change(&self, call: Call, id: &str, etag: String, change: EmergencyChange) -> Answer<v1::Emergency> {
        let of = (convert::uuid("id", id)?, etag);
        Ok(Response::new(self.0.change_emergency(&call, of, change).await?.into()))
    }
}

#[tonic::async_trait]
impl EmergencyService for Emergencies {
    async fn get_emergency_rules(&self, _: Request<v1::GetEmergencyRulesRequest>) -> Answer<v1::EmergencyRules> {
        Ok(Response::new(read::rules(self.0.emergency_rules())))
    }

    async fn declare_emergency(&self, request: Request<v1::DeclareEmergencyRequest>) -> Answer<v1::Emergency> {
        let call = Call::of(&request)?;
        let v1::DeclareEmergencyRequest { incident_id, kind, level } = request.into_inner();
        let incident = convert::id("incident_id", &incident_id)?;
        let declared = self.0.declare_emergency(&call, incident, read::grade(kind, level)?).await?;
        Ok(Response::new(declared.into()))
    }

    async fn get_emergency(&self, request: Request<v1::GetEmergencyRequest>) -> Answer<v1::Emergency> {
        let call = Call::of(&request)?;
        let id = convert::uuid("id", &request.into_inner().id)?;
        Ok(Response::new(self.0.emergency(&call, id).await?.into()))
    }

    async fn list_emergencies(
        &self,
        request: Request<v1::ListEmergenciesRequest>,
    ) -> Answer<v1::ListEmergenciesResponse> {
        let call = Call::of(&request)?;
        let (emergencies, next_page_token) = self.0.emergencies(&call, request.into_inner().try_into()?).await?;
        let emergencies = emergencies.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListEmergenciesResponse { emergencies, next_page_token }))
    }

    async fn regrade_emergency(&self, request: Request<v1::RegradeEmergencyRequest>) -> Answer<v1::Emergency> {
        let call = Call::of(&request)?;
        let v1::RegradeEmergencyRequest { id, kind, level, etag } = request.into_inner();
        self.change(call, &id, etag, EmergencyChange::Regrade(read::grade(kind, level)?)).await
    }

    async fn file_emergency_report(
        &self,
        request: Request<v1::FileEmergencyReportRequest>,
    ) -> Answer<v1::EmergencyReport> {
        let call = Call::of(&request)?;
        let v1::FileEmergencyReportRequest { id, r#type, contents } = request.into_inner();
        let (kind, contents) = (read::report_type_of(r#type)?, read::contents(contents.unwrap_or_default())?);
        let filed = self.0.file_report(&call, convert::uuid("id", &id)?, kind, contents).await?;
        Ok(Response::new(filed.into()))
    }

    async fn list_emergency_reports(
        &self,
        request: Request<v1::ListEmergencyReportsRequest>,
    ) -> Answer<v1::ListEmergencyReportsResponse> {
        let call = Call::of(&request)?;
        let reports = self.0.reports(&call, convert::uuid("id", &request.into_inner().id)?).await?;
        let reports = reports.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListEmergencyReportsResponse { reports }))
    }

    async fn end_emergency(&self, request: Request<v1::EndEmergencyRequest>) -> Answer<v1::Emergency> {
        let call = Call::of(&request)?;
        let v1::EndEmergencyRequest { id, etag } = request.into_inner();
        self.change(call, &id, etag, EmergencyChange::End).await
    }

    async fn keep_emergency_records(&self, request: Request<v1::KeepEmergencyRecordsRequest>) -> Answer<v1::Emergency> {
        let call = Call::of(&request)?;
        let v1::KeepEmergencyRecordsRequest { id, assessment, until, etag } = request.into_inner();
        let change = EmergencyChange::Keep { until: read::day("until", &until)?, assessment };
        self.change(call, &id, etag, change).await
    }

    async fn get_destruction_certificate(
        &self,
        request: Request<v1::GetDestructionCertificateRequest>,
    ) -> Answer<v1::DestructionCertificate> {
        let call = Call::of(&request)?;
        let certificate = self.0.certificate(&call, convert::uuid("id", &request.into_inner().id)?).await?;
        Ok(Response::new(certificate.into()))
    }
}

//! Somebody with a token who calls the services.

use anyhow::Result;
use chassis::{
    access::{Grant, Principal, SigningKey, TokenSigner},
    data::Clock,
};
use chrono::TimeDelta;
use linju_proto::{
    common::v1::Role,
    incidents::v1::{
        alarm_service_client::AlarmServiceClient, dispute_service_client::DisputeServiceClient,
        incident_service_client::IncidentServiceClient, matter_service_client::MatterServiceClient,
        rate_service_client::RateServiceClient,
    },
    residents::v1::{
        area_service_client::AreaServiceClient, care_service_client::CareServiceClient,
        minor_access_service_client::MinorAccessServiceClient, resident_service_client::ResidentServiceClient,
    },
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use super::{House, Serving};

/// Who calls: roles, all in one area, and a unit where the roles have one.
#[derive(Clone)]
pub(crate) struct Who {
    pub(crate) subject: String,
    pub(crate) roles: Vec<Role>,
    /// None: everywhere.
    pub(crate) area: Option<String>,
    pub(crate) unit: Option<String>,
}

impl Who {
    pub(crate) fn new(subject: &str, role: Role, area: &str) -> Self {
        Self { subject: subject.to_owned(), roles: vec![role], area: Some(area.to_owned()), unit: None }
    }

    /// Of the whole installation.
    pub(crate) fn everywhere(subject: &str, role: Role) -> Self {
        Self { subject: subject.to_owned(), roles: vec![role], area: None, unit: None }
    }

    #[must_use]
    pub(crate) fn also(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    #[must_use]
    pub(crate) fn of_unit(mut self, unit: &str) -> Self {
        self.unit = Some(unit.to_owned());
        self
    }

    /// The token of this person, signed with `key`.
    pub(crate) fn token(&self, key: &SigningKey, clock: Clock) -> Result<String> {
        let areas = self.area.as_ref().map(|area| area.parse().map(|area| vec![area])).transpose()?;
        let grants =
            self.roles.iter().map(|role| Grant { unit: self.unit.clone(), ..Grant::new(*role, areas.clone()) });
        let principal = Principal { subject: self.subject.clone(), on_behalf: None, grants: grants.collect() };
        Ok(TokenSigner::new(key, clock).sign(&principal, TimeDelta::minutes(15))?)
    }
}

/// Puts token and purpose on each call.
#[derive(Clone)]
pub(crate) struct Signed {
    token: MetadataValue<Ascii>,
    purpose: Option<MetadataValue<Ascii>>,
}

impl Interceptor for Signed {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.token.clone());
        if let Some(purpose) = &self.purpose {
            request.metadata_mut().insert("linju-purpose", purpose.clone());
        }
        Ok(request)
    }
}

pub(crate) type Line = InterceptedService<Channel, Signed>;

/// A signed-in caller with a line to every service.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) residents_at: Channel,
    pub(crate) incidents_at: Channel,
    signed: Signed,
}

impl Serving {
    /// An open line to this process.
    pub(crate) async fn channel(&self) -> Result<Channel> {
        Ok(Endpoint::from_shared(format!("http://{}", self.grpc))?.connect().await?)
    }
}

impl House {
    /// Signs somebody in.
    pub(crate) async fn caller(&self, who: &Who) -> Result<Caller> {
        let key = SigningKey::from_file(&self.install.data().join("token.key.pem"))?;
        self.caller_with(&who.token(&key, Clock::system())?).await
    }

    /// Somebody with this token.
    pub(crate) async fn caller_with(&self, token: &str) -> Result<Caller> {
        Ok(Caller {
            residents_at: self.residents.channel().await?,
            incidents_at: self.incidents().channel().await?,
            signed: Signed { token: format!("Bearer {token}").parse()?, purpose: None },
        })
    }
}

impl Caller {
    /// The same person, who says why.
    pub(crate) fn because(&self, purpose: &'static str) -> Self {
        let purpose = Some(MetadataValue::from_static(purpose));
        Self { signed: Signed { purpose, ..self.signed.clone() }, ..self.clone() }
    }

    pub(crate) fn areas(&self) -> AreaServiceClient<Line> {
        AreaServiceClient::with_interceptor(self.residents_at.clone(), self.signed.clone())
    }

    pub(crate) fn residents(&self) -> ResidentServiceClient<Line> {
        ResidentServiceClient::with_interceptor(self.residents_at.clone(), self.signed.clone())
    }

    pub(crate) fn care(&self) -> CareServiceClient<Line> {
        CareServiceClient::with_interceptor(self.residents_at.clone(), self.signed.clone())
    }

    pub(crate) fn minors(&self) -> MinorAccessServiceClient<Line> {
        MinorAccessServiceClient::with_interceptor(self.residents_at.clone(), self.signed.clone())
    }

    pub(crate) fn alarms(&self) -> AlarmServiceClient<Line> {
        AlarmServiceClient::with_interceptor(self.incidents_at.clone(), self.signed.clone())
    }

    pub(crate) fn disputes(&self) -> DisputeServiceClient<Line> {
        DisputeServiceClient::with_interceptor(self.incidents_at.clone(), self.signed.clone())
    }

    pub(crate) fn matters(&self) -> MatterServiceClient<Line> {
        MatterServiceClient::with_interceptor(self.incidents_at.clone(), self.signed.clone())
    }

    pub(crate) fn rates(&self) -> RateServiceClient<Line> {
        RateServiceClient::with_interceptor(self.incidents_at.clone(), self.signed.clone())
    }

    pub(crate) fn incidents(&self) -> IncidentServiceClient<Line> {
        IncidentServiceClient::with_interceptor(self.incidents_at.clone(), self.signed.clone())
    }
}

//! The records that have attachments. Their services say who may read them; who may add to them stands here.

use std::{convert::Infallible, str::FromStr};

use chassis::{access::Call, data::AreaCode};
use linju_proto::{
    OWN_ROWS,
    common::v1::Role,
    incidents::v1::{GetIncidentRequest, incident_service_client::IncidentServiceClient},
    residents::v1::{GetResidentRequest, resident_service_client::ResidentServiceClient},
};
use tonic::{Code, Request, Status, body::Body, metadata::MetadataMap};
use tower::util::BoxCloneSyncService;
use uuid::Uuid;

use super::error::Error;

/// What answers the calls to the records' services.
pub(super) type Services = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Infallible>;

/// Which service keeps a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Incidents,
    Residents,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Incidents => "incidents",
            Self::Residents => "residents",
        }
    }

    /// Who changes such a record, and so may add a file to it.
    fn changed_by(self) -> &'static [Role] {
        match self {
            Self::Incidents => &[
                Role::Resident,
                Role::Volunteer,
                Role::GridWorker,
                Role::CallClerk,
                Role::Dispatcher,
                Role::Handler,
                Role::CommunityManager,
            ],
            Self::Residents => &[Role::GridWorker, Role::CommunityManager],
        }
    }
}

/// One record: `incidents/ID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(super) kind: Kind,
    pub(super) id: Uuid,
}

impl FromStr for Record {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (kind, id) = text.split_once('/').ok_or(Error::Parent)?;
        let kind = [Kind::Incidents, Kind::Residents].into_iter().find(|known| known.name() == kind);
        // Written in one way only.
        let id = id.parse().ok().filter(|parsed: &Uuid| parsed.to_string() == id);
        Ok(Self { kind: kind.ok_or(Error::Parent)?, id: id.ok_or(Error::Parent)? })
    }
}

impl std::fmt::Display for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind.name(), self.id)
    }
}

/// What of a caller's call goes on to the record's service: who calls, and in which trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed(MetadataMap);

impl Passed {
    pub(super) fn of<T>(request: &Request<T>) -> Self {
        let mut passed = MetadataMap::new();
        for name in ["authorization", "traceparent"] {
            if let Some(value) = request.metadata().get(name) {
                passed.insert(name, value.clone());
            }
        }
        Self(passed)
    }

    fn request<T>(&self, message: T, purpose: Option<&str>) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.0.clone();
        if let Some(value) = purpose.and_then(|purpose| purpose.parse().ok()) {
            request.metadata_mut().insert("linju-purpose", value);
        }
        request
    }
}

impl Record {
    /// Reads the record as the caller, with a purpose or none, and answers where it is. Whoever may not read it gets the
    /// answer that its service gives.
    async fn get(self, services: Services, passed: &Passed, purpose: Option<&str>) -> Result<AreaCode, Error> {
        let id = self.id.to_string();
        let area = match self.kind {
            Kind::Incidents => {
                let request = passed.request(GetIncidentRequest { id }, purpose);
                let incident = IncidentServiceClient::new(services).get_incident(request).await?.into_inner();
                incident.place.unwrap_or_default().area_code
            }
            Kind::Residents => {
                let request = passed.request(GetResidentRequest { id }, purpose);
                ResidentServiceClient::new(services).get_resident(request).await?.into_inner().area_code
            }
        };
        area.parse().map_err(|_| Error::from(Status::internal(format!("{self} is nowhere"))))
    }

    /// Where the record is, for a caller who may read it, with the purpose of the call where it has one.
    pub(super) async fn readable(self, services: Services, call: &Call, passed: &Passed) -> Result<AreaCode, Error> {
        let purpose = call.purpose().and_then(|purpose| chassis::access::purpose_code(purpose as i32));
        self.get(services, passed, purpose.as_deref()).await
    }

    /// Whether the caller may change the record, and so add to it: by a role in its area, or because it is their own.
    pub(super) async fn changeable(self, services: Services, call: &Call, passed: &Passed) -> Result<(), Error> {
        let area = self.readable(services.clone(), call, passed).await?;
        let holding = self.kind.changed_by().iter().filter(|role| call.scope().acts_as(**role, area));
        let (own, others): (Vec<&Role>, Vec<&Role>) = holding.partition(|role| OWN_ROWS.contains(&(**role as i32)));
        if !others.is_empty() {
            return Ok(());
        }
        if own.is_empty() {
            return Err(Error::NotYours);
        }
        // With this purpose the service finds the caller's own records only.
        match self.get(services, passed, Some("own_matter")).await {
            Err(Error::Answered(status)) if status.code() == Code::NotFound => Err(Error::NotYours),
            outcome => outcome.map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_named_in_one_way() {
        let id = "01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11";
        for kind in ["incidents", "residents"] {
            let name = format!("{kind}/{id}");
            assert_eq!(name.parse::<Record>().map(|record| record.to_string()).ok(), Some(name));
        }
        for wrong in [
            "",
            id,
            "incidents/",
            "accounts/01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11",
            "incidents/../x",
            "incidents/01939C5E-7B1A-7CC3-98A5-2F6D1F0C8E11",
            "incidents/01939c5e7b1a7cc398a52f6d1f0c8e11",
            "incidents/01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11/x",
        ] {
            assert!(wrong.parse::<Record>().is_err(), "{wrong}");
        }
    }
}

//! Takes a report for everybody to read, except who sent it.

use chassis::{
    Fault,
    access::{Areas, Call},
    data::{AreaCode, AreaLevel, Sealed},
};
use uuid::Uuid;

use crate::{
    App,
    app::{NewReport, report::Public},
    domain::{CategoryCode, Channel, IncidentId, catalogue::Answer},
    error::Error,
    store::public::publication::MEDIA_URLS,
};

/// What somebody reports publicly.
#[derive(Clone)]
pub struct PublicReport {
    pub category: CategoryCode,
    /// None: the one area of the caller's grants.
    pub area: Option<AreaCode>,
    pub address: String,
    /// WGS84 degrees.
    pub point: Option<(f64, f64)>,
    /// Empty: the category says it all.
    pub description: String,
    pub name: String,
    pub phone: String,
    pub answers: Vec<Answer>,
    pub media_urls: Vec<String>,
    pub request_id: Uuid,
    /// The whole request, to know it again.
    pub content: Vec<u8>,
}

/// The report that was made.
#[derive(Clone, Debug)]
pub struct Submitted {
    pub id: IncidentId,
    pub number: String,
}

impl App {
    /// Takes the report.
    pub async fn submit(&self, call: &Call, sent: PublicReport) -> Result<Submitted, Error> {
        let PublicReport {
            category,
            area,
            address,
            point,
            description,
            name,
            phone,
            answers,
            media_urls,
            request_id,
            content,
        } = sent;
        if address.trim().is_empty() && point.is_none() && area.is_none() {
            return Err(Fault::field("address", "place", "is missing, and so is a point: say where it is").into());
        }
        let new = NewReport {
            channel: Channel::Open311,
            area: area.map_or_else(|| only_area(call), Ok)?,
            address,
            latitude: point.map(|(latitude, _)| latitude),
            longitude: point.map(|(_, longitude)| longitude),
            description,
            name,
            phone,
            category: Some(category),
            answers,
            external: None,
            public: Some(Public { media_urls }),
            request_id,
            content,
        };
        let row = self.report(call, new).await?.row;
        Ok(Submitted { id: IncidentId(row.id), number: row.number })
    }

    /// The pictures' addresses as they are kept.
    pub(in crate::app) fn seal_media(&self, id: Uuid, urls: &[String]) -> Result<Option<Sealed>, Error> {
        if urls.is_empty() {
            return Ok(None);
        }
        let text = serde_json::to_string(urls).map_err(|e| Fault::Internal(e.to_string()))?;
        self.seal(MEDIA_URLS.at(id), Some(&text))
    }
}

/// Where a caller reports who may do so in one subdistrict, community or grid only.
fn only_area(call: &Call) -> Result<AreaCode, Error> {
    let scope = call.scope();
    let mut codes: Vec<AreaCode> = Vec::new();
    for areas in [&scope.areas, &scope.own_areas] {
        match areas {
            Areas::Within(some) => codes.extend(some),
            Areas::Everywhere => codes.clear(),
        }
    }
    codes.sort_unstable();
    codes.dedup();
    match codes.as_slice() {
        [one] if one.level() >= AreaLevel::Subdistrict => Ok(*one),
        _ => {
            Err(Fault::field("area_code", "area", "is missing: you may report in more than one area, so say in which")
                .into())
        }
    }
}

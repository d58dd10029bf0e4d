//! The public side, in the contract's words and in ours.

use chassis::{
    Fault,
    data::{Page, SecretText},
};
use linju_proto::incidents::v1;
use prost::Message;

use super::{answer::time, catalogue, codes, request};
use crate::{
    Error,
    app::{
        EntriesOf, LookUpReport, NewUpdate, PublicReport, PublishedCategory, PublishedEntry, PublishedReport,
        ReportStatus, ReportsOf, Submitted,
    },
    domain::{
        catalogue::{Category, Details},
        public::{self, Wording},
    },
};

fn words(Wording { zh, en }: Wording) -> v1::Wording {
    v1::Wording { zh: zh.to_owned(), en: en.to_owned() }
}

fn name(Category { code: _, position: _, details, retired: _ }: Category) -> v1::Wording {
    let Details { zh, en, .. } = details;
    v1::Wording { zh, en }
}

fn clear(text: Option<SecretText>) -> String {
    text.map(|text| text.expose().to_owned()).unwrap_or_default()
}

impl From<v1::LookUpReportRequest> for LookUpReport {
    fn from(request: v1::LookUpReportRequest) -> Self {
        let v1::LookUpReportRequest { number, phone_suffix } = request;
        Self { number, phone_suffix }
    }
}

impl From<ReportStatus> for v1::ReportStatus {
    fn from(status: ReportStatus) -> Self {
        let ReportStatus { row, category, expected_at, steps } = status;
        let steps = steps.into_iter().filter_map(|(at, kind)| {
            Some(v1::StatusStep { at: Some(time(at)), words: public::step(kind).map(words) })
                .filter(|step| step.words.is_some())
        });
        Self {
            number: row.number,
            state: codes::state(row.state.0).into(),
            words: Some(words(public::wording(row.state.0))),
            category: category.map(name),
            reported_at: Some(time(row.reported_at)),
            updated_at: Some(time(row.updated_at)),
            expected_at: expected_at.map(time),
            closed_at: row.closed_at.map(time),
            next_look_on: row.next_look_on.map(|day| day.to_string()).unwrap_or_default(),
            steps: steps.collect(),
        }
    }
}

impl From<PublishedCategory> for v1::PublishedCategory {
    fn from(published: PublishedCategory) -> Self {
        let PublishedCategory { category, group } = published;
        let Category { code, position: _, details, retired: _ } = category;
        let Details { zh, en, about_zh, about_en, questions, call_first, .. } = details;
        Self {
            code: code.into(),
            name: Some(v1::Wording { zh, en }),
            about: Some(v1::Wording { zh: about_zh, en: about_en }),
            group: group.map(name),
            call_first,
            questions: questions.into_iter().map(catalogue::shown_question).collect(),
        }
    }
}

impl TryFrom<v1::ListPublishedIncidentsRequest> for ReportsOf {
    type Error = Error;

    fn try_from(request: v1::ListPublishedIncidentsRequest) -> Result<Self, Error> {
        // A token belongs to a query; where in it one is, is no part of it.
        let query = v1::ListPublishedIncidentsRequest {
            page_size: 0,
            page_token: String::new(),
            skip: 0,
            with_entries: false,
            ..request.clone()
        };
        let v1::ListPublishedIncidentsRequest {
            numbers,
            categories,
            open,
            from,
            until,
            with_entries,
            skip,
            page_size,
            page_token,
        } = request;
        Ok(Self {
            numbers,
            categories,
            open,
            from: from.map(|at| request::time("from", at)).transpose()?,
            until: until.map(|at| request::time("until", at)).transpose()?,
            with_entries,
            skip: u64::from(skip.unsigned_abs()),
            page: Page::read(&[&format!("{query:?}")], page_size, &page_token)?,
        })
    }
}

impl TryFrom<v1::ListPublishedEntriesRequest> for EntriesOf {
    type Error = Error;

    fn try_from(request: v1::ListPublishedEntriesRequest) -> Result<Self, Error> {
        let query =
            v1::ListPublishedEntriesRequest { page_size: 0, page_token: String::new(), skip: 0, ..request.clone() };
        let v1::ListPublishedEntriesRequest { numbers, from, until, skip, page_size, page_token } = request;
        Ok(Self {
            numbers,
            from: request::time("from", from.unwrap_or_default())?,
            until: until.map(|at| request::time("until", at)).transpose()?,
            skip: u64::from(skip.unsigned_abs()),
            page: Page::read(&[&format!("{query:?}")], page_size, &page_token)?,
        })
    }
}

impl From<PublishedReport> for v1::PublishedIncident {
    fn from(report: PublishedReport) -> Self {
        let PublishedReport {
            row,
            category,
            area,
            point,
            address,
            description,
            media_urls,
            note,
            expected_at,
            duplicate_of,
            entries,
        } = report;
        let status = row.state.0;
        Self {
            number: row.number,
            state: codes::state(status).into(),
            open: public::is_open(status),
            words: Some(words(public::wording(status))),
            category: row.category.unwrap_or_default(),
            category_name: category.map(name),
            area_code: area.to_string(),
            address: clear(address),
            latitude: point.map(|(latitude, _)| latitude),
            longitude: point.map(|(_, longitude)| longitude),
            description: clear(description),
            media_urls,
            note: clear(note),
            reported_at: Some(time(row.reported_at)),
            updated_at: Some(time(row.updated_at)),
            expected_at: expected_at.map(time),
            closed_at: row.closed_at.map(time),
            duplicate_of: duplicate_of.unwrap_or_default(),
            next_look_on: row.next_look_on.map(|day| day.to_string()).unwrap_or_default(),
            entries: entries.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PublishedEntry> for v1::PublishedEntry {
    fn from(entry: PublishedEntry) -> Self {
        let PublishedEntry { number, version, at, kind, status, solved, text } = entry;
        Self {
            id: public::entry_id(&number, version),
            number,
            at: Some(time(at)),
            kind: kind.code().to_owned(),
            words: public::step(kind).map(words),
            state: codes::state(status).into(),
            solved,
            text: clear(text),
        }
    }
}

impl TryFrom<v1::SubmitReportRequest> for PublicReport {
    type Error = Error;

    fn try_from(request: v1::SubmitReportRequest) -> Result<Self, Error> {
        let content = request.encode_to_vec();
        let v1::SubmitReportRequest {
            category,
            area_code,
            address,
            latitude,
            longitude,
            description,
            reporter,
            answers,
            media_urls,
            request_id,
        } = request;
        let v1::Reporter { name, phone } = reporter.unwrap_or_default();
        let point = match (latitude, longitude) {
            (Some(latitude), Some(longitude)) => Some((latitude, longitude)),
            (None, None) => None,
            (None, Some(_)) => return Err(half_a_point("latitude")),
            (Some(_), None) => return Err(half_a_point("longitude")),
        };
        let area = (!area_code.is_empty()).then(|| request::area("area_code", &area_code)).transpose()?;
        Ok(Self {
            category: catalogue::code("category", &category)?,
            area,
            address,
            point,
            description,
            name,
            phone,
            answers: catalogue::answers(answers),
            media_urls,
            request_id: request::uuid("request_id", &request_id)?,
            content,
        })
    }
}

fn half_a_point(field: &'static str) -> Error {
    Fault::field(field, "point", "is missing: set both latitude and longitude, or neither").into()
}

impl From<Submitted> for v1::SubmittedReport {
    fn from(submitted: Submitted) -> Self {
        let Submitted { id, number } = submitted;
        Self { number, id: id.to_string() }
    }
}

pub(crate) fn update(request: v1::AddPublicUpdateRequest) -> Result<NewUpdate, Error> {
    let v1::AddPublicUpdateRequest { number, update_id, text, reopen } = request;
    if text.trim().is_empty() {
        return Err(Fault::field("text", "blank", "is blank: say what is new").into());
    }
    Ok(NewUpdate { number, update_id, text, reopen })
}

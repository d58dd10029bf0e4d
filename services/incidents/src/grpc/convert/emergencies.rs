//! Emergencies, in the contract's words and in ours.

use chassis::{
    Fault,
    data::{Page, etag},
};
use chrono::NaiveDate;
use linju_proto::incidents::v1;

pub use super::warnings::time;
use super::{
    codes::pairs,
    request::{area, missing, time as read_time},
};
use crate::{
    Error,
    app::{EmergenciesOf, ShownEmergency, ShownReport},
    domain::emergency::{Contents, Due, Grade, Kind, Level, ReportType, Rules},
    store::{
        Code,
        emergency::{Model, certificate, report},
    },
};

pairs!(kind, kind_of, Kind, EmergencyKind {
    NaturalDisaster = NaturalDisaster,
    Accident = Accident,
    PublicHealth = PublicHealth,
    SocialSecurity = SocialSecurity,
});

pairs!(level_value, level_of, Level, EmergencyLevel {
    Extraordinary = Extraordinary,
    Serious = Serious,
    Large = Large,
    General = General,
});

pairs!(report_type, some_report_type, ReportType, EmergencyReportType {
    Phone = Phone,
    First = First,
    FollowUp = FollowUp,
    Final = Final,
});

/// A kind without levels has an unspecified one.
pub fn level(value: Option<Level>) -> v1::EmergencyLevel {
    value.map_or(v1::EmergencyLevel::Unspecified, level_value)
}

pub fn grade(kind: i32, level: i32) -> Result<Grade, Error> {
    let kind = kind_of(kind).ok_or_else(|| missing("kind"))?;
    Ok(Grade::new(kind, level_of(level))?)
}

pub fn report_type_of(number: i32) -> Result<ReportType, Error> {
    some_report_type(number).ok_or_else(|| missing("type"))
}

pub fn day(field: &'static str, text: &str) -> Result<NaiveDate, Error> {
    text.parse().map_err(|_| Fault::field(field, "date", format!("is `{text}`, which is no day")).into())
}

pub fn contents(contents: v1::EmergencyReportContents) -> Result<Contents, Error> {
    let v1::EmergencyReportContents {
        source,
        occurred_at,
        place,
        dead,
        injured,
        missing,
        loss_fen,
        course,
        trend,
        measures,
        cause,
    } = contents;
    let occurred_at = occurred_at.map(|at| read_time("contents.occurred_at", at)).transpose()?;
    Ok(Contents { source, occurred_at, place, dead, injured, missing, loss_fen, course, trend, measures, cause })
}

impl TryFrom<v1::ListEmergenciesRequest> for EmergenciesOf {
    type Error = Error;

    fn try_from(request: v1::ListEmergenciesRequest) -> Result<Self, Error> {
        let v1::ListEmergenciesRequest { area_code, include_ended, page_size, page_token } = request;
        let ended = if include_ended { "ended" } else { "" };
        let page = Page::read(&["emergencies", &area_code, ended], page_size, &page_token)?;
        Ok(Self { area: area("area_code", &area_code)?, ended: include_ended, page })
    }
}

impl From<ShownEmergency> for v1::Emergency {
    fn from(shown: ShownEmergency) -> Self {
        let ShownEmergency { row, due, now } = shown;
        let due = due.into_iter().map(|Due { report, at }| v1::DueReport {
            r#type: report_type(report).into(),
            due_at: Some(time(at)),
            overdue: at <= now,
        });
        let Model {
            id,
            incident_id,
            area_code,
            kind: Code(what),
            level: how,
            declared_at,
            ended_at,
            phoned_at: _,
            first_at: _,
            final_at: _,
            followed_up_at: _,
            destroy_on,
            destroyed_at,
            assessment: _,
            assessed_by: _,
            overdue_told: _,
            ended_by: _,
            version,
        } = row;
        Self {
            id: id.to_string(),
            incident_id: incident_id.to_string(),
            area_code: area_code.to_string(),
            kind: kind(what).into(),
            level: level(how.map(|Code(level)| level)).into(),
            declared_at: Some(time(declared_at)),
            ended_at: ended_at.map(time),
            due: due.collect(),
            destroy_on: destroy_on.map(|day| day.to_string()).unwrap_or_default(),
            destroyed_at: destroyed_at.map(time),
            etag: etag(version),
        }
    }
}

impl From<ShownReport> for v1::EmergencyReport {
    fn from(shown: ShownReport) -> Self {
        let ShownReport { row, contents } = shown;
        let report::Model { id, emergency_id, kind: Code(kind), contents: _, filed_at, filed_by, late } = row;
        Self {
            id: id.to_string(),
            emergency_id: emergency_id.to_string(),
            r#type: report_type(kind).into(),
            destroyed: contents.is_none(),
            contents: contents.map(Into::into),
            filed_at: Some(time(filed_at)),
            filed_by,
            late,
        }
    }
}

impl From<Contents> for v1::EmergencyReportContents {
    fn from(contents: Contents) -> Self {
        let Contents { source, occurred_at, place, dead, injured, missing, loss_fen, course, trend, measures, cause } =
            contents;
        let occurred_at = occurred_at.map(time);
        Self { source, occurred_at, place, dead, injured, missing, loss_fen, course, trend, measures, cause }
    }
}

impl From<certificate::Model> for v1::DestructionCertificate {
    fn from(row: certificate::Model) -> Self {
        let certificate::Model { emergency_id, destroyed_at, rule, incidents, timeline_texts, reports, line, digest } =
            row;
        Self {
            emergency_id: emergency_id.to_string(),
            destroyed_at: Some(time(destroyed_at)),
            rule,
            incidents,
            timeline_texts,
            reports,
            digest,
            line,
        }
    }
}

/// The rules in force.
pub fn rules(rules: &Rules) -> v1::EmergencyRules {
    let number = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    v1::EmergencyRules {
        call_first: rules
            .call_first
            .iter()
            .map(|call| v1::EmergencyNumber { number: call.number.clone(), zh: call.zh.clone(), en: call.en.clone() })
            .collect(),
        rules: rules
            .all()
            .iter()
            .map(|rule| v1::EmergencyRule {
                kind: kind(rule.kind).into(),
                level: level(rule.level).into(),
                phone_minutes: number(rule.phone_minutes),
                first_minutes: number(rule.first_minutes),
                follow_up_minutes: number(rule.follow_up_minutes),
                final_days: number(rule.final_days),
            })
            .collect(),
        destroy_after_days: number(rules.destroy_after_days),
    }
}

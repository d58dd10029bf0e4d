//! The use cases. Two doors lead here: the calls in [`crate::grpc`] and the events in [`crate::events`].

mod alarms;
mod calendar;
mod care;
mod catalogue;
mod change;
mod closed_loop;
mod disputes;
mod duplicate;
mod emergencies;
mod figures;
mod import;
mod matters;
mod monthly;
mod my_looks;
mod next_look;
mod parts;
mod patterns;
mod problem;
mod promise;
mod public;
mod rates;
mod read;
mod recount;
mod report;
mod warnings;

use std::sync::Arc;

use chassis::{
    Fault,
    access::{Call, Look, look},
    data::{Clock, Db, Ids, Keyring, Place, Sealed, SecretText},
    events::Outbox,
    run::Context,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use alarms::{
    AlarmDesk, AlarmsOf, DevicesOf, Finding, Grant, LookUp, LookUpsOf, NewDevice, NewPartner, NotAPartner, ShownAlarm,
    ShownLookUp, SituationsOf, Verdict, VideoReason, VideoShown, timers as alarm_timers,
};
pub use calendar::{CalendarOutcome, ShownCalendar};
pub use care::{CareList, Needs};
pub use catalogue::{CategoriesOutcome, ShownCategory};
pub use change::{Change, Order};
pub use closed_loop::ClosedLoop;
pub use disputes::{DISPUTE_DUE, Decide, DisputesOf};
pub use duplicate::{Draft, Suggestion};
pub use emergencies::{DESTROY, EmergenciesOf, EmergencyChange, REPORT_DUE, ShownEmergency, ShownReport};
pub use figures::{AreaFigures, FiguresOf};
pub use import::{ImportOptions, Outcome};
pub use matters::{MATTER_DUE, MatterChange, MattersOf, NewMatter, ShownMatter, ShownMatterEntry, Wording};
pub use monthly::MonthlyReport;
pub use my_looks::field_label;
pub use next_look::NEXT_LOOK;
pub(crate) use patterns::spot;
pub use patterns::{FIND_PATTERNS, PatternVerdict, PatternsOf, ShownPattern};
pub use problem::ShownProblem;
pub use promise::{Escalation, EscalationsOf, Extension, PROMISE_DUE, ShownPromise};
pub use public::{
    EntriesOf, LookUpReport, NewUpdate, PublicReport, PublishedCategory, PublishedEntry, PublishedReport, ReportStatus,
    ReportsOf, Submitted,
};
pub use rates::{CasesOf, ShownCase};
pub use read::{ListOf, ShownEntry};
pub use recount::RECOUNT;
pub use report::{External, NewReport};
pub use warnings::{NewWarning, ShownWarning, WarningsOf, Word};

use crate::{
    domain::{Policy, catalogue::Answer, emergency, promise::Rules},
    error::Error,
    store::{
        incident::{self, ADDRESS, ANSWERS, DESCRIPTION, Model, REPORTER_NAME, REPORTER_PHONE},
        promise as promises,
    },
};

/// What every use case works with.
#[derive(Clone, Debug)]
pub struct App {
    db: Db,
    clock: Clock,
    ids: Ids,
    keys: Keyring,
    outbox: Outbox,
    policy: Policy,
    rules: Rules,
    emergency_rules: Arc<emergency::Rules>,
    closed_loop: ClosedLoop,
}

/// An incident with its texts open, on its way to a caller.
#[derive(Clone, Debug)]
pub struct Shown {
    pub row: Model,
    pub description: Option<SecretText>,
    pub address: Option<SecretText>,
    pub reporter_name: Option<SecretText>,
    pub reporter_phone: Option<SecretText>,
    /// Whether the caller sees it only because it is their own, and so reads nothing that the office keeps to itself.
    pub only_own: bool,
    pub answers: Vec<Answer>,
    /// When it should be solved, where that was promised.
    pub expected_at: Option<DateTime<Utc>>,
}

/// The personal fields of an incident, as the audit log names them.
const FIELDS: &str = "description,place.address,reporter.name,reporter.phone,answers.values";

impl App {
    pub fn new(context: Context) -> Self {
        let Context { db, clock, ids, keys, outbox, message_bytes: _, settings: _ } = context;
        Self {
            db,
            clock,
            ids,
            keys,
            outbox,
            policy: Policy::default(),
            rules: Rules::default(),
            emergency_rules: Arc::default(),
            closed_loop: ClosedLoop::default(),
        }
    }

    /// The same with an office's own rules for emergencies.
    #[must_use]
    pub fn with_emergency_rules(self, rules: emergency::Rules) -> Self {
        Self { emergency_rules: Arc::new(rules), ..self }
    }

    /// The same with an office's own rules for disputes, matters, rates and patterns.
    #[must_use]
    pub fn with_closed_loop(self, closed_loop: ClosedLoop) -> Self {
        Self { closed_loop, ..self }
    }

    /// The same with an office's own rules for promises.
    #[must_use]
    pub fn with_rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// Opens the incidents and notes the look. Without a purpose the answer is masked on its way out.
    async fn show(&self, call: &Call, rows: Vec<incident::Model>) -> Result<Vec<Shown>, Error> {
        let looks = rows.iter().map(|row| Look { subject: row.id, fields: FIELDS }).collect();
        let areas = parts::reach(call).areas;
        // A joined report is expected to be solved with the incident that leads its problem.
        let leading = |row: &Model| row.duplicate_of.unwrap_or(row.id);
        let expected = promises::expected(self.db.read(), rows.iter().map(leading)).await?;
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            shown.push(Shown {
                description: self.open(row.place(DESCRIPTION), row.description.as_ref()).await?,
                address: self.open(row.place(ADDRESS), row.address.as_ref()).await?,
                reporter_name: self.open(row.place(REPORTER_NAME), row.reporter_name.as_ref()).await?,
                reporter_phone: self.open(row.place(REPORTER_PHONE), row.reporter_phone.as_ref()).await?,
                only_own: !areas.contain(row.area_code),
                answers: self.answers(&row).await?,
                expected_at: expected.get(&leading(&row)).copied(),
                row,
            });
        }
        look(&self.db, &self.ids, &self.clock, call, looks).await?;
        Ok(shown)
    }

    async fn show_one(&self, call: &Call, row: incident::Model) -> Result<Shown, Error> {
        let mut shown = self.show(call, vec![row]).await?;
        Ok(shown.remove(0))
    }

    async fn open(&self, place: Place, sealed: Option<&Sealed>) -> Result<Option<SecretText>, Error> {
        let Some(sealed) = sealed else { return Ok(None) };
        Ok(Some(self.keys.open_fresh(place, sealed).await?))
    }

    /// The answers to the category's questions.
    async fn answers(&self, row: &Model) -> Result<Vec<Answer>, Error> {
        let Some(text) = self.open(row.place(ANSWERS), row.answers.as_ref()).await? else { return Ok(Vec::new()) };
        let read = serde_json::from_str(text.expose());
        Ok(read.map_err(|_| Fault::Internal(format!("incident {} has damaged answers", row.id)))?)
    }

    fn seal_answers(&self, id: Uuid, answers: &[Answer]) -> Result<Option<Sealed>, Error> {
        if answers.is_empty() {
            return Ok(None);
        }
        let text = serde_json::to_string(answers).map_err(|e| Fault::Internal(e.to_string()))?;
        self.seal(ANSWERS.at(id), Some(&text))
    }

    fn seal(&self, place: Place, text: Option<&str>) -> Result<Option<Sealed>, Error> {
        let text = text.filter(|text| !text.is_empty());
        Ok(text.map(|text| self.keys.seal(place, text)).transpose()?)
    }
}

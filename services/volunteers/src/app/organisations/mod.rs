//! Organisations: how they come, and what the office and they give each other.

pub mod assets;
pub mod offers;

use chassis::{
    Fault,
    access::{Call, Look, look},
    data::{AreaCode, Code, Page, RequestKey, SecretText, Tx, check_etag},
};
use sea_orm::IntoActiveModel;
use uuid::Uuid;

use super::{App, proofs::Request};
use crate::{
    domain::{
        organisation::{self as rules, Kind, OrganisationId, Origin, Refused, Stage},
        person::{PersonName, Phone},
    },
    error::Error,
    events,
    store::organisation::{self as table, Model, Wanted, asset, reason, step},
};

/// The personal fields of an organisation and of a step, as the audit log names them.
const CONTACT: &str = "contact_name,contact_phone";
const REASON: &str = "reason";

/// An organisation that is entered.
#[derive(Clone, Debug)]
pub struct NewOrganisation {
    pub name: String,
    pub kind: Kind,
    pub origin: Origin,
    /// Empty: none.
    pub uscc: String,
    pub area: AreaCode,
    pub services: String,
    pub contact_name: Option<PersonName>,
    pub contact_phone: Option<Phone>,
}

/// What is changed of one; none stays as it is.
#[derive(Clone, Debug, Default)]
pub struct OrganisationUpdate {
    pub name: Option<String>,
    pub kind: Option<Kind>,
    pub origin: Option<Origin>,
    pub uscc: Option<String>,
    pub area: Option<AreaCode>,
    pub services: Option<String>,
    /// None within: nobody any more.
    pub contact_name: Option<Option<PersonName>>,
    pub contact_phone: Option<Option<Phone>>,
}

/// An organisation on its way to a caller.
#[derive(Clone, Debug)]
pub struct ShownOrganisation {
    pub row: Model,
    /// None: nobody, or not the caller's to see.
    pub contact_name: Option<SecretText>,
    pub contact_phone: Option<SecretText>,
}

/// A list of organisations that somebody asks for.
#[derive(Clone, Debug)]
pub struct OrganisationsOf {
    pub wanted: Wanted,
    pub page: Page<Uuid>,
}

/// One step with its reason.
#[derive(Clone, Debug)]
pub struct ShownStep {
    pub row: step::Model,
    pub reason: Option<SecretText>,
}

impl App {
    /// Enters an organisation into the pipeline.
    pub async fn create_organisation(
        &self,
        call: &Call,
        request: Request,
        new: NewOrganisation,
    ) -> Result<ShownOrganisation, Error> {
        if !call.scope().areas.contain(new.area) {
            return Err(Error::AreaNotGranted { field: "organisation.area_code" });
        }
        let key = self.request_key(call, request.id, &request.content);
        let row = self.new_organisation(new)?;
        let (app, written, noted, by) = (self.clone(), row.clone(), key.clone(), call.subject().to_owned());
        let done = self.db.write(move |tx| {
            tx.append(written.clone().into_active_model());
            app.note_step(tx, &written, None, &by);
            app.outbox.add(tx, events::organisations::organisation_moved(&app.ids, &written, None));
            noted.note(tx, written.id.0, written.updated_at);
            Box::pin(async { Ok::<_, Error>(()) })
        });
        match done.await {
            Ok(()) => self.show_organisation(call, row).await,
            Err(error) if error.is_duplicate() => match key.find(self.db.read()).await? {
                Some(known) => self.organisation(call, OrganisationId(known)).await,
                None => Err(Refused::Known.into()),
            },
            Err(error) => Err(error),
        }
    }

    fn new_organisation(&self, new: NewOrganisation) -> Result<Model, Error> {
        let NewOrganisation { name, kind, origin, uscc, area, services, contact_name, contact_phone } = new;
        let id: OrganisationId = self.ids.next();
        let (contact_name, contact_phone) = (
            self.seal(table::CONTACT_NAME.at(id.0), contact_name.as_ref().map_or("", PersonName::expose))?,
            self.seal(table::CONTACT_PHONE.at(id.0), contact_phone.as_ref().map_or("", Phone::expose))?,
        );
        let now = self.clock.now();
        Ok(Model {
            id,
            name,
            kind: Code(kind),
            origin: Code(origin),
            uscc: self.checked_uscc(kind, &uscc)?,
            area_code: area,
            services,
            contact_name,
            contact_phone,
            stage: Code(Stage::Introduced),
            stage_since: now,
            updated_at: now,
            version: 1,
        })
    }

    fn checked_uscc(&self, kind: Kind, uscc: &str) -> Result<Option<String>, Error> {
        let prefixes = self.settings.organisations.uscc_prefixes.get(&kind).map_or(&[][..], Vec::as_slice);
        Ok(rules::check_uscc(kind, uscc, prefixes)?.map(|uscc| uscc.to_string()))
    }

    fn note_step(&self, tx: &Tx, row: &Model, from: Option<Stage>, by: &str) -> Uuid {
        let id = self.ids.next();
        let step = step::Model {
            id,
            organisation_id: row.id,
            at: row.updated_at,
            from_stage: from.map(Code),
            stage: row.stage,
            by: by.to_owned(),
        };
        tx.append(step.into_active_model());
        id
    }

    /// One organisation.
    pub async fn organisation(&self, call: &Call, id: OrganisationId) -> Result<ShownOrganisation, Error> {
        let row = table::get(self.db.read(), call.scope(), id).await?;
        self.show_organisation(call, row).await
    }

    /// Organisations of an area, and the token of the next page.
    pub async fn organisations(
        &self,
        call: &Call,
        of: OrganisationsOf,
    ) -> Result<(Vec<ShownOrganisation>, String), Error> {
        let (rows, next) = table::list(self.db.read(), call.scope(), of.wanted, &of.page).await?;
        Ok((self.show_organisations(call, rows).await?, next))
    }

    async fn show_organisation(&self, call: &Call, row: Model) -> Result<ShownOrganisation, Error> {
        let mut shown = self.show_organisations(call, vec![row]).await?;
        Ok(shown.remove(0))
    }

    /// Opens the contacts of those in the caller's areas, and notes the look at each. The public reads none.
    async fn show_organisations(&self, call: &Call, rows: Vec<Model>) -> Result<Vec<ShownOrganisation>, Error> {
        let (mut shown, mut looks) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let (mut contact_name, mut contact_phone) = (None, None);
            if call.scope().areas.contain(row.area_code) {
                contact_name = self.open(table::CONTACT_NAME.at(row.id.0), row.contact_name.as_ref()).await?;
                contact_phone = self.open(table::CONTACT_PHONE.at(row.id.0), row.contact_phone.as_ref()).await?;
                looks.push(Look { subject: row.id.0, fields: CONTACT });
            }
            shown.push(ShownOrganisation { row, contact_name, contact_phone });
        }
        look(&self.db, &self.ids, &self.clock, call, looks).await?;
        Ok(shown)
    }

    /// Changes what is said of an organisation.
    pub async fn update_organisation(
        &self,
        call: &Call,
        (id, etag): (OrganisationId, String),
        update: OrganisationUpdate,
    ) -> Result<ShownOrganisation, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call, etag, update) = (app.clone(), caller.clone(), etag.clone(), update.clone());
            Box::pin(async move {
                let mut row = table::lock(tx, call.scope(), id).await?;
                check_etag(&etag, row.version)?;
                if update.area.is_some_and(|area| !call.scope().areas.contain(area)) {
                    return Err(Error::AreaNotGranted { field: "organisation.area_code" });
                }
                app.apply_to_organisation(&mut row, update)?;
                row.updated_at = app.clock.now();
                row.version += 1;
                table::save(tx, row.clone()).await?;
                Ok(row)
            })
        });
        match written.await {
            Err(error) if error.is_duplicate() => Err(Refused::Known.into()),
            written => self.show_organisation(call, written?).await,
        }
    }

    fn apply_to_organisation(&self, row: &mut Model, update: OrganisationUpdate) -> Result<(), Error> {
        let OrganisationUpdate { name, kind, origin, uscc, area, services, contact_name, contact_phone } = update;
        if kind.is_some() || uscc.is_some() {
            let kind = kind.unwrap_or(row.kind.0);
            let uscc = uscc.unwrap_or_else(|| row.uscc.clone().unwrap_or_default());
            (row.kind, row.uscc) = (Code(kind), self.checked_uscc(kind, &uscc)?);
        }
        row.name = name.unwrap_or_else(|| row.name.clone());
        row.origin = origin.map_or(row.origin, Code);
        row.area_code = area.unwrap_or(row.area_code);
        row.services = services.unwrap_or_else(|| row.services.clone());
        if let Some(name) = contact_name {
            let text = name.as_ref().map_or("", PersonName::expose);
            row.contact_name = self.seal(table::CONTACT_NAME.at(row.id.0), text)?;
        }
        if let Some(phone) = contact_phone {
            let text = phone.as_ref().map_or("", Phone::expose);
            row.contact_phone = self.seal(table::CONTACT_PHONE.at(row.id.0), text)?;
        }
        Ok(())
    }

    /// Moves an organisation along the pipeline. Whoever graduates or leaves has given back all that was lent.
    pub async fn move_organisation(
        &self,
        call: &Call,
        (id, etag): (OrganisationId, String),
        to: Stage,
        why: String,
    ) -> Result<ShownOrganisation, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call, etag, why) = (app.clone(), caller.clone(), etag.clone(), why.clone());
            Box::pin(async move {
                let mut row = table::lock(tx, call.scope(), id).await?;
                check_etag(&etag, row.version)?;
                let from = row.stage.0;
                row.stage = Code(from.advance(to)?);
                if to.returns_all() && has_something(tx, id).await? {
                    return Err(Refused::StillLent.into());
                }
                row.updated_at = app.clock.now();
                row.stage_since = row.updated_at;
                row.version += 1;
                let step = app.note_step(tx, &row, Some(from), call.subject());
                let reason = app.keys.seal(reason::REASON.at(step), &why)?;
                tx.append(reason::Model { id: step, reason }.into_active_model());
                app.outbox.add(tx, events::organisations::organisation_moved(&app.ids, &row, Some(from)));
                table::save(tx, row.clone()).await?;
                Ok::<_, Error>(row)
            })
        });
        self.show_organisation(call, written.await?).await
    }

    /// Every step of an organisation with its reason.
    pub async fn organisation_steps(&self, call: &Call, id: OrganisationId) -> Result<Vec<ShownStep>, Error> {
        let of = table::get(self.db.read(), call.scope(), id).await?;
        if !call.scope().areas.contain(of.area_code) {
            return Err(Fault::NotFound("organisation").into());
        }
        let mut shown = Vec::new();
        for (row, sealed) in table::steps(self.db.read(), id).await? {
            let reason = self.open(reason::REASON.at(row.id), sealed.as_ref()).await?;
            shown.push(ShownStep { row, reason });
        }
        look(&self.db, &self.ids, &self.clock, call, vec![Look { subject: id.0, fields: REASON }]).await?;
        Ok(shown)
    }

    /// What a request came to that was made before: the same request is answered again, whatever stands in its way by now.
    async fn made_before(&self, key: &RequestKey, error: Error) -> Result<Uuid, Error> {
        key.find(self.db.read()).await?.ok_or(error)
    }
}

/// Whether the organisation has anything of the office's.
async fn has_something(tx: &Tx, id: OrganisationId) -> Result<bool, Error> {
    let ids = asset::ever_lent(tx, id).await?;
    let holdings = asset::holdings(tx, &ids).await?;
    Ok(holdings.values().any(|holdings| holdings.due_on(id).is_some()))
}

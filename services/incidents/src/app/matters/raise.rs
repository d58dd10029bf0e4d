//! Says a matter.

use chassis::{
    Fault,
    access::Call,
    data::{AreaCode, RequestKey, Tx},
};
use uuid::Uuid;

use super::{ShownMatter, Wording, acting, change::one_household};
use crate::{
    app::{App, catalogue},
    domain::{
        ActorKind, CategoryCode, IncidentId,
        matter::{Command, MatterId, StepKind, decide, raise},
    },
    error::Error,
    events,
    store::{
        Code,
        matter::{self, Entry, Model, entry::TEXT},
    },
};

/// What somebody says.
#[derive(Clone)]
pub struct NewMatter {
    pub area: AreaCode,
    pub text: String,
    pub households: u32,
    /// The office's to write; empty otherwise.
    pub title: String,
    pub category: Option<CategoryCode>,
    pub incidents: Vec<IncidentId>,
    pub request_id: Uuid,
    /// The whole request, to know it again.
    pub content: Vec<u8>,
}

impl App {
    /// Raises a matter. The same request again is answered with the matter as it stands now.
    pub async fn raise_matter(&self, call: &Call, new: NewMatter) -> Result<ShownMatter, Error> {
        let key = RequestKey {
            caller: call.subject().to_owned(),
            method: call.method(),
            request_id: new.request_id,
            content: self.keys.index("requests.content", &new.content),
        };
        if let Some(id) = key.find(self.db.read()).await? {
            return self.matter(MatterId(id)).await;
        }
        self.check_raise(call, &new).await?;
        let id = MatterId(self.ids.next());
        let (app, caller, noted) = (self.clone(), call.clone(), key.clone());
        let written = self.db.write(move |tx| {
            let (app, call, new, key) = (app.clone(), caller.clone(), new.clone(), noted.clone());
            Box::pin(async move { app.write_matter(tx, &call, id, new, key).await })
        });
        match written.await {
            // The same request came twice at once, and the other was first.
            Err(Error::Fault(fault)) if fault.is_duplicate() => {
                let id = key.find(self.db.read()).await?.ok_or(fault)?;
                self.matter(MatterId(id)).await
            }
            written => {
                written?;
                self.matter(id).await
            }
        }
    }

    async fn check_raise(&self, call: &Call, new: &NewMatter) -> Result<(), Error> {
        if !call.scope().admits_new(new.area) {
            return Err(Error::AreaNotGranted { field: "area_code" });
        }
        if !call.scope().areas.contain(new.area) {
            let not_theirs = |field: &str| Fault::field(field, "office", "is the office's to say: leave it out");
            if !new.title.is_empty() {
                return Err(not_theirs("title").into());
            }
            if !new.incidents.is_empty() {
                return Err(not_theirs("incident_ids").into());
            }
        }
        if let Some(code) = &new.category {
            catalogue::usable(self.db.read(), code).await?;
        }
        Ok(())
    }

    async fn write_matter(
        &self,
        tx: &Tx,
        call: &Call,
        id: MatterId,
        new: NewMatter,
        key: RequestKey,
    ) -> Result<(), Error> {
        let NewMatter { area, text, households, title, category, incidents, request_id: _, content: _ } = new;
        let (now, rules) = (self.clock.now(), self.closed_loop.matter);
        let voice = Command::AddVoice { households };
        let actor = acting(call, area, voice.actors());
        if actor.kind == ActorKind::Reporter {
            if households != 1 {
                return Err(one_household().into());
            }
            self.note_said(tx, call, (id, 1), &voice).await?;
        }
        let (matter, first) = raise(households, actor, now, rules);
        let row = Model {
            id: id.0,
            area_code: area,
            title,
            category: category.map(String::from),
            stage: Code(matter.stage),
            place: None,
            state: String::new(),
            raised_at: now,
            updated_at: now,
            version: 1,
        };
        let row = row.becomes(&matter, now)?;
        matter::insert(tx, row.clone()).await?;
        let entry = self.ids.next();
        let text = self.seal(TEXT.at(entry), Some(&text))?;
        matter::append(tx, Entry { id: entry, matter: id, version: 1, taken: first, public_text: None, text })?;
        self.outbox.add(tx, events::matter_moved(&self.ids, &row, &matter, StepKind::Raised, now));
        self.set_matter_timer(tx, id, &matter).await?;
        key.note(tx, id.0, now);
        let (mut row, mut standing) = (row, matter);
        for incident in incidents {
            let command = Command::Gather { incident };
            let actor = acting(call, area, command.actors());
            let decided = decide(&standing, command, actor, now, rules)?;
            Box::pin(self.gather_in(tx, call, &row, incident)).await?;
            standing = decided.0.clone();
            let next = row.clone().becomes(&standing, now)?;
            self.write_step(tx, row, decided, Wording::default()).await?;
            row = next;
        }
        Ok(())
    }
}

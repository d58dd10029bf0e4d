//! A step of a matter: read, ask the rule, write row, entry, timer and events together, and tell the reporters in it.

use chassis::{
    Fault,
    access::Call,
    data::{Tx, check_etag},
};

use super::{ShownMatter, acting};
use crate::{
    app::App,
    domain::{
        ActorKind,
        matter::{Command, Matter, MatterId, Refused, Taken, decide},
    },
    error::Error,
    events,
    store::matter::{self, Entry, Model, entry::TEXT},
};

/// One step that somebody wants.
#[derive(Clone, Debug)]
pub struct MatterChange {
    pub id: MatterId,
    /// Of the version that the caller read; empty: whatever it is.
    pub etag: String,
    pub command: Command,
    pub wording: Wording,
}

/// What is written with a step.
#[derive(Clone, Debug, Default)]
pub struct Wording {
    /// For everybody; empty: nothing.
    pub public: String,
    /// For the office; empty: nothing.
    pub internal: String,
    /// What the matter is called in public from now on; empty: as before.
    pub title: String,
    /// Where a meeting is; empty: as before.
    pub place: String,
}

impl App {
    /// Takes the step, or says why not.
    pub async fn change_matter(&self, call: &Call, change: MatterChange) -> Result<ShownMatter, Error> {
        let id = change.id;
        let (app, caller) = (self.clone(), call.clone());
        let write = self.db.write(move |tx| {
            let (app, caller, change) = (app.clone(), caller.clone(), change.clone());
            Box::pin(async move { app.change_matter_in(tx, &caller, change).await })
        });
        write.await?;
        self.matter(id).await
    }

    pub(in crate::app) async fn change_matter_in(
        &self,
        tx: &Tx,
        call: &Call,
        change: MatterChange,
    ) -> Result<(), Error> {
        let MatterChange { id, etag, command, wording } = change;
        let row = matter::lock(tx, call.scope(), id).await?;
        check_etag(&etag, row.version)?;
        let standing = row.matter()?;
        let actor = acting(call, row.area_code, command.actors());
        if let Command::ReportTask { number, .. } = &command
            && let Some(task) = standing.tasks.iter().find(|task| task.number == *number)
            && !call.scope().works_for(&task.unit.0, row.area_code)
        {
            return Err(Refused::NotYourTask { unit: task.unit.clone() }.into());
        }
        let untitled = row.title.is_empty() && wording.title.is_empty();
        if untitled && matches!(command, Command::CallMeeting { .. } | Command::Drop) {
            return Err(Refused::NoTitle.into());
        }
        let by_resident = actor.kind == ActorKind::Reporter;
        let decided = decide(&standing, command.clone(), actor, self.clock.now(), self.closed_loop.matter)?;
        if by_resident {
            self.note_said(tx, call, (id, standing.round), &command).await?;
        }
        if let Command::Gather { incident } = command {
            Box::pin(self.gather_in(tx, call, &row, incident)).await?;
        }
        self.write_step(tx, row, decided, wording).await
    }

    /// A resident speaks for one household: once for the matter, and once in each round of ratings.
    pub(super) async fn note_said(
        &self,
        tx: &Tx,
        call: &Call,
        (id, round): (MatterId, u32),
        command: &Command,
    ) -> Result<(), Error> {
        let (round, refused) = match command {
            Command::AddVoice { households: 1 } => (0, Refused::SaidBefore),
            Command::AddVoice { .. } => return Err(one_household().into()),
            Command::Rate { .. } => (round, Refused::RatedBefore),
            _ => return Ok(()),
        };
        // Of this matter only, so that nobody can be followed from one to another.
        let who = self.keys.index("matter_said.who", format!("{id} {}", call.owner()));
        if matter::note_said(tx, self.ids.next(), (id, round), who).await? { Ok(()) } else { Err(refused.into()) }
    }

    /// Writes what was decided.
    pub(super) async fn write_step(
        &self,
        tx: &Tx,
        row: Model,
        (next, taken): (Matter, Taken),
        wording: Wording,
    ) -> Result<(), Error> {
        let Wording { public, internal, title, place } = wording;
        let (id, now) = (MatterId(row.id), self.clock.now());
        let was = row.matter()?;
        let mut row = row.becomes(&next, now)?;
        if !title.is_empty() {
            row.title = title;
        }
        if !place.is_empty() {
            row.place = Some(place);
        }
        matter::save(tx, row.clone()).await?;
        let entry = self.ids.next();
        let text = self.seal(TEXT.at(entry), Some(&internal))?;
        let is_public = taken.step.is_public();
        let public_text = is_public.then(|| public.clone());
        let moved = was.stage != next.stage;
        if moved || is_public {
            self.outbox.add(tx, events::matter_moved(&self.ids, &row, &next, taken.step.kind(), now));
        }
        let step = taken.step.kind();
        matter::append(tx, Entry { id: entry, matter: id, version: next.version, taken, public_text, text })?;
        self.set_matter_timer(tx, id, &next).await?;
        if is_public {
            Box::pin(self.tell_reporters(tx, id, step, &public)).await?;
        }
        Ok(())
    }
}

pub(super) fn one_household() -> Fault {
    Fault::field("households", "one", "is more than 1: a resident speaks for one household")
}

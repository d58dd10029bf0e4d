//! The door of the bus.

use async_trait::async_trait;
use bytes::Bytes;
use chassis::{
    data::{AreaCode, AreaLevel},
    events::{HandlerError, Incoming, Intake, Sender},
};

use super::AlarmDesk;
use crate::{
    alarms::{Form, Message, answer, read},
    domain::alarm::NotTaken,
    error::Error,
    store::alarms::{partner, refused},
};

#[async_trait]
impl Intake for AlarmDesk {
    async fn senders(&self) -> Result<Vec<Sender>, HandlerError> {
        let partners = partner::all(self.app.db.read()).await.map_err(|e| failed(e.into()))?;
        let here = partners.into_iter().filter(|partner| !partner.removed);
        here.map(|partner| {
            let reads = partner.areas().map_err(|e| failed(e.into()))?.into_iter().map(events_of).collect();
            Ok(Sender { name: partner.name, reads })
        })
        .collect()
    }

    async fn take(&self, sender: &str, messages: Vec<Incoming>) -> Result<Vec<Bytes>, HandlerError> {
        let grant = self.grant(sender, messages.len()).await.map_err(failed)?;
        let mut forms = Vec::with_capacity(messages.len());
        let mut said = Vec::with_capacity(messages.len());
        for (i, Incoming { kind, body }) in messages.iter().enumerate() {
            let message = match grant.refuses(i) {
                Some(refused) => Message { form: Form::Json, said: Err(refused) },
                None => read(kind, body),
            };
            forms.push(message.form);
            said.push(message.said);
        }
        let outcomes = Self::take(self, grant, said).await.map_err(failed)?;
        Ok(forms.iter().zip(&outcomes).map(|(form, outcome)| answer(form, outcome)).collect())
    }

    async fn give_up(&self, sender: &str, message: &Incoming, reason: &str) -> Result<Bytes, HandlerError> {
        tracing::error!(sender, kind = message.kind, reason, "a message of a partner is given up");
        let (sender, now) = (sender.to_owned(), self.app.clock.now());
        let noted = self.app.db.write::<_, Error, _>(move |tx| {
            refused::count(tx, &sender, [NotTaken::OurFault].iter(), now);
            Box::pin(async { Ok(()) })
        });
        noted.await.map_err(failed)?;
        Ok(answer(&Form::Json, &Err(NotTaken::OurFault)))
    }
}

/// The subjects of what incidents tells of an area.
fn events_of(area: AreaCode) -> String {
    let levels = [AreaLevel::County, AreaLevel::Subdistrict, AreaLevel::Community];
    let tokens: Vec<_> = levels.into_iter().map(|level| area.token(level)).take_while(|token| token != "-").collect();
    format!("linju.incidents.v1.{}.>", tokens.join("."))
}

fn failed(error: Error) -> HandlerError {
    match error {
        Error::Fault(chassis::Fault::Db(error)) => HandlerError::Db(error),
        error => HandlerError::Failed(error.to_string()),
    }
}

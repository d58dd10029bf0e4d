//! Taking a file.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use chassis::{
    Fault,
    access::Call,
    data::{SecretText, Tx},
};
use futures::{Stream, StreamExt};
use sea_orm::ActiveModelTrait;
use tonic::Status;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Shown;
use crate::attachments::{
    Attachments,
    crypt::{ContentKey, Part},
    error::Error,
    intake::{Arrived, Intake},
    policy::{Prepared, prepare, safe_name},
    records::{Passed, Record},
    store::{self, CONTENT_KEY, FILENAME, Model, State},
};

/// What a sender says of a file.
pub(crate) struct Head {
    pub(crate) record: Record,
    pub(crate) filename: String,
}

/// A file that is ready to be kept.
struct Ready {
    content_type: &'static str,
    ending: &'static str,
    size: i64,
    thumbnail_size: Option<i64>,
    width: i32,
    height: i32,
    sha256: String,
    key: Zeroizing<String>,
    content: Bytes,
    thumbnail: Option<Bytes>,
}

enum Kept {
    Already(Box<Model>),
    New(Box<Model>),
}

impl Attachments {
    /// Takes a file whose pieces come one by one. The same content again is the one that is there.
    pub(crate) async fn upload(
        &self,
        call: &Call,
        passed: &Passed,
        head: Head,
        mut pieces: impl Stream<Item = Result<Vec<u8>, Status>> + Send + Unpin,
    ) -> Result<Shown, Error> {
        let open = self.opened()?.clone();
        head.record.changeable(open.services, call, passed).await?;
        let mut intake = Intake::new(&self.0.settings, self.0.memory.clone());
        while let Some(piece) = pieces.next().await {
            intake.add(&piece?)?;
        }
        let id: Uuid = self.0.ids.next();
        let ready = self.prepare(id, intake.done()?).await?;
        let filename = safe_name(&head.filename, ready.ending);
        let row = self.row(id, call, &head, &filename, &ready)?;
        let row = match self.begin(head.record, row).await? {
            Kept::Already(row) => return self.shown(call, *row).await,
            Kept::New(row) => *row,
        };
        let Ready { content, thumbnail, .. } = ready;
        let put = async {
            open.objects.put(row.object, content).await?;
            match row.thumbnail.zip(thumbnail) {
                Some((object, thumbnail)) => open.objects.put(object, thumbnail).await,
                None => Ok(()),
            }
        };
        let outcome = match put.await {
            Ok(()) => self.finish(id).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = outcome {
            self.give_up(&row).await;
            return Err(error);
        }
        Ok(Shown { row, filename: SecretText::from(filename), own: true })
    }

    /// Makes what is kept of the file, one at a time and off the threads that serve.
    async fn prepare(&self, id: Uuid, arrived: Arrived) -> Result<Ready, Error> {
        let _one = self.0.decoding.acquire().await.map_err(|_| Error::Busy)?;
        let limits = self.0.settings.images();
        let work = tokio::task::spawn_blocking(move || {
            let Arrived { found, content, held } = arrived;
            let prepared = prepare(found, content, limits)?;
            let ready = Ready::new(id, &prepared);
            drop(held);
            ready
        });
        work.await.map_err(|e| Fault::Internal(format!("a file could not be prepared: {e}")))?
    }

    fn row(&self, id: Uuid, call: &Call, head: &Head, filename: &str, ready: &Ready) -> Result<Model, Error> {
        Ok(Model {
            id,
            record_kind: head.record.kind.name().to_owned(),
            record_id: head.record.id,
            state: State::Pending,
            added_by: call.owner(),
            filename: self.0.keys.seal(FILENAME.at(id), filename)?,
            content_key: self.0.keys.seal(CONTENT_KEY.at(id), &ready.key)?,
            object: self.0.ids.next(),
            thumbnail: ready.thumbnail.is_some().then(|| self.0.ids.next()),
            content_type: ready.content_type.to_owned(),
            size: ready.size,
            thumbnail_size: ready.thumbnail_size,
            width: ready.width,
            height: ready.height,
            sha256: ready.sha256.clone(),
            created_at: self.0.clock.now(),
        })
    }

    /// Writes the row that says that a content is on its way, if the record has room for it.
    async fn begin(&self, record: Record, row: Model) -> Result<Kept, Error> {
        let (files, bytes) = (self.0.settings.files_per_record, self.0.settings.bytes_per_record);
        let write = self.0.db.write(move |tx: &Tx| {
            let row = row.clone();
            Box::pin(async move {
                let held = store::hold(tx, record).await?;
                let same = |kept: &&Model| kept.state == State::Stored && kept.sha256 == row.sha256;
                if let Some(kept) = held.iter().find(same) {
                    return Ok::<_, Error>(Kept::Already(Box::new(kept.clone())));
                }
                let sum: i64 = held.iter().map(|kept| kept.size).sum::<i64>() + row.size;
                if held.len() >= files || u64::try_from(sum).is_ok_and(|sum| sum > bytes) {
                    return Err(Error::RecordFull);
                }
                store::pending(row.clone()).insert(tx).await?;
                Ok(Kept::New(Box::new(row)))
            })
        });
        write.await
    }

    async fn finish(&self, id: Uuid) -> Result<(), Error> {
        let write = self.0.db.write(move |tx: &Tx| {
            Box::pin(async move { store::go(tx, id, State::Pending, State::Stored).await.map_err(Error::from) })
        });
        // Somebody has tidied up what took too long.
        if write.await? { Ok(()) } else { Err(Error::TooSlow) }
    }

    /// Takes back what was begun. Where that does not work either, it is tidied up later.
    async fn give_up(&self, row: &Model) {
        if let Err(error) = self.remove(row, State::Pending).await {
            tracing::warn!(%error, "an attachment that was not kept is tidied up later");
        }
    }
}

impl Ready {
    fn new(id: Uuid, prepared: &Prepared) -> Result<Self, Error> {
        let (key, text) = ContentKey::new(id)?;
        let length = |bytes: &[u8]| i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let thumbnail = prepared.thumbnail.as_deref();
        Ok(Self {
            content_type: prepared.kept.content_type(),
            ending: prepared.kept.ending(),
            size: length(&prepared.content),
            thumbnail_size: thumbnail.map(length),
            width: i32::try_from(prepared.width).unwrap_or(i32::MAX),
            height: i32::try_from(prepared.height).unwrap_or(i32::MAX),
            sha256: hex::encode(digest(&SHA256, &prepared.content)),
            content: key.seal(Part::File, &prepared.content)?,
            thumbnail: thumbnail.map(|content| key.seal(Part::Thumbnail, content)).transpose()?,
            key: text,
        })
    }
}

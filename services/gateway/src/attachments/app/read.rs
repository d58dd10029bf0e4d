//! Reading what there is, and the files themselves.

use bytes::Bytes;
use chassis::{
    access::{Call, Look, look},
    data::Page,
};
use futures::{Stream, TryStreamExt};
use uuid::Uuid;

use super::Shown;
use crate::attachments::{
    Attachments,
    crypt::{ContentKey, Part, opened},
    error::Error,
    records::{Passed, Record},
    store::{self, CONTENT_KEY, FILENAME, Model},
};

/// What is sent of a file.
pub(crate) struct Download<S> {
    pub(crate) shown: Shown,
    pub(crate) size: i64,
    pub(crate) content: S,
}

impl Attachments {
    pub(crate) async fn get(&self, call: &Call, passed: &Passed, id: Uuid) -> Result<Shown, Error> {
        let row = store::get(self.0.db.read(), id).await?;
        row.record()?.readable(self.opened()?.services.clone(), call, passed).await?;
        self.shown(call, row).await
    }

    /// A page of a record's files, and the token of the next one.
    pub(crate) async fn list(
        &self,
        call: &Call,
        passed: &Passed,
        record: Record,
        page: &Page<Uuid>,
    ) -> Result<(Vec<Shown>, String), Error> {
        record.readable(self.opened()?.services.clone(), call, passed).await?;
        let mut rows = store::list(self.0.db.read(), record, page).await?;
        let next = page.cut(&mut rows, |row| row.id)?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            all.push(self.open_row(call, row).await?);
        }
        if !all.is_empty() {
            self.look(call, record, "attachments.filename").await?;
        }
        Ok((all, next))
    }

    /// The content of a file or of its thumbnail, for a purpose; the look is written down first.
    pub(crate) async fn download(
        &self,
        call: &Call,
        passed: &Passed,
        id: Uuid,
        part: Part,
    ) -> Result<Download<impl Stream<Item = Result<Bytes, Error>> + Send + use<>>, Error> {
        call.needs_purpose()?;
        let open = self.opened()?;
        let row = store::get(self.0.db.read(), id).await?;
        let record = row.record()?;
        record.readable(open.services.clone(), call, passed).await?;
        let (object, size) = match part {
            Part::File => (Some(row.object), Some(row.size)),
            Part::Thumbnail => (row.thumbnail, row.thumbnail_size),
        };
        let (object, size) = object.zip(size).ok_or(chassis::Fault::NotFound("thumbnail"))?;
        let key = self.0.keys.open_fresh(CONTENT_KEY.at(id), &row.content_key).await?;
        let key = ContentKey::read(id, key.expose())?;
        let shown = self.open_row(call, row).await?;
        let sealed = open.objects.get(object).await?;
        self.look(call, record, "attachments.content").await?;
        Ok(Download { shown, size, content: opened(key, part, sealed.map_err(Error::from)) })
    }

    /// Opens the row and notes the look; without a purpose the name is masked on its way out.
    pub(super) async fn shown(&self, call: &Call, row: Model) -> Result<Shown, Error> {
        let record = row.record()?;
        let shown = self.open_row(call, row).await?;
        self.look(call, record, "attachments.filename").await?;
        Ok(shown)
    }

    async fn open_row(&self, call: &Call, row: Model) -> Result<Shown, Error> {
        let filename = self.0.keys.open_fresh(FILENAME.at(row.id), &row.filename).await?;
        Ok(Shown { own: call.scope().owns(&row.added_by), filename, row })
    }

    async fn look(&self, call: &Call, record: Record, fields: &'static str) -> Result<(), Error> {
        let looks = vec![Look { subject: record.id, fields }];
        Ok(look(&self.0.db, &self.0.ids, &self.0.clock, call, looks).await?)
    }
}

//! The contract's methods.

use bytes::Bytes;
use chassis::{access::Call, data::Page};
use futures::{Stream, StreamExt, stream, stream::BoxStream};
use linju_proto::gateway::v1::{self, attachment_service_server::AttachmentService};
use prost_types::Timestamp;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{
    Attachments, Error,
    app::{Head, Shown},
    crypt::Part,
    records::{Passed, Record},
};

/// Answers `linju.gateway.v1.AttachmentService`.
#[derive(Clone, Debug)]
pub struct Grpc(pub(super) Attachments);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl AttachmentService for Grpc {
    type DownloadAttachmentStream = BoxStream<'static, Result<v1::DownloadAttachmentResponse, Status>>;

    async fn upload_attachment(
        &self,
        request: Request<Streaming<v1::UploadAttachmentRequest>>,
    ) -> Answer<v1::Attachment> {
        let (call, passed) = (Call::of(&request)?, Passed::of(&request));
        let (head, pieces) = begin(request.into_inner()).await?;
        let shown = self.0.upload(&call, &passed, head, pieces).await?;
        Ok(Response::new(shown.into()))
    }

    async fn get_attachment(&self, request: Request<v1::GetAttachmentRequest>) -> Answer<v1::Attachment> {
        let (call, passed) = (Call::of(&request)?, Passed::of(&request));
        Ok(Response::new(self.0.get(&call, &passed, id(&request.into_inner().id)?).await?.into()))
    }

    async fn list_attachments(
        &self,
        request: Request<v1::ListAttachmentsRequest>,
    ) -> Answer<v1::ListAttachmentsResponse> {
        let (call, passed) = (Call::of(&request)?, Passed::of(&request));
        let v1::ListAttachmentsRequest { parent, page_size, page_token } = request.into_inner();
        let record: Record = parent.parse()?;
        let page = Page::read(&["attachments", &parent], page_size, &page_token).map_err(Error::from)?;
        let (attachments, next_page_token) = self.0.list(&call, &passed, record, &page).await?;
        let attachments = attachments.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListAttachmentsResponse { attachments, next_page_token }))
    }

    async fn download_attachment(
        &self,
        request: Request<v1::DownloadAttachmentRequest>,
    ) -> Answer<Self::DownloadAttachmentStream> {
        let (call, passed) = (Call::of(&request)?, Passed::of(&request));
        let v1::DownloadAttachmentRequest { id, thumbnail } = request.into_inner();
        let part = if thumbnail { Part::Thumbnail } else { Part::File };
        let download = self.0.download(&call, &passed, self::id(&id)?, part).await?;
        let head = v1::DownloadAttachmentResponse {
            content_type: download.shown.row.content_type.clone(),
            size: download.size,
            attachment: Some(download.shown.into()),
            content: Vec::new(),
        };
        let content = download.content.map(|piece| Ok(self::piece(piece?)));
        Ok(Response::new(stream::iter([Ok(head)]).chain(content).boxed()))
    }

    async fn delete_attachment(
        &self,
        request: Request<v1::DeleteAttachmentRequest>,
    ) -> Answer<v1::DeleteAttachmentResponse> {
        let (call, passed) = (Call::of(&request)?, Passed::of(&request));
        self.0.delete(&call, &passed, id(&request.into_inner().id)?).await?;
        Ok(Response::new(v1::DeleteAttachmentResponse {}))
    }
}

/// The first message says what comes; whatever follows is content only.
async fn begin(
    mut messages: Streaming<v1::UploadAttachmentRequest>,
) -> Result<(Head, impl Stream<Item = Result<Vec<u8>, Status>> + Send + Unpin), Error> {
    let first = messages.message().await?.ok_or(Error::OutOfOrder)?;
    let v1::UploadAttachmentRequest { parent, filename, content } = first;
    let head = Head { record: parent.parse()?, filename };
    let rest = messages.map(|message| {
        let v1::UploadAttachmentRequest { parent, filename, content } = message?;
        if parent.is_empty() && filename.is_empty() { Ok(content) } else { Err(Status::from(Error::OutOfOrder)) }
    });
    Ok((head, stream::iter([Ok(content)]).chain(rest)))
}

fn piece(content: Bytes) -> v1::DownloadAttachmentResponse {
    v1::DownloadAttachmentResponse { content: content.into(), ..v1::DownloadAttachmentResponse::default() }
}

fn id(text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| chassis::Fault::NotFound("attachment").into())
}

impl From<Shown> for v1::Attachment {
    fn from(shown: Shown) -> Self {
        let Shown { row, filename, own } = shown;
        Self {
            id: row.id.to_string(),
            parent: format!("{}/{}", row.record_kind, row.record_id),
            filename: filename.expose().to_owned(),
            content_type: row.content_type,
            size: row.size,
            sha256: row.sha256,
            width: row.width,
            height: row.height,
            has_thumbnail: row.thumbnail.is_some(),
            own,
            created_at: Some(Timestamp {
                seconds: row.created_at.timestamp(),
                nanos: i32::try_from(row.created_at.timestamp_subsec_nanos()).unwrap_or_default(),
            }),
        }
    }
}

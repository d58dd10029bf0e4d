//! Files over HTTP. Each request becomes a gRPC call through the door's own way, so that contract, access and audit are those
//! of every call.

use std::{sync::LazyLock, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Query, Request, State},
    response::Response,
    routing::{get, post},
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use linju_proto::gateway::v1::{self, attachment_service_client::AttachmentServiceClient};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde::Deserialize;
use tonic::Status;
use tonic_types::StatusExt;

use super::{
    Attachments, Error,
    intake::{Arrived, Intake},
    policy::disposition,
    records::Services,
};
use crate::transcode::error_response;

/// Bytes of a file in one message.
const PIECE: usize = 256 * 1024;
/// What of the request's headers the call needs.
const PASSED: [&str; 3] = ["authorization", "linju-purpose", "traceparent"];

static ATTACHMENT: LazyLock<MessageDescriptor> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(linju_proto::DESCRIPTORS).expect("the build has read these descriptors");
    pool.get_message_by_name("linju.gateway.v1.Attachment").expect("it stands in the contracts")
});

pub(super) fn takes(method: &Method, path: &str) -> bool {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["v1", _, _, "attachments"] => method == Method::POST,
        ["v1", "attachments", _, "content" | "thumbnail"] => true,
        _ => false,
    }
}

pub(super) fn routes(app: Attachments) -> Router {
    Router::new()
        .route("/v1/{kind}/{id}/attachments", post(upload))
        .route("/v1/attachments/{id}/content", get(content))
        .route("/v1/attachments/{id}/thumbnail", get(thumbnail))
        // Intake has limits of its own.
        .layer(DefaultBodyLimit::disable())
        .with_state(app)
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    filename: String,
}

async fn upload(
    State(app): State<Attachments>,
    Path((kind, id)): Path<(String, String)>,
    Query(Named { filename }): Query<Named>,
    request: Request,
) -> Response {
    let sent = take(&app, format!("{kind}/{id}"), filename, request).await;
    match sent.and_then(|attachment| created(&attachment)) {
        Ok(response) => response,
        Err(status) => refused(&status),
    }
}

async fn take(app: &Attachments, parent: String, filename: String, request: Request) -> Result<v1::Attachment, Status> {
    let services = app.opened()?.services.clone();
    let mut client = AttachmentServiceClient::new(services);
    let headers = request.headers().clone();
    // Whoever may not read the record need not send the file first.
    let first = v1::ListAttachmentsRequest { parent: parent.clone(), page_size: 1, page_token: String::new() };
    let mut asked = call(&headers, first);
    asked.metadata_mut().remove("linju-purpose");
    client.list_attachments(asked).await?;

    let limit = Duration::from_secs(app.0.settings.upload_s);
    let (arrived, filename) =
        tokio::time::timeout(limit, receive(app, filename, request)).await.map_err(|_| Error::TooSlow)??;
    let Arrived { found: _, content, held } = arrived;
    let content = Bytes::from(content);
    let head = v1::UploadAttachmentRequest { parent, filename, content: Vec::new() };
    let pieces = (0..content.len()).step_by(PIECE).map(move |at| v1::UploadAttachmentRequest {
        content: content.slice(at..content.len().min(at + PIECE)).to_vec(),
        ..v1::UploadAttachmentRequest::default()
    });
    let messages = stream::iter(std::iter::once(head).chain(pieces));
    let uploaded = client.upload_attachment(call(&headers, messages)).await;
    drop(held);
    Ok(uploaded?.into_inner())
}

/// The whole file, from the body or from the one file of a form.
async fn receive(app: &Attachments, filename: String, request: Request) -> Result<(Arrived, String), Error> {
    let mut intake = Intake::new(&app.0.settings, app.0.memory.clone());
    let is_form = |value: &HeaderValue| value.as_bytes().to_ascii_lowercase().starts_with(b"multipart/form-data");
    if !request.headers().get(header::CONTENT_TYPE).is_some_and(is_form) {
        let mut body = request.into_body().into_data_stream();
        while let Some(piece) = body.next().await {
            intake.add(&piece.map_err(|e| Status::invalid_argument(format!("the file broke off: {e}")))?)?;
        }
        return Ok((intake.done()?, filename));
    }
    let broken =
        |e: axum::extract::multipart::MultipartError| Status::invalid_argument(format!("the form is broken: {e}"));
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| Error::NoFile)?;
    let mut named = None;
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        let Some(name) = field.file_name().map(str::to_owned) else { continue };
        if named.replace(name).is_some() {
            return Err(Error::NoFile);
        }
        while let Some(piece) = field.chunk().await.map_err(broken)? {
            intake.add(&piece)?;
        }
    }
    let of_form = named.ok_or(Error::NoFile)?;
    Ok((intake.done()?, if filename.is_empty() { of_form } else { filename }))
}

fn created(attachment: &v1::Attachment) -> Result<Response, Status> {
    let internal = |e: &dyn std::fmt::Display| Status::internal(e.to_string());
    let message =
        DynamicMessage::decode(ATTACHMENT.clone(), attachment.encode_to_vec().as_slice()).map_err(|e| internal(&e))?;
    let json = serde_json::to_string(&message).map_err(|e| internal(&e))?;
    Response::builder()
        .status(StatusCode::CREATED)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::LOCATION, format!("/v1/attachments/{}", attachment.id))
        .body(Body::from(json))
        .map_err(|e| internal(&e))
}

async fn content(State(app): State<Attachments>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    download(&app, id, false, &headers).await.unwrap_or_else(|status| refused(&status))
}

async fn thumbnail(State(app): State<Attachments>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    download(&app, id, true, &headers).await.unwrap_or_else(|status| refused(&status))
}

async fn download(app: &Attachments, id: String, thumbnail: bool, headers: &HeaderMap) -> Result<Response, Status> {
    let services: Services = app.opened()?.services.clone();
    let request = call(headers, v1::DownloadAttachmentRequest { id, thumbnail });
    let mut messages = AttachmentServiceClient::new(services).download_attachment(request).await?.into_inner();
    let head = messages.message().await?.ok_or_else(|| Status::internal("a download without its first message"))?;
    let filename = head.attachment.unwrap_or_default().filename;
    let body = Body::from_stream(messages.map_ok(|message| Bytes::from(message.content)));
    let mut response = Response::new(body);
    let own = response.headers_mut();
    let value = |text: String| HeaderValue::try_from(text).map_err(|e| Status::internal(e.to_string()));
    own.insert(header::CONTENT_TYPE, value(head.content_type)?);
    own.insert(header::CONTENT_LENGTH, HeaderValue::from(head.size));
    own.insert(header::CONTENT_DISPOSITION, value(disposition(&filename))?);
    for (name, fixed) in INERT {
        own.insert(name, HeaderValue::from_static(fixed));
    }
    Ok(response)
}

/// Under these a browser saves what comes, guesses no other type, runs nothing of it and keeps no copy. An `<img>` of ours
/// shows a picture all the same.
const INERT: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "private, no-store"),
];

fn call<T>(headers: &HeaderMap, message: T) -> tonic::Request<T> {
    let mut passed = HeaderMap::new();
    for name in PASSED {
        if let Some(value) = headers.get(name) {
            passed.insert(HeaderName::from_static(name), value.clone());
        }
    }
    let mut request = tonic::Request::new(message);
    *request.metadata_mut() = tonic::metadata::MetadataMap::from_headers(passed);
    request
}

/// HTTP has codes of its own for files that are too long or of a kind that is not taken.
fn refused(status: &Status) -> Response {
    let mut response = error_response(status);
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    match reason.as_str() {
        "FILE_TOO_LARGE" => *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE,
        "TYPE_NOT_TAKEN" => *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => {}
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_paths_of_their_own() {
        for (method, path, file) in [
            (Method::POST, "/v1/incidents/1/attachments", true),
            (Method::GET, "/v1/incidents/1/attachments", false),
            (Method::GET, "/v1/attachments/1/content", true),
            (Method::HEAD, "/v1/attachments/1/thumbnail", true),
            (Method::GET, "/v1/attachments/1", false),
            (Method::DELETE, "/v1/attachments/1", false),
            (Method::POST, "/v1/incidents/1:triage", false),
        ] {
            assert_eq!(takes(&method, path), file, "{method} {path}");
        }
    }
}

//! The services, as one caller of Open311 reaches them.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName};
use linju_proto::incidents::v1::{
    AddPublicUpdateRequest, GetPublishedCategoryRequest, ListPublishedCategoriesRequest, ListPublishedEntriesRequest,
    ListPublishedEntriesResponse, ListPublishedIncidentsRequest, ListPublishedIncidentsResponse, PublicUpdate,
    PublishedCategory, SubmitReportRequest, SubmittedReport, public_service_client::PublicServiceClient,
};
use tonic::{Request, body::Body, metadata::MetadataMap};
use tower::util::BoxCloneSyncService;

use super::problem::Problem;
use crate::transcode::Calls;

/// Bytes of one message of an answer.
const MESSAGE: usize = 16 << 20;
/// What of the request's headers the calls need: who calls, and in which trace.
const PASSED: [&str; 2] = ["authorization", "traceparent"];

type Channel = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Infallible>;

/// Calls as one caller.
#[derive(Clone, Debug)]
pub(super) struct Client {
    service: PublicServiceClient<Channel>,
    passed: MetadataMap,
}

impl Client {
    /// `headers` are those that the door has signed.
    pub(super) fn new<C>(calls: C, headers: &HeaderMap) -> Self
    where
        C: Calls + Clone + 'static,
    {
        let mut passed = HeaderMap::new();
        for name in PASSED {
            if let Some(value) = headers.get(name) {
                passed.insert(HeaderName::from_static(name), value.clone());
            }
        }
        let channel = BoxCloneSyncService::new(Line(calls));
        let service = PublicServiceClient::new(channel).max_decoding_message_size(MESSAGE);
        Self { service, passed: MetadataMap::from_headers(passed) }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.passed.clone();
        request
    }

    pub(super) async fn categories(&self) -> Result<Vec<PublishedCategory>, Problem> {
        let request = self.request(ListPublishedCategoriesRequest {});
        Ok(self.service.clone().list_published_categories(request).await?.into_inner().categories)
    }

    pub(super) async fn category(&self, code: String) -> Result<PublishedCategory, Problem> {
        let request = self.request(GetPublishedCategoryRequest { code });
        Ok(self.service.clone().get_published_category(request).await?.into_inner())
    }

    pub(super) async fn list(
        &self,
        request: ListPublishedIncidentsRequest,
    ) -> Result<ListPublishedIncidentsResponse, Problem> {
        Ok(self.service.clone().list_published_incidents(self.request(request)).await?.into_inner())
    }

    pub(super) async fn entries(
        &self,
        request: ListPublishedEntriesRequest,
    ) -> Result<ListPublishedEntriesResponse, Problem> {
        Ok(self.service.clone().list_published_entries(self.request(request)).await?.into_inner())
    }

    pub(super) async fn submit(&self, request: SubmitReportRequest) -> Result<SubmittedReport, Problem> {
        Ok(self.service.clone().submit_report(self.request(request)).await?.into_inner())
    }

    pub(super) async fn add(&self, request: AddPublicUpdateRequest) -> Result<PublicUpdate, Problem> {
        Ok(self.service.clone().add_public_update(self.request(request)).await?.into_inner())
    }
}

/// The door's calls as a channel for typed clients.
#[derive(Clone, Debug)]
struct Line<C>(C);

impl<C: Calls + Clone + 'static> tower::Service<http::Request<Body>> for Line<C> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let calls = self.0.clone();
        Pin::from(Box::new(async move { Ok(calls.call(request).await) }))
    }
}

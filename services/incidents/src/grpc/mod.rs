//! The contract's methods: each takes the call, reads the request, asks the app.

pub mod alarms;
pub mod calendar;
pub mod catalogue;
pub mod convert;
pub mod disputes;
pub mod emergencies;
pub mod matters;
pub mod my_looks;
pub mod patterns;
pub mod problems;
pub mod promise;
pub mod public;
pub mod rates;
pub mod warnings;

use chassis::access::Call;
use linju_proto::incidents::v1::{self, incident_service_server::IncidentService};
use tonic::{Request, Response, Status};

use crate::{App, Error, app::Change};

/// Answers `linju.incidents.v1.IncidentService`.
#[derive(Clone, Debug)]
pub struct Incidents(pub App);

type Answer<T> = Result<Response<T>, Status>;

impl Incidents {
    async fn change<R>(&self, request: Request<R>) -> Answer<v1::Incident>
    where
        R: Send,
        Change: TryFrom<R, Error = Error>,
    {
        let call = Call::of(&request)?;
        let shown = self.0.change(&call, request.into_inner().try_into()?).await?;
        Ok(Response::new(shown.into()))
    }
}

#[tonic::async_trait]
impl IncidentService for Incidents {
    async fn report_incident(&self, request: Request<v1::ReportIncidentRequest>) -> Answer<v1::Incident> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.report(&call, request.into_inner().try_into()?).await?.into()))
    }

    async fn get_incident(&self, request: Request<v1::GetIncidentRequest>) -> Answer<v1::Incident> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.get(&call, convert::id("id", &request.into_inner().id)?).await?.into()))
    }

    async fn list_incidents(&self, request: Request<v1::ListIncidentsRequest>) -> Answer<v1::ListIncidentsResponse> {
        let call = Call::of(&request)?;
        let (incidents, next_page_token) = self.0.list(&call, request.into_inner().try_into()?).await?;
        let incidents = incidents.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListIncidentsResponse { incidents, next_page_token }))
    }

    async fn list_timeline(&self, request: Request<v1::ListTimelineRequest>) -> Answer<v1::ListTimelineResponse> {
        let call = Call::of(&request)?;
        let entries = self.0.timeline(&call, convert::id("id", &request.into_inner().id)?).await?;
        Ok(Response::new(convert::timeline(entries)?))
    }

    async fn get_incident_figures(
        &self,
        request: Request<v1::GetIncidentFiguresRequest>,
    ) -> Answer<v1::IncidentFigures> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.figures(&call, request.into_inner().try_into()?).await?.into()))
    }

    async fn triage_incident(&self, request: Request<v1::TriageIncidentRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }

    async fn dispatch_incident(&self, request: Request<v1::DispatchIncidentRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }

    async fn accept_incident(&self, request: Request<v1::AcceptIncidentRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }

    async fn return_incident(&self, request: Request<v1::ReturnIncidentRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }

    async fn add_note(&self, request: Request<v1::AddNoteRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }

    async fn start_work(&self, request: Request<v1::StartWorkRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }

    async fn ask_reporter(&self, request: Request<v1::AskReporterRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }

    async fn answer_question(&self, request: Request<v1::AnswerQuestionRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }

    async fn propose_solution(&self, request: Request<v1::ProposeSolutionRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }

    async fn confirm_solution(&self, request: Request<v1::ConfirmSolutionRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }

    async fn reopen_incident(&self, request: Request<v1::ReopenIncidentRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }

    async fn withdraw_incident(&self, request: Request<v1::WithdrawIncidentRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }

    async fn join_duplicate(&self, request: Request<v1::JoinDuplicateRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }

    async fn declare_unsolvable(&self, request: Request<v1::DeclareUnsolvableRequest>) -> Answer<v1::Incident> {
        self.change(request).await
    }
}

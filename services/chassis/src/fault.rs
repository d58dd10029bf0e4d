//! What the chassis itself refuses, and how any refusal is told to a caller.

use std::time::Duration;

use linju_proto::Violation;
use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// An error with a place in a service's error table.
pub trait Refusal: std::error::Error {
    /// The gRPC code and the reason, an `UPPER_SNAKE` word that programs can rely on.
    fn answer(&self) -> (Code, &'static str);

    /// The fields that are wrong, where it is about fields.
    fn violations(&self) -> Vec<Violation> {
        Vec::new()
    }

    /// How long to wait before another try, where one may succeed.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

/// What goes wrong in every service alike.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("there is no such {0} where you may look")]
    NotFound(&'static str),
    #[error("somebody changed it since you read it: read it again, then change it")]
    StaleEtag,
    #[error("this page token belongs to another query: ask for the first page again")]
    PageToken,
    #[error("this request_id was used before with another content: make a new one for a new request")]
    RequestIdReused,
    #[error("this shows personal data: state why you need it with the metadata `linju-purpose`, one of {0}")]
    PurposeNeeded(String),
    #[error("{}", .0.message)]
    Field(Violation),
    #[error("the database cannot do this now")]
    Db(#[from] DbErr),
    #[error("{0}")]
    Internal(String),
}

impl Fault {
    /// A field breaks a rule that only the service can check.
    pub fn field(field: impl Into<String>, rule: &'static str, message: impl Into<String>) -> Self {
        let field = field.into();
        let message = format!("{field} {}", message.into());
        Self::Field(Violation { field, rule, message })
    }

    /// Whether a unique key was broken.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Db(e) if matches!(e.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))))
    }
}

impl Refusal for Fault {
    fn answer(&self) -> (Code, &'static str) {
        match self {
            Self::NotFound(_) => (Code::NotFound, "NOT_FOUND"),
            Self::StaleEtag => (Code::Aborted, "STALE_ETAG"),
            Self::PageToken => (Code::InvalidArgument, "PAGE_TOKEN_OF_ANOTHER_QUERY"),
            Self::RequestIdReused => (Code::AlreadyExists, "REQUEST_ID_REUSED"),
            Self::PurposeNeeded(_) => (Code::PermissionDenied, "PURPOSE_NEEDED"),
            Self::Field(_) => (Code::InvalidArgument, "INVALID_FIELD"),
            Self::Db(e) => database_answer(e),
            Self::Internal(_) => (Code::Internal, "INTERNAL"),
        }
    }

    fn violations(&self) -> Vec<Violation> {
        match self {
            Self::Field(violation) => vec![violation.clone()],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        (self.answer().0 == Code::Unavailable).then_some(Duration::from_secs(1))
    }
}

/// Which of a database's failures a caller can do something about. Codes: Postgres appendix A, SQLite result codes.
fn database_answer(error: &DbErr) -> (Code, &'static str) {
    const UNREACHABLE: (Code, &str) = (Code::Unavailable, "DATABASE_UNREACHABLE");
    if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) {
        return (Code::AlreadyExists, "ALREADY_EXISTS");
    }
    let inner = match error {
        DbErr::ConnectionAcquire(_) => return (Code::Unavailable, "DATABASE_BUSY"),
        DbErr::Conn(RuntimeErr::SqlxError(e))
        | DbErr::Exec(RuntimeErr::SqlxError(e))
        | DbErr::Query(RuntimeErr::SqlxError(e)) => e,
        _ => return (Code::Internal, "INTERNAL"),
    };
    match inner.as_ref() {
        sqlx::Error::Database(e) => match e.code().as_deref().unwrap_or_default() {
            "53100" | "13" => (Code::ResourceExhausted, "DISK_FULL"),
            "55P03" | "5" | "517" => (Code::Unavailable, "DATABASE_BUSY"),
            "40001" | "40P01" => (Code::Aborted, "CONFLICT"),
            "53300" | "57P01" | "57P02" | "57P03" | "25006" => UNREACHABLE,
            code if code.starts_with("08") => UNREACHABLE,
            _ => (Code::Internal, "INTERNAL"),
        },
        sqlx::Error::PoolTimedOut => (Code::Unavailable, "DATABASE_BUSY"),
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => UNREACHABLE,
        _ => (Code::Internal, "INTERNAL"),
    }
}

/// The status a caller gets: code, message, `ErrorInfo` (reason, domain `linju`), field violations, retry delay. What is our
/// own fault is logged here, once, and answered without its content.
pub fn status<E: Refusal>(error: &E) -> Status {
    let (code, reason) = error.answer();
    let mut details = ErrorDetails::with_error_info(reason, "linju", []);
    let violations = error.violations();
    if !violations.is_empty() {
        let fields = violations.into_iter().map(|v| FieldViolation {
            field: v.field,
            description: v.message,
            reason: v.rule.to_owned(),
            ..FieldViolation::default()
        });
        details.set_bad_request(fields.collect::<Vec<_>>());
    }
    if let Some(delay) = error.retry_after() {
        details.set_retry_info(Some(delay));
    }
    let message = match code {
        Code::Internal => {
            tracing::error!(error = chain(error), "internal error");
            "something went wrong on our side; it was logged".to_owned()
        }
        Code::Unavailable => {
            tracing::warn!(error = chain(error), reason, "cannot answer now");
            format!("{error}: try again in a moment")
        }
        Code::ResourceExhausted => {
            tracing::error!(error = chain(error), reason, "cannot answer");
            "storage is full: ask the operator to free space; nothing was written".to_owned()
        }
        _ => error.to_string(),
    };
    Status::with_error_details(code, message, details)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

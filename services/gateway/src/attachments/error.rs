//! What is refused of attachments, and how each refusal is told.

use std::time::Duration;

use chassis::{
    Fault, Refusal, Violation,
    data::{OpenError, SealError},
};
use sea_orm::DbErr;
use tonic::{Code, Status};

use super::{crypt::CryptError, policy::Refused};

/// Why something was not done. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("parent names no record that takes attachments: send incidents/ID or residents/ID")]
    Parent,
    #[error("send the record first, in one message, then the file")]
    OutOfOrder,
    #[error("send the file as the body, or as the one file of a form")]
    NoFile,
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the file has more than {0} bytes: make it smaller")]
    TooLarge(usize),
    #[error("the record has as many files, or bytes of files, as it may have: delete some first")]
    RecordFull,
    #[error("you may read this record and not change it: let somebody add the file who works on it")]
    NotYours,
    #[error("only who added it or a manager of the area may delete it")]
    NotYoursToDelete,
    #[error("too many files are on their way")]
    Busy,
    #[error("the file did not come in in time: try again where the line is better")]
    TooSlow,
    #[error("the store of attachments cannot be reached")]
    Store(#[from] object_store::Error),
    #[error("attachments cannot be had yet")]
    NotOpen,
    #[error("a content cannot be sealed or opened")]
    Crypt(#[from] CryptError),
    #[error("a sealed value cannot be sealed or opened")]
    Sealed(#[from] SealError),
    #[error("a sealed value cannot be opened")]
    Opened(#[from] OpenError),
    /// What the service of the record has answered, or the caller's stream has brought.
    #[error("{0}")]
    Answered(Box<Status>),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for Error {
    fn answer(&self) -> (Code, &'static str) {
        match self {
            Self::Parent | Self::OutOfOrder | Self::NoFile => (Code::InvalidArgument, "INVALID_FIELD"),
            Self::Refused(Refused::Type) => (Code::InvalidArgument, "TYPE_NOT_TAKEN"),
            Self::Refused(Refused::TooManyPixels(_)) | Self::TooLarge(_) => (Code::InvalidArgument, "FILE_TOO_LARGE"),
            Self::Refused(Refused::Damaged | Refused::Pdf(_)) => (Code::InvalidArgument, "FILE_NOT_TAKEN"),
            Self::RecordFull => (Code::FailedPrecondition, "RECORD_FULL"),
            Self::NotYours => (Code::PermissionDenied, "RECORD_NOT_YOURS"),
            Self::NotYoursToDelete => (Code::PermissionDenied, "ATTACHMENT_NOT_YOURS"),
            Self::Busy => (Code::Unavailable, "TOO_MANY_UPLOADS"),
            Self::TooSlow => (Code::DeadlineExceeded, "UPLOAD_TOO_SLOW"),
            Self::Store(object_store::Error::NotFound { .. }) | Self::Crypt(_) | Self::Sealed(_) | Self::Opened(_) => {
                (Code::Internal, "INTERNAL")
            }
            Self::Store(_) => (Code::Unavailable, "STORE_UNREACHABLE"),
            Self::NotOpen => (Code::Unavailable, "NOT_OPEN"),
            Self::Answered(status) => (status.code(), "ANSWERED"),
            Self::Fault(fault) => fault.answer(),
        }
    }

    fn violations(&self) -> Vec<Violation> {
        let field = match self {
            Self::Fault(fault) => return fault.violations(),
            Self::Parent | Self::OutOfOrder => "parent",
            Self::NoFile | Self::Refused(_) | Self::TooLarge(_) => "content",
            _ => return Vec::new(),
        };
        vec![Violation { field: field.to_owned(), rule: self.answer().1, message: self.to_string() }]
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Fault(fault) => fault.retry_after(),
            _ => (self.answer().0 == Code::Unavailable).then_some(Duration::from_secs(2)),
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Fault(error.into())
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::Answered(Box::new(status))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Answered(status) => *status,
            error => chassis::status(&error),
        }
    }
}

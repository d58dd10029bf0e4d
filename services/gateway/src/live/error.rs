//! What a follower is refused, and how its stream ends.

use std::time::Duration;

use chassis::{Refusal, Violation};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Why nobody can follow, or not in this way.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("area_code is no area: send 6, 9, 12 or 15 digits")]
    NoArea,
    #[error("area_code lies outside the areas granted to you: name a place within them")]
    AreaNotGranted,
    #[error("after is no event_id: send one as it came, or none")]
    NoPlace,
    #[error("events after this one are no longer kept: read the lists anew, then follow without `after`")]
    Lost,
    #[error("{0}: follow again, with `after` as the last event_id that you read")]
    Again(&'static str),
    #[error("you follow {0} times already: close a stream before you open another")]
    TooMany(usize),
}

impl Refusal for Error {
    fn answer(&self) -> (Code, &'static str) {
        match self {
            Self::NoArea | Self::NoPlace => (Code::InvalidArgument, "INVALID_FIELD"),
            Self::AreaNotGranted => (Code::PermissionDenied, "AREA_NOT_GRANTED"),
            Self::Lost => (Code::OutOfRange, "EVENTS_NO_LONGER_KEPT"),
            Self::Again(_) => (Code::Unavailable, "FOLLOW_AGAIN"),
            Self::TooMany(_) => (Code::ResourceExhausted, "TOO_MANY_STREAMS"),
        }
    }

    fn violations(&self) -> Vec<Violation> {
        let field = match self {
            Self::NoArea | Self::AreaNotGranted => "area_code",
            Self::NoPlace | Self::Lost => "after",
            Self::Again(_) | Self::TooMany(_) => return Vec::new(),
        };
        vec![Violation { field: field.to_owned(), rule: self.answer().1, message: self.to_string() }]
    }
}

impl From<Error> for Status {
    /// That a stream ends is no trouble to be logged a thousand times, and a limit of streams is no full disk.
    fn from(error: Error) -> Self {
        let delay = match error {
            Error::Again(_) => Duration::from_secs(1),
            Error::TooMany(_) => Duration::from_secs(10),
            _ => return chassis::status(&error),
        };
        let (code, reason) = error.answer();
        let mut details = ErrorDetails::with_error_info(reason, "linju", []);
        details.set_retry_info(Some(delay));
        Self::with_error_details(code, error.to_string(), details)
    }
}

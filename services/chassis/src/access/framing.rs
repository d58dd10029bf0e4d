//! Messages that are not framed as gRPC frames them (a length, then so many bytes). The server underneath calls that an
//! internal error, which here means a bug of ours: it is the caller's, and is told so.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// How the server underneath begins what it says of bad frames. A message that says it is compressed where nothing says how
/// is not among them: gRPC's specification wants INTERNAL for it.
const SAID: [&str; 4] = [
    "protocol error: received message with invalid compression flag",
    "Error decompressing",
    "Unexpected EOF decoding stream",
    "Missing request message",
];

/// What the caller hears in place of `status`, where that is about bad frames.
pub(super) fn misframed(status: &Status) -> Option<Status> {
    if status.code() != Code::Internal || !SAID.iter().any(|said| status.message().starts_with(said)) {
        return None;
    }
    let details = ErrorDetails::with_error_info("MALFORMED_MESSAGE", "linju", []);
    let message = "the message is not framed as gRPC frames it: check the client's library";
    Some(Status::with_error_details(Code::InvalidArgument, message, details))
}

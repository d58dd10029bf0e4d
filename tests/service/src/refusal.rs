//! What a refusal says.

use tonic::Status;
use tonic_types::StatusExt as _;

/// Code and reason of a refusal.
pub fn reason<T>(outcome: Result<T, Status>) -> String {
    match outcome {
        Ok(_) => "no refusal".to_owned(),
        Err(status) => {
            let info = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
            format!("{:?} {info}", status.code())
        }
    }
}

/// The first field that a refusal names.
pub fn field<T>(outcome: Result<T, Status>) -> String {
    let Err(status) = outcome else { return "no refusal".to_owned() };
    let fields = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    fields.into_iter().next().map(|violation| violation.field).unwrap_or_default()
}

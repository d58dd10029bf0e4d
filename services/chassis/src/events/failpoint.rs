//! Places where a test may end the program as a power cut would.

use std::sync::OnceLock;

/// Ends the process at once where `LINJU_FAILPOINT` names this place; otherwise does nothing.
pub(super) fn failpoint(place: &str) {
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    if CHOSEN.get_or_init(|| std::env::var("LINJU_FAILPOINT").ok()).as_deref() == Some(place) {
        std::process::abort();
    }
}

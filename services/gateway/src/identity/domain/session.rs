//! How long a session lives.

use chrono::{DateTime, TimeDelta, Utc};

/// What is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sea_orm::EnumIter, sea_orm::DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    #[sea_orm(string_value = "browser")]
    Browser,
    #[sea_orm(string_value = "app")]
    App,
    #[sea_orm(string_value = "personal")]
    Personal,
}

/// Lives of sessions and tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lives {
    /// A browser that does nothing for so long is signed out.
    pub idle: TimeDelta,
    /// A browser is signed out after so long, whatever it does.
    pub browser: TimeDelta,
    /// An access token of an app.
    pub access: TimeDelta,
    /// A refresh token that is not used for so long is void.
    pub refresh: TimeDelta,
    /// An app is signed out after so long, whatever it does.
    pub app: TimeDelta,
}

/// When a use is written down again: `seen_at` is exact to this, and costs a write no more often.
pub const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);

impl Lives {
    /// How long a new session of this kind lives; personal tokens say it themselves.
    pub fn of(&self, kind: Kind) -> TimeDelta {
        match kind {
            Kind::Browser => self.browser,
            Kind::App | Kind::Personal => self.app,
        }
    }

    /// Whether a session that was last seen at `seen_at` and ends at `expires_at` still lives.
    pub fn hold(&self, kind: Kind, seen_at: DateTime<Utc>, expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        now < expires_at && (kind != Kind::Browser || now < seen_at + self.idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_browser_falls_asleep() {
        let hours = TimeDelta::hours;
        let lives = Lives { idle: hours(1), browser: hours(12), access: hours(1), refresh: hours(24), app: hours(48) };
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let end = start + hours(12);
        assert!(lives.hold(Kind::Browser, start, end, start + TimeDelta::minutes(59)));
        assert!(!lives.hold(Kind::Browser, start, end, start + hours(1)));
        assert!(lives.hold(Kind::Personal, start, end, start + hours(11)));
        assert!(!lives.hold(Kind::Browser, end, end, end), "not even while it is used");
    }
}

//! What came of trying to tell somebody of a warning.

text_code! {
    /// The newest try counts.
    pub enum CallOutcome("call_outcome") {
        Reached = "reached", ["已告知"];
        PassedOn = "passed_on", ["已托人转告"];
        NobodyThere = "nobody_there", ["无人应答"];
        Away = "away", ["人在外地"];
    }
}

impl CallOutcome {
    /// Nobody has to go there again.
    pub const fn is_done(self) -> bool {
        match self {
            Self::Reached | Self::PassedOn | Self::Away => true,
            Self::NobodyThere => false,
        }
    }
}

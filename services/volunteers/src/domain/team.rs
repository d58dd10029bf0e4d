//! Teams: what kinds there are, what each asks of its members, and how one becomes a member. Nobody does without having said
//! yes.

use super::{Refused, gate::Needs};

chassis::coded_enum! {
    /// What a team does.
    TeamKind, "kind of team" {
        GoodNeighbour = "good_neighbour",
        Errands = "errands",
        ElderCare = "elder_care",
        Youth = "youth",
        Medical = "medical",
        Legal = "legal",
        Culture = "culture",
        Environment = "environment",
        Emergency = "emergency",
        HomeRepair = "home_repair",
        PartyMembers = "party_members",
        Unit = "unit",
        Other = "other",
    }
}

impl TeamKind {
    /// What every duty of such a team asks, whatever else the team asks.
    pub fn needs(self) -> Needs {
        match self {
            Self::Youth => Needs { with_minors: true, ..Needs::default() },
            Self::Emergency => Needs { risky: true, adults_only: true, ..Needs::default() },
            Self::GoodNeighbour
            | Self::Errands
            | Self::ElderCare
            | Self::Medical
            | Self::Legal
            | Self::Culture
            | Self::Environment
            | Self::HomeRepair
            | Self::PartyMembers
            | Self::Unit
            | Self::Other => Needs::default(),
        }
    }
}

chassis::coded_enum! {
    /// Where a team stands.
    TeamState, "state of a team" {
        /// Has no leader yet.
        Forming = "forming",
        Active = "active",
        Disbanded = "disbanded",
    }
}

chassis::coded_enum! {
    /// Why a team is no more.
    DisbandReason, "reason" {
        TaskDone = "task_done",
        TooFewMembers = "too_few_members",
        JoinedAnother = "joined_another",
        RulesBroken = "rules_broken",
    }
}

chassis::coded_enum! {
    /// What somebody is in a team.
    Role, "role in a team" {
        Member = "member",
        Deputy = "deputy",
        Leader = "leader",
    }
}

impl Role {
    /// Leaders and their deputies speak for the team.
    pub const fn leads(self) -> bool {
        matches!(self, Self::Leader | Self::Deputy)
    }
}

chassis::coded_enum! {
    /// Whether somebody belongs to a team.
    Standing, "state of a membership" {
        /// The team asks.
        Invited = "invited",
        /// The volunteer asks.
        Requested = "requested",
        Member = "member",
        Ended = "ended",
    }
}

chassis::coded_enum! {
    /// How it ended.
    End, "end of a membership" {
        Declined = "declined",
        TakenBack = "taken_back",
        Left = "left",
        LetGo = "let_go",
        Archived = "archived",
        Disbanded = "disbanded",
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The volunteer, or staff whom the volunteer has told so.
    Volunteer,
    /// A leader of the team, or staff for it.
    Team,
}

impl Standing {
    /// A yes to what was asked. Who asked does not answer.
    pub fn confirm(self, side: Side) -> Result<Self, Refused> {
        match (self, side) {
            (Self::Invited, Side::Volunteer) | (Self::Requested, Side::Team) => Ok(Self::Member),
            (Self::Invited, Side::Team) => Err(Refused::VolunteerHasNotAgreed),
            (Self::Requested, Side::Volunteer) => Err(Refused::TeamHasNotAgreed),
            (Self::Member | Self::Ended, _) => Err(Refused::NothingAsked { standing: self }),
        }
    }

    /// A no, or the end; which word fits follows from who says it to what.
    pub fn end(self, side: Side, end: End) -> Result<Self, Refused> {
        let fits = match end {
            End::Declined => matches!((self, side), (Self::Invited, Side::Volunteer) | (Self::Requested, Side::Team)),
            End::TakenBack => matches!((self, side), (Self::Requested, Side::Volunteer) | (Self::Invited, Side::Team)),
            End::Left => matches!((self, side), (Self::Member, Side::Volunteer)),
            End::LetGo => matches!((self, side), (Self::Member, Side::Team)),
            End::Archived | End::Disbanded => false,
        };
        if fits { Ok(Self::Ended) } else { Err(Refused::EndDoesNotFit { standing: self, end }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_does_not_answer() {
        let mut lines = Vec::new();
        for standing in Standing::ALL {
            for side in [Side::Volunteer, Side::Team] {
                let confirmed = standing.confirm(side).map_or_else(|refused| refused.reason(), Standing::code);
                let ends: Vec<_> =
                    End::ALL.iter().filter(|end| standing.end(side, **end).is_ok()).map(|end| end.code()).collect();
                lines.push(format!("{standing:<10} {side:?}: yes -> {confirmed}; ends: {}", ends.join(" ")));
            }
        }
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn work_with_minors_asks_for_the_clearance_whatever_a_team_says() {
        let own = Needs { risky: true, ..Needs::default() };
        let both = TeamKind::Youth.needs().and(&own);
        assert!(both.with_minors && both.risky);
    }
}

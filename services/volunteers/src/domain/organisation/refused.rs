//! Why something about an organisation is not done.

use super::{Kind, NotAUscc, Stage, ledger::Account};
use crate::domain::RefusedKind;

/// Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("{field} {message}")]
    Field { field: &'static str, message: &'static str },
    #[error("organisation.uscc {0}")]
    Uscc(NotAUscc),
    #[error("organisation.uscc is missing: only what is unregistered has none")]
    UsccMissing,
    #[error("organisation.uscc is that of a registered organisation: choose its kind, or leave it out")]
    UnregisteredWithUscc,
    #[error("organisation.uscc begins as no {kind} does: check both")]
    UsccOfAnotherKind { kind: Kind },
    #[error("an organisation with this USCC is here already")]
    Known,
    #[error("no way leads from {from} to {to}")]
    NoWay { from: Stage, to: Stage },
    #[error("the organisation has not given back all that it was lent: take it back first")]
    StillLent,
    #[error("the organisation has left")]
    HasLeft,
    #[error("only what has settled or is being incubated is lent something")]
    NotHere,
    #[error("{there} of it are {at}, and not {wanted}")]
    NotThere { at: Account, there: i64, wanted: i64 },
    #[error("nothing goes from {from} to {to} this way")]
    NoSuchMove { from: Account, to: Account },
    #[error("premises are one of each: take each into the ledger by itself")]
    OneOfEach,
    #[error("say in `note` what is damaged")]
    NoteMissing,
    #[error("the offer is {state}")]
    OfferNotOpen { state: super::offer::State },
    #[error("{left} are left, and not {wanted}")]
    OfferUsedUp { left: i64, wanted: i64 },
}

impl Refused {
    /// The word that programs rely on.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Field { .. } => "INVALID_FIELD",
            Self::Uscc(_) => "USCC_WRONG",
            Self::UsccMissing => "USCC_MISSING",
            Self::UnregisteredWithUscc | Self::UsccOfAnotherKind { .. } => "USCC_OF_ANOTHER_KIND",
            Self::Known => "ORGANISATION_KNOWN",
            Self::NoWay { .. } => "WRONG_STATE",
            Self::StillLent => "STILL_LENT",
            Self::HasLeft => "ORGANISATION_LEFT",
            Self::NotHere => "ORGANISATION_NOT_HERE",
            Self::NotThere { at, .. } => match at {
                Account::Store => "NOT_IN_STORE",
                Account::Lent(_) => "NOT_LENT",
                Account::Source | Account::Damaged | Account::WrittenOff => "NOT_THERE",
            },
            Self::NoSuchMove { .. } => "NO_SUCH_MOVE",
            Self::OneOfEach => "ONE_OF_EACH",
            Self::NoteMissing => "NOTE_MISSING",
            Self::OfferNotOpen { .. } => "OFFER_NOT_OPEN",
            Self::OfferUsedUp { .. } => "OFFER_USED_UP",
        }
    }

    /// The field it is about.
    pub const fn about(self) -> Option<&'static str> {
        match self {
            Self::Field { field, .. } => Some(field),
            Self::Uscc(_) | Self::UsccMissing | Self::UnregisteredWithUscc | Self::UsccOfAnotherKind { .. } => {
                Some("organisation.uscc")
            }
            Self::NoSuchMove { .. } => Some("to"),
            Self::OneOfEach => Some("quantity"),
            Self::NoteMissing => Some("note"),
            _ => None,
        }
    }

    pub const fn kind(self) -> RefusedKind {
        if self.about().is_some() { RefusedKind::Invalid } else { RefusedKind::State }
    }
}

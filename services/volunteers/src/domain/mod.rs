//! The rules: no clock, no connection, no contract. Whoever asks says what day it is.

pub mod age;
pub mod availability;
pub mod catalogue;
pub mod china;
pub mod consent;
pub mod duty;
pub mod gate;
pub mod life;
pub mod number;
pub mod organisation;
pub mod person;
pub mod qualification;
mod refused;
pub mod team;

pub use refused::{Refused, RefusedKind};

chassis::typed_id!(
    /// Names one volunteer.
    VolunteerId
);
chassis::typed_id!(
    /// Names one qualification of one volunteer.
    QualificationId
);
chassis::typed_id!(
    /// Names one team.
    TeamId
);
chassis::typed_id!(
    /// Names one volunteer's time in one team.
    MembershipId
);
chassis::typed_id!(
    /// Names one duty on the rota.
    DutyId
);

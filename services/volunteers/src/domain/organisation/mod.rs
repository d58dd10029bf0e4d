//! Organisations that serve here, and how they come to: brought in, grown from nothing, or linked.

pub mod ledger;
pub mod offer;
mod refused;
mod uscc;

pub use refused::Refused;
pub use uscc::{NotAUscc, Uscc};

chassis::typed_id!(
    /// Names one organisation.
    OrganisationId
);
chassis::typed_id!(
    /// Names one kind of premises or equipment.
    AssetId
);
chassis::typed_id!(
    /// Names one thing that a partner offers.
    OfferId
);

chassis::coded_enum! {
    /// What it is by law.
    Kind, "kind of organisation" {
        SocialAssociation = "social_association",
        SocialService = "social_service",
        Foundation = "foundation",
        Enterprise = "enterprise",
        PublicInstitution = "public_institution",
        StateOrgan = "state_organ",
        /// Registered nowhere, and so without a USCC.
        Unregistered = "unregistered",
    }
}

chassis::coded_enum! {
    /// How it came.
    Origin, "origin of an organisation" {
        BroughtIn = "brought_in",
        Grown = "grown",
        /// Stays where it is, and offers something.
        Linked = "linked",
    }
}

chassis::coded_enum! {
    /// How far it has come.
    Stage, "stage of an organisation" {
        Introduced = "introduced",
        Assessed = "assessed",
        Incubated = "incubated",
        Settled = "settled",
        Graduated = "graduated",
        Left = "left",
    }
}

impl Stage {
    /// The next stage, where the way leads there. Incubation may be skipped; one leaves from everywhere, once.
    pub fn advance(self, to: Self) -> Result<Self, Refused> {
        let leads = match self {
            Self::Introduced => matches!(to, Self::Assessed | Self::Left),
            Self::Assessed => matches!(to, Self::Incubated | Self::Settled | Self::Left),
            Self::Incubated => matches!(to, Self::Settled | Self::Left),
            Self::Settled => matches!(to, Self::Graduated | Self::Left),
            Self::Graduated => matches!(to, Self::Left),
            Self::Left => false,
        };
        if leads { Ok(to) } else { Err(Refused::NoWay { from: self, to }) }
    }

    /// The public knows of it.
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Settled | Self::Graduated)
    }

    /// Whoever comes here has given back all that was lent.
    pub const fn returns_all(self) -> bool {
        matches!(self, Self::Graduated | Self::Left)
    }
}

/// The USCC that an organisation of this kind must have, or must not.
pub fn check_uscc(kind: Kind, uscc: &str, prefixes: &[String]) -> Result<Option<Uscc>, Refused> {
    match (kind, uscc.is_empty()) {
        (Kind::Unregistered, true) => Ok(None),
        (Kind::Unregistered, false) => Err(Refused::UnregisteredWithUscc),
        (_, true) => Err(Refused::UsccMissing),
        (_, false) => {
            let uscc: Uscc = uscc.parse().map_err(Refused::Uscc)?;
            let fits = prefixes.is_empty() || prefixes.iter().any(|prefix| uscc.as_str().starts_with(prefix.as_str()));
            if fits { Ok(Some(uscc)) } else { Err(Refused::UsccOfAnotherKind { kind }) }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_stage_meets_every_other() {
        let mut lines = Vec::new();
        for from in Stage::ALL {
            let ways: Vec<_> = Stage::ALL.iter().filter(|to| from.advance(**to).is_ok()).map(|to| to.code()).collect();
            lines.push(format!("{from}: {}", ways.join(" ")));
        }
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_uscc_fits_its_kind() {
        let association = ["51".to_owned()];
        let vector = "515119035001234539";
        assert!(check_uscc(Kind::SocialAssociation, vector, &association).is_ok_and(|uscc| uscc.is_some()));
        assert_eq!(check_uscc(Kind::Unregistered, "", &[]), Ok(None));
        assert_eq!(check_uscc(Kind::Unregistered, vector, &[]), Err(Refused::UnregisteredWithUscc));
        assert_eq!(check_uscc(Kind::Enterprise, "", &[]), Err(Refused::UsccMissing));
        let other = check_uscc(Kind::Enterprise, vector, &["91".to_owned()]);
        assert_eq!(other, Err(Refused::UsccOfAnotherKind { kind: Kind::Enterprise }));
    }

    proptest! {
        /// Whatever way is tried, one that was taken never leads back, and nobody returns who left.
        #[test]
        fn the_way_leads_on(steps in proptest::collection::vec(0usize..6, 0..40)) {
            let mut stage = Stage::Introduced;
            for step in steps {
                let to = Stage::ALL[step];
                if let Ok(next) = stage.advance(to) {
                    prop_assert!(next > stage && stage != Stage::Left);
                    stage = next;
                }
            }
        }
    }
}

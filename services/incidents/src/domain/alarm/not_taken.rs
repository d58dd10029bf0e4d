//! Why an alarm is not taken. The texts are the partner's to read; what was sent is repeated only where it names something.

/// Why a message was not taken. Nothing has come of it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotTaken {
    #[error("the message has {bytes} bytes: send at most {most}")]
    TooLarge { bytes: usize, most: usize },
    #[error("the text is not what it says to be encoded in ({0}): send UTF-8, GB18030 or GB2312 and declare which")]
    Encoding(String),
    #[error("the message cannot be read: {0}")]
    Malformed(String),
    #[error("`{field}` {rule}")]
    Field { field: &'static str, rule: String },
    #[error(
        "`{kind}` recognises or follows people, which Linju does not do: switch it off at the source; nothing of this message \
         was kept"
    )]
    AboutPersons { kind: String },
    #[error("`{kind}` is no kind that is taken: use one of {}", kinds())]
    UnknownKind { kind: String },
    #[error("the kind `{kind}` was not agreed with this partner: ask the office to add it")]
    NotAgreed { kind: &'static str },
    #[error(
        "device `{device}` does not watch a restricted technical area, and only such a device may raise `intrusion`"
    )]
    NotRestricted { device: String },
    #[error("device `{device}` is not registered for this partner: register it first")]
    UnknownDevice { device: String },
    #[error("device `{device}` is out of use: register it as in use again")]
    Retired { device: String },
    #[error("device `{device}` stands outside of the areas agreed with this partner")]
    OutsideAreas { device: String },
    #[error("`at` lies {seconds} s ahead of our clock: set the clock of the device")]
    Ahead { seconds: i64 },
    #[error("`at` lies {hours} h back: older than {most} h is history, not an alarm")]
    Behind { hours: i64, most: i64 },
    #[error(
        "the place lies {metres} m from where device `{device}` is registered: mend the coordinates (WGS84) or the register"
    )]
    Elsewhere { device: String, metres: i64 },
    #[error("`video` must be an https or rtsps URL on a host agreed with this partner, without user or password")]
    VideoHost,
    #[error("more than the agreed {rate} messages a second: slow down; what is too much is not kept")]
    TooFast { rate: i32 },
    #[error("this partner is not known here, or was removed")]
    NoPartner,
    #[error("a fault of ours; it was logged")]
    OurFault,
}

impl NotTaken {
    /// The word for it that programs can rely on.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::Encoding(_) => "ENCODING",
            Self::Malformed(_) => "MALFORMED",
            Self::Field { .. } => "INVALID_FIELD",
            Self::AboutPersons { .. } => "ABOUT_PERSONS",
            Self::UnknownKind { .. } => "UNKNOWN_KIND",
            Self::NotAgreed { .. } => "KIND_NOT_AGREED",
            Self::NotRestricted { .. } => "NOT_A_RESTRICTED_AREA",
            Self::UnknownDevice { .. } => "UNKNOWN_DEVICE",
            Self::Retired { .. } => "DEVICE_OUT_OF_USE",
            Self::OutsideAreas { .. } => "OUTSIDE_AREAS",
            Self::Ahead { .. } => "CLOCK_AHEAD",
            Self::Behind { .. } => "TOO_OLD",
            Self::Elsewhere { .. } => "PLACE_ELSEWHERE",
            Self::VideoHost => "VIDEO_HOST",
            Self::TooFast { .. } => "TOO_FAST",
            Self::NoPartner => "NO_PARTNER",
            Self::OurFault => "INTERNAL",
        }
    }
}

impl NotTaken {
    /// The field it is about.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Field { field, .. } => field,
            Self::AboutPersons { .. }
            | Self::UnknownKind { .. }
            | Self::NotAgreed { .. }
            | Self::NotRestricted { .. } => "kind",
            Self::UnknownDevice { .. } | Self::Retired { .. } | Self::OutsideAreas { .. } => "device",
            Self::Ahead { .. } | Self::Behind { .. } => "at",
            Self::Elsewhere { .. } => "latitude",
            Self::VideoHost => "video",
            Self::TooLarge { .. }
            | Self::Encoding(_)
            | Self::Malformed(_)
            | Self::TooFast { .. }
            | Self::NoPartner
            | Self::OurFault => "",
        }
    }
}

fn kinds() -> String {
    super::AlarmKind::accepted().map(super::AlarmKind::code).collect::<Vec<_>>().join(", ")
}

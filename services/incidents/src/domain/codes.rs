//! Enums whose values have a stable code: the code is what is stored, sent and read in files.

use thiserror::Error;

/// A word that is none of an enum's codes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{value}` is no {what}; use one of {expected}")]
pub struct UnknownCode {
    pub what: &'static str,
    pub value: String,
    pub expected: String,
}

impl UnknownCode {
    pub(super) fn new(what: &'static str, value: &str, codes: &[&str]) -> Self {
        Self { what, value: value.to_owned(), expected: codes.join(", ") }
    }
}

/// Declares a fieldless enum with one code a variant, `ALL`, `code`, `Display` and `FromStr`; serde uses the codes.
macro_rules! coded_enum {
    ($(#[$meta:meta])* $name:ident, $what:literal { $($(#[$doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $code)] $variant,)+
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code of this value.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.code())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::UnknownCode;

            fn from_str(code: &str) -> Result<Self, Self::Err> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    other => Err($crate::domain::UnknownCode::new($what, other, &[$($code),+])),
                }
            }
        }
    };
}

pub(super) use coded_enum;

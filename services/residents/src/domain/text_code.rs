//! Enums that are stored and sent as a stable text code and shown under a Chinese label.

/// A text that is none of the codes of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind}; use one of: {allowed}")]
pub struct UnknownCode {
    /// What the code was to name, as in `care_tag`.
    pub kind: &'static str,
    /// The codes there are, separated by commas.
    pub allowed: String,
}

/// Declares an enum whose variants have a `snake_case` code that never changes and one or more Chinese labels.
/// The first label is the one shown; the others are what offices also write in their tables.
macro_rules! text_code {
    (
        $(#[$meta:meta])*
        pub enum $name:ident ($kind:literal) {
            $( $(#[$variant_meta:meta])* $variant:ident = $code:literal, [$label:literal $(, $synonym:literal)*]; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )+
        }

        impl $name {
            /// Every variant, in the order of declaration.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The code that is stored and sent; it never changes.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $code, )+ }
            }

            /// The Chinese label to show.
            pub const fn label(self) -> &'static str {
                match self { $( Self::$variant => $label, )+ }
            }

            /// Reads a code.
            pub fn parse(code: &str) -> Result<Self, $crate::domain::UnknownCode> {
                match code {
                    $( $code => Ok(Self::$variant), )+
                    _ => Err($crate::domain::UnknownCode { kind: $kind, allowed: [$( $code, )+].join(", ") }),
                }
            }

            /// Reads a label or one of its synonyms, as found in an office's table.
            pub fn from_label(label: &str) -> Option<Self> {
                match label {
                    $( $label $( | $synonym )* => Some(Self::$variant), )+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::UnknownCode;

            fn from_str(code: &str) -> Result<Self, Self::Err> {
                Self::parse(code)
            }
        }
    };
}

pub(crate) use text_code;

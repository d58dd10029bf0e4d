//! Enums whose values have a stable code: the code is what is stored, sent and read in files.

use std::{fmt, str::FromStr};

use sea_orm::{
    ColIdx, ColumnType, DbErr, QueryResult, TryGetError, TryGetable, Value,
    sea_query::{ArrayType, Nullable, StringLen, ValueType, ValueTypeErr},
};

/// A word that is none of an enum's codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is no {what}; use one of {expected}")]
pub struct UnknownCode {
    pub what: &'static str,
    pub value: String,
    pub expected: String,
}

impl UnknownCode {
    /// `value` is none of `codes`.
    pub fn new(what: &'static str, value: &str, codes: &[&str]) -> Self {
        Self { what, value: value.to_owned(), expected: codes.join(", ") }
    }
}

/// Declares a fieldless enum with one code a variant, `ALL`, `code`, `Display` and `FromStr`; serde uses the codes.
///
/// ```
/// chassis::coded_enum! {
///     /// How loud.
///     Volume, "volume" { Low = "low", High = "high", }
/// }
/// assert_eq!("high".parse(), Ok(Volume::High));
/// assert!("loud".parse::<Volume>().is_err());
/// ```
#[macro_export]
macro_rules! coded_enum {
    ($(#[$meta:meta])* $name:ident, $what:literal { $($(#[$doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize,
        )]
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

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.code())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::data::UnknownCode;

            fn from_str(code: &str) -> Result<Self, Self::Err> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    other => Err($crate::data::UnknownCode::new($what, other, &[$($code),+])),
                }
            }
        }
    };
}

/// Such an enum as a text column. A code that this version does not know is an error when the row is read, never a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code<T>(pub T);

impl<T: fmt::Display> From<Code<T>> for Value {
    fn from(Code(value): Code<T>) -> Self {
        value.to_string().into()
    }
}

impl<T> TryGetable for Code<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        let code = String::try_get_by(row, index)?;
        code.parse().map(Self).map_err(|error: T::Err| TryGetError::DbErr(DbErr::Type(error.to_string())))
    }
}

impl<T: FromStr> ValueType for Code<T> {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        let code = <String as ValueType>::try_from(value)?;
        code.parse().map(Self).map_err(|_| ValueTypeErr)
    }

    fn type_name() -> String {
        "Code".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::String
    }

    fn column_type() -> ColumnType {
        ColumnType::String(StringLen::None)
    }
}

impl<T> Nullable for Code<T> {
    fn null() -> Value {
        Value::String(None)
    }
}

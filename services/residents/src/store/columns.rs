//! The fixed words of the domain as columns: each is kept under its code.

use sea_orm::{
    ColIdx, QueryResult, TryGetError, TryGetable,
    sea_query::{ArrayType, ColumnType, Nullable, StringLen, Value, ValueType, ValueTypeErr},
};

use crate::domain::{
    call::CallOutcome,
    care::CareTag,
    facts::Source,
    minors::AccessState,
    my_data::{CorrectionField, RequestKind, RequestState},
    person::{Living, Registration, Relation, Sex},
    standing::Status,
};

macro_rules! code_columns {
    ($($name:ident),+) => { $(
        impl From<$name> for Value {
            fn from(word: $name) -> Self {
                word.as_str().into()
            }
        }

        impl TryGetable for $name {
            fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
                let code = String::try_get_by(row, index)?;
                $name::parse(&code).map_err(|e| sea_orm::DbErr::Type(e.to_string()).into())
            }
        }

        impl ValueType for $name {
            fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
                let code = <String as ValueType>::try_from(value)?;
                $name::parse(&code).map_err(|_| ValueTypeErr)
            }

            fn type_name() -> String {
                stringify!($name).to_owned()
            }

            fn array_type() -> ArrayType {
                ArrayType::String
            }

            fn column_type() -> ColumnType {
                ColumnType::String(StringLen::None)
            }
        }

        impl Nullable for $name {
            fn null() -> Value {
                Value::String(None)
            }
        }

        impl sea_orm::IntoActiveValue<$name> for $name {
            fn into_active_value(self) -> sea_orm::ActiveValue<$name> {
                sea_orm::ActiveValue::Set(self)
            }
        }
    )+ };
}

code_columns!(CallOutcome, CareTag, Source, Living, Registration, Relation, Sex, Status);
code_columns!(AccessState, CorrectionField, RequestKind, RequestState);

/// A primary key of words is never made of a number.
impl sea_orm::TryFromU64 for CareTag {
    fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
        Err(sea_orm::DbErr::ConvertFromU64("CareTag"))
    }
}

//! A domain value that has a code, as a text column.

use std::{fmt, str::FromStr};

use sea_orm::{
    ColIdx, ColumnType, DbErr, QueryResult, TryGetError, TryGetable, Value,
    sea_query::{ArrayType, Nullable, StringLen, ValueType, ValueTypeErr},
};

/// Stored as its code. A code that this version does not know is an error when the row is read, never a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

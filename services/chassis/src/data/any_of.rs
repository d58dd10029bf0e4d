//! `column = any of these`, as one parameter.

use sea_orm::{
    ColumnTrait, DbBackend,
    sea_query::{Expr, Value},
};

/// Stands between the values of a list; a text that holds it is no value of ours.
const BETWEEN: char = '\u{1f}';

/// `column` is one of `values`, all of one type. On Postgres the list is one parameter, so that lists of any length are the
/// same statement, parsed and planned once; SQLite prepares cheaply.
pub fn any_of<V: Into<Value>>(
    backend: DbBackend,
    column: impl ColumnTrait,
    values: impl IntoIterator<Item = V>,
) -> Expr {
    let values: Vec<Value> = values.into_iter().map(Into::into).collect();
    match listed(&values) {
        Some((text, sql)) if backend == DbBackend::Postgres => {
            Expr::cust_with_exprs(sql, [Expr::col(column.as_column_ref()), Expr::val(text)])
        }
        _ => column.is_in(values),
    }
}

/// The list as a text, and the SQL that reads it.
fn listed(values: &[Value]) -> Option<(String, &'static str)> {
    let sql = match values.first()? {
        Value::Uuid(_) => "$1 = ANY(string_to_array($2, chr(31))::uuid[])",
        Value::BigInt(_) => "$1 = ANY(string_to_array($2, chr(31))::bigint[])",
        Value::Bytes(_) => "$1 = ANY(string_to_array($2, chr(31))::bytea[])",
        Value::String(_) => "$1 = ANY(string_to_array($2, chr(31)))",
        _ => return None,
    };
    let mut text = String::new();
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            text.push(BETWEEN);
        }
        match value {
            Value::Uuid(Some(value)) => text.push_str(&value.to_string()),
            Value::BigInt(Some(value)) => text.push_str(&value.to_string()),
            Value::Bytes(Some(value)) => text.extend(["\\x", &hex::encode(value)]),
            Value::String(Some(value)) if !value.is_empty() && !value.contains(BETWEEN) => text.push_str(value),
            _ => return None,
        }
    }
    Some((text, sql))
}

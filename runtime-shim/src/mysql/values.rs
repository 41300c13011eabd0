//! Values between `spin:mysql` and `mysql_async`, in the types that Spin gives them.

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{FromValueError, Row as ServerRow, Value, from_value_opt};

use crate::imports::wit::spin::mysql::mysql::{Column, DbDataType, DbValue, ParameterValue};

pub(crate) fn parameter(value: ParameterValue) -> Value {
    match value {
        ParameterValue::Boolean(value) => value.into(),
        ParameterValue::Int8(value) => value.into(),
        ParameterValue::Int16(value) => value.into(),
        ParameterValue::Int32(value) => value.into(),
        ParameterValue::Int64(value) => value.into(),
        ParameterValue::Uint8(value) => value.into(),
        ParameterValue::Uint16(value) => value.into(),
        ParameterValue::Uint32(value) => value.into(),
        ParameterValue::Uint64(value) => value.into(),
        ParameterValue::Floating32(value) => value.into(),
        ParameterValue::Floating64(value) => value.into(),
        ParameterValue::Str(value) => value.into(),
        ParameterValue::Binary(value) => value.into(),
        ParameterValue::DbNull => Value::NULL,
    }
}

pub(crate) fn column(column: &mysql_async::Column) -> Column {
    Column { name: column.name_str().into_owned(), data_type: data_type(column) }
}

/// Text in a binary collation (`utf8mb4_bin`) is `binary`, although it is text: components that
/// were written for Spin read it as bytes.
fn data_type(column: &mysql_async::Column) -> DbDataType {
    use ColumnType::*;
    let unsigned = column.flags().contains(ColumnFlags::UNSIGNED_FLAG);
    let binary = column.flags().contains(ColumnFlags::BINARY_FLAG);
    match column.column_type() {
        MYSQL_TYPE_TINY if unsigned => DbDataType::Uint8,
        MYSQL_TYPE_TINY => DbDataType::Int8,
        MYSQL_TYPE_SHORT if unsigned => DbDataType::Uint16,
        MYSQL_TYPE_SHORT => DbDataType::Int16,
        MYSQL_TYPE_INT24 | MYSQL_TYPE_LONG if unsigned => DbDataType::Uint32,
        MYSQL_TYPE_INT24 | MYSQL_TYPE_LONG => DbDataType::Int32,
        MYSQL_TYPE_LONGLONG if unsigned => DbDataType::Uint64,
        MYSQL_TYPE_LONGLONG => DbDataType::Int64,
        MYSQL_TYPE_FLOAT => DbDataType::Floating32,
        MYSQL_TYPE_DOUBLE => DbDataType::Floating64,
        MYSQL_TYPE_STRING | MYSQL_TYPE_VAR_STRING | MYSQL_TYPE_BLOB if !binary => DbDataType::Str,
        MYSQL_TYPE_STRING | MYSQL_TYPE_VAR_STRING | MYSQL_TYPE_BLOB => DbDataType::Binary,
        _ => DbDataType::Other,
    }
}

/// The values of a row, with about as many bytes as they take.
pub(crate) fn row(
    row: ServerRow,
    columns: &[Column],
) -> Result<(Vec<DbValue>, u64), FromValueError> {
    let mut bytes = size_of::<Vec<DbValue>>() + columns.len() * size_of::<DbValue>();
    let mut values = Vec::with_capacity(columns.len());
    let origins = row.columns();
    for ((value, column), origin) in row.unwrap_raw().into_iter().zip(columns).zip(&*origins) {
        let value = value.unwrap_or(Value::NULL);
        if let Value::Bytes(content) = &value {
            bytes += content.len();
        }
        values.push(db_value(value, column.data_type, origin.column_type())?);
    }
    Ok((values, bytes as u64))
}

fn db_value(
    value: Value,
    data_type: DbDataType,
    origin: ColumnType,
) -> Result<DbValue, FromValueError> {
    if value == Value::NULL {
        return Ok(DbValue::DbNull);
    }
    Ok(match data_type {
        DbDataType::Boolean => DbValue::Boolean(from_value_opt(value)?),
        DbDataType::Int8 => DbValue::Int8(from_value_opt(value)?),
        DbDataType::Int16 => DbValue::Int16(from_value_opt(value)?),
        DbDataType::Int32 => DbValue::Int32(from_value_opt(value)?),
        DbDataType::Int64 => DbValue::Int64(from_value_opt(value)?),
        DbDataType::Uint8 => DbValue::Uint8(from_value_opt(value)?),
        DbDataType::Uint16 => DbValue::Uint16(from_value_opt(value)?),
        DbDataType::Uint32 => DbValue::Uint32(from_value_opt(value)?),
        DbDataType::Uint64 => DbValue::Uint64(from_value_opt(value)?),
        DbDataType::Floating32 => DbValue::Floating32(from_value_opt(value)?),
        DbDataType::Floating64 => DbValue::Floating64(from_value_opt(value)?),
        DbDataType::Str => DbValue::Str(from_value_opt(value)?),
        DbDataType::Binary => DbValue::Binary(from_value_opt(value)?),
        DbDataType::Other => other(value, origin)?,
    })
}

/// DECIMAL, JSON and times as the text that the server would show, the rest (BIT, GEOMETRY) as
/// bytes. Spin fails on all of them, so no component that works there sees a difference.
fn other(value: Value, origin: ColumnType) -> Result<DbValue, FromValueError> {
    use ColumnType::*;
    Ok(match value {
        Value::Date(year, month, day, ..) if origin == MYSQL_TYPE_DATE => {
            DbValue::Str(format!("{year:04}-{month:02}-{day:02}"))
        }
        Value::Date(year, month, day, hour, minute, second, micros) => DbValue::Str(format!(
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{}",
            fraction(micros)
        )),
        Value::Time(negative, days, hours, minutes, seconds, micros) => {
            let sign = if negative { "-" } else { "" };
            let hours = u64::from(days) * 24 + u64::from(hours);
            let fraction = fraction(micros);
            DbValue::Str(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}"))
        }
        Value::Int(number) => DbValue::Str(number.to_string()),
        Value::UInt(number) => DbValue::Str(number.to_string()),
        value if matches!(origin, MYSQL_TYPE_DECIMAL | MYSQL_TYPE_NEWDECIMAL | MYSQL_TYPE_JSON) => {
            DbValue::Str(from_value_opt(value)?)
        }
        value => DbValue::Binary(from_value_opt(value)?),
    })
}

/// Of a second, where there is one: most columns are declared without.
fn fraction(micros: u32) -> String {
    if micros == 0 { String::new() } else { format!(".{micros:06}") }
}

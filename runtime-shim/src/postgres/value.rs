//! Values of a result: the types that the interface names, and the bytes of all others.

use std::error::Error;

use bytes::Buf;
use postgres_protocol::types::{self as codec, Range, RangeBound};
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

use super::calendar;
use super::numeric::{self, TooLong};
use crate::imports::wit::spin::postgres::postgres::{
    DbDataType, DbValue, Interval, RangeBoundKind,
};

type Failure = Box<dyn Error + Sync + Send>;
type Bound<T> = Option<(T, RangeBoundKind)>;

/// One value of a row, as it came.
pub(super) struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failure> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl Raw<'_> {
    /// Takes from what is `left` for a result what a value has beyond the bytes that came.
    pub(super) fn decode(&self, ty: &Type, left: &mut u64) -> Result<DbValue, Failure> {
        self.0.map_or(Ok(DbValue::DbNull), |raw| decode(ty, raw, left))
    }
}

pub(super) fn data_type(ty: &Type) -> DbDataType {
    match *ty {
        Type::BOOL => DbDataType::Boolean,
        Type::BYTEA => DbDataType::Binary,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DbDataType::Datetime,
        Type::DATE => DbDataType::Date,
        Type::TIME => DbDataType::Time,
        Type::UUID => DbDataType::Uuid,
        Type::JSONB => DbDataType::Jsonb,
        Type::NUMERIC => DbDataType::Decimal,
        Type::INT4_RANGE => DbDataType::RangeInt32,
        Type::INT8_RANGE => DbDataType::RangeInt64,
        Type::NUM_RANGE => DbDataType::RangeDecimal,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::NUMERIC_ARRAY => DbDataType::ArrayDecimal,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DbDataType::ArrayStr,
        Type::INTERVAL => DbDataType::Interval,
        _ => DbDataType::Other(ty.name().to_owned()),
    }
}

fn decode(ty: &Type, raw: &[u8], left: &mut u64) -> Result<DbValue, Failure> {
    Ok(match *ty {
        Type::INT8 => DbValue::Int64(codec::int8_from_sql(raw)?),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => {
            DbValue::Str(codec::text_from_sql(raw)?.to_owned())
        }
        Type::BOOL => DbValue::Boolean(codec::bool_from_sql(raw)?),
        Type::BYTEA => DbValue::Binary(raw.to_vec()),
        Type::FLOAT4 => DbValue::Floating32(codec::float4_from_sql(raw)?),
        Type::FLOAT8 => DbValue::Floating64(codec::float8_from_sql(raw)?),
        Type::INT2 => DbValue::Int16(codec::int2_from_sql(raw)?),
        Type::INT4 => DbValue::Int32(codec::int4_from_sql(raw)?),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            let micros = finite(codec::timestamp_from_sql(raw)?, i64::MIN, i64::MAX)?;
            DbValue::Datetime(calendar::date_time(micros).ok_or("the date is out of range")?)
        }
        Type::DATE => {
            let days = finite(codec::date_from_sql(raw)?, i32::MIN, i32::MAX)?;
            DbValue::Date(calendar::date(i64::from(days)).ok_or("the date is out of range")?)
        }
        Type::TIME => {
            let micros = codec::time_from_sql(raw)?;
            DbValue::Time(calendar::time(micros).ok_or("the time is out of range")?)
        }
        Type::UUID => DbValue::Uuid(Uuid::from_bytes(codec::uuid_from_sql(raw)?).to_string()),
        Type::JSONB => DbValue::Jsonb(raw.get(1..).ok_or("no JSON")?.to_vec()),
        Type::NUMERIC => DbValue::Decimal(numeric::decode(raw, left)?),
        Type::INT4_RANGE => DbValue::RangeInt32(range(raw, codec::int4_from_sql, || 0)?),
        Type::INT8_RANGE => DbValue::RangeInt64(range(raw, codec::int8_from_sql, || 0)?),
        Type::NUM_RANGE => {
            let read = |raw: &[u8]| numeric::decode(raw, left);
            DbValue::RangeDecimal(range(raw, read, || "0".to_owned())?)
        }
        Type::INT4_ARRAY => DbValue::ArrayInt32(array(ty, raw, left)?),
        Type::INT8_ARRAY => DbValue::ArrayInt64(array(ty, raw, left)?),
        Type::NUMERIC_ARRAY => {
            let values = array::<Raw<'_>>(ty, raw, left)?.into_iter();
            let text = |Raw(value)| value.map(|raw| numeric::decode(raw, left)).transpose();
            DbValue::ArrayDecimal(values.map(text).collect::<Result<_, _>>()?)
        }
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => {
            DbValue::ArrayStr(array(ty, raw, left)?)
        }
        Type::INTERVAL => interval(raw)?,
        _ => DbValue::Unsupported(raw.to_vec()),
    })
}

/// Takes what the elements are here from what is `left` for a result: NULL has four bytes on its way,
/// and the driver makes room for as many elements as a server says there are.
fn array<'a, T: FromSql<'a>>(ty: &Type, raw: &'a [u8], left: &mut u64) -> Result<Vec<T>, Failure> {
    // Three numbers, and two for each dimension, of which there may be one.
    let count = raw.get(12..).unwrap_or_default().try_get_u32().unwrap_or(0);
    let bytes = u64::from(count) * size_of::<T>() as u64;
    *left = left.checked_sub(bytes).ok_or(TooLong)?;
    Vec::from_sql(ty, raw)
}

/// The smallest and the largest number stand for -infinity and infinity, which no date is.
fn finite<T: PartialEq>(value: T, least: T, most: T) -> Result<T, Failure> {
    if value == least || value == most {
        return Err("the date is infinite".into());
    }
    Ok(value)
}

fn interval(mut raw: &[u8]) -> Result<DbValue, Failure> {
    let micros = raw.try_get_i64()?;
    let (days, months) = (raw.try_get_i32()?, raw.try_get_i32()?);
    Ok(DbValue::Interval(Interval { micros, days, months }))
}

fn range<T>(
    raw: &[u8],
    mut read: impl FnMut(&[u8]) -> Result<T, Failure>,
    zero: impl Fn() -> T,
) -> Result<(Bound<T>, Bound<T>), Failure> {
    let Range::Nonempty(lower, upper) = codec::range_from_sql(raw)? else {
        // The interface has no empty range. Nothing lies between 0 and 0 either, and the server
        // takes that for the empty range when it comes back.
        let end = || Some((zero(), RangeBoundKind::Exclusive));
        return Ok((end(), end()));
    };
    let mut bound = |bound: RangeBound<Option<&[u8]>>| {
        let (value, kind) = match bound {
            RangeBound::Unbounded => return Ok(None),
            RangeBound::Inclusive(value) => (value, RangeBoundKind::Inclusive),
            RangeBound::Exclusive(value) => (value, RangeBoundKind::Exclusive),
        };
        Ok::<_, Failure>(Some((read(value.ok_or("a bound is NULL")?)?, kind)))
    };
    Ok((bound(lower)?, bound(upper)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_has_no_more_elements_than_there_is_room_for() {
        let array = |count: u32, sent: u32| {
            let head = [1, 1, Type::TEXT.oid(), count, 1].map(u32::to_be_bytes).concat();
            [head, u32::MAX.to_be_bytes().repeat(sent as usize)].concat()
        };
        let decode = |raw: &[u8], mut left| decode(&Type::TEXT_ARRAY, raw, &mut left);
        assert!(
            matches!(decode(&array(3, 3), 72), Ok(DbValue::ArrayStr(nulls)) if nulls.len() == 3)
        );
        for (raw, left) in [(array(3, 3), 71), (array(i32::MAX as u32, 3), 1 << 25)] {
            let refused = decode(&raw, left).expect_err("there is no room");
            assert!(refused.is::<TooLong>(), "{refused}");
        }
    }
}

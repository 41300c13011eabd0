//! Parameters of a statement, written as the type that the server expects. An integer, a float
//! or a time may come in another width than the column's, as long as the value fits.

use std::error::Error;

use bytes::{BufMut, Bytes, BytesMut};
use postgres_protocol::IsNull as Nullity;
use postgres_protocol::types::{self as codec, RangeBound};
use tokio_postgres::types::{IsNull, Kind, ToSql, Type};
use uuid::Uuid;

use super::calendar;
use super::numeric::{self, Numeric};
use crate::imports::wit::spin::postgres::postgres::{ParameterValue, RangeBoundKind};

type Failure = Box<dyn Error + Sync + Send>;
type Bound<T> = Option<(T, RangeBoundKind)>;

/// JSONB begins with the version of its form.
const JSONB_VERSION: u8 = 1;

/// A parameter in the server's binary form; `None` is NULL.
#[derive(Debug)]
pub(super) struct Encoded(Option<Bytes>);

impl Encoded {
    /// The error says what does not fit, without the value.
    pub(super) fn new(value: &ParameterValue, ty: &Type) -> Result<Self, Failure> {
        if matches!(value, ParameterValue::DbNull) {
            return Ok(Self(None));
        }
        let mut out = BytesMut::new();
        encode(value, ty, &mut out)?;
        Ok(Self(Some(out.freeze())))
    }
}

impl ToSql for Encoded {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        Ok(match &self.0 {
            Some(bytes) => {
                out.extend_from_slice(bytes);
                IsNull::No
            }
            None => IsNull::Yes,
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        self.to_sql(ty, out)
    }
}

fn encode(value: &ParameterValue, ty: &Type, out: &mut BytesMut) -> Result<(), Failure> {
    use ParameterValue as Value;
    if let Kind::Domain(base) = ty.kind() {
        return encode(value, base, out);
    }
    match (value, ty) {
        (Value::Boolean(value), &Type::BOOL) => codec::bool_to_sql(*value, out),
        (Value::Int8(value), _) => integer(i64::from(*value), ty, out)?,
        (Value::Int16(value), _) => integer(i64::from(*value), ty, out)?,
        (Value::Int32(value), _) => integer(i64::from(*value), ty, out)?,
        (Value::Int64(value), _) => integer(*value, ty, out)?,
        (Value::Floating32(value), _) => float(f64::from(*value), ty, out)?,
        (Value::Floating64(value), _) => float(*value, ty, out)?,
        (Value::Str(value), &Type::JSONB) => jsonb(value.as_bytes(), out),
        (Value::Str(value), _) if is_text(ty) => codec::text_to_sql(value, out),
        (Value::Binary(value), &Type::BYTEA) => codec::bytea_to_sql(value, out),
        (Value::Date(value), &Type::DATE) => {
            let days = calendar::days(*value).ok_or("there is no such day")?;
            codec::date_to_sql(i32::try_from(days)?, out);
        }
        (Value::Time(value), &Type::TIME) => {
            let micros = calendar::time_micros(*value).ok_or("there is no such time of day")?;
            codec::time_to_sql(micros, out);
        }
        (Value::Datetime(value), &Type::TIMESTAMP | &Type::TIMESTAMPTZ) => {
            let micros = calendar::micros(*value).ok_or("there is no such date and time")?;
            codec::timestamp_to_sql(micros, out);
        }
        (Value::Timestamp(value), &Type::TIMESTAMP | &Type::TIMESTAMPTZ) => {
            let micros = calendar::unix_micros(*value).ok_or("the time is out of range")?;
            codec::timestamp_to_sql(micros, out);
        }
        (Value::Uuid(value), &Type::UUID) => {
            codec::uuid_to_sql(Uuid::parse_str(value)?.into_bytes(), out);
        }
        (Value::Jsonb(value), &Type::JSONB) => jsonb(value, out),
        (Value::Jsonb(value), &Type::JSON) => out.put_slice(value),
        (Value::Decimal(value), &Type::NUMERIC) => numeric::encode(value, out)?,
        (Value::RangeInt32((lower, upper)), &Type::INT4_RANGE) => {
            range(lower, upper, out, |value, out| native(value, &Type::INT4, out))?;
        }
        (Value::RangeInt64((lower, upper)), &Type::INT8_RANGE) => {
            range(lower, upper, out, |value, out| native(value, &Type::INT8, out))?;
        }
        (Value::RangeDecimal((lower, upper)), &Type::NUM_RANGE) => {
            range(lower, upper, out, |value, out| numeric::encode(value, out))?;
        }
        (Value::ArrayInt32(values), _) => native(values, ty, out)?,
        (Value::ArrayInt64(values), _) => native(values, ty, out)?,
        (Value::ArrayStr(values), _) => native(values, ty, out)?,
        (Value::ArrayDecimal(values), _) => {
            let values: Vec<_> = values.iter().map(|value| value.clone().map(Numeric)).collect();
            native(&values, ty, out)?;
        }
        (Value::Interval(value), &Type::INTERVAL) => {
            out.put_i64(value.micros);
            out.put_i32(value.days);
            out.put_i32(value.months);
        }
        _ => return Err(unfit(ty)),
    }
    Ok(())
}

fn unfit(ty: &Type) -> Failure {
    format!("the server expects {} here", ty.name()).into()
}

fn integer(value: i64, ty: &Type, out: &mut BytesMut) -> Result<(), Failure> {
    let too_large = |_| Failure::from(format!("the integer does not fit {}", ty.name()));
    match *ty {
        Type::CHAR => codec::char_to_sql(i8::try_from(value).map_err(too_large)?, out),
        Type::INT2 => codec::int2_to_sql(i16::try_from(value).map_err(too_large)?, out),
        Type::INT4 => codec::int4_to_sql(i32::try_from(value).map_err(too_large)?, out),
        Type::INT8 => codec::int8_to_sql(value, out),
        Type::OID => codec::oid_to_sql(u32::try_from(value).map_err(too_large)?, out),
        Type::NUMERIC => numeric::encode(&value.to_string(), out)?,
        _ => return Err(unfit(ty)),
    }
    Ok(())
}

fn float(value: f64, ty: &Type, out: &mut BytesMut) -> Result<(), Failure> {
    match *ty {
        Type::FLOAT8 => codec::float8_to_sql(value, out),
        Type::FLOAT4 => {
            let narrow = value as f32;
            if f64::from(narrow) != value && !value.is_nan() {
                return Err("the number does not fit float4".into());
            }
            codec::float4_to_sql(narrow, out);
        }
        _ => return Err(unfit(ty)),
    }
    Ok(())
}

/// Types whose binary form is their text.
fn is_text(ty: &Type) -> bool {
    matches!(
        *ty,
        Type::TEXT
            | Type::VARCHAR
            | Type::BPCHAR
            | Type::NAME
            | Type::UNKNOWN
            | Type::JSON
            | Type::XML
    ) || matches!(ty.kind(), Kind::Enum(_))
        || ty.name() == "citext"
}

fn jsonb(text: &[u8], out: &mut BytesMut) {
    out.put_u8(JSONB_VERSION);
    out.put_slice(text);
}

fn native<T: ToSql>(values: &T, ty: &Type, out: &mut BytesMut) -> Result<(), Failure> {
    if !T::accepts(ty) {
        return Err(unfit(ty));
    }
    values.to_sql(ty, out).map(drop)
}

fn range<T>(
    lower: &Bound<T>,
    upper: &Bound<T>,
    out: &mut BytesMut,
    put: impl Fn(&T, &mut BytesMut) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let bound = |bound: &Bound<T>, out: &mut BytesMut| {
        let Some((value, kind)) = bound else { return Ok(RangeBound::Unbounded) };
        put(value, out)?;
        Ok(match kind {
            RangeBoundKind::Inclusive => RangeBound::Inclusive(Nullity::No),
            RangeBoundKind::Exclusive => RangeBound::Exclusive(Nullity::No),
        })
    };
    codec::range_to_sql(|out| bound(lower, out), |out| bound(upper, out), out)
}

//! NUMERIC between its binary form and decimal text, of any length: the usual decimal types
//! hold 28 digits, PostgreSQL's holds 131,072 before the point.

use std::error::Error;
use std::fmt::{self, Display, Formatter, Write as _};

use bytes::{Buf, BufMut, BytesMut};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

type Failure = Box<dyn Error + Sync + Send>;

/// Decimal digits in one digit of the binary form.
const GROUP: usize = 4;
/// Most digits behind the point.
const MAX_SCALE: usize = 16_383;
/// Most digits before the point.
const MAX_WHOLE: usize = 131_072;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// The values of a result are longer than they may be.
#[derive(Debug)]
pub(super) struct TooLong;

impl Display for TooLong {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("the values are too long")
    }
}

impl Error for TooLong {}

/// A NUMERIC as decimal text, `-12.50`, `NaN` or `Infinity`.
#[derive(Debug)]
pub(super) struct Numeric(pub(super) String);

impl ToSql for Numeric {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        encode(&self.0, out).map(|()| IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::NUMERIC
    }

    to_sql_checked!();
}

pub(super) fn encode(text: &str, out: &mut BytesMut) -> Result<(), Failure> {
    match text {
        "NaN" => return put(out, &[], 0, NAN, 0),
        "Infinity" => return put(out, &[], 0, INFINITY, 0),
        "-Infinity" => return put(out, &[], 0, NEGATIVE_INFINITY, 0),
        _ => {}
    }
    let invalid = || format!("`{text:.40}` is not a decimal number");
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (NEGATIVE, rest),
        None => (POSITIVE, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_number(whole) || !is_number(fraction) {
        return Err(invalid().into());
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > MAX_WHOLE || fraction.len() > MAX_SCALE {
        return Err("the decimal number has too many digits".into());
    }
    let mut digits = groups(whole, fraction);
    let mut weight = (whole.len().div_ceil(GROUP) as i32 - 1) as i16;
    while digits.last() == Some(&0) {
        digits.pop();
    }
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
    weight -= zeros as i16;
    if digits.is_empty() {
        return put(out, &[], 0, POSITIVE, fraction.len() as i16);
    }
    put(out, &digits, weight, sign, fraction.len() as i16)
}

/// The digits to base 10,000, counted from the point in both directions.
fn groups(whole: &str, fraction: &str) -> Vec<i16> {
    let mut digits = "0".repeat(whole.len().next_multiple_of(GROUP) - whole.len());
    digits.push_str(whole);
    digits.push_str(fraction);
    let missing = digits.len().next_multiple_of(GROUP) - digits.len();
    digits.extend(std::iter::repeat_n('0', missing));
    let value = |group: &[u8]| group.iter().fold(0, |sum, byte| sum * 10 + i16::from(byte - b'0'));
    digits.as_bytes().chunks(GROUP).map(value).collect()
}

fn put(
    out: &mut BytesMut,
    digits: &[i16],
    weight: i16,
    sign: u16,
    scale: i16,
) -> Result<(), Failure> {
    out.put_i16(i16::try_from(digits.len())?);
    out.put_i16(weight);
    out.put_u16(sign);
    out.put_i16(scale);
    digits.iter().for_each(|digit| out.put_i16(*digit));
    Ok(())
}

/// Takes the length of the text, which may be ten thousand times that of the binary form, from what
/// is `left` for a result.
pub(super) fn decode(mut raw: &[u8], left: &mut u64) -> Result<String, Failure> {
    let count = usize::try_from(raw.try_get_i16()?)?;
    let weight = raw.try_get_i16()?;
    let sign = raw.try_get_u16()?;
    let scale = usize::try_from(raw.try_get_i16()?)?;
    match sign {
        NAN => return Ok("NaN".to_owned()),
        INFINITY => return Ok("Infinity".to_owned()),
        NEGATIVE_INFINITY => return Ok("-Infinity".to_owned()),
        _ => {}
    }
    let whole = usize::try_from(weight).map_or(0, |weight| weight + 1);
    let length = (whole + scale.div_ceil(GROUP)) * GROUP;
    *left = left.checked_sub(length as u64).ok_or(TooLong)?;
    let digits = (0..count).map(|_| raw.try_get_i16()).collect::<Result<Vec<_>, _>>()?;
    // The digit that stands for 10,000 to the power of `power`.
    let digit = |power: i32| {
        usize::try_from(i32::from(weight) - power)
            .ok()
            .and_then(|index| digits.get(index))
            .copied()
            .unwrap_or(0)
    };
    let mut text = String::new();
    for power in (0..=i32::from(weight)).rev() {
        write!(text, "{:04}", digit(power))?;
    }
    let whole = text.trim_start_matches('0');
    let mut text = format!(
        "{}{}",
        if sign == NEGATIVE { "-" } else { "" },
        if whole.is_empty() { "0" } else { whole }
    );
    if scale > 0 {
        text.push('.');
        let end = text.len() + scale;
        for power in 1..=scale.div_ceil(GROUP) as i32 {
            write!(text, "{:04}", digit(-power))?;
        }
        text.truncate(end);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(text: &str) -> String {
        let mut out = BytesMut::new();
        encode(text, &mut out).unwrap();
        decode(&out, &mut 1000).unwrap()
    }

    #[test]
    fn a_long_text_is_refused_before_it_is_written() {
        let mut out = BytesMut::new();
        encode(&format!("1{}", "0".repeat(100_000)), &mut out).unwrap();
        assert!(out.len() < 20 && decode(&out, &mut 100_000).unwrap_err().is::<TooLong>());
        let mut left = 100_010;
        assert_eq!(decode(&out, &mut left).unwrap().len(), 100_001);
        assert_eq!(left, 6);
    }

    #[test]
    fn text_and_scale_survive() {
        for text in [
            "0",
            "0.00",
            "1",
            "-1",
            "10000",
            "-12.50",
            "0.0001",
            "0.00001",
            "1234567890123456789",
            "100000000.000000001",
            "99999999999999999999999999999999999999.9999",
            "NaN",
            "Infinity",
            "-Infinity",
        ] {
            assert_eq!(there_and_back(text), text);
        }
        assert_eq!(there_and_back("+007.50"), "7.50");
        assert_eq!(there_and_back("-0"), "0");
        assert_eq!(there_and_back(".5"), "0.5");
    }

    #[test]
    fn the_binary_form_is_the_servers() {
        let mut out = BytesMut::new();
        encode("-12345.678", &mut out).unwrap();
        assert_eq!(&out[..], [0, 3, 0, 1, 0x40, 0, 0, 3, 0, 1, 0x09, 0x29, 0x1a, 0x7c]);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "-", ".", "1e5", "1.2.3", "½", "１"] {
            assert!(encode(text, &mut BytesMut::new()).is_err(), "{text}");
        }
    }
}

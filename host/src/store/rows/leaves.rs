//! Values that stand in fields: numbers, texts, ids, days and moments.

use jiff::civil::Date;
use minicbor::Decoder;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Out, ReadError, Row, Written};
use crate::domain::value::Currency;
use crate::domain::{
    ClientId, ConnectionName, CountryCode, E164, EmailAddress, EmergencyId, ExternalId, HouseholdId, ImportId,
    RevisionId, RunId, Timestamp, TokenId, UserId,
};
use crate::store::keys::ConnectionNumber;

/// The error of a value that is none of its type.
fn unfit(what: impl std::fmt::Display) -> ReadError {
    ReadError::message(what)
}

impl Row for () {
    fn write(&self, out: &mut Out) -> Written {
        out.null().map(drop)
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        from.null()
    }
}

impl Row for bool {
    fn write(&self, out: &mut Out) -> Written {
        out.bool(*self).map(drop)
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        from.bool()
    }

    fn absent() -> Option<Self> {
        Some(false)
    }
}

macro_rules! numbers {
    ($($number:ident),+) => {
        $(impl Row for $number {
            fn write(&self, out: &mut Out) -> Written {
                out.$number(*self).map(drop)
            }

            fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
                from.$number()
            }

            fn absent() -> Option<Self> {
                Some(0)
            }
        })+
    };
}
numbers!(u8, u16, u32, u64, i64);

impl<const N: usize> Row for [u8; N] {
    fn write(&self, out: &mut Out) -> Written {
        out.bytes(self).map(drop)
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        from.bytes()?.try_into().map_err(unfit)
    }
}

impl Row for String {
    fn write(&self, out: &mut Out) -> Written {
        out.str(self).map(drop)
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        from.str().map(str::to_owned)
    }
}

/// Types that are a text, written by one and read by another of their functions.
macro_rules! texts {
    ($($kind:ty: $write:expr, $read:expr);+ $(;)?) => {
        $(impl Row for $kind {
            fn write(&self, out: &mut Out) -> Written {
                let text: for<'t> fn(&'t $kind) -> &'t str = $write;
                out.str(text(self)).map(drop)
            }

            fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
                let read: fn(String) -> Result<$kind, ReadError> = $read;
                read(String::read(from)?)
            }
        })+
    };
}
texts! {
    ExternalId: ExternalId::as_str, |text| Ok(ExternalId(text));
    ConnectionName: ConnectionName::as_str, |text| text.try_into().map_err(unfit);
    CountryCode: CountryCode::as_str, |text| Ok(CountryCode::kept(text));
    EmailAddress: EmailAddress::as_str, |text| Ok(EmailAddress::kept(text));
    E164: E164::as_str, |text| text.try_into().map_err(unfit);
    Currency: Currency::as_str, |text| text.try_into().map_err(unfit);
}

impl Row for Decimal {
    fn write(&self, out: &mut Out) -> Written {
        out.str(&self.to_string()).map(drop)
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        Self::from_str_exact(from.str()?).map_err(unfit)
    }
}

impl Row for Uuid {
    fn write(&self, out: &mut Out) -> Written {
        out.bytes(self.as_bytes()).map(drop)
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        Self::from_slice(from.bytes()?).map_err(unfit)
    }
}

/// Ids that are one value.
macro_rules! ids {
    ($($id:ident),+) => {
        $(impl Row for $id {
            fn write(&self, out: &mut Out) -> Written {
                self.0.write(out)
            }

            fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
                Row::read(from).map(Self)
            }
        })+
    };
}
ids!(ClientId, ConnectionNumber, EmergencyId, HouseholdId, ImportId, RevisionId, RunId, TokenId, UserId);

/// A day as the number that its digits make: 19790228.
impl Row for Date {
    fn write(&self, out: &mut Out) -> Written {
        let (year, month, day) = (i32::from(self.year()), i32::from(self.month()), i32::from(self.day()));
        out.i32(year * 10_000 + month * 100 + day).map(drop)
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        let digits = from.i32()?;
        let part = |number: i32| i8::try_from(number).map_err(unfit);
        let year = i16::try_from(digits / 10_000).map_err(unfit)?;
        Self::new(year, part(digits / 100 % 100)?, part(digits % 100)?).map_err(unfit)
    }
}

/// A moment in nanoseconds since 1970, which are enough until 2262.
impl Row for Timestamp {
    fn write(&self, out: &mut Out) -> Written {
        let nanoseconds = self.as_nanosecond().clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        out.i64(i64::try_from(nanoseconds).unwrap_or_default()).map(drop)
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        Self::from_nanosecond(from.i64()?.into()).map_err(unfit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::rows::{decode, encode};

    #[test]
    fn values_are_read_as_they_were_written() {
        fn check<T: Row + PartialEq + std::fmt::Debug>(value: &T) {
            assert_eq!(decode::<T>(&encode(value).unwrap()).unwrap(), *value);
        }
        for date in ["1900-01-01", "1979-02-28", "2024-02-29", "2200-12-31", "0001-01-01"] {
            check::<Date>(&date.parse().unwrap());
        }
        for moment in ["2026-11-22T00:14:00.123456789Z", "1969-12-31T23:59:59.999Z"] {
            check::<Timestamp>(&moment.parse().unwrap());
        }
        for amount in ["1234.50", "-0.000", "79228162514264337593543950335"] {
            let amount: Decimal = amount.parse().unwrap();
            check(&amount);
            assert_eq!(decode::<Decimal>(&encode(&amount).unwrap()).unwrap().to_string(), amount.to_string());
        }
        check(&RevisionId([1, 2, 3, 4, 5, 255]));
        check(&Some(E164::try_from("+61491570156".to_owned()).unwrap()));
        check::<Option<E164>>(&None);
        check(&CountryCode::kept("XX".to_owned()));
        check(&(Uuid::from_u128(7), String::new()));
        check(&i64::MIN);
        check(&u64::MAX);
    }

    #[test]
    fn what_is_no_such_value_is_refused() {
        assert!(decode::<Date>(&encode(&20_230_229_i64).unwrap()).is_err());
        assert!(decode::<E164>(&encode(&"0491".to_owned()).unwrap()).is_err());
        assert!(decode::<[u8; 6]>(&encode(&[0_u8; 7]).unwrap()).is_err());
        assert!(decode::<String>(&encode(&7_u64).unwrap()).is_err());
        assert!(decode::<String>(&[]).is_err());
    }
}

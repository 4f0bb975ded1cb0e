//! Numbers that modes of transport go by, as far as they can be checked
//! without asking anybody: wagons, air waybills, ships. What it is not: a
//! register; a number with the right check digit may be nobody's.

use std::fmt;
use std::str::FromStr;

/// Why a text is no number of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportNumberError {
    /// Not as many digits as the kind has, or other characters.
    #[error("{0} are wanted")]
    Shape(&'static str),
    /// The check digit does not follow from the others.
    #[error("the check digit is {found}, the other digits give {expected}")]
    Check {
        /// The digit that the others give.
        expected: u32,
        /// The digit that was written.
        found: u32,
    },
}

use TransportNumberError as Bad;

/// The digits of a text of nothing else.
fn digits(text: &str) -> Option<Vec<u32>> {
    text.chars().map(|c| c.to_digit(10)).collect()
}

/// Whether the last digit is what the others give.
fn checked(expected: u32, found: u32) -> Result<(), Bad> {
    if expected == found {
        return Ok(());
    }
    Err(Bad::Check { expected, found })
}

/// A freight wagon's number: 7 digits in China (no check digit), 8 on the
/// 1520 mm gauge, 12 by UIC leaflet 438-2. The last digit of the latter two
/// makes the sum of the digits, each second one from the right doubled and its
/// own digits added, a multiple of ten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WagonNumber(String);

impl FromStr for WagonNumber {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        let shape = Bad::Shape("7 (China), 8 (1520 mm) or 12 (UIC) digits");
        let all = digits(text).ok_or(shape)?;
        let Some((found, others)) = all.split_last() else {
            return Err(shape);
        };
        match all.len() {
            7 => {}
            8 | 12 => checked(luhn(others), *found)?,
            _ => return Err(shape),
        }
        Ok(Self(text.to_owned()))
    }
}

/// The check digit behind these.
fn luhn(others: &[u32]) -> u32 {
    let each = others.iter().rev().zip([2, 1].into_iter().cycle());
    let sum: u32 = each
        .map(|(digit, weight)| {
            let product = digit * weight;
            product / 10 + product % 10
        })
        .sum();
    (10 - sum % 10) % 10
}

impl fmt::Display for WagonNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An air waybill's number: the airline's 3 digits, a hyphen or none, 8 digits
/// of which the last is the remainder of the seven before it by 7 (IATA
/// Resolution 600a).
pub fn check_air_waybill(text: &str) -> Result<(), Bad> {
    let shape = Bad::Shape("3 digits, '-', 8 digits");
    let plain = match text.split_once('-') {
        Some((airline, serial)) if airline.len() == 3 => format!("{airline}{serial}"),
        Some(_) => return Err(shape),
        None => text.to_owned(),
    };
    let all = digits(&plain).filter(|all| all.len() == 11).ok_or(shape)?;
    let serial = all.iter().skip(3).take(7);
    let number = serial.fold(0, |number, digit| number * 10 + digit);
    checked(number % 7, all.last().copied().unwrap_or_default())
}

/// A ship's IMO number: 7 digits, of which the last is that of the sum of the
/// others weighted 7 to 2 (IMO resolution A.1117(30)).
pub fn check_imo(text: &str) -> Result<(), Bad> {
    let all = digits(text)
        .filter(|all| all.len() == 7)
        .ok_or(Bad::Shape("7 digits"))?;
    let sum: u32 = all.iter().zip((2..=7).rev()).map(|(d, w)| d * w).sum();
    checked(sum % 10, all.last().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_their_check_digits_are_read_and_one_digit_off_is_noticed() {
        for good in ["45488855", "275150814729", "505126180015", "1234567"] {
            let read = good.parse::<WagonNumber>();
            assert_eq!(read.map(|w| w.to_string()), Ok(good.to_owned()));
        }
        for bad in ["45488857", "275150814720", "54488855"] {
            let read = bad.parse::<WagonNumber>();
            assert!(matches!(read, Err(Bad::Check { .. })), "{bad}");
        }
        for bad in ["", "123456", "123456a", "１２３４５６７", "123456789"] {
            let read = bad.parse::<WagonNumber>();
            assert!(matches!(read, Err(Bad::Shape(_))), "{bad}");
        }
        assert_eq!(check_air_waybill("999-12345675"), Ok(()));
        assert_eq!(check_air_waybill("99912345675"), Ok(()));
        let off = Bad::Check {
            expected: 5,
            found: 6,
        };
        assert_eq!(check_air_waybill("999-12345676"), Err(off));
        for bad in ["9991-2345675", "999-1234567", "", "-", "999-1234567x"] {
            assert!(
                matches!(check_air_waybill(bad), Err(Bad::Shape(_))),
                "{bad}"
            );
        }
        assert_eq!(check_imo("9074729"), Ok(()));
        assert!(matches!(check_imo("9074728"), Err(Bad::Check { .. })));
        assert!(matches!(check_imo("907472"), Err(Bad::Shape(_))));
    }
}

//! CAS registry numbers.

use std::fmt;
use std::str::FromStr;

/// A CAS registry number with a valid check digit, such as `143-33-9`.
/// Ordered by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cas(u64);

/// Why a text is not a CAS number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CasError {
    /// Not two to seven digits, two digits and one digit joined by hyphens.
    #[error(
        "a CAS number is 2 to 7 digits without leading zero, 2 digits and 1 digit joined by hyphens, as in 143-33-9"
    )]
    Shape,
    /// The last digit does not follow from the others.
    #[error(
        "CAS check digit is {found}, the other digits give {expected}; compare with the data sheet"
    )]
    Check {
        /// The digit that the others give.
        expected: u64,
        /// The digit that was written.
        found: u64,
    },
}

impl FromStr for Cas {
    type Err = CasError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut groups = text.split('-');
        let (Some(first), Some(second), Some(check), None) =
            (groups.next(), groups.next(), groups.next(), groups.next())
        else {
            return Err(CasError::Shape);
        };
        let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
        let shaped = (2..=7).contains(&first.len())
            && !first.starts_with('0')
            && second.len() == 2
            && check.len() == 1
            && [first, second, check].into_iter().all(digits);
        if !shaped {
            return Err(CasError::Shape);
        }
        let number: u64 = format!("{first}{second}{check}")
            .parse()
            .map_err(|_| CasError::Shape)?;
        let (body, found) = (number / 10, number % 10);
        let expected = check_digit(body);
        if expected != found {
            return Err(CasError::Check { expected, found });
        }
        Ok(Self(number))
    }
}

/// Digits from the right times 1, 2, 3 …, summed, modulo 10.
fn check_digit(mut body: u64) -> u64 {
    let mut sum = 0;
    let mut weight = 1;
    while body > 0 {
        sum += body % 10 * weight;
        weight += 1;
        body /= 10;
    }
    sum % 10
}

impl fmt::Display for Cas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number) = self;
        write!(
            f,
            "{}-{:02}-{}",
            number / 1000,
            number / 10 % 100,
            number % 10
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_numbers_read_back_as_written() {
        for text in [
            "143-33-9",
            "6484-52-2",
            "9004-70-0",
            "50-00-0",
            "68476-85-7",
        ] {
            assert_eq!(
                text.parse::<Cas>().map(|cas| cas.to_string()),
                Ok(text.into())
            );
        }
    }

    #[test]
    fn a_wrong_number_is_refused_with_its_reason() {
        let check = |expected, found| CasError::Check { expected, found };
        for (text, expected) in [
            ("143-33-8", check(9, 8)),
            ("134-33-9", check(8, 9)),
            ("143339", CasError::Shape),
            ("143-33-9-1", CasError::Shape),
            ("0143-33-9", CasError::Shape),
            ("1-33-9", CasError::Shape),
            ("12345678-33-9", CasError::Shape),
            ("143-3-39", CasError::Shape),
            ("143-33-9 ", CasError::Shape),
            ("+43-33-9", CasError::Shape),
            ("143-33-", CasError::Shape),
            ("", CasError::Shape),
        ] {
            assert_eq!(text.parse::<Cas>(), Err(expected), "{text}");
        }
    }
}

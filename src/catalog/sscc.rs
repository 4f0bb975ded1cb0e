//! Serial shipping container codes (GS1 SSCC): how a pallet or a case is
//! named, whoever handles it.

use std::fmt;
use std::str::FromStr;

/// Digits of a code, the check digit included.
const DIGITS: usize = 18;

/// A code with a valid check digit: extension digit, company prefix and serial
/// reference, check digit; such as `376104250021234569` (GS1 General
/// Specifications, sections 3.2.1 and 7.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sscc([u8; DIGITS]);

/// Why a text is not an SSCC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SsccError {
    /// Not eighteen digits.
    #[error("an SSCC has 18 digits; write it without spaces and without the (00) before it")]
    Digits,
    /// The last digit does not follow from the others.
    #[error(
        "SSCC check digit is {found}, the other digits give {expected}; compare with the label"
    )]
    Check {
        /// The digit that the others give.
        expected: u8,
        /// The digit that was written.
        found: u8,
    },
}

impl Sscc {
    /// The eighteen digits.
    pub fn as_str(&self) -> &str {
        // ASCII by construction, so the default is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Modulo 10 with weights 3 and 1 in turn, 3 next to the check digit.
fn check_digit(digits: &[u8]) -> u8 {
    let weighed = digits.iter().rev().zip([3u32, 1].into_iter().cycle());
    let sum: u32 = weighed
        .map(|(digit, weight)| u32::from(digit.saturating_sub(b'0')).saturating_mul(weight))
        .fold(0, u32::saturating_add);
    u8::try_from((10 - sum % 10) % 10).unwrap_or_default()
}

impl FromStr for Sscc {
    type Err = SsccError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes: [u8; DIGITS] = text.as_bytes().try_into().map_err(|_| SsccError::Digits)?;
        let (Some((last, others)), true) =
            (bytes.split_last(), bytes.iter().all(u8::is_ascii_digit))
        else {
            return Err(SsccError::Digits);
        };
        let (expected, found) = (check_digit(others), last.saturating_sub(b'0'));
        if expected == found {
            Ok(Sscc(bytes))
        } else {
            Err(SsccError::Check { expected, found })
        }
    }
}

impl fmt::Display for Sscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_the_one_that_gs1_publishes() {
        // The example of the GS1 General Specifications, section 7.9.1.
        let code = "376104250021234569";
        assert_eq!(code.parse::<Sscc>().map(|s| s.to_string()), Ok(code.into()));
        let wrong = "376104250021234568".parse::<Sscc>();
        let (expected, found) = (9, 8);
        assert_eq!(wrong, Err(SsccError::Check { expected, found }));
        for bad in [
            "",
            "37610425002123456",
            "3761042500212345690",
            "37610425002123456x",
        ] {
            assert_eq!(bad.parse::<Sscc>(), Err(SsccError::Digits), "{bad}");
        }
    }

    #[test]
    fn every_digit_that_is_misread_is_noticed() {
        let code = b"376104250021234569";
        for at in 0..code.len() {
            for digit in b'0'..=b'9' {
                let mut other = *code;
                if let Some(place) = other.get_mut(at) {
                    *place = digit;
                }
                let text = std::str::from_utf8(&other).unwrap_or_default();
                assert_eq!(text.parse::<Sscc>().is_ok(), other == *code, "{text}");
            }
        }
    }
}

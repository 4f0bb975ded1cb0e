//! Freight container numbers (ISO 6346), for the sea and rail legs of a
//! consignment and its seals.

use std::fmt;
use std::str::FromStr;

/// A container number with a valid check digit: owner code (three letters),
/// category (`U`, `J` or `Z`), six digits, check digit; such as `CSQU3054383`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerNumber([u8; 11]);

/// Why a text is not a container number. Positions count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// Not eleven characters.
    #[error(
        "a container number has 11 characters, found {found}; write it without spaces and with its check digit"
    )]
    Length {
        /// How many characters were given.
        found: usize,
    },
    /// A character that its position does not allow.
    #[error(
        "container number: character {position} is {found:?}; expected three letters A-Z, U, J or Z, then digits"
    )]
    Character {
        /// Which character, from 1.
        position: usize,
        /// What stands there.
        found: char,
    },
    /// The last digit does not follow from the others.
    #[error(
        "container check digit is {found}, the other characters give {expected}; compare with the container"
    )]
    Check {
        /// The digit that the others give.
        expected: u32,
        /// The digit that was written.
        found: u32,
    },
}

impl ContainerNumber {
    /// The eleven characters.
    pub fn as_str(&self) -> &str {
        // ASCII by construction, so the default is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for ContainerNumber {
    type Err = ContainerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = text.chars().count();
        if found != 11 {
            return Err(ContainerError::Length { found });
        }
        let mut number = [0; 11];
        let mut sum = 0;
        let mut check = 0;
        for ((slot, found), position) in number.iter_mut().zip(text.chars()).zip(1..) {
            let value =
                value_at(position, found).ok_or(ContainerError::Character { position, found })?;
            *slot =
                u8::try_from(found).map_err(|_| ContainerError::Character { position, found })?;
            if position < 11 {
                sum += value << (position - 1);
            } else {
                check = value;
            }
        }
        let expected = sum % 11 % 10;
        if expected != check {
            return Err(ContainerError::Check {
                expected,
                found: check,
            });
        }
        Ok(Self(number))
    }
}

/// ISO 6346: A is 10, and each next letter one more, skipping multiples of 11.
fn value_at(position: usize, character: char) -> Option<u32> {
    let letter = match position {
        1..=3 => character.is_ascii_uppercase(),
        4 => matches!(character, 'U' | 'J' | 'Z'),
        _ => return character.to_digit(10),
    };
    let base36 = character.to_digit(36).filter(|_| letter)?;
    Some(base36 + (base36 - 1) / 10)
}

impl fmt::Display for ContainerNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_count_from_ten_and_skip_multiples_of_eleven() {
        for (letter, value) in [
            ('A', 10),
            ('B', 12),
            ('K', 21),
            ('L', 23),
            ('U', 32),
            ('V', 34),
            ('Z', 38),
        ] {
            assert_eq!(value_at(1, letter), Some(value), "{letter}");
        }
    }

    #[test]
    fn the_standards_example_has_check_digit_three() {
        let example = "CSQU3054383";
        assert_eq!(
            example.parse::<ContainerNumber>().map(|c| c.to_string()),
            Ok(example.into())
        );
        for found in (0..10).filter(|&digit| digit != 3) {
            assert_eq!(
                format!("CSQU305438{found}").parse::<ContainerNumber>(),
                Err(ContainerError::Check { expected: 3, found })
            );
        }
    }

    #[test]
    fn a_wrong_character_is_named_by_its_position() {
        for (text, position, found) in [
            ("csqU3054383", 1, 'c'),
            ("CS1U3054383", 3, '1'),
            ("CSQA3054383", 4, 'A'),
            ("CSQU3O54383", 6, 'O'),
            ("CSQU305438X", 11, 'X'),
            ("箱SQU3054383", 1, '箱'),
        ] {
            assert_eq!(
                text.parse::<ContainerNumber>(),
                Err(ContainerError::Character { position, found })
            );
        }
        assert_eq!(
            "CSQU305438".parse::<ContainerNumber>(),
            Err(ContainerError::Length { found: 10 })
        );
    }
}

//! The unified social credit code (GB 32100) that names a party.

use std::fmt;
use std::str::FromStr;

use super::RegionCode;

/// GB 32100 characters in order of value: no I, O, S, V or Z.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// 3^(i-1) mod 31 for the first seventeen characters (GB 32100, 4.5).
const WEIGHTS: [u32; 17] = [
    1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28,
];
/// Weights of the organisation code's eight characters (GB 11714).
const ORGANISATION_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];

const LENGTH: usize = 18;
/// Where the region stands, counting characters from 1.
const REGION: std::ops::RangeInclusive<usize> = 3..=8;

/// An eighteen-character code whose two check characters both hold.
///
/// Characters: 1 registering department, 2 category, 3 to 8 region (GB/T 2260),
/// 9 to 17 organisation code with its own check (GB 11714), 18 check.
/// Upper case only, so that one party has one spelling. That the code is
/// *registered* cannot be told from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uscc([u8; LENGTH]);

/// Why a text is not a code. Positions count from 1. The text itself is not
/// repeated: what was typed by mistake may be a person's identity number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsccError {
    /// Not eighteen characters.
    #[error(
        "a unified social credit code has 18 characters, found {found}; write it without spaces"
    )]
    Length {
        /// How many characters were given.
        found: usize,
    },
    /// A character outside the code's alphabet.
    #[error(
        "unified social credit code: character {position} is {found:?}; \
         allowed are 0-9 and upper-case letters without I, O, S, V, Z"
    )]
    Character {
        /// Which character, from 1.
        position: usize,
        /// What stands there.
        found: char,
    },
    /// A letter within the region, characters 3 to 8.
    #[error(
        "unified social credit code: character {position} is {found:?}; \
         characters 3 to 8 are the region's six digits"
    )]
    Region {
        /// Which character, from 1.
        position: usize,
        /// What stands there.
        found: char,
    },
    /// Character 17 does not follow from characters 9 to 16.
    #[error(
        "unified social credit code: character 17 is {found:?}, the organisation code \
         (characters 9 to 16) gives {expected:?}; compare with the licence"
    )]
    OrganisationCheck {
        /// The character that the others give.
        expected: char,
        /// The character that was written.
        found: char,
    },
    /// Character 18 does not follow from the first seventeen.
    #[error(
        "unified social credit code: character 18 is {found:?}, the first 17 give {expected:?}; \
         compare with the licence"
    )]
    Check {
        /// The character that the others give.
        expected: char,
        /// The character that was written.
        found: char,
    },
}

impl Uscc {
    /// The eighteen characters.
    pub fn as_str(&self) -> &str {
        // ASCII by construction, so the default is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The region of registration (characters 3 to 8), if it is a known
    /// province's; some codes carry retired or central codes.
    pub fn region(&self) -> Option<RegionCode> {
        self.as_str().get(2..8)?.parse().ok()
    }

    /// The code of these parts, with both check characters computed.
    ///
    /// `region` is six digits, `organisation` the organisation code's first
    /// eight characters. A part of another length or with other characters is
    /// an error, as in [`Uscc::from_str`].
    pub fn with_checks(
        registration_department: char,
        category: char,
        region: &str,
        organisation: &str,
    ) -> Result<Self, UsccError> {
        // Two placeholders keep lengths and positions those of a whole code.
        let text = format!("{registration_department}{category}{region}{organisation}00");
        let mut code = characters(&text)?;
        let organisation = organisation_check(&code);
        if let Some(slot) = code.get_mut(16) {
            *slot = organisation;
        }
        let check = check(&code);
        if let Some(slot) = code.get_mut(17) {
            *slot = check;
        }
        Ok(Self(code))
    }
}

impl FromStr for Uscc {
    type Err = UsccError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code = characters(text)?;
        let [.., organisation_found, found] = code;
        let organisation_expected = organisation_check(&code);
        if organisation_expected != organisation_found {
            return Err(UsccError::OrganisationCheck {
                expected: organisation_expected.into(),
                found: organisation_found.into(),
            });
        }
        let expected = check(&code);
        if expected != found {
            return Err(UsccError::Check {
                expected: expected.into(),
                found: found.into(),
            });
        }
        Ok(Self(code))
    }
}

/// The text as eighteen characters, each allowed where it stands.
fn characters(text: &str) -> Result<[u8; LENGTH], UsccError> {
    let found = text.chars().count();
    if found != LENGTH {
        return Err(UsccError::Length { found });
    }
    let mut code = [0; LENGTH];
    for ((slot, found), position) in code.iter_mut().zip(text.chars()).zip(1..) {
        *slot = u8::try_from(found)
            .ok()
            .filter(|byte| ALPHABET.contains(byte))
            .ok_or(UsccError::Character { position, found })?;
        if REGION.contains(&position) && !found.is_ascii_digit() {
            return Err(UsccError::Region { position, found });
        }
    }
    Ok(code)
}

/// GB 11714: letters count A = 10 … Z = 35, not by the code's own alphabet.
fn organisation_check(code: &[u8; LENGTH]) -> u8 {
    let values = code
        .iter()
        .skip(8)
        .filter_map(|&byte| char::from(byte).to_digit(36));
    let sum: u32 = values.zip(ORGANISATION_WEIGHTS).map(|(v, w)| v * w).sum();
    match 11 - sum % 11 {
        10 => b'X',
        11 => b'0',
        digit => char::from_digit(digit, 10).map_or(b'0', |c| c as u8),
    }
}

/// GB 32100: (31 - Σ value × weight mod 31) mod 31, as a character.
fn check(code: &[u8; LENGTH]) -> u8 {
    let values = code.iter().map(|byte| {
        let before = ALPHABET.iter().zip(0..).find(|(c, _)| *c == byte);
        before.map_or(0, |(_, value)| value)
    });
    let sum: u32 = values.zip(WEIGHTS).map(|(v, w): (u32, u32)| v * w).sum();
    let value = (31 - sum % 31) % 31;
    let character = ALPHABET.iter().zip(0..).find(|(_, v)| *v == value);
    character.map_or(b'0', |(c, _)| *c)
}

impl fmt::Display for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uscc({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = "91350100M000100Y43";

    #[test]
    fn the_standards_example_reads_back_as_written() {
        let code: Uscc = EXAMPLE.parse().unwrap();
        assert_eq!(code.as_str(), EXAMPLE);
        assert_eq!(code.to_string(), EXAMPLE);
        assert_eq!(code.region(), Some("350100".parse().unwrap()));
        assert_eq!(Uscc::with_checks('9', '1', "350100", "M000100Y"), Ok(code));
    }

    #[test]
    fn every_substitution_of_one_character_is_refused() {
        for index in 0..EXAMPLE.len() {
            for other in (0x20..0x7f).map(char::from) {
                let mut text: Vec<char> = EXAMPLE.chars().collect();
                if text[index] == other {
                    continue;
                }
                text[index] = other;
                let text: String = text.into_iter().collect();
                assert!(text.parse::<Uscc>().is_err(), "{text}");
            }
        }
    }

    #[test]
    fn the_first_thing_wrong_is_the_reason_given() {
        for (text, expected) in [
            ("91350100M000100Y4", UsccError::Length { found: 17 }),
            ("91350100M000100Y433", UsccError::Length { found: 19 }),
            ("", UsccError::Length { found: 0 }),
            (
                "91350100m000100Y43",
                UsccError::Character {
                    position: 9,
                    found: 'm',
                },
            ),
            (
                "9135010OM000100Y43",
                UsccError::Character {
                    position: 8,
                    found: 'O',
                },
            ),
            (
                "９1350100M000100Y43",
                UsccError::Character {
                    position: 1,
                    found: '９',
                },
            ),
            (
                "91A50100M000100Y43",
                UsccError::Region {
                    position: 3,
                    found: 'A',
                },
            ),
            (
                "91350100M000100Y53",
                UsccError::OrganisationCheck {
                    expected: '4',
                    found: '5',
                },
            ),
            (
                "91350100M000100Y44",
                UsccError::Check {
                    expected: '3',
                    found: '4',
                },
            ),
            (
                "92350100M000100Y43",
                UsccError::Check {
                    expected: '0',
                    found: '3',
                },
            ),
        ] {
            assert_eq!(text.parse::<Uscc>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn the_organisation_check_is_wrong_on_its_own_where_the_outer_check_holds() {
        let mut code = characters("91350100M000100Y50").unwrap();
        code[17] = check(&code);
        let text = Uscc(code).to_string();
        assert_eq!(
            text.parse::<Uscc>(),
            Err(UsccError::OrganisationCheck {
                expected: '4',
                found: '5'
            })
        );
    }

    #[test]
    fn parts_of_the_wrong_shape_make_no_code() {
        assert_eq!(
            Uscc::with_checks('9', '1', "1501", "M000100Y"),
            Err(UsccError::Length { found: 16 })
        );
        assert_eq!(
            Uscc::with_checks('9', '1', "15010A", "M000100Y"),
            Err(UsccError::Region {
                position: 8,
                found: 'A'
            })
        );
        assert_eq!(
            Uscc::with_checks('9', 'I', "150100", "M000100Y"),
            Err(UsccError::Character {
                position: 2,
                found: 'I'
            })
        );
    }

    proptest! {
        #[test]
        fn computed_checks_hold_and_no_neighbour_passes(
            region in "15[0-9]{4}",
            organisation in "[0-9A-HJ-NP-RTUWXY]{8}",
            index in 0..LENGTH,
            other in 0..ALPHABET.len(),
        ) {
            let code = Uscc::with_checks('9', '1', &region, &organisation).unwrap();
            prop_assert_eq!(code.as_str().parse::<Uscc>(), Ok(code));
            let mut changed = code.0;
            changed[index] = ALPHABET[other];
            let changed = Uscc(changed).to_string();
            prop_assert_eq!(changed.parse::<Uscc>().is_ok(), changed == code.as_str());
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,24}") {
            let _ = text.parse::<Uscc>();
        }
    }
}

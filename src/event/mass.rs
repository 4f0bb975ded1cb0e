//! Mass in whole milligrams, checked; exact decimal text in and out. No
//! floating point.

use std::fmt;

use super::codes::Refused;
use crate::pb::{Measure, MeasureUnit, Quantity, RefusalCode};

/// A mass in milligrams. Signed, because postings are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mass(i64);

/// Parts per million in one whole: the content of a pure substance.
pub const PPM: u32 = 1_000_000;

/// A mass that does not fit 63 bits of milligrams (9,223,372 t).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mass out of range: more than 9,223,372,036,854 g")]
pub struct MassOverflow;

/// Why a decimal text is no mass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMass {
    /// Not digits with at most one point.
    #[error("'{0}' is not a decimal number: digits with at most one point, no sign, no exponent")]
    NotDecimal(String),
    /// Finer than a milligram.
    #[error("'{0}' has more decimals than a milligram has: at most {1} here")]
    TooFine(String, usize),
    /// Too much.
    #[error("'{0}' is out of range")]
    TooLarge(String),
    /// Litres, cubic metres, pieces: no mass without a density.
    #[error("a measure in this unit is not a mass: give gross_mg as well")]
    NotAMass,
}

impl Mass {
    /// Nothing.
    pub const ZERO: Mass = Mass(0);

    /// From milligrams.
    pub const fn mg(mg: i64) -> Mass {
        Mass(mg)
    }

    /// Milligrams.
    pub const fn as_mg(self) -> i64 {
        self.0
    }

    /// The sum, if it fits.
    pub fn plus(self, other: Mass) -> Result<Mass, MassOverflow> {
        self.0.checked_add(other.0).map(Mass).ok_or(MassOverflow)
    }

    /// The difference, if it fits.
    pub fn minus(self, other: Mass) -> Result<Mass, MassOverflow> {
        self.0.checked_sub(other.0).map(Mass).ok_or(MassOverflow)
    }

    /// So many times this, if it fits.
    pub fn times(self, count: u64) -> Result<Mass, MassOverflow> {
        i64::try_from(count)
            .ok()
            .and_then(|n| self.0.checked_mul(n))
            .map(Mass)
            .ok_or(MassOverflow)
    }

    /// The other way round, if it fits.
    pub fn negated(self) -> Result<Mass, MassOverflow> {
        self.0.checked_neg().map(Mass).ok_or(MassOverflow)
    }

    /// `self * numerator / denominator`, rounded down; `None` for a
    /// denominator of zero, a negative factor or a result out of range.
    pub fn share(self, numerator: i64, denominator: i64) -> Option<Mass> {
        if self.0 < 0 || numerator < 0 || denominator <= 0 {
            return None;
        }
        let product = i128::from(self.0).checked_mul(i128::from(numerator))?;
        i64::try_from(product / i128::from(denominator))
            .ok()
            .map(Mass)
    }

    /// The contained mass at `ppm` of content, rounded down (design, section 3).
    /// `None` if negative or above one whole.
    pub fn contained(self, ppm: u32) -> Option<Mass> {
        (ppm <= PPM)
            .then(|| self.share(i64::from(ppm), i64::from(PPM)))
            .flatten()
    }

    /// Exact decimal text in a unit of mass.
    pub fn parse(text: &str, unit: MeasureUnit) -> Result<Mass, BadMass> {
        let decimals = match unit {
            MeasureUnit::Mg => 0,
            MeasureUnit::G => 3,
            MeasureUnit::Kg => 6,
            MeasureUnit::T => 9,
            _ => return Err(BadMass::NotAMass),
        };
        let shown = || text.chars().take(40).collect::<String>();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        let point_alone = text.contains('.') && fraction.is_empty();
        if whole.is_empty() || point_alone || !digits(whole) || !digits(fraction) {
            return Err(BadMass::NotDecimal(shown()));
        }
        if fraction.len() > decimals {
            return Err(BadMass::TooFine(shown(), decimals));
        }
        let padded = format!("{whole}{fraction:0<decimals$}");
        padded
            .parse::<i64>()
            .map(Mass)
            .map_err(|_| BadMass::TooLarge(shown()))
    }

    /// The booked mass of a quantity: its milligrams, or its measure in a unit
    /// of mass; more than zero; both only if they agree.
    pub fn of(quantity: Option<&Quantity>, field: &str) -> Result<Mass, Refused> {
        let Some(quantity) = quantity else {
            return Err(Refused::missing(field));
        };
        let measured = match &quantity.measure {
            Some(measure) => measured(measure, field)?,
            None => None,
        };
        let mass =
            match (quantity.gross_mg, measured) {
                (0, Some(measured)) => measured,
                (booked, Some(measured)) if booked != measured.0 => {
                    return Err(Refused::new(RefusalCode::MeasureDisagrees, field).detail(
                        format!("gross_mg says {booked} mg, the measure {} mg", measured.0),
                    ));
                }
                (booked, _) => Mass(booked),
            };
        if mass.0 <= 0 {
            return Err(
                Refused::new(RefusalCode::MassNotPositive, field).detail(format!("{} mg", mass.0))
            );
        }
        Ok(mass)
    }
}

/// A measure's mass, or `None` if its unit is none of mass (it is then kept,
/// and `gross_mg` books).
fn measured(measure: &Measure, field: &str) -> Result<Option<Mass>, Refused> {
    match Mass::parse(&measure.value, measure.unit()) {
        Ok(mass) => Ok(Some(mass)),
        Err(BadMass::NotAMass) => Ok(None),
        Err(error @ BadMass::TooLarge(_)) => {
            Err(Refused::new(RefusalCode::MassOverflow, field).detail(error.to_string()))
        }
        Err(error) => Err(Refused::new(RefusalCode::FieldInvalid, field).detail(error.to_string())),
    }
}

impl fmt::Display for Mass {
    /// Kilograms with as many decimals as it needs, for example `1250.5 kg`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (
            self.0.unsigned_abs() / 1_000_000,
            self.0.unsigned_abs() % 1_000_000,
        );
        let fraction = format!("{rest:06}");
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole} kg"),
            fraction => write!(f, "{sign}{whole}.{fraction} kg"),
        }
    }
}

impl fmt::Debug for Mass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} mg", self.0)
    }
}

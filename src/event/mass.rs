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
    /// More digits than any scale has.
    #[error("'{0}' has more than {MAX_DIGITS} digits")]
    TooLong(String),
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
        let (whole, fraction) = halves(text)?;
        if fraction.len() > decimals {
            return Err(BadMass::TooFine(shown(text), decimals));
        }
        let padded = format!("{whole}{fraction:0<decimals$}");
        padded
            .parse::<i64>()
            .map(Mass)
            .map_err(|_| BadMass::TooLarge(shown(text)))
    }

    /// The mass of a volume in litres or cubic metres at a density in kg/m3:
    /// exact, and rounded down to the milligram.
    pub fn of_volume(volume: &str, unit: MeasureUnit, density: &str) -> Result<Mass, BadMass> {
        // A litre at 1 kg/m3 is a gram.
        let mg_each: i128 = match unit {
            MeasureUnit::L => 1_000,
            MeasureUnit::M3 => 1_000_000,
            _ => return Err(BadMass::NotAMass),
        };
        let (volume_digits, volume_scale) = decimal(volume)?;
        let (density_digits, density_scale) = decimal(density)?;
        let scale = 10i128.checked_pow(volume_scale.saturating_add(density_scale));
        let product = volume_digits
            .checked_mul(density_digits)
            .and_then(|product| product.checked_mul(mg_each));
        product
            .zip(scale)
            .and_then(|(product, scale)| product.checked_div(scale))
            .and_then(|mg| i64::try_from(mg).ok())
            .map(Mass)
            .ok_or_else(|| BadMass::TooLarge(shown(volume)))
    }

    /// The booked mass of a quantity: its milligrams, or its measure in a unit
    /// of mass, or of volume with a density; more than zero; both only if they
    /// agree.
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

/// Digits of a volume or a density, at most: so that their product in
/// milligrams fits 127 bits, or is out of range for certain.
const MAX_DIGITS: usize = 18;

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// What stands before and behind the point of an exact decimal text.
fn halves(text: &str) -> Result<(&str, &str), BadMass> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let point_alone = text.contains('.') && fraction.is_empty();
    if whole.is_empty() || point_alone || !digits(whole) || !digits(fraction) {
        return Err(BadMass::NotDecimal(shown(text)));
    }
    Ok((whole, fraction))
}

/// An exact decimal text as a whole number and how many of its digits stand
/// behind the point.
fn decimal(text: &str) -> Result<(i128, u32), BadMass> {
    let (whole, fraction) = halves(text)?;
    let digits = format!("{whole}{fraction}");
    if digits.len() > MAX_DIGITS {
        return Err(BadMass::TooLong(shown(text)));
    }
    let number = digits.parse().map_err(|_| BadMass::TooLong(shown(text)))?;
    let scale = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
    Ok((number, scale))
}

/// A measure's mass, or `None` if its unit is none of mass and there is no
/// density (it is then kept, and `gross_mg` books). Refused if gross, tare and
/// net are all given and do not add up.
pub fn measured(measure: &Measure, field: &str) -> Result<Option<Mass>, Refused> {
    let unit = measure.unit();
    let of_volume = matches!(unit, MeasureUnit::L | MeasureUnit::M3);
    let mass = if of_volume && !measure.density.is_empty() {
        Mass::of_volume(&measure.value, unit, &measure.density)
    } else {
        Mass::parse(&measure.value, unit)
    };
    let mass = match mass {
        Ok(mass) => Some(mass),
        Err(BadMass::NotAMass) => None,
        Err(error) => return Err(refused(&error, field)),
    };
    weighed_out(measure, field)?;
    Ok(mass)
}

fn refused(error: &BadMass, field: &str) -> Refused {
    let code = match error {
        BadMass::TooLarge(_) => RefusalCode::MassOverflow,
        _ => RefusalCode::FieldInvalid,
    };
    Refused::new(code, field).detail(error.to_string())
}

/// gross - tare = net, where all three are given.
fn weighed_out(measure: &Measure, field: &str) -> Result<(), Refused> {
    let texts = [&measure.gross, &measure.tare, &measure.net];
    if texts.iter().any(|text| text.is_empty()) {
        return Ok(());
    }
    let unit = match measure.unit() {
        unit @ (MeasureUnit::Mg | MeasureUnit::G | MeasureUnit::Kg | MeasureUnit::T) => unit,
        _ => MeasureUnit::Kg,
    };
    let read = |text: &str| Mass::parse(text, unit).map_err(|error| refused(&error, field));
    let (gross, tare, net) = (
        read(&measure.gross)?,
        read(&measure.tare)?,
        read(&measure.net)?,
    );
    if gross.minus(tare) == Ok(net) {
        return Ok(());
    }
    Err(Refused::new(RefusalCode::MeasureDisagrees, field)
        .detail(format!("gross {gross} less tare {tare} is not net {net}")))
}

/// Whether the verification of a measure's instrument had run out by a time,
/// Unix milliseconds; a measure that says nothing of it passes.
pub fn out_of_date(measure: &Measure, at_ms: i64) -> bool {
    measure.verified_until_ms != 0 && measure.verified_until_ms <= at_ms
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

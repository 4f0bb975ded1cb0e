//! The world's own light books: piles of goods, where they stand and whose
//! they are. All masses are whole kilograms and all contents whole parts per
//! thousand, so that contained masses come out whole.

use crate::event::{LotId, Mass};
use crate::pb::{Goods, Quantity, SerialRange};

use super::cast::Who;

/// Milligrams of a kilogram.
pub const KG: i64 = 1_000_000;
/// Kilograms of a tonne.
pub const TONNE_KG: i64 = 1_000;

/// A thing that is made, with the sizes it is packed in.
#[derive(Debug)]
pub struct Product {
    /// Form code of the catalogue.
    pub form: &'static str,
    /// Substance code of the catalogue.
    pub substance: &'static str,
    /// Least content, thousandths.
    pub least_permille: u32,
    /// How many thousandths more it may have.
    pub spread_permille: u32,
    /// Package masses, kilograms; each divides 1,000.
    pub package_kg: &'static [i64],
    /// What packages are (UN Model Regulations, 6.1).
    pub packaging: &'static str,
    /// What it is used for.
    pub purpose: &'static str,
}

/// 氰化钠(固体) in drums.
pub const CYANIDE: Product = Product {
    form: "NACN-1689",
    substance: "NACN",
    least_permille: 980,
    spread_permille: 10,
    package_kg: &[50],
    packaging: "steel drum 1A2",
    purpose: "gold leaching 浸金",
};
/// 氰化钠溶液, 30 %.
pub const CYANIDE_SOLUTION: Product = Product {
    form: "NACN-3414",
    substance: "NACN",
    least_permille: 300,
    spread_permille: 0,
    package_kg: &[200],
    packaging: "plastics drum 1H1",
    purpose: "gold leaching 浸金",
};
/// 硝酸铵.
pub const NITRATE: Product = Product {
    form: "AN-1942",
    substance: "AN",
    least_permille: 985,
    spread_permille: 12,
    package_kg: &[25, 40, 500, 1_000],
    packaging: "woven plastics bag 5H4",
    purpose: "blasting 爆破",
};
/// 硝化棉, alcohol-wetted.
pub const CELLULOSE: Product = Product {
    form: "NC-2556",
    substance: "NC",
    least_permille: 680,
    spread_permille: 30,
    package_kg: &[100],
    packaging: "fibre drum 1G",
    purpose: "lacquer trial 试漆",
};

/// Goods as they are handled: a loose mass, or packages of one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Milligrams of gross.
    Loose(i64),
    /// Packages first..=last of `each` milligrams.
    Packages {
        /// First serial.
        first: u64,
        /// Last serial.
        last: u64,
        /// Milligrams of gross of one.
        each: i64,
    },
}

/// Some of one lot in one place, by the world's own books.
#[derive(Clone, Debug)]
pub struct Pile {
    /// The lot.
    pub lot: LotId,
    /// What it is.
    pub product: &'static Product,
    /// Content, parts per million.
    pub ppm: u32,
    /// Whether the lot is waste.
    pub waste: bool,
    /// Who holds it.
    pub holder: Who,
    /// In which place of the holder.
    pub place: &'static str,
    /// Whose it is.
    pub owner: Who,
    /// How much.
    pub contents: Contents,
}

impl Pile {
    /// A new lot in packages, so many of so much gross each, with who owns it,
    /// where it enters.
    pub(super) fn entered(
        lot: LotId,
        product: &'static Product,
        ppm: u32,
        who: &Who,
        (count, each): (u64, i64),
    ) -> Pile {
        Pile {
            lot,
            product,
            ppm,
            waste: false,
            holder: who.clone(),
            place: who.entry.code,
            owner: who.clone(),
            contents: Contents::Packages {
                first: 1,
                last: count,
                each,
            },
        }
    }

    /// Milligrams of gross.
    pub fn gross(&self) -> i64 {
        match self.contents {
            Contents::Loose(gross) => gross,
            Contents::Packages { first, last, each } => {
                each.saturating_mul(i64::try_from(last - first + 1).unwrap_or(i64::MAX))
            }
        }
    }

    /// Milligrams contained; exact by the world's choice of masses.
    pub fn contained(&self) -> i64 {
        Mass::mg(self.gross())
            .contained(self.ppm)
            .unwrap_or_default()
            .as_mg()
    }

    /// As statements name it.
    pub fn goods(&self) -> Goods {
        match self.contents {
            Contents::Loose(gross) => loose(self.lot, gross),
            Contents::Packages { first, last, .. } => packages(self.lot, first, last),
        }
    }

    /// How many packages; 0 for loose goods.
    pub fn count(&self) -> u64 {
        match self.contents {
            Contents::Loose(_) => 0,
            Contents::Packages { first, last, .. } => last - first + 1,
        }
    }

    /// Its serials, as statements name them.
    pub fn serials(&self) -> Vec<SerialRange> {
        match self.contents {
            Contents::Loose(_) => Vec::new(),
            Contents::Packages { first, last, .. } => vec![SerialRange { first, last }],
        }
    }

    /// Splits the last `count` packages off; `None` unless some stay.
    pub fn split_packages(&self, count: u64) -> Option<(Pile, Pile)> {
        let Contents::Packages { first, last, each } = self.contents else {
            return None;
        };
        let middle = last
            .checked_sub(count)
            .filter(|m| *m >= first && count > 0)?;
        let part = |first, last| Pile {
            contents: Contents::Packages { first, last, each },
            ..self.clone()
        };
        Some((part(first, middle), part(middle + 1, last)))
    }

    /// Splits a loose mass off; `None` unless some stays.
    pub fn split_loose(&self, gross: i64) -> Option<(Pile, Pile)> {
        let Contents::Loose(all) = self.contents else {
            return None;
        };
        let rest = all.checked_sub(gross).filter(|r| *r > 0 && gross > 0)?;
        let part = |gross| Pile {
            contents: Contents::Loose(gross),
            ..self.clone()
        };
        Some((part(rest), part(gross)))
    }

    /// In another place of another holder.
    #[must_use]
    pub fn at(self, holder: &Who, place: &'static str) -> Pile {
        Pile {
            holder: holder.clone(),
            place,
            ..self
        }
    }
}

/// A loose mass of a lot.
pub fn loose(lot: LotId, gross: i64) -> Goods {
    Goods {
        lot: lot.to_bytes(),
        loose: Some(booked(gross)),
        serials: Vec::new(),
        parts: Vec::new(),
        outers: Vec::new(),
    }
}

/// Packages of a lot.
pub fn packages(lot: LotId, first: u64, last: u64) -> Goods {
    Goods {
        lot: lot.to_bytes(),
        loose: None,
        serials: vec![SerialRange { first, last }],
        parts: Vec::new(),
        outers: Vec::new(),
    }
}

/// A booked mass.
pub fn booked(gross_mg: i64) -> Quantity {
    Quantity {
        gross_mg,
        measure: None,
    }
}

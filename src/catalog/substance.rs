//! The substances under tracking, by stable code.
//!
//! One for each line of the national special-control list (特别管控危险化学品
//! 目录, first edition, announcement 2020 No. 1). A substance is what contained
//! mass is counted in; what is regulated is a form of it
//! ([`Form`](super::Form)), and a form of a listed substance may itself be off
//! the list.

use std::fmt;
use std::str::FromStr;

/// A substance of the special-control list; the discriminant is its number
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Substance {
    /// 硝酸铵, `AN`.
    AmmoniumNitrate = 1,
    /// 硝化纤维素, `NC`.
    Nitrocellulose = 2,
    /// 氯酸钾, `KCLO3`.
    PotassiumChlorate = 3,
    /// 氯酸钠, `NACLO3`.
    SodiumChlorate = 4,
    /// 氯, `CL2`.
    Chlorine = 5,
    /// 氨, `NH3`.
    Ammonia = 6,
    /// 异氰酸甲酯, `MIC`.
    MethylIsocyanate = 7,
    /// 硫酸二甲酯, `DMS`.
    DimethylSulfate = 8,
    /// 氰化钠, `NACN`.
    SodiumCyanide = 9,
    /// 氰化钾, `KCN`.
    PotassiumCyanide = 10,
    /// 液化石油气, `LPG`.
    LiquefiedPetroleumGas = 11,
    /// 液化天然气, `LNG`.
    LiquefiedNaturalGas = 12,
    /// 环氧乙烷, `EO`.
    EthyleneOxide = 13,
    /// 氯乙烯, `VCM`.
    VinylChloride = 14,
    /// 二甲醚, `DME`.
    DimethylEther = 15,
    /// 汽油, `GASOLINE`.
    Gasoline = 16,
    /// 1,2-环氧丙烷, `PO`.
    PropyleneOxide = 17,
    /// 二硫化碳, `CS2`.
    CarbonDisulfide = 18,
    /// 甲醇, `MEOH`.
    Methanol = 19,
    /// 乙醇, `ETOH`.
    Ethanol = 20,
}

impl Substance {
    /// All substances, in the list's order.
    pub const ALL: [Self; 20] = [
        Self::AmmoniumNitrate,
        Self::Nitrocellulose,
        Self::PotassiumChlorate,
        Self::SodiumChlorate,
        Self::Chlorine,
        Self::Ammonia,
        Self::MethylIsocyanate,
        Self::DimethylSulfate,
        Self::SodiumCyanide,
        Self::PotassiumCyanide,
        Self::LiquefiedPetroleumGas,
        Self::LiquefiedNaturalGas,
        Self::EthyleneOxide,
        Self::VinylChloride,
        Self::DimethylEther,
        Self::Gasoline,
        Self::PropyleneOxide,
        Self::CarbonDisulfide,
        Self::Methanol,
        Self::Ethanol,
    ];

    /// Its number on the special-control list, 1 to 20.
    pub const fn special_control_seq(self) -> u8 {
        self as u8
    }

    /// Its stable code: upper-case ASCII letters and digits, at most 8 bytes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AmmoniumNitrate => "AN",
            Self::Nitrocellulose => "NC",
            Self::PotassiumChlorate => "KCLO3",
            Self::SodiumChlorate => "NACLO3",
            Self::Chlorine => "CL2",
            Self::Ammonia => "NH3",
            Self::MethylIsocyanate => "MIC",
            Self::DimethylSulfate => "DMS",
            Self::SodiumCyanide => "NACN",
            Self::PotassiumCyanide => "KCN",
            Self::LiquefiedPetroleumGas => "LPG",
            Self::LiquefiedNaturalGas => "LNG",
            Self::EthyleneOxide => "EO",
            Self::VinylChloride => "VCM",
            Self::DimethylEther => "DME",
            Self::Gasoline => "GASOLINE",
            Self::PropyleneOxide => "PO",
            Self::CarbonDisulfide => "CS2",
            Self::Methanol => "MEOH",
            Self::Ethanol => "ETOH",
        }
    }
}

impl fmt::Display for Substance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// A text that is no substance's code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a substance code; use one such as AN, NC or NACN")]
pub struct SubstanceError(String);

impl FromStr for Substance {
    type Err = SubstanceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|substance| substance.code() == text)
            .ok_or_else(|| SubstanceError(text.chars().take(16).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_stands_at_its_list_number() {
        for (substance, seq) in Substance::ALL.into_iter().zip(1..) {
            assert_eq!(substance.special_control_seq(), seq);
            assert_eq!(substance.code().parse(), Ok(substance));
            assert!(substance.code().len() <= 8);
        }
    }

    #[test]
    fn an_unknown_code_is_refused_by_name() {
        let error = "nacn".parse::<Substance>().map_err(|e| e.to_string());
        assert_eq!(
            error,
            Err("\"nacn\" is not a substance code; use one such as AN, NC or NACN".into())
        );
    }
}

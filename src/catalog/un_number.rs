//! UN numbers of the Model Regulations on the transport of dangerous goods.

use std::fmt;
use std::str::FromStr;

/// A UN number, shown as its four digits without `UN`, such as `0340`.
/// That the number is assigned is not checked: the list grows with each edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnNumber(u16);

/// Why a text is not a UN number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnNumberError {
    /// Not exactly four ASCII digits.
    #[error("a UN number is exactly four digits without the letters UN, as in 0340")]
    Shape,
    /// `0000`, which means none.
    #[error("0000 is no UN number; leave the field empty where there is none")]
    Zero,
}

impl UnNumber {
    /// The number, 1 to 9999.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl FromStr for UnNumber {
    type Err = UnNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 4 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(UnNumberError::Shape);
        }
        match text.parse() {
            Ok(0) => Err(UnNumberError::Zero),
            Ok(number) => Ok(Self(number)),
            Err(_) => Err(UnNumberError::Shape),
        }
    }
}

impl fmt::Display for UnNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits_read_back_with_their_leading_zero() {
        for text in ["0340", "1689", "3414"] {
            assert_eq!(
                text.parse::<UnNumber>().map(|un| un.to_string()),
                Ok(text.into())
            );
        }
        assert_eq!("0340".parse::<UnNumber>().map(UnNumber::get), Ok(340));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["340", "UN0340", "00340", "+340", "034O", "０３４０", ""] {
            assert_eq!(
                text.parse::<UnNumber>(),
                Err(UnNumberError::Shape),
                "{text}"
            );
        }
        assert_eq!("0000".parse::<UnNumber>(), Err(UnNumberError::Zero));
    }
}

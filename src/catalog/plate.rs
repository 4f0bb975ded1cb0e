//! Plates of road vehicles of China: the province's sign, the city's letter,
//! and five characters (six of a new-energy vehicle), of which the last may be
//! a word for what the vehicle is, such as a trailer's 挂.

/// Signs of the provinces, as plates begin.
const PROVINCES: &str = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新";
/// Words that a plate may end in: trailer, learner, police, over-size, Hong
/// Kong, Macao.
const ENDINGS: &str = "挂学警超港澳";

/// A text that is no plate of China.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a plate of China is a province's sign, a letter and 5 or 6 characters, as in 蒙A12345")]
pub struct PlateError;

/// Whether a text is a plate of China.
pub fn check_plate(text: &str) -> Result<(), PlateError> {
    let mut characters = text.chars();
    let province = characters.next().is_some_and(|c| PROVINCES.contains(c));
    let city = characters.next().is_some_and(|c| c.is_ascii_uppercase());
    let rest: Vec<char> = characters.collect();
    // Neither I nor O, which read as 1 and 0.
    let usual =
        |c: &char| c.is_ascii_digit() || (c.is_ascii_uppercase() && !matches!(*c, 'I' | 'O'));
    let serial = match rest.split_last() {
        Some((last, before)) if ENDINGS.contains(*last) => before.iter().all(usual),
        _ => rest.iter().all(usual),
    };
    if province && city && serial && matches!(rest.len(), 5 | 6) {
        return Ok(());
    }
    Err(PlateError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plates_are_told_from_what_is_none() {
        for good in [
            "蒙A12345",
            "蒙B1234挂",
            "京AD12345",
            "冀B8K12超",
            "粤Z1234港",
        ] {
            assert_eq!(check_plate(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "蒙",
            "蒙A",
            "蒙A1234",
            "蒙A1234567",
            "X12345",
            "蒙a12345",
            "蒙A1234O",
            "蒙A 1234",
            "蒙A挂1234",
        ] {
            assert_eq!(check_plate(bad), Err(PlateError), "{bad}");
        }
    }
}

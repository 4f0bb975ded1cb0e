//! Finding personal data in free text, so that it is refused before it enters
//! a journal that nobody can erase.
//!
//! Two things are looked for: an eighteen-character resident identity number
//! (GB 11643) and a mainland mobile number. Landlines, 400 numbers and duty
//! telephones of posts pass. This is a net against the ordinary mistake, not
//! against someone who wants to smuggle a number in: names, fifteen-digit
//! identity numbers of before 1999 and numbers spelt out in words pass.
//!
//! What could be confused is kept apart so:
//! - an identity number needs a province, a birth date that exists and the
//!   check character; a USCC, an SSCC or a timestamp has that by rare chance;
//! - a mobile number must be a whole run of digits not joined to letters, so
//!   hexadecimal digests and lot labels pass. Eleven bare digits that begin
//!   13 to 19 are refused whatever they were meant to be, which includes
//!   eleven-digit serials that begin with Inner Mongolia's 15.

use super::region;

/// Digits of a mobile number.
const MOBILE_LEN: usize = 11;
/// Characters of an identity number.
const IDENTITY_LEN: usize = 18;
/// Weights of an identity number's first seventeen digits (GB 11643).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// Check characters by Σ mod 11 (GB 11643).
const CHECKS: &[u8; 11] = b"10X98765432";
/// Letters that announce a telephone number when written right before it.
const TELEPHONE_WORDS: [&str; 8] = [
    "tel", "phone", "mobile", "mob", "cell", "mp", "shouji", "dianhua",
];

/// What kind of personal data a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PersonalData {
    /// A resident identity number.
    Identity,
    /// A mobile telephone number.
    MobilePhone,
}

/// The first personal data found in `text`, if any. Full-width digits and
/// letters count as their ASCII twins, and numbers written in groups
/// (`138 1234 5678`, `150102-19900307-0015`) as whole. One pass: the time is
/// linear in the text's length.
pub fn personal_data(text: &str) -> Option<PersonalData> {
    let plain: String = text.chars().map(half_width).collect();
    for word in plain.split(|c: char| !c.is_ascii_alphanumeric()) {
        if let Some(found) = in_word(word) {
            return Some(found);
        }
    }
    [' ', '-']
        .into_iter()
        .find_map(|separator| in_groups(&plain, separator))
}

/// Chinese input methods write digits and letters full-width.
fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}

/// Looks into one run of ASCII letters and digits.
fn in_word(word: &str) -> Option<PersonalData> {
    let mut rest = word;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (_, digits_on) = rest.split_at(start);
        let end = digits_on
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(digits_on.len());
        let (digits, after) = digits_on.split_at(end);
        let ends_in_x = after.starts_with(['X', 'x']) && digits.len() + 1 == IDENTITY_LEN;
        if is_identity(digits) || (ends_in_x && is_identity(&format!("{digits}X"))) {
            return Some(PersonalData::Identity);
        }
        let before = word
            .len()
            .checked_sub(digits_on.len())
            .and_then(|at| word.get(..at))
            .unwrap_or_default();
        let announced = before.is_empty()
            || TELEPHONE_WORDS
                .iter()
                .any(|label| before.eq_ignore_ascii_case(label));
        if announced && after.is_empty() && is_mobile(without_country(digits)) {
            return Some(PersonalData::MobilePhone);
        }
        rest = after;
    }
    None
}

/// The eleven digits after China's `0086` or `86`. No thirteen-digit EAN is
/// lost by it: GS1 has not assigned the prefix 861.
fn without_country(digits: &str) -> &str {
    let bare = digits
        .strip_prefix("0086")
        .or_else(|| digits.strip_prefix("86"));
    bare.filter(|bare| bare.len() == MOBILE_LEN)
        .unwrap_or(digits)
}

/// Looks for numbers written in groups that one `separator` each parts.
fn in_groups(text: &str, separator: char) -> Option<PersonalData> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != separator)
        .find_map(|phrase| {
            let mut chain: Vec<&str> = Vec::new();
            // The empty group closes the last chain.
            for group in phrase.split(separator).chain([""]) {
                let (last, head) = match group.strip_suffix(['X', 'x']) {
                    Some(head) => (true, head),
                    None => (false, group),
                };
                let numeric = !head.is_empty() && head.bytes().all(|b| b.is_ascii_digit());
                if numeric {
                    chain.push(group);
                }
                if !numeric || last {
                    if let Some(found) = in_chain(&chain) {
                        return Some(found);
                    }
                    chain.clear();
                }
            }
            None
        })
}

fn in_chain(groups: &[&str]) -> Option<PersonalData> {
    let national = match groups {
        ["86" | "0086", rest @ ..] => rest,
        _ => groups,
    };
    let lengths: Vec<usize> = national.iter().map(|group| group.len()).collect();
    if lengths == [3, 4, 4] && is_mobile(&national.concat()) {
        return Some(PersonalData::MobilePhone);
    }
    let total: usize = groups.iter().map(|group| group.len()).sum();
    if total == IDENTITY_LEN && is_identity(&groups.concat().to_ascii_uppercase()) {
        return Some(PersonalData::Identity);
    }
    None
}

fn is_mobile(digits: &str) -> bool {
    let mut bytes = digits.bytes();
    digits.len() == MOBILE_LEN
        && bytes.next() == Some(b'1')
        && matches!(bytes.next(), Some(b'3'..=b'9'))
        && bytes.all(|b| b.is_ascii_digit())
}

/// Region (6), birth date (8), order (3), check (1), as GB 11643 has them.
fn is_identity(text: &str) -> bool {
    let Ok(characters) = <[u8; IDENTITY_LEN]>::try_from(text.as_bytes()) else {
        return false;
    };
    let [a, b, .., check] = characters;
    let values = characters.iter().map(|&c| char::from(c).to_digit(10));
    let Some(values) = values.take(17).collect::<Option<Vec<u32>>>() else {
        return false;
    };
    let sum: u32 = values.iter().zip(WEIGHTS).map(|(v, w)| v * w).sum();
    let expected = CHECKS.iter().zip(0..).find(|(_, at)| *at == sum % 11);
    region::is_province([a, b])
        && expected.is_some_and(|(&c, _)| c == check)
        && text.get(6..14).is_some_and(is_birth_date)
}

/// Whether eight digits are a date of the years 1900 to 2099.
fn is_birth_date(digits: &str) -> bool {
    let part = |range| digits.get(range).and_then(|d: &str| d.parse::<u32>().ok());
    let (Some(year), Some(month), Some(day)) = (part(0..4), part(4..6), part(6..8)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1900..2100).contains(&year) && (1..=days).contains(&day)
}

#[cfg(test)]
#[path = "personal_data_tests.rs"]
mod tests;

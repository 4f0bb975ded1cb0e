//! What papers say, field by field: texts, telephones of posts, permit numbers,
//! commitments, days. A field that is left out passes here; whether it may be
//! left out is for the rule packs.

use bytes::Bytes;

use super::fields;
use crate::catalog::{Confidence, Need, PaperField};
use crate::event::codes::Refused;
use crate::pb::{PaperParty, PaperPerson, PaperPlace};

/// Bytes of an enterprise's name, at most.
pub(super) const MAX_NAME: usize = 128;
/// Bytes of an address, at most.
const MAX_ADDRESS: usize = 256;
/// Digits of a telephone number: a short number, and with country and extension.
const TELEPHONE_DIGITS: std::ops::RangeInclusive<usize> = 3..=20;
/// Characters of a permit's number.
const PERMIT_CHARACTERS: std::ops::RangeInclusive<usize> = 4..=40;

/// An enterprise's block of a paper.
pub(super) fn party(party: Option<&PaperParty>, field: &str) -> Result<(), Refused> {
    let Some(p) = party else {
        return Ok(());
    };
    let check = || {
        fields::optional_text(&p.name, MAX_NAME, "name")?;
        telephone(&p.phone, "phone")?;
        telephone(&p.emergency_phone, "emergency_phone")?;
        commitment(&p.contact, "contact")?;
        permit(&p.permit, "permit")?;
        fields::optional_text(&p.address, MAX_ADDRESS, "address")
    };
    check().map_err(|r| r.within(field))
}

/// Somebody who is named by commitments alone.
pub(super) fn person(p: &PaperPerson, field: &str) -> Result<(), Refused> {
    let check = || {
        commitment(&p.person, "person")?;
        commitment(&p.qualification, "qualification")?;
        commitment(&p.phone, "phone")
    };
    check().map_err(|r| r.within(field))
}

/// Where a journey begins or ends.
pub(super) fn place(place: Option<&PaperPlace>, field: &str) -> Result<(), Refused> {
    let Some(p) = place else {
        return Ok(());
    };
    let check = || {
        if !p.region.is_empty() {
            fields::region(&p.region, "region")?;
        }
        fields::optional_text(&p.address, MAX_ADDRESS, "address")
    };
    check().map_err(|r| r.within(field))
}

/// A post's telephone; a mobile number is a person's, and refused as such.
pub(super) fn telephone(text: &str, field: &str) -> Result<(), Refused> {
    fields::optional_text(text, fields::MAX_SHORT, field)?;
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | ' ');
    if text.is_empty() || (TELEPHONE_DIGITS.contains(&digits) && text.chars().all(allowed)) {
        return Ok(());
    }
    Err(Refused::invalid(
        field,
        "a post's telephone is wanted, as in 0471-4567890",
    ))
}

/// A permit or certificate of an enterprise or a vehicle, by number.
pub(super) fn permit(text: &str, field: &str) -> Result<(), Refused> {
    fields::optional_text(text, MAX_NAME, field)?;
    let marks = "-/()[]（）〔〕【】";
    let allowed = |c: char| c.is_alphanumeric() || marks.contains(c);
    let sound = PERMIT_CHARACTERS.contains(&text.chars().count())
        && text.chars().all(allowed)
        && text.bytes().any(|b| b.is_ascii_digit());
    if text.is_empty() || sound {
        return Ok(());
    }
    Err(Refused::invalid(
        field,
        "a number of 4 to 40 letters and digits is wanted, as in 150100012345",
    ))
}

/// A commitment, or none.
pub(super) fn commitment(value: &Bytes, field: &str) -> Result<(), Refused> {
    if value.is_empty() {
        return Ok(());
    }
    fields::hash(value, field)
}

/// A time, or none: 0.
pub(super) fn time(ms: i64, field: &str) -> Result<(), Refused> {
    if ms < 0 {
        return Err(Refused::invalid(field, "a time before 1970"));
    }
    Ok(())
}

/// The fields of a form that must be filled in and are not.
pub(super) fn missing(
    form: impl Iterator<Item = &'static PaperField>,
    holds: impl Fn(&str) -> bool,
    stated: impl Fn(&str) -> bool,
) -> Vec<&'static PaperField> {
    let wanted = |field: &&PaperField| match field.need {
        Need::Mandatory => true,
        Need::Conditional => field.when.is_some_and(&holds),
        Need::Optional => false,
    };
    form.filter(wanted)
        .filter(|field| !stated(field.code))
        .collect()
}

/// Fields for people: code and Chinese name, and which are not sure.
pub(super) fn named(fields: &[&PaperField]) -> String {
    let name = |field: &&PaperField| {
        let doubt = match field.confidence {
            Confidence::High => "",
            _ => "?",
        };
        format!("{} {}{doubt}", field.code, field.name_zh)
    };
    let all: Vec<String> = fields.iter().map(name).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::RefusalCode;

    #[test]
    fn a_posts_telephone_passes_and_a_persons_does_not() {
        for good in [
            "",
            "119",
            "0471-4567890",
            "+86 (471) 4567890",
            "400-810-8888-12",
        ] {
            assert!(telephone(good, "phone").is_ok(), "{good}");
        }
        let code = |text: &str| telephone(text, "phone").err().map(|r| r.code);
        assert_eq!(code("13812345678"), Some(RefusalCode::PersonalData));
        assert_eq!(code("12"), Some(RefusalCode::FieldInvalid));
        assert_eq!(code("ask for Li"), Some(RefusalCode::FieldInvalid));
    }

    #[test]
    fn a_permit_has_a_number() {
        for good in [
            "",
            "150100012345",
            "蒙交运管许可字〔2024〕0117号",
            "C-1501002026001",
        ] {
            assert!(permit(good, "permit").is_ok(), "{good}");
        }
        for bad in ["123", "none", "15 01 00", "许可证"] {
            assert!(permit(bad, "permit").is_err(), "{bad}");
        }
    }
}

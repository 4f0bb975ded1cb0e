//! Checking what an event says, field by field, before the books are opened.

use bytes::Bytes;

use crate::catalog::{self, Form, RegionCode, Uscc};
use crate::custody::ranges;
use crate::event::codes::Refused;
use crate::event::mass::PPM;
use crate::pb::{DocumentRef, ExternalRef, RefusalCode, SerialRange};

/// Bytes of a short text (label, place, waybill), at most.
pub(super) const MAX_SHORT: usize = 64;
/// Bytes of a free text (reason, description), at most.
pub(super) const MAX_TEXT: usize = 512;
/// Documents of an event, at most.
pub(super) const MAX_DOCUMENTS: usize = 8;

/// A text of 1 to `max` bytes without personal data.
pub(super) fn text(value: &str, max: usize, field: &str) -> Result<(), Refused> {
    if value.is_empty() {
        return Err(Refused::missing(field));
    }
    optional_text(value, max, field)
}

/// The same, or empty.
pub(super) fn optional_text(value: &str, max: usize, field: &str) -> Result<(), Refused> {
    if value.len() > max {
        return Err(Refused::invalid(
            field,
            format!("{} bytes; at most {max}", value.len()),
        ));
    }
    if value.chars().any(char::is_control) {
        return Err(Refused::invalid(field, "control characters"));
    }
    match catalog::personal_data(value) {
        Some(kind) => Err(Refused::new(RefusalCode::PersonalData, field)
            .detail(format!("it looks like personal data ({kind:?})"))),
        None => Ok(()),
    }
}

/// A registrant's own code for a site, place or unit.
pub(super) fn code(value: &str, field: &str) -> Result<(), Refused> {
    if value.is_empty() {
        return Err(Refused::missing(field));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if value.len() > 32 || !value.chars().all(allowed) {
        return Err(Refused::invalid(
            field,
            "1 to 32 letters, digits, '-', '_' or '.' are wanted",
        ));
    }
    Ok(())
}

/// A party's code with both check digits (GB 32100).
pub(super) fn party_code(value: &str, field: &str) -> Result<(), Refused> {
    value
        .parse::<Uscc>()
        .map(drop)
        .map_err(|error| Refused::invalid(field, error.to_string()))
}

/// A region's code (GB/T 2260).
pub(super) fn region(value: &str, field: &str) -> Result<(), Refused> {
    value
        .parse::<RegionCode>()
        .map(drop)
        .map_err(|error| Refused::invalid(field, error.to_string()))
}

/// A position on the earth, WGS 84, millionths of a degree.
pub(super) fn position(longitude_e6: i32, latitude_e6: i32) -> Result<(), Refused> {
    if longitude_e6.unsigned_abs() > 180_000_000 || latitude_e6.unsigned_abs() > 90_000_000 {
        return Err(Refused::invalid("longitude_e6", "beyond 180 or 90 degrees"));
    }
    Ok(())
}

/// A country (ISO 3166-1 alpha-2).
pub(super) fn country(value: &str, field: &str) -> Result<(), Refused> {
    if value.len() == 2 && value.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(Refused::invalid(
        field,
        "two capital letters (ISO 3166-1 alpha-2) are wanted",
    ))
}

/// A BLAKE3 hash of 32 bytes.
pub(super) fn hash(value: &Bytes, field: &str) -> Result<(), Refused> {
    match value.len() {
        32 => Ok(()),
        n => Err(Refused::invalid(field, format!("{n} bytes; 32 are wanted"))),
    }
}

/// Papers by kind and hash.
pub(super) fn documents(documents: &[DocumentRef]) -> Result<(), Refused> {
    if documents.len() > MAX_DOCUMENTS {
        return Err(Refused::invalid(
            "documents",
            format!("at most {MAX_DOCUMENTS}"),
        ));
    }
    documents.iter().try_for_each(|d| {
        text(&d.kind, MAX_SHORT, "documents.kind")?;
        hash(&d.hash, "documents.hash")
    })
}

/// References into other systems.
pub(super) fn external_refs(refs: &[ExternalRef]) -> Result<(), Refused> {
    refs.iter().try_for_each(|r| {
        let (system, number) = ("external_refs.system", "external_refs.number");
        if r.system.is_empty() || r.system.len() > 32 {
            return Err(Refused::invalid(system, "1 to 32 bytes are wanted"));
        }
        if r.number.is_empty() || r.number.len() > MAX_SHORT {
            return Err(Refused::invalid(number, "1 to 64 bytes are wanted"));
        }
        Ok(())
    })
}

/// A form of the catalogue.
pub(super) fn form(value: &str, field: &str) -> Result<&'static Form, Refused> {
    catalog::form(value)
        .ok_or_else(|| Refused::new(RefusalCode::UnknownForm, field).detail(format!("'{value}'")))
}

/// A measured content.
pub(super) fn content(ppm: u32, field: &str) -> Result<(), Refused> {
    match ppm {
        1..=PPM => Ok(()),
        _ => Err(Refused::new(RefusalCode::ContentInvalid, field).detail(format!("{ppm} ppm"))),
    }
}

/// Serial ranges, ascending and disjoint; may be none.
pub(super) fn serials(list: &[SerialRange], field: &str) -> Result<(), Refused> {
    if ranges::is_sound(list) {
        return Ok(());
    }
    let overlap = list.iter().enumerate().any(|(i, a)| {
        list.iter()
            .skip(i + 1)
            .any(|b| a.first <= b.last && b.first <= a.last)
    });
    let code = if overlap {
        RefusalCode::SerialsOverlap
    } else {
        RefusalCode::SerialsInvalid
    };
    Err(Refused::new(code, field).detail(ranges::show(list)))
}

//! What the law names: substances and their regulated forms, the national
//! special-control list, regions, and the identifiers that carry check digits;
//! and what the ledger's own codes are called and mean.
//!
//! Facts live in `data/*.csv`, one row each with its source and how sure we
//! are of it ([`Confidence`]); they are compiled in, so a deployed binary
//! cannot meet a catalogue it does not know. Should an embedded table ever fail
//! to parse, it reads as empty and every code is unknown, so the ledger refuses
//! rather than guesses; [`check`] names the row, and start-up should call it.
//!
//! What this is not: it holds no rule of conduct (those are dated rule packs),
//! decides nothing, and reads no file and no clock.
//!
//! A fact whose confidence is not [`Confidence::High`] must stay configurable
//! by a rule pack and never by itself cause a refusal.

mod agency;
mod cas;
mod code;
mod container;
mod form;
mod form_limit;
mod manifest_number;
mod national;
mod paper_field;
mod personal_data;
mod plate;
mod region;
mod segregation;
mod special_control;
mod sscc;
mod substance;
mod table;
mod transport;
mod un_number;
mod uscc;

pub use agency::{Agency, agencies, agency};
pub use cas::{Cas, CasError};
pub use code::{Article, Code, CodeKind, codes, finding_code, refusal_code};
pub use container::{ContainerError, ContainerNumber};
pub use form::{Form, FormCode, FormError, MILLIGRAMS_PER_TONNE, form, forms};
pub use form_limit::{Figure, FormLimit, Side, becomes, depends_on_assay, form_limits};
pub use manifest_number::{ManifestNumberError, check_manifest_number};
pub use national::{NationalRule, national_packs, national_rules};
pub use paper_field::{ManifestPart, Need, PaperField, manifest_fields, waybill_fields};
pub use personal_data::{PersonalData, personal_data};
pub use plate::{PlateError, check_plate};
pub use region::{Region, RegionCode, RegionError, RegionKind, region, regions};
pub use segregation::{Segregation, segregation};
pub use special_control::{SpecialControl, special_control};
pub use sscc::{Sscc, SsccError};
pub use substance::{Substance, SubstanceError};
pub use table::{Confidence, TableError};
pub use transport::{TransportNumberError, WagonNumber, check_air_waybill, check_imo};
pub use un_number::{UnNumber, UnNumberError};
pub use uscc::{Uscc, UsccError};

/// Whether every embedded table parses; the error names file, line and column.
/// Start-up calls it, so that an unreadable catalogue is reported as such and
/// not as a thousand unknown codes.
pub fn check() -> Result<(), TableError> {
    form::parsed()?;
    form_limit::parsed()?;
    special_control::parsed()?;
    region::parsed()?;
    code::parsed()?;
    paper_field::parsed()?;
    agency::parsed()?;
    national::parsed()?;
    segregation::parsed()?;
    Ok(())
}

//! Regulated forms: a substance in the state, strength and wetting that decide
//! its UN number, its class and its GB 18218 critical quantity.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use super::table::{self, Confidence, Row, TableError};
use super::{Cas, Substance, UnNumber};

/// The ledger counts milligrams, the standards tonnes.
pub const MILLIGRAMS_PER_TONNE: i64 = 1_000_000_000;
/// Decimal places of a tonne in [`MILLIGRAMS_PER_TONNE`].
const TONNE_PLACES: usize = 9;

/// A form's stable code: the substance's code, a hyphen and the four digits of
/// the UN number, such as `NACN-3414`. At most 32 bytes of ASCII; never reused
/// for another form. A value always names a form of the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FormCode(&'static str);

impl FormCode {
    /// Greatest length in bytes of any code, now and later.
    pub const MAX_LEN: usize = 32;

    /// The code's text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for FormCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for FormCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FormCode({})", self.0)
    }
}

/// A text that is no form's code; holds its first characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not the code of a regulated form; use one such as NACN-1689, substance and UN number"
)]
pub struct FormError(String);

impl FromStr for FormCode {
    type Err = FormError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        form(text)
            .map(|form| form.code)
            .ok_or_else(|| FormError(text.chars().take(Self::MAX_LEN).collect()))
    }
}

/// One regulated form. `None` means that the sources do not establish the
/// fact, which is not the same as no.
#[derive(Clone, Debug)]
pub struct Form {
    /// Its stable code.
    pub code: FormCode,
    /// The substance whose contained mass it carries.
    pub substance: Substance,
    /// Its Chinese name, with the limits that define it.
    pub name_zh: &'static str,
    /// Its English name.
    pub name_en: &'static str,
    /// CAS number; a mixture such as a fertiliser has none.
    pub cas: Option<Cas>,
    /// UN number (UN Model Regulations).
    pub un: UnNumber,
    /// Primary class or division, with the compatibility group of an
    /// explosive: `6.1`, `1.1D`.
    pub class_division: &'static str,
    /// Packing group or groups, such as `II` or `I/II/III`; gases, explosives
    /// and some others have none.
    pub packing_group: Option<&'static str>,
    /// GB 18218-2018 hazard symbol that gives β where table 3 does not name
    /// the substance: `J2`, `W1.1`.
    pub gb18218_symbol: Option<&'static str>,
    /// GB 18218-2018 critical quantity Q in milligrams: table 1 by name, else
    /// table 2 by class.
    pub critical_quantity_mg: Option<i64>,
    /// GB 18218-2018 correction factor β in tenths: 15 is 1.5.
    pub beta_tenths: Option<i64>,
    /// Whether it is an explosive precursor (易制爆, list of 2017).
    pub explosive_precursor: Option<bool>,
    /// Whether it is a highly toxic chemical (剧毒, catalogue of 2015).
    pub highly_toxic: Option<bool>,
    /// Its line on the special-control list, where it falls under one.
    pub special_control: Option<u8>,
    /// What 100 % contained means: `100 % NaCN`, `dry nitrocellulose`.
    pub contained_basis: &'static str,
    /// Conditions and doubts.
    pub note: Option<&'static str>,
    /// Where the row comes from.
    pub source: &'static str,
    /// How sure the row is.
    pub confidence: Confidence,
}

struct Forms {
    rows: Vec<Form>,
    by_code: BTreeMap<&'static str, usize>,
}

static FORMS: LazyLock<Result<Forms, TableError>> = LazyLock::new(|| {
    let rows = table::rows("forms.csv", include_str!("data/forms.csv"))?
        .iter()
        .map(read)
        .collect::<Result<Vec<_>, _>>()?;
    let codes = rows.iter().map(|form| form.code.as_str());
    let by_code = codes.zip(0..).collect();
    Ok(Forms { rows, by_code })
});

fn read(row: &Row) -> Result<Form, TableError> {
    let substance: Substance = row.value("substance")?;
    let un: UnNumber = row.value("un")?;
    let code = row.text("code")?;
    if code != format!("{substance}-{un}") {
        return Err(row.error(
            "code",
            "is not the substance's code, a hyphen and the UN number",
        ));
    }
    Ok(Form {
        code: FormCode(code),
        substance,
        name_zh: row.text("name_zh")?,
        name_en: row.text("name_en")?,
        cas: row.optional_value("cas")?,
        un,
        class_division: row.text("class_division")?,
        packing_group: row.optional("packing_group")?,
        gb18218_symbol: row.optional("gb18218_symbol")?,
        critical_quantity_mg: row.scaled("q_tonnes", TONNE_PLACES)?,
        beta_tenths: row.scaled("beta", 1)?,
        explosive_precursor: row.flag("explosive_precursor")?,
        highly_toxic: row.flag("highly_toxic")?,
        special_control: row.optional_value("special_control_seq")?,
        contained_basis: row.text("contained_basis")?,
        note: row.optional("note")?,
        source: row.text("source")?,
        confidence: row.value("confidence")?,
    })
}

pub(super) fn parsed() -> Result<&'static [Form], TableError> {
    match &*FORMS {
        Ok(forms) => Ok(&forms.rows),
        Err(error) => Err(error.clone()),
    }
}

/// Every form of the catalogue.
pub fn forms() -> &'static [Form] {
    parsed().unwrap_or_default()
}

/// The form with this code, if the catalogue knows it.
pub fn form(code: &str) -> Option<&'static Form> {
    let forms = FORMS.as_ref().ok()?;
    forms.rows.get(*forms.by_code.get(code)?)
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;

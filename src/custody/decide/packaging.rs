//! What becomes of empties: cleaned, destroyed, returned to service. Until
//! then an uncleaned one is tracked like what was in it.

use super::Case;
use super::fields::{self, MAX_SHORT};
use super::goods::{self, Reserved};
use super::store::late;
use crate::custody::draft::Draft;
use crate::custody::{account, packaging, subject};
use crate::event::codes::Refused;
use crate::pb::change::Change as C;
use crate::pb::{
    FindingCode, PackageRange, PackageState, PackagesCleaned, PackagesEnded, PackagingTreated,
    PackagingTreatment as Treatment, RefusalCode, Severity,
};

pub(super) fn treated(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &PackagingTreated,
) -> Result<(), Refused> {
    if e.treatment() == Treatment::Unspecified || e.serials.is_empty() {
        let field = match e.treatment() {
            Treatment::Unspecified => "treatment",
            _ => "serials",
        };
        return Err(Refused::missing(field));
    }
    fields::text(&e.method, MAX_SHORT, "method")?;
    if !e.certificate_hash.is_empty() {
        fields::hash(&e.certificate_hash, "certificate_hash")?;
    }
    fields::serials(&e.serials, "serials")?;
    goods::fact_place(draft, case.party(), &e.place)?;
    let (id, state) = goods::lot_of(draft, &e.lot)?;
    let at = account::held(case.party(), &e.place);
    let empties = goods::packages(&state, &e.serials, &at)?;
    goods::free_packages(draft, id, &empties, Reserved::Refuse)?;
    fit(e.treatment(), &empties)?;
    late(draft, case, id);
    super::parts::leave_outers(draft, id, &e.serials)?;
    for p in &empties {
        let (first, last) = (p.first, p.last);
        let change = match e.treatment() {
            Treatment::Cleaned => C::PackagesCleaned(PackagesCleaned { first, last }),
            _ => C::PackagesEnded(PackagesEnded { first, last }),
        };
        draft.emit(&subject::lot(id), change)?;
    }
    if e.certificate_hash.is_empty() {
        draft.find(
            FindingCode::PapersMissing,
            Severity::Warning,
            &subject::lot(id),
            case.party(),
            0,
            "no certificate of cleaning or destruction",
        );
    }
    Ok(())
}

/// Whether a treatment fits the packages: nothing is in them; what is cleaned
/// was not, and what goes back to service was.
fn fit(treatment: Treatment, empties: &[PackageRange]) -> Result<(), Refused> {
    for p in empties {
        let code = match (p.state(), treatment) {
            (PackageState::Full | PackageState::Open, _) => RefusalCode::PackageNotEmpty,
            (PackageState::Empty, Treatment::Returned) => RefusalCode::PackageNotCleaned,
            (PackageState::Cleaned, Treatment::Cleaned) => RefusalCode::NoChange,
            _ => continue,
        };
        let detail = format!("package {} is {}", p.first, packaging::show(p.state()));
        return Err(Refused::new(code, "serials").detail(detail));
    }
    Ok(())
}

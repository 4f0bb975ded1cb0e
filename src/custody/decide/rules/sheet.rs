//! What each rule is called when it is broken. One table.

use crate::pb::{FindingCode, RefusalCode, RuleKind, Severity};

/// A rule's codes.
#[derive(Clone, Copy)]
pub(super) struct Sheet {
    /// Where an act that would authorise is refused; none: it never is.
    pub(super) refusal: Option<RefusalCode>,
    pub(super) finding: FindingCode,
    pub(super) severity: Severity,
}

/// The codes of a rule; `None` for one that sets a figure for something else, or
/// has codes of its own (the blacklist).
pub(super) fn of(rule: RuleKind) -> Option<Sheet> {
    use FindingCode as F;
    use RefusalCode as R;
    use RuleKind as K;
    use Severity::{Alarm, Notice, Warning};
    let (refusal, finding, severity) = match rule {
        K::RoadPass => (Some(R::RoadPass), F::RoadPass, Alarm),
        K::VehicleCertificate => (Some(R::VehicleCertificate), F::VehicleCertificate, Warning),
        K::TankInspection => (Some(R::TankInspection), F::TankInspection, Alarm),
        K::TankMedia => (Some(R::TankMedia), F::TankMedia, Alarm),
        K::DriverQualification => (
            Some(R::DriverQualification),
            F::DriverQualification,
            Warning,
        ),
        K::EscortQualification => (
            Some(R::EscortQualification),
            F::EscortQualification,
            Warning,
        ),
        K::LoadingChecks => (Some(R::LoadingChecks), F::LoadingChecks, Warning),
        K::PapersPassedOn => (Some(R::PapersNotPassedOn), F::PapersNotPassedOn, Warning),
        K::GiverPermit => (Some(R::GiverPermit), F::GiverPermit, Warning),
        K::TakerPermit => (Some(R::TakerPermit), F::TakerPermit, Warning),
        K::CarrierPermit => (Some(R::CarrierPermit), F::CarrierPermit, Warning),
        K::DisposerPermit => (Some(R::DisposerPermit), F::DisposerPermit, Warning),
        K::PurchaseRight => (Some(R::PurchaseRight), F::PurchaseRight, Alarm),
        K::PurchaseQuantity => (Some(R::PurchaseQuantity), F::PurchaseQuantity, Alarm),
        K::Lending => (Some(R::Lending), F::Lending, Alarm),
        K::Prohibited => (Some(R::Prohibited), F::Prohibited, Alarm),
        K::Restricted => (Some(R::Restricted), F::Restricted, Warning),
        K::Controlled => (None, F::Controlled, Notice),
        K::Payment => (Some(R::Payment), F::Payment, Alarm),
        K::OnlineSale => (Some(R::OnlineSale), F::OnlineSale, Alarm),
        K::Individual => (Some(R::Individual), F::Individual, Alarm),
        K::DesignMaximum => (None, F::DesignMaximumExceeded, Alarm),
        K::StoredQuantity => (None, F::StoredBeyondPermit, Alarm),
        K::IncompatibleGoods => (None, F::IncompatibleGoods, Alarm),
        K::Stack => (None, F::StackTooLarge, Warning),
        K::TwoPersons => (None, F::OnePerson, Warning),
        K::Filing => (None, F::FiledLate, Warning),
        K::Wetting => (None, F::WettingTooLow, Alarm),
        K::LongStop => (None, F::LongStop, Warning),
        K::DrivingTime | K::NightDriving => (None, F::DrivenTooLong, Warning),
        K::DriverRest => (None, F::RestedTooLittle, Warning),
        K::HandoffDue => (None, F::HandoffOverdue, Warning),
        K::CarriageDue => (None, F::CarriageOverdue, Warning),
        K::WasteReceiptDue => (None, F::WasteReceiptOverdue, Warning),
        K::DeviceSilent => (None, F::DeviceSilent, Warning),
        K::StockTakeDue => (None, F::StockTakeOverdue, Warning),
        K::WaybillFields => (Some(R::WaybillFieldsMissing), F::WaybillIncomplete, Warning),
        K::ManifestFields => (
            Some(R::ManifestFieldsMissing),
            F::ManifestIncomplete,
            Warning,
        ),
        _ => return None,
    };
    Some(Sheet {
        refusal,
        finding,
        severity,
    })
}

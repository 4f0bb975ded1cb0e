//! The transport pass for highly toxic goods by road: whether it is one, stands
//! on the day, and names this consignment.

use super::judged::Fault;
use crate::catalog::Substance;
use crate::custody::draft::Draft;
use crate::custody::subject::{self, Item};
use crate::custody::succession;
use crate::event::mass::Mass;
use crate::event::when::shown;
use crate::pb::{MassBasis, PermitKind, PermitRegistered, PermitStatus};

/// A consignment, as its pass would have to name it.
pub(super) struct Named<'a> {
    /// Of the pass.
    pub(super) number: &'a str,
    pub(super) giver: &'a str,
    pub(super) carrier: &'a str,
    pub(super) consignee: &'a str,
    /// The plates that go.
    pub(super) vehicles: &'a [String],
}

/// How much of a substance goes, in milligrams; zeros: it is not asked.
#[derive(Clone, Copy, Default)]
pub(super) struct Much {
    pub(super) gross_mg: i64,
    pub(super) contained_mg: i64,
}

/// What stands against the pass for a substance at a moment.
pub(super) fn fault(
    draft: &Draft<'_>,
    named: &Named<'_>,
    substance: Substance,
    much: Much,
    at_ms: i64,
) -> Option<Fault> {
    let number = named.number;
    if number.is_empty() {
        return Some(Fault::known("no transport pass is named".to_owned()));
    }
    let of = |party: &str| match draft.item(&subject::permit(party, number)).as_deref() {
        Some(Item::Permit(state)) => state.registered.clone(),
        _ => None,
    };
    let Some(pass) = of(named.giver).or_else(|| of(named.consignee)) else {
        let why = format!("pass {number} is registered with neither giver nor consignee");
        return Some(Fault::unknown(why));
    };
    let why = unfit(&pass, substance, much, at_ms).or_else(|| elsewhere(draft, &pass, named));
    if let Some(why) = why {
        return Some(Fault::known(format!("pass {number} {why}")));
    }
    (pass.status() == PermitStatus::Unconfirmed)
        .then(|| Fault::unknown(format!("pass {number} is not confirmed by its issuer")))
}

/// What the registry knows to be wrong with it.
fn unfit(pass: &PermitRegistered, substance: Substance, much: Much, at_ms: i64) -> Option<String> {
    if pass.kind() != PermitKind::HighlyToxicRoadPass {
        return Some("is another kind of permit".to_owned());
    }
    match pass.status() {
        PermitStatus::Granted | PermitStatus::Unconfirmed => {}
        PermitStatus::Suspended => return Some("is suspended".to_owned()),
        PermitStatus::Revoked | PermitStatus::Unspecified => return Some("is revoked".to_owned()),
    }
    if !(pass.from_ms..pass.until_ms).contains(&at_ms) {
        return Some(format!(
            "holds from {} until {}",
            shown(pass.from_ms),
            shown(pass.until_ms)
        ));
    }
    let covers = pass.substances.iter().any(|s| s.parse() == Ok(substance));
    if !pass.substances.is_empty() && !covers {
        return Some(format!("does not cover {substance}"));
    }
    let goes = match pass.basis() {
        MassBasis::Contained => much.contained_mg,
        _ => much.gross_mg,
    };
    if pass.quantity_mg > 0 && goes > pass.quantity_mg {
        let (goes, quantity) = (Mass::mg(goes), Mass::mg(pass.quantity_mg));
        return Some(format!("is for {quantity}, and {goes} goes"));
    }
    None
}

/// Whom and what it names that this consignment is not by or for. Who has
/// succeeded a party goes on by its pass.
fn elsewhere(draft: &Draft<'_>, pass: &PermitRegistered, named: &Named<'_>) -> Option<String> {
    let road = pass.road_pass.as_ref()?;
    let differs =
        |wanted: &str, is: &str| !wanted.is_empty() && !succession::acts_for(draft, is, wanted);
    if differs(&road.carrier, named.carrier) {
        return Some(format!("names the carrier {}", road.carrier));
    }
    if differs(&road.consignee, named.consignee) {
        return Some(format!("names the consignee {}", road.consignee));
    }
    let plate = &road.vehicle;
    (!plate.is_empty() && !named.vehicles.contains(plate))
        .then(|| format!("names the vehicle {plate}"))
}

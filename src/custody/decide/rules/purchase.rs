//! Buying: who may buy, how much of a permit is left, and what is no sale at
//! all: lending, and handing on by a user.

use super::permits::{self, Hands, Proof, Wanted};
use super::{Breach, Going, Judged};
use crate::catalog::{Form, Substance};
use crate::custody::draft::Draft;
use crate::custody::rules::Asked;
use crate::custody::{permit, subject};
use crate::event::mass::Mass;
use crate::pb::{HandoffPurpose, PermitRef, PermitState, RuleKind};

/// The buyer has a licence that is enough, or names a purchase permit of its
/// own that covers the goods.
pub(super) fn right(draft: &mut Draft<'_>, judged: &Judged, going: &[Going], hands: &Hands<'_>) {
    if hands.buyer.is_empty() {
        return;
    }
    for (lot, form) in permits::first_of_each(going) {
        let fault = |asked: &Asked<'_>| may_buy(draft, asked, form.substance, hands).fault(form);
        let worst = judged.worst(RuleKind::PurchaseRight, &[form], fault);
        judged.tell(draft, worst, &subject::lot(lot), hands.buyer, "permit");
    }
}

fn may_buy(draft: &Draft<'_>, asked: &Asked<'_>, substance: Substance, hands: &Hands<'_>) -> Proof {
    let by = |kinds| Wanted {
        kinds,
        substance,
        stages: &[],
        at_ms: asked.at_ms,
    };
    // A line that names no licence asks for the purchase permit.
    let licence = match asked.line.permits.as_slice() {
        [] => Proof::Absent(String::new()),
        kinds => permits::held(draft, hands.buyer, &by(kinds)),
    };
    let kinds = asked.line.purchase_permits.as_slice();
    match (licence, named(draft, hands, kinds, &by(kinds))) {
        (Proof::Proven, _) | (_, Proof::Proven) => Proof::Proven,
        (Proof::Unconfirmed(why), _) | (_, Proof::Unconfirmed(why)) => Proof::Unconfirmed(why),
        (_, Proof::Bad(why)) | (Proof::Bad(why), _) => Proof::Bad(why),
        (Proof::Absent(_), Proof::Absent(why)) => Proof::Absent(why),
    }
}

/// What the permit that the act names says.
fn named(draft: &Draft<'_>, hands: &Hands<'_>, kinds: &[i32], wanted: &Wanted<'_>) -> Proof {
    let buyer = hands.buyer;
    let none = || Proof::Absent(format!("{buyer} has no licence, and names no permit"));
    let Some(reference) = hands.permit.as_ref().filter(|p| p.party == buyer) else {
        return none();
    };
    let state = draft.permit(buyer, &reference.number);
    let registered = state.as_ref().and_then(|s| s.registered.as_ref());
    let of_kind = registered.filter(|r| kinds.contains(&r.kind));
    let Some(registered) = of_kind else {
        let why = format!("permit {} is no purchase permit", reference.number);
        return Proof::Bad(why);
    };
    permits::one(registered, wanted).unwrap_or_else(none)
}

/// What an act or a fact has added to what is drawn and claimed stays within
/// the permit's quantity and the rule's tolerance. `added`: whether it has.
pub(super) fn quantity(
    draft: &mut Draft<'_>,
    judged: &Judged,
    reference: &PermitRef,
    added: bool,
    forms: &[&Form],
) {
    let state = draft.permit(&reference.party, &reference.number);
    let Some(state) = state.filter(|_| added) else {
        return;
    };
    let Some(beyond) = permit::remainder(&state)
        .map(i64::saturating_neg)
        .filter(|beyond| *beyond > 0)
    else {
        return;
    };
    let exceeds = |asked: &Asked<'_>| beyond > tolerance(&state, asked.line.limit);
    let lines = forms
        .iter()
        .flat_map(|form| judged.lines(RuleKind::PurchaseQuantity, Some(form)));
    let Some(line) = lines.filter(exceeds).max_by_key(Asked::mode) else {
        return;
    };
    let quantity = state.registered.as_ref().map_or(0, |r| r.quantity_mg);
    let detail = format!(
        "permit {} of {}: {} beyond its {}",
        reference.number,
        reference.party,
        Mass::mg(beyond),
        Mass::mg(quantity)
    );
    let breach = Breach {
        subject: &subject::permit(&reference.party, &reference.number),
        owner: &reference.party,
        field: "permit",
        detail,
    };
    judged.broken(draft, &line, breach);
}

/// Milligrams of so many parts per million of a permit's quantity.
fn tolerance(state: &PermitState, ppm: i64) -> i64 {
    let quantity = state.registered.as_ref().map_or(0, |r| r.quantity_mg);
    let share = Mass::mg(quantity).share(ppm, 1_000_000);
    share.map_or(i64::MAX, Mass::as_mg)
}

/// Goods are not lent; stock is handed on only by a user that converts, stops,
/// relocates or closes.
pub(super) fn lending(draft: &mut Draft<'_>, judged: &Judged, going: &[Going], hands: &Hands<'_>) {
    let why = match hands.purpose {
        HandoffPurpose::Lending => "lent; no goods may be",
        HandoffPurpose::Transfer if !permits::disposes_of_stock(draft, hands.giver) => {
            "handed on by one that neither converts, stops, relocates nor closes; \
             what is handed on lawfully is filed within 3 days"
        }
        _ => return,
    };
    for (lot, form) in permits::first_of_each(going) {
        let mut lines = judged.lines(RuleKind::Lending, Some(form)).into_iter();
        if let Some(line) = lines.next() {
            let breach = Breach {
                subject: &subject::lot(lot),
                owner: hands.giver,
                field: "purpose",
                detail: format!("{}: {why}", form.code),
            };
            judged.broken(draft, &line, breach);
        }
    }
}

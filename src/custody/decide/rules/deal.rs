//! How a deal is made: what it is paid with, whether on the internet, and
//! whether with a natural person.

use super::judged::Fault;
use super::permits::first_of_each;
use super::{Going, Judged, going, party_region, place_region};
use crate::custody::decide::Case;
use crate::custody::decide::oversight::order;
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::rules::Asked;
use crate::custody::subject;
use crate::event::LotId;
use crate::pb::{Outsider, PaymentKind, RuleKind, Traded};

/// A sale's payment, and where it was agreed.
pub(super) fn traded(
    draft: &mut Draft<'_>,
    judged: &Judged,
    going: &[Going],
    e: &Traded,
    seller: &str,
) {
    for (lot, form) in first_of_each(going) {
        let subject = subject::lot(lot);
        let paid = |_: &Asked<'_>| match e.payment() {
            PaymentKind::BankAccount => None,
            PaymentKind::Cash => Some(Fault::known(format!("{}: paid in cash", form.code))),
            PaymentKind::Barter => Some(Fault::known(format!("{}: paid in kind", form.code))),
            PaymentKind::Unspecified => {
                // Both sides know it: this is no gap of the registry.
                let why = format!("{}: how it is paid is not said", form.code);
                Some(Fault::known(why))
            }
        };
        let worst = judged.worst(RuleKind::Payment, &[form], paid);
        judged.tell(draft, worst, &subject, seller, "payment");
        let online = |_: &Asked<'_>| {
            let why = || format!("{}: agreed on the internet", form.code);
            e.online.then(|| Fault::known(why()))
        };
        let worst = judged.worst(RuleKind::OnlineSale, &[form], online);
        judged.tell(draft, worst, &subject, seller, "online");
    }
}

/// Goods that go to somebody outside the ledger: an act.
pub(in crate::custody::decide) fn departs(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    place: &str,
    to: &Outsider,
    amount: (LotId, Amount),
) {
    let regions = regions(draft, case, place);
    let Some(mut judged) = Judged::act(draft, case, regions) else {
        return;
    };
    if order::relaxed(draft, case, &[amount], &[case.party()], None) {
        judged = judged.unstopped();
    }
    individual(
        draft,
        &judged,
        &going(draft, &[amount]),
        to,
        case.party(),
        "to.person",
    );
}

/// Goods that came from somebody outside the ledger: a fact.
pub(super) fn arrived(
    draft: &mut Draft<'_>,
    judged: &Judged,
    going: &[Going],
    from: &Outsider,
    taker: &str,
) {
    individual(draft, judged, going, from, taker, "from.person");
}

fn regions(draft: &Draft<'_>, case: &Case<'_>, place: &str) -> Vec<crate::catalog::RegionCode> {
    let party = case.party();
    let regions = [
        party_region(draft, party),
        place_region(draft, party, place),
    ];
    regions.into_iter().flatten().collect()
}

fn individual(
    draft: &mut Draft<'_>,
    judged: &Judged,
    going: &[Going],
    outsider: &Outsider,
    owner: &str,
    field: &str,
) {
    if outsider.person.is_empty() {
        return;
    }
    for (lot, form) in first_of_each(going) {
        let fault = |_: &Asked<'_>| Some(Fault::known(format!("{}: a natural person", form.code)));
        let worst = judged.worst(RuleKind::Individual, &[form], fault);
        judged.tell(draft, worst, &subject::lot(lot), owner, field);
    }
}

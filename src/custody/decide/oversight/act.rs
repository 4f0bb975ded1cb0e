//! An event as enforcement sees it: which lots, accounts and parties it is
//! about, whether it authorises or tells what has happened, and whether its
//! way is free whatever is sealed or recalled.

use std::collections::BTreeSet;

use super::super::{Case, handoff_id};
use crate::custody::account::{self, Class};
use crate::custody::draft::Draft;
use crate::event::{ConsignmentId, HandoffId, LotId};
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::offered::From;
use crate::pb::{
    Accepted, Account, Carriage, Goods, HandoffPurpose, Offered, PartyRegistered, Relayed, Stage,
    SubjectKind, Traded,
};

/// What an event does, as far as enforcement asks.
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own that one of the rules asks"
)]
pub(super) struct Act {
    /// The event's field in a statement, for refusals.
    pub(super) name: &'static str,
    /// It would authorise: offer, trade, relay, sending beyond the edge.
    pub(super) authorises: bool,
    /// A return or a disposal: never stopped.
    pub(super) has_free_way: bool,
    /// An emergency or safe-return order names it: gates are findings.
    pub(super) is_ordered: bool,
    /// Goods pass from one party to another, or are sold.
    pub(super) hands_on: bool,
    /// Matter is used up, or goes on as something else.
    pub(super) uses: bool,
    /// Lots with the holding that is touched; a lot without one as a whole.
    pub(super) lots: BTreeSet<(LotId, Account)>,
    pub(super) parties: BTreeSet<String>,
    /// Plates and numbers of what is to carry it.
    pub(super) vehicles: BTreeSet<String>,
}

impl Act {
    /// `None` for what touches no goods: words, papers, orders.
    pub(super) fn of(draft: &Draft<'_>, case: &Case<'_>, body: &Body) -> Option<Act> {
        let act = match body {
            Body::Offered(e) => offered(draft, case, e),
            Body::Traded(e) => traded(case, e),
            Body::Relayed(e) => relayed(draft, case, e),
            Body::Exported(e) => sent(case, "exported", e.goods.as_ref(), &e.place),
            Body::Departed(e) => sent(case, "departed", e.goods.as_ref(), &e.place),
            Body::Accepted(e) => accepted(draft, case, e),
            // Words about the books, and orders.
            Body::Corrected(_)
            | Body::Settled(_)
            | Body::Confirmed(_)
            | Body::Inherited(_)
            | Body::TakenOver(_)
            | Body::Seized(_) => return None,
            _ => Act {
                uses: matches!(body, Body::Used(_) | Body::Transformed(_) | Body::Filled(_)),
                ..fact(draft, case)
            },
        };
        let says_something = !act.lots.is_empty() || act.authorises;
        says_something.then_some(act)
    }
}

fn named(name: &'static str, parties: impl IntoIterator<Item = String>) -> Act {
    Act {
        name,
        authorises: true,
        has_free_way: false,
        is_ordered: false,
        hands_on: true,
        uses: false,
        lots: BTreeSet::new(),
        parties: parties.into_iter().filter(|p| !p.is_empty()).collect(),
        vehicles: BTreeSet::new(),
    }
}

fn lots<'a>(
    goods: impl IntoIterator<Item = &'a Goods>,
    from: &Account,
) -> BTreeSet<(LotId, Account)> {
    let goods = goods.into_iter();
    goods
        .filter_map(|g| Some((LotId::from_slice(&g.lot)?, from.clone())))
        .collect()
}

fn consignee(carriage: Option<&Carriage>) -> String {
    carriage.map(|c| c.consignee.clone()).unwrap_or_default()
}

fn offered(draft: &Draft<'_>, case: &Case<'_>, e: &Offered) -> Act {
    let consignee = consignee(e.carriage.as_ref());
    let last = if consignee.is_empty() {
        &e.taker
    } else {
        &consignee
    };
    let free =
        e.returns.is_some() || e.purpose() == HandoffPurpose::Disposal || disposes(draft, last);
    let carried = e.carriage.iter().flat_map(|c| [&c.vehicle, &c.trailer]);
    let from = match &e.from {
        Some(From::Place(place)) => account::held(case.party(), place),
        Some(From::Consignment(id)) => ConsignmentId::from_slice(id)
            .map(account::aboard)
            .unwrap_or_default(),
        None => Account::default(),
    };
    Act {
        has_free_way: free,
        vehicles: carried.filter(|v| !v.is_empty()).cloned().collect(),
        lots: lots(&e.lines, &from),
        ..named(
            "offered",
            [case.party().to_owned(), e.taker.clone(), consignee],
        )
    }
}

fn traded(case: &Case<'_>, e: &Traded) -> Act {
    Act {
        has_free_way: e.returns.is_some(),
        lots: lots(&e.goods, &Account::default()),
        ..named("traded", [case.party().to_owned(), e.buyer.clone()])
    }
}

fn relayed(draft: &Draft<'_>, case: &Case<'_>, e: &Relayed) -> Act {
    let id = ConsignmentId::from_slice(&e.consignment).unwrap_or(ConsignmentId([0; 16]));
    let state = draft.consignment(id).unwrap_or_default();
    let offer = draft.handoff(HandoffId(id.0)).unwrap_or_default();
    let free = offer
        .offered
        .as_ref()
        .is_some_and(|o| o.returns.is_some() || o.purpose() == HandoffPurpose::Disposal);
    let consignee = consignee(state.carriage.as_ref());
    let aboard = account::aboard(id);
    let lots = state.lots.iter().filter_map(|lot| LotId::from_slice(lot));
    Act {
        has_free_way: free || disposes(draft, &consignee),
        vehicles: BTreeSet::from([e.vehicle.clone()]),
        lots: lots.map(|lot| (lot, aboard.clone())).collect(),
        ..named(
            "relayed",
            [case.party().to_owned(), e.to_carrier.clone(), consignee],
        )
    }
}

/// Sent to somebody who is no party.
fn sent(case: &Case<'_>, name: &'static str, goods: Option<&Goods>, place: &str) -> Act {
    let from = account::held(case.party(), place);
    Act {
        lots: lots(goods, &from),
        ..named(name, [case.party().to_owned()])
    }
}

fn accepted(draft: &Draft<'_>, case: &Case<'_>, e: &Accepted) -> Act {
    let handoff = e
        .offer
        .as_ref()
        .and_then(handoff_id)
        .and_then(|id| draft.handoff(id))
        .unwrap_or_default();
    let mut act = Act {
        hands_on: true,
        ..fact(draft, case)
    };
    if let Some(offer) = &handoff.offered {
        let consignee = consignee(offer.carriage.as_ref());
        let last = if consignee.is_empty() {
            &offer.taker
        } else {
            &consignee
        };
        act.has_free_way = offer.returns.is_some() || disposes(draft, last);
        act.parties.insert(offer.giver.clone());
        act.parties.insert(offer.taker.clone());
    }
    act
}

/// What has happened: the lots that the event has moved, and where.
fn fact(draft: &Draft<'_>, case: &Case<'_>) -> Act {
    let mut act = Act {
        authorises: false,
        hands_on: false,
        ..named("", [case.party().to_owned()])
    };
    for (subject, change) in draft.changes_now() {
        let Some(lot) =
            LotId::from_slice(&subject.id).filter(|_| subject.kind() == SubjectKind::Lot)
        else {
            continue;
        };
        let account = match &change.change {
            Some(C::Posting(p)) => p.account.clone(),
            Some(C::Packaged(p)) => p.account.clone(),
            Some(C::PackagesMoved(p)) => p.to.clone(),
            _ => None,
        };
        let Some(account) = account.filter(is_holding) else {
            continue;
        };
        if !account.party.is_empty() {
            act.parties.insert(account.party.clone());
        }
        act.lots.insert((lot, account));
    }
    act
}

fn is_holding(account: &Account) -> bool {
    account::class(account.kind()) == Some(Class::Holding)
}

/// Whether a party is registered to dispose: the way there is free.
fn disposes(draft: &Draft<'_>, party: &str) -> bool {
    let state = draft.party(party).unwrap_or_default();
    let stages = state.registered.as_ref().map(PartyRegistered::stages);
    stages.is_some_and(|mut stages| stages.any(|stage| stage == Stage::Disposal))
}

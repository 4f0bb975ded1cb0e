//! The blacklist: a party is on it with grounds and a term, by an authority.
//! Every handoff and sale with it is an alarm that is its own to answer for;
//! where a rule pack says so, it is refused.

use super::super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::super::{Case, rules};
use super::act::Act;
use super::{Breach, meet, over};
use crate::custody::draft::Draft;
use crate::custody::subject;
use crate::event::codes::Refused;
use crate::pb::change::Change as C;
use crate::pb::{Blacklisted, Blacklisting, FindingCode, RefusalCode};

pub(in super::super) fn listed(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Blacklisted,
) -> Result<(), Refused> {
    let state = draft
        .party(&e.party)
        .ok_or_else(|| Refused::new(RefusalCode::UnknownParty, "party").detail(&e.party))?;
    if !over(draft, case, &e.party) {
        return Err(Refused::new(RefusalCode::AuthorityRequired, ""));
    }
    fields::text(&e.order, MAX_SHORT, "order")?;
    fields::text(&e.grounds, MAX_TEXT, "grounds")?;
    fields::documents(&e.documents)?;
    let party = subject::party(&e.party);
    if e.lifted {
        if e.from_ms != 0 || e.until_ms != 0 {
            return Err(Refused::invalid("from_ms", "a party taken off has no term"));
        }
        if state.blacklist.is_none() {
            return Err(Refused::new(RefusalCode::NoChange, "lifted").detail("it is on no list"));
        }
        return draft.emit(&party, C::Blacklisting(Blacklisting::default()));
    }
    if e.from_ms <= 0 || e.until_ms != 0 && e.until_ms <= e.from_ms {
        return Err(Refused::invalid("until_ms", "it must lie after from_ms"));
    }
    let listing = Blacklisting {
        order: e.order.clone(),
        authority: case.party().to_owned(),
        from_ms: e.from_ms,
        until_ms: e.until_ms,
    };
    draft.emit(&party, C::Blacklisting(listing))
}

/// Listed parties in a handoff or a sale: of an act that authorises at the time
/// claimed or at the time recorded, of a fact when it happened.
pub(super) fn judge(draft: &mut Draft<'_>, case: &Case<'_>, act: &Act) {
    if !act.hands_on {
        return;
    }
    let mut times = vec![draft.happened_at_ms()];
    if act.authorises {
        times.push(case.context.recorded_at_ms);
    }
    for party in &act.parties {
        let state = draft.party(party).unwrap_or_default();
        let Some(listing) = state.blacklist.clone() else {
            continue;
        };
        if !times.iter().any(|ms| holds(&listing, *ms)) {
            continue;
        }
        let detail = format!("{party} is blacklisted by {}", listing.order);
        let breach = Breach {
            refused: Refused::new(RefusalCode::Blacklisted, "").detail(detail.clone()),
            code: FindingCode::Blacklisted,
            subject: subject::party(party),
            owner: party.clone(),
            detail,
        };
        let told = Act {
            authorises: act.authorises && rules::blacklist::refuses(draft, case, &act.parties),
            ..act.clone()
        };
        meet(draft, case, &told, breach);
    }
}

fn holds(listing: &Blacklisting, ms: i64) -> bool {
    listing.from_ms <= ms && (listing.until_ms == 0 || ms < listing.until_ms)
}

//! Recalls: a lot and what was made of it is called back, by an authority or
//! by whoever made or imported it. Every lot that is named carries the mark,
//! and so does whatever is made of one of them from then on. What is recalled
//! is neither offered on nor sold until the recall is ended; it may go back or
//! to disposal.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::super::Case;
use super::super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::super::goods;
use super::act::Act;
use super::{Breach, meet};
use crate::custody::draft::Draft;
use crate::custody::oversight::MAX_RECALLS;
use crate::custody::subject::{self, Item};
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::pb::change::Change as C;
use crate::pb::{
    AccountKind, FindingCode, LotState, RecallAcked, RecallAcknowledged, RecallBegun, RecallEnded,
    RecallMark, RecallState, Recalled, RefusalCode, Subject,
};

/// Lots made of the recalled one that one recall may name, at most: each is a
/// subject of the record.
const MAX_MADE_OF_IT: usize = 256;
/// Parties that may acknowledge one recall, at most.
const MAX_ACKNOWLEDGED: usize = 4_096;

pub(in super::super) fn recalled(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Recalled,
) -> Result<(), Refused> {
    if !e.ends.is_empty() {
        return ended(draft, case, e);
    }
    let (lot, state) = goods::lot_of(draft, &e.lot)?;
    may_recall(draft, case, &state)?;
    fields::text(&e.order, MAX_SHORT, "order")?;
    fields::text(&e.reason, MAX_TEXT, "reason")?;
    fields::documents(&e.documents)?;
    let all = check_made_of_it(draft, lot, &e.made_of_it)?;
    let id = Bytes::copy_from_slice(&case.name(0));
    for lot in all {
        if !mark(draft, lot, &id)? {
            let why = format!("lot {lot} is under {MAX_RECALLS} recalls already; end one first");
            return Err(Refused::invalid("lot", why));
        }
    }
    let begun = RecallBegun {
        lot: e.lot.clone(),
        made_of_it: e.made_of_it.clone(),
        order: e.order.clone(),
        by: case.party().to_owned(),
        since_ms: case.happened_at_ms(),
    };
    draft.emit(&subject::recall(&id), C::RecallBegun(begun))
}

/// An authority, or whoever made or imported it.
fn may_recall(draft: &Draft<'_>, case: &Case<'_>, state: &LotState) -> Result<(), Refused> {
    let born = state.born.clone().unwrap_or_default();
    let source = born.source();
    let made = matches!(
        source,
        AccountKind::Produced | AccountKind::Imported | AccountKind::Made
    );
    if super::over_lot(draft, case, state) || made && case.signers.signed(&born.declarer) {
        return Ok(());
    }
    Err(Refused::new(RefusalCode::AuthorityRequired, "lot")
        .detail("or of whoever made or imported it"))
}

/// Every lot that is named was made of the first one, or of another that is.
fn check_made_of_it(
    draft: &Draft<'_>,
    lot: LotId,
    made_of_it: &[Bytes],
) -> Result<BTreeSet<LotId>, Refused> {
    if made_of_it.len() > MAX_MADE_OF_IT {
        let why = format!("at most {MAX_MADE_OF_IT}");
        return Err(Refused::invalid("made_of_it", why));
    }
    let mut known = BTreeSet::from([lot]);
    let mut waiting: Vec<(LotId, String, Vec<LotId>)> = Vec::with_capacity(made_of_it.len());
    for (i, id) in made_of_it.iter().enumerate() {
        let at = format!("made_of_it[{i}]");
        let (id, state) = goods::lot_of(draft, id).map_err(|r| r.within(&at))?;
        if id == lot || waiting.iter().any(|(known, ..)| *known == id) {
            return Err(Refused::invalid(at, "the lot is named already"));
        }
        waiting.push((id, at, sources(&state)));
    }
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain(|(id, _, from)| {
            let made = from.iter().any(|lot| known.contains(lot));
            if made {
                known.insert(*id);
            }
            !made
        });
        if let Some((_, at, _)) = waiting.first().filter(|_| waiting.len() == before) {
            let why = "it was not made of the lot, nor of another one named";
            return Err(Refused::invalid(at.clone(), why));
        }
    }
    Ok(known)
}

/// The lots that a lot was made of, or is, in a vessel.
fn sources(state: &LotState) -> Vec<LotId> {
    let born = state.born.as_ref();
    let parents = born.into_iter().flat_map(|born| &born.parents);
    let blend = state.blend.iter().chain(&state.blend_at_end);
    let named = parents.chain(blend).map(|parent| &parent.lot);
    let drawn = born.map(|born| &born.drawn_from);
    named
        .chain(drawn)
        .filter_map(|lot| LotId::from_slice(lot))
        .collect()
}

/// Marks a lot, in the place of an ended recall's mark if it carries as many as
/// may be. Whether there was room.
fn mark(draft: &mut Draft<'_>, lot: LotId, recall: &Bytes) -> Result<bool, Refused> {
    let state = draft.lot(lot).unwrap_or_default();
    if state.recalls.contains(recall) {
        return Ok(true);
    }
    let mut instead_of = Bytes::new();
    if state.recalls.len() >= MAX_RECALLS {
        let mut marks = state.recalls.iter();
        let Some(ended) = marks.find(|id| holding(draft, id).is_none()) else {
            return Ok(false);
        };
        instead_of = ended.clone();
    }
    let recall = recall.clone();
    let mark = RecallMark { recall, instead_of };
    draft.emit(&subject::lot(lot), C::RecallMark(mark))?;
    Ok(true)
}

fn ended(draft: &mut Draft<'_>, case: &Case<'_>, e: &Recalled) -> Result<(), Refused> {
    let (subject, state) = open(draft, &e.ends, "ends")?;
    let by = state.begun.as_ref().map_or("", |begun| &begun.by);
    if !case.signers.authority() && !case.signers.signed(by) {
        return Err(Refused::new(RefusalCode::AuthorityRequired, "ends"));
    }
    fields::text(&e.reason, MAX_TEXT, "reason")?;
    if !e.lot.is_empty() || !e.made_of_it.is_empty() {
        return Err(Refused::invalid(
            "lot",
            "a recall that is ended names its own",
        ));
    }
    draft.emit(&subject, C::RecallEnded(RecallEnded {}))
}

pub(in super::super) fn acknowledged(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &RecallAcknowledged,
) -> Result<(), Refused> {
    fields::optional_text(&e.note, MAX_TEXT, "note")?;
    let (subject, state) = open(draft, &e.recall, "recall")?;
    if state.acknowledged.iter().any(|a| a.party == case.party()) {
        return Err(Refused::new(RefusalCode::NoChange, "recall").detail("acknowledged already"));
    }
    if state.acknowledged.len() >= MAX_ACKNOWLEDGED {
        let why = format!("{MAX_ACKNOWLEDGED} have acknowledged it");
        return Err(Refused::invalid("recall", why));
    }
    let acked = RecallAcked {
        party: case.party().to_owned(),
        at_ms: case.happened_at_ms(),
    };
    draft.emit(&subject, C::RecallAcked(acked))
}

/// A recall that has not been ended.
fn open(draft: &Draft<'_>, id: &Bytes, field: &str) -> Result<(Subject, RecallState), Refused> {
    if id.len() != 16 {
        return Err(Refused::invalid(field, "16 bytes are wanted"));
    }
    let subject = subject::recall(id);
    let unknown = || Refused::new(RefusalCode::UnknownRecall, field);
    match draft.item(&subject).as_deref() {
        Some(Item::Recall(state)) if state.ended => {
            Err(Refused::new(RefusalCode::NoChange, field).detail("it has been ended"))
        }
        Some(Item::Recall(state)) => Ok((subject, state.clone())),
        _ => Err(unknown()),
    }
}

/// The order of a recall that holds; those that have ended may have left memory.
fn holding(draft: &Draft<'_>, recall: &Bytes) -> Option<String> {
    match draft.item(&subject::recall(recall))?.as_ref() {
        Item::Recall(state) if !state.ended => {
            let begun = state.begun.as_ref();
            Some(begun.map_or(String::new(), |b| b.order.clone()))
        }
        _ => None,
    }
}

/// Recalls under which a lot is, with their orders.
fn under(draft: &Draft<'_>, lot: LotId) -> Vec<(Bytes, String)> {
    let state = draft.lot(lot).unwrap_or_default();
    let marks = state.recalls.iter();
    let held = marks.filter_map(|id| Some((id.clone(), holding(draft, id)?)));
    held.collect()
}

/// What is made of a recalled lot is recalled as well.
pub(super) fn inherit(draft: &mut Draft<'_>) -> Result<(), Refused> {
    let given: Vec<(LotId, LotId)> = draft
        .changes_now()
        .filter_map(|(subject, change)| match &change.change {
            Some(C::ContributedTo(to)) => {
                Some((LotId::from_slice(&subject.id)?, LotId::from_slice(&to.lot)?))
            }
            _ => None,
        })
        .collect();
    for (from, to) in given {
        if from == to {
            continue;
        }
        for (recall, _) in under(draft, from) {
            // One that is under as many as may be is held back by those.
            mark(draft, to, &recall)?;
        }
    }
    Ok(())
}

/// Recalled goods that an act is about.
pub(super) fn judge(draft: &mut Draft<'_>, case: &Case<'_>, act: &Act) {
    if !act.authorises && !act.hands_on && !act.uses || act.has_free_way {
        return;
    }
    let lots: BTreeSet<LotId> = act.lots.iter().map(|(lot, _)| *lot).collect();
    for lot in lots {
        let Some((_, order)) = under(draft, lot).into_iter().next() else {
            continue;
        };
        let detail = format!("lot {lot} is recalled by {order}");
        let breach = Breach {
            refused: Refused::new(RefusalCode::Recalled, "").detail(detail.clone()),
            code: FindingCode::Recalled,
            subject: subject::lot(lot),
            owner: case.party().to_owned(),
            detail,
        };
        meet(draft, case, act, breach);
    }
}

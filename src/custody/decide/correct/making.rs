//! Events that make lots of lots, restated: waste, and transformations. What
//! went in, came out and stands beside them is worked out again by the rules
//! that made it; law 4 holds for the difference and for the event restated.

use std::collections::BTreeMap;

use super::flow::{self, Flow, Told};
use super::{Books, Recorded, fields, goods, original, overflow};
use crate::custody::decide::entry::{self, Papers};
use crate::custody::decide::fields::MAX_TEXT;
use crate::custody::decide::transform::balance::{Balance, sum};
use crate::custody::decide::transform::{self, Input, Output};
use crate::custody::decide::waste;
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::subject;
use crate::custody::{account, blend};
use crate::event::codes::Refused;
use crate::event::{DisputeId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{
    AccountKind, Conservation, Consumed, ContributedTo, LotBorn, Parent, RefusalCode, Sampled,
    Transformed, Wasted,
};

/// Goods that became a lot of waste.
pub(super) fn wasted(
    draft: &Draft<'_>,
    original: &Recorded,
    was: &Wasted,
    e: &Wasted,
) -> Result<Vec<Flow>, Refused> {
    waste::waste_code(&e.waste_code)?;
    let told = Told::of(was.goods.as_ref(), e.goods.as_ref(), &was.place, &e.place);
    child(draft, original, &told, Some(&e.waste_code))
}

/// Some of a lot taken as a sample.
pub(super) fn sampled(
    draft: &Draft<'_>,
    original: &Recorded,
    was: &Sampled,
    e: &Sampled,
) -> Result<Vec<Flow>, Refused> {
    fields::text(&e.purpose, MAX_TEXT, "purpose")?;
    let told = Told::of(was.goods.as_ref(), e.goods.as_ref(), &was.place, &e.place);
    child(draft, original, &told, None)
}

/// A lot made of some of another, as it is.
fn child(
    draft: &Draft<'_>,
    original: &Recorded,
    told: &Told<'_>,
    waste_code: Option<&str>,
) -> Result<Vec<Flow>, Refused> {
    let ((parent, amount), at) = told.resolve(draft, original)?;
    let child = LotId(original::name(original, 0)?);
    let from = account::plain(AccountKind::Transformed);
    let mut taken = Flow::between(parent, at.clone(), from, amount)?;
    let of = mixed(original, parent, child, amount)?;
    let mut parents = Vec::new();
    add(&mut parents, parent_of(parent, amount), &of)?;
    taken.given.push(given(child, amount, of));
    let mut made = Flow::between(child, account::plain(AccountKind::Made), at, amount)?;
    let state = draft.lot(child).unwrap_or_default();
    made.born = state.born.clone().map(|born| LotBorn {
        waste_code: waste_code.unwrap_or(&born.waste_code).to_owned(),
        parents,
        ..born
    });
    Ok(vec![taken, made])
}

pub(super) fn given(to: LotId, amount: Amount, of: Vec<Parent>) -> ContributedTo {
    ContributedTo {
        lot: to.to_bytes(),
        gross_mg: amount.gross,
        contained_mg: amount.contained,
        of,
    }
}

/// What a part of a running lot was made of: the lots that the event was
/// recorded with, in the same proportions. Of other lots nothing.
pub(super) fn mixed(
    original: &Recorded,
    from: LotId,
    to: LotId,
    amount: Amount,
) -> Result<Vec<Parent>, Refused> {
    let from = subject::lot(from);
    let recorded = original.changes.iter().find_map(|(s, c)| match &c.change {
        Some(C::ContributedTo(given)) if *s == from && given.lot.as_ref() == to.0 => Some(given),
        _ => None,
    });
    let of = recorded
        .map(|given| given.of.as_slice())
        .unwrap_or_default();
    if of.is_empty() {
        return Ok(Vec::new());
    }
    scaled(amount, of)
}

/// An amount in the proportions of parts; where those had no content, it is by
/// their gross.
pub(super) fn scaled(amount: Amount, of: &[Parent]) -> Result<Vec<Parent>, Refused> {
    let weights = |weight: fn(&Parent) -> i64| of.iter().map(weight).collect::<Vec<i64>>();
    let split = |total: i64, by: &[i64]| {
        if by.iter().all(|w| *w == 0) {
            return Ok(vec![0; of.len()]);
        }
        blend::split(total.max(0), by).map_err(overflow)
    };
    let by_gross = weights(|p| p.gross_mg);
    let mut by_content = weights(|p| p.contained_mg);
    if by_content.iter().all(|w| *w == 0) {
        by_content.clone_from(&by_gross);
    }
    let gross = split(amount.gross, &by_gross)?;
    let contained = split(amount.contained, &by_content)?;
    let parts = of.iter().zip(gross).zip(contained);
    let parts = parts.map(|((p, gross_mg), contained_mg)| Parent {
        lot: p.lot.clone(),
        gross_mg,
        contained_mg,
    });
    Ok(parts
        .filter(|p| p.gross_mg != 0 || p.contained_mg != 0)
        .collect())
}

/// Names a parent, by the lots that it was made of itself if it ran in a
/// vessel.
pub(super) fn add(parents: &mut Vec<Parent>, parent: Parent, of: &[Parent]) -> Result<(), Refused> {
    let whole = [parent];
    for part in if of.is_empty() { &whole } else { of } {
        match parents.iter_mut().find(|p| p.lot == part.lot) {
            Some(known) => {
                known.gross_mg = sum([known.gross_mg, part.gross_mg])?;
                known.contained_mg = sum([known.contained_mg, part.contained_mg])?;
            }
            None => parents.push(part.clone()),
        }
    }
    Ok(())
}

pub(super) fn parent_of(lot: LotId, amount: Amount) -> Parent {
    Parent {
        lot: lot.to_bytes(),
        gross_mg: amount.gross,
        contained_mg: amount.contained,
    }
}

/// A transformation with other figures of the same lots.
pub(super) fn transformed(
    draft: &Draft<'_>,
    original: &Recorded,
    was: &Transformed,
    e: &Transformed,
) -> Result<Vec<Flow>, Refused> {
    transform::check_counts(e)?;
    let (mut inputs, places) = inputs(draft, original, was, e)?;
    let outputs = outputs(draft, original, e)?;
    let amounts: Vec<Output> = outputs
        .iter()
        .map(|(amount, born)| Output {
            amount: *amount,
            substance: transform::substance(&born.form),
            waste_code: born.waste_code.clone(),
        })
        .collect();
    let balance = Balance::of(e, &inputs, &amounts)?;
    balance.share_out(&mut inputs)?;
    let mut flows = Vec::with_capacity(inputs.len() + outputs.len());
    for (line, (input, at)) in (0u32..).zip(inputs.iter().zip(places)) {
        let dispute = DisputeId(original::name(original, line)?);
        flows.push(taken(input, at, dispute)?);
    }
    if let Some(first) = flows.first_mut() {
        first.conservation = Some(balance.conservation(e));
    }
    for (line, ((amount, mut born), lot)) in (0u32..).zip(outputs.into_iter().zip(&e.outputs)) {
        let id = LotId(original::name(original, line)?);
        born.parents.clear();
        for (input, flow) in inputs.iter().zip(&mut flows) {
            let part = transform::contribution(input, amount.gross, balance.out_gross)?;
            let amount = Amount {
                gross: part.gross_mg,
                contained: part.contained_mg,
            };
            let of = mixed(original, input.portion.lot, id, amount)?;
            add(&mut born.parents, part, &of)?;
            flow.given.push(given(id, amount, of));
        }
        let at = account::held(&original.payload.party, &lot.place);
        let mut flow = Flow::between(id, account::plain(AccountKind::Made), at, amount)?;
        flow.born = Some(born);
        flows.push(flow);
    }
    Ok(flows)
}

/// What went in, and from which holdings.
fn inputs(
    draft: &Draft<'_>,
    original: &Recorded,
    was: &Transformed,
    e: &Transformed,
) -> Result<(Vec<Input>, Vec<crate::pb::Account>), Refused> {
    let (mut inputs, mut places) = (Vec::new(), Vec::new());
    for (i, (first, now)) in was.inputs.iter().zip(&e.inputs).enumerate() {
        let within = |r: Refused| r.within(&format!("inputs[{i}]"));
        fields::code(&now.place, "place").map_err(within)?;
        let (lot, total) = flow::portion(draft, original, first.goods.as_ref(), now.goods.as_ref())
            .map_err(within)?;
        let state = draft.lot(lot).unwrap_or_default();
        let substance = transform::substance(crate::custody::lot::form(&state));
        inputs.push(Input::whole(lot, total, substance));
        places.push((first.place.as_str(), now.place.as_str(), i));
    }
    let at = |(was, now, i): (&str, &str, usize)| {
        flow::place(draft, original, was, now, "place")
            .map_err(|r| r.within(&format!("inputs[{i}]")))
    };
    let places = places.into_iter().map(at).collect::<Result<_, _>>()?;
    Ok((inputs, places))
}

/// What came out, and the births restated.
fn outputs(
    draft: &Draft<'_>,
    original: &Recorded,
    e: &Transformed,
) -> Result<Vec<(Amount, LotBorn)>, Refused> {
    let each = |i: usize, lot: &crate::pb::NewLot| {
        let amount = entry::check_new(lot)?;
        entry::check_papers(lot, Papers::Should)?;
        goods::own_place(draft, &original.payload.party, &lot.place, "place")?;
        let line = u32::try_from(i).unwrap_or(u32::MAX);
        let born = flow::birth(draft, LotId(original::name(original, line)?), lot)?;
        Ok::<_, Refused>((amount, born))
    };
    e.outputs
        .iter()
        .enumerate()
        .map(|(i, lot)| each(i, lot).map_err(|r| r.within(&format!("outputs[{i}]"))))
        .collect()
}

/// What an input is booked with: transformed but for its shares of loss and
/// shortfall.
fn taken(input: &Input, at: crate::pb::Account, dispute: DisputeId) -> Result<Flow, Refused> {
    let kept = input
        .total
        .minus(input.loss)
        .and_then(|rest| rest.minus(input.short))
        .map_err(overflow)?;
    let mut books = Books::from([
        (at, input.total.negated().map_err(overflow)?),
        (account::plain(AccountKind::Transformed), kept),
        (account::plain(AccountKind::ProcessLoss), input.loss),
        (account::disputed(dispute), input.short),
    ]);
    books.retain(|_, amount| !amount.is_zero());
    Ok(Flow::of(input.portion.lot, books))
}

/// Books what a transformation restated declares differently beside its lots,
/// so that the difference balances too (law 4).
pub(super) fn conserve(
    draft: &mut Draft<'_>,
    original: &Recorded,
    flows: &[Flow],
) -> Result<(), Refused> {
    let Some((lot, now)) = flows
        .iter()
        .find_map(|f| Some((f.lot, f.conservation.as_ref()?)))
    else {
        return Ok(());
    };
    let net = difference(now, &declared(draft, original, lot))?;
    if net == Conservation::default() {
        return Ok(());
    }
    draft.emit(&subject::lot(lot), C::Conservation(net))
}

/// What was declared, as last restated, else as recorded.
fn declared(draft: &Draft<'_>, original: &Recorded, lot: LotId) -> Conservation {
    let recorded = || {
        original.changes.iter().find_map(|(_, c)| match &c.change {
            Some(C::Conservation(c)) => Some(c.clone()),
            _ => None,
        })
    };
    match flow::last_restated(draft, original, lot) {
        Some(restated) => restated.conservation,
        None => recorded(),
    }
    .unwrap_or_default()
}

fn difference(now: &Conservation, before: &Conservation) -> Result<Conservation, Refused> {
    let less = |a: i64, b: i64| {
        a.checked_sub(b)
            .ok_or_else(|| Refused::new(RefusalCode::MassOverflow, ""))
    };
    let mut consumed: BTreeMap<&str, i64> = BTreeMap::new();
    for c in &now.consumed {
        let sum = consumed.entry(&c.substance).or_default();
        *sum = less(*sum, less(0, c.contained_mg)?)?;
    }
    for c in &before.consumed {
        let sum = consumed.entry(&c.substance).or_default();
        *sum = less(*sum, c.contained_mg)?;
    }
    let consumed = consumed.into_iter().filter(|(_, sum)| *sum != 0);
    Ok(Conservation {
        inert_gross_mg: less(now.inert_gross_mg, before.inert_gross_mg)?,
        unregulated_gross_mg: less(now.unregulated_gross_mg, before.unregulated_gross_mg)?,
        inert_loss_gross_mg: less(now.inert_loss_gross_mg, before.inert_loss_gross_mg)?,
        consumed: consumed
            .map(|(substance, contained_mg)| Consumed {
                substance: substance.to_owned(),
                contained_mg,
            })
            .collect(),
    })
}

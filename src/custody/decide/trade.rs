//! Title: sold by one party to another, both signing. Custody stays where it
//! is.

use super::Case;
use super::customs;
use super::fields::{self, MAX_SHORT};
use super::goods;
use super::parts;
use super::quota;
use super::rules;
use super::signers;
use super::store::late;
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::{lot, ranges, subject};
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{LotId, StatementId};
use crate::pb::change::Change as C;
use crate::pb::{
    AccountKind, Goods, LotState, PackagesOwned, PaymentKind, RefusalCode, SerialRange, Traded,
};

/// Goods of one trade or offer, at most.
pub(super) const MAX_LINES: usize = 128;

pub(super) fn traded(draft: &mut Draft<'_>, case: &Case<'_>, e: &Traded) -> Result<(), Refused> {
    signers::active(draft, case.party(), "seller")?;
    signers::takes_in(draft, &e.buyer, "buyer")?;
    if e.buyer == case.party() {
        return Err(Refused::invalid("buyer", "the seller itself"));
    }
    if !case.signers.signed(&e.buyer) {
        return Err(
            Refused::new(RefusalCode::CounterpartSignatureRequired, "buyer")
                .detail(format!("of {}", e.buyer)),
        );
    }
    fields::optional_text(&e.permit, MAX_SHORT, "permit")?;
    if PaymentKind::try_from(e.payment).is_err() {
        return Err(Refused::invalid("payment", "a payment of no kind that is"));
    }
    if let Some(returns) = &e.returns {
        let named = StatementId::parse(&returns.statement_id).is_some();
        if !named || returns.event_digest.len() != 32 {
            return Err(Refused::invalid("returns", "an event reference is wanted"));
        }
    }
    if e.goods.is_empty() || e.goods.len() > MAX_LINES {
        return Err(Refused::invalid(
            "goods",
            format!("1 to {MAX_LINES} are wanted"),
        ));
    }
    for (i, sold) in e.goods.iter().enumerate() {
        goods::check(Some(sold)).map_err(|r| r.within(&format!("goods[{i}]")))?;
    }
    let back = quota::takes_back(draft, case, e);
    // What goes back draws nothing; and before packs judge purchases a number
    // that the registry has not is a note.
    let permit = match quota::known(draft, &e.buyer, &e.permit) {
        _ if back.is_some() => None,
        Err(refused) if rules::purchases(draft) => return Err(refused),
        known => known.unwrap_or_default(),
    };
    let drawing = rules::Drawing::before(draft, permit);
    let mut amounts = Vec::with_capacity(e.goods.len());
    for (i, sold) in e.goods.iter().enumerate() {
        let sale = sell(draft, case, sold, &e.buyer);
        amounts.push(sale.map_err(|r| r.within(&format!("goods[{i}]")))?);
    }
    quota::traded(draft, drawing.permit.as_ref(), back.as_ref(), &amounts)?;
    rules::traded(draft, case, e, &amounts, back.is_some(), &drawing);
    Ok(())
}

/// Sells goods of one lot; returns how much.
fn sell(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    sold: &Goods,
    buyer: &str,
) -> Result<(LotId, Amount), Refused> {
    let (id, state) = goods::lot_of(draft, &sold.lot)?;
    let mut total = Amount::default();
    late(draft, case, id);
    if sold.loose.is_some() {
        let mass = Mass::of(sold.loose.as_ref(), "loose")?;
        let gross = mass.as_mg();
        let contained = mass.contained(state.content_ppm).unwrap_or_default();
        total = Amount {
            gross,
            contained: contained.as_mg(),
        };
        let owned = lot::title(&state, case.party());
        if gross > owned {
            return Err(
                Refused::new(RefusalCode::TitleInsufficient, "loose").detail(format!(
                    "{} sold, {} owned",
                    Mass::mg(gross),
                    Mass::mg(owned)
                )),
            );
        }
        draft.post_title(id, case.party(), -gross)?;
        draft.post_title(id, buyer, gross)?;
    }
    for range in &sold.serials {
        let packed = sell_packages(draft, case, id, &state, *range, buyer)?;
        total = total.plus(packed).map_err(goods::overflow)?;
    }
    parts::refuse(sold)?;
    if !sold.outers.is_empty() {
        let why = "title goes by serials, wherever the packages are";
        return Err(Refused::invalid("outers", why));
    }
    customs::free(draft, id, "lot")?;
    Ok((id, total))
}

fn sell_packages(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    id: LotId,
    state: &LotState,
    range: SerialRange,
    buyer: &str,
) -> Result<Amount, Refused> {
    let selected = lot::select(state, range.first, range.last);
    let theirs = selected.as_ref().is_some_and(|selected| {
        selected.iter().all(|p| {
            p.owner == case.party()
                && p.account
                    .as_ref()
                    .is_some_and(|a| a.kind() != AccountKind::Missing)
        })
    });
    if !theirs {
        return Err(
            Refused::new(RefusalCode::TitleInsufficient, "serials").detail(format!(
                "packages {} are not all the seller's",
                ranges::show(&[range])
            )),
        );
    }
    let owned = PackagesOwned {
        first: range.first,
        last: range.last,
        owner: buyer.to_owned(),
    };
    draft.emit(&subject::lot(id), C::PackagesOwned(owned))?;
    let mut masses = selected.iter().flatten().map(lot::package_mass);
    let sum = masses.try_fold(Amount::default(), |sum, each| sum.plus(each?));
    sum.map_err(goods::overflow)
}

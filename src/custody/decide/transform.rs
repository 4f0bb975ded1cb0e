//! Matter made into other matter.

pub(super) mod balance;

use self::balance::{Balance, sum};
use super::Case;
use super::customs;
use super::entry::{self, Birth, Papers};
use super::fields::{self, MAX_SHORT};
use super::goods::{self, Portion, overflow};
use super::signers;
use super::store::late;
use super::vessel;
use crate::catalog;
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::{account, blend, subject};
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{DisputeId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{
    Account, AccountKind, ContributedTo, DisputeOpened, DisputeOrigin, FindingCode, NewLot, Parent,
    ProcessLoss, RefusalCode, Severity, Transformed,
};

/// Inputs, outputs, losses and so on of one transformation, at most each.
const MAX_SIDES: usize = 64;

/// One input, taken whole into `transformed` and then shared out.
pub(super) struct Input {
    pub(super) portion: Portion,
    pub(super) total: Amount,
    substance: String,
    pub(super) loss: Amount,
    pub(super) short: Amount,
    /// Of a running lot: what it was made of when it was taken.
    blend: Vec<Parent>,
}

impl Input {
    /// So much of a lot, with no share of anything yet.
    pub(super) fn whole(lot: LotId, total: Amount, substance: String) -> Input {
        Input {
            portion: Portion {
                lot,
                loose: total,
                serials: Vec::new(),
                packed: Amount::default(),
                parts: Vec::new(),
            },
            total,
            substance,
            loss: Amount::default(),
            short: Amount::default(),
            blend: Vec::new(),
        }
    }

    /// A portion that is taken off an account of the acting party.
    pub(super) fn take(
        draft: &mut Draft<'_>,
        portion: Portion,
        from: &Account,
    ) -> Result<Input, Refused> {
        let state = draft.lot(portion.lot).unwrap_or_default();
        let total = portion.total()?;
        let (_, blend) = vessel::parents(&state, portion.lot, total)?;
        goods::sink(draft, &portion, from, AccountKind::Transformed)?;
        Ok(Input {
            total,
            substance: substance(lot::form(&state)),
            portion,
            loss: Amount::default(),
            short: Amount::default(),
            blend,
        })
    }
}

/// One output: its amount, its substance, and of waste its code.
pub(super) struct Output {
    pub(super) amount: Amount,
    pub(super) substance: String,
    pub(super) waste_code: String,
}

impl Output {
    /// A new lot's, once its fields are checked.
    pub(super) fn of(lot: &NewLot, waste_code: &str) -> Result<Output, Refused> {
        Ok(Output {
            amount: entry::check_new(lot)?,
            substance: substance(&lot.form),
            waste_code: waste_code.to_owned(),
        })
    }
}

pub(super) fn transformed(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Transformed,
) -> Result<(), Refused> {
    signers::active(draft, case.party(), "party")?;
    check_counts(e)?;
    for (i, input) in e.inputs.iter().enumerate() {
        let at = format!("inputs[{i}]");
        fields::code(&input.place, "place").map_err(|r| r.within(&at))?;
        goods::check(input.goods.as_ref()).map_err(|r| r.within(&at))?;
    }
    let mut outputs = Vec::with_capacity(e.outputs.len());
    for (i, lot) in e.outputs.iter().enumerate() {
        let at = format!("outputs[{i}]");
        outputs.push(Output::of(lot, "").map_err(|r| r.within(&at))?);
    }
    for (i, lot) in e.outputs.iter().enumerate() {
        goods::own_place(draft, case.party(), &lot.place, "place")
            .map_err(|r| r.within(&format!("outputs[{i}]")))?;
    }
    let inputs = take_inputs(draft, case, e)?;
    convert(draft, case, e, inputs, &outputs)
}

/// Books what came of inputs that have been taken.
pub(super) fn convert(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Transformed,
    mut inputs: Vec<Input>,
    outputs: &[Output],
) -> Result<(), Refused> {
    let balance = Balance::of(e, &inputs, outputs)?;
    balance.share_out(&mut inputs)?;
    for (line, input) in (0u32..).zip(&inputs) {
        book_shares(draft, case, line, input)?;
    }
    if let Some(first) = inputs.first() {
        let conservation = balance.conservation(e);
        draft.emit(
            &subject::lot(first.portion.lot),
            C::Conservation(conservation),
        )?;
    }
    make_outputs(draft, case, e, &inputs, outputs, balance.out_gross)
}

pub(super) fn check_counts(e: &Transformed) -> Result<(), Refused> {
    let counts = [
        ("inputs", e.inputs.len(), 1),
        ("outputs", e.outputs.len(), 0),
        ("unregulated", e.unregulated.len(), 0),
        ("inert", e.inert.len(), 0),
        ("losses", e.losses.len(), 0),
        ("consumed", e.consumed.len(), 0),
    ];
    for (field, count, least) in counts {
        if count < least || count > MAX_SIDES {
            return Err(Refused::invalid(
                field,
                format!("{least} to {MAX_SIDES} are wanted"),
            ));
        }
    }
    check_sides(e)
}

/// Checks what a transformation declares beside its lots.
pub(super) fn check_sides(e: &Transformed) -> Result<(), Refused> {
    e.unregulated
        .iter()
        .try_for_each(|u| fields::text(&u.name, MAX_SHORT, "unregulated.name"))?;
    e.inert
        .iter()
        .try_for_each(|i| fields::text(&i.name, MAX_SHORT, "inert.name"))?;
    e.losses.iter().try_for_each(check_loss)?;
    e.consumed.iter().try_for_each(|c| match c.contained_mg {
        1.. => Ok(()),
        _ => Err(Refused::new(
            RefusalCode::MassNotPositive,
            "consumed.contained_mg",
        )),
    })
}

fn check_loss(loss: &ProcessLoss) -> Result<(), Refused> {
    fields::text(&loss.cause, MAX_SHORT, "losses.cause")?;
    let nothing = loss.gross_mg == 0 && loss.contained_mg == 0;
    if nothing || loss.gross_mg < 0 || loss.contained_mg < 0 {
        return Err(Refused::new(
            RefusalCode::MassNotPositive,
            "losses.gross_mg",
        ));
    }
    if loss.contained_mg > 0 && loss.substance.is_empty() {
        return Err(Refused::missing("losses.substance"));
    }
    Ok(())
}

/// The substance code of a form of the catalogue.
pub(super) fn substance(form: &str) -> String {
    catalog::form(form)
        .map(|f| f.substance.code().to_owned())
        .unwrap_or_default()
}

fn take_inputs(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Transformed,
) -> Result<Vec<Input>, Refused> {
    let mut inputs: Vec<Input> = Vec::with_capacity(e.inputs.len());
    for (i, input) in e.inputs.iter().enumerate() {
        let at = format!("inputs[{i}]");
        let from = account::held(case.party(), &input.place);
        let goods = input.goods.as_ref();
        let portion = goods::content(draft, goods, &from).map_err(|r| r.within(&at))?;
        customs::free(draft, portion.lot, &at)?;
        if inputs.iter().any(|other| other.portion.lot == portion.lot) {
            return Err(Refused::invalid(at, "the lot stands in another input"));
        }
        late(draft, case, portion.lot);
        inputs.push(Input::take(draft, portion, &from)?);
    }
    Ok(inputs)
}

/// Moves an input's shares of loss and shortfall out of `transformed`.
fn book_shares(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    line: u32,
    input: &Input,
) -> Result<(), Refused> {
    let lot = input.portion.lot;
    let transformed = account::plain(AccountKind::Transformed);
    draft.transfer(
        lot,
        &transformed,
        &account::plain(AccountKind::ProcessLoss),
        input.loss,
    )?;
    if input.short.is_zero() {
        return Ok(());
    }
    let id = DisputeId(case.name(line));
    draft.transfer(lot, &transformed, &account::disputed(id), input.short)?;
    draft.post_title(lot, case.party(), input.short.gross)?;
    draft.emit(
        &subject::dispute(id),
        C::DisputeOpened(DisputeOpened {
            origin: DisputeOrigin::Transformation.into(),
            lot: lot.to_bytes(),
            gross_mg: input.short.gross,
            contained_mg: input.short.contained,
            owner: case.party().to_owned(),
            deadline_ms: case.dispute_deadline_ms(),
            ..DisputeOpened::default()
        }),
    )?;
    draft.find(
        FindingCode::Shortfall,
        Severity::Warning,
        &subject::lot(lot),
        case.party(),
        case.dispute_deadline_ms(),
        format!(
            "{} ({} contained) went in and did not come out",
            Mass::mg(input.short.gross),
            Mass::mg(input.short.contained)
        ),
    );
    Ok(())
}

/// The output lots, each with what every input contributed to it.
fn make_outputs(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Transformed,
    inputs: &[Input],
    outputs: &[Output],
    out_gross: i64,
) -> Result<(), Refused> {
    for (line, (lot, output)) in (0u32..).zip(e.outputs.iter().zip(outputs)) {
        let given = inputs
            .iter()
            .map(|input| contribution(input, output.amount.gross, out_gross))
            .collect::<Result<Vec<_>, _>>()?;
        let birth = Birth {
            source: AccountKind::Made,
            papers: Papers::Should,
            line,
            parents: merged(inputs, &given)?,
            waste_code: output.waste_code.clone(),
        };
        let id = entry::born(draft, case, lot, birth)
            .map_err(|r| r.within(&format!("outputs[{line}]")))?;
        for (input, parent) in inputs.iter().zip(given) {
            let given = ContributedTo {
                lot: id.to_bytes(),
                gross_mg: parent.gross_mg,
                contained_mg: parent.contained_mg,
                of: of_blend(input, &parent)?,
            };
            draft.emit(&subject::lot(input.portion.lot), C::ContributedTo(given))?;
        }
    }
    Ok(())
}

/// What an output was made of, by lot: of a running lot the lots that it was
/// made of itself, which may be poured from another input as well.
fn merged(inputs: &[Input], given: &[Parent]) -> Result<Vec<Parent>, Refused> {
    let mut parents: Vec<Parent> = Vec::with_capacity(given.len());
    for (input, parent) in inputs.iter().zip(given) {
        let of = if input.blend.is_empty() {
            vec![parent.clone()]
        } else {
            of_blend(input, parent)?
        };
        for part in of {
            match parents.iter_mut().find(|p| p.lot == part.lot) {
                Some(known) => {
                    known.gross_mg = sum([known.gross_mg, part.gross_mg])?;
                    known.contained_mg = sum([known.contained_mg, part.contained_mg])?;
                }
                None => parents.push(part),
            }
        }
    }
    Ok(parents)
}

fn of_blend(input: &Input, given: &Parent) -> Result<Vec<Parent>, Refused> {
    if input.blend.is_empty() {
        return Ok(Vec::new());
    }
    let amount = Amount {
        gross: given.gross_mg,
        contained: given.contained_mg,
    };
    blend::portion(&input.blend, amount).map_err(overflow)
}

/// What an input gave to an output: its part that was transformed, in
/// proportion to the output among everything made.
pub(super) fn contribution(input: &Input, gross: i64, out_gross: i64) -> Result<Parent, Refused> {
    let rest = input
        .total
        .minus(input.loss)
        .and_then(|rest| rest.minus(input.short))
        .map_err(overflow)?;
    let part = |whole: i64| {
        Mass::mg(whole)
            .share(gross, out_gross)
            .unwrap_or_default()
            .as_mg()
    };
    Ok(Parent {
        lot: input.portion.lot.to_bytes(),
        gross_mg: part(rest.gross),
        contained_mg: part(rest.contained),
    })
}

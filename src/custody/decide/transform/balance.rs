//! Law 4 of a transformation: what goes in comes out, is lost, is consumed or is
//! short; and the inputs' shares of what is lost and short.

use std::collections::BTreeMap;

use super::{Input, Output};
use crate::custody::blend;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::pb::{Conservation, Consumed, RefusalCode, Transformed};

/// Both sides of law 4.
pub(in crate::custody::decide) struct Balance {
    inert: i64,
    unregulated: i64,
    /// Loss that comes out of inert matter, and out of the inputs.
    inert_loss: i64,
    input_loss: i64,
    short: i64,
    pub(in crate::custody::decide) out_gross: i64,
    /// Per substance: content lost, and content nobody accounts for.
    contained: BTreeMap<String, (i64, i64)>,
}

pub(in crate::custody::decide) fn sum(
    values: impl IntoIterator<Item = i64>,
) -> Result<i64, Refused> {
    values
        .into_iter()
        .try_fold(0i64, i64::checked_add)
        .ok_or_else(|| Refused::new(RefusalCode::MassOverflow, ""))
}

fn not_conserved(what: &str, inside: i64, outside: i64) -> Refused {
    Refused::new(RefusalCode::NotConserved, what).detail(format!(
        "{} in, {} out",
        Mass::mg(inside),
        Mass::mg(outside)
    ))
}

impl Balance {
    pub(in crate::custody::decide) fn of(
        e: &Transformed,
        inputs: &[Input],
        outputs: &[Output],
    ) -> Result<Balance, Refused> {
        let mass = |q: Option<&crate::pb::Quantity>, f| Mass::of(q, f).map(Mass::as_mg);
        let inert: Vec<i64> = e
            .inert
            .iter()
            .map(|i| mass(i.quantity.as_ref(), "inert.quantity"))
            .collect::<Result<_, _>>()?;
        let unregulated: Vec<i64> = e
            .unregulated
            .iter()
            .map(|u| mass(u.quantity.as_ref(), "unregulated.quantity"))
            .collect::<Result<_, _>>()?;
        let (inert, unregulated) = (sum(inert)?, sum(unregulated)?);
        let input_gross = sum(inputs.iter().map(|i| i.total.gross))?;
        let inside = sum([input_gross, inert])?;
        let loss = sum(e.losses.iter().map(|l| l.gross_mg))?;
        let out_gross = sum(outputs.iter().map(|o| o.amount.gross).chain([unregulated]))?;
        let outside = sum([out_gross, loss])?;
        if outside > inside {
            return Err(not_conserved("outputs", inside, outside));
        }
        // What evaporates without a regulated substance is solvent first.
        let solvent = sum(e
            .losses
            .iter()
            .filter(|l| l.substance.is_empty())
            .map(|l| l.gross_mg))?;
        let inert_loss = solvent.min(inert);
        let input_loss = loss - inert_loss;
        let short = inside - outside;
        if sum([input_loss, short])? > input_gross {
            return Err(not_conserved(
                "losses",
                input_gross,
                sum([input_loss, short])?,
            ));
        }
        let contained = contained(e, inputs, outputs)?;
        Ok(Balance {
            inert,
            unregulated,
            inert_loss,
            input_loss,
            short,
            out_gross,
            contained,
        })
    }

    pub(in crate::custody::decide) fn conservation(&self, e: &Transformed) -> Conservation {
        Conservation {
            inert_gross_mg: self.inert,
            unregulated_gross_mg: self.unregulated,
            consumed: e.consumed.clone(),
            inert_loss_gross_mg: self.inert_loss,
        }
    }

    /// Shares losses and the shortfall among the inputs in proportion.
    pub(in crate::custody::decide) fn share_out(
        &self,
        inputs: &mut [Input],
    ) -> Result<(), Refused> {
        let weights: Vec<i64> = inputs.iter().map(|i| i.total.gross).collect();
        let losses = shares(self.input_loss, &weights)?;
        let rest: Vec<i64> = weights.iter().zip(&losses).map(|(w, l)| w - l).collect();
        let shorts = shares(self.short, &rest)?;
        for ((input, loss), short) in inputs.iter_mut().zip(losses).zip(shorts) {
            (input.loss.gross, input.short.gross) = (loss, short);
        }
        for (substance, (lost, short)) in &self.contained {
            let weight = |i: &Input| {
                if i.substance == *substance {
                    i.total.contained
                } else {
                    0
                }
            };
            let weights: Vec<i64> = inputs.iter().map(weight).collect();
            let losses = shares(*lost, &weights)?;
            let rest: Vec<i64> = weights.iter().zip(&losses).map(|(w, l)| w - l).collect();
            let shorts = shares(*short, &rest)?;
            let mine = inputs.iter_mut().zip(losses).zip(shorts);
            for ((input, loss), short) in mine.filter(|((i, _), _)| i.substance == *substance) {
                (input.loss.contained, input.short.contained) = (loss, short);
            }
        }
        Ok(())
    }
}

/// Per substance: content in = out + lost + consumed + shortfall.
fn contained(
    e: &Transformed,
    inputs: &[Input],
    outputs: &[Output],
) -> Result<BTreeMap<String, (i64, i64)>, Refused> {
    let mut inside: BTreeMap<String, i64> = BTreeMap::new();
    for i in inputs {
        let entry = inside.entry(i.substance.clone()).or_default();
        *entry = sum([*entry, i.total.contained])?;
    }
    let mut outside: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for output in outputs {
        let entry = outside.entry(&output.substance).or_default();
        entry.0 = sum([entry.0, output.amount.contained])?;
    }
    for Consumed {
        substance,
        contained_mg,
    } in &e.consumed
    {
        let entry = outside.entry(substance).or_default();
        entry.0 = sum([entry.0, *contained_mg])?;
    }
    for loss in e.losses.iter().filter(|l| l.contained_mg > 0) {
        let entry = outside.entry(&loss.substance).or_default();
        entry.1 = sum([entry.1, loss.contained_mg])?;
    }
    if let Some((stray, _)) = outside.iter().find(|(s, _)| !inside.contains_key(**s)) {
        return Err(Refused::new(RefusalCode::NotConserved, "outputs")
            .detail(format!("no input contains '{stray}'")));
    }
    inside
        .into_iter()
        .map(|(substance, content)| {
            let (out, lost) = outside.get(substance.as_str()).copied().unwrap_or_default();
            let accounted = sum([out, lost])?;
            if accounted > content {
                return Err(not_conserved(
                    &format!("contained {substance}"),
                    content,
                    accounted,
                ));
            }
            Ok((substance, (lost, content - accounted)))
        })
        .collect()
}

/// Splits a total in proportion to weights; see [`blend::split`].
fn shares(total: i64, weights: &[i64]) -> Result<Vec<i64>, Refused> {
    let whole: i64 = sum(weights.iter().copied())?;
    if total > whole {
        return Err(not_conserved("losses", whole, total));
    }
    blend::split(total, weights).map_err(|_| not_conserved("losses", whole, total))
}

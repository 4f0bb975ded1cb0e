//! What a vessel's running lot is made of: exact milligrams of each lot that
//! was poured in. Matter in a vessel is well mixed, so whatever leaves it
//! takes the same part of each.
//!
//! Rounding, stated: the parts stand in order of lot, a total is cut after
//! each of them at `total × (sum so far) / (whole sum)` rounded down, gross
//! and contained each by their own weights. So the parts of a portion sum to
//! the portion, and none is larger than what is there of it.

use super::lot::{Amount, Broken, broken};
use crate::pb::{BlendPart, Blended, LotState, Parent};

/// Lots that a running lot is made of, at most. A further one begins a new
/// running lot, whose first part is the old one.
pub const MAX_PARTS: usize = 64;

/// Those of them that are known lots, at most: what is found beside them, of
/// unknown origin, always has its place.
pub const MAX_KNOWN: usize = MAX_PARTS - 1;

fn overflow() -> Broken {
    Broken {
        law: 1,
        what: "a mass overflows".into(),
    }
}

/// The sum of many masses.
pub fn sum(values: impl IntoIterator<Item = i64>) -> Result<i64, Broken> {
    values
        .into_iter()
        .try_fold(0i64, i64::checked_add)
        .ok_or_else(overflow)
}

/// Splits a total in proportion to weights, exactly: each gets what the sum up
/// to it is due, rounded down, less what those before it got. None gets more
/// than its weight as long as the total is no more than the sum of weights.
pub fn split(total: i64, weights: &[i64]) -> Result<Vec<i64>, Broken> {
    let whole = i128::from(sum(weights.iter().copied())?);
    if total < 0 || weights.iter().any(|w| *w < 0) || (whole == 0 && total != 0) {
        return broken(4, format!("{total} mg cannot be shared among {whole} mg"));
    }
    let (mut before, mut so_far) = (0i64, 0i128);
    weights
        .iter()
        .map(|weight| {
            so_far += i128::from(*weight);
            let due = match whole {
                0 => 0,
                // Both factors are below 2^63: their product fits.
                _ => i64::try_from(i128::from(total) * so_far / whole).map_err(|_| overflow())?,
            };
            let share = due - before;
            before = due;
            Ok(share)
        })
        .collect()
}

/// The sum of parts.
pub fn total(parts: &[Parent]) -> Result<Amount, Broken> {
    Ok(Amount {
        gross: sum(parts.iter().map(|p| p.gross_mg))?,
        contained: sum(parts.iter().map(|p| p.contained_mg))?,
    })
}

/// What a well-mixed portion of a blend is made of; parts of nothing are left
/// out.
pub fn portion(blend: &[Parent], amount: Amount) -> Result<Vec<Parent>, Broken> {
    let gross: Vec<i64> = blend.iter().map(|p| p.gross_mg).collect();
    let contained: Vec<i64> = blend.iter().map(|p| p.contained_mg).collect();
    let there = total(blend)?;
    if amount.gross > there.gross || amount.contained > there.contained {
        return broken(2, "more than the vessel holds");
    }
    let gross = split(amount.gross, &gross)?;
    let contained = split(amount.contained, &contained)?;
    let parts = blend.iter().zip(gross).zip(contained);
    let part = |((parent, gross_mg), contained_mg): ((&Parent, i64), i64)| Parent {
        lot: parent.lot.clone(),
        gross_mg,
        contained_mg,
    };
    Ok(parts
        .map(part)
        .filter(|p| p.gross_mg != 0 || p.contained_mg != 0)
        .collect())
}

/// Parts as a change that gains them, or (negative) loses them.
pub fn gained(parts: &[Parent]) -> Blended {
    signed(parts, 1)
}

/// The other way round.
pub fn lost(parts: &[Parent]) -> Blended {
    signed(parts, -1)
}

fn signed(parts: &[Parent], sign: i64) -> Blended {
    let part = |p: &Parent| BlendPart {
        lot: p.lot.clone(),
        gross_mg: p.gross_mg.saturating_mul(sign),
        contained_mg: p.contained_mg.saturating_mul(sign),
    };
    Blended {
        parts: parts.iter().map(part).collect(),
    }
}

/// What changes in a blend when there are `now` of it: what is gone was well
/// mixed, what was found is of unknown origin, content that an assay finds is
/// of each part in proportion. `None` if nothing changes.
pub fn adjusted(blend: &[Parent], now: Amount) -> Result<Option<Blended>, Broken> {
    let there = total(blend)?;
    let change = now.minus(there)?;
    if change.is_zero() {
        return Ok(None);
    }
    let gone = Amount {
        gross: change.gross.min(0),
        contained: change.contained.min(0),
    };
    let mut parts = lost(&portion(blend, gone.negated()?)?).parts;
    let more = Amount {
        gross: change.gross.max(0),
        contained: change.contained.max(0),
    };
    if more.gross > 0 {
        parts.push(BlendPart {
            gross_mg: more.gross,
            contained_mg: more.contained,
            ..BlendPart::default()
        });
    } else if more.contained > 0 {
        parts.extend(enriched(blend, more.contained)?);
    }
    Ok(Some(joined(parts)?))
}

/// Content found in what is there, shared among the parts by their content,
/// or (where none had any) by their gross.
fn enriched(blend: &[Parent], contained: i64) -> Result<Vec<BlendPart>, Broken> {
    let by = |weight: fn(&Parent) -> i64| -> Vec<i64> { blend.iter().map(weight).collect() };
    let mut weights = by(|p| p.contained_mg);
    if weights.iter().all(|w| *w == 0) {
        weights = by(|p| p.gross_mg);
    }
    let shares = split(contained, &weights)?;
    let part = |(parent, contained_mg): (&Parent, i64)| BlendPart {
        lot: parent.lot.clone(),
        gross_mg: 0,
        contained_mg,
    };
    Ok(blend.iter().zip(shares).map(part).collect())
}

/// Sorted by lot, one part a lot, without those that change nothing.
fn joined(mut parts: Vec<BlendPart>) -> Result<Blended, Broken> {
    parts.sort_by(|a, b| a.lot.cmp(&b.lot));
    let mut joined: Vec<BlendPart> = Vec::with_capacity(parts.len());
    for part in parts {
        match joined.last_mut() {
            Some(last) if last.lot == part.lot => {
                last.gross_mg = sum([last.gross_mg, part.gross_mg])?;
                last.contained_mg = sum([last.contained_mg, part.contained_mg])?;
            }
            _ => joined.push(part),
        }
    }
    joined.retain(|p| p.gross_mg != 0 || p.contained_mg != 0);
    Ok(Blended { parts: joined })
}

/// Applies a change of parts to a running lot; no part may fall below nothing.
pub fn apply(lot: &mut LotState, change: &Blended) -> Result<(), Broken> {
    for part in &change.parts {
        let at = lot.blend.binary_search_by(|p| p.lot.cmp(&part.lot));
        let before = match at.ok().and_then(|i| lot.blend.get(i)) {
            Some(p) => (p.gross_mg, p.contained_mg),
            None => (0, 0),
        };
        let now = Parent {
            lot: part.lot.clone(),
            gross_mg: sum([before.0, part.gross_mg])?,
            contained_mg: sum([before.1, part.contained_mg])?,
        };
        if now.gross_mg < 0 || now.contained_mg < 0 {
            return broken(2, "a part of a running lot would stand below nothing");
        }
        let nothing = now.gross_mg == 0 && now.contained_mg == 0;
        match at {
            Ok(i) if nothing => drop(lot.blend.remove(i)),
            Ok(i) => {
                if let Some(p) = lot.blend.get_mut(i) {
                    *p = now;
                }
            }
            Err(_) if nothing => {}
            Err(i) => lot.blend.insert(i, now),
        }
    }
    if lot.blend.len() > MAX_PARTS {
        return broken(2, format!("a running lot of more than {MAX_PARTS} parts"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(lot: u8, gross_mg: i64, contained_mg: i64) -> Parent {
        Parent {
            lot: vec![lot; 16].into(),
            gross_mg,
            contained_mg,
        }
    }

    fn blend() -> impl Strategy<Value = Vec<Parent>> {
        let one = (0..=60_000_000_000i64, 0..=1_000_000i64);
        prop::collection::vec(one, 1..8).prop_map(|parts| {
            let part = |(lot, (gross, ppm)): (u8, (i64, i64))| {
                let contained = i128::from(gross) * i128::from(ppm) / 1_000_000;
                part(lot, gross, i64::try_from(contained).unwrap_or_default())
            };
            (1u8..).zip(parts).map(part).collect()
        })
    }

    proptest! {
        #[test]
        fn a_portion_sums_to_itself_and_takes_no_more_than_is_there(
            blend in blend(), gross in 0..=1_000_000i64, contained in 0..=1_000_000i64,
        ) {
            let all = total(&blend).unwrap_or_default();
            let of = |whole: i64, ppm: i64| {
                i64::try_from(i128::from(whole) * i128::from(ppm) / 1_000_000).unwrap_or_default()
            };
            let amount = Amount {
                gross: of(all.gross, gross),
                contained: of(all.contained, contained),
            };
            let parts = portion(&blend, amount);
            let parts = parts.map_err(|b| TestCaseError::fail(b.to_string()))?;
            prop_assert_eq!(total(&parts), Ok(amount));
            for p in &parts {
                let there = blend.iter().find(|b| b.lot == p.lot);
                let no_more = there.is_some_and(|b| {
                    p.gross_mg <= b.gross_mg && p.contained_mg <= b.contained_mg
                });
                prop_assert!(no_more);
            }
        }

        #[test]
        fn an_adjusted_blend_sums_to_what_is_there(
            blend in blend(), gross in 0..=70_000_000_000i64, contained in 0..=70_000_000_000i64,
        ) {
            let now = Amount { gross, contained };
            // Content without any matter in the blend has nothing to stand in.
            prop_assume!(gross > 0 && total(&blend).is_ok_and(|t| t.gross > 0));
            let mut lot = LotState { blend: blend.clone(), ..LotState::default() };
            lot.blend.retain(|p| p.gross_mg != 0 || p.contained_mg != 0);
            let change = adjusted(&lot.blend, now);
            let change = change.map_err(|b| TestCaseError::fail(b.to_string()))?;
            if let Some(change) = change {
                prop_assert_eq!(apply(&mut lot, &change), Ok(()));
            }
            prop_assert_eq!(total(&lot.blend), Ok(now));
        }
    }

    #[test]
    fn rounding_cuts_after_each_part_in_order_of_lot() {
        let blend = [part(1, 1, 0), part(2, 1, 0), part(3, 1, 0)];
        let two = Amount {
            gross: 2,
            contained: 0,
        };
        // 2 × 1/3 = 0, 2 × 2/3 = 1, 2 × 3/3 = 2: cut at 0, 1 and 2.
        assert_eq!(portion(&blend, two), Ok(vec![part(2, 1, 0), part(3, 1, 0)]));
    }
}

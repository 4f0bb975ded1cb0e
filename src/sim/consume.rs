//! What ends at one party: goods are used, transformed, wasted, disposed of,
//! exported.

use super::goods::{CYANIDE_SOLUTION, Contents, KG, Pile, TONNE_KG, booked};
use super::{Issued, World};
use crate::event::LotId;
use crate::pb::event::Body;
use crate::pb::{
    Consumed, CustomsStatus, Disposed, Exported, Inert, ProcessLoss, TransformInput, Transformed,
    UnregulatedProduct, Used, Wasted,
};

/// One use in so many is told late.
const LATE_ONE_IN: u64 = 40;
/// How late: five weeks, in milliseconds.
const LATE_MS: i64 = 35 * 24 * 60 * 60 * 1000;

/// One batch of lacquer in so many comes out a kilogram short.
const SHORT_ONE_IN: u64 = 6;

/// Anything the owner declares to be thrown away that is a listed hazardous
/// chemical (national list of hazardous wastes, HW49).
pub(super) const WASTE_CODE: &str = "900-999-49";
/// Physical and chemical treatment (hazardous waste disposal codes).
pub(super) const DISPOSAL_METHOD: &str = "D9";

impl World {
    /// Takes up to so many packages off, or up to so much loose; the rest goes
    /// back into the stock.
    pub(super) fn some_of(&mut self, pile: Pile, most: u64) -> Pile {
        let split = match pile.contents {
            Contents::Packages { .. } => pile.split_packages(1 + self.below(most.max(1))),
            Contents::Loose(gross) if gross > TONNE_KG * KG => {
                pile.split_loose(gross / 2 / KG * KG)
            }
            Contents::Loose(_) => None,
        };
        match split {
            Some((rest, some)) => {
                self.stock.push(rest);
                some
            }
            None => pile,
        }
    }

    pub(super) fn use_some(&mut self, pile: Pile) -> Issued {
        let some = self.some_of(pile, 40);
        let used = Used {
            goods: Some(some.goods()),
            place: some.place.to_owned(),
            purpose: some.product.purpose.to_owned(),
        };
        let id = self.fresh_id();
        let mut draft = self.draft(&some.holder, id, vec![Body::Used(used)]);
        let late = self.turn("late") % LATE_ONE_IN == LATE_ONE_IN - 1;
        let what = if late {
            "uses, and tells it late"
        } else {
            "uses"
        };
        if late {
            draft.happened_at_ms = draft.happened_at_ms.saturating_sub(LATE_MS);
        }
        World::signed(&draft, &some.holder.second, &[], what).issued
    }

    pub(super) fn waste(&mut self, pile: Pile) -> Issued {
        let some = self.some_of(pile, 2);
        let label = format!("W-{}", self.label(&some.holder, some.product.substance));
        let wasted = Wasted {
            goods: Some(some.goods()),
            place: some.place.to_owned(),
            label,
            waste_code: WASTE_CODE.to_owned(),
        };
        let said = self.say(&some.holder, vec![Body::Wasted(wasted)], "declares waste");
        let contents = Contents::Loose(some.gross());
        self.stock.push(Pile {
            lot: LotId(said.name(0, 0)),
            waste: true,
            contents,
            ..some
        });
        said.issued
    }

    pub(super) fn dispose(&mut self, pile: &Pile) -> Issued {
        let disposed = Disposed {
            goods: Some(pile.goods()),
            place: pile.place.to_owned(),
            method: DISPOSAL_METHOD.to_owned(),
            certificate_hash: self.hash(),
        };
        self.say(
            &pile.holder,
            vec![Body::Disposed(disposed)],
            "disposes of waste",
        )
        .issued
    }

    pub(super) fn export(&mut self, pile: &Pile) -> Issued {
        let exported = Exported {
            goods: Some(pile.goods()),
            place: pile.place.to_owned(),
            country: "KZ".to_owned(),
            customs_entry: format!("0705-2026-{:06}", self.number()),
            customs_status: CustomsStatus::Released.into(),
        };
        self.say(&pile.holder, vec![Body::Exported(exported)], "exports")
            .issued
    }

    /// Nitrocellulose into lacquer: three parts of solvent, a kilogram
    /// evaporates, and now and then another is nowhere to be found.
    pub(super) fn make_paint(&mut self, pile: Pile) -> Issued {
        let some = self.some_of(pile, 10);
        let solvent = some.gross() * 3;
        let short = self.turn("lacquer") % SHORT_ONE_IN == SHORT_ONE_IN - 1;
        let gone = if short { 2 * KG } else { KG };
        let transformed = Transformed {
            inputs: vec![TransformInput {
                goods: Some(some.goods()),
                place: some.place.to_owned(),
            }],
            unregulated: vec![UnregulatedProduct {
                name: "nitro lacquer 硝基漆".to_owned(),
                quantity: Some(booked(some.gross() + solvent - gone)),
            }],
            inert: vec![Inert {
                name: "butyl acetate 乙酸丁酯".to_owned(),
                quantity: Some(booked(solvent)),
            }],
            losses: vec![ProcessLoss {
                cause: "evaporation 挥发".to_owned(),
                gross_mg: KG,
                ..ProcessLoss::default()
            }],
            consumed: vec![Consumed {
                substance: some.product.substance.to_owned(),
                contained_mg: some.contained(),
            }],
            outputs: Vec::new(),
        };
        self.say(
            &some.holder,
            vec![Body::Transformed(transformed)],
            "makes lacquer",
        )
        .issued
    }

    /// Solid sodium cyanide into a 30 % solution, which is a new lot; the
    /// content below a whole kilogram of solution is rinsed away.
    pub(super) fn dissolve(&mut self, pile: Pile) -> Issued {
        let some = self.some_of(pile, 60);
        let permille = i64::from(CYANIDE_SOLUTION.least_permille);
        let ppm = CYANIDE_SOLUTION.least_permille * 1_000;
        let contained = some.contained();
        let gross = contained / permille * 1_000 / KG * KG;
        let label = self.label(&some.holder, "NACN30");
        let place = some.place;
        let lot = self.new_lot(label, &CYANIDE_SOLUTION, gross, ppm, place);
        let made = Pile {
            product: &CYANIDE_SOLUTION,
            ppm,
            contents: Contents::Loose(gross),
            ..some.clone()
        };
        let rinsed = Some(ProcessLoss {
            cause: "rinse 冲洗".to_owned(),
            gross_mg: 0,
            substance: some.product.substance.to_owned(),
            contained_mg: contained - made.contained(),
        });
        let transformed = Transformed {
            inputs: vec![TransformInput {
                goods: Some(some.goods()),
                place: some.place.to_owned(),
            }],
            outputs: vec![lot],
            inert: vec![Inert {
                name: "water 水".to_owned(),
                quantity: Some(booked(gross - some.gross())),
            }],
            losses: rinsed.filter(|l| l.contained_mg > 0).into_iter().collect(),
            ..Transformed::default()
        };
        let said = self.say(
            &some.holder,
            vec![Body::Transformed(transformed)],
            "dissolves",
        );
        self.stock.push(Pile {
            lot: LotId(said.name(0, 0)),
            ..made
        });
        said.issued
    }
}

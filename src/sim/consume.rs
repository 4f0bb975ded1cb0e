//! What ends at one party: goods are used, transformed, wasted, disposed of,
//! exported.

use super::goods::{CYANIDE_SOLUTION, Contents, KG, Pile, TONNE_KG, booked};
use super::{Issued, World};
use crate::event::ids::derived;
use crate::event::{LotId, StatementId};
use crate::pb::event::Body;
use crate::pb::{
    Consumed, CustomsStatus, Disposed, Exported, Goods, Inert, PackagePart, PackagingTreated,
    PackagingTreatment, ProcessLoss, Repacked, Sampled, SerialRange, TransformInput, Transformed,
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

/// A sample's gross, milligrams.
const SAMPLE: i64 = KG / 10;
/// Of so many parcels of packages one is sampled before use and one repacked.
const PREPARED_IN: u64 = 8;
const SAMPLED: u64 = 3;
const REPACKED: u64 = 7;
/// New packages are numbered from here, beyond all that a lot has.
const REPACKED_FROM: u64 = 1_000_000;

/// What is done with packages before they are used, what is used then, and
/// which packages are empty after it.
#[derive(Default)]
struct Prepared {
    before: Vec<Body>,
    goods: Goods,
    empties: Vec<SerialRange>,
}

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
        let id = self.fresh_id();
        let prepared = self.prepared(&some, id);
        let used = Used {
            goods: Some(prepared.goods),
            place: some.place.to_owned(),
            purpose: some.product.purpose.to_owned(),
        };
        let mut bodies = prepared.before;
        bodies.push(Body::Used(used));
        bodies.extend(self.scrap(&some, prepared.empties));
        let mut draft = self.draft(&some.holder, id, bodies);
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

    /// What is left of packages that have been used up is shredded.
    fn scrap(&mut self, used: &Pile, serials: Vec<SerialRange>) -> Option<Body> {
        if serials.is_empty() {
            return None;
        }
        Some(Body::PackagingTreated(PackagingTreated {
            lot: used.lot.to_bytes(),
            place: used.place.to_owned(),
            serials,
            treatment: PackagingTreatment::Destroyed.into(),
            method: "rinsed and shredded".to_owned(),
            certificate_hash: self.hash(),
        }))
    }

    /// What happens to packages before they are used: mostly nothing; now and
    /// then a sample is taken and analysed, or all goes into other packages.
    fn prepared(&mut self, pile: &Pile, id: StatementId) -> Prepared {
        let Contents::Packages { first, last, each } = pile.contents else {
            return Prepared {
                goods: pile.goods(),
                ..Prepared::default()
            };
        };
        match self.turn("prepared") % PREPARED_IN {
            SAMPLED => self.sampled(pile, id, (first, last, each)),
            REPACKED => {
                let again = |n: u64| n.saturating_add(REPACKED_FROM);
                let serials = SerialRange {
                    first: again(first),
                    last: again(last),
                };
                let repacked = Repacked {
                    goods: Some(pile.goods()),
                    place: pile.place.to_owned(),
                    serials: Some(serials),
                    gross_mg_each: each,
                    packaging: pile.product.packaging.to_owned(),
                    loss_gross_mg: 0,
                };
                Prepared {
                    before: vec![Body::Repacked(repacked)],
                    goods: super::goods::packages(pile.lot, serials.first, serials.last),
                    empties: vec![SerialRange { first, last }, serials],
                }
            }
            _ => Prepared {
                goods: pile.goods(),
                empties: pile.serials(),
                ..Prepared::default()
            },
        }
    }

    /// A sample out of the first package, used up in analysis; then the rest.
    fn sampled(
        &mut self,
        pile: &Pile,
        id: StatementId,
        (first, last, each): (u64, u64, i64),
    ) -> Prepared {
        let part = |gross_mg| PackagePart {
            serial: first,
            quantity: Some(booked(gross_mg)),
        };
        let out_of = |gross_mg, serials| Goods {
            lot: pile.lot.to_bytes(),
            loose: None,
            serials,
            parts: vec![part(gross_mg)],
            outers: Vec::new(),
        };
        let purpose = "batch analysis 批次化验".to_owned();
        let sampled = Sampled {
            goods: Some(out_of(SAMPLE, Vec::new())),
            place: pile.place.to_owned(),
            label: format!("S-{}", self.label(&pile.holder, pile.product.substance)),
            purpose: purpose.clone(),
        };
        let sample = LotId(derived(&pile.holder.code, id, 0, 0));
        let analysed = Used {
            goods: Some(super::goods::loose(sample, SAMPLE)),
            place: pile.place.to_owned(),
            purpose,
        };
        let others = SerialRange {
            first: first.saturating_add(1),
            last,
        };
        let others = (first < last).then_some(others).into_iter().collect();
        Prepared {
            before: vec![Body::Sampled(sampled), Body::Used(analysed)],
            goods: out_of(each.saturating_sub(SAMPLE), others),
            empties: vec![SerialRange { first, last }],
        }
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
            // Waste is whoever's who declares it.
            owner: some.holder.clone(),
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
            emptied: false,
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
        let mut bodies = vec![Body::Transformed(transformed)];
        bodies.extend(self.scrap(&some, some.serials()));
        self.say(&some.holder, bodies, "makes lacquer").issued
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
        let mut bodies = vec![Body::Transformed(transformed)];
        bodies.extend(self.scrap(&some, some.serials()));
        let said = self.say(&some.holder, bodies, "dissolves");
        self.stock.push(Pile {
            lot: LotId(said.name(0, 0)),
            ..made
        });
        said.issued
    }
}

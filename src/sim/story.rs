//! One drum's life, the same in every world: sodium cyanide produced, packed,
//! stored, sold, carried to a gold mine with one change of carriers, counted;
//! its neighbours used, the drum itself found damp, declared waste, carried to
//! the licensed disposer and disposed of. Its steps come between everything
//! else that happens.

use super::cast::Who;
use super::consume::{DISPOSAL_METHOD, WASTE_CODE};
use super::goods::{self, CYANIDE, Contents, KG, Pile, booked};
use super::paper::{self, Waybill};
use super::ship::accepted;
use super::world::Said;
use super::{Issued, World};
use crate::event::LotId;
use crate::pb::event::Body;
use crate::pb::{
    Accepted, AcceptedLine, Counted, Disposed, EventRef, Goods, HandoffPurpose, Measure,
    MeasureUnit, Moved, Offered, PaymentKind, PermitKind, PermitRegistered, PermitStatus, Produced,
    Relayed, ReportKind, Reported, RoadPass, SerialRange, Traded, Used, Wasted,
};

/// The lot's label.
pub const STORY_LABEL: &str = "CF-NACN-STORY";
/// The label of the waste that the drum becomes.
pub const WASTE_LABEL: &str = "W-JL-NACN-STORY";
/// The drum's serial in its lot.
pub const DRUM: u64 = 7;
/// Statements that the story takes.
pub const STORY_STEPS: u64 = 20;

/// Drums of the lot.
const DRUMS: u64 = 20;
/// Drums that go to the mine: 1 to 10.
const SENT: SerialRange = SerialRange { first: 1, last: 10 };
/// The mine's purchase permit, and its kilograms.
const PERMIT: &str = "JL-GM-2026-0042";
const PERMIT_KG: i64 = 50_000;
/// The passes of its two journeys: they name where they go, not by whom.
const PASSES: [&str; 2] = ["JL-TXZ-2026-0042", "JY-TXZ-2026-0043"];

/// Kilograms of a drum.
const DRUM_KG: i64 = 50;
/// Its content, parts per million.
const CONTENT_PPM: u32 = 982_000;

/// How far the story has got, and what its next steps refer to.
#[derive(Debug, Default)]
pub(super) struct Story {
    next: u64,
    lot: Option<LotId>,
    waste: Option<LotId>,
    offer: EventRef,
    manifest: String,
    consignment: [u8; 16],
}

/// Who plays in it.
struct Roles {
    plant: Who,
    mine: Who,
    disposer: Who,
    first: Who,
    second: Who,
}

/// Whether the story's next step is due: its steps are spread evenly over the
/// events that the world is to have.
pub(super) fn due(world: &World) -> bool {
    let next = world.story.next;
    let (so_far, all) = world.progress();
    next < STORY_STEPS && so_far.saturating_mul(STORY_STEPS + 1) >= all.saturating_mul(next + 1)
}

/// The story's next step.
pub(super) fn step(world: &mut World) -> Issued {
    let roles = Roles {
        plant: world.cast.cyanide_plants.first().clone(),
        mine: world.cast.gold_mines.first().clone(),
        disposer: world.cast.disposers.first().clone(),
        first: world.cast.carriers.first().clone(),
        second: world.cast.carriers.nth(1).clone(),
    };
    let step = world.story.next;
    world.story.next += 1;
    let said = match step {
        0..=3 => world.story_at_plant(step, &roles),
        4..=9 => world.story_to_mine(step, &roles),
        10..=13 => world.story_at_mine(step, &roles),
        _ => world.story_to_the_end(step, &roles),
    };
    Issued {
        story: true,
        ..said.issued
    }
}

impl World {
    /// Whether the drum's life has been told to its end.
    pub fn story_told(&self) -> bool {
        self.story.next >= STORY_STEPS
    }

    /// The drum's lot, once it has been produced.
    pub fn story_lot(&self) -> Option<LotId> {
        self.story.lot
    }

    /// The waste that the drum became.
    pub fn story_waste(&self) -> Option<LotId> {
        self.story.waste
    }

    fn the_lot(&self) -> LotId {
        self.story.lot.unwrap_or(LotId([0; 16]))
    }

    fn sent(&self) -> Goods {
        goods::packages(self.the_lot(), SENT.first, SENT.last)
    }

    fn story_at_plant(&mut self, step: u64, r: &Roles) -> Said {
        let (line, store) = (r.plant.entry.code, r.plant.store.code);
        let count = i64::try_from(DRUMS).unwrap_or_default();
        match step {
            0 => {
                let gross = DRUM_KG * KG * count;
                let label = STORY_LABEL.to_owned();
                let lot = self.new_lot(label, &CYANIDE, gross, CONTENT_PPM, line);
                let body = Body::Produced(Produced { lot: Some(lot) });
                let said = self.say(&r.plant, vec![body], "produces");
                self.story.lot = Some(LotId(said.name(0, 0)));
                said
            }
            1 => {
                let lot = self.the_lot();
                let body = paper::packed(lot, line, DRUMS, DRUM_KG * KG, CYANIDE.packaging);
                self.say(&r.plant, vec![Body::Packed(body)], "packs")
            }
            2 => {
                let moved = Moved {
                    goods: Some(goods::packages(self.the_lot(), 1, DRUMS)),
                    from_place: line.to_owned(),
                    to_place: store.to_owned(),
                };
                self.say(&r.plant, vec![Body::Moved(moved)], "moves")
            }
            _ => {
                let traded = Traded {
                    buyer: r.mine.code.clone(),
                    goods: vec![self.sent()],
                    permit: PERMIT.to_owned(),
                    returns: None,
                    payment: PaymentKind::BankAccount.into(),
                    online: false,
                };
                let id = self.fresh_id();
                let bodies = vec![Body::Traded(traded)];
                self.say_as(id, &r.plant, &[&r.mine.first], bodies, "sells")
            }
        }
    }

    /// What the drum is sold and carried under.
    pub(super) fn story_permits(&mut self) {
        let (mine, disposer) = (
            self.cast.gold_mines.first().clone(),
            self.cast.disposers.first().clone(),
        );
        let kind = PermitKind::HighlyToxicPurchase;
        let permit = PermitRegistered {
            substances: vec![CYANIDE.substance.to_owned()],
            quantity_mg: PERMIT_KG * KG,
            ..self.permit(&mine, PERMIT, kind, PermitStatus::Granted)
        };
        let bodies = vec![Body::PermitRegistered(permit)];
        let said = self.by_agency(&mine, bodies, "grants a purchase permit");
        self.ready.push_back(said.issued);
        for (who, number) in [&mine, &disposer].into_iter().zip(PASSES) {
            let names = RoadPass {
                consignee: who.code.clone(),
                ..RoadPass::default()
            };
            let body = self.pass_of(who, number, names);
            let what = "gives a transport pass for highly toxic goods";
            let said = self.by_agency(who, vec![body], what);
            self.ready.push_back(said.issued);
        }
    }

    /// What goes, as the world's books have piles.
    fn story_pile(&self, from: &Who, place: &'static str, waste: bool) -> Pile {
        Pile {
            lot: if waste {
                self.story.waste.unwrap_or(LotId([0; 16]))
            } else {
                self.the_lot()
            },
            product: &CYANIDE,
            ppm: CONTENT_PPM,
            waste,
            holder: from.clone(),
            place,
            owner: from.clone(),
            contents: if waste {
                Contents::Loose(DRUM_KG * KG)
            } else {
                Contents::Packages {
                    first: SENT.first,
                    last: SENT.last,
                    each: DRUM_KG * KG,
                }
            },
        }
    }

    fn story_offer(&mut self, pile: &Pile, to: (&Who, &Who)) -> Said {
        let (carrier, consignee) = to;
        let from = pile.holder.clone();
        let waybill = self.waybill(carrier, pile);
        let Waybill { number, .. } = waybill.clone();
        let hands = (&from, carrier, consignee);
        let carriage = self.carriage(&waybill, pile, hands);
        let manifest = pile
            .waste
            .then(|| Box::new(self.manifest(pile, &waybill, hands)));
        if let Some(manifest) = &manifest {
            self.story.manifest.clone_from(&manifest.number);
        }
        let [to_mine, to_disposer] = PASSES;
        let (pass, purpose) = if pile.waste {
            (to_disposer, HandoffPurpose::Disposal)
        } else {
            (to_mine, HandoffPurpose::Unspecified)
        };
        let offered = Offered {
            purpose: purpose.into(),
            road_pass: pass.to_owned(),
            loading_checks: Some(self.checked()),
            papers_passed_on: true,
            manifest,
            ..paper::offered(pile, carrier, Some(carriage))
        };
        let bodies = vec![Body::Offered(offered)];
        let (note, what) = (("e-waybill", number.as_str()), "offers for carriage");
        let said = self.say_with_ref(&from, pile.product.substance, bodies, note, what);
        self.story.offer = said.reference(0);
        self.story.consignment = said.name(0, 0);
        said
    }

    fn story_unload(&mut self, carrier: &Who, goods: Goods, taker: &Who) -> Said {
        let offered = paper::unloaded(goods, self.story.consignment, taker);
        let said = self.say(
            carrier,
            vec![Body::Offered(offered)],
            "offers from the vehicle",
        );
        self.story.offer = said.reference(0);
        said
    }

    fn story_report(&mut self, carrier: &Who, region: &str, e6: (i32, i32)) -> Said {
        let reported = Reported {
            consignment: bytes::Bytes::copy_from_slice(&self.story.consignment),
            kind: ReportKind::Position.into(),
            region: region.to_owned(),
            longitude_e6: e6.0,
            latitude_e6: e6.1,
            ..Reported::default()
        };
        self.say_by_device(carrier, Body::Reported(reported), "reports from the road")
    }

    fn story_to_mine(&mut self, step: u64, r: &Roles) -> Said {
        let sent = self.sent();
        match step {
            4 => {
                let pile = self.story_pile(&r.plant, r.plant.store.code, false);
                self.story_offer(&pile, (&r.first, &r.mine))
            }
            5 => {
                let body = Body::Accepted(accepted(&self.story.offer, "", &sent));
                self.say(&r.first, vec![body], "takes aboard")
            }
            6 => self.story_report(&r.first, "150400", (118_956_000, 42_275_000)),
            7 => {
                let turnout = self.turnout(&r.second, false);
                let relayed = Relayed {
                    consignment: bytes::Bytes::copy_from_slice(&self.story.consignment),
                    to_carrier: r.second.code.clone(),
                    vehicle: turnout.vehicle,
                    crew: turnout.crew,
                    seals: vec!["S00004711".to_owned()],
                    region: "150400".to_owned(),
                    ..Relayed::default()
                };
                let id = self.fresh_id();
                let bodies = vec![Body::Relayed(relayed)];
                let cosigner = [&r.second.first];
                self.say_as(id, &r.first, &cosigner, bodies, "relays to another carrier")
            }
            8 => self.story_unload(&r.second, sent, &r.mine),
            _ => {
                let check = Measure {
                    value: "500.2".to_owned(),
                    unit: MeasureUnit::Kg.into(),
                    method: "weighbridge".to_owned(),
                    instrument: "SCS-60".to_owned(),
                    ticket: "DB-20261107-031".to_owned(),
                    ..Measure::default()
                };
                let line = AcceptedLine {
                    check: Some(check),
                    ..paper::taken(&sent)
                };
                let accepted = Accepted {
                    offer: Some(self.story.offer.clone()),
                    place: r.mine.entry.code.to_owned(),
                    lines: vec![line],
                    returns: None,
                    ..Accepted::default()
                };
                let bodies = vec![Body::Accepted(accepted)];
                self.say_of(&r.mine, CYANIDE.substance, bodies, "accepts a delivery")
            }
        }
    }

    fn story_at_mine(&mut self, step: u64, r: &Roles) -> Said {
        let place = r.mine.entry.code;
        let lot = self.the_lot();
        match step {
            10 => {
                let counted = Counted {
                    lot: lot.to_bytes(),
                    place: place.to_owned(),
                    loose_gross_mg: 0,
                    serials_scanned: vec![SENT],
                    serials_assumed: Vec::new(),
                    outers_seen: Vec::new(),
                    loose_measure: None,
                };
                let bodies = vec![Body::Counted(counted)];
                self.say_of(&r.mine, CYANIDE.substance, bodies, "counts")
            }
            11 | 12 => {
                let goods = if step == 11 {
                    goods::packages(lot, SENT.first, DRUM - 1)
                } else {
                    goods::packages(lot, DRUM + 1, SENT.last)
                };
                let used = Used {
                    goods: Some(goods),
                    place: place.to_owned(),
                    purpose: CYANIDE.purpose.to_owned(),
                };
                self.say(&r.mine, vec![Body::Used(used)], "uses")
            }
            _ => {
                let wasted = Wasted {
                    goods: Some(goods::packages(lot, DRUM, DRUM)),
                    place: place.to_owned(),
                    label: WASTE_LABEL.to_owned(),
                    waste_code: WASTE_CODE.to_owned(),
                };
                let said = self.say(&r.mine, vec![Body::Wasted(wasted)], "declares waste");
                self.story.waste = Some(LotId(said.name(0, 0)));
                said
            }
        }
    }

    fn story_to_the_end(&mut self, step: u64, r: &Roles) -> Said {
        let waste = self.story.waste.unwrap_or(LotId([0; 16]));
        let goods = Goods {
            lot: waste.to_bytes(),
            loose: Some(booked(DRUM_KG * KG)),
            serials: Vec::new(),
            parts: Vec::new(),
            outers: Vec::new(),
        };
        let place = r.disposer.takes_in(CYANIDE.substance).code;
        match step {
            14 => {
                let pile = self.story_pile(&r.mine, r.mine.entry.code, true);
                self.story_offer(&pile, (&r.second, &r.disposer))
            }
            15 => {
                let body = Body::Accepted(accepted(&self.story.offer, "", &goods));
                self.say(&r.second, vec![body], "takes aboard")
            }
            16 => self.story_report(&r.second, "150200", (109_840_000, 40_658_000)),
            17 => self.story_unload(&r.second, goods, &r.disposer),
            18 => {
                let number = self.story.manifest.clone();
                let receipt = self.receipt(&r.disposer, &number, DRUM_KG * KG);
                let body = Body::Accepted(Accepted {
                    receipt: Some(Box::new(receipt)),
                    ..accepted(&self.story.offer, place, &goods)
                });
                let what = "accepts a delivery";
                self.say_of(&r.disposer, CYANIDE.substance, vec![body], what)
            }
            _ => {
                let disposed = Disposed {
                    goods: Some(goods),
                    place: place.to_owned(),
                    method: DISPOSAL_METHOD.to_owned(),
                    certificate_hash: self.hash(),
                    emptied: false,
                };
                self.say(
                    &r.disposer,
                    vec![Body::Disposed(disposed)],
                    "disposes of waste",
                )
            }
        }
    }
}

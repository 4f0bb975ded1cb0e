//! What happens at one party: goods are made, imported, checked, packed,
//! stored, counted, lost and found. What ends there is in `consume`.

use super::cast::Who;
use super::goods::{CELLULOSE, CYANIDE, Contents, KG, NITRATE, Pile, Product, TONNE_KG, booked};
use super::setup::SILO;
use super::world::Job;
use super::{Issued, World, paper};
use crate::event::LotId;
use crate::event::ids::derived;
use crate::pb::event::Body;
use crate::pb::incident::At as IncidentAt;
use crate::pb::{
    Aggregated, Assayed, Cleaned, CleanedInto, Corrected, Counted, CustomsDirection,
    CustomsReported, CustomsStatus, Drawn, Event, EventRef, Filled, Imported, Incident,
    IncidentKind, Moved, NewLot, Produced, Recovered, Residue, SerialRange, filled,
};

/// Of so many new lots one comes from outside the ledger.
const ARRIVES_ONE_IN: u64 = 9;

/// A lot that has just been produced.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) pile: Pile,
    declared: NewLot,
    produced: EventRef,
    pub(super) next: Next,
}

/// What is done next with it.
#[derive(Debug)]
pub(super) enum Next {
    Assay,
    /// It has dried, and is wetted.
    Wet,
    Correct,
    Pack,
    Store,
}

impl World {
    /// Something new enters.
    pub(super) fn make(&mut self) -> Issued {
        let cast = self.cast.clone();
        let turn = self.turn("make");
        if turn % ARRIVES_ONE_IN == ARRIVES_ONE_IN / 2 {
            return self.arrive_from_outside();
        }
        match turn % 6 {
            0 | 3 => self.produce(cast.cyanide_plants.nth(turn), &CYANIDE),
            1 | 4 => self.produce(cast.nitrate_plants.nth(turn / 3), &NITRATE),
            2 => self.produce(cast.cellulose_plants.nth(turn), &CELLULOSE),
            _ => self.import(cast.importers.nth(turn), &NITRATE),
        }
    }

    fn produce(&mut self, who: &Who, product: &'static Product) -> Issued {
        let tonnes = 2 + i64::try_from(self.below(18)).unwrap_or_default();
        let gross = tonnes * TONNE_KG * KG;
        let ppm = self.content(product);
        let label = self.label(who, product.substance);
        let declared = self.new_lot(label, product, gross, ppm, who.entry.code);
        let body = Body::Produced(Produced {
            lot: Some(declared.clone()),
        });
        let said = self.say(who, vec![body], "produces");
        let pile = Pile {
            lot: LotId(said.name(0, 0)),
            product,
            ppm,
            waste: false,
            holder: who.clone(),
            place: who.entry.code,
            owner: who.clone(),
            contents: Contents::Loose(gross),
        };
        let next = match self.turn("fresh") % 5 {
            1 => Next::Assay,
            2 => Next::Correct,
            _ => Next::Pack,
        };
        let produced = said.reference(0);
        let fresh = Fresh {
            pile,
            declared,
            produced,
            next,
        };
        self.jobs.push(Job::Fresh(Box::new(fresh)));
        said.issued
    }

    fn import(&mut self, who: &Who, product: &'static Product) -> Issued {
        let each = TONNE_KG * KG;
        let count = 5 + self.below(30);
        let gross = each.saturating_mul(i64::try_from(count).unwrap_or_default());
        let ppm = self.content(product);
        let label = self.label(who, product.substance);
        let lot = self.new_lot(label, product, gross, ppm, who.entry.code);
        let id = self.fresh_id();
        let name = LotId(derived(&who.code, id, 0, 0));
        let entry = format!("0705-2026-{:06}", self.number());
        let imported = Imported {
            lot: Some(lot),
            country: "MN".to_owned(),
            customs_entry: entry.clone(),
            customs_status: CustomsStatus::Arrived.into(),
        };
        let released = CustomsReported {
            lot: name.to_bytes(),
            direction: CustomsDirection::Import.into(),
            customs_entry: entry.clone(),
            status: CustomsStatus::Released.into(),
            office: "二连海关".to_owned(),
            documents: Vec::new(),
        };
        let packed = paper::packed(name, who.entry.code, count, each, "flexible IBC 13H3");
        let bodies = vec![
            Body::Imported(imported),
            Body::CustomsReported(released),
            Body::Packed(packed),
        ];
        self.declared(name, &entry);
        let said = self.say_as(id, who, &[], bodies, "imports and packs");
        self.stock
            .push(Pile::entered(name, product, ppm, who, (count, each)));
        said.issued
    }

    /// The next thing done to a new lot.
    pub(super) fn tend(&mut self, fresh: Fresh) -> Issued {
        match fresh.next {
            Next::Assay => self.assay(fresh),
            Next::Wet => self.wet(fresh),
            Next::Correct => self.correct(fresh),
            Next::Pack => self.pack(fresh),
            Next::Store => {
                let to = fresh.pile.holder.store.code;
                self.relocate(fresh.pile, to)
            }
        }
    }

    fn assay(&mut self, mut fresh: Fresh) -> Issued {
        let cellulose = fresh.pile.product.form == CELLULOSE.form;
        if cellulose && self.turn("dries").is_multiple_of(2) {
            return self.dries(fresh);
        }
        let holder = fresh.pile.holder.clone();
        fresh.pile.ppm = self.content(fresh.pile.product);
        let assayed = Assayed {
            lot: fresh.pile.lot.to_bytes(),
            content_ppm: fresh.pile.ppm,
            certificate_hash: self.hash(),
            ..Assayed::default()
        };
        fresh.next = Next::Pack;
        self.jobs.push(Job::Fresh(Box::new(fresh)));
        self.say(&holder, vec![Body::Assayed(assayed)], "assays")
            .issued
    }

    /// The weighing was read wrong: a tonne more or less.
    fn correct(&mut self, mut fresh: Fresh) -> Issued {
        let holder = fresh.pile.holder.clone();
        let tonne = TONNE_KG * KG;
        let less = self.turn("correct").is_multiple_of(2);
        let gross = fresh.pile.gross() + if less { -tonne } else { tonne };
        fresh.declared.quantity = Some(booked(gross));
        fresh.pile.contents = Contents::Loose(gross);
        let restated = Body::Produced(Produced {
            lot: Some(fresh.declared.clone()),
        });
        let corrected = Corrected {
            original: Some(fresh.produced.clone()),
            restated: Some(Box::new(Event {
                external_refs: Vec::new(),
                body: Some(restated),
            })),
            reason: "scale ticket misread 磅单误读".to_owned(),
        };
        fresh.next = Next::Pack;
        self.jobs.push(Job::Fresh(Box::new(fresh)));
        self.say(
            &holder,
            vec![Body::Corrected(Box::new(corrected))],
            "corrects a production",
        )
        .issued
    }

    fn pack(&mut self, mut fresh: Fresh) -> Issued {
        let turn = self.turn(fresh.pile.product.form);
        let nitrate = fresh.pile.product.form == NITRATE.form;
        if nitrate && turn % 4 == 3 {
            let to = fresh.pile.holder.store.code;
            return self.relocate(fresh.pile, to);
        }
        if nitrate && turn.is_multiple_of(4) {
            // The last tonne stays loose at the line.
            let tonne = TONNE_KG * KG;
            if let Some((rest, last)) = fresh.pile.split_loose(tonne) {
                fresh.pile = rest;
                self.stock.push(last);
            }
        }
        if nitrate && turn % 8 == 5 && fresh.pile.gross() > 2 * TONNE_KG * KG {
            return self.through_the_silo(fresh);
        }
        let sizes = fresh.pile.product.package_kg;
        let kg = sizes
            .iter()
            .cycle()
            .nth(usize::try_from(turn % 64).unwrap_or_default());
        let each = kg.copied().unwrap_or(TONNE_KG) * KG;
        let count = u64::try_from(fresh.pile.gross() / each).unwrap_or_default();
        let pile = &mut fresh.pile;
        pile.contents = Contents::Packages {
            first: 1,
            last: count,
            each,
        };
        let body = paper::packed(pile.lot, pile.place, count, each, pile.product.packaging);
        let holder = pile.holder.clone();
        fresh.next = Next::Store;
        self.jobs.push(Job::Fresh(Box::new(fresh)));
        self.say(&holder, vec![Body::Packed(body)], "packs").issued
    }

    /// Poured into the silo, drawn from it but for a tonne, and the silo swept
    /// out: what was drawn is packed, what was swept out is stock.
    fn through_the_silo(&mut self, mut fresh: Fresh) -> Issued {
        let holder = fresh.pile.holder.clone();
        let (tonne, all) = (TONNE_KG * KG, fresh.pile.gross());
        let product = fresh.pile.product;
        let mut label = || self.label(&holder, product.substance);
        let (running, drawn, swept) = (label(), label(), label());
        let ppm = fresh.pile.ppm;
        let swept = self.new_lot(swept, product, tonne, ppm, fresh.pile.place);
        let bodies = vec![
            Body::Filled(Filled {
                goods: Some(fresh.pile.goods()),
                from: Some(filled::From::Place(fresh.pile.place.to_owned())),
                vessel: SILO.to_owned(),
                label: running,
            }),
            Body::Drawn(Drawn {
                vessel: SILO.to_owned(),
                quantity: Some(booked(all - tonne)),
                label: drawn,
                to_place: fresh.pile.place.to_owned(),
            }),
            Body::Cleaned(Cleaned {
                vessel: SILO.to_owned(),
                into: vec![CleanedInto {
                    residue: Residue::Product.into(),
                    lot: Some(swept),
                    waste_code: String::new(),
                }],
                ..Cleaned::default()
            }),
        ];
        let said = self.say(&holder, bodies, "draws from its silo");
        let rest = Pile {
            lot: LotId(said.name(2, 0)),
            contents: Contents::Loose(tonne),
            ..fresh.pile.clone()
        };
        self.stock.push(rest);
        fresh.pile.lot = LotId(said.name(1, 0));
        fresh.pile.contents = Contents::Loose(all - tonne);
        fresh.next = Next::Pack;
        self.jobs.push(Job::Fresh(Box::new(fresh)));
        said.issued
    }

    /// To another place of the holder, and into the stock.
    ///
    /// Several packages are strapped to a pallet for it.
    fn relocate(&mut self, mut pile: Pile, to: &'static str) -> Issued {
        let pallet = (pile.count() > 1).then(|| format!("PAL-{:06}", self.number()));
        let around = |serials: Vec<SerialRange>, place: &str| {
            let outer = pallet.clone()?;
            Some(Body::Aggregated(Aggregated {
                lot: pile.lot.to_bytes(),
                place: place.to_owned(),
                outer,
                broken: serials.is_empty(),
                serials,
            }))
        };
        let mut goods = pile.goods();
        if let Some(pallet) = &pallet {
            goods.serials.clear();
            goods.outers.push(pallet.clone());
        }
        let moved = Moved {
            goods: Some(goods),
            from_place: pile.place.to_owned(),
            to_place: to.to_owned(),
        };
        let mut bodies: Vec<Body> = around(pile.serials(), pile.place).into_iter().collect();
        bodies.push(Body::Moved(moved));
        bodies.extend(around(Vec::new(), to));
        let holder = pile.holder.clone();
        pile.place = to;
        self.stock.push(pile);
        self.say(&holder, bodies, "moves").issued
    }

    /// Something is done with a pile that has been taken from the stock.
    pub(super) fn deal_with(&mut self, pile: Pile) -> Issued {
        let own = pile.holder.code == pile.owner.code;
        let turn = self.turn("deal");
        match turn % 12 {
            3 if own && self.at_rest(pile.lot) => return self.count(pile),
            7 if pile.count() > 1 => return self.lose(pile),
            11 if !pile.holder.keeps_several() => {
                let [entry, store] = pile.holder.places();
                let to = if pile.place == entry.code {
                    store
                } else {
                    entry
                };
                return self.relocate(pile, to.code);
            }
            _ => {}
        }
        let cast = self.cast.clone();
        let holder = pile.holder.clone();
        let user = cast.gold_mines.has(&holder) || cast.open_pits.has(&holder);
        if cast.disposers.has(&holder) {
            self.dispose(&pile)
        } else if user && !pile.waste {
            match self.turn("use") % 12 {
                5 | 11 => self.waste(pile),
                8 if own => self.depart(pile),
                _ => self.use_some(pile),
            }
        } else if cast.paint_makers.has(&holder) && !pile.waste {
            self.make_paint(pile)
        } else if cast.importers.has(&holder) && self.one_in(3) {
            self.export(&pile)
        } else if cast.cyanide_plants.has(&holder)
            && pile.product.form == CYANIDE.form
            && own
            && self.turn("dissolve").is_multiple_of(6)
        {
            self.dissolve(pile)
        } else {
            self.ship(pile)
        }
    }

    /// A stock-take; one in four finds less than was booked.
    fn count(&mut self, pile: Pile) -> Issued {
        let same = |p: &Pile| {
            p.lot == pile.lot && p.place == pile.place && p.holder.code == pile.holder.code
        };
        let mut others: Vec<Pile> = Vec::new();
        let (here, elsewhere): (Vec<Pile>, Vec<Pile>) =
            std::mem::take(&mut self.stock).into_iter().partition(same);
        self.stock = elsewhere;
        others.extend(here);
        let mut seen = pile;
        if self.turn("count") % 4 == 3 {
            let short = match seen.contents {
                Contents::Loose(gross) => seen.split_loose((gross / 500).max(KG) / KG * KG),
                Contents::Packages { .. } => seen.split_packages(1),
            };
            if let Some((rest, _)) = short {
                seen = rest;
            }
        }
        let holder = seen.holder.clone();
        let substance = seen.product.substance;
        let (lot, place) = (seen.lot, seen.place);
        others.push(seen);
        let loose = others
            .iter()
            .filter(|p| p.count() == 0)
            .map(Pile::gross)
            .sum();
        let mut serials: Vec<SerialRange> = others.iter().flat_map(Pile::serials).collect();
        serials.sort_unstable_by_key(|r| r.first);
        self.stock.append(&mut others);
        let counted = Counted {
            lot: lot.to_bytes(),
            place: place.to_owned(),
            loose_gross_mg: loose,
            serials_scanned: serials,
            serials_assumed: Vec::new(),
            outers_seen: Vec::new(),
            loose_measure: None,
        };
        self.say_of(&holder, substance, vec![Body::Counted(counted)], "counts")
            .issued
    }

    /// A package goes missing (and is found later), or is spilt.
    fn lose(&mut self, pile: Pile) -> Issued {
        let Some((rest, lost)) = pile.split_packages(1) else {
            return self.ship(pile);
        };
        let spilt = self.turn("lose") % 2 == 1;
        let (kind, description) = if spilt {
            (
                IncidentKind::Released,
                "drum pierced by a forklift 叉车刺破包装",
            )
        } else {
            (
                IncidentKind::Missing,
                "not on its pallet at the evening round 晚间巡查缺件",
            )
        };
        let incident = Incident {
            kind: kind.into(),
            goods: Some(lost.goods()),
            at: Some(IncidentAt::Place(pile.place.to_owned())),
            description: description.to_owned(),
        };
        let holder = pile.holder.clone();
        self.stock.push(rest);
        if !spilt {
            self.jobs.push(Job::Lost(lost));
        }
        self.say(
            &holder,
            vec![Body::Incident(incident)],
            "reports an incident",
        )
        .issued
    }

    /// What was missing is back.
    pub(super) fn recover(&mut self, pile: Pile) -> Issued {
        let pile = self.where_it_is_now(pile);
        let recovered = Recovered {
            goods: Some(pile.goods()),
            place: pile.place.to_owned(),
        };
        let holder = pile.holder.clone();
        self.stock.push(pile);
        self.say(
            &holder,
            vec![Body::Recovered(recovered)],
            "finds what was missing",
        )
        .issued
    }
}

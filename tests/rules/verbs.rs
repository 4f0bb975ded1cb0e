//! The words of the tables: events by short text, and set-up steps by name.
//! Masses are kilograms, packages `#1-3,7`, a part of one `~7:2.5`, an outer
//! packing `@PAL-1`; figures in mg end in `mg`.
#![allow(
    dead_code,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "the words read alike in the tables; each test crate needs another part of them"
)]

use bytes::Bytes;
use hazledger::event::Mass;
use hazledger::pb::event::Body;
use hazledger::pb::offered::From;
use hazledger::pb::{
    Accepted, AcceptedLine, Aggregated, Assayed, Carriage, Consumed, Corrected, Counted, Declined,
    Disposed, Event, Exported, Goods, Imported, Incident, IncidentKind, Inert, KeyRevoked, Measure,
    MeasureUnit, Moved, NewLot, Offered, Opened, PackagePart, PackagingTreated, PackagingTreatment,
    Packed, ProcessLoss, Produced, Quantity, RailCarriage, Recovered, Relayed, Repacked,
    ReportKind, Reported, Sampled, SerialRange, Settled, Settlement, SettlementCause, Traded,
    TransformInput, Transformed, TransportMode, UnregulatedProduct, Used, WagonTransfer, Wasted,
    Withdrawn, incident,
};
use hazledger::pb::{
    Inherited, InheritedLine, PartyStatus, PlaceRegistered, Succeeded, TakenOver, taken_over,
};

use super::bench::{Bench, event, hash, key, party, place, register_party};

/// Milligrams of `5`, `0.5` (kilograms) or `-3mg`.
pub fn mg(text: &str) -> i64 {
    match text.strip_suffix("mg") {
        Some(mg) => mg.parse().unwrap(),
        None => Mass::parse(text, MeasureUnit::Kg).unwrap().as_mg(),
    }
}

pub fn kg(text: &str) -> Option<Quantity> {
    Some(Quantity {
        gross_mg: mg(text),
        measure: None,
    })
}

/// Serials of `#1-3,7`; ranges may be as wrong as a case wants them.
pub fn serials(text: &str) -> Vec<SerialRange> {
    let text = text.trim_start_matches('#');
    let range = |r: &str| {
        let (first, last) = r.split_once('-').unwrap_or((r, r));
        SerialRange {
            first: first.parse().unwrap(),
            last: last.parse().unwrap(),
        }
    };
    text.split(',')
        .filter(|r| !r.is_empty())
        .map(range)
        .collect()
}

/// What a line says of its goods: a loose mass, packages, or both.
fn amounts<'a>(words: impl Iterator<Item = &'a str>) -> (Option<Quantity>, Vec<SerialRange>) {
    let (mut loose, mut packages) = (None, Vec::new());
    for word in words {
        match word.strip_prefix('#') {
            Some(list) => packages = serials(list),
            None => loose = kg(word),
        }
    }
    (loose, packages)
}

/// Some of one package: `~7:2.5`.
fn part(text: &str) -> PackagePart {
    let (serial, mass) = text.trim_start_matches('~').split_once(':').unwrap();
    PackagePart {
        serial: serial.parse().unwrap(),
        quantity: kg(mass),
    }
}

/// One line of an acceptance: `0 take 90 #1-2 refuse 5 #3 aboard 5 check 95`.
pub fn line(text: &str) -> AcceptedLine {
    let mut words = text.split_whitespace();
    let mut line = AcceptedLine {
        line: words.next().unwrap().parse().unwrap(),
        ..AcceptedLine::default()
    };
    let mut part = "";
    for word in words {
        if word.starts_with(|c: char| c.is_ascii_lowercase()) {
            part = word;
            continue;
        }
        let (loose, packages) = amounts(std::iter::once(word));
        let (mass, list) = match part {
            "take" => (&mut line.accepted, &mut line.accepted_serials),
            "refuse" => (&mut line.refused, &mut line.refused_serials),
            "aboard" => (&mut line.still_aboard, &mut line.still_aboard_serials),
            _ => {
                line.check = Some(measure(word));
                continue;
            }
        };
        *mass = loose.or(mass.take());
        list.extend(packages);
    }
    line
}

/// A weighbridge's word in kilograms.
pub fn measure(value: &str) -> Measure {
    Measure {
        value: value.into(),
        unit: MeasureUnit::Kg.into(),
        method: "weighbridge".into(),
        ..Measure::default()
    }
}

impl Bench {
    /// Goods of `stock 5 #1-3 ~7:2.5`.
    pub fn goods(&self, text: &str) -> Option<Goods> {
        let mut words = text.split_whitespace();
        let lot = self.id(words.next().unwrap());
        let (parts, words): (Vec<&str>, Vec<&str>) = words.partition(|w| w.starts_with('~'));
        let outer = |w: &&str| w.starts_with('@');
        let (outers, words): (Vec<&str>, Vec<&str>) = words.into_iter().partition(outer);
        let (loose, serials) = amounts(words.into_iter());
        Some(Goods {
            lot,
            loose,
            serials,
            parts: parts.into_iter().map(part).collect(),
            outers: outers.iter().map(|w| w[1..].to_owned()).collect(),
        })
    }

    /// P's goods at T1 into new drums.
    pub fn repacked(&self, goods: &str, range: &str, each: &str, loss: &str) -> Repacked {
        Repacked {
            goods: self.goods(goods),
            place: "T1".into(),
            serials: serials(range).pop(),
            gross_mg_each: mg(each),
            packaging: "steel drum 1A2".into(),
            loss_gross_mg: mg(loss),
        }
    }

    /// P closes an outer packing around drums at T1; around none: it is
    /// broken up.
    pub fn aggregated(&self, outer: &str, range: &str) -> Aggregated {
        Aggregated {
            lot: self.id("stock"),
            place: "T1".into(),
            outer: outer.into(),
            serials: serials(range),
            broken: range.is_empty(),
        }
    }

    pub fn sampled(&self, goods: &str) -> Sampled {
        Sampled {
            goods: self.goods(goods),
            place: "T1".into(),
            label: "sample".into(),
            purpose: "retained sample".into(),
        }
    }

    pub fn treated(
        &self,
        lot: &str,
        place: &str,
        range: &str,
        treatment: PackagingTreatment,
    ) -> PackagingTreated {
        PackagingTreated {
            lot: self.id(lot),
            place: place.into(),
            serials: serials(range),
            treatment: treatment.into(),
            method: "triple rinse".into(),
            certificate_hash: hash("certificate"),
        }
    }

    /// Solid sodium cyanide of 98 %, with its papers.
    pub fn lot(&self, label: &str, mass: &str, place: &str) -> NewLot {
        NewLot {
            label: label.into(),
            form: "NACN-1689".into(),
            quantity: kg(mass),
            content_ppm: 980_000,
            place: place.into(),
            data_sheet_hash: hash("data sheet"),
            label_hash: hash("label"),
            documents: Vec::new(),
        }
    }

    pub fn produced(&self, label: &str, mass: &str, place: &str) -> Produced {
        Produced {
            lot: Some(self.lot(label, mass, place)),
        }
    }

    pub fn imported(&self, label: &str, mass: &str, place: &str) -> Imported {
        Imported {
            lot: Some(self.lot(label, mass, place)),
            country: "KZ".into(),
            customs_entry: "0706-2026-1".into(),
            customs_status: 0,
        }
    }

    pub fn opened(&self, label: &str, mass: &str, place: &str) -> Opened {
        Opened {
            lot: Some(self.lot(label, mass, place)),
            provenance: "bought before the ledger".into(),
        }
    }

    pub fn moved(&self, goods: &str, from: &str, to: &str) -> Moved {
        Moved {
            goods: self.goods(goods),
            from_place: from.into(),
            to_place: to.into(),
        }
    }

    pub fn packed(&self, lot: &str, place: &str, range: &str, each: &str) -> Packed {
        Packed {
            lot: self.id(lot),
            place: place.into(),
            serials: serials(range).pop(),
            gross_mg_each: mg(each),
            packaging: "steel drum 1A2".into(),
        }
    }

    pub fn assayed(&self, lot: &str, content_ppm: u32) -> Assayed {
        Assayed {
            lot: self.id(lot),
            content_ppm,
            certificate_hash: hash("assay"),
            ..Assayed::default()
        }
    }

    pub fn counted(
        &self,
        lot: &str,
        place: &str,
        loose: &str,
        scanned: &str,
        assumed: &str,
    ) -> Counted {
        Counted {
            lot: self.id(lot),
            place: place.into(),
            loose_gross_mg: mg(loose),
            serials_scanned: serials(scanned),
            serials_assumed: serials(assumed),
            outers_seen: Vec::new(),
            loose_measure: None,
        }
    }

    pub fn offered(&self, taker: char, place: &str, lines: &[&str]) -> Offered {
        Offered {
            taker: party(taker),
            from: Some(From::Place(place.into())),
            lines: lines.iter().filter_map(|l| self.goods(l)).collect(),
            ..Offered::default()
        }
    }

    /// An offer to carry: the goods go aboard.
    pub fn shipped(&self, carrier: char, consignee: char, place: &str, lines: &[&str]) -> Offered {
        Offered {
            carriage: Some(self.carriage(consignee)),
            ..self.offered(carrier, place, lines)
        }
    }

    /// An offer of what is aboard.
    pub fn delivered(&self, taker: char, consignment: &str, lines: &[&str]) -> Offered {
        Offered {
            from: Some(From::Consignment(self.id(consignment))),
            ..self.offered(taker, "", lines)
        }
    }

    pub fn carriage(&self, consignee: char) -> Carriage {
        Carriage {
            mode: TransportMode::Road.into(),
            waybill: "W-1".into(),
            vehicle: "蒙A00001".into(),
            crew: vec![hash("driver")],
            route: vec!["150100".into()],
            seals: vec!["S-1".into()],
            consignee: party(consignee),
            ..Carriage::default()
        }
    }

    /// Some of what an earlier offer handed over goes back, from T1.
    pub fn back(&self, taker: char, of: &str, lines: &[&str]) -> Offered {
        Offered {
            returns: Some(self.event(of)),
            ..self.offered(taker, "T1", lines)
        }
    }

    /// And is taken.
    pub fn taken_back(&self, offer: &str, of: &str, lines: &[&str]) -> Accepted {
        Accepted {
            returns: Some(self.event(of)),
            ..self.accepted(offer, "T1", lines)
        }
    }

    /// The same by rail, in two wagons of the 1520 mm gauge.
    pub fn by_rail(&self, carrier: char, consignee: char, place: &str, lines: &[&str]) -> Offered {
        let rail = Carriage {
            mode: TransportMode::Rail.into(),
            waybill: "SMGS-4711".into(),
            seals: vec!["R-1".into(), "R-2".into()],
            consignee: party(consignee),
            rail: Some(Box::new(RailCarriage {
                wagons: vec!["45488855".into(), "52051232".into()],
                from_station: "Забайкальск".into(),
                to_station: "海拉尔".into(),
            })),
            ..Carriage::default()
        };
        Offered {
            carriage: Some(rail),
            ..self.offered(carrier, place, lines)
        }
    }

    /// Both wagons into one of China's, at 满洲里.
    pub fn gauge_changed(&self, consignment: &str) -> Relayed {
        let transfer = |from: &str, seal: &str| WagonTransfer {
            from: from.into(),
            to: "1673024".into(),
            seals: vec![seal.into()],
        };
        Relayed {
            consignment: self.id(consignment),
            to_carrier: party('C'),
            region: "150781".into(),
            wagons: vec![transfer("45488855", "Z-1"), transfer("52051232", "Z-2")],
            station: "满洲里".into(),
            ..Relayed::default()
        }
    }

    pub fn accepted(&self, offer: &str, place: &str, lines: &[&str]) -> Accepted {
        Accepted {
            offer: Some(self.event(offer)),
            place: place.into(),
            lines: lines.iter().map(|l| line(l)).collect(),
            ..Accepted::default()
        }
    }

    pub fn declined(&self, offer: &str) -> Declined {
        Declined {
            offer: Some(self.event(offer)),
            reason: "no room".into(),
        }
    }

    pub fn withdrawn(&self, offer: &str) -> Withdrawn {
        Withdrawn {
            offer: Some(self.event(offer)),
            reason: "sold to another".into(),
        }
    }

    pub fn relayed(&self, consignment: &str, to: char) -> Relayed {
        Relayed {
            consignment: self.id(consignment),
            to_carrier: party(to),
            vehicle: "蒙B00002".into(),
            crew: vec![hash("second driver")],
            seals: vec!["S-2".into()],
            region: "150200".into(),
            ..Relayed::default()
        }
    }

    pub fn reported(&self, consignment: &str) -> Reported {
        Reported {
            consignment: self.id(consignment),
            kind: ReportKind::Stop.into(),
            region: "150200".into(),
            longitude_e6: 109_840_000,
            latitude_e6: 40_650_000,
            note: "rest".into(),
            ..Reported::default()
        }
    }

    pub fn traded(&self, buyer: char, goods: &[&str]) -> Traded {
        Traded {
            buyer: party(buyer),
            goods: goods.iter().filter_map(|g| self.goods(g)).collect(),
            permit: "GP-1".into(),
            returns: None,
            payment: 0,
            online: false,
        }
    }

    pub fn used(&self, goods: &str, place: &str) -> Used {
        Used {
            goods: self.goods(goods),
            place: place.into(),
            purpose: "leaching".into(),
        }
    }

    /// All of the goods into a solution of 30 %, with as much water as needed.
    pub fn transformed(&self, goods: &str, water: &str, out: &str) -> Transformed {
        Transformed {
            inputs: vec![TransformInput {
                goods: self.goods(goods),
                place: "T1".into(),
            }],
            outputs: vec![NewLot {
                form: "NACN-3414".into(),
                content_ppm: 300_000,
                ..self.lot("solution", out, "T2")
            }],
            inert: vec![Inert {
                name: "water".into(),
                quantity: kg(water),
            }],
            ..Transformed::default()
        }
    }

    pub fn wasted(&self, goods: &str) -> Wasted {
        Wasted {
            goods: self.goods(goods),
            place: "T1".into(),
            label: "waste".into(),
            waste_code: "900-028-33".into(),
        }
    }

    pub fn disposed(&self, goods: &str, place: &str) -> Disposed {
        Disposed {
            goods: self.goods(goods),
            place: place.into(),
            method: "D10".into(),
            certificate_hash: hash("certificate"),
            emptied: false,
        }
    }

    pub fn exported(&self, goods: &str, place: &str) -> Exported {
        Exported {
            goods: self.goods(goods),
            place: place.into(),
            country: "MN".into(),
            customs_entry: "0701-2026-2".into(),
            customs_status: 0,
        }
    }

    pub fn incident(&self, kind: IncidentKind, goods: &str, place: &str) -> Incident {
        Incident {
            kind: kind.into(),
            goods: self.goods(goods),
            at: Some(incident::At::Place(place.into())),
            description: "found at the morning round".into(),
        }
    }

    pub fn recovered(&self, goods: &str, place: &str) -> Recovered {
        Recovered {
            goods: self.goods(goods),
            place: place.into(),
        }
    }

    /// A settlement of a loose mass or of packages; for a miscount at W's T1.
    pub fn settled(&self, dispute: &str, cause: SettlementCause, amount: &str) -> Settled {
        let (loose, serials) = amounts(amount.split_whitespace());
        let found = cause == SettlementCause::Miscount;
        Settled {
            dispute: self.id(dispute),
            settlements: vec![Settlement {
                cause: cause.into(),
                gross_mg: loose.map_or(0, |q| q.gross_mg),
                serials,
                party: if found { party('W') } else { String::new() },
                place: if found { "T1".into() } else { String::new() },
            }],
        }
    }

    pub fn succeeded(&self, predecessor: char, successor: char) -> Succeeded {
        Succeeded {
            predecessor: party(predecessor),
            successor: party(successor),
            effective_at_ms: self.now,
            reason: "deed 2026-9".into(),
        }
    }

    pub fn succeed(
        &mut self,
        keys: &str,
        predecessor: char,
        successor: char,
    ) -> super::bench::Answer {
        let e = self.succeeded(predecessor, successor);
        self.say(keys, Body::Succeeded(e))
    }

    /// Lines of `stock T1 T2`: from the predecessor's place to one's own; of
    /// `stock`: title only.
    pub fn inherited(&self, predecessor: char, lines: &[&str]) -> Inherited {
        let line = |text: &&str| {
            let mut words = text.split_whitespace();
            InheritedLine {
                lot: self.id(words.next().unwrap()),
                place: words.next().unwrap_or_default().into(),
                to_place: words.next().unwrap_or_default().into(),
            }
        };
        Inherited {
            predecessor: party(predecessor),
            lines: lines.iter().map(line).collect(),
        }
    }

    /// By order, from P's T1 (or from aboard `truck`) to W's T2.
    pub fn taken_over(&self, goods: &str, from: &str) -> TakenOver {
        let at = match from.split_once(' ') {
            Some((_, place)) => taken_over::At::Place(place.into()),
            None => taken_over::At::Consignment(self.id(from)),
        };
        TakenOver {
            goods: self.goods(goods),
            holder: from
                .split_once(' ')
                .map(|(letter, _)| party(letter.chars().next().unwrap()))
                .unwrap_or_default(),
            at: Some(at),
            custodian: party('W'),
            to_place: "T2".into(),
            order: "2026-17".into(),
            reason: "the store is not safe".into(),
        }
    }

    pub fn corrected(&self, original: &str, restated: Body) -> Corrected {
        Corrected {
            original: Some(self.event(original)),
            restated: Some(Box::new(event(restated))),
            reason: "misread the scale".into(),
        }
    }

    pub fn revoked(&self, name: &str) -> KeyRevoked {
        KeyRevoked {
            key_id: key(name).id().to_bytes(),
            reason: "lost".into(),
        }
    }

    /// Set-up steps by name, one after another; each must be recorded.
    pub fn set_up(&mut self, steps: &str) {
        for step in steps.split_whitespace() {
            if let Err(refused) = self.step(step) {
                panic!("step '{step}' of '{steps}': {refused}");
            }
            self.now += 1_000;
        }
    }

    fn step(&mut self, step: &str) -> super::bench::Answer {
        use Body as B;
        match step {
            // P has a tonne of loose sodium cyanide at T1.
            "stock" => self.name(
                "stock",
                "P1",
                B::Produced(self.produced("stock", "1000", "T1")),
            ),
            // A second lot beside it.
            "other" => self.name(
                "other",
                "P1",
                B::Produced(self.produced("other", "10", "T1")),
            ),
            // Half of the stock is packed: drums 1 to 10 of 50 kg.
            "drums" => self.say("P1", B::Packed(self.packed("stock", "T1", "1-10", "50"))),
            // P offers W 100 kg; W takes it at T1.
            "offer" => self.name(
                "offer",
                "P1",
                B::Offered(self.offered('W', "T1", &["stock 100"])),
            ),
            "taken" => self.say(
                "W1",
                B::Accepted(self.accepted("offer", "T1", &["0 take 100"])),
            ),
            "withdrawn" => self.say("P1", B::Withdrawn(self.withdrawn("offer"))),
            // The same with drums 1 to 4.
            "drum-offer" => self.name(
                "drum-offer",
                "P1",
                B::Offered(self.offered('W', "T1", &["stock #1-4"])),
            ),
            // C is to carry 200 kg to M.
            "waybill" => self.name(
                "truck",
                "P1",
                B::Offered(self.shipped('C', 'M', "T1", &["stock 200"])),
            ),
            "loaded" => self.say(
                "C1",
                B::Accepted(self.accepted("truck", "", &["0 take 200"])),
            ),
            // C offers M what is aboard.
            "delivery" => self.name(
                "delivery",
                "C1",
                B::Offered(self.delivered('M', "truck", &["stock 200"])),
            ),
            "arrived" => self.say(
                "M1",
                B::Accepted(self.accepted("delivery", "T1", &["0 take 200"])),
            ),
            // W finds 10 kg less than offered, or 10 kg more, or drum 4 missing.
            "short" => self.name(
                "dispute",
                "W1",
                B::Accepted(self.accepted("offer", "T1", &["0 take 90"])),
            ),
            "over" => self.name(
                "dispute",
                "W1",
                B::Accepted(self.accepted("offer", "T1", &["0 take 110"])),
            ),
            "drum-lost" => self.name(
                "dispute",
                "W1",
                B::Accepted(self.accepted("drum-offer", "T1", &["0 take #1-3"])),
            ),
            "settled" => self.say(
                "A1",
                B::Settled(self.settled("dispute", SettlementCause::Scale, "10")),
            ),
            // P has signed an offer of 100 kg to W that has not come in.
            "held-back" => {
                self.prepare(
                    "late",
                    "P1",
                    B::Offered(self.offered('W', "T1", &["stock 100"])),
                );
                Ok(Vec::new())
            }
            // P has used 5 kg.
            "used" => self.name("used", "P1", B::Used(self.used("stock 5", "T1"))),
            // 5 kg and drum 1 are missing.
            "theft" => self.say(
                "P1",
                B::Incident(self.incident(IncidentKind::Missing, "stock 5 #1", "T1")),
            ),
            "W-closed" => self.say("A1", register_party('W', PartyStatus::Closed)),
            "P-closed" => self.say("A1", register_party('P', PartyStatus::Closed)),
            // P, W and C each have a successor, and so has M, who is P's and W's.
            "P-merged" => self.succeed("A1+A2", 'P', 'M'),
            "W-merged" => self.succeed("A1+A2", 'W', 'M'),
            "C-merged" => self.succeed("A1+A2", 'C', 'D'),
            "M-merged" => self.succeed("A1+A2", 'M', 'D'),
            "P2-revoked" => self.say("P1", B::KeyRevoked(self.revoked("P2"))),
            _ => match self.vessel_step(step) {
                Some(answer) => answer,
                None => self.package_step(step),
            },
        }
    }

    /// The steps of packages' life.
    fn package_step(&mut self, step: &str) -> super::bench::Answer {
        use Body as B;
        match step {
            // Drum 2 has 20 kg left; 1 and 3 are empty, uncleaned; 4 is cleaned.
            "opened-2" => self.say("P1", B::Used(self.used("stock ~2:30", "T1"))),
            "emptied-1-3-4" => self.say("P1", B::Used(self.used("stock #1,3-4", "T1"))),
            "cleaned-4" => {
                let cleaned = PackagingTreatment::Cleaned;
                let treated = self.treated("stock", "T1", "4", cleaned);
                self.say("P1", B::PackagingTreated(treated))
            }
            // P offers W drums 1 to 3 as they are: empty, open, empty.
            "empties-offer" => self.name(
                "empties-offer",
                "P1",
                B::Offered(self.offered('W', "T1", &["stock #1-3"])),
            ),
            // Drums 1 to 4 stand on pallet PAL-1.
            "pallet" => self.say("P1", B::Aggregated(self.aggregated("PAL-1", "1-4"))),
            // P offers W the pallet.
            "pallet-offer" => self.name(
                "pallet-offer",
                "P1",
                B::Offered(self.offered('W', "T1", &["stock @PAL-1"])),
            ),
            _ => panic!("no such step"),
        }
    }
}

/// A product outside the catalogue.
pub fn unregulated(mass: &str) -> UnregulatedProduct {
    UnregulatedProduct {
        name: "lime".into(),
        quantity: kg(mass),
    }
}

pub fn loss(mass: &str, contained: &str) -> ProcessLoss {
    ProcessLoss {
        cause: "evaporation".into(),
        gross_mg: mg(mass),
        substance: "NACN".into(),
        contained_mg: mg(contained),
    }
}

pub fn consumed(contained: &str) -> Consumed {
    Consumed {
        substance: "NACN".into(),
        contained_mg: mg(contained),
    }
}

/// P's place in a site or unit that may not be there.
pub fn place_in(site: &str, unit: &str) -> PlaceRegistered {
    PlaceRegistered {
        site: site.into(),
        unit: unit.into(),
        ..place('P', "T9")
    }
}

pub fn events(bodies: Vec<Body>) -> Vec<Event> {
    bodies.into_iter().map(event).collect()
}

pub fn zeros(count: usize) -> Bytes {
    Bytes::from(vec![0; count])
}

/// A correction as an event.
pub fn restating(e: Corrected) -> Body {
    Body::Corrected(Box::new(e))
}

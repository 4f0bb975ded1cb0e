//! By rail across the border: on the wagons of the 1520 mm gauge that brought
//! them to Erenhot, from wagon to wagon there, and on; now and then customs
//! hold them on the way.

use super::cast::Who;
use super::fleet::Turnout;
use super::goods::Contents;
use super::paper::{Waybill, unloaded};
use super::ship::{Leg, Shipment};
use super::{Expect, Issued, World};
use crate::event::LotId;
use crate::pb::event::Body;
use crate::pb::{
    Carriage, CustomsDirection, CustomsReported, CustomsStatus, RailCarriage, RefusalCode, Relayed,
    ReportKind, Reported, TransportMode, WagonTransfer,
};

/// Where the gauge changes, and its region.
const BORDER: &str = "二连";
const REGION: &str = "152501";
/// Kilograms that a wagon takes.
const WAGON_KG: i64 = 20_000;
/// Imports whose customs entry is remembered, at most.
const MAX_IMPORTS: usize = 64;
/// Of so many trains customs hold one.
const HELD_ONE_IN: u64 = 3;

/// The check digit behind these: each second digit from the right is doubled,
/// and its own digits added.
pub(super) fn check_digit(number: u64) -> u64 {
    let mut sum = 0;
    let mut rest = number;
    let mut weight = 2;
    while rest > 0 {
        let product = rest % 10 * weight;
        sum += product / 10 + product % 10;
        rest /= 10;
        weight = 3 - weight;
    }
    (10 - sum % 10) % 10
}

/// Whether a wagon's number is of this gauge.
pub(super) fn is_narrow(number: &str) -> bool {
    number.len() == 7
}

impl World {
    /// Remembers under which entry a lot was imported.
    pub(super) fn declared(&mut self, lot: LotId, entry: &str) {
        self.imports.push_back((lot, entry.to_owned()));
        if self.imports.len() > MAX_IMPORTS {
            self.imports.pop_front();
        }
    }

    /// A consignment note for so many kilograms, on the wide gauge.
    pub(super) fn consignment_note(&mut self, kg: i64) -> Waybill {
        let wagons = 1 + usize::try_from(kg / WAGON_KG).unwrap_or_default();
        Waybill {
            number: format!("SMGS-{:07}", self.number()),
            turnout: Turnout::default(),
            wagons: self.wagons(false, wagons),
        }
    }

    /// What a consignment note says.
    pub(super) fn by_rail(&mut self, note: &Waybill, consignee: &Who) -> Carriage {
        Carriage {
            mode: TransportMode::Rail.into(),
            waybill: note.number.clone(),
            route: vec![REGION.to_owned()],
            seals: vec![format!("S{:08}", self.number())],
            consignee: consignee.code.clone(),
            rail: Some(Box::new(RailCarriage {
                wagons: note.wagons.clone(),
                from_station: BORDER.to_owned(),
                to_station: consignee.region.to_owned(),
            })),
            ..Carriage::default()
        }
    }

    /// Whether a train still stands on the wide gauge.
    pub(super) fn on_the_wide_gauge(s: &Shipment) -> bool {
        s.waybill.wagons.iter().any(|number| !is_narrow(number))
    }

    /// From each wagon into one of this gauge, under the same note.
    pub(super) fn change_gauge(&mut self, mut s: Shipment) -> Issued {
        let mut transfers = Vec::with_capacity(s.waybill.wagons.len());
        let narrow = self.wagons(true, s.waybill.wagons.len());
        for (from, to) in s.waybill.wagons.iter().zip(narrow) {
            transfers.push(WagonTransfer {
                from: from.clone(),
                to,
                seals: vec![format!("S{:08}", self.number())],
            });
        }
        s.waybill.wagons = transfers.iter().map(|t| t.to.clone()).collect();
        let consignment = bytes::Bytes::copy_from_slice(&s.consignment);
        let relayed = Relayed {
            consignment: consignment.clone(),
            to_carrier: s.carrier.code.clone(),
            region: REGION.to_owned(),
            wagons: transfers,
            station: BORDER.to_owned(),
            ..Relayed::default()
        };
        let reported = Reported {
            consignment,
            kind: ReportKind::GaugeChange.into(),
            region: REGION.to_owned(),
            longitude_e6: 111_977_000,
            latitude_e6: 43_653_000,
            ..Reported::default()
        };
        let railway = s.carrier.clone();
        self.held_by_customs(&s);
        self.go_on(s, Leg::Road);
        let bodies = vec![Body::Relayed(relayed), Body::Reported(reported)];
        self.say(&railway, bodies, "loads from wagon to wagon at the border")
            .issued
    }

    /// Customs look at the train: what they hold is not even offered.
    fn held_by_customs(&mut self, s: &Shipment) {
        let known = self.imports.iter().find(|(lot, _)| *lot == s.pile.lot);
        let Some((lot, entry)) = known.cloned() else {
            return;
        };
        if self.turn("customs") % HELD_ONE_IN != HELD_ONE_IN - 1 {
            return;
        }
        let mut word = |status: CustomsStatus, what| {
            let reported = CustomsReported {
                lot: lot.to_bytes(),
                direction: CustomsDirection::Import.into(),
                customs_entry: entry.clone(),
                status: status.into(),
                office: "二连海关".to_owned(),
                documents: Vec::new(),
            };
            self.order(vec![Body::CustomsReported(reported)], what)
                .issued
        };
        let held = word(CustomsStatus::Held, "holds goods for customs");
        let released = word(CustomsStatus::Released, "releases what customs held");
        let offered = unloaded(s.pile.goods(), s.consignment, &s.consignee);
        let what = "hands over what customs hold";
        let said = self.say(&s.carrier, vec![Body::Offered(offered)], what);
        let early = Issued {
            expect: Expect::Refused(RefusalCode::HeldByCustoms),
            ..said.issued
        };
        self.ready.extend([held, early, released]);
    }

    /// Packages at the border go on by rail.
    pub(super) fn goes_by_rail(&self, s: &super::Pile) -> bool {
        self.cast.importers.has(&s.holder) && matches!(s.contents, Contents::Packages { .. })
    }
}

//! Event bodies as the world's parties write them.

use super::World;
use super::cast::Who;
use super::fleet::Turnout;
use super::goods::{CYANIDE_SOLUTION, Contents, KG, Pile, Product, booked};
use crate::event::LotId;
use crate::pb::offered::From as OfferedFrom;
use crate::pb::{
    AcceptedLine, Carriage, DocumentRef, Goods, Measure, MeasureUnit, NewLot, Offered, Packed,
    Quantity, SerialRange, TransportMode,
};

/// A waybill and its vehicle.
#[derive(Clone, Debug)]
pub(super) struct Waybill {
    pub(super) number: String,
    pub(super) turnout: Turnout,
    /// By rail: its wagons, and no vehicle.
    pub(super) wagons: Vec<String>,
}

/// Whether goods go in a tank.
fn in_bulk(pile: &Pile) -> bool {
    pile.product.form == CYANIDE_SOLUTION.form && matches!(pile.contents, Contents::Loose(_))
}

impl World {
    /// A new lot with all its papers.
    pub(super) fn new_lot(
        &mut self,
        label: String,
        product: &Product,
        gross_mg: i64,
        ppm: u32,
        place: &str,
    ) -> NewLot {
        NewLot {
            label,
            form: product.form.to_owned(),
            quantity: Some(booked(gross_mg)),
            content_ppm: ppm,
            place: place.to_owned(),
            data_sheet_hash: self.hash(),
            label_hash: self.hash(),
            documents: vec![DocumentRef {
                kind: "certificate of analysis".to_owned(),
                hash: self.hash(),
            }],
        }
    }

    /// A product's content as this batch has it, parts per million.
    pub(super) fn content(&mut self, product: &Product) -> u32 {
        let more = self.below(u64::from(product.spread_permille) + 1);
        (product.least_permille + u32::try_from(more).unwrap_or_default()) * 1_000
    }

    /// A waybill for a vehicle of the carrier that fits the goods.
    pub(super) fn waybill(&mut self, carrier: &Who, pile: &Pile) -> Waybill {
        let number = self.number();
        Waybill {
            number: format!("YD-2026-{number:07}"),
            wagons: Vec::new(),
            turnout: self.turnout(carrier, in_bulk(pile)),
        }
    }

    /// The waybill's fields for a carriage of goods by a carrier to a consignee.
    pub(super) fn carriage(
        &mut self,
        waybill: &Waybill,
        pile: &Pile,
        (from, carrier, consignee): (&Who, &Who, &Who),
    ) -> Carriage {
        if !waybill.wagons.is_empty() {
            return self.by_rail(waybill, consignee);
        }
        let mut route = vec![from.region.to_owned(), consignee.region.to_owned()];
        route.dedup();
        Carriage {
            mode: TransportMode::Road.into(),
            waybill: waybill.number.clone(),
            vehicle: waybill.turnout.vehicle.clone(),
            // Driver and escort.
            crew: waybill.turnout.crew.clone(),
            road: Some(Box::new(self.road_form(
                waybill,
                pile,
                (from, carrier, consignee),
            ))),
            route,
            seals: vec![format!("S{:08}", self.number())],
            consignee: consignee.code.clone(),
            ..Carriage::default()
        }
    }
}

/// Loose matter into packages numbered from 1.
pub(super) fn packed(lot: LotId, place: &str, count: u64, each: i64, packaging: &str) -> Packed {
    Packed {
        lot: lot.to_bytes(),
        place: place.to_owned(),
        serials: Some(SerialRange {
            first: 1,
            last: count,
        }),
        gross_mg_each: each,
        packaging: packaging.to_owned(),
    }
}

/// An offer from a place, with a carriage or without.
pub(super) fn offered(pile: &Pile, taker: &Who, carriage: Option<Carriage>) -> Offered {
    Offered {
        taker: taker.code.clone(),
        from: Some(OfferedFrom::Place(pile.place.to_owned())),
        lines: vec![pile.goods()],
        carriage,
        documents: Vec::new(),
        ..Offered::default()
    }
}

/// An offer from a consignment by its carrier.
pub(super) fn unloaded(goods: Goods, consignment: [u8; 16], taker: &Who) -> Offered {
    Offered {
        taker: taker.code.clone(),
        from: Some(OfferedFrom::Consignment(bytes::Bytes::copy_from_slice(
            &consignment,
        ))),
        lines: vec![goods],
        carriage: None,
        documents: Vec::new(),
        ..Offered::default()
    }
}

/// Line 0 taken as the goods say.
pub(super) fn taken(goods: &Goods) -> AcceptedLine {
    AcceptedLine {
        line: 0,
        accepted: goods.loose.clone(),
        accepted_serials: goods.serials.clone(),
        ..AcceptedLine::default()
    }
}

/// Line 0 taken loose, with another mass than was offered.
pub(super) fn weighed(gross_mg: i64) -> AcceptedLine {
    AcceptedLine {
        line: 0,
        accepted: Some(Quantity {
            gross_mg,
            measure: None,
        }),
        ..AcceptedLine::default()
    }
}

/// What a weighbridge says, to the gram.
pub(super) fn on_the_scale(gross_mg: i64) -> Measure {
    Measure {
        value: format!("{}.{:03}", gross_mg / KG, gross_mg % KG / 1_000),
        unit: MeasureUnit::Kg.into(),
        method: "weighbridge".to_owned(),
        instrument: "SCS-60".to_owned(),
        ..Measure::default()
    }
}

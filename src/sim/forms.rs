//! The papers that go with goods, filled in: the road waybill, the waste
//! manifest, its receipt, the loader's checks.

use bytes::Bytes;

use super::World;
use super::cast::Who;
use super::consume::{DISPOSAL_METHOD, WASTE_CODE};
use super::fleet::certificate;
use super::goods::{Pile, booked};
use super::law::is_highly_toxic;
use super::paper::Waybill;
use super::registry::{address, phone};
use crate::event::when::year;
use crate::pb::{
    HazardProperty, LoadingChecks, ManifestReceipt, PaperParty, PaperPerson, PaperPlace,
    PlateColour, ReceiptDecision, ReceiptRow, RoadWaybill, WasteForm, WasteManifest, WasteRow,
    WaybillGoods,
};

/// Litres of a road tank.
const TANK_L: u32 = 25_000;
/// Serials of a manifest's number begin again after so many.
const SERIALS: u64 = 1_000_000;

/// Where a journey begins or ends.
fn at(who: &Who) -> PaperPlace {
    PaperPlace {
        region: who.region.to_owned(),
        address: address(who),
    }
}

impl World {
    /// An enterprise as papers name it.
    fn on_paper(&mut self, who: &Who) -> PaperParty {
        PaperParty {
            name: who.name_zh.to_owned(),
            phone: phone(who),
            contact: self.hash(),
            permit: World::licence(who),
            address: address(who),
            emergency_phone: phone(who),
        }
    }

    fn somebody(&mut self, person: &Bytes) -> PaperPerson {
        PaperPerson {
            person: person.clone(),
            qualification: self.hash(),
            phone: self.hash(),
        }
    }

    /// The whole form of the road.
    pub(super) fn road_form(
        &mut self,
        waybill: &Waybill,
        pile: &Pile,
        (giver, carrier, consignee): (&Who, &Who, &Who),
    ) -> RoadWaybill {
        let crew = waybill.turnout.crew.clone();
        let people = |world: &mut World, at: usize| {
            let named = crew.get(at).cloned().unwrap_or_default();
            vec![world.somebody(&named)]
        };
        let plate = &waybill.turnout.vehicle;
        let tank = waybill.turnout.tanker;
        let digits: String = plate.chars().filter(char::is_ascii_digit).collect();
        RoadWaybill {
            shipper: Some(self.on_paper(giver)),
            consignee: Some(self.on_paper(consignee)),
            loader: Some(self.on_paper(giver)),
            carrier: Some(self.on_paper(carrier)),
            depart_ms: self.now_ms(),
            dispatched_ms: self.now_ms(),
            origin: Some(at(giver)),
            destination: Some(at(consignee)),
            city_delivery: Some(giver.region == consignee.region),
            plate_colour: PlateColour::Yellow.into(),
            vehicle_certificate: certificate(carrier, plate),
            tank: if tank {
                format!("TANK-{digits}")
            } else {
                String::new()
            },
            tank_volume_l: if tank { TANK_L } else { 0 },
            drivers: people(self, 0),
            escorts: people(self, 1),
            goods: vec![row(pile)],
            dispatcher: self.hash(),
            ..RoadWaybill::default()
        }
    }

    /// The loader has checked everything.
    pub(super) fn checked(&mut self) -> LoadingChecks {
        LoadingChecks {
            vehicle: true,
            crew: true,
            tank: true,
            goods: true,
            papers: true,
            by: self.hash(),
        }
    }

    /// The mover's part of a manifest.
    pub(super) fn manifest(
        &mut self,
        pile: &Pile,
        waybill: &Waybill,
        (giver, carrier, consignee): (&Who, &Who, &Who),
    ) -> WasteManifest {
        let year = year(self.now_ms()).unwrap_or_default();
        let city = giver.region.get(..4).unwrap_or_default();
        let driver = waybill.turnout.crew.first().cloned().unwrap_or_default();
        WasteManifest {
            number: format!("{year}{city}{:06}", self.number() % SERIALS),
            mover: Some(self.on_paper(giver)),
            carrier: Some(self.on_paper(carrier)),
            receiver: Some(self.on_paper(consignee)),
            delivered_ms: self.now_ms(),
            depart_ms: self.now_ms(),
            vehicle_kind: "厢式货车 van".to_owned(),
            plate: waybill.turnout.vehicle.clone(),
            driver: Some(self.somebody(&driver)),
            origin: Some(at(giver)),
            destination: Some(at(consignee)),
            via: Vec::new(),
            rows: vec![WasteRow {
                line: 0,
                name: "废弃危险化学品 discarded chemical".to_owned(),
                category: format!("HW{}", WASTE_CODE.rsplit('-').next().unwrap_or_default()),
                waste_code: WASTE_CODE.to_owned(),
                hazards: vec![hazard(pile.product.substance).into()],
                form: WasteForm::Solid.into(),
                component: pile.product.substance.to_owned(),
                packing: "over-drum 套桶".to_owned(),
                packages: u32::try_from(pile.count()).unwrap_or(u32::MAX).max(1),
                quantity: Some(booked(pile.gross())),
                treatment: DISPOSAL_METHOD.to_owned(),
            }],
        }
    }

    /// The receiver's part, for so much.
    pub(super) fn receipt(&mut self, who: &Who, number: &str, gross_mg: i64) -> ManifestReceipt {
        ManifestReceipt {
            number: number.to_owned(),
            receiver: Some(self.on_paper(who)),
            arrived_ms: self.now_ms(),
            received_ms: self.now_ms(),
            rows: vec![ReceiptRow {
                line: 0,
                decision: ReceiptDecision::Accept.into(),
                treatment: DISPOSAL_METHOD.to_owned(),
                received: Some(booked(gross_mg)),
                ..ReceiptRow::default()
            }],
        }
    }
}

/// A pile's row of a waybill, in the catalogue's words.
fn row(pile: &Pile) -> WaybillGoods {
    let Some(form) = crate::catalog::form(pile.product.form) else {
        return WaybillGoods::default();
    };
    let groups: Vec<&str> = form.packing_group.unwrap_or_default().split('/').collect();
    // Of a solution the middle one, as its strength has it.
    let group = groups.get(groups.len() / 2).copied().unwrap_or_default();
    WaybillGoods {
        un: form.un.to_string(),
        name: form.name_zh.to_owned(),
        class: form.class_division.to_owned(),
        packing_group: group.to_owned(),
        packing: pile.product.packaging.to_owned(),
        quantity: Some(booked(pile.gross())),
    }
}

fn hazard(substance: &str) -> HazardProperty {
    if is_highly_toxic(substance) {
        HazardProperty::Toxic
    } else {
        HazardProperty::Reactive
    }
}

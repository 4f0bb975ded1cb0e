//! Papers that are filled in: the road waybill, the manifest of hazardous
//! waste, its receipt.
#![allow(
    dead_code,
    reason = "each test crate that uses the papers needs another part of them"
)]

use hazledger::pb::{
    Carriage, HazardProperty, ManifestReceipt, PaperParty, PaperPerson, PaperPlace, PlateColour,
    ReceiptDecision, ReceiptRow, RoadWaybill, WasteForm, WasteManifest, WasteRow, WaybillGoods,
};

use super::bench::{Bench, DAY, HOUR, hash};
use super::verbs::kg;

pub fn office(name: &str, phone: &str) -> PaperParty {
    PaperParty {
        name: name.into(),
        phone: phone.into(),
        ..PaperParty::default()
    }
}

pub fn at(region: &str, address: &str) -> PaperPlace {
    PaperPlace {
        region: region.into(),
        address: address.into(),
    }
}

pub fn person(who: &str) -> PaperPerson {
    PaperPerson {
        person: hash(who),
        qualification: hash(&format!("qualification of {who}")),
        phone: hash(&format!("phone of {who}")),
    }
}

/// A waybill of the road with every field that its form asks for, over 100 kg
/// of solid sodium cyanide.
pub fn filled_in(b: &Bench) -> Carriage {
    let road = RoadWaybill {
        shipper: Some(office("企业P", "0471-4567890")),
        consignee: Some(office("企业M", "0472-4567890")),
        loader: Some(office("企业P装车站", "0471-4567891")),
        carrier: Some(PaperParty {
            permit: "150100012345".into(),
            ..office("企业C", "400-810-8888")
        }),
        depart_ms: b.now + DAY,
        dispatched_ms: b.now,
        origin: Some(at("150100", "金川路1号")),
        destination: Some(at("150200", "矿山路9号")),
        city_delivery: Some(false),
        plate_colour: PlateColour::Yellow.into(),
        vehicle_certificate: "150100000117".into(),
        drivers: vec![person("driver")],
        escorts: vec![person("escort")],
        goods: vec![WaybillGoods {
            un: "1689".into(),
            name: "氰化钠，固体".into(),
            class: "6.1".into(),
            packing_group: "I".into(),
            packing: "bulk container".into(),
            quantity: kg("100"),
        }],
        dispatcher: hash("dispatcher"),
        ..RoadWaybill::default()
    };
    Carriage {
        escort: hash("escort"),
        road: Some(Box::new(road)),
        ..b.carriage('M')
    }
}

pub fn firm(name: &str, permit: &str) -> PaperParty {
    PaperParty {
        contact: hash(&format!("handler of {name}")),
        permit: permit.into(),
        address: "园区路3号".into(),
        emergency_phone: "119".into(),
        ..office(name, "0471-4567890")
    }
}

/// P's manifest of 10 kg, with every field that its form asks for.
pub fn manifest(b: &Bench) -> WasteManifest {
    WasteManifest {
        number: "20261501000117".into(),
        mover: Some(firm("企业P", "")),
        carrier: Some(firm("企业C", "150100012345")),
        receiver: Some(firm("企业D", "1501000007")),
        delivered_ms: b.now,
        depart_ms: b.now + HOUR,
        vehicle_kind: "厢式货车".into(),
        plate: "蒙A00001".into(),
        driver: Some(PaperPerson {
            person: hash("driver"),
            phone: hash("phone of driver"),
            ..PaperPerson::default()
        }),
        origin: Some(at("150100", "金川路1号")),
        destination: Some(at("150200", "处置园区2号")),
        via: vec!["G6".into()],
        rows: vec![WasteRow {
            line: 0,
            name: "含氰废物".into(),
            category: "HW33".into(),
            waste_code: "900-028-33".into(),
            hazards: vec![
                HazardProperty::Toxic.into(),
                HazardProperty::Reactive.into(),
            ],
            form: WasteForm::Solid.into(),
            component: "NaCN".into(),
            packing: "steel drum".into(),
            packages: 1,
            quantity: kg("10"),
            treatment: "D10".into(),
        }],
    }
}

/// The receiver's part, with every field.
pub fn receipt(b: &Bench, decision: ReceiptDecision, received: &str) -> ManifestReceipt {
    let refused = decision == ReceiptDecision::Refuse;
    ManifestReceipt {
        number: "20261501000117".into(),
        receiver: Some(firm("企业D", "1501000007")),
        arrived_ms: b.now,
        received_ms: b.now,
        rows: vec![ReceiptRow {
            line: 0,
            decision: decision.into(),
            treatment: "D10".into(),
            received: if refused { None } else { kg(received) },
            ..ReceiptRow::default()
        }],
    }
}

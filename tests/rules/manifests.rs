//! Tables of the manifest of hazardous waste: of the lots that are offered, and
//! of what its receiver takes over.

use hazledger::custody::{Item, Items, subject};
use hazledger::event::LotId;
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    Accepted, ManifestReceipt, Offered, ReceiptDecision, ReceiptRow, WasteManifest, WasteRow,
};

use super::bench::{Answer, Bench, DAY, hash, party};
use super::papers::{firm, manifest, receipt};
use super::table::Case;
use super::verbs::{kg, zeros};
use super::waybills::named;

/// P has 10 kg of waste of its stock.
fn waste(b: &mut Bench) {
    b.name("waste", "P1", B::Wasted(b.wasted("stock 10")))
        .unwrap();
    b.now += 1_000;
}

/// P sends it by C, its manifest changed before.
fn send(b: &mut Bench, change: impl FnOnce(&mut Offered)) -> Answer {
    waste(b);
    let mut e = b.shipped('C', 'D', "T1", &["waste 10"]);
    e.manifest = Some(Box::new(manifest(b)));
    change(&mut e);
    b.name("truck", "P1", B::Offered(e))
}

fn offer(b: &mut Bench, change: impl FnOnce(&mut WasteManifest)) -> Answer {
    send(b, |e| change(e.manifest.as_mut().unwrap()))
}

/// It is on its way: `line` is what C said it took aboard.
fn aboard(b: &mut Bench, line: &str, change: impl FnOnce(&mut WasteManifest)) -> Answer {
    offer(b, change).unwrap();
    b.now += 1_000;
    b.say("C1", B::Accepted(b.accepted("truck", "", &[line])))
}

/// D takes over what C delivers: `goods` of it, as `line` has it.
fn taken(
    b: &mut Bench,
    goods: &str,
    line: &str,
    change: impl FnOnce(&Bench, &mut Accepted),
) -> Answer {
    b.now += 1_000;
    b.name(
        "gate",
        "C1",
        B::Offered(b.delivered('D', "truck", &[goods])),
    )
    .unwrap();
    b.now += 1_000;
    let mut e = b.accepted("gate", "T1", &[line]);
    change(b, &mut e);
    b.say("D1", B::Accepted(e))
}

fn delivered(b: &mut Bench, line: &str, change: impl FnOnce(&Bench, &mut Accepted)) -> Answer {
    aboard(b, "0 take 10", |_| ()).unwrap();
    taken(b, "waste 10", line, change)
}

fn with(decision: ReceiptDecision, received: &'static str) -> impl FnOnce(&Bench, &mut Accepted) {
    move |b, e| e.receipt = Some(Box::new(receipt(b, decision, received)))
}

/// The same with the receipt changed.
fn but(
    decision: ReceiptDecision,
    received: &'static str,
    change: fn(&mut ManifestReceipt),
) -> impl FnOnce(&Bench, &mut Accepted) {
    move |b, e| {
        let mut receipt = receipt(b, decision, received);
        change(&mut receipt);
        e.receipt = Some(Box::new(receipt));
    }
}

/// P hands it to W on the spot, without a carriage.
fn direct(b: &mut Bench, change: impl FnOnce(&Bench, &mut Accepted)) -> Answer {
    waste(b);
    let mut e = b.offered('W', "T1", &["waste 10"]);
    e.manifest = Some(Box::new(manifest(b)));
    b.name("gate", "P1", B::Offered(e)).unwrap();
    b.now += 1_000;
    let mut e = b.accepted("gate", "T1", &["0 take 10"]);
    change(b, &mut e);
    b.say("W1", B::Accepted(e))
}

fn row(m: &mut WasteManifest) -> &mut WasteRow {
    &mut m.rows[0]
}

#[rustfmt::skip]
pub const MOVER: &[Case] = &[
    ("stock", |b| offer(b, |_| ()), "ok"),
    ("stock", |b| send(b, |e| e.manifest = None), "ok"),
    ("stock", |b| offer(b, |m| *m = WasteManifest::default()), "ok"),
    // A number of these years, of a city that there is.
    ("stock", |b| offer(b, |m| m.number = "20251522000001".into()), "ok"),
    ("stock", |b| offer(b, |m| m.number = "20271501000001".into()), "ok"),
    ("stock", |b| offer(b, |m| m.number = "20241501000001".into()), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| m.number = "20281501000001".into()), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| m.number = "20261599000001".into()), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| m.number = "2026150100001".into()), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| m.mover = Some(firm("企业P", "no"))), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| m.receiver.as_mut().unwrap().phone = "13812345678".into()), "PERSONAL_DATA"),
    ("stock", |b| offer(b, |m| m.depart_ms = -1), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| m.via = vec!["x".into(); 33]), "FIELD_INVALID"),
    // Vehicle and driver of the waybill.
    ("stock", |b| offer(b, |m| m.plate = "蒙A00002".into()), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| m.driver.as_mut().unwrap().person = hash("another")), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| m.driver.as_mut().unwrap().phone = zeros(31)), "FIELD_INVALID"),
    // Rows are of the lines that are waste, each once.
    ("stock", |b| offer(b, |m| m.rows.clear()), "ok"),
    ("stock", |b| offer(b, |m| row(m).line = 1), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| { let one = row(m).clone(); m.rows.push(one); }), "FIELD_INVALID"),
    ("stock", |b| mixed(b, 1, |_| ()), "ok"),
    ("stock", |b| mixed(b, 0, |_| ()), "FIELD_INVALID"),
    ("stock", |b| { let m = manifest(b); b.say("P1", B::Offered(Offered { manifest: Some(Box::new(m)), ..b.offered('W', "T1", &["stock 10"]) })) }, "FIELD_INVALID"),
    // What they say agrees with the lot and the line.
    ("stock", |b| offer(b, |m| row(m).waste_code = "900-027-33".into()), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| row(m).category = "HW34".into()), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| row(m).category = "33".into()), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| row(m).quantity = kg("9.999999")), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| row(m).quantity = kg("10.000001")), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| row(m).hazards = vec![1, 1]), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| row(m).hazards = vec![9]), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| row(m).form = 9), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| row(m).packages = 1_000_001), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| row(m).treatment = "R4".into()), "ok"),
    ("stock", |b| offer(b, |m| row(m).treatment = "D21".into()), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| row(m).treatment = "burnt".into()), "FIELD_INVALID"),
    ("stock", |b| offer(b, |m| row(m).name = "x".repeat(129)), "FIELD_INVALID"),
    // It came aboard with the waste; no other goes with it on its way.
    ("stock", |b| { aboard(b, "0 take 10", |_| ()).unwrap(); let m = manifest(b); b.say("C1", B::Offered(Offered { manifest: Some(Box::new(m)), ..b.delivered('D', "truck", &["waste 10"]) })) }, "FIELD_INVALID"),
];

/// The waste beside goods that are none, and the line that the row names.
fn mixed(b: &mut Bench, line: u32, change: impl FnOnce(&mut WasteManifest)) -> Answer {
    waste(b);
    let mut m = manifest(b);
    row(&mut m).line = line;
    change(&mut m);
    let mut e = b.shipped('C', 'D', "T1", &["stock 5", "waste 10"]);
    e.manifest = Some(Box::new(m));
    b.say("P1", B::Offered(e))
}

/// C takes some of it aboard, some of that is delivered and then the rest.
fn in_two(b: &mut Bench, first: &'static str, second: &'static str) -> Answer {
    aboard(b, "0 take 10", |_| ()).unwrap();
    let goods = |kg: &str| format!("waste {kg}");
    let line = |kg: &str| format!("0 take {kg}");
    taken(
        b,
        &goods(first),
        &line(first),
        with(ReceiptDecision::Accept, first),
    )
    .unwrap();
    taken(
        b,
        &goods(second),
        &line(second),
        with(ReceiptDecision::Accept, second),
    )
}

/// D refuses all of it; C takes it back to P, who takes it.
fn back(b: &mut Bench) -> Answer {
    delivered(b, "0 refuse 10", with(ReceiptDecision::Refuse, "")).unwrap();
    b.now += 1_000;
    b.name(
        "home",
        "C1",
        B::Offered(b.delivered('P', "truck", &["waste 10"])),
    )
    .unwrap();
    b.say("P1", B::Accepted(b.accepted("home", "T1", &["0 take 10"])))
}

#[rustfmt::skip]
pub const RECEIVER: &[Case] = &[
    // Aboard: the mover's and the carrier's parts.
    ("stock", |b| aboard(b, "0 take 10", |_| ()), "ok"),
    ("stock", |b| aboard(b, "0 take 10", |m| { m.plate.clear(); m.driver = None; }), "ok MANIFEST_INCOMPLETE"),
    ("stock", |b| aboard(b, "0 take 10", |m| m.plate.clear()), "ok"),
    ("stock", |b| aboard(b, "0 take 10", |m| *m = WasteManifest::default()), "ok MANIFEST_INCOMPLETE"),
    ("stock", |b| aboard(b, "0 take 10", |m| m.via.clear()), "ok"),
    ("stock", |b| { send(b, |e| e.manifest = None).unwrap(); b.say("C1", B::Accepted(b.accepted("truck", "", &["0 take 10"]))) }, "ok"),
    // One milligram is a difference, though scales may be off by more.
    ("stock", |b| aboard(b, "0 take 9.999999", |_| ()), "ok MANIFEST_DISAGREES"),
    ("stock", |b| { let e = receipt(b, ReceiptDecision::Accept, "10"); offer(b, |_| ()).unwrap(); b.say("C1", B::Accepted(Accepted { receipt: Some(Box::new(e)), ..b.accepted("truck", "", &["0 take 10"]) })) }, "FIELD_INVALID"),
    // At the receiver's gate.
    ("stock", |b| delivered(b, "0 take 10", with(ReceiptDecision::Accept, "10")), "ok"),
    ("stock", |b| delivered(b, "0 take 10", |_, _| ()), "ok MANIFEST_INCOMPLETE"),
    ("stock", |b| delivered(b, "0 take 9.999999", with(ReceiptDecision::Accept, "9.999999")), "ok MANIFEST_DISAGREES"),
    ("stock", |b| delivered(b, "0 take 10.000001", with(ReceiptDecision::Accept, "10.000001")), "ok MANIFEST_DISAGREES"),
    ("stock", |b| delivered(b, "0 take 10", with(ReceiptDecision::Accept, "9.9")), "ok MANIFEST_DISAGREES"),
    ("stock", |b| delivered(b, "0 take 10", with(ReceiptDecision::Partial, "10")), "ok MANIFEST_DISAGREES"),
    ("stock", |b| delivered(b, "0 take 6 refuse 4", with(ReceiptDecision::Partial, "6")), "ok GOODS_REFUSED"),
    ("stock", |b| delivered(b, "0 take 6 refuse 4", with(ReceiptDecision::Accept, "6")), "ok GOODS_REFUSED MANIFEST_DISAGREES"),
    ("stock", |b| delivered(b, "0 refuse 10", with(ReceiptDecision::Refuse, "")), "ok GOODS_REFUSED"),
    ("stock", |b| delivered(b, "0 refuse 10", with(ReceiptDecision::Accept, "10")), "ok GOODS_REFUSED MANIFEST_DISAGREES"),
    ("stock", |b| delivered(b, "0 take 4 aboard 6", with(ReceiptDecision::Accept, "4")), "ok"),
    ("stock", |b| delivered(b, "0 take 10", but(ReceiptDecision::Accept, "10", |r| r.rows[0].treatment.clear())), "ok MANIFEST_INCOMPLETE"),
    ("stock", |b| delivered(b, "0 take 10", but(ReceiptDecision::Accept, "10", |r| r.rows.clear())), "ok MANIFEST_INCOMPLETE"),
    ("stock", |b| delivered(b, "0 take 10", but(ReceiptDecision::Accept, "10", |r| r.number = "20261501000118".into())), "ok MANIFEST_DISAGREES"),
    ("stock", |b| delivered(b, "0 take 10", but(ReceiptDecision::Accept, "10", |r| { r.rows[0].major_difference = true; r.rows[0].difference = "another form".into(); })), "ok MANIFEST_DISAGREES"),
    ("stock", |b| delivered(b, "0 take 10", but(ReceiptDecision::Accept, "10", |r| r.rows[0].major_difference = true)), "ok MANIFEST_DISAGREES MANIFEST_INCOMPLETE"),
    ("stock", |b| delivered(b, "0 take 10", but(ReceiptDecision::Accept, "10", |r| { let one = ReceiptRow { line: 7, ..r.rows[0].clone() }; r.rows.push(one); })), "ok MANIFEST_DISAGREES"),
    // What cannot be read is refused.
    ("stock", |b| delivered(b, "0 take 10", but(ReceiptDecision::Accept, "10", |r| r.rows[0].treatment = "burnt".into())), "FIELD_INVALID"),
    ("stock", |b| delivered(b, "0 take 10", but(ReceiptDecision::Accept, "10", |r| r.rows[0].decision = 4)), "FIELD_INVALID"),
    ("stock", |b| delivered(b, "0 take 10", but(ReceiptDecision::Accept, "10", |r| { let one = r.rows[0].clone(); r.rows.push(one); })), "FIELD_INVALID"),
    ("stock", |b| delivered(b, "0 take 10", but(ReceiptDecision::Accept, "10", |r| r.receiver.as_mut().unwrap().phone = "13812345678".into())), "PERSONAL_DATA"),
    ("stock", |b| delivered(b, "0 take 10", but(ReceiptDecision::Accept, "10", |r| r.received_ms = -1)), "FIELD_INVALID"),
    // In parts: what the manifest says has come off when the last has.
    ("stock", |b| in_two(b, "4", "6"), "ok"),
    ("stock", |b| { aboard(b, "0 take 9.99", |_| ()).unwrap(); taken(b, "waste 9.99", "0 take 9.99", with(ReceiptDecision::Accept, "9.99")) }, "ok MANIFEST_DISAGREES"),
    ("stock", back, "ok GOODS_ABOARD_NOT_CONSIGNED_HERE"),
    // Without a carriage, and without a manifest.
    ("stock", |b| direct(b, with(ReceiptDecision::Accept, "10")), "ok"),
    ("stock", |b| direct(b, |_, _| ()), "ok MANIFEST_INCOMPLETE"),
    ("stock", |b| { b.name("gate", "P1", B::Offered(b.offered('W', "T1", &["stock 10"]))).unwrap(); let r = receipt(b, ReceiptDecision::Accept, "10"); b.say("W1", B::Accepted(Accepted { receipt: Some(Box::new(r)), ..b.accepted("gate", "T1", &["0 take 10"]) })) }, "ok MANIFEST_DISAGREES"),
];

/// A field's code, and a manifest without it.
type LeftOut = (&'static str, fn(&mut WasteManifest));

#[rustfmt::skip]
const LEFT_OUT: &[LeftOut] = &[
    ("manifestNo", |m| m.number.clear()),
    ("moverName", |m| m.mover.get_or_insert_default().name.clear()),
    ("moverEmergencyPhone", |m| m.mover.get_or_insert_default().emergency_phone.clear()),
    ("moverAddress", |m| m.mover.get_or_insert_default().address.clear()),
    ("moverHandler", |m| m.mover.get_or_insert_default().contact.clear()),
    ("moverPhone", |m| m.mover.get_or_insert_default().phone.clear()),
    ("deliverTime", |m| m.delivered_ms = 0),
    ("wasteName", |m| row(m).name.clear()),
    ("wasteCategory", |m| row(m).category.clear()),
    ("wasteCode", |m| row(m).waste_code.clear()),
    ("hazardProperty", |m| row(m).hazards.clear()),
    ("form", |m| row(m).form = 0),
    ("packing", |m| row(m).packing.clear()),
    ("packCount", |m| row(m).packages = 0),
    ("movedQty", |m| row(m).quantity = None),
    ("carrierName", |m| m.carrier.get_or_insert_default().name.clear()),
    ("carrierPermitNo", |m| m.carrier.get_or_insert_default().permit.clear()),
    ("carrierAddress", |m| m.carrier.get_or_insert_default().address.clear()),
    ("carrierPhone", |m| m.carrier.get_or_insert_default().phone.clear()),
    ("driverPhone", |m| m.driver = None),
    ("vehicleType", |m| m.vehicle_kind.clear()),
    ("origin", |m| m.origin = None),
    ("destination", |m| m.destination = None),
    ("departTime", |m| m.depart_ms = 0),
];

#[test]
fn each_field_of_a_manifest_left_out_is_named_alone() {
    for (field, change) in LEFT_OUT {
        let mut b = Bench::new();
        b.set_up("stock");
        aboard(&mut b, "0 take 10", *change).unwrap();
        let number = if *field == "manifestNo" {
            ": "
        } else {
            "20261501000117: "
        };
        assert_eq!(named(&b, number), [*field], "{field}");
    }
    let mut b = Bench::new();
    b.set_up("stock");
    delivered(&mut b, "0 take 10", |_, _| ()).unwrap();
    let all = [
        "arriveTime",
        "receiverName",
        "receiverPermitNo",
        "receiverAddress",
        "receiverHandler",
        "receiverPhone",
        "receiveTime",
        "decision",
        "treatMethod",
        "receivedQty",
    ];
    assert_eq!(named(&b, "20261501000117: "), all);
}

/// Through refusal and return the generator answers for its waste.
#[test]
fn the_generator_answers_for_its_waste_wherever_it_goes() {
    let mut b = Bench::new();
    b.set_up("stock");
    back(&mut b).unwrap();
    b.now += DAY / 100;
    let id = LotId::from_slice(&b.id("waste")).unwrap();
    let state = match b.state.get(&subject::lot(id)).as_deref() {
        Some(Item::Lot(lot)) => lot.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(state.born.unwrap().answerable, party('P'));
}

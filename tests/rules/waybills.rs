//! Tables of the road waybill's form: right in itself, of the goods that are
//! offered, and complete when the goods go aboard.

use hazledger::pb::event::Body as B;
use hazledger::pb::{Carriage, PaperParty, PlateColour, RoadWaybill, WaybillGoods};

use super::bench::{Answer, Bench, DAY, hash};
use super::papers::{at, filled_in, person};
use super::table::Case;
use super::verbs::{kg, zeros};

fn road(c: &mut Carriage) -> &mut RoadWaybill {
    c.road.as_mut().unwrap()
}

/// P offers 100 kg for carriage by a waybill that is changed before.
pub fn ship(b: &mut Bench, change: impl FnOnce(&mut Carriage)) -> Answer {
    let mut carriage = filled_in(b);
    change(&mut carriage);
    let mut e = b.offered('C', "T1", &["stock 100"]);
    e.carriage = Some(carriage);
    b.name("truck", "P1", B::Offered(e))
}

/// And C takes them aboard.
fn load(b: &mut Bench, change: impl FnOnce(&mut Carriage)) -> Answer {
    ship(b, change).unwrap();
    b.now += 1_000;
    b.say("C1", B::Accepted(b.accepted("truck", "", &["0 take 100"])))
}

fn row(c: &mut Carriage) -> &mut WaybillGoods {
    &mut road(c).goods[0]
}

fn shipper(c: &mut Carriage) -> &mut PaperParty {
    road(c).shipper.as_mut().unwrap()
}

#[rustfmt::skip]
pub const FORM: &[Case] = &[
    ("stock", |b| ship(b, |_| ()), "ok"),
    // What is left out is no matter of the ledger's own; what is there is right.
    ("stock", |b| ship(b, |c| c.road = Some(Box::default())), "ok"),
    ("stock", |b| ship(b, |c| c.waybill = "15-2026/0001_7".into()), "ok"),
    ("stock", |b| ship(b, |c| c.waybill = "运单1".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| { c.waybill = "运单1".into(); c.road = None; }), "ok"),
    ("stock", |b| ship(b, |c| shipper(c).name = "x".repeat(129)), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| shipper(c).phone = "13812345678".into()), "PERSONAL_DATA"),
    ("stock", |b| ship(b, |c| shipper(c).phone = "Li".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| shipper(c).emergency_phone = "119".into()), "ok"),
    ("stock", |b| ship(b, |c| shipper(c).emergency_phone = "1".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| shipper(c).contact = hash("Li")), "ok"),
    ("stock", |b| ship(b, |c| shipper(c).contact = zeros(31)), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).carrier.as_mut().unwrap().permit = "none".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).vehicle_certificate = "12 34".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).trailer_certificate = "?".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).origin = Some(at("990000", "x"))), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).destination = Some(at("150200", &"x".repeat(257)))), "FIELD_INVALID"),
    // Dispatched on the day of departure at the latest, by the days of the law.
    ("stock", |b| ship(b, |c| { let r = road(c); r.dispatched_ms = r.depart_ms; }), "ok"),
    ("stock", |b| ship(b, |c| { let r = road(c); r.dispatched_ms = r.depart_ms + DAY; }), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).depart_ms = -1), "FIELD_INVALID"),
    // Plates of China have their shape; others are not looked at.
    ("stock", |b| ship(b, |c| c.vehicle = "MNG 1234".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| { c.vehicle = "MNG 1234".into(); road(c).plate_colour = PlateColour::Other.into(); }), "ok"),
    ("stock", |b| ship(b, |c| c.trailer = "蒙A12挂".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| c.trailer = "蒙A1234挂".into()), "ok"),
    ("stock", |b| ship(b, |c| road(c).plate_colour = 7), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).tank = "x".repeat(65)), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).tank_volume_l = 1_000_001), "FIELD_INVALID"),
    // People are commitments, and of the crew.
    ("stock", |b| ship(b, |c| road(c).drivers[0].person = zeros(31)), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).drivers[0].qualification = "152324".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).drivers[0].phone = "13812345678".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).drivers[0].person = hash("another")), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| c.crew.push(hash("another"))), "ok"),
    ("stock", |b| ship(b, |c| road(c).drivers[0].person = hash("escort")), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| c.escort = hash("another")), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).drivers = vec![person("driver"); 9]), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).dispatcher = "Wang".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| road(c).remarks = "call 138 1234 5678".into()), "PERSONAL_DATA"),
    // By no other mode.
    ("stock", |b| { let other = filled_in(b).road; ship(b, |c| { c.mode = 2; c.road = other; }) }, "FIELD_INVALID"),
];

#[rustfmt::skip]
pub const GOODS: &[Case] = &[
    // No more mass than is offered, by UN number.
    ("stock", |b| ship(b, |c| row(c).quantity = kg("99.9")), "ok"),
    ("stock", |b| ship(b, |c| row(c).quantity = kg("100.000001")), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| { row(c).quantity = kg("50"); let one = row(c).clone(); road(c).goods.push(one); }), "ok"),
    ("stock", |b| ship(b, |c| { row(c).quantity = kg("50.1"); let one = row(c).clone(); road(c).goods.push(one); }), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| row(c).quantity = kg("0mg")), "MASS_NOT_POSITIVE"),
    ("stock", |b| ship(b, |c| row(c).quantity = None), "ok"),
    // Of the goods' own number, class and group.
    ("stock", |b| ship(b, |c| row(c).un = "3414".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| row(c).un = "UN1689".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| { let one = WaybillGoods { un: "1942".into(), ..row(c).clone() }; road(c).goods.push(one); }), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| row(c).class = "5.1".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| row(c).class = "6.1 (8)".into()), "ok"),
    ("stock", |b| ship(b, |c| row(c).class.clear()), "ok"),
    ("stock", |b| ship(b, |c| row(c).packing_group = "III".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| row(c).packing_group = "1".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| row(c).packing_group.clear()), "ok"),
    ("stock", |b| ship(b, |c| row(c).packing = "x".repeat(129)), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| { let one = row(c).clone(); road(c).goods = vec![one; 129]; }), "FIELD_INVALID"),
    // A line that no row names.
    ("stock other", |b| two(b, "NACN-1689"), "ok"),
    ("stock other", |b| two(b, "NACN-3414"), "FIELD_INVALID"),
];

/// A second line of another form.
fn two(b: &mut Bench, form: &str) -> Answer {
    let mut second = b.produced("second", "10", "T1");
    second.lot.as_mut().unwrap().form = form.into();
    b.name("second", "P1", B::Produced(second)).unwrap();
    let mut e = b.offered('C', "T1", &["stock 100", "second 10"]);
    e.carriage = Some(filled_in(b));
    b.name("truck", "P1", B::Offered(e))
}

#[rustfmt::skip]
pub const ABOARD: &[Case] = &[
    ("stock", |b| load(b, |_| ()), "ok"),
    // One that was begun lacks what was not filled in.
    ("stock", |b| load(b, |c| c.road = Some(Box::default())), "ok WAYBILL_INCOMPLETE"),
    ("stock", |b| load(b, |c| c.road = None), "ok"),
    ("stock", |b| load(b, |c| shipper(c).phone.clear()), "ok WAYBILL_INCOMPLETE"),
    ("stock", |b| load(b, |c| road(c).loader = None), "ok WAYBILL_INCOMPLETE"),
    ("stock", |b| load(b, |c| road(c).city_delivery = None), "ok WAYBILL_INCOMPLETE"),
    ("stock", |b| load(b, |c| road(c).origin = Some(at("150100", ""))), "ok WAYBILL_INCOMPLETE"),
    ("stock", |b| load(b, |c| road(c).drivers.clear()), "ok WAYBILL_INCOMPLETE"),
    ("stock", |b| load(b, |c| road(c).escorts[0].qualification.clear()), "ok WAYBILL_INCOMPLETE"),
    ("stock", |b| load(b, |c| road(c).goods.clear()), "ok WAYBILL_INCOMPLETE"),
    ("stock", |b| load(b, |c| row(c).quantity = None), "ok WAYBILL_INCOMPLETE"),
    ("stock", |b| load(b, |c| row(c).packing_group.clear()), "ok WAYBILL_INCOMPLETE"),
    // A trailer has its certificate, a tank its volume; no remark is asked for.
    ("stock", |b| load(b, |c| c.trailer = "蒙A1234挂".into()), "ok WAYBILL_INCOMPLETE"),
    ("stock", |b| load(b, |c| { c.trailer = "蒙A1234挂".into(); road(c).trailer_certificate = "150100000118".into(); }), "ok"),
    ("stock", |b| load(b, |c| road(c).tank = "TK-7".into()), "ok WAYBILL_INCOMPLETE"),
    ("stock", |b| load(b, |c| { road(c).tank = "TK-7".into(); road(c).tank_volume_l = 25_000; }), "ok"),
];

/// A mandatory field's code, and a waybill without it.
type LeftOut = (&'static str, fn(&mut Carriage));

#[rustfmt::skip]
const LEFT_OUT: &[LeftOut] = &[
    ("shipperName", |c| shipper(c).name.clear()),
    ("shipperPhone", |c| shipper(c).phone.clear()),
    ("consigneeName", |c| road(c).consignee.get_or_insert_default().name.clear()),
    ("consigneePhone", |c| road(c).consignee.get_or_insert_default().phone.clear()),
    ("loaderName", |c| road(c).loader.get_or_insert_default().name.clear()),
    ("loaderPhone", |c| road(c).loader.get_or_insert_default().phone.clear()),
    ("departDate", |c| road(c).depart_ms = 0),
    ("origin", |c| road(c).origin = None),
    ("destination", |c| road(c).destination = None),
    ("cityDelivery", |c| road(c).city_delivery = None),
    ("carrierName", |c| road(c).carrier.get_or_insert_default().name.clear()),
    ("carrierPhone", |c| road(c).carrier.get_or_insert_default().phone.clear()),
    ("carrierPermitNo", |c| road(c).carrier.get_or_insert_default().permit.clear()),
    ("plateColor", |c| road(c).plate_colour = 0),
    ("vehicleTransportCertNo", |c| road(c).vehicle_certificate.clear()),
    ("driverName", |c| road(c).drivers[0].person.clear()),
    ("driverQualNo", |c| road(c).drivers[0].qualification.clear()),
    ("driverPhone", |c| road(c).drivers[0].phone.clear()),
    ("escortName", |c| road(c).escorts[0].person.clear()),
    ("escortQualNo", |c| road(c).escorts[0].qualification.clear()),
    ("escortPhone", |c| road(c).escorts[0].phone.clear()),
    ("goodsName", |c| row(c).name.clear()),
    ("goodsClass", |c| row(c).class.clear()),
    ("packingGroup", |c| row(c).packing_group.clear()),
    ("packingSpec", |c| row(c).packing.clear()),
    ("dispatcherName", |c| road(c).dispatcher.clear()),
    ("dispatchDate", |c| road(c).dispatched_ms = 0),
];

/// Every mandatory field of the form: left out alone, it is named alone.
#[test]
fn each_mandatory_field_left_out_is_named_alone() {
    for (field, change) in LEFT_OUT {
        let mut b = Bench::new();
        b.set_up("stock");
        load(&mut b, *change).unwrap();
        assert_eq!(named(&b, "W-1: "), [*field], "{field}");
    }
    let mut b = Bench::new();
    b.set_up("stock");
    load(&mut b, |c| row(c).quantity = None).unwrap();
    assert_eq!(named(&b, "W-1: "), ["unit", "quantity"]);
}

/// The codes that the last record's only finding names.
pub fn named(b: &Bench, before: &str) -> Vec<String> {
    let (sealed, _) = b.records.last().unwrap();
    let record = hazledger::event::record::OpenRecord::open(&sealed.bytes).unwrap();
    let findings: Vec<_> = record.findings.iter().flatten().collect();
    assert_eq!(findings.len(), 1, "{findings:?}");
    let list = findings[0].detail.strip_prefix(before).unwrap();
    let code = |field: &str| field.split(' ').next().unwrap().to_owned();
    list.split(", ").map(code).collect()
}

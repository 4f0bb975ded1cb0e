//! Tables of matter: how it enters, stands in store, is used up, made into
//! other matter, and corrected.

use bytes::Bytes;
use hazledger::pb::event::Body as B;
use hazledger::pb::incident::At;
use hazledger::pb::{
    Assayed, Consumed, Corrected, Counted, Disposed, DocumentRef, Exported, Imported, Incident,
    IncidentKind, Measure, MeasureUnit, NewLot, Opened, Packed, ProcessLoss, Produced, Quantity,
    TransformInput, Transformed, Used, Wasted,
};

use super::bench::{Answer, Bench, hash};
use super::table::Case;
use super::verbs::{consumed, kg, loss, measure, restating, unregulated, zeros};

/// P produces a lot that is changed before.
fn produce(b: &mut Bench, change: impl FnOnce(&mut NewLot)) -> Answer {
    let mut lot = b.lot("L", "1", "T1");
    change(&mut lot);
    b.say("P1", B::Produced(Produced { lot: Some(lot) }))
}

fn open(b: &mut Bench, keys: &str, change: impl FnOnce(&mut NewLot)) -> Answer {
    let mut opened = b.opened("L", "1", "T1");
    change(opened.lot.as_mut().unwrap());
    b.say(keys, B::Opened(opened))
}

fn measured(gross_mg: i64, value: &str, unit: MeasureUnit) -> Quantity {
    let measure = Measure {
        unit: unit.into(),
        ..measure(value)
    };
    Quantity {
        gross_mg,
        measure: Some(measure),
    }
}

#[rustfmt::skip]
pub const ENTRY: &[Case] = &[
    ("", |b| produce(b, |_| ()), "ok"),
    ("", |b| b.say("P1", B::Produced(Produced { lot: None })), "FIELD_MISSING"),
    ("", |b| produce(b, |l| l.label.clear()), "FIELD_MISSING"),
    ("", |b| produce(b, |l| l.label = "x".repeat(65)), "FIELD_INVALID"),
    ("", |b| produce(b, |l| l.label = "李四13812345678".into()), "PERSONAL_DATA"),
    ("", |b| produce(b, |l| l.label = "11010519491231002X".into()), "PERSONAL_DATA"),
    ("", |b| produce(b, |l| l.form = "WATER".into()), "UNKNOWN_FORM"),
    // Masses: missing, negative, zero, beyond 63 bits, in other units.
    ("", |b| produce(b, |l| l.quantity = None), "FIELD_MISSING"),
    ("", |b| produce(b, |l| l.quantity = kg("0mg")), "MASS_NOT_POSITIVE"),
    ("", |b| produce(b, |l| l.quantity = kg("-1mg")), "MASS_NOT_POSITIVE"),
    ("", |b| produce(b, |l| l.quantity = kg("-9223372036854775808mg")), "MASS_NOT_POSITIVE"),
    ("", |b| produce(b, |l| l.quantity = kg("9223372036854775807mg")), "ok"),
    ("", |b| produce(b, |l| l.quantity = Some(measured(0, "1.5", MeasureUnit::T))), "ok"),
    ("", |b| produce(b, |l| l.quantity = Some(measured(1_500_000_000, "1.5", MeasureUnit::T))), "ok"),
    ("", |b| produce(b, |l| l.quantity = Some(measured(1_500_000_001, "1.5", MeasureUnit::T))), "MEASURE_DISAGREES"),
    ("", |b| produce(b, |l| l.quantity = Some(measured(0, "-1.5", MeasureUnit::T))), "FIELD_INVALID"),
    ("", |b| produce(b, |l| l.quantity = Some(measured(0, "1e3", MeasureUnit::Kg))), "FIELD_INVALID"),
    ("", |b| produce(b, |l| l.quantity = Some(measured(0, "1.0000001", MeasureUnit::Kg))), "FIELD_INVALID"),
    ("", |b| produce(b, |l| l.quantity = Some(measured(0, "9223372037", MeasureUnit::T))), "MASS_OVERFLOW"),
    ("", |b| produce(b, |l| l.quantity = Some(measured(0, "20", MeasureUnit::L))), "MASS_NOT_POSITIVE"),
    ("", |b| produce(b, |l| l.quantity = Some(measured(1, "20", MeasureUnit::L))), "ok"),
    ("", |b| produce(b, |l| l.content_ppm = 0), "CONTENT_INVALID"),
    ("", |b| produce(b, |l| l.content_ppm = 1_000_001), "CONTENT_INVALID"),
    ("", |b| produce(b, |l| l.content_ppm = 1_000_000), "ok"),
    ("", |b| produce(b, |l| l.data_sheet_hash = Bytes::new()), "PAPERS_MISSING"),
    ("", |b| produce(b, |l| l.label_hash = zeros(31)), "PAPERS_MISSING"),
    ("", |b| produce(b, |l| l.documents = vec![document(); 8]), "ok"),
    ("", |b| produce(b, |l| l.documents = vec![document(); 9]), "FIELD_INVALID"),
    ("", |b| produce(b, |l| l.place = "T9".into()), "UNKNOWN_PLACE"),
    ("", |b| produce(b, |l| l.place.clear()), "FIELD_MISSING"),
    ("P-closed", |b| produce(b, |_| ()), "PARTY_NOT_ACTIVE"),
    ("", |b| b.say("W1", B::Imported(b.imported("L", "1", "T1"))), "ok"),
    ("", |b| b.say("W1", B::Imported(Imported { country: "kz".into(), ..b.imported("L", "1", "T1") })), "FIELD_INVALID"),
    ("", |b| b.say("W1", B::Imported(Imported { customs_entry: String::new(), ..b.imported("L", "1", "T1") })), "FIELD_MISSING"),
    // Opening stock: two distinct persons; what is missing is found.
    ("", |b| open(b, "P1+P2", |_| ()), "ok"),
    ("", |b| open(b, "P1", |_| ()), "TWO_PERSONS_REQUIRED"),
    ("", |b| open(b, "P1+P0", |_| ()), "TWO_PERSONS_REQUIRED"),
    ("", |b| open(b, "P1+P3", |_| ()), "TWO_PERSONS_REQUIRED"),
    ("", |b| open(b, "P1+W1", |_| ()), "TWO_PERSONS_REQUIRED"),
    ("", |b| open(b, "P1+P2", |l| l.label_hash = Bytes::new()), "ok PAPERS_MISSING"),
    ("", |b| open(b, "P1+P2", |l| l.label_hash = zeros(31)), "FIELD_INVALID"),
    ("", |b| b.say("P1+P2", B::Opened(Opened { provenance: String::new(), ..b.opened("L", "1", "T1") })), "ok PROVENANCE_UNKNOWN"),
    // The lower number is given: 73 of 73 and 76, 73 of 73 and 79, 80 of 80 and 101, 55 of 55 and 58, 58 of 58 and 71.
    ("", |b| produce(b, |l| { l.quantity = kg("0mg"); l.content_ppm = 0; }), "MASS_NOT_POSITIVE"),
    ("", |b| produce(b, |l| { l.quantity = kg("0mg"); l.form.clear(); }), "MASS_NOT_POSITIVE"),
    ("", |b| produce(b, |l| { l.label_hash = Bytes::new(); l.place = "T9".into(); }), "PAPERS_MISSING"),
    ("P-closed", |b| open(b, "P1", |_| ()), "PARTY_NOT_ACTIVE"),
    ("", |b| open(b, "P1", |l| l.label = "x".repeat(65)), "TWO_PERSONS_REQUIRED"),
];

fn document() -> DocumentRef {
    DocumentRef {
        kind: "certificate of analysis".into(),
        hash: hash("paper"),
    }
}

/// P counts the stock at T1: loose kilograms, serials scanned and assumed.
fn count(b: &mut Bench, loose: &str, scanned: &str, assumed: &str) -> Answer {
    b.say(
        "P1",
        B::Counted(b.counted("stock", "T1", loose, scanned, assumed)),
    )
}

#[rustfmt::skip]
pub const STORE: &[Case] = &[
    ("stock", |b| b.say("P1", B::Moved(b.moved("stock 1000", "T1", "T2"))), "ok"),
    ("stock drums", |b| b.say("P1", B::Moved(b.moved("stock 500 #1-10", "T1", "T2"))), "ok"),
    ("stock", |b| b.say("P1", B::Moved(b.moved("stock 1000.000001", "T1", "T2"))), "INSUFFICIENT"),
    ("stock drums", |b| b.say("P1", B::Moved(b.moved("stock 500.000001", "T1", "T2"))), "INSUFFICIENT"),
    ("stock", |b| b.say("P1", B::Moved(b.moved("stock 1", "T2", "T1"))), "INSUFFICIENT"),
    ("stock", |b| b.say("W1", B::Moved(b.moved("stock 1", "T1", "T2"))), "INSUFFICIENT"),
    ("stock", |b| b.say("P1", B::Moved(b.moved("stock 1", "T1", "T1"))), "NO_CHANGE"),
    ("stock", |b| b.say("P1", B::Moved(b.moved("stock 1", "T1", "T9"))), "UNKNOWN_PLACE"),
    ("stock", |b| b.say("P1", B::Moved(b.moved("ghost 1", "T1", "T2"))), "UNKNOWN_LOT"),
    ("stock", |b| b.say("P1", B::Moved(b.moved("stock", "T1", "T2"))), "FIELD_MISSING"),
    ("stock", |b| b.say("P1", B::Moved(b.moved("stock -1mg", "T1", "T2"))), "MASS_NOT_POSITIVE"),
    ("stock", |b| b.say("P1", B::Moved(b.moved("stock #1", "T1", "T2"))), "SERIALS_NOT_HERE"),
    ("stock drums", |b| b.say("P1", B::Moved(b.moved("stock #1", "T2", "T1"))), "SERIALS_NOT_HERE"),
    ("stock drums", |b| b.say("P1", B::Moved(b.moved("stock #9-11", "T1", "T2"))), "SERIALS_NOT_HERE"),
    ("stock offer", |b| b.say("P1", B::Moved(b.moved("stock 900", "T1", "T2"))), "ok"),
    ("stock offer", |b| b.say("P1", B::Moved(b.moved("stock 901", "T1", "T2"))), "RESERVED"),
    ("stock drums drum-offer", |b| b.say("P1", B::Moved(b.moved("stock #4-5", "T1", "T2"))), "RESERVED"),
    ("stock offer withdrawn", |b| b.say("P1", B::Moved(b.moved("stock 1000", "T1", "T2"))), "ok"),
    // Serials: out of order, overlapping, from 0, to the last number there is.
    ("stock drums", |b| b.say("P1", B::Moved(b.moved("stock #1-3,3-5", "T1", "T2"))), "SERIALS_OVERLAP"),
    ("stock drums", |b| b.say("P1", B::Moved(b.moved("stock #1-5,2", "T1", "T2"))), "SERIALS_OVERLAP"),
    ("stock drums", |b| b.say("P1", B::Moved(b.moved("stock #4,1", "T1", "T2"))), "SERIALS_INVALID"),
    ("stock drums", |b| b.say("P1", B::Moved(b.moved("stock #3-1", "T1", "T2"))), "SERIALS_INVALID"),
    ("stock drums", |b| b.say("P1", B::Moved(b.moved("stock #0-3", "T1", "T2"))), "SERIALS_INVALID"),
    ("stock drums", |b| b.say("P1", B::Moved(b.moved("stock #1-18446744073709551615", "T1", "T2"))), "SERIALS_INVALID"),
    // Packing.
    ("stock", |b| b.say("P1", B::Packed(b.packed("stock", "T1", "1-20", "50"))), "ok"),
    ("stock", |b| b.say("P1", B::Packed(b.packed("stock", "T1", "1-21", "50"))), "INSUFFICIENT"),
    ("stock", |b| b.say("P1", B::Packed(b.packed("ghost", "T1", "1", "50"))), "UNKNOWN_LOT"),
    ("stock", |b| b.say("P1", B::Packed(b.packed("stock", "T9", "1", "50"))), "UNKNOWN_PLACE"),
    ("stock", |b| b.say("P1", B::Packed(b.packed("stock", "T1", "1", "0mg"))), "MASS_NOT_POSITIVE"),
    ("stock", |b| b.say("P1", B::Packed(b.packed("stock", "T1", "1-3", "9223372036854775807mg"))), "MASS_OVERFLOW"),
    ("stock", |b| b.say("P1", B::Packed(b.packed("stock", "T1", "1-1000001", "1mg"))), "SERIALS_INVALID"),
    ("stock", |b| b.say("P1", B::Packed(Packed { serials: None, ..b.packed("stock", "T1", "1", "1") })), "FIELD_MISSING"),
    ("stock", |b| b.say("P1", B::Packed(Packed { packaging: String::new(), ..b.packed("stock", "T1", "1", "1") })), "FIELD_MISSING"),
    ("stock drums", |b| b.say("P1", B::Packed(b.packed("stock", "T1", "10-11", "1"))), "SERIALS_EXIST"),
    ("stock drums", |b| { b.say("P1", B::Used(b.used("stock #1", "T1"))).unwrap(); b.say("P1", B::Packed(b.packed("stock", "T1", "1", "1"))) }, "SERIALS_EXIST"),
    ("stock offer", |b| b.say("P1", B::Packed(b.packed("stock", "T1", "1-19", "50"))), "RESERVED"),
    ("stock", |b| { b.say("P1+W1", B::Traded(b.traded('W', &["stock 600"]))).unwrap(); b.say("P1", B::Packed(b.packed("stock", "T1", "1-10", "50"))) }, "ok"),
    ("stock", |b| { b.say("P1+W1", B::Traded(b.traded('W', &["stock 500"]))).unwrap(); b.say("P1", B::Packed(b.packed("stock", "T1", "1-12", "50"))) }, "TITLE_INSUFFICIENT"),
    // Assays: by the holder of all that is loose.
    ("stock", |b| b.say("P1", B::Assayed(b.assayed("stock", 970_000))), "ok"),
    ("stock", |b| b.say("P1", B::Assayed(b.assayed("stock", 990_000))), "ok"),
    ("stock", |b| b.say("W1", B::Assayed(b.assayed("stock", 970_000))), "NOT_SOLE_HOLDER"),
    ("stock offer taken", |b| b.say("P1", B::Assayed(b.assayed("stock", 970_000))), "NOT_SOLE_HOLDER"),
    ("stock offer", |b| b.say("P1", B::Assayed(b.assayed("stock", 970_000))), "RESERVED"),
    ("stock", |b| b.say("P1", B::Assayed(b.assayed("ghost", 970_000))), "UNKNOWN_LOT"),
    ("stock", |b| b.say("P1", B::Assayed(b.assayed("stock", 0))), "CONTENT_INVALID"),
    ("stock", |b| b.say("P1", B::Assayed(Assayed { certificate_hash: zeros(31), ..b.assayed("stock", 1) })), "FIELD_INVALID"),
    ("stock", |b| b.say("P1", B::Assayed(Assayed { lot: zeros(15), ..b.assayed("stock", 1) })), "FIELD_INVALID"),
    // Counts are facts: whatever they find is recorded.
    ("stock", |b| count(b, "1000", "", ""), "ok"),
    ("stock", |b| count(b, "999", "", ""), "ok"),
    ("stock", |b| count(b, "998", "", ""), "ok COUNT_SHORT"),
    ("stock", |b| count(b, "1001", "", ""), "ok"),
    ("stock", |b| count(b, "1002", "", ""), "ok COUNT_OVER"),
    ("stock", |b| count(b, "0mg", "", ""), "ok COUNT_SHORT"),
    ("stock", |b| count(b, "-1mg", "", ""), "MASS_NOT_POSITIVE"),
    ("stock drums", |b| count(b, "500", "1-4", "5-10"), "ok"),
    ("stock drums", |b| count(b, "500", "1-4", "5-9"), "ok COUNT_SHORT"),
    ("stock drums", |b| count(b, "500", "1-11", ""), "ok SERIAL_ELSEWHERE"),
    ("stock drums", |b| count(b, "500", "1-5", "5-10"), "SERIALS_OVERLAP"),
    ("stock drums", |b| b.say("P1", B::Counted(b.counted("stock", "T2", "0mg", "1", ""))), "ok SERIAL_ELSEWHERE"),
    ("stock", |b| b.say("P1", B::Counted(b.counted("stock", "T9", "0mg", "", ""))), "ok PLACE_UNKNOWN"),
    ("stock", |b| b.say("W1", B::Counted(b.counted("stock", "T1", "1", "", ""))), "ok COUNT_OVER"),
    ("stock", |b| b.say("P1", B::Counted(b.counted("ghost", "T1", "0mg", "", ""))), "UNKNOWN_LOT"),
    ("stock", |b| b.say("P1", B::Counted(Counted { place: String::new(), ..b.counted("stock", "T1", "0mg", "", "") })), "FIELD_MISSING"),
    ("stock offer", |b| count(b, "50", "", ""), "ok RESERVED_GOODS_TAKEN COUNT_SHORT"),
    ("stock drums drum-offer", |b| count(b, "500", "2-10", ""), "ok RESERVED_GOODS_TAKEN COUNT_SHORT"),
    ("stock P-closed", |b| count(b, "1000", "", ""), "ok PARTY_CLOSED"),
    // The lower number is given: 77 of 77 and 120, 73 of 73 and 120, 101 of
    // 101 and 132, 132 of 132 and 133, 133 of 133 and 134, 73 of 73 and 135, 77 of 77 and 101.
    ("stock", |b| b.say("P1", B::Moved(b.moved("ghost #3-1", "T1", "T2"))), "SERIALS_INVALID"),
    ("stock", |b| b.say("P1", B::Moved(b.moved("ghost 0mg", "T1", "T2"))), "MASS_NOT_POSITIVE"),
    ("stock", |b| b.say("P1", B::Moved(b.moved("stock #3-1", "T1", "T9"))), "SERIALS_INVALID"),
    ("stock", |b| b.say("P1", B::Moved(b.moved("stock 1001", "T1", "T9"))), "UNKNOWN_PLACE"),
    ("stock offer", |b| b.say("P1", B::Moved(b.moved("stock 1001", "T1", "T2"))), "INSUFFICIENT"),
    ("stock", |b| b.say("P1", B::Moved(b.moved("stock 1001", "T1", "T1"))), "INSUFFICIENT"),
    ("stock drums offer", |b| b.say("P1", B::Moved(b.moved("stock 500 #11", "T1", "T2"))), "RESERVED"),
    ("stock drums", |b| b.say("P1", B::Packed(b.packed("stock", "T9", "3-1", "1"))), "SERIALS_INVALID"),
    ("stock drums", |b| b.say("P1", B::Packed(b.packed("ghost", "T1", "1", "0mg"))), "MASS_NOT_POSITIVE"),
    ("stock", |b| b.say("P1", B::Assayed(b.assayed("ghost", 0))), "CONTENT_INVALID"),
    ("stock", |b| b.say("P1", B::Counted(b.counted("ghost", "T1", "-1mg", "", ""))), "MASS_NOT_POSITIVE"),
    ("stock offer", |b| b.say("W1", B::Assayed(b.assayed("stock", 970_000))), "RESERVED"),
];

/// P says what has happened to goods at T1.
fn happened(b: &mut Bench, kind: IncidentKind, goods: &str) -> Answer {
    b.say("P1", B::Incident(b.incident(kind, goods, "T1")))
}

#[rustfmt::skip]
pub const CONSUME: &[Case] = &[
    ("stock", |b| b.say("P1", B::Used(b.used("stock 1000", "T1"))), "ok"),
    ("stock drums", |b| b.say("P1", B::Used(b.used("stock 500 #1-10", "T1"))), "ok"),
    ("stock", |b| b.say("P1", B::Used(b.used("stock 1001", "T1"))), "INSUFFICIENT"),
    ("stock", |b| b.say("W1", B::Used(b.used("stock 1", "T1"))), "INSUFFICIENT"),
    ("stock drums", |b| b.say("P1", B::Used(b.used("stock #11", "T1"))), "SERIALS_NOT_HERE"),
    ("stock", |b| b.say("P1", B::Used(b.used("ghost 1", "T1"))), "UNKNOWN_LOT"),
    ("stock", |b| b.say("P1", B::Used(Used { goods: None, ..b.used("stock 1", "T1") })), "FIELD_MISSING"),
    ("stock", |b| b.say("P1", B::Used(Used { purpose: String::new(), ..b.used("stock 1", "T1") })), "FIELD_MISSING"),
    ("stock", |b| b.say("P1", B::Used(Used { purpose: "ask 13812345678".into(), ..b.used("stock 1", "T1") })), "PERSONAL_DATA"),
    ("stock", |b| b.say("P1", B::Used(Used { purpose: "x".repeat(513), ..b.used("stock 1", "T1") })), "FIELD_INVALID"),
    ("stock", |b| b.say("P1", B::Used(b.used("stock 1", "T 1"))), "FIELD_INVALID"),
    // Facts are recorded: reserved goods, unknown places, closed parties.
    ("stock offer", |b| b.say("P1", B::Used(b.used("stock 950", "T1"))), "ok RESERVED_GOODS_TAKEN"),
    ("stock drums drum-offer", |b| b.say("P1", B::Used(b.used("stock #3-5", "T1"))), "ok RESERVED_GOODS_TAKEN"),
    ("stock P-closed", |b| b.say("P1", B::Used(b.used("stock 1", "T1"))), "ok PARTY_CLOSED"),
    ("stock offer", |b| { taken_at_t9(b); b.say("W1", B::Used(b.used("stock 1", "T9"))) }, "ok PLACE_UNKNOWN"),
    ("stock offer", |b| { taken_at_t9(b); b.say("W1", B::Disposed(b.disposed("stock 1", "T9"))) }, "ok PLACE_UNKNOWN"),
    ("stock offer", |b| { taken_at_t9(b); b.say("W1", B::Incident(b.incident(IncidentKind::Missing, "stock 1", "T9"))) }, "ok PLACE_UNKNOWN MISSING"),
    // Disposal and export.
    ("stock", |b| b.say("P1", B::Disposed(b.disposed("stock 1", "T1"))), "ok"),
    ("stock", |b| b.say("P1", B::Disposed(Disposed { certificate_hash: Bytes::new(), ..b.disposed("stock 1", "T1") })), "ok PAPERS_MISSING"),
    ("stock", |b| b.say("P1", B::Disposed(Disposed { certificate_hash: zeros(31), ..b.disposed("stock 1", "T1") })), "FIELD_INVALID"),
    ("stock", |b| b.say("P1", B::Disposed(Disposed { method: String::new(), ..b.disposed("stock 1", "T1") })), "FIELD_MISSING"),
    ("stock offer", |b| b.say("P1", B::Disposed(b.disposed("stock 901", "T1"))), "RESERVED"),
    ("stock", |b| b.say("P1", B::Exported(b.exported("stock 1", "T1"))), "ok"),
    ("stock", |b| b.say("P1", B::Exported(Exported { country: "MNG".into(), ..b.exported("stock 1", "T1") })), "FIELD_INVALID"),
    ("stock offer", |b| b.say("P1", B::Exported(b.exported("stock 901", "T1"))), "RESERVED"),
    // Incidents, and what comes back.
    ("stock", |b| happened(b, IncidentKind::Missing, "stock 5"), "ok MISSING"),
    ("stock", |b| happened(b, IncidentKind::Released, "stock 5"), "ok RELEASED"),
    ("stock", |b| happened(b, IncidentKind::Unspecified, "stock 5"), "FIELD_MISSING"),
    ("stock", |b| happened(b, IncidentKind::Missing, "stock 1001"), "INSUFFICIENT"),
    ("stock offer", |b| happened(b, IncidentKind::Released, "stock 950"), "ok RESERVED_GOODS_TAKEN RELEASED"),
    ("stock", |b| b.say("P1", B::Incident(Incident { at: None, ..b.incident(IncidentKind::Missing, "stock 1", "T1") })), "FIELD_MISSING"),
    ("stock", |b| b.say("P1", B::Incident(Incident { at: Some(At::Consignment(b.id("truck"))), ..b.incident(IncidentKind::Missing, "stock 1", "T1") })), "UNKNOWN_CONSIGNMENT"),
    ("stock drums theft", |b| b.say("P1", B::Recovered(b.recovered("stock 5 #1", "T2"))), "ok"),
    ("stock drums theft", |b| b.say("W1", B::Recovered(b.recovered("stock 5 #1", "T1"))), "ok"),
    ("stock drums theft", |b| b.say("P1", B::Recovered(b.recovered("stock 5", "T9"))), "ok PLACE_UNKNOWN"),
    ("stock drums theft", |b| b.say("P1", B::Recovered(b.recovered("stock 6", "T1"))), "INSUFFICIENT"),
    ("stock drums theft", |b| b.say("P1", B::Recovered(b.recovered("stock #2", "T1"))), "SERIALS_NOT_HERE"),
    // The lower number is given: 70 of 70 and 120, 71 of 71 and 120.
    ("stock", |b| b.say("P1", B::Used(Used { purpose: String::new(), ..b.used("ghost 1", "T1") })), "FIELD_MISSING"),
    ("stock", |b| b.say("P1", B::Used(b.used("ghost 1", "T 1"))), "FIELD_INVALID"),
];

/// W took the offer where no place is registered: found, and recorded.
fn taken_at_t9(b: &mut Bench) {
    b.say(
        "W1",
        B::Accepted(b.accepted("offer", "T9", &["0 take 100"])),
    )
    .unwrap();
    b.now += 1_000;
}

/// 30 kg of the stock (29.4 kg pure) and 68 kg of water into 98 kg of 30 %.
fn dissolve(b: &mut Bench, change: impl FnOnce(&mut Transformed)) -> Answer {
    let mut e = b.transformed("stock 30", "68", "98");
    change(&mut e);
    b.say("P1", B::Transformed(e))
}

#[rustfmt::skip]
pub const TRANSFORM: &[Case] = &[
    ("stock", |b| dissolve(b, |_| ()), "ok"),
    ("stock", |b| dissolve(b, |e| e.outputs[0].quantity = kg("97")), "ok SHORTFALL"),
    ("stock", |b| dissolve(b, |e| e.outputs[0].content_ppm = 290_000), "ok SHORTFALL"),
    ("stock", |b| dissolve(b, |e| { e.outputs[0].content_ppm = 290_000; e.consumed.push(consumed("0.98")); }), "ok"),
    ("stock", |b| dissolve(b, |e| { e.outputs[0].quantity = kg("97"); e.losses.push(loss("1", "0.3")); }), "ok"),
    ("stock", |b| dissolve(b, |e| { e.outputs.clear(); e.unregulated.push(unregulated("98")); e.consumed.push(consumed("29.4")); }), "ok"),
    ("stock", |b| dissolve(b, |e| e.outputs[0].quantity = kg("98.000001")), "NOT_CONSERVED"),
    ("stock", |b| dissolve(b, |e| e.outputs[0].content_ppm = 300_001), "NOT_CONSERVED"),
    ("stock", |b| dissolve(b, |e| e.outputs[0].form = "AN-1942".into()), "NOT_CONSERVED"),
    ("stock", |b| dissolve(b, |e| e.consumed.push(consumed("0.000001"))), "NOT_CONSERVED"),
    ("stock", |b| dissolve(b, |e| e.losses.push(loss("0.000001", "0mg"))), "NOT_CONSERVED"),
    ("stock", |b| dissolve(b, |e| { e.outputs.clear(); e.losses.push(loss("40", "0mg")); }), "NOT_CONSERVED"),
    ("stock", |b| dissolve(b, |e| e.consumed.push(Consumed { contained_mg: -1, ..consumed("1") })), "MASS_NOT_POSITIVE"),
    ("stock", |b| dissolve(b, |e| e.losses.push(ProcessLoss { gross_mg: -1, ..loss("1", "1") })), "MASS_NOT_POSITIVE"),
    ("stock", |b| dissolve(b, |e| e.losses.push(loss("0mg", "0mg"))), "MASS_NOT_POSITIVE"),
    ("stock", |b| dissolve(b, |e| e.losses.push(ProcessLoss { substance: String::new(), ..loss("1", "1") })), "FIELD_MISSING"),
    ("stock", |b| dissolve(b, |e| e.inert[0].quantity = kg("9223372036854775807mg")), "MASS_OVERFLOW"),
    ("stock", |b| dissolve(b, |e| e.inert[0].name.clear()), "FIELD_MISSING"),
    ("stock", |b| dissolve(b, |e| e.inputs.clear()), "FIELD_INVALID"),
    ("stock", |b| dissolve(b, |e| e.inputs.push(e.inputs[0].clone())), "FIELD_INVALID"),
    ("stock", |b| dissolve(b, |e| e.inputs[0].place = "T2".into()), "INSUFFICIENT"),
    ("stock", |b| dissolve(b, |e| e.outputs[0].place = "T9".into()), "UNKNOWN_PLACE"),
    ("stock", |b| dissolve(b, |e| e.outputs[0].label_hash = Bytes::new()), "ok PAPERS_MISSING"),
    ("stock", |b| dissolve(b, |e| e.outputs[0].form.clear()), "UNKNOWN_FORM"),
    ("stock other", |b| { let goods = b.goods("other 10"); dissolve(b, |e| e.inputs.push(TransformInput { goods, place: "T1".into() })) }, "ok SHORTFALL*2"),
    ("stock P-closed", |b| dissolve(b, |_| ()), "PARTY_NOT_ACTIVE"),
    ("stock", |b| b.say("P1", B::Wasted(b.wasted("stock 5"))), "ok"),
    ("stock drums", |b| b.say("P1", B::Wasted(b.wasted("stock #1"))), "ok"),
    ("stock", |b| b.say("P1", B::Wasted(Wasted { waste_code: "900-28-33".into(), ..b.wasted("stock 5") })), "FIELD_INVALID"),
    ("stock", |b| b.say("P1", B::Wasted(Wasted { place: "T9".into(), ..b.wasted("stock 5") })), "UNKNOWN_PLACE"),
    ("stock offer", |b| b.say("P1", B::Wasted(b.wasted("stock 901"))), "RESERVED"),
    // The lower number is given: 79 of 79 and 132, 101 of 101 and 138.
    ("stock", |b| dissolve(b, |e| { e.inputs[0].place = "T2".into(); e.outputs[0].form.clear(); }), "UNKNOWN_FORM"),
    ("stock", |b| dissolve(b, |e| { e.outputs[0].place = "T9".into(); e.outputs[0].quantity = kg("99"); }), "UNKNOWN_PLACE"),
];

/// P's stock was another mass.
fn was(b: &Bench, mass: &str) -> Corrected {
    b.corrected("stock", B::Produced(b.produced("stock", mass, "T1")))
}

#[rustfmt::skip]
pub const CORRECT: &[Case] = &[
    ("stock", |b| b.say("P1", restating(was(b, "990"))), "ok"),
    ("stock", |b| b.say("P1", restating(was(b, "1010"))), "ok"),
    ("stock", |b| b.say("A1", restating(was(b, "990"))), "ok"),
    ("stock", |b| b.say("P1", restating(was(b, "1000"))), "NO_CHANGE"),
    ("stock", |b| b.say("P1", restating(was(b, "0mg"))), "MASS_NOT_POSITIVE"),
    ("stock", |b| b.say("W1", restating(was(b, "990"))), "CANNOT_CORRECT"),
    ("stock", |b| b.say("P1", restating(Corrected { original: None, ..was(b, "990") })), "FIELD_MISSING"),
    ("stock", |b| b.say("P1", restating(Corrected { restated: None, ..was(b, "990") })), "FIELD_MISSING"),
    ("stock", |b| b.say("P1", restating(Corrected { reason: String::new(), ..was(b, "990") })), "FIELD_MISSING"),
    ("stock", |b| b.say("P1", restating(Corrected { original: Some(b.event("ghost")), ..was(b, "990") })), "UNKNOWN_EVENT"),
    ("stock", |b| { let mut e = was(b, "990"); e.original.as_mut().unwrap().event_digest = hash("else"); b.say("P1", restating(e)) }, "EVENT_DIGEST_DIFFERS"),
    ("stock", |b| b.say("P1", restating(b.corrected("stock", B::Used(b.used("stock 1", "T1"))))), "CANNOT_CORRECT"),
    ("stock", |b| b.say("P1", restating(b.corrected("stock", B::Produced(b.produced("renamed", "990", "T1"))))), "CANNOT_CORRECT"),
    ("stock", |b| b.say("P1", restating(b.corrected("stock", B::Produced(b.produced("stock", "1000", "T2"))))), "ok"),
    ("stock", |b| b.say("P1", restating(b.corrected("stock", B::Produced(b.produced("stock", "990", "T9"))))), "UNKNOWN_PLACE"),
    ("stock used", |b| b.say("P1", restating(b.corrected("used", B::Used(b.used("stock 6", "T1"))))), "ok"),
    ("stock used", |b| b.say("P1", restating(b.corrected("used", B::Used(b.used("stock 4", "T1"))))), "ok"),
    ("stock offer", |b| b.say("P1", restating(b.corrected("offer", B::Offered(b.offered('W', "T1", &["stock 90"]))))), "CANNOT_CORRECT"),
    // A correction can be corrected.
    ("stock", |b| twice(b, "980"), "ok"),
    ("stock", |b| twice(b, "1000"), "ok"),
    ("stock", |b| twice(b, "990"), "NO_CHANGE"),
    // Custody has moved on: the other side or an authority signs as well.
    ("stock offer taken", |b| b.say("P1", restating(was(b, "990"))), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock offer taken", |b| b.say("P1+W1", restating(was(b, "990"))), "ok"),
    ("stock offer taken", |b| b.say("P1+A1", restating(was(b, "990"))), "ok"),
    ("stock offer taken", |b| b.say("P1+W1", restating(was(b, "50"))), "ok CORRECTION_NOT_COVERED"),
    ("stock offer", |b| b.say("P1", restating(was(b, "50"))), "ok CORRECTION_NOT_COVERED"),
    // The lower number is given: 70 of 70 and 142, 57 of 57 and 143, 57 of 57 and 144.
    ("stock", |b| b.say("P1", restating(Corrected { restated: None, original: Some(b.event("ghost")), ..was(b, "990") })), "FIELD_MISSING"),
    ("stock offer taken", |b| b.say("P1", restating(was(b, "1000"))), "COUNTERPART_SIGNATURE_REQUIRED"),
];

/// The stock was 990 kg; or, once more, something else.
fn twice(b: &mut Bench, mass: &str) -> Answer {
    b.name("correction", "P1", restating(was(b, "990")))
        .unwrap();
    b.now += 1_000;
    b.say(
        "P1",
        restating(b.corrected("correction", B::Produced(b.produced("stock", mass, "T1")))),
    )
}

//! Tables of packages' life: parts taken out of them, what is left when they
//! are empty, and what becomes of that.

use hazledger::pb::event::Body as B;
use hazledger::pb::{
    Aggregated, Counted, Disposed, IncidentKind, NewLot, PackagingTreated, PackagingTreatment as T,
    Repacked, Sampled, TransformInput, Transformed,
};

use super::bench::{Answer, Bench};
use super::table::Case;
use super::verbs::{consumed, unregulated, zeros};

/// P uses goods at T1.
fn used(b: &mut Bench, goods: &str) -> Answer {
    b.say("P1", B::Used(b.used(goods, "T1")))
}

/// P disposes of what is in packages, and keeps them.
fn emptied(b: &mut Bench, goods: &str) -> Answer {
    let disposed = Disposed {
        emptied: true,
        ..b.disposed(goods, "T1")
    };
    b.say("P1", B::Disposed(disposed))
}

/// P dissolves goods at T1 that weigh 25 kg and hold 24.5.
fn dissolved(b: &mut Bench, goods: &str) -> Answer {
    let transformed = Transformed {
        inputs: vec![TransformInput {
            goods: b.goods(goods),
            place: "T1".into(),
        }],
        outputs: Vec::<NewLot>::new(),
        unregulated: vec![unregulated("25")],
        consumed: vec![consumed("24.5")],
        ..Transformed::default()
    };
    b.say("P1", B::Transformed(transformed))
}

/// P treats packages of the stock at T1.
fn treated(b: &mut Bench, range: &str, treatment: T) -> Answer {
    b.say(
        "P1",
        B::PackagingTreated(b.treated("stock", "T1", range, treatment)),
    )
}

fn treated_as(b: &mut Bench, change: impl FnOnce(&mut PackagingTreated)) -> Answer {
    let mut e = b.treated("stock", "T1", "1", T::Cleaned);
    change(&mut e);
    b.say("P1", B::PackagingTreated(e))
}

#[rustfmt::skip]
pub const PARTS: &[Case] = &[
    ("stock drums", |b| used(b, "stock ~2:30"), "ok"),
    ("stock drums", |b| used(b, "stock ~2:50"), "ok"),
    ("stock drums", |b| used(b, "stock 5 #1,3 ~2:0.000001 ~4:50"), "ok"),
    ("stock drums", |b| used(b, "stock ~2:50.000001"), "INSUFFICIENT"),
    ("stock drums opened-2", |b| used(b, "stock ~2:20"), "ok"),
    ("stock drums opened-2", |b| used(b, "stock ~2:20.000001"), "INSUFFICIENT"),
    ("stock drums opened-2", |b| used(b, "stock #2"), "ok"),
    ("stock drums opened-2", |b| used(b, "stock #1-10"), "ok"),
    ("stock drums", |b| used(b, "stock ~11:1"), "SERIALS_NOT_HERE"),
    ("stock drums", |b| b.say("P1", B::Used(b.used("stock ~2:1", "T2"))), "SERIALS_NOT_HERE"),
    ("stock drums emptied-1-3-4", |b| used(b, "stock ~1:1"), "PACKAGE_EMPTY"),
    ("stock drums emptied-1-3-4", |b| used(b, "stock #1-2"), "PACKAGE_EMPTY"),
    ("stock drums", |b| used(b, "stock #1-3 ~2:1"), "SERIALS_OVERLAP"),
    ("stock drums", |b| used(b, "stock ~2:1 ~2:1"), "SERIALS_OVERLAP"),
    ("stock drums", |b| used(b, "stock ~3:1 ~2:1"), "SERIALS_INVALID"),
    ("stock drums", |b| used(b, "stock ~0:1"), "SERIALS_INVALID"),
    ("stock drums", |b| used(b, "stock ~2:0mg"), "MASS_NOT_POSITIVE"),
    ("stock drums", |b| used(b, &(1..=257).fold("stock".to_owned(), |s, n| format!("{s} ~{n}:1mg"))), "FIELD_INVALID"),
    // An offer of the package whole loses it to use, and refuses it elsewhere.
    ("stock drums drum-offer", |b| used(b, "stock ~2:30"), "ok RESERVED_GOODS_TAKEN"),
    ("stock drums drum-offer", |b| b.say("P1", B::Disposed(b.disposed("stock ~2:30", "T1"))), "RESERVED"),
    // Poured: disposed of, dissolved, wasted, spilt, stolen.
    ("stock drums", |b| b.say("P1", B::Disposed(b.disposed("stock ~2:30", "T1"))), "ok"),
    ("stock drums", |b| emptied(b, "stock #1 ~2:30"), "ok"),
    ("stock drums", |b| dissolved(b, "stock ~2:25"), "ok"),
    ("stock drums", |b| dissolved(b, "stock ~2:20 ~3:5"), "ok"),
    ("stock drums", |b| dissolved(b, "stock ~2:24"), "NOT_CONSERVED"),
    ("stock drums", |b| b.say("P1", B::Wasted(b.wasted("stock ~2:30"))), "ok"),
    ("stock drums", |b| b.say("P1", B::Incident(b.incident(IncidentKind::Released, "stock ~2:30", "T1"))), "ok RELEASED"),
    ("stock drums", |b| b.say("P1", B::Incident(b.incident(IncidentKind::Missing, "stock ~2:50", "T1"))), "ok MISSING"),
    // An open package goes where a package goes; a part does not.
    ("stock drums opened-2", |b| b.say("P1", B::Moved(b.moved("stock #1-3", "T1", "T2"))), "ok"),
    ("stock drums opened-2", |b| b.say("P1", B::Exported(b.exported("stock #2", "T1"))), "ok"),
    ("stock drums", |b| b.say("P1", B::Moved(b.moved("stock ~2:1", "T1", "T2"))), "PARTS_NOT_ALLOWED"),
    ("stock drums", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock #1 ~2:1"]))), "PARTS_NOT_ALLOWED"),
    ("stock drums", |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock ~2:1"]))), "PARTS_NOT_ALLOWED"),
    ("stock drums", |b| b.say("P1", B::Exported(b.exported("stock ~2:1", "T1"))), "PARTS_NOT_ALLOWED"),
    ("stock drums theft", |b| b.say("P1", B::Recovered(b.recovered("stock ~1:1", "T1"))), "PARTS_NOT_ALLOWED"),
    // The lower number is given: 132 of 132 and 150, 134 of 134 and 151.
    ("stock drums", |b| b.say("P1", B::Moved(b.moved("stock 501 ~2:1", "T1", "T2"))), "INSUFFICIENT"),
    ("stock drums emptied-1-3-4", |b| used(b, "stock #1 ~11:1"), "SERIALS_NOT_HERE"),
];

#[rustfmt::skip]
pub const EMPTIES: &[Case] = &[
    // They go where packages go.
    ("stock drums emptied-1-3-4", |b| b.say("P1", B::Moved(b.moved("stock #1-4", "T1", "T2"))), "ok"),
    ("stock drums emptied-1-3-4", |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock #1"]))), "ok"),
    ("stock drums emptied-1-3-4", |b| b.say("P1", B::Packed(b.packed("stock", "T1", "1", "1"))), "SERIALS_EXIST"),
    ("stock drums emptied-1-3-4", |b| b.say("P1", B::Disposed(b.disposed("stock #1", "T1"))), "ok"),
    ("stock drums emptied-1-3-4", |b| emptied(b, "stock #1"), "PACKAGE_EMPTY"),
    ("stock drums emptied-1-3-4", |b| dissolved(b, "stock #1"), "PACKAGE_EMPTY"),
    ("stock drums emptied-1-3-4", |b| b.say("P1", B::Wasted(b.wasted("stock #1"))), "PACKAGE_EMPTY"),
    ("stock drums emptied-1-3-4", |b| b.say("P1", B::Incident(b.incident(IncidentKind::Missing, "stock #1", "T1"))), "ok MISSING"),
    ("stock drums emptied-1-3-4", |b| b.say("P1", B::Counted(b.counted("stock", "T1", "500", "1-10", ""))), "ok"),
    ("stock drums emptied-1-3-4", |b| b.say("P1", B::Counted(b.counted("stock", "T1", "500", "2-10", ""))), "ok COUNT_SHORT"),
    ("stock drums opened-2 emptied-1-3-4 empties-offer", |b| b.say("W1", B::Accepted(b.accepted("empties-offer", "T1", &["0 take #1-3"]))), "ok"),
    ("stock drums opened-2 emptied-1-3-4 empties-offer", |b| b.say("W1", B::Accepted(b.accepted("empties-offer", "T1", &["0 take #2-3"]))), "ok PACKAGES_UNACCOUNTED"),
    ("stock drums emptied-1-3-4 empties-offer", |b| b.say("P1", B::Moved(b.moved("stock #1", "T1", "T2"))), "RESERVED"),
    // Cleaned, destroyed, returned.
    ("stock drums emptied-1-3-4", |b| treated(b, "1,3-4", T::Cleaned), "ok"),
    ("stock drums emptied-1-3-4", |b| treated(b, "1,3-4", T::Destroyed), "ok"),
    ("stock drums emptied-1-3-4", |b| treated(b, "1", T::Returned), "PACKAGE_NOT_CLEANED"),
    ("stock drums emptied-1-3-4 cleaned-4", |b| treated(b, "4", T::Returned), "ok"),
    ("stock drums emptied-1-3-4 cleaned-4", |b| treated(b, "1,3-4", T::Destroyed), "ok"),
    ("stock drums emptied-1-3-4 cleaned-4", |b| treated(b, "4", T::Cleaned), "NO_CHANGE"),
    ("stock drums emptied-1-3-4", |b| treated(b, "1-3", T::Destroyed), "PACKAGE_NOT_EMPTY"),
    ("stock drums opened-2", |b| treated(b, "2", T::Destroyed), "PACKAGE_NOT_EMPTY"),
    ("stock drums opened-2", |b| { used(b, "stock ~2:20").unwrap(); treated(b, "2", T::Destroyed) }, "ok"),
    ("stock drums emptied-1-3-4 empties-offer", |b| treated(b, "1", T::Cleaned), "RESERVED"),
    ("stock drums emptied-1-3-4", |b| { treated(b, "1", T::Destroyed).unwrap(); treated(b, "1", T::Destroyed) }, "SERIALS_NOT_HERE"),
    ("stock drums emptied-1-3-4", |b| b.say("W1", B::PackagingTreated(b.treated("stock", "T1", "1", T::Cleaned))), "SERIALS_NOT_HERE"),
    ("stock drums emptied-1-3-4", |b| treated(b, "1", T::Unspecified), "FIELD_MISSING"),
    ("stock drums emptied-1-3-4", |b| treated(b, "", T::Cleaned), "FIELD_MISSING"),
    ("stock drums emptied-1-3-4", |b| treated(b, "3,1", T::Cleaned), "SERIALS_INVALID"),
    ("stock drums emptied-1-3-4", |b| treated_as(b, |e| e.method.clear()), "FIELD_MISSING"),
    ("stock drums emptied-1-3-4", |b| treated_as(b, |e| e.certificate_hash = zeros(31)), "FIELD_INVALID"),
    ("stock drums emptied-1-3-4", |b| treated_as(b, |e| e.certificate_hash = zeros(0)), "ok PAPERS_MISSING"),
    ("stock drums emptied-1-3-4", |b| treated_as(b, |e| e.lot = zeros(16)), "UNKNOWN_LOT"),
    ("stock drums", |b| { used(b, "stock #1").unwrap(); b.say("P1", B::Moved(b.moved("stock #1", "T1", "T2"))).unwrap(); b.say("P1", B::PackagingTreated(b.treated("stock", "T9", "1", T::Cleaned))) }, "SERIALS_NOT_HERE"),
    // Nothing else is left of the lot: it stays, for its empties.
    ("stock drums", |b| { used(b, "stock 500 #1-10").unwrap(); treated(b, "1-10", T::Cleaned).unwrap(); treated(b, "1-10", T::Returned) }, "ok"),
];

/// P repacks goods of the stock at T1.
fn repacked(b: &mut Bench, goods: &str, range: &str, each: &str, loss: &str) -> Answer {
    b.say("P1", B::Repacked(b.repacked(goods, range, each, loss)))
}

fn repacked_as(b: &mut Bench, change: impl FnOnce(&mut Repacked)) -> Answer {
    let mut e = b.repacked("stock #1-2", "11-14", "25", "0mg");
    change(&mut e);
    b.say("P1", B::Repacked(e))
}

#[rustfmt::skip]
pub const REPACK: &[Case] = &[
    ("stock drums", |b| repacked(b, "stock #1-2", "11-14", "25", "0mg"), "ok"),
    ("stock drums", |b| repacked(b, "stock 5 #1 ~2:5", "11-15", "12", "0mg"), "ok"),
    ("stock drums", |b| repacked(b, "stock ~2:50", "11", "50", "0mg"), "ok"),
    ("stock drums", |b| repacked(b, "stock 50", "11", "50", "0mg"), "ok"),
    ("stock drums opened-2", |b| repacked(b, "stock #2", "11", "19.9", "0.1"), "ok"),
    // To the milligram, both ways.
    ("stock drums", |b| repacked(b, "stock #1-2", "11-14", "25.000001", "0mg"), "NOT_CONSERVED"),
    ("stock drums", |b| repacked(b, "stock #1-2", "11-14", "24.999999", "0mg"), "NOT_CONSERVED"),
    ("stock drums", |b| repacked(b, "stock #1-2", "11-14", "24.999999", "4mg"), "ok"),
    ("stock drums", |b| repacked(b, "stock #1-2", "11-14", "24.999999", "5mg"), "NOT_CONSERVED"),
    ("stock drums", |b| repacked(b, "stock #1-2", "11-14", "25", "-1mg"), "MASS_NOT_POSITIVE"),
    ("stock drums", |b| repacked(b, "stock #1-2", "11-14", "0mg", "0mg"), "MASS_NOT_POSITIVE"),
    ("stock drums", |b| repacked(b, "stock #1-2", "11-14", "9223372036854775807mg", "0mg"), "MASS_OVERFLOW"),
    ("stock drums", |b| repacked(b, "stock #1-2", "10-13", "25", "0mg"), "SERIALS_EXIST"),
    ("stock drums", |b| repacked(b, "stock #1-2", "1-4", "25", "0mg"), "SERIALS_EXIST"),
    ("stock drums", |b| { repacked(b, "stock #1-2", "11-14", "25", "0mg").unwrap(); repacked(b, "stock #11-14", "15", "100", "0mg") }, "ok"),
    ("stock drums", |b| { repacked(b, "stock #1-2", "11-14", "25", "0mg").unwrap(); used(b, "stock #1") }, "PACKAGE_EMPTY"),
    ("stock drums emptied-1-3-4", |b| repacked(b, "stock #1-2", "11-14", "25", "0mg"), "PACKAGE_EMPTY"),
    ("stock drums drum-offer", |b| repacked(b, "stock #1-2", "11-14", "25", "0mg"), "RESERVED"),
    ("stock drums", |b| repacked(b, "stock #11", "12", "50", "0mg"), "SERIALS_NOT_HERE"),
    ("stock drums", |b| repacked(b, "stock 501", "12", "501", "0mg"), "INSUFFICIENT"),
    ("stock drums", |b| repacked_as(b, |e| e.place = "T9".into()), "UNKNOWN_PLACE"),
    ("stock drums", |b| repacked_as(b, |e| e.serials = None), "FIELD_MISSING"),
    ("stock drums", |b| repacked_as(b, |e| e.packaging.clear()), "FIELD_MISSING"),
    ("stock drums", |b| repacked_as(b, |e| e.goods = None), "FIELD_MISSING"),
    // The new packages have one owner: who owns what goes in.
    ("stock drums", |b| { b.say("P1+W1", B::Traded(b.traded('W', &["stock #1-2"]))).unwrap(); repacked(b, "stock #1-2", "11-14", "25", "0mg") }, "ok"),
    ("stock drums", |b| { b.say("P1+W1", B::Traded(b.traded('W', &["stock #1"]))).unwrap(); repacked(b, "stock #1-2", "11-14", "25", "0mg") }, "TITLE_INSUFFICIENT"),
    ("stock drums", |b| { b.say("P1+W1", B::Traded(b.traded('W', &["stock #1"]))).unwrap(); repacked(b, "stock 50 #1", "11-14", "25", "0mg") }, "TITLE_INSUFFICIENT"),
    // The lower number is given: 135 of 135 and 138.
    ("stock drums", |b| repacked(b, "stock #1-2", "10", "1000", "0mg"), "SERIALS_EXIST"),
];

/// P takes a sample at T1.
fn sampled(b: &mut Bench, goods: &str) -> Answer {
    b.name("sample", "P1", B::Sampled(b.sampled(goods)))
}

#[rustfmt::skip]
pub const SAMPLE: &[Case] = &[
    ("stock", |b| sampled(b, "stock 0.5"), "ok"),
    ("stock drums", |b| sampled(b, "stock ~2:0.5"), "ok"),
    ("stock drums", |b| sampled(b, "stock #2"), "ok"),
    ("stock", |b| sampled(b, "stock 1001"), "INSUFFICIENT"),
    ("stock", |b| sampled(b, "ghost 1"), "UNKNOWN_LOT"),
    ("stock drums emptied-1-3-4", |b| sampled(b, "stock ~1:1mg"), "PACKAGE_EMPTY"),
    ("stock", |b| b.say("P1", B::Sampled(Sampled { purpose: String::new(), ..b.sampled("stock 1") })), "FIELD_MISSING"),
    ("stock", |b| b.say("P1", B::Sampled(Sampled { label: String::new(), ..b.sampled("stock 1") })), "FIELD_MISSING"),
    ("stock", |b| b.say("P1", B::Sampled(Sampled { place: "T9".into(), ..b.sampled("stock 1") })), "UNKNOWN_PLACE"),
    // It is a lot like any other.
    ("stock", |b| { sampled(b, "stock 0.5").unwrap(); b.say("P1", B::Used(b.used("sample 0.5", "T1"))) }, "ok"),
    ("stock", |b| { sampled(b, "stock 0.5").unwrap(); b.say("P1", B::Used(b.used("sample 0.500001", "T1"))) }, "INSUFFICIENT"),
];

/// P closes an outer packing around drums at T1, or (of none) breaks it up.
fn aggregated(b: &mut Bench, outer: &str, range: &str) -> Answer {
    b.say("P1", B::Aggregated(b.aggregated(outer, range)))
}

fn aggregated_as(b: &mut Bench, change: impl FnOnce(&mut Aggregated)) -> Answer {
    let mut e = b.aggregated("PAL-2", "5-6");
    change(&mut e);
    b.say("P1", B::Aggregated(e))
}

fn moved(b: &mut Bench, goods: &str) -> Answer {
    b.say("P1", B::Moved(b.moved(goods, "T1", "T2")))
}

/// P counts the stock at T1: serials scanned, and an outer packing seen.
fn counted(b: &mut Bench, scanned: &str, outer: &str) -> Answer {
    let counted = Counted {
        outers_seen: vec![outer.into()],
        ..b.counted("stock", "T1", "500", scanned, "")
    };
    b.say("P1", B::Counted(counted))
}

#[rustfmt::skip]
pub const OUTER: &[Case] = &[
    // Named by an SSCC, a container's number, or a label of one's own.
    ("stock drums", |b| aggregated(b, "PAL-1", "1-4"), "ok"),
    ("stock drums", |b| aggregated(b, "376104250021234569", "1-4"), "ok"),
    ("stock drums", |b| aggregated(b, "376104250021234568", "1-4"), "FIELD_INVALID"),
    ("stock drums", |b| aggregated(b, "CSQU3054383", "1-4"), "ok"),
    ("stock drums", |b| aggregated(b, "CSQU3054384", "1-4"), "FIELD_INVALID"),
    ("stock drums", |b| aggregated(b, "PAL 1", "1-4"), "FIELD_INVALID"),
    ("stock drums", |b| aggregated(b, "", "1-4"), "FIELD_MISSING"),
    ("stock drums", |b| aggregated(b, "PAL-1", "11"), "SERIALS_NOT_HERE"),
    ("stock drums", |b| aggregated(b, "PAL-1", "3,1"), "SERIALS_INVALID"),
    ("stock drums pallet", |b| aggregated(b, "PAL-2", "4-6"), "WITHIN_OUTER"),
    ("stock drums pallet", |b| aggregated(b, "PAL-1", "5-6"), "WITHIN_OUTER"),
    ("stock drums drum-offer", |b| aggregated(b, "PAL-1", "1-4"), "RESERVED"),
    ("stock drums emptied-1-3-4", |b| aggregated(b, "PAL-1", "1,3-4"), "ok"),
    ("stock drums", |b| aggregated_as(b, |e| e.place = "T9".into()), "UNKNOWN_PLACE"),
    ("stock drums", |b| aggregated_as(b, |e| e.lot = zeros(16)), "UNKNOWN_LOT"),
    ("stock drums", |b| aggregated_as(b, |e| e.broken = true), "FIELD_INVALID"),
    // Broken up, by its name; then it may be closed again.
    ("stock drums pallet", |b| aggregated(b, "PAL-1", ""), "ok"),
    ("stock drums pallet", |b| { aggregated(b, "PAL-1", "").unwrap(); aggregated(b, "PAL-1", "5-6") }, "ok"),
    ("stock drums", |b| aggregated(b, "PAL-1", ""), "SERIALS_NOT_HERE"),
    // What is in it goes with it.
    ("stock drums pallet", |b| moved(b, "stock @PAL-1"), "ok"),
    ("stock drums pallet", |b| moved(b, "stock 500 #5-10 @PAL-1"), "ok"),
    ("stock drums pallet", |b| { moved(b, "stock @PAL-1").unwrap(); b.say("P1", B::Moved(b.moved("stock @PAL-1", "T2", "T1"))) }, "ok"),
    ("stock drums pallet", |b| moved(b, "stock #4-5 @PAL-1"), "SERIALS_OVERLAP"),
    ("stock drums pallet", |b| moved(b, "stock @PAL-2"), "SERIALS_NOT_HERE"),
    ("stock drums pallet", |b| moved(b, "stock @PAL-1 @PAL-1"), "FIELD_INVALID"),
    ("stock drums pallet", |b| b.say("P1", B::Moved(b.moved("stock @PAL-1", "T2", "T1"))), "SERIALS_NOT_HERE"),
    ("stock drums pallet", |b| used(b, &(1..=65).fold("stock".to_owned(), |s, n| format!("{s} @P-{n}"))), "FIELD_INVALID"),
    ("stock drums pallet", |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock @PAL-1"]))), "FIELD_INVALID"),
    ("stock drums pallet", |b| b.say("P1", B::Incident(b.incident(IncidentKind::Missing, "stock @PAL-1", "T1"))), "ok MISSING"),
    ("stock drums pallet pallet-offer", |b| b.say("W1", B::Accepted(b.accepted("pallet-offer", "T1", &["0 take #1-4"]))), "ok"),
    ("stock drums pallet pallet-offer", |b| { b.say("W1", B::Accepted(b.accepted("pallet-offer", "T1", &["0 take #1-4"]))).unwrap(); b.say("W1", B::Moved(b.moved("stock @PAL-1", "T1", "T2"))) }, "ok"),
    // Whoever takes some of it breaks it, and it is no name any more.
    ("stock drums pallet", |b| moved(b, "stock #1-4"), "ok"),
    ("stock drums pallet", |b| moved(b, "stock #3-5"), "ok OUTER_BROKEN"),
    ("stock drums pallet", |b| { moved(b, "stock #3-5").unwrap(); moved(b, "stock @PAL-1") }, "SERIALS_NOT_HERE"),
    ("stock drums pallet", |b| used(b, "stock ~2:5"), "ok OUTER_BROKEN"),
    ("stock drums pallet", |b| used(b, "stock @PAL-1"), "ok OUTER_BROKEN"),
    ("stock drums pallet", |b| b.say("P1", B::Exported(b.exported("stock @PAL-1", "T1"))), "ok"),
    ("stock drums pallet", |b| repacked(b, "stock #1", "11", "50", "0mg"), "ok OUTER_BROKEN"),
    ("stock drums pallet pallet-offer", |b| b.say("W1", B::Accepted(b.accepted("pallet-offer", "T1", &["0 take #1-3"]))), "ok OUTER_BROKEN PACKAGES_UNACCOUNTED"),
    ("stock drums emptied-1-3-4", |b| { aggregated(b, "PAL-1", "1,3-4").unwrap(); treated(b, "1", T::Destroyed) }, "ok OUTER_BROKEN"),
    // Seen whole at a count, it vouches for what is in it; here only.
    ("stock drums pallet", |b| counted(b, "5-10", "PAL-1"), "ok"),
    ("stock drums pallet", |b| counted(b, "5-10", "PAL-2"), "ok COUNT_SHORT"),
    ("stock drums pallet", |b| counted(b, "2-10", "PAL-2"), "ok OUTER_BROKEN COUNT_SHORT"),
    ("stock drums pallet", |b| counted(b, "5-9", "PAL-1"), "ok COUNT_SHORT"),
    ("stock drums pallet", |b| counted(b, "5-10", "PAL 1"), "FIELD_INVALID"),
];

//! A story that says every kind of event once, told on the bench: the same
//! seeds and times give the same bytes.
#![allow(
    dead_code,
    reason = "each test crate that uses the story needs another part of it"
)]

use bytes::Bytes;
use hazledger::event::statement::Header;
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    AgencyRegistered, Arrived, Backfilled, Blacklisted, ClockStated, Confirmed, CustomsDirection,
    CustomsReported, CustomsStatus, Departed, DeviceLink, DocumentRef, EmergencyOrdered,
    ExternalRef, FindingAnswer, FindingAnswered, IncidentKind, Inspected, InspectionItem,
    LookedBack, Outsider, PackWithdrawn, PackagingTreatment, PartyStatus, PermitKind, PermitStated,
    PermitStatus, QualificationKind, RecallAcknowledged, Recalled, Rectified, RefusalsAnchored,
    ReliefOrder, Residue, RuleKind, RuleLine, RuleMode, SafeReturnOrdered, Sealed, SealedLot,
    SealedPlace, Seized, SettlementCause, TakenOver, Unsealed, Verified, sealed, unsealed,
};

use super::bench::{Bench, DAY, HOUR, event, hash, key, party, register_party};
use super::rulebook;
use super::verbs::{consumed, kg, loss, restating, unregulated};

/// Records between two state records.
pub const INTERVAL: u64 = 8;

/// The whole story; what happens stands in the file's order.
pub fn tell() -> Bench {
    let mut b = Bench::in_world(INTERVAL);
    entries(&mut b);
    store(&mut b);
    handoffs(&mut b);
    road(&mut b);
    ends(&mut b);
    tanks(&mut b);
    open_ends(&mut b);
    clock(&mut b);
    refusals(&mut b);
    devices(&mut b);
    edges(&mut b);
    orders(&mut b);
    rule_book(&mut b);
    enforcement(&mut b);
    overdue(&mut b);
    b
}

/// An offer that nobody has answered: the ledger says so itself.
fn overdue(b: &mut Bench) {
    let due = RuleLine {
        limit: 1,
        ..rulebook::rule(RuleKind::HandoffDue, RuleMode::Find, "")
    };
    said(b, "A1+A2", B::PackPublished(rulebook::pack(vec![due])));
    b.now += 2 * HOUR;
    assert!(!b.look().unwrap().is_empty());
}

/// The registry's other entries, and a pack that finds.
fn rule_book(b: &mut Bench) {
    said(b, "A1", B::ParkRegistered(rulebook::park()));
    said(b, "A1", B::ProductRegistered(rulebook::product()));
    said(b, "A1", B::HazardSourceFiled(rulebook::source()));
    said(b, "C1", B::VehicleRegistered(rulebook::vehicle("蒙A12345")));
    let driver = rulebook::person("driver", QualificationKind::Driver);
    said(b, "C1", B::PersonRegistered(driver));
    let permit = rulebook::permit('M', "PURCHASE-1", PermitKind::HighlyToxicPurchase);
    said(b, "A1", B::PermitRegistered(permit));
    let suspended = PermitStated {
        party: party('M'),
        number: "PURCHASE-1".into(),
        status: PermitStatus::Suspended.into(),
        reason: "under review".into(),
    };
    said(b, "A1", B::PermitStated(suspended));
    let agency = AgencyRegistered {
        party: party('D'),
        agency: "PS".into(),
        territory: "150100".into(),
        ..AgencyRegistered::default()
    };
    said(b, "A1+A2", B::AgencyRegistered(agency));
    let controlled = rulebook::rule(RuleKind::Controlled, RuleMode::Find, "NACN");
    said(
        b,
        "A1+A2",
        B::PackPublished(rulebook::pack(vec![controlled])),
    );
    named(b, "late", "M1", B::Imported(b.imported("late", "10", "T1")));
    said(b, "M1", B::Offered(b.offered('W', "T1", &["late 5"])));
    let seen = FindingAnswered {
        position: b.state.next() - 1,
        finding: 0,
        event: Some(b.event("last")),
        answer: FindingAnswer::Acknowledged.into(),
        words: "told to the bureau".into(),
        documents: Vec::new(),
    };
    said(b, "M1", B::FindingAnswered(seen));
    let withdrawn = PackWithdrawn {
        pack: "national".into(),
        until_ms: b.now + HOUR,
        reason: "replaced".into(),
    };
    said(b, "A1+A2", B::PackWithdrawn(withdrawn));
}

fn said(b: &mut Bench, keys: &str, body: B) {
    named(b, "last", keys, body);
}

fn named(b: &mut Bench, name: &str, keys: &str, body: B) {
    if let Err(refused) = b.name(name, keys, body) {
        panic!("{name} by {keys}: {refused}");
    }
    b.now += 60_000;
}

fn entries(b: &mut Bench) {
    named(
        b,
        "stock",
        "P1",
        B::Produced(b.produced("stock", "1000", "T1")),
    );
    named(
        b,
        "import",
        "M1",
        B::Imported(b.imported("import", "40", "T1")),
    );
    named(b, "old", "W1+W2", B::Opened(b.opened("old", "25", "T1")));
    let mut referring = event(B::Produced(b.produced("other", "10", "T1")));
    referring.external_refs.push(ExternalRef {
        system: "ERP".into(),
        number: "4711".into(),
    });
    b.say_all("P0", vec![referring]).unwrap();
}

fn store(b: &mut Bench) {
    said(b, "P1", B::Moved(b.moved("stock 100", "T1", "T2")));
    said(b, "P1", B::Assayed(b.assayed("stock", 979_999)));
    said(
        b,
        "P1",
        B::Packed(b.packed("stock", "T1", "1-10", "33.333333")),
    );
    let repacked = b.repacked("stock ~10:10 0.000001", "11-12", "5", "1mg");
    said(b, "P1", B::Repacked(repacked));
    said(b, "P1", B::Sampled(b.sampled("stock 0.25")));
    said(
        b,
        "P1",
        B::Aggregated(b.aggregated("376104250021234569", "11-12")),
    );
    said(b, "P1", B::Counted(b.counted("stock", "T2", "99", "", "")));
}

fn handoffs(b: &mut Bench) {
    named(
        b,
        "offer",
        "P1",
        B::Offered(b.offered('W', "T1", &["stock 100 #1-4"])),
    );
    named(
        b,
        "dispute",
        "W1",
        B::Accepted(b.accepted("offer", "T1", &["0 take 90 #1-2 refuse 2 #3"])),
    );
    named(
        b,
        "declined",
        "P1",
        B::Offered(b.offered('W', "T2", &["stock 5"])),
    );
    said(b, "W1", B::Declined(b.declined("declined")));
    named(
        b,
        "withdrawn",
        "P1",
        B::Offered(b.offered('W', "T2", &["stock 5"])),
    );
    said(b, "P1", B::Withdrawn(b.withdrawn("withdrawn")));
    said(b, "P1+W1", B::Traded(b.traded('W', &["stock 90 #1-2"])));
    said(
        b,
        "P1+W1",
        B::Settled(b.settled("dispute", SettlementCause::Scale, "3")),
    );
    said(
        b,
        "A1",
        B::Settled(b.settled("dispute", SettlementCause::Theft, "#4")),
    );
}

fn road(b: &mut Bench) {
    named(
        b,
        "truck",
        "P1",
        B::Offered(b.shipped('C', 'M', "T1", &["stock 50 #5-8"])),
    );
    said(
        b,
        "C1",
        B::Accepted(b.accepted("truck", "", &["0 take 49.95 #5-8"])),
    );
    said(b, "C0", B::Reported(b.reported("truck")));
    said(b, "C1+W1", B::Relayed(b.relayed("truck", 'W')));
    named(
        b,
        "delivery",
        "W1",
        B::Offered(b.delivered('M', "truck", &["stock 40 #5-7"])),
    );
    said(
        b,
        "M1",
        B::Accepted(b.accepted("delivery", "T1", &["0 take 30 #5-6 aboard 10 #7"])),
    );
}

fn ends(b: &mut Bench) {
    named(b, "used", "M1", B::Used(b.used("stock 10 #5", "T1")));
    let mut dissolved = b.transformed("stock 30", "68", "90");
    dissolved.losses.push(loss("1", "0.5"));
    dissolved.consumed.push(consumed("0.1"));
    dissolved.unregulated.push(unregulated("2"));
    said(b, "P1", B::Transformed(dissolved));
    named(b, "waste", "P1", B::Wasted(b.wasted("stock 3")));
    said(b, "P1", B::Disposed(b.disposed("waste 2", "T1")));
    said(b, "M1", B::Exported(b.exported("import 20", "T1")));
    said(
        b,
        "M1",
        B::Incident(b.incident(IncidentKind::Missing, "import 4", "T1")),
    );
    said(b, "M1", B::Recovered(b.recovered("import 1", "T1")));
    said(
        b,
        "M1",
        B::Incident(b.incident(IncidentKind::Released, "import 1", "T1")),
    );
    said(
        b,
        "P1+A1",
        restating(b.corrected("stock", B::Produced(b.produced("stock", "990", "T1")))),
    );
    said(b, "M1", B::Used(b.used("stock ~6:5", "T1")));
    let cleaned = b.treated("stock", "T1", "5", PackagingTreatment::Cleaned);
    said(b, "M1", B::PackagingTreated(cleaned));
    said(b, "P1", B::KeyRevoked(b.revoked("P2")));
    said(b, "A1", register_party('D', PartyStatus::Closed));
}

/// A tank filled, drawn from, cleaned and filled again; what is in it stays.
fn tanks(b: &mut Bench) {
    b.vessel_step("tanks").unwrap().unwrap();
    let mut filled = b.filled("import 8", "T1", "V1");
    named(b, "running", "M1", B::Filled(filled.clone()));
    named(b, "drawn", "M1", B::Drawn(b.drawn("V1", "5", "T2")));
    let residues = [
        (Residue::Rinse, "5", 500_000),
        (Residue::Waste, "2", 10_000),
    ];
    said(b, "M1", B::Cleaned(b.cleaned("V1", "4.5", &residues)));
    filled.goods = b.goods("drawn 4");
    filled.from = Some(hazledger::pb::filled::From::Place("T2".into()));
    named(b, "running", "M1", B::Filled(filled));
}

/// The ledger counts the refusals that it keeps, and lets the oldest go.
fn refusals(b: &mut Bench) {
    for (count, kept_from) in [(700, 0), (900, 256)] {
        let word = RefusalsAnchored {
            count,
            hash: Bytes::from(vec![5; 32]),
            since_ms: b.now - HOUR,
            not_kept: 3,
            unverified: 41,
            kept_from,
        };
        b.say_of_refusals(word).unwrap();
    }
}

/// The ledger's clock jumps too far, and somebody confirms the time.
fn clock(b: &mut Bench) {
    for (jumped_by_ms, confirmed_ms) in [(-8 * HOUR, 0), (0, b.now)] {
        let word = ClockStated {
            clock_ms: b.now - 8 * HOUR,
            ledger_ms: b.now,
            jumped_by_ms,
            in_doubt: confirmed_ms == 0,
            confirmed_ms,
        };
        b.say_of_clock(word).unwrap();
    }
}

/// Goods from outside and to the outside, one of them confirmed; an import that
/// customs hold.
fn edges(b: &mut Bench) {
    let outsider = Some(Outsider {
        name: "Zhetysu Mining".into(),
        code: "050140001234".into(),
        country: "KZ".into(),
        ..Outsider::default()
    });
    let arrived = Arrived {
        lot: Some(b.lot("arrived", "12", "T1")),
        from: outsider.clone(),
        documents: Vec::new(),
    };
    named(b, "arrived", "W1", B::Arrived(arrived));
    let departed = Departed {
        goods: b.goods("arrived 2"),
        place: "T1".into(),
        to: outsider,
        documents: Vec::new(),
    };
    named(b, "departed", "W1", B::Departed(departed));
    let confirmed = Confirmed {
        lot: b.id("arrived"),
        edge: Some(b.event("arrived")),
        quantity: kg("11.9"),
    };
    said(b, "A1", B::Confirmed(confirmed));
    let held = CustomsReported {
        lot: b.id("import"),
        direction: CustomsDirection::Import.into(),
        customs_entry: "0706-2026-1".into(),
        status: CustomsStatus::Held.into(),
        office: "满洲里海关".into(),
        documents: Vec::new(),
    };
    said(b, "A1", B::CustomsReported(held));
    train(b);
    back(b);
}

/// Handed over, and some of it taken back.
fn back(b: &mut Bench) {
    let out = b.offered('P', "T1", &["arrived 2"]);
    named(b, "out", "W1", B::Offered(out));
    let taken = b.accepted("out", "T1", &["0 take 2"]);
    said(b, "P1", B::Accepted(taken));
    let back = b.back('W', "out", &["arrived 1"]);
    named(b, "back", "P1", B::Offered(back));
    let taken = b.taken_back("back", "out", &["0 take 1"]);
    said(b, "W1", B::Accepted(taken));
}

/// A train whose gauge changes on the way.
fn train(b: &mut Bench) {
    let offered = b.by_rail('C', 'M', "T1", &["arrived 5"]);
    named(b, "train", "W1", B::Offered(offered));
    said(b, "C1", B::Accepted(b.accepted("train", "", &["0 take 5"])));
    said(b, "C1", B::Relayed(b.gauge_changed("train")));
}

/// The mine's device numbers what it says: 1, then 3; 2 is entered from paper.
fn devices(b: &mut Bench) {
    let said = |b: &mut Bench, name: &str, header: Header| {
        let used = event(B::Used(b.used("import 1", "T1")));
        let draft = b.draft(name, vec![used]);
        b.submit(draft.sign_with(&header, &key(name), &[])).unwrap();
        b.now += 60_000;
    };
    for (sequence, previous) in [(1, bytes::Bytes::new()), (3, hash("statement 2"))] {
        let header = Header {
            device: Some(DeviceLink { sequence, previous }),
            ..Header::default()
        };
        said(b, "M0", header);
    }
    let header = Header {
        backfilled: Some(Backfilled {
            paper: "waybill 0117".into(),
            device_key_id: key("M0").id().to_bytes(),
            first_sequence: 2,
            last_sequence: 2,
            reason: "the phone died".into(),
        }),
        ..Header::default()
    };
    said(b, "M1", header);
}

/// An authority has some of the plant's stock taken to the mine; the warehouse
/// succeeds the plant.
fn orders(b: &mut Bench) {
    let order = TakenOver {
        custodian: party('M'),
        ..b.taken_over("stock 1", "P T2")
    };
    said(b, "A1", B::TakenOver(order));
    let seized = Seized {
        taken: Some(b.taken_over("stock 1", "P T2")),
        documents: Vec::new(),
    };
    said(b, "A1+A2", B::Seized(seized));
    said(b, "A1+A2", B::Succeeded(b.succeeded('P', 'W')));
    said(b, "W1", B::Inherited(b.inherited('P', &["stock T2 T2"])));
}

/// The authority seals a place and the mine's tonne, and releases the place.
fn enforcement(b: &mut Bench) {
    let lot = SealedLot {
        lot: b.id("import"),
        party: party('M'),
        place: "T1".into(),
    };
    let place = SealedPlace {
        party: party('W'),
        place: "T1".into(),
    };
    let (order, reason) = ("YJ-2026-7".to_owned(), "no permit".to_owned());
    let seal = |what| Sealed {
        what: Some(what),
        order: order.clone(),
        reason: reason.clone(),
        documents: Vec::new(),
    };
    said(b, "A1", B::Sealed(seal(sealed::What::Lot(lot))));
    said(b, "A1", B::Sealed(seal(sealed::What::Party(party('D')))));
    said(b, "A1", B::Sealed(seal(sealed::What::Place(place.clone()))));
    let released = Unsealed {
        what: Some(unsealed::What::Place(place)),
        order: order.clone(),
        reason: "it has one now".into(),
    };
    said(b, "A2", B::Unsealed(released));
    recalls(b);
    relief(b);
    inspections(b);
}

/// The disposer is blacklisted, the carrier taken off the list again; a vehicle
/// is sealed; two orders name the mine, its lot and the truck.
fn relief(b: &mut Bench) {
    let listing = Blacklisted {
        party: party('D'),
        order: "HMD-2026-3".into(),
        grounds: "no permit".into(),
        from_ms: b.now,
        until_ms: b.now + 30 * DAY,
        ..Blacklisted::default()
    };
    said(b, "A1", B::Blacklisted(listing));
    let relief = ReliefOrder {
        order: "YJ-2026-9".into(),
        reason: "flood".into(),
        from_ms: b.now,
        until_ms: b.now + DAY,
        lots: vec![b.id("import")],
        consignments: Vec::new(),
        parties: vec![party('M')],
    };
    let back = SafeReturnOrdered {
        relief: Some(ReliefOrder {
            order: "YJ-2026-10".into(),
            ..relief.clone()
        }),
    };
    let relief = Some(relief);
    said(b, "A1", B::EmergencyOrdered(EmergencyOrdered { relief }));
    said(b, "A2", B::SafeReturnOrdered(back));
}

/// The mine is inspected: one danger is looked back at, one is still open.
fn inspections(b: &mut Bench) {
    let item = |code: &str, ok: bool| InspectionItem {
        code: code.into(),
        text: "the dike holds the largest tank".into(),
        ok,
        danger: if ok { "" } else { "the dike leaks" }.into(),
        due_ms: if ok { 0 } else { 1_800_000_000_000 },
    };
    let inspected = Inspected {
        party: party('M'),
        site: "S".into(),
        items: vec![item("D-1", false), item("D-2", true)],
        documents: Vec::new(),
    };
    named(b, "danger", "A1", B::Inspected(inspected.clone()));
    let danger = b.id("danger");
    let rectified = Rectified {
        danger: danger.clone(),
        what: "sealed the joints".into(),
        documents: vec![DocumentRef {
            kind: "photograph".into(),
            hash: hash("dike"),
        }],
    };
    said(b, "M1", B::Rectified(rectified));
    let verified = Verified {
        danger: danger.clone(),
        ok: true,
        ..Verified::default()
    };
    said(b, "A1", B::Verified(verified));
    let looked_back = LookedBack {
        danger,
        ok: true,
        ..LookedBack::default()
    };
    said(b, "A1", B::LookedBack(looked_back));
    said(b, "A1", B::Inspected(inspected));
}

/// The mine's tonne is called back twice: once it is over, once the mine and
/// the carrier have read it.
fn recalls(b: &mut Bench) {
    let recall = Recalled {
        lot: b.id("import"),
        order: "ZH-2026-1".into(),
        reason: "off specification".into(),
        ..Recalled::default()
    };
    named(b, "first recall", "A1", B::Recalled(recall.clone()));
    let over = Recalled {
        ends: b.id("first recall"),
        reason: "analysed again".into(),
        ..Recalled::default()
    };
    said(b, "A1", B::Recalled(over));
    named(b, "recall", "M1", B::Recalled(recall));
    for party in ["M1", "C1"] {
        let acknowledged = RecallAcknowledged {
            recall: b.id("recall"),
            note: "kept apart".into(),
        };
        said(b, party, B::RecallAcknowledged(acknowledged));
    }
}

/// Something of every kind stays open: an offer, an awaited one, goods aboard,
/// a dispute.
fn open_ends(b: &mut Bench) {
    named(
        b,
        "open",
        "P1",
        B::Offered(b.offered('W', "T1", &["stock 20 #9"])),
    );
    b.prepare("late", "P1", B::Offered(b.offered('W', "T1", &["other 5"])));
    said(
        b,
        "W1",
        B::Accepted(b.accepted("late", "T1", &["0 take 4 refuse 1 check 4"])),
    );
}

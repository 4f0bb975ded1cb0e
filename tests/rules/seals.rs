//! Tables of what is sealed: by whom, what it stops, what it only finds.

use hazledger::pb::event::Body as B;
use hazledger::pb::{
    IncidentKind, PartyRegistered, PartyStatus, Sealed, SealedLot, SealedPlace, Stage, Unsealed,
    sealed, unsealed,
};

use super::bench::{Answer, Bench, NOBODY, party, register_party};
use super::table::Case;

/// The lot of this name as a whole, or what of it stands at T1 of W.
pub fn lot(b: &Bench, name: &str, at: Option<(char, &str)>) -> sealed::What {
    let (party, place) = at
        .map(|(p, t)| (party(p), t.to_owned()))
        .unwrap_or_default();
    let lot = b.id(name);
    sealed::What::Lot(SealedLot { lot, party, place })
}

pub fn place(letter: char, place: &str) -> sealed::What {
    sealed::What::Place(SealedPlace {
        party: party(letter),
        place: place.into(),
    })
}

pub fn seal(what: sealed::What) -> Sealed {
    Sealed {
        what: Some(what),
        order: "YJ-2026-7".into(),
        reason: "no permit for the store".into(),
        documents: Vec::new(),
    }
}

pub fn release(what: &sealed::What) -> Unsealed {
    Unsealed {
        what: Some(match what {
            sealed::What::Lot(lot) => unsealed::What::Lot(lot.lot.clone()),
            sealed::What::Place(place) => unsealed::What::Place(place.clone()),
            sealed::What::Party(party) => unsealed::What::Party(party.clone()),
        }),
        order: "YJ-2026-7".into(),
        reason: "the permit is there".into(),
    }
}

/// The authority seals it; then what follows.
fn under(b: &mut Bench, what: sealed::What, then: impl FnOnce(&mut Bench) -> Answer) -> Answer {
    b.say("A1", B::Sealed(seal(what)))?;
    then(b)
}

fn under_lot(b: &mut Bench, then: impl FnOnce(&mut Bench) -> Answer) -> Answer {
    let what = lot(b, "stock", None);
    under(b, what, then)
}

fn under_part(b: &mut Bench, at: (char, &str), then: impl FnOnce(&mut Bench) -> Answer) -> Answer {
    let what = lot(b, "stock", Some(at));
    under(b, what, then)
}

/// Sealed, released, offered.
fn released(b: &mut Bench, what: sealed::What) -> Answer {
    let back = release(&what);
    b.say("A1", B::Sealed(seal(what)))?;
    b.say("A2", B::Unsealed(back))?;
    offer(b, 'W')
}

fn changed(b: &mut Bench, change: impl FnOnce(&mut Sealed)) -> Answer {
    let mut e = seal(lot(b, "stock", None));
    change(&mut e);
    b.say("A1", B::Sealed(e))
}

fn offer(b: &mut Bench, to: char) -> Answer {
    b.say("P1", B::Offered(b.offered(to, "T1", &["stock 1"])))
}

/// W gives back what P had handed over.
fn give_back(b: &mut Bench) -> Answer {
    let mut e = b.offered('P', "T1", &["stock 100"]);
    e.returns = Some(b.event("offer"));
    b.say("W1", B::Offered(e))
}

fn sell(b: &mut Bench, goods: &str) -> Answer {
    b.say("P1+W1", B::Traded(b.traded('W', &[goods])))
}

/// W is registered to dispose.
fn disposer(b: &mut Bench) {
    let stages = vec![Stage::Disposal.into()];
    let B::PartyRegistered(e) = register_party('D', PartyStatus::Active) else {
        return;
    };
    b.say("A1", B::PartyRegistered(PartyRegistered { stages, ..e }))
        .unwrap();
}

#[rustfmt::skip]
pub const SEALS: &[Case] = &[
    // By an authority, with a number and a reason, of what is there.
    ("stock", |b| { let e = seal(lot(b, "stock", None)); b.say("A1", B::Sealed(e)) }, "ok"),
    ("stock", |b| { let e = seal(lot(b, "stock", Some(('P', "T1")))); b.say("A2", B::Sealed(e)) }, "ok"),
    ("", |b| b.say("A1", B::Sealed(seal(place('P', "T1")))), "ok"),
    ("", |b| b.say("A1", B::Sealed(seal(sealed::What::Party(party('P'))))), "ok"),
    ("stock", |b| { let e = seal(lot(b, "stock", None)); b.say("P1", B::Sealed(e)) }, "AUTHORITY_REQUIRED"),
    ("stock", |b| changed(b, |e| e.order.clear()), "FIELD_MISSING"),
    ("stock", |b| changed(b, |e| e.reason.clear()), "FIELD_MISSING"),
    ("stock", |b| changed(b, |e| e.what = None), "FIELD_MISSING"),
    ("", |b| { let e = seal(lot(b, "stock", None)); b.say("A1", B::Sealed(e)) }, "UNKNOWN_LOT"),
    ("", |b| b.say("A1", B::Sealed(seal(place('P', "T9")))), "UNKNOWN_PLACE"),
    ("", |b| b.say("A1", B::Sealed(seal(sealed::What::Party(party(NOBODY))))), "UNKNOWN_PARTY"),
    ("stock", |b| { let e = seal(sealed::What::Lot(SealedLot { lot: b.id("stock"), party: party('P'), place: String::new() })); b.say("A1", B::Sealed(e)) }, "FIELD_INVALID"),
    ("stock", |b| under_lot(b, |b| { let e = seal(lot(b, "stock", None)); b.say("A1", B::Sealed(e)) }), "NO_CHANGE"),
    ("stock", |b| { for n in 0..8 { changed(b, |e| e.order = format!("YJ-{n}"))?; } changed(b, |_| ()) }, "FIELD_INVALID"),
    // Lifted by its number, by any authority.
    ("stock", |b| { let w = lot(b, "stock", None); released(b, w) }, "ok"),
    ("stock", |b| released(b, place('P', "T1")), "ok"),
    ("stock", |b| released(b, sealed::What::Party(party('P'))), "ok"),
    ("stock", |b| { let e = release(&lot(b, "stock", None)); b.say("A1", B::Unsealed(e)) }, "NO_CHANGE"),
    ("stock", |b| under_lot(b, |b| { let e = release(&lot(b, "stock", None)); b.say("P1", B::Unsealed(e)) }), "AUTHORITY_REQUIRED"),
    ("stock", |b| under_lot(b, |b| { let mut e = release(&lot(b, "stock", None)); e.order = "YJ-8".into(); b.say("A1", B::Unsealed(e)) }), "NO_CHANGE"),
    ("stock", |b| under_lot(b, |b| { let mut e = release(&lot(b, "stock", None)); e.what = None; b.say("A1", B::Unsealed(e)) }), "FIELD_MISSING"),
    // Two seals: with the first lifted the other still holds.
    ("stock", |b| under_lot(b, |b| { changed(b, |e| e.order = "GA-1".into())?; let e = release(&lot(b, "stock", None)); b.say("A1", B::Unsealed(e))?; offer(b, 'W') }), "SEALED"),
    // What would authorise is refused.
    ("stock", |b| under_lot(b, |b| offer(b, 'W')), "SEALED"),
    ("stock", |b| under_lot(b, |b| sell(b, "stock 1")), "SEALED"),
    ("stock", |b| under(b, place('P', "T1"), |b| offer(b, 'W')), "SEALED"),
    ("stock", |b| under(b, place('P', "T2"), |b| offer(b, 'W')), "ok"),
    ("stock", |b| under(b, sealed::What::Party(party('P')), |b| offer(b, 'W')), "SEALED"),
    ("stock", |b| under(b, sealed::What::Party(party('W')), |b| offer(b, 'W')), "SEALED"),
    ("stock", |b| under(b, sealed::What::Party(party('W')), |b| sell(b, "stock 1")), "SEALED"),
    ("stock", |b| under(b, sealed::What::Party(party('M')), |b| b.say("P1", B::Offered(b.shipped('C', 'M', "T1", &["stock 1"])))), "SEALED"),
    ("stock waybill loaded", |b| under_lot(b, |b| b.say("C1+D1", B::Relayed(b.relayed("truck", 'D')))), "SEALED"),
    ("stock", |b| under_lot(b, |b| b.say("P1", B::Exported(b.exported("stock 1", "T1")))), "SEALED"),
    ("stock waybill loaded", |b| under_lot(b, |b| b.say("C1", B::Offered(b.delivered('M', "truck", &["stock 200"])))), "SEALED"),
    // Only what stands in that place.
    ("stock offer taken", |b| under_part(b, ('W', "T1"), |b| offer(b, 'W')), "ok"),
    ("stock offer taken", |b| under_part(b, ('W', "T1"), |b| b.say("W1", B::Offered(b.offered('M', "T1", &["stock 1"])))), "SEALED"),
    // Of its own it may sell what is not sealed.
    ("stock offer taken", |b| under_part(b, ('P', "T1"), |b| sell(b, "stock 100")), "ok"),
    ("stock offer taken", |b| under_part(b, ('P', "T1"), |b| sell(b, "stock 100.000001")), "SEALED"),
    ("stock offer taken", |b| under(b, place('P', "T1"), |b| sell(b, "stock 101")), "SEALED"),
    ("stock drums", |b| under_part(b, ('P', "T1"), |b| sell(b, "stock #1")), "SEALED"),
    ("stock drums drum-offer", |b| { b.say("W1", B::Accepted(b.accepted("drum-offer", "T1", &["0 take #1-4"])))?; under_part(b, ('W', "T1"), |b| sell(b, "stock #5")) }, "ok"),
    // A return, a disposal, an order: never stopped, but told.
    ("stock offer taken", |b| under_lot(b, give_back), "ok SEALED_GOODS_TOUCHED"),
    ("stock", |b| { disposer(b); under_lot(b, |b| offer(b, 'D')) }, "ok SEALED_GOODS_TOUCHED"),
    ("stock", |b| under_lot(b, |b| b.say("A1", B::TakenOver(b.taken_over("stock 100", "P T1")))), "ok"),
    ("stock offer taken", |b| { let mut e = b.traded('P', &["stock 1"]); sell(b, "stock 1")?; e.returns = Some(b.event("offer")); under_lot(b, |b| b.say("W1+P1", B::Traded(e))) }, "ok SEALED_GOODS_TOUCHED"),
    // What has happened is recorded, and found.
    ("stock", |b| under_lot(b, |b| b.say("P1", B::Used(b.used("stock 1", "T1")))), "ok SEALED_GOODS_TOUCHED"),
    ("stock", |b| under_lot(b, |b| b.say("P1", B::Moved(b.moved("stock 1", "T1", "T2")))), "ok SEALED_GOODS_TOUCHED"),
    ("stock", |b| under(b, place('P', "T2"), |b| b.say("P1", B::Moved(b.moved("stock 1", "T1", "T2")))), "ok SEALED_GOODS_TOUCHED"),
    ("stock", |b| under(b, place('P', "T2"), |b| b.say("P1", B::Used(b.used("stock 1", "T1")))), "ok"),
    ("stock", |b| under(b, sealed::What::Party(party('P')), |b| b.say("P1", B::Used(b.used("stock 1", "T1")))), "ok SEALED_GOODS_TOUCHED"),
    ("stock", |b| under_lot(b, |b| b.say("P1", B::Packed(b.packed("stock", "T1", "1-2", "50")))), "ok SEALED_GOODS_TOUCHED"),
    ("stock drums", |b| under_lot(b, |b| b.say("P1", B::Moved(b.moved("stock #1", "T1", "T2")))), "ok SEALED_GOODS_TOUCHED"),
    ("stock", |b| under_lot(b, |b| b.say("P1", B::Incident(b.incident(IncidentKind::Missing, "stock 5", "T1")))), "ok MISSING SEALED_GOODS_TOUCHED"),
    ("stock", |b| under_lot(b, |b| b.say("P1", B::Disposed(b.disposed("stock 1", "T1")))), "ok SEALED_GOODS_TOUCHED"),
    ("", |b| under(b, place('P', "T1"), |b| b.say("P1", B::Produced(b.produced("new", "1", "T1")))), "ok SEALED_GOODS_TOUCHED"),
    // An offer that stood before may still be taken: the goods are there.
    ("stock offer", |b| under_lot(b, |b| b.say("W1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"])))), "ok SEALED_GOODS_TOUCHED"),
    ("stock waybill loaded delivery", |b| under(b, sealed::What::Party(party('M')), |b| b.say("M1", B::Accepted(b.accepted("delivery", "T1", &["0 take 200"])))), "ok SEALED_GOODS_TOUCHED"),
    // Words about the books touch nothing.
    ("stock", |b| under_lot(b, |b| b.say("P1", B::Counted(b.counted("stock", "T1", "1000", "", "")))), "ok"),
    ("stock offer short", |b| under_lot(b, |b| b.say("A1", B::Settled(b.settled("dispute", hazledger::pb::SettlementCause::Scale, "10")))), "ok"),
    ("stock used", |b| under_lot(b, |b| { let e = b.corrected("used", B::Used(b.used("stock 6", "T1"))); b.say("P1", super::verbs::restating(e)) }), "ok"),
    // What was sealed later does not make an earlier fact out of order.
    ("stock", |b| under_lot(b, |b| { b.now += 60_000; b.say_late("P1", 59_000, B::Used(b.used("stock 1", "T1"))) }), "ok SEALED_GOODS_TOUCHED"),
    // The lower number is given.
    ("stock W-closed", |b| under_lot(b, |b| offer(b, 'W')), "PARTY_NOT_ACTIVE"),
    ("stock", |b| under_lot(b, |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock 1001"])))), "INSUFFICIENT"),
];

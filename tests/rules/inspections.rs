//! Tables of inspections and of the hidden dangers that they find.

use bytes::Bytes;
use hazledger::pb::event::Body as B;
use hazledger::pb::{DocumentRef, Inspected, InspectionItem, LookedBack, Rectified, Verified};

use super::bench::{Answer, Bench, DAY, NOBODY, START_MS, hash, party};
use super::packs::agency;
use super::table::Case;

const DUE: i64 = START_MS + 30 * DAY;

fn good(code: &str) -> InspectionItem {
    InspectionItem {
        code: code.into(),
        text: "the dike holds the largest tank".into(),
        ok: true,
        ..InspectionItem::default()
    }
}

fn bad(code: &str) -> InspectionItem {
    InspectionItem {
        ok: false,
        danger: "the dike leaks".into(),
        due_ms: DUE,
        ..good(code)
    }
}

fn inspection(items: Vec<InspectionItem>) -> Inspected {
    Inspected {
        party: party('P'),
        site: "S".into(),
        items,
        documents: Vec::new(),
    }
}

fn changed(b: &mut Bench, change: impl FnOnce(&mut Inspected)) -> Answer {
    let mut e = inspection(vec![bad("D-1"), good("D-2")]);
    change(&mut e);
    b.name("danger", "A1", B::Inspected(e))
}

fn item(b: &mut Bench, change: impl FnOnce(&mut InspectionItem)) -> Answer {
    changed(b, |e| change(&mut e.items[0]))
}

fn rectify(b: &mut Bench, by: &str, change: impl FnOnce(&mut Rectified)) -> Answer {
    let mut e = Rectified {
        danger: b.id("danger"),
        what: "sealed the joints".into(),
        documents: vec![DocumentRef {
            kind: "photograph".into(),
            hash: hash("dike"),
        }],
    };
    change(&mut e);
    b.say(by, B::Rectified(e))
}

fn verify(b: &mut Bench, by: &str, ok: bool) -> Answer {
    let e = Verified {
        danger: b.id("danger"),
        ok,
        note: "seen".into(),
        due_ms: if ok { 0 } else { DUE },
    };
    b.say(by, B::Verified(e))
}

fn look_back(b: &mut Bench, by: &str, ok: bool) -> Answer {
    let e = LookedBack {
        danger: b.id("danger"),
        ok,
        note: "seen".into(),
        due_ms: if ok { 0 } else { DUE },
    };
    b.say(by, B::LookedBack(e))
}

/// Found, set right and verified.
fn done(b: &mut Bench) -> Answer {
    changed(b, |_| ())?;
    rectify(b, "P1", |_| ())?;
    verify(b, "A1", true)
}

/// Inspected again so many milliseconds later.
fn again(b: &mut Bench, after_ms: i64, code: &str) -> Answer {
    changed(b, |_| ())?;
    b.now += after_ms;
    b.say("A1", B::Inspected(inspection(vec![bad(code)])))
}

#[rustfmt::skip]
pub const INSPECTIONS: &[Case] = &[
    // By an agency with power over the party, by a checklist.
    ("", |b| changed(b, |e| e.items = vec![good("D-1")]), "ok"),
    ("", |b| changed(b, |_| ()), "ok HIDDEN_DANGER"),
    ("", |b| changed(b, |e| e.site.clear()), "ok HIDDEN_DANGER"),
    ("", |b| changed(b, |e| e.items = vec![bad("D-1"), bad("D-2")]), "ok HIDDEN_DANGER*2"),
    ("", |b| b.say("P1", B::Inspected(inspection(vec![good("D-1")]))), "AUTHORITY_REQUIRED"),
    ("", |b| { b.say("A1+A2", agency("150000"))?; b.say("D1", B::Inspected(inspection(vec![good("D-1")]))) }, "ok"),
    ("", |b| { b.say("A1+A2", agency("150200"))?; b.say("D1", B::Inspected(inspection(vec![good("D-1")]))) }, "AUTHORITY_REQUIRED"),
    ("", |b| changed(b, |e| e.party = party(NOBODY)), "UNKNOWN_PARTY"),
    ("", |b| changed(b, |e| e.site = "S9".into()), "UNKNOWN_SITE"),
    ("", |b| changed(b, |e| e.items.clear()), "FIELD_INVALID"),
    ("", |b| changed(b, |e| e.items = (0..64).map(|n| good(&format!("D-{n}"))).collect()), "ok"),
    ("", |b| changed(b, |e| e.items = (0..65).map(|n| good(&format!("D-{n}"))).collect()), "FIELD_INVALID"),
    ("", |b| changed(b, |e| e.items = vec![good("D-1"), bad("D-1")]), "FIELD_INVALID"),
    ("", |b| item(b, |i| i.code.clear()), "FIELD_MISSING"),
    ("", |b| item(b, |i| i.text.clear()), "FIELD_MISSING"),
    ("", |b| item(b, |i| i.danger.clear()), "FIELD_MISSING"),
    ("", |b| item(b, |i| i.due_ms = 0), "FIELD_MISSING"),
    ("", |b| item(b, |i| i.ok = true), "FIELD_INVALID"),
    // Set right by the party, with something that shows it.
    ("", |b| { changed(b, |_| ())?; rectify(b, "P1", |_| ()) }, "ok"),
    ("", |b| { changed(b, |_| ())?; rectify(b, "W1", |_| ()) }, "COUNTERPART_SIGNATURE_REQUIRED"),
    ("", |b| { changed(b, |_| ())?; rectify(b, "P1", |e| e.documents.clear()) }, "FIELD_MISSING"),
    ("", |b| { changed(b, |_| ())?; rectify(b, "P1", |e| e.what.clear()) }, "FIELD_MISSING"),
    ("", |b| { changed(b, |_| ())?; rectify(b, "P1", |e| e.danger = Bytes::new()) }, "FIELD_INVALID"),
    ("", |b| rectify(b, "P1", |_| ()), "UNKNOWN_DANGER"),
    ("", |b| { changed(b, |_| ())?; rectify(b, "P1", |_| ())?; rectify(b, "P1", |_| ()) }, "DANGER_OUT_OF_ORDER"),
    // Verified by an agency, which may find it still there.
    ("", done, "ok"),
    ("", |b| { changed(b, |_| ())?; rectify(b, "P1", |_| ())?; verify(b, "P1", true) }, "AUTHORITY_REQUIRED"),
    ("", |b| { changed(b, |_| ())?; verify(b, "A1", true) }, "DANGER_OUT_OF_ORDER"),
    ("", |b| { changed(b, |_| ())?; rectify(b, "P1", |_| ())?; verify(b, "A1", false) }, "ok HIDDEN_DANGER"),
    ("", |b| { changed(b, |_| ())?; rectify(b, "P1", |_| ())?; verify(b, "A1", false)?; rectify(b, "P1", |_| ()) }, "ok"),
    ("", |b| { changed(b, |_| ())?; rectify(b, "P1", |_| ())?; b.say("A1", B::Verified(Verified { danger: b.id("danger"), ok: true, due_ms: DUE, ..Verified::default() })) }, "FIELD_INVALID"),
    ("", |b| { changed(b, |_| ())?; rectify(b, "P1", |_| ())?; b.say("A1", B::Verified(Verified { danger: b.id("danger"), ..Verified::default() })) }, "FIELD_MISSING"),
    // Looked back at: then it is closed, or open again.
    ("", |b| { done(b)?; look_back(b, "A2", true) }, "ok"),
    ("", |b| { done(b)?; look_back(b, "A2", false) }, "ok HIDDEN_DANGER"),
    ("", |b| { done(b)?; look_back(b, "A2", false)?; rectify(b, "P1", |_| ()) }, "ok"),
    ("", |b| { done(b)?; look_back(b, "A2", true)?; look_back(b, "A2", true) }, "DANGER_OUT_OF_ORDER"),
    ("", |b| { changed(b, |_| ())?; rectify(b, "P1", |_| ())?; look_back(b, "A1", true) }, "DANGER_OUT_OF_ORDER"),
    ("", |b| { done(b)?; look_back(b, "P1", true) }, "AUTHORITY_REQUIRED"),
    // The same item again: within a year, the last moment of it, the first after.
    ("", |b| again(b, DAY, "D-1"), "ok HIDDEN_DANGER REPEATED_DANGER"),
    ("", |b| again(b, DAY, "D-9"), "ok HIDDEN_DANGER"),
    ("", |b| again(b, 365 * DAY - 1, "D-1"), "ok HIDDEN_DANGER REPEATED_DANGER"),
    ("", |b| again(b, 365 * DAY, "D-1"), "ok HIDDEN_DANGER"),
];

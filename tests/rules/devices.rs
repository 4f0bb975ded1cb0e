//! Tables of devices that number their statements, of what comes late, and of
//! what is entered from paper.

use bytes::Bytes;
use hazledger::event::digest::{Tag, tagged};
use hazledger::event::ids::{BACKFILL_WINDOW_MS, ID_WINDOW_MS};
use hazledger::event::statement::Header;
use hazledger::pb::event::Body as B;
use hazledger::pb::{Backfilled, DeviceLink, SignedStatement};

use super::bench::{Answer, Bench, DAY, event, key};
use super::table::Case;

/// P's device uses a gram of the stock, as its statement `n` after `previous`.
fn signed(b: &mut Bench, n: u64, previous: &[u8]) -> SignedStatement {
    let used = b.used("stock 0.001", "T1");
    let draft = b.draft("P1", vec![event(B::Used(used))]);
    let header = Header {
        device: Some(DeviceLink {
            sequence: n,
            previous: Bytes::copy_from_slice(previous),
        }),
        ..Header::default()
    };
    draft.sign_with(&header, &key("P0"), &[])
}

fn digest(signed: &SignedStatement) -> Vec<u8> {
    tagged(Tag::Payload, &[&signed.payload]).0.to_vec()
}

/// Statements 1 to n of the device, as it makes them.
fn made(b: &mut Bench, n: u64) -> Vec<SignedStatement> {
    let mut all: Vec<SignedStatement> = Vec::new();
    for sequence in 1..=n {
        let previous = all.last().map(digest).unwrap_or_default();
        all.push(signed(b, sequence, &previous));
    }
    all
}

/// Statements of a device sent in some order; the last one's answer.
fn sent(b: &mut Bench, order: &[usize]) -> Answer {
    let all = made(b, 9);
    let mut answer = Ok(Vec::new());
    for n in order {
        if let Err(refused) = &answer {
            panic!("{refused}");
        }
        answer = b.submit(all[*n - 1].clone());
    }
    answer
}

/// The device's statement `n`, after those before it.
pub fn speaks(b: &mut Bench, n: usize) -> Answer {
    let previous = match n {
        1 => Vec::new(),
        _ => digest(&b.prepared["device"]),
    };
    let said = signed(b, n as u64, &previous);
    b.prepared.insert("device".to_owned(), said.clone());
    b.submit(said)
}

/// After statements 1 and 2 another statement 2, or 3 that stands on another.
fn forked(b: &mut Bench, n: u64) -> Answer {
    sent(b, &[1, 2])?;
    let other = signed(b, n, &[7; 32]);
    b.submit(other)
}

/// All statements but those of the device itself are another key's.
fn unnumbered(b: &mut Bench) -> Answer {
    sent(b, &[1])?;
    b.say("P0", B::Used(b.used("stock 1", "T1")))
}

/// Statement n is sent so long after it was made.
fn late(b: &mut Bench, before: &[usize], n: usize, ms: i64) -> Answer {
    let all = made(b, 9);
    for n in before {
        b.submit(all[*n - 1].clone())?;
    }
    let expires = |s: &SignedStatement, b: &Bench| {
        let mut s = s.clone();
        let mut payload: hazledger::pb::Payload =
            prost::Message::decode(s.payload.clone()).unwrap();
        payload.expires_at_ms = b.now + ms + DAY;
        s.payload = prost::Message::encode_to_vec(&payload).into();
        super::bench::resign(&mut s, "P0");
        s
    };
    let statement = if n == 1 {
        expires(&all[0], b)
    } else {
        all[n - 1].clone()
    };
    b.now += ms;
    b.submit(statement)
}

/// P's first person enters a paper for statements of the device.
fn paper(b: &mut Bench, keys: &str, change: impl FnOnce(&mut Backfilled)) -> Answer {
    let used = b.used("stock 1", "T1");
    let draft = b.draft(keys, vec![event(B::Used(used))]);
    let mut backfilled = Backfilled {
        paper: "waybill 0117".into(),
        device_key_id: key("P0").id().to_bytes(),
        first_sequence: 2,
        last_sequence: 3,
        reason: "the phone died".into(),
    };
    change(&mut backfilled);
    let header = Header {
        backfilled: Some(backfilled),
        ..Header::default()
    };
    b.submit(draft.sign_with(&header, &key(keys), &[]))
}

/// Statements 1 and 5 have come in, 2 and 3 are entered from paper, and then
/// comes n.
fn after_paper(b: &mut Bench, n: usize) -> Answer {
    let all = made(b, 9);
    b.submit(all[0].clone())?;
    b.submit(all[4].clone())?;
    paper(b, "P1", |_| ())?;
    b.submit(all[n - 1].clone())
}

#[rustfmt::skip]
pub const DEVICES: &[Case] = &[
    ("stock", |b| sent(b, &[1]), "ok"),
    ("stock", |b| sent(b, &[1, 2, 3]), "ok"),
    // A gap, and what fills it: in part, from both ends, whole.
    ("stock", |b| sent(b, &[1, 4]), "ok DEVICE_GAP"),
    ("stock", |b| sent(b, &[3]), "ok DEVICE_GAP"),
    ("stock", |b| sent(b, &[1, 4, 5]), "ok"),
    ("stock", |b| sent(b, &[1, 5, 3]), "ok DEVICE_GAP_FILLED"),
    ("stock", |b| sent(b, &[1, 5, 3, 2, 4]), "ok DEVICE_GAP_FILLED"),
    ("stock", |b| sent(b, &[1, 5, 3, 2, 4, 6]), "ok"),
    // A fork: a number said twice, or another statement before.
    ("stock", |b| forked(b, 2), "DEVICE_FORK"),
    ("stock", |b| forked(b, 3), "DEVICE_FORK"),
    ("stock", |b| forked(b, 4), "ok DEVICE_GAP"),
    ("stock", |b| { let other = signed(b, 1, &[]); sent(b, &[1])?; b.submit(other) }, "DEVICE_FORK"),
    ("stock", |b| { sent(b, &[1, 4])?; let other = signed(b, 3, &[7; 32]); b.submit(other) }, "DEVICE_FORK"),
    ("stock", |b| { sent(b, &[1, 4])?; let other = signed(b, 2, &[7; 32]); b.submit(other) }, "DEVICE_FORK"),
    // Gaps are bounded.
    ("stock", |b| { for n in 1..=64 { let s = signed(b, 2 * n, &[7; 32]); b.submit(s)?; } let s = signed(b, 130, &[7; 32]); b.submit(s) }, "TOO_MANY_DEVICE_GAPS"),
    // The header's shape; once begun, every statement has its number.
    ("stock", unnumbered, "FIELD_MISSING"),
    ("stock", |b| { let s = signed(b, 0, &[]); b.submit(s) }, "FIELD_MISSING"),
    ("stock", |b| { let s = signed(b, 1, &[7; 32]); b.submit(s) }, "FIELD_INVALID"),
    ("stock", |b| { let s = signed(b, 2, &[]); b.submit(s) }, "FIELD_INVALID"),
    ("stock", |b| { let mut s = signed(b, 1, &[]); repay(&mut s, "P1"); b.submit(s) }, "FIELD_INVALID"),
    // Late: by its place in the chain, and no later than a year.
    ("stock", |b| late(b, &[], 1, ID_WINDOW_MS), "ok BACK_DATED"),
    ("stock", |b| late(b, &[], 1, ID_WINDOW_MS + 1), "ok BACKFILLED BACK_DATED"),
    ("stock", |b| late(b, &[], 1, BACKFILL_WINDOW_MS), "ok BACKFILLED BACK_DATED"),
    ("stock", |b| late(b, &[], 1, BACKFILL_WINDOW_MS + 1), "ID_TOO_OLD"),
    ("stock", |b| late(b, &[1], 1, 40 * DAY), "DEVICE_FORK"),
];

/// Signed by another key, which the header names.
fn repay(signed: &mut SignedStatement, name: &str) {
    let mut payload: hazledger::pb::Payload =
        prost::Message::decode(signed.payload.clone()).unwrap();
    payload.key_id = key(name).id().to_bytes();
    signed.payload = prost::Message::encode_to_vec(&payload).into();
    super::bench::resign(signed, name);
}

#[rustfmt::skip]
pub const PAPER: &[Case] = &[
    ("stock", |b| { sent(b, &[1, 5])?; paper(b, "P1", |_| ()) }, "ok BACKFILLED"),
    // Next after what has come in: the device has said nothing since.
    ("stock", |b| { sent(b, &[1])?; paper(b, "P1", |_| ()) }, "ok BACKFILLED"),
    ("stock", |b| paper(b, "P1", |p| { p.first_sequence = 1; p.last_sequence = 1; }), "ok BACKFILLED"),
    // There was no device.
    ("stock", |b| paper(b, "P1", |p| { p.device_key_id.clear(); p.first_sequence = 0; p.last_sequence = 0; }), "ok BACKFILLED"),
    ("stock", |b| paper(b, "P1", |p| p.device_key_id.clear()), "FIELD_MISSING"),
    ("stock", |b| { sent(b, &[1])?; paper(b, "P1", |p| p.paper.clear()) }, "FIELD_MISSING"),
    ("stock", |b| { sent(b, &[1])?; paper(b, "P1", |p| p.reason.clear()) }, "FIELD_MISSING"),
    ("stock", |b| paper(b, "P0", |_| ()), "FIELD_INVALID"),
    // Numbers that are known, or beyond the next; devices that are another's, or none.
    ("stock", |b| { sent(b, &[1, 5])?; paper(b, "P1", |p| p.last_sequence = 5) }, "NOT_A_DEVICE_GAP"),
    ("stock", |b| { sent(b, &[1, 2])?; paper(b, "P1", |_| ()) }, "NOT_A_DEVICE_GAP"),
    ("stock", |b| paper(b, "P1", |_| ()), "NOT_A_DEVICE_GAP"),
    ("stock", |b| { sent(b, &[1])?; paper(b, "P1", |p| p.last_sequence = 1_002) }, "NOT_A_DEVICE_GAP"),
    ("stock", |b| { sent(b, &[1])?; paper(b, "P1", |p| p.last_sequence = 1) }, "NOT_A_DEVICE_GAP"),
    ("stock", |b| { sent(b, &[1])?; paper(b, "P1", |p| p.device_key_id = key("W0").id().to_bytes()) }, "NOT_A_DEVICE_GAP"),
    ("stock", |b| { sent(b, &[1])?; paper(b, "P1", |p| p.device_key_id = key("P2").id().to_bytes()) }, "NOT_A_DEVICE_GAP"),
    ("stock", |b| { sent(b, &[1])?; paper(b, "P1", |_| ())?; paper(b, "P1", |_| ()) }, "NOT_A_DEVICE_GAP"),
    // What the device says late of what was entered; the rest of its chain.
    ("stock", |b| after_paper(b, 2), "ENTERED_FROM_PAPER"),
    ("stock", |b| after_paper(b, 3), "ENTERED_FROM_PAPER"),
    ("stock", |b| after_paper(b, 4), "ok DEVICE_GAP_FILLED"),
    ("stock", |b| after_paper(b, 6), "ok"),
    // Its key revoked meanwhile: it is not heard, its party's people are.
    ("stock", |b| { let all = made(b, 2); b.submit(all[0].clone())?; b.say("P1", B::KeyRevoked(b.revoked("P0")))?; b.submit(all[1].clone()) }, "KEY_REVOKED"),
    ("stock", |b| { sent(b, &[1])?; b.say("P1", B::KeyRevoked(b.revoked("P0")))?; paper(b, "P1", |_| ()) }, "ok BACKFILLED"),
    // By its successor.
    ("stock P-merged", |b| { sent(b, &[1])?; b.say("M1", B::Inherited(b.inherited('P', &["stock T1 T1"])))?; paper_of(b, "M1") }, "ok BACKFILLED"),
    ("stock", |b| { sent(b, &[1])?; paper_of(b, "W1") }, "NOT_A_DEVICE_GAP"),
];

/// Another party enters a paper for P's device.
fn paper_of(b: &mut Bench, keys: &str) -> Answer {
    let reported = b.produced("lot of another", "1", "T1");
    let draft = b.draft(keys, vec![event(B::Produced(reported))]);
    let header = Header {
        backfilled: Some(Backfilled {
            paper: "waybill 0117".into(),
            device_key_id: key("P0").id().to_bytes(),
            first_sequence: 2,
            last_sequence: 2,
            reason: "the phone died".into(),
        }),
        ..Header::default()
    };
    b.submit(draft.sign_with(&header, &key(keys), &[]))
}

//! A paper waybill entered two days late by the dispatcher, because the phone
//! died.
//!
//! | day | what |
//! |---|---|
//! | 1 | C's driver loads 200 kg of P's stock for M: statement 1 of his phone |
//! | 1 | at M's gate he offers the load (2) and M takes 199.5 kg; he signs a word from the road too (3). There is no network, and the battery dies |
//! | 3 | C's dispatcher enters the paper waybill: the offer of day 1, number 2 |
//! | 3 | M's acceptance, which had waited for it, is taken up |
//! | 45 | the phone is charged: 2 and 3 come in, 44 days old |

use bytes::Bytes;
use hazledger::custody::{Item, Items as _, subject};
use hazledger::event::digest::{Tag, tagged};
use hazledger::event::statement::{Draft, Header};
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    Accepted, AccountKind, Backfilled, DeviceChain, DeviceLink, FindingCode, Payload, RefusalCode,
    SignedStatement,
};
use prost::Message as _;

use super::bench::{Answer, Bench, DAY, event, key};
use super::{KG, held, lot_of, on, verified};

/// The driver's phone: what it has signed last.
#[derive(Default)]
struct Phone {
    sequence: u64,
    last: Bytes,
}

impl Phone {
    fn sign(&mut self, draft: &Draft) -> SignedStatement {
        self.sequence += 1;
        let header = Header {
            device: Some(DeviceLink {
                sequence: self.sequence,
                previous: std::mem::take(&mut self.last),
            }),
            ..Header::default()
        };
        let signed = draft.sign_with(&header, &key("C0"), &[]);
        self.last = tagged(Tag::Payload, &[&signed.payload]).to_bytes();
        signed
    }
}

fn chain(b: &Bench) -> DeviceChain {
    match b.state.get(&subject::key(key("C0").id())).as_deref() {
        Some(Item::Key(key)) => key.device.clone().unwrap(),
        _ => panic!("the phone's key is registered"),
    }
}

/// A statement of the carrier's that may still come in after a year.
fn draft(b: &mut Bench, body: B) -> Draft {
    let draft = b.draft("C1", vec![event(body)]);
    Draft {
        expires_at_ms: b.now + 365 * DAY,
        ..draft
    }
}

/// The dispatcher's statement, of what is on the waybill.
fn dispatched(b: &mut Bench, body: B, happened_ago_ms: i64) -> (Draft, Answer) {
    let mut draft = draft(b, body);
    draft.happened_at_ms -= happened_ago_ms;
    let header = Header {
        backfilled: Some(Backfilled {
            paper: "waybill 0117".into(),
            device_key_id: key("C0").id().to_bytes(),
            first_sequence: 2,
            last_sequence: 2,
            reason: "the driver's phone died at the mine".into(),
        }),
        ..Header::default()
    };
    let answer = b.submit(draft.sign_with(&header, &key("C1"), &[]));
    (draft, answer)
}

#[test]
fn the_dispatcher_enters_the_waybill_and_the_phone_comes_back_weeks_later() {
    let mut b = Bench::new();
    let mut phone = Phone::default();
    // Day 1. P has 1,000 kg, C is to carry 200 of them to M.
    b.set_up("stock waybill");
    let loaded = B::Accepted(b.accepted("truck", "", &["0 take 200"]));
    let one = draft(&mut b, loaded);
    let one = phone.sign(&one);
    assert_eq!(b.submit(one).unwrap(), []);
    assert_eq!(chain(&b).sequence, 1);

    // The delivery and a word from the road are signed, and stay in the phone.
    let delivered = B::Offered(b.delivered('M', "truck", &["stock 200"]));
    let two = draft(&mut b, delivered.clone());
    let two = phone.sign(&two);
    let reported = B::Reported(b.reported("truck"));
    let three = draft(&mut b, reported);
    let three = phone.sign(&three);

    // Day 3. The dispatcher has the paper: what happened two days ago is two
    // days back-dated (the pack allows one), and from paper.
    b.now += 2 * DAY;
    let (offer, answer) = dispatched(&mut b, delivered, 2 * DAY);
    assert_eq!(
        answer.unwrap(),
        [FindingCode::Backfilled, FindingCode::BackDated]
    );
    // M takes 199.5 of the 200 kg: within 0.3 % (0.6 kg), half a kilogram is
    // the scales'.
    let taken = Accepted {
        offer: offer.event_ref(0, &key("C1")),
        ..b.accepted("ghost", "T1", &["0 take 199.5"])
    };
    assert_eq!(b.say_late("M1", DAY, B::Accepted(taken)).unwrap(), []);
    let stock = lot_of(&b, "stock");
    assert_eq!(on(&stock, &held('P', "T1")), 800 * KG);
    assert_eq!(on(&stock, &held('M', "T1")), 199_500_000);
    // The paper stands for number 2 of the phone; its chain has no gap.
    let known = chain(&b);
    assert_eq!((known.sequence, known.gaps.len()), (2, 0));
    let entered: Vec<(u64, u64)> = known.entered.iter().map(|r| (r.first, r.last)).collect();
    assert_eq!(entered, [(2, 2)]);

    // Day 45. The phone is charged. Its ids are 44 days old: only by their
    // place in its chain are they let in at all. What it says of the delivery
    // has been entered, and is not booked twice.
    b.now += 42 * DAY;
    let refused = b.submit(two).unwrap_err();
    assert_eq!(refused.code, RefusalCode::EnteredFromPaper, "{refused}");
    // Its last word goes on with the chain; the consignment is long closed.
    let refused = b.submit(three.clone()).unwrap_err();
    assert_eq!(refused.code, RefusalCode::ConsignmentClosed);
    // Nothing of this has moved a milligram.
    assert_eq!(lot_of(&b, "stock").balances, stock.balances);
    verified(&b);
    let payload = Payload::decode(three.payload).unwrap();
    assert_eq!(payload.device.unwrap().sequence, 3);
}

#[test]
fn a_statement_that_lay_in_a_phone_for_weeks_fills_its_gap() {
    let mut b = Bench::new();
    let mut phone = Phone::default();
    b.set_up("stock waybill loaded");
    // The phone says 1, signs 2 without a network, and says 3 from the next
    // town: 2 is missing, which is found.
    let mut signed = Vec::new();
    for _ in 0..3 {
        let reported = B::Reported(b.reported("truck"));
        let reported = draft(&mut b, reported);
        signed.push(phone.sign(&reported));
    }
    assert_eq!(b.submit(signed[0].clone()).unwrap(), []);
    let found = b.submit(signed[2].clone()).unwrap();
    assert_eq!(found, [FindingCode::DeviceGap]);
    let gap = chain(&b).gaps[0].clone();
    assert_eq!((gap.first, gap.last), (2, 2));
    // 44 days later it comes in after all, as what it is.
    b.now += 44 * DAY;
    assert_eq!(
        b.submit(signed[1].clone()).unwrap(),
        [
            FindingCode::DeviceGapFilled,
            FindingCode::Backfilled,
            FindingCode::BackDated
        ]
    );
    assert!(chain(&b).gaps.is_empty());
    // A second phone with the same key and the same numbers is found out: it
    // stands on the same statement 3 and says another 4.
    let reported = B::Reported(b.reported("truck"));
    let four = draft(&mut b, reported.clone());
    let mut copy = Phone {
        sequence: 3,
        last: phone.last.clone(),
    };
    b.submit(phone.sign(&four)).unwrap();
    let other = draft(&mut b, reported);
    let refused = b.submit(copy.sign(&other)).unwrap_err();
    assert_eq!(refused.code, RefusalCode::DeviceFork, "{refused}");
    verified(&b);
}

#[test]
fn a_revoked_phones_facts_are_told_by_its_party() {
    let mut b = Bench::new();
    let mut phone = Phone::default();
    b.set_up("stock waybill");
    // The driver loads 200 kg at noon and loses the phone before it has said
    // so; its key is revoked. Keys are judged at the time recorded: what it
    // signed before cannot be heard any more.
    let loaded = B::Accepted(b.accepted("truck", "", &["0 take 200"]));
    let one = draft(&mut b, loaded.clone());
    let one = phone.sign(&one);
    b.say("C1", B::KeyRevoked(b.revoked("C0"))).unwrap();
    b.now += DAY;
    assert_eq!(b.submit(one).unwrap_err().code, RefusalCode::KeyRevoked);
    // The dispatcher says it from the waybill, for number 1 of that phone.
    let mut entered = draft(&mut b, loaded);
    entered.happened_at_ms -= DAY;
    let header = Header {
        backfilled: Some(Backfilled {
            paper: "waybill 0117".into(),
            device_key_id: key("C0").id().to_bytes(),
            first_sequence: 1,
            last_sequence: 1,
            reason: "the phone was lost".into(),
        }),
        ..Header::default()
    };
    let answer = b.submit(entered.sign_with(&header, &key("C1"), &[]));
    assert_eq!(answer.unwrap(), [FindingCode::Backfilled]);
    // 200 kg are aboard, 800 at P's.
    let stock = lot_of(&b, "stock");
    let aboard = stock.balances.iter().find(|p| {
        p.account
            .as_ref()
            .is_some_and(|a| a.kind() == AccountKind::Aboard)
    });
    assert_eq!(aboard.unwrap().gross_mg, 200 * KG);
    assert_eq!(on(&stock, &held('P', "T1")), 800 * KG);
    verified(&b);
}

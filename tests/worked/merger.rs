//! A merger in the middle of a handoff.
//!
//! | who | |
//! |---|---|
//! | P | a plant, makes a tonne of sodium cyanide |
//! | C | a carrier, has 300 kg of it aboard for W |
//! | W | a warehouse, to which two offers stand open |
//! | D | a group: it takes over the plant and the carrier |
//! | M | a mine: it takes over the warehouse |

use hazledger::custody::lot;
use hazledger::pb::event::Body as B;
use hazledger::pb::{Account, FindingCode};

use super::bench::{Bench, party};
use super::{KG, held, lot_of, on, verified};

/// 300 kg on the road and 100 kg at the gate, both offered to W.
fn before() -> Bench {
    let mut b = Bench::new();
    // 1,000 kg at P's T1; 300 kg of it go aboard C, for W: 700 kg are left.
    b.set_up("stock");
    let shipped = b.shipped('C', 'W', "T1", &["stock 300"]);
    b.name("truck", "P1", B::Offered(shipped)).unwrap();
    b.say("C1", B::Accepted(b.accepted("truck", "", &["0 take 300"])))
        .unwrap();
    // At W's gate C offers the load; P has offered 100 kg more from T1.
    let delivered = b.delivered('W', "truck", &["stock 300"]);
    b.name("delivery", "C1", B::Offered(delivered)).unwrap();
    b.name(
        "offer",
        "P1",
        B::Offered(b.offered('W', "T1", &["stock 100"])),
    )
    .unwrap();
    b.now += 60_000;
    b
}

fn merge(b: &mut Bench) {
    for (predecessor, successor) in [('P', 'D'), ('C', 'D'), ('W', 'M')] {
        b.succeed("A1+A2", predecessor, successor).unwrap();
        b.now += 1_000;
    }
}

#[test]
fn offers_and_goods_on_the_road_pass_through_three_mergers() {
    let mut b = before();
    merge(&mut b);
    // Nobody else is let in: the disposer's group is not the taker.
    let code = b
        .say(
            "D1",
            B::Accepted(b.accepted("delivery", "T1", &["0 take 300"])),
        )
        .unwrap_err()
        .code;
    assert_eq!(code, hazledger::pb::RefusalCode::NotTheTaker);

    // D speaks from the road for the carrier it has taken over.
    b.say("D1", B::Reported(b.reported("truck"))).unwrap();

    // M weighs 299.7 kg of the 300: within 0.3 %, so the scales differ by
    // 0.3 kg. The waybill names W; that M takes it is no finding.
    let found = b
        .say(
            "M1",
            B::Accepted(b.accepted("delivery", "T1", &["0 take 299.7"])),
        )
        .unwrap();
    assert_eq!(found, []);

    // D takes over what stands at P's T1 and is not promised: 700 - 100.
    let passed = B::Inherited(b.inherited('P', &["stock T1 T1"]));
    assert_eq!(b.say("D1", passed.clone()).unwrap(), []);
    let stock = lot_of(&b, "stock");
    assert_eq!(on(&stock, &held('D', "T1")), 600 * KG);
    assert_eq!(on(&stock, &held('P', "T1")), 100 * KG);

    // The promise to W is kept to M, whole.
    let taken = B::Accepted(b.accepted("offer", "T1", &["0 take 100"]));
    assert_eq!(b.say("M1", taken).unwrap(), []);

    // 600 at D's, 299.7 + 100 at M's, 0.3 of the scales: 1,000.
    let stock = lot_of(&b, "stock");
    let difference: i64 = stock
        .balances
        .iter()
        .filter(|p| kind(p.account.as_ref()) == hazledger::pb::AccountKind::MeasureDifference)
        .map(|p| p.gross_mg)
        .sum();
    assert_eq!(on(&stock, &held('D', "T1")), 600 * KG);
    assert_eq!(on(&stock, &held('M', "T1")), 399_700_000);
    assert_eq!(difference, 300_000);
    assert_eq!(on(&stock, &held('P', "T1")), 0);
    // Custody has moved, title has only changed its owner's name: all of it
    // was P's and is D's, who can sell what M has.
    assert_eq!(lot::title(&stock, &party('P')), 0);
    assert_eq!(lot::title(&stock, &party('D')), 1_000 * KG);
    b.say("D1+M1", B::Traded(b.traded('M', &["stock 399.7"])))
        .unwrap();
    verified(&b);
}

fn kind(account: Option<&Account>) -> hazledger::pb::AccountKind {
    account.map(Account::kind).unwrap_or_default()
}

#[test]
fn a_successor_takes_back_what_its_predecessor_offered() {
    let mut b = before();
    merge(&mut b);
    // D withdraws P's offer: 100 kg are free again, and pass with the rest.
    b.say("D1", B::Withdrawn(b.withdrawn("offer"))).unwrap();
    b.say("D1", B::Inherited(b.inherited('P', &["stock T1 T2"])))
        .unwrap();
    let stock = lot_of(&b, "stock");
    assert_eq!(on(&stock, &held('D', "T2")), 700 * KG);
    // C's people may still say what has happened; it is found that they do.
    b.say("C1", B::Reported(b.reported("truck")))
        .map(|found| assert_eq!(found, [FindingCode::PartySucceeded]))
        .unwrap();
    // M is taken over in turn, by W's old owner's group: the offer to W, two
    // successions back, is D's to take. It is its own carrier's by then, and
    // so the load simply comes to rest in D's T1.
    b.succeed("A1+A2", 'M', 'D').unwrap();
    b.say(
        "D1",
        B::Accepted(b.accepted("delivery", "T1", &["0 take 300"])),
    )
    .unwrap();
    let stock = lot_of(&b, "stock");
    assert_eq!(on(&stock, &held('D', "T1")), 300 * KG);
    verified(&b);
}

#[test]
fn who_answers_for_waste_is_succeeded_too() {
    let mut b = Bench::new();
    b.set_up("stock");
    // 3 kg of the stock are waste, at P's T1; P answers for it until the end.
    b.name("waste", "P1", B::Wasted(b.wasted("stock 3")))
        .unwrap();
    let answers = |b: &Bench| lot_of(b, "waste").born.unwrap().answerable;
    assert_eq!(answers(&b), party('P'));
    b.succeed("A1+A2", 'P', 'M').unwrap();
    b.say("M1", B::Inherited(b.inherited('P', &["waste T1 T1"])))
        .unwrap();
    assert_eq!(answers(&b), party('M'));
    b.say("M1", B::Disposed(b.disposed("waste 3", "T1")))
        .unwrap();
    verified(&b);
}

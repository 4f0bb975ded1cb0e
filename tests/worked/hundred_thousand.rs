//! A hundred thousand packages cost what their ranges cost: while they stay
//! together, no more than ten would.

use hazledger::custody::{Item, leaf};
use hazledger::pb::event::Body as B;

use super::bench::Bench;
use super::lot_of;
use super::verified;

/// Bytes of live state that a lot takes, as it is kept and digested.
fn weight(b: &Bench) -> usize {
    leaf::encoded(&Item::Lot(lot_of(b, "big"))).len()
}

/// Packs so many bags, moves them, offers them and has them taken over;
/// returns the lot's size after each of these.
fn handled(b: &mut Bench, count: u64) -> [usize; 4] {
    let made = B::Produced(b.produced("big", "2500000", "T1"));
    b.name("big", "P1", made).unwrap();
    let all = format!("1-{count}");
    let goods = format!("big #{all}");
    let packed = B::Packed(b.packed("big", "T1", &all, "25"));
    b.say("P1", packed).unwrap();
    let after_packing = weight(b);
    b.say("P1", B::Moved(b.moved(&goods, "T1", "T2"))).unwrap();
    let after_moving = weight(b);
    let offer = B::Offered(b.offered('W', "T2", &[&goods]));
    b.name("out", "P1", offer).unwrap();
    let after_offering = weight(b);
    let taken = B::Accepted(b.accepted("out", "T1", &[&format!("0 take #{all}")]));
    b.say("W1", taken).unwrap();
    [after_packing, after_moving, after_offering, weight(b)]
}

#[test]
fn a_hundred_thousand_packages_that_stay_together_cost_no_more_than_ten() {
    let few = handled(&mut Bench::new(), 10);
    let mut b = Bench::new();
    let many = handled(&mut b, 100_000);
    for (many, few) in many.into_iter().zip(few) {
        assert!(many < 2_048, "{many} bytes");
        // Only the numbers themselves are longer.
        assert!(many < few + 64, "{many} bytes for many, {few} for few");
    }
    // It grows with the ranges: every hundredth bag is moved away.
    let before = weight(&b);
    let mut ranges = lot_of(&b, "big").packages.len();
    assert_eq!(ranges, 1);
    for n in 1..=20u64 {
        let moved = B::Moved(b.moved(&format!("big #{}", 100 * n), "T1", "T2"));
        b.say("W1", moved).unwrap();
    }
    ranges = lot_of(&b, "big").packages.len();
    assert_eq!(ranges, 41);
    let each = (weight(&b) - before) / 40;
    assert!((50..150).contains(&each), "{each} bytes a range");
    // And shrinks again with them.
    for n in 1..=20u64 {
        let back = B::Moved(b.moved(&format!("big #{}", 100 * n), "T2", "T1"));
        b.say("W1", back).unwrap();
    }
    assert_eq!(lot_of(&b, "big").packages.len(), 1);
    assert!(weight(&b) < before + 8);
    verified(&b);
}

//! A thousand drums, of which one is missing at a count.
//!
//! Solid sodium cyanide of 98 % in drums of 50 kg; kilograms of gross:
//!
//! | | warehouse W | missing | live ranges |
//! |---|---|---|---|
//! | W takes over drums 1 to 1,000 | 50,000 | | 1 |
//! | W counts: 1 to 436 and 438 to 700 scanned; 701 to 1,000 assumed, on whole pallets | 49,950 | 50 (drum 437) | 3 |
//! | drum 437 turns up behind a rack of T2 | 50,000 | | 3 |
//! | it is put back to the others | 50,000 | | 1 |

use hazledger::pb::event::Body as B;
use hazledger::pb::{AccountKind, FindingCode, PackageState as S};

use super::bench::{Bench, HOUR};
use super::{booked, content, gone, held, lot_of, verified};

const KG: i64 = 1_000_000;

/// W has a thousand drums of the lot `big`.
fn a_thousand_drums(b: &mut Bench) {
    let made = B::Produced(b.produced("big", "50000", "T1"));
    b.name("big", "P1", made).unwrap();
    let packed = B::Packed(b.packed("big", "T1", "1-1000", "50"));
    b.say("P1", packed).unwrap();
    let offer = B::Offered(b.offered('W', "T1", &["big #1-1000"]));
    b.name("out", "P1", offer).unwrap();
    let taken = B::Accepted(b.accepted("out", "T1", &["0 take #1-1000 check 50010"]));
    assert_eq!(
        b.say("W1", taken).unwrap(),
        [],
        "within 0.3 % of the labels"
    );
}

#[test]
fn one_of_a_thousand_drums_is_missing_and_comes_back() {
    let mut b = Bench::new();
    a_thousand_drums(&mut b);
    let lot = lot_of(&b, "big");
    assert_eq!(booked(&lot, &held('W', "T1")), (50_000 * KG, 49_000 * KG));
    assert_eq!(lot.packages.len(), 1);

    // The count: by scanner, and whole pallets by their wrapping.
    b.now += HOUR;
    let counted = B::Counted(b.counted("big", "T1", "0mg", "1-436,438-700", "701-1000"));
    assert_eq!(b.say("W1", counted).unwrap(), [FindingCode::CountShort]);
    let lot = lot_of(&b, "big");
    assert_eq!(booked(&lot, &held('W', "T1")), (49_950 * KG, 48_951 * KG));
    assert_eq!(gone(&lot, AccountKind::Missing), (50 * KG, 49 * KG));
    assert_eq!(lot.packages.len(), 3);

    // A second count finds the same, and nothing more is missing.
    b.now += HOUR;
    let again = B::Counted(b.counted("big", "T1", "0mg", "1-436,438-1000", ""));
    assert_eq!(b.say("W1", again).unwrap(), []);
    assert_eq!(lot_of(&b, "big").packages, lot.packages);

    // It turns up, and is put back.
    b.now += HOUR;
    b.say("W1", B::Recovered(b.recovered("big #437", "T2")))
        .unwrap();
    let lot = lot_of(&b, "big");
    assert_eq!(gone(&lot, AccountKind::Missing), (0, 0));
    assert_eq!(
        content(&lot, 437),
        (50 * KG, 49 * KG, S::Full, held('W', "T2"))
    );
    b.say("W1", B::Moved(b.moved("big #437", "T2", "T1")))
        .unwrap();
    let lot = lot_of(&b, "big");
    assert_eq!(booked(&lot, &held('W', "T1")), (50_000 * KG, 49_000 * KG));
    assert_eq!(lot.packages.len(), 1);
    verified(&b);
}

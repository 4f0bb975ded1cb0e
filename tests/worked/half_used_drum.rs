//! A drum is opened, half used, returned and repacked.
//!
//! Solid sodium cyanide of 98 %; kilograms, gross / contained:
//!
//! | | plant P | mine M | used | lost |
//! |---|---|---|---|---|
//! | P makes 1,000 and packs 500 in drums 1 to 10 | 1,000 / 980 | | | |
//! | M takes drum 1 | 950 / 931 | 50 / 49 | | |
//! | M doses 25 out of it; drum 1 is open | 950 / 931 | 25 / 24.5 | 25 / 24.5 | |
//! | M sends drum 1 back | 975 / 955.5 | | 25 / 24.5 | |
//! | P repacks drum 1 with 5 out of drum 2: drum 11 of 29.9 | 974.9 / 955.402 | | 25 / 24.5 | 0.1 / 0.098 |
//! | P has drum 1 rinsed and shredded | 974.9 / 955.402 | | 25 / 24.5 | 0.1 / 0.098 |

use hazledger::pb::event::Body as B;
use hazledger::pb::{AccountKind, PackageState as S, PackagingTreatment as T, SerialRange};

use super::bench::{Bench, HOUR};
use super::{booked, content, gone, held, lot_of, verified};

const KG: i64 = 1_000_000;
const G: i64 = 1_000;

#[test]
fn a_half_used_drum_comes_back_and_is_repacked() {
    let mut b = Bench::new();
    b.set_up("stock drums");

    // M takes drum 1.
    let offer = B::Offered(b.offered('M', "T1", &["stock #1"]));
    b.name("out", "P1", offer).unwrap();
    let taken = B::Accepted(b.accepted("out", "T1", &["0 take #1"]));
    b.say("M1", taken).unwrap();
    let lot = lot_of(&b, "stock");
    assert_eq!(booked(&lot, &held('P', "T1")), (950 * KG, 931 * KG));
    assert_eq!(
        content(&lot, 1),
        (50 * KG, 49 * KG, S::Full, held('M', "T1"))
    );

    // M doses half of it.
    b.now += HOUR;
    let dosed = B::Used(b.used("stock ~1:25", "T1"));
    b.say("M1", dosed).unwrap();
    let lot = lot_of(&b, "stock");
    let half = (25 * KG, 24_500 * G, S::Open, held('M', "T1"));
    assert_eq!(content(&lot, 1), half);
    assert_eq!(gone(&lot, AccountKind::Used), (25 * KG, 24_500 * G));

    // The rest goes back, in the drum it is in.
    b.now += HOUR;
    let back = B::Offered(b.offered('P', "T1", &["stock #1"]));
    b.name("back", "M1", back).unwrap();
    let taken = B::Accepted(b.accepted("back", "T1", &["0 take #1 check 25"]));
    assert_eq!(b.say("P1", taken).unwrap(), []);
    let lot = lot_of(&b, "stock");
    assert_eq!(booked(&lot, &held('M', "T1")), (0, 0));
    assert_eq!(booked(&lot, &held('P', "T1")), (975 * KG, 955_500 * G));

    // With 5 kg out of drum 2 it makes drum 11; 0.1 kg is dust.
    b.now += HOUR;
    let repacked = B::Repacked(b.repacked("stock #1 ~2:5", "11", "29.9", "0.1"));
    b.say("P1", repacked).unwrap();
    let lot = lot_of(&b, "stock");
    let fresh = (29_900 * G, 29_302 * G, S::Full, held('P', "T1"));
    assert_eq!(content(&lot, 11), fresh);
    assert_eq!(content(&lot, 1), (0, 0, S::Empty, held('P', "T1")));
    let opened = (45 * KG, 44_100 * G, S::Open, held('P', "T1"));
    assert_eq!(content(&lot, 2), opened);
    assert_eq!(booked(&lot, &held('P', "T1")), (974_900 * G, 955_402 * G));
    assert_eq!(gone(&lot, AccountKind::ProcessLoss), (100 * G, 98 * G));

    // The empty drum is rinsed and shredded; its number never comes again.
    b.now += HOUR;
    for treatment in [T::Cleaned, T::Destroyed] {
        let treated = b.treated("stock", "T1", "1", treatment);
        b.say("P1", B::PackagingTreated(treated)).unwrap();
    }
    let lot = lot_of(&b, "stock");
    assert_eq!(lot.ended, [SerialRange { first: 1, last: 1 }]);
    let again = b.say("P1", B::Packed(b.packed("stock", "T1", "1", "50")));
    assert_eq!(
        hazledger::event::codes::name(again.unwrap_err().code),
        "SERIALS_EXIST"
    );
    verified(&b);
}

//! A tank that was drawn empty by the books, and was not.
//!
//! 1000 kg of sodium cyanide, of which 400 are poured into a tank. All 400 are
//! drawn; then it is found that the draw was 390, and 10 stand in the tank:
//!
//! | | T1 | tank | drawn |
//! |---|---|---|---|
//! | poured 400 | 600 | 400 | |
//! | drawn 400 | 600 | 0 | 400 |
//! | **it was 390** | 600 | 10 | 390 |
//!
//! Whoever recalls the lot finds all 1000 of it.

use hazledger::event::LotId;
use hazledger::pb::event::Body as B;
use hazledger::projection::genealogy::descendants;

use super::bench::{Bench, HOUR};
use super::corrected_production::Journal;
use super::verbs::{mg, restating};

#[test]
fn what_is_found_left_in_a_tank_is_found_by_whoever_looks_for_it() {
    let mut b = Bench::new();
    b.set_up("stock tanks");
    let poured = b.filled("stock 400", "T1", "V1");
    b.name("poured", "P1", B::Filled(poured)).unwrap();
    b.now += HOUR;
    let drawn = b.drawn("V1", "400", "T2");
    b.name("drawn", "P1", B::Drawn(drawn)).unwrap();
    b.now += HOUR;
    let drawn = b.drawn("V1", "390", "T2");
    b.say("P1", restating(b.corrected("drawn", B::Drawn(drawn))))
        .unwrap();

    let lot = LotId::from_slice(&b.id("stock")).unwrap();
    let found = descendants(&b.state, &Journal(&b), lot, b.state.next()).unwrap();
    let held: Vec<(String, i64)> = found
        .held
        .iter()
        .map(|h| (h.account.clone().unwrap().place, h.share_mg))
        .collect();
    let share = |place: &str| -> i64 {
        let there = held.iter().filter(|(at, _)| at == place);
        there.map(|(_, share)| share).sum()
    };
    assert_eq!(
        (share("T1"), share("V1"), share("T2")),
        (mg("600"), mg("10"), mg("390")),
        "{held:?}"
    );
}

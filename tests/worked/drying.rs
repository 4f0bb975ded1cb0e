//! Nitrocellulose that dries in store. 1,000 kg with 30 % of water (UN 2555,
//! critical quantity 50 t by GB 18218-2018) lose water through a loose lid:
//! the laboratory finds 22 % of water and 78 % of dry NC, the scale 897.5 kg.
//! It is UN 0340 from now on, 1.1D, critical quantity 1 t.
//!
//! | | gross kg | contained NC kg |
//! |---|---|---|
//! | produced, 70 % | 1,000 | 700 |
//! | evaporated | - 102.5 | |
//! | found by assay: 897.5 × 78 % = 700.05 | | + 0.05 |
//! | wetted again with 102.5 of water | 1,000 | 700.05 |

use hazledger::catalog;
use hazledger::pb::event::Body as B;
use hazledger::pb::{AccountKind, Assayed, FindingCode, NewLot, Produced};

use super::bench::Bench;
use super::verbs::kg;
use super::{KG, account, held, in_hand, lot, lot_of, on, verified};

#[test]
fn nitrocellulose_that_dries_has_a_fiftieth_of_the_critical_quantity() {
    let mut b = Bench::new();
    let wet = NewLot {
        form: "NC-2555".into(),
        content_ppm: 700_000,
        ..b.lot("NC", "1000", "T1")
    };
    let produced = Produced { lot: Some(wet) };
    b.name("NC", "P1", B::Produced(produced)).unwrap();
    let dried = Assayed {
        wetting_ppm: Some(220_000),
        nitrogen_ppm: Some(121_000),
        temperature_milli_c: Some(31_500),
        weighed: kg("897.5"),
        ..b.assayed("NC", 780_000)
    };
    let found = b.say("P1", B::Assayed(dried)).unwrap();
    assert_eq!(found, [FindingCode::FormChanged]);

    let state = lot_of(&b, "NC");
    assert_eq!(lot::form(&state), "NC-0340");
    let q = |form: &str| catalog::form(form).unwrap().critical_quantity_mg;
    assert_eq!(q("NC-2555"), Some(50_000 * KG));
    assert_eq!(q("NC-0340"), Some(1_000 * KG));
    assert_eq!(on(&state, &held('P', "T1")), 897_500_000);
    assert_eq!(in_hand(&b, "NC").contained, 700_050_000);
    let plain = |kind| lot::balance(&state, &account::plain(kind));
    assert_eq!(plain(AccountKind::ProcessLoss).gross, 102_500_000);
    assert_eq!(plain(AccountKind::Found).contained, -50_000);
    assert_eq!(state.assayed_at_ms, state.latest_happened_at_ms);

    // Wetted again it is another lot: a transformation, with water as inert.
    let mut wetted = b.transformed("NC 897.5", "102.5", "1000");
    wetted.outputs = vec![NewLot {
        form: "NC-2555".into(),
        content_ppm: 700_050,
        ..wetted.outputs[0].clone()
    }];
    b.name("wet again", "P1", B::Transformed(wetted)).unwrap();
    assert_eq!(in_hand(&b, "wet again").contained, 700_050_000);
    assert_eq!(lot::form(&lot_of(&b, "wet again")), "NC-2555");
    verified(&b);
}

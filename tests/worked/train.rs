//! A train across the border.
//!
//! | what | where | kg |
//! |---|---|---|
//! | imported from Russia, arrived at customs | M's yard, 满洲里 | 60,000 |
//! | loaded into two wagons of 1520 mm | aboard | 60,000 |
//! | held by customs: may not be handed over | aboard | 60,000 |
//! | gauge change: two wagons into three of China's | aboard | 60,000 |
//! | released, delivered to the warehouse W | W's T1 | 59,970 |
//! | the scales differ by 0.05 % | measure difference | 30 |
//!
//! 60,000 = 59,970 + 30. Content 98 %: 58,800 = 58,770.6 + 29.4.

use hazledger::custody::state::nowhere;
use hazledger::custody::{Items as _, State, subject};
use hazledger::event::ConsignmentId;
use hazledger::event::record::OpenRecord;
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    Accepted, AccountKind, ConsignmentState, CustomsDirection, CustomsReported, CustomsStatus,
    DifferenceBy, FindingCode, Imported, Measure, RefusalCode, Relayed, WagonTransfer, item::Item,
};
use hazledger::projection::differences::{self, Differences};
use hazledger::projection::{Folded, Standing, Store, View as _, Writes};

use super::bench::{Answer, Bench, party};
use super::verbs::{measure, mg};
use super::{lot_of, of_kind, verified};

const ENTRY: &str = "0601-2026-000117";

fn customs(b: &mut Bench, keys: &str, status: CustomsStatus) -> Answer {
    let word = CustomsReported {
        lot: b.id("lot"),
        direction: CustomsDirection::Import.into(),
        customs_entry: ENTRY.into(),
        status: status.into(),
        office: "满洲里海关".into(),
        documents: Vec::new(),
    };
    b.now += 60_000;
    b.say(keys, B::CustomsReported(word))
}

fn train(b: &Bench) -> ConsignmentState {
    let id = ConsignmentId::from_slice(&b.id("train")).unwrap();
    match b.state.get(&subject::consignment(id)).unwrap().as_ref() {
        Item::Consignment(consignment) => consignment.clone(),
        other => panic!("{other:?}"),
    }
}

fn transfer(from: &str, to: &str, seal: &str) -> WagonTransfer {
    WagonTransfer {
        from: from.into(),
        to: to.into(),
        seals: vec![seal.into()],
    }
}

#[test]
fn a_train_crosses_the_border_in_other_wagons_and_waits_for_customs() {
    let mut b = Bench::new();
    // M imports 60 t at 满洲里; they have arrived, nobody holds them.
    let imported = Imported {
        country: "RU".into(),
        customs_entry: ENTRY.into(),
        customs_status: CustomsStatus::Arrived.into(),
        ..b.imported("import", "60000", "T1")
    };
    assert_eq!(b.name("lot", "M1", B::Imported(imported)), Ok(vec![]));
    // The railway C takes them, under one consignment note.
    let offered = b.by_rail('C', 'W', "T1", &["lot 60000"]);
    assert_eq!(b.name("train", "M1", B::Offered(offered)), Ok(vec![]));
    let taken = b.accepted("train", "", &["0 take 60000"]);
    assert_eq!(b.say("C1", B::Accepted(taken)), Ok(vec![]));
    assert_eq!(train(&b).wagons, ["45488855", "52051232"]);

    // Customs hold them: they are not handed over, not even offered.
    let held = customs(&mut b, "A1", CustomsStatus::Held);
    assert_eq!(held, Ok(vec![FindingCode::CustomsHeld]));
    let delivery = b.delivered('W', "train", &["lot 60000"]);
    let refused = b.say("C1", B::Offered(delivery.clone())).unwrap_err();
    assert_eq!(refused.code, RefusalCode::HeldByCustoms);

    // The gauge changes meanwhile: two wagons into three, one note.
    let relayed = Relayed {
        wagons: vec![
            transfer("45488855", "1673024", "Z-1"),
            transfer("45488855", "1673025", "Z-2"),
            transfer("52051232", "1673026", "Z-3"),
        ],
        ..b.gauge_changed("train")
    };
    assert_eq!(b.say("C1", B::Relayed(relayed)), Ok(vec![]));
    let state = train(&b);
    assert_eq!(state.wagons, ["1673024", "1673025", "1673026"]);
    assert_eq!(state.seals, ["Z-1", "Z-2", "Z-3"]);
    assert_eq!(state.station, "满洲里");
    assert_eq!(state.carriage.unwrap().waybill, "SMGS-4711");

    // The importer cannot release what customs hold; they can.
    let own = customs(&mut b, "M1", CustomsStatus::Released).unwrap_err();
    assert_eq!(own.code, RefusalCode::AuthorityRequired);
    assert_eq!(customs(&mut b, "A1", CustomsStatus::Released), Ok(vec![]));

    // W weighs 30 kg less, within the scales' 0.3 %.
    assert_eq!(b.name("delivery", "C1", B::Offered(delivery)), Ok(vec![]));
    let mut taken: Accepted = b.accepted("delivery", "T1", &["0 take 59970"]);
    taken.lines[0].accepted.as_mut().unwrap().measure = Some(Measure {
        instrument: "scale 7".into(),
        ..measure("59970")
    });
    assert_eq!(b.say("W1", B::Accepted(taken)), Ok(vec![]));
    assert!(train(&b).closed);
    let held = (mg("59970"), mg("58770.6"));
    assert_eq!(of_kind(&b, "lot", AccountKind::Held), held);
    let scales = (mg("30"), mg("29.4"));
    assert_eq!(of_kind(&b, "lot", AccountKind::MeasureDifference), scales);
    assert_eq!(
        of_kind(&b, "lot", AccountKind::Imported),
        (-mg("60000"), -mg("58800"))
    );
    assert_eq!(lot_of(&b, "lot").titles[0].party, party('M'));

    // Who asks for differences sees them: 30 of 60,000 kg by W's scale 7, at
    // its site, out of the wagons that brought them; nothing at the loading.
    let folder = tempfile::tempdir().unwrap();
    let store = differences_of(&b, folder.path());
    let (c, w) = (party('C'), party('W'));
    let told = [
        (DifferenceBy::Instrument, format!("{w}/scale 7"), 1, "60000"),
        (DifferenceBy::Site, format!("{w}/S"), 1, "60000"),
        (DifferenceBy::Vehicle, "1673026".to_owned(), 1, "60000"),
        (DifferenceBy::Carrier, c, 2, "120000"),
    ];
    for (by, key, lines, offered) in told {
        let rows = differences::rows(&store.reading(), by, "", 10).unwrap();
        let row = rows.iter().find(|row| row.key == key).unwrap();
        assert_eq!(
            (row.lines, row.offered_mg.as_str()),
            (lines, mg(offered).to_string().as_str())
        );
        assert_eq!(row.difference_mg, mg("30").to_string(), "{key}");
    }
    let wagons = differences::rows(&store.reading(), DifferenceBy::Vehicle, "", 10).unwrap();
    let loaded = wagons.iter().find(|row| row.key == "45488855").unwrap();
    assert_eq!(loaded.difference_mg, "0");
    verified(&b);
}

/// The view of differences, folded from the records as the projector does.
fn differences_of(b: &Bench, folder: &std::path::Path) -> Store {
    let store = Store::open(folder).unwrap();
    let mut view = Differences::default();
    let mut state = State::new();
    let mut writes = Writes::default();
    for (sealed, _) in &b.records {
        let record = OpenRecord::open(&sealed.bytes).unwrap();
        let items = state.apply(&record, &mut nowhere).unwrap();
        view.fold(&Folded { record, items }, &mut writes);
    }
    view.finish(state.next(), &mut writes);
    let standing = Standing {
        next: state.next(),
        ..Standing::default()
    };
    store.apply(writes, standing).unwrap();
    store
}

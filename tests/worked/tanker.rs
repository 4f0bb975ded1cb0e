//! A road tank delivers 30 % sodium cyanide solution to three mines, on top of
//! the heel of its last run, and one mine's scale reads 0.4 % low.
//!
//! | | gross kg |
//! |---|---|
//! | first run: loaded | 10,000 |
//! | dropped at M | - 9,800 |
//! | heel, stays in the tank when the consignment closes | 200 |
//! | second run: loaded on top | 24,000 |
//! | dropped at M; its scale says 8,000 | - 8,000 |
//! | dropped at W; its scale says 7,968, 0.4 % low | - 8,000 |
//! | dropped at D; its scale says 8,004 | - 8,000 |
//! | heel | 200 |
//!
//! The tolerance is 0.3 %, 24 kg of 8,000: D's 4 kg are the scales', W's 32 kg
//! a dispute, until both agree that it is W's scale.

use hazledger::pb::event::Body as B;
use hazledger::pb::{AccountKind, FindingCode, SettlementCause, VesselKind};

use super::bench::Bench;
use super::tanks::vessel;
use super::{KG, forward, held, in_hand, lot_of, on, solution, verified};

/// P makes a lot, C takes it aboard and pumps it into its road tank.
fn load(b: &mut Bench, lot: &str, mass: &str, truck: &str) {
    let produced = solution(b, lot, mass, 300_000);
    b.name(lot, "P1", B::Produced(produced)).unwrap();
    let line = format!("{lot} {mass}");
    let shipped = b.shipped('C', 'M', "T1", &[&line]);
    b.name(truck, "P1", B::Offered(shipped)).unwrap();
    let accepted = b.accepted(truck, "", &[&format!("0 take {mass}")]);
    b.say("C1", B::Accepted(accepted)).unwrap();
    let pumped = b.filled_aboard(&line, truck, "V2");
    let name = format!("running-of-{truck}");
    b.name(&name, "C1", B::Filled(pumped)).unwrap();
}

/// So much is drawn for a mine, whose scale says something of it. Returns the
/// findings of its acceptance.
fn drop_off(
    b: &mut Bench,
    truck: &str,
    name: &str,
    mine: char,
    [drawn, weighed]: [&str; 2],
) -> Vec<FindingCode> {
    b.name(name, "C1", B::Drawn(b.drawn("V2", drawn, "")))
        .unwrap();
    let offer = format!("offer-of-{name}");
    let delivered = b.delivered(mine, truck, &[&format!("{name} {drawn}")]);
    b.name(&offer, "C1", B::Offered(delivered)).unwrap();
    let accepted = b.accepted(&offer, "T1", &[&format!("0 take {weighed}")]);
    let taken = format!("{name}-taken");
    b.name(&taken, &format!("{mine}1"), B::Accepted(accepted))
        .unwrap()
}

/// What a lot has on accounts of a kind.
fn between(b: &Bench, lot: &str, kind: AccountKind) -> i64 {
    let state = lot_of(b, lot);
    let balances = state.balances.iter();
    let of_kind = balances.filter(|p| p.account.as_ref().unwrap().kind() == kind);
    of_kind.map(|p| p.gross_mg).sum()
}

#[test]
fn a_truck_delivers_to_three_mines_on_top_of_its_heel_and_one_scale_is_low() {
    let mut b = Bench::new();
    let truck = vessel('C', "V2", VesselKind::RoadTank);
    b.say("C1", B::PlaceRegistered(truck)).unwrap();

    // First run: the heel stays.
    load(&mut b, "old", "10000", "run-1");
    let found = drop_off(&mut b, "run-1", "first", 'M', ["9800", "9800"]);
    assert_eq!(found, []);
    b.say("C1", B::Reported(b.unloaded("run-1"))).unwrap();
    let running = lot_of(&b, "running-of-run-1");
    assert_eq!(on(&running, &held('C', "V2")), 200 * KG);

    // Second run: 24 t on top of it; the same running lot goes on, aboard.
    load(&mut b, "new", "24000", "run-2");
    let running = lot_of(&b, "running-of-run-1");
    let mut parts: Vec<i64> = running.blend.iter().map(|p| p.gross_mg / KG).collect();
    parts.sort_unstable();
    assert_eq!(parts, [200, 24_000]);
    assert_eq!(
        on(&running, &held('C', "V2")),
        0,
        "the heel went aboard too"
    );

    // W and D are not the waybill's consignee: drops on the way, told as that.
    let elsewhere = FindingCode::GoodsAboardNotConsignedHere;
    let at_m = drop_off(&mut b, "run-2", "at-M", 'M', ["8000", "8000"]);
    let at_w = drop_off(&mut b, "run-2", "at-W", 'W', ["8000", "7968"]);
    let at_d = drop_off(&mut b, "run-2", "at-D", 'D', ["8000", "8004"]);
    assert_eq!(at_m, []);
    assert_eq!(at_w, [FindingCode::ShortDelivery, elsewhere]);
    assert_eq!(at_d, [elsewhere]);
    b.say("C1", B::Reported(b.unloaded("run-2"))).unwrap();

    // What each has: by its own scale. What the scales differ by has a name.
    let has = |lot: &str, mine: char| on(&lot_of(&b, lot), &held(mine, "T1"));
    assert_eq!(has("at-M", 'M'), 8_000 * KG);
    assert_eq!(has("at-W", 'W'), 7_968 * KG);
    assert_eq!(has("at-D", 'D'), 8_004 * KG);
    let difference = AccountKind::MeasureDifference;
    assert_eq!(between(&b, "at-D", difference), -4 * KG);
    assert_eq!(between(&b, "at-W", AccountKind::Disputed), 32 * KG);

    // The heel is 200 kg again, of both loads as they were mixed.
    let running = lot_of(&b, "running-of-run-1");
    assert_eq!(on(&running, &held('C', "V2")), 200 * KG);
    let parts = running.blend.iter().map(|p| p.gross_mg);
    assert_eq!(parts.sum::<i64>(), 200 * KG);
    assert_eq!(in_hand(&b, "running-of-run-1").gross, 200 * KG);

    // Carrier and mine agree: it was W's scale.
    let settled = b.settled("at-W-taken", SettlementCause::Scale, "32");
    b.say("C1+W1", B::Settled(settled)).unwrap();
    assert_eq!(between(&b, "at-W", AccountKind::Disputed), 0);
    assert_eq!(between(&b, "at-W", difference), 32 * KG);

    // A little of the first load is at every mine: 200 of 24,200 parts of 8 t.
    let found = forward(&b, "old");
    for mine in ['M', 'W', 'D'] {
        let at = Some(held(mine, "T1"));
        let here = found.held.iter().filter(|h| h.account == at);
        assert!(here.map(|h| h.share_mg).sum::<i64>() > 65 * KG, "{mine}");
    }
    verified(&b);
}

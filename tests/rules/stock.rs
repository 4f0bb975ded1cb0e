//! Stock that breaks a rule wherever it came from: what a unit is designed for,
//! what a permit says, what may not stand side by side, how much may stand in
//! one place. All facts: recorded, with a finding. The day before and the day
//! after, the smallest that is too much, and nothing for what goes away.

use hazledger::pb::event::Body as B;
use hazledger::pb::{
    DesignMaximum, MassBasis, PermitKind, PermitRegistered, PermitStatus, PlaceRegistered,
    RuleKind as K, RuleLine, RuleMode, UnitRegistered,
};

use super::bench::{Answer, Bench, event, hash, place, unit};
use super::rulebook::{permit, rule};
use super::table::Case;
use super::verbs::{mg, restating};

use RuleMode::{Find, Off, Refuse};

fn limited(kind: K, substances: &str, limit: i64) -> RuleLine {
    RuleLine {
        limit,
        ..rule(kind, Refuse, substances)
    }
}

/// A unit of a party is designed for so much cyanide.
fn designed(b: &mut Bench, letter: char, mass: &str) {
    let e = UnitRegistered {
        design_maxima: vec![DesignMaximum {
            substance: "NACN".into(),
            gross_mg: mg(mass),
        }],
        ..unit(letter)
    };
    b.say("A1", B::UnitRegistered(e)).unwrap();
}

/// The plant's unit is, and the rule holds.
fn maximum(b: &mut Bench, mass: &str) {
    designed(b, 'P', mass);
    b.publish(vec![limited(K::DesignMaximum, "NACN", 0)])
        .unwrap();
}

fn make(b: &mut Bench, mass: &str, at: &str) -> Answer {
    let e = b.produced("more", mass, at);
    b.name("more", "P1", B::Produced(e))
}

fn make_of(b: &mut Bench, form: &str, mass: &str, at: &str) -> Answer {
    let mut e = b.produced("other", mass, at);
    if let Some(lot) = &mut e.lot {
        lot.form = form.into();
    }
    b.name("other", "P1", B::Produced(e))
}

fn move_it(b: &mut Bench, goods: &str) -> Answer {
    let e = b.moved(goods, "T1", "T2");
    b.say("P1", B::Moved(e))
}

fn use_it(b: &mut Bench, goods: &str) -> Answer {
    let e = b.used(goods, "T1");
    b.say("P1", B::Used(e))
}

/// The warehouse takes what it was offered, 100 kg.
fn take(b: &mut Bench) -> Answer {
    let e = b.accepted("offer", "T1", &["0 take 100"]);
    b.say("W1", B::Accepted(e))
}

/// A place of the plant is in another unit, or in none.
fn rehouse(b: &mut Bench, code: &str, unit_code: &str) -> Answer {
    let e = PlaceRegistered {
        unit: unit_code.into(),
        ..place('P', code)
    };
    b.say("A1", B::PlaceRegistered(e))
}

fn second_unit(b: &mut Bench, mass: &str) {
    let e = UnitRegistered {
        unit: "V".into(),
        design_maxima: vec![DesignMaximum {
            substance: "NACN".into(),
            gross_mg: mg(mass),
        }],
        ..unit('P')
    };
    b.say("A1", B::UnitRegistered(e)).unwrap();
}

#[rustfmt::skip]
pub const DESIGN: &[Case] = &[
    // 1,000 kg stand in T1 of the unit.
    ("stock", |b| { maximum(b, "1500"); make(b, "500", "T1") }, "ok"),
    ("stock", |b| { maximum(b, "1500"); make(b, "500.000001", "T1") }, "ok DESIGN_MAXIMUM_EXCEEDED"),
    ("stock", |b| { maximum(b, "1500"); make(b, "500.000001", "T2") }, "ok DESIGN_MAXIMUM_EXCEEDED"),
    // What only moves within it, or leaves it, is no more than before.
    ("stock", |b| { maximum(b, "900"); move_it(b, "stock 10") }, "ok"),
    ("stock", |b| { maximum(b, "900"); use_it(b, "stock 10") }, "ok"),
    // Two events of one statement count together.
    ("stock", |b| { maximum(b, "1500"); let (one, two) = (b.produced("a", "300", "T1"), b.produced("b", "200.000001", "T2")); b.say_all("P1", vec![event(B::Produced(one)), event(B::Produced(two))]) }, "ok DESIGN_MAXIMUM_EXCEEDED"),
    // A tolerance, in parts per million of the maximum.
    ("stock", |b| { designed(b, 'P', "1500"); b.publish(vec![limited(K::DesignMaximum, "", 10_000)]).unwrap(); make(b, "515", "T1") }, "ok"),
    ("stock", |b| { designed(b, 'P', "1500"); b.publish(vec![limited(K::DesignMaximum, "", 10_000)]).unwrap(); make(b, "515.000001", "T1") }, "ok DESIGN_MAXIMUM_EXCEEDED"),
    // Each substance by itself; what nobody has set a maximum for has none.
    ("stock", |b| { maximum(b, "1500"); make_of(b, "AN-1942", "9000", "T1") }, "ok"),
    // The forms of a substance count together.
    ("stock", |b| { maximum(b, "1500"); make_of(b, "NACN-3414", "500", "T1") }, "ok"),
    ("stock", |b| { maximum(b, "1500"); make_of(b, "NACN-3414", "500.000001", "T1") }, "ok DESIGN_MAXIMUM_EXCEEDED"),
    // The day before it holds, the day after, and where it is off.
    ("stock", |b| { designed(b, 'P', "900"); b.publish_from(b.now + 1, vec![limited(K::DesignMaximum, "", 0)]).unwrap(); make(b, "1", "T1") }, "ok"),
    ("stock", |b| { designed(b, 'P', "900"); b.publish_from(b.now, vec![limited(K::DesignMaximum, "", 0)]).unwrap(); make(b, "1", "T1") }, "ok DESIGN_MAXIMUM_EXCEEDED"),
    ("stock", |b| { designed(b, 'P', "900"); b.publish(vec![rule(K::DesignMaximum, Off, "")]).unwrap(); make(b, "1", "T1") }, "ok"),
    ("stock", |b| { designed(b, 'P', "900"); b.publish(vec![rule(K::DesignMaximum, Find, "AN")]).unwrap(); make(b, "1", "T1") }, "ok"),
    // At the gate: what is there must be taken in. Offered goods stay in the
    // load of their unit until then, and none is found for offering.
    ("stock", |b| { maximum(b, "900"); let e = b.offered('W', "T1", &["stock 100"]); b.name("offer", "P1", B::Offered(e)) }, "ok"),
    ("stock offer", |b| { designed(b, 'W', "100"); b.publish(vec![limited(K::DesignMaximum, "", 0)]).unwrap(); take(b) }, "ok"),
    ("stock offer", |b| { designed(b, 'W', "99.999999"); b.publish(vec![limited(K::DesignMaximum, "", 0)]).unwrap(); take(b) }, "ok DESIGN_MAXIMUM_EXCEEDED"),
    // Found by a count, brought back by a correction.
    ("stock", |b| { maximum(b, "1000"); let e = b.counted("stock", "T1", "1000.5", "", ""); b.say("P1", B::Counted(e)) }, "ok DESIGN_MAXIMUM_EXCEEDED"),
    ("stock", |b| { maximum(b, "1000"); let e = b.corrected("stock", B::Produced(b.produced("stock", "1000.000001", "T1"))); b.say("P1", restating(e)) }, "ok DESIGN_MAXIMUM_EXCEEDED"),
    // A place that is put into another unit takes along what stands in it.
    ("stock", |b| { maximum(b, "900"); second_unit(b, "1000"); rehouse(b, "T1", "V") }, "ok"),
    ("stock", |b| { maximum(b, "900"); second_unit(b, "999.999999"); rehouse(b, "T1", "V") }, "ok DESIGN_MAXIMUM_EXCEEDED"),
    ("stock", |b| { maximum(b, "900"); second_unit(b, "1000"); rehouse(b, "T1", "V").unwrap(); make(b, "900", "T2") }, "ok"),
    ("stock", |b| { maximum(b, "900"); second_unit(b, "1000"); rehouse(b, "T1", "V").unwrap(); make(b, "900.000001", "T2") }, "ok DESIGN_MAXIMUM_EXCEEDED"),
    ("stock", |b| { maximum(b, "900"); rehouse(b, "T1", "").unwrap(); make(b, "900", "T2") }, "ok"),
    ("stock", |b| { maximum(b, "900"); rehouse(b, "T1", "").unwrap(); rehouse(b, "T1", "U") }, "ok DESIGN_MAXIMUM_EXCEEDED"),
];

/// The plant's permit to have so much.
fn permitted(b: &mut Bench, mass: &str, change: impl FnOnce(&mut PermitRegistered)) {
    let mut e = permit('P', "N-1", PermitKind::SafeUse);
    e.quantity_mg = mg(mass);
    change(&mut e);
    b.say("A1", B::PermitRegistered(e)).unwrap();
    let line = RuleLine {
        permits: vec![PermitKind::SafeUse.into()],
        ..limited(K::StoredQuantity, "NACN", 0)
    };
    b.publish(vec![line]).unwrap();
}

#[rustfmt::skip]
pub const STORED: &[Case] = &[
    // All of a party's places count; what moves between them does not.
    ("stock", |b| { permitted(b, "1500", |_| ()); make(b, "500", "T2") }, "ok"),
    ("stock", |b| { permitted(b, "1500", |_| ()); make(b, "500.000001", "T2") }, "ok STORED_BEYOND_PERMIT"),
    ("stock", |b| { permitted(b, "900", |_| ()); move_it(b, "stock 10") }, "ok"),
    // Content where the permit counts that: 98 %.
    ("stock", |b| { permitted(b, "1470", |e| e.basis = MassBasis::Contained.into()); make(b, "500", "T2") }, "ok"),
    ("stock", |b| { permitted(b, "1469.999999", |e| e.basis = MassBasis::Contained.into()); make(b, "500", "T2") }, "ok STORED_BEYOND_PERMIT"),
    // A permit that states no quantity, is of another kind or substance, has
    // ended or is suspended says nothing here.
    ("stock", |b| { permitted(b, "900", |e| e.quantity_mg = 0); make(b, "500", "T2") }, "ok"),
    ("stock", |b| { permitted(b, "900", |e| e.kind = PermitKind::Trade.into()); make(b, "500", "T2") }, "ok"),
    ("stock", |b| { permitted(b, "900", |e| e.substances = vec!["AN".into()]); make(b, "500", "T2") }, "ok"),
    ("stock", |b| { let now = b.now; permitted(b, "900", |e| e.until_ms = now); make(b, "500", "T2") }, "ok"),
    ("stock", |b| { let now = b.now; permitted(b, "900", |e| e.until_ms = now + 1); make(b, "500", "T2") }, "ok STORED_BEYOND_PERMIT"),
    ("stock", |b| { permitted(b, "900", |e| e.status = PermitStatus::Suspended.into()); make(b, "500", "T2") }, "ok"),
    // The greatest of several holds; one that nobody has confirmed speaks too.
    ("stock", |b| { let mut e = permit('P', "N-2", PermitKind::SafeUse); e.quantity_mg = mg("2000"); b.say("A1", B::PermitRegistered(e)).unwrap(); permitted(b, "900", |_| ()); make(b, "1000", "T2") }, "ok"),
    // But not over what an authority has granted: anybody can enter one.
    ("stock", |b| { let mut e = permit('P', "N-2", PermitKind::SafeUse); e.quantity_mg = mg("2000"); e.status = PermitStatus::Unconfirmed.into(); e.photograph_hash = hash("photo"); b.say("P1", B::PermitRegistered(e)).unwrap(); permitted(b, "900", |_| ()); make(b, "1", "T2") }, "ok STORED_BEYOND_PERMIT"),
    ("stock", |b| { permitted(b, "900", |e| { e.status = PermitStatus::Unconfirmed.into(); e.photograph_hash = hash("photo"); }); make(b, "1", "T2") }, "ok STORED_BEYOND_PERMIT"),
];

/// Goods of a form come to where cyanide stands, at a degree.
fn beside(b: &mut Bench, degree: i64, form: &str) -> Answer {
    b.publish(vec![limited(K::IncompatibleGoods, "", degree)])
        .unwrap();
    make_of(b, form, "1", "T1")
}

#[rustfmt::skip]
pub const APART: &[Case] = &[
    // Class 6.1 stands there. 5.1 is to be away from it, 1.1 separated.
    ("stock", |b| beside(b, 1, "AN-1942"), "ok INCOMPATIBLE_GOODS"),
    ("stock", |b| beside(b, 2, "AN-1942"), "ok"),
    ("stock", |b| beside(b, 2, "NC-0340"), "ok INCOMPATIBLE_GOODS"),
    ("stock", |b| beside(b, 3, "NC-0340"), "ok"),
    ("stock", |b| beside(b, 1, "NACN-3414"), "ok"),
    ("stock", |b| beside(b, 1, "NC-2555"), "ok"),
    ("stock", |b| beside(b, 0, "NC-2555"), "ok"),
    // In another place, or once the first is gone.
    ("stock", |b| { b.publish(vec![limited(K::IncompatibleGoods, "", 1)]).unwrap(); make_of(b, "AN-1942", "1", "T2") }, "ok"),
    ("stock", |b| { b.publish(vec![limited(K::IncompatibleGoods, "", 1)]).unwrap(); make_of(b, "AN-1942", "1", "T2").unwrap(); move_it(b, "stock 1") }, "ok INCOMPATIBLE_GOODS"),
    ("stock", |b| { use_it(b, "stock 1000").unwrap(); beside(b, 1, "AN-1942") }, "ok"),
    // A line for either of the two judges them, whichever came first.
    ("stock", |b| { b.publish(vec![limited(K::IncompatibleGoods, "NACN", 1)]).unwrap(); make_of(b, "AN-1942", "1", "T1") }, "ok INCOMPATIBLE_GOODS"),
    ("stock", |b| { b.publish(vec![limited(K::IncompatibleGoods, "AN", 1)]).unwrap(); make_of(b, "AN-1942", "1", "T1") }, "ok INCOMPATIBLE_GOODS"),
    // Two that come together are one finding; what goes away is none.
    ("", |b| { b.publish(vec![limited(K::IncompatibleGoods, "", 1)]).unwrap(); let (one, mut two) = (b.produced("a", "1", "T1"), b.produced("b", "1", "T1")); if let Some(lot) = &mut two.lot { lot.form = "AN-1942".into(); } b.say_all("P1", vec![event(B::Produced(one)), event(B::Produced(two))]) }, "ok INCOMPATIBLE_GOODS"),
    ("stock", |b| { beside(b, 1, "AN-1942").unwrap(); use_it(b, "stock 1") }, "ok"),
    // The day before, and for another substance.
    ("stock", |b| { b.publish_from(b.now + 1, vec![limited(K::IncompatibleGoods, "", 1)]).unwrap(); make_of(b, "AN-1942", "1", "T1") }, "ok"),
    ("stock", |b| { b.publish(vec![limited(K::IncompatibleGoods, "NC", 1)]).unwrap(); make_of(b, "AN-1942", "1", "T1") }, "ok"),
];

fn stack(b: &mut Bench, mass: &str) {
    b.publish(vec![limited(K::Stack, "NACN", mg(mass))])
        .unwrap();
}

#[rustfmt::skip]
pub const STACKS: &[Case] = &[
    ("stock", |b| { stack(b, "1500"); make(b, "500", "T1") }, "ok"),
    ("stock", |b| { stack(b, "1500"); make(b, "500.000001", "T1") }, "ok STACK_TOO_LARGE"),
    ("stock", |b| { stack(b, "1000"); make(b, "1000", "T2") }, "ok"),
    ("stock", |b| { stack(b, "500"); move_it(b, "stock 500") }, "ok"),
    ("stock", |b| { stack(b, "500"); move_it(b, "stock 500.000001") }, "ok STACK_TOO_LARGE"),
    ("stock", |b| { stack(b, "500"); use_it(b, "stock 1") }, "ok"),
    ("stock", |b| { stack(b, "1000"); make_of(b, "AN-1942", "5000", "T1") }, "ok"),
    // A line by form counts that form alone.
    ("stock", |b| { let line = RuleLine { forms: vec!["NACN-3414".into()], ..limited(K::Stack, "", mg("500")) }; b.publish(vec![line]).unwrap(); make_of(b, "NACN-3414", "500", "T1") }, "ok"),
    ("stock", |b| { let line = RuleLine { forms: vec!["NACN-3414".into()], ..limited(K::Stack, "", mg("500")) }; b.publish(vec![line]).unwrap(); make_of(b, "NACN-3414", "500.000001", "T1") }, "ok STACK_TOO_LARGE"),
    ("stock offer", |b| { b.publish(vec![limited(K::Stack, "", mg("99.999999"))]).unwrap(); take(b) }, "ok STACK_TOO_LARGE"),
];

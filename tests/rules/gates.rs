//! The tables of permits, of purchase and of a permit's quantity: what is still
//! allowed, what no more, the day before and the day after, and the same goods
//! at the gate.
#![allow(
    dead_code,
    reason = "each test crate that uses the words needs another part of them"
)]

use hazledger::custody::{Item, Items as _, permit as quota, subject};
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    Arrived, HandoffPurpose, MassBasis, Offered, Outsider, PartyStatus, PermitKind,
    PermitRegistered, PermitState, PermitStatus, RuleKind, RuleLine, RuleMode, Stage, Traded,
};

use super::bench::{Answer, Bench, HOUR, event, hash, party, register_party};
use super::rulebook::{permit, rule};
use super::table::Case;
use super::verbs::{mg, restating};

use HandoffPurpose::{Disposal, Lending, Sale, Storage, Transfer};
use PermitKind::{
    HighlyToxicPurchase, LawfulUseStatement, RailTransport, RoadTransport, SafeProduction, SafeUse,
    WasteOperation,
};
use RuleKind::{
    CarrierPermit, DisposerPermit, GiverPermit, PurchaseQuantity, PurchaseRight, TakerPermit,
};
use RuleMode::{Find, Refuse};

/// A rule that refuses, for these kinds of permits, in a complete registry.
fn asks(kind: RuleKind, permits: &[PermitKind]) -> RuleLine {
    RuleLine {
        permits: permits.iter().map(|k| i32::from(*k)).collect(),
        ..rule(kind, Refuse, "NACN")
    }
}

/// The same where the registry is not complete.
fn doubts(kind: RuleKind, permits: &[PermitKind]) -> RuleLine {
    RuleLine {
        complete: false,
        ..asks(kind, permits)
    }
}

fn grants(
    b: &mut Bench,
    letter: char,
    kind: PermitKind,
    change: impl FnOnce(&mut PermitRegistered),
) {
    let mut e = permit(letter, "N-1", kind);
    change(&mut e);
    b.say("A1", B::PermitRegistered(e)).unwrap();
}

fn offers(b: &mut Bench, taker: char, change: impl FnOnce(&mut Offered)) -> Answer {
    let mut e = b.offered(taker, "T1", &["stock 5"]);
    change(&mut e);
    b.name("offer", "P1", B::Offered(e))
}

fn sells(b: &mut Bench, change: impl FnOnce(&mut Traded)) -> Answer {
    let mut e = b.traded('M', &["stock 5"]);
    e.permit.clear();
    change(&mut e);
    b.name("sale", "P1+M1", B::Traded(e))
}

fn ships(b: &mut Bench, consignee: char) -> Answer {
    let e = b.shipped('C', consignee, "T1", &["stock 5"]);
    b.name("truck", "P1", B::Offered(e))
}

fn takes(b: &mut Bench, key: &str, line: &str) -> Answer {
    let place = if key == "C1" { "" } else { "T1" };
    let offer = if key == "C1" { "truck" } else { "offer" };
    let e = b.accepted(offer, place, &[line]);
    b.say(key, B::Accepted(e))
}

/// P's permit as changed, the rule, then an offer to M.
fn giving(b: &mut Bench, line: RuleLine, change: impl FnOnce(&mut PermitRegistered)) -> Answer {
    grants(b, 'P', SafeProduction, change);
    b.publish(vec![line]).unwrap();
    offers(b, 'M', |_| ())
}

fn stages(stages: &[Stage]) -> Vec<i32> {
    stages.iter().map(|s| i32::from(*s)).collect()
}

fn unconfirmed(e: &mut PermitRegistered) {
    e.status = PermitStatus::Unconfirmed.into();
    e.photograph_hash = hash("photograph");
}

fn asked() -> RuleLine {
    asks(GiverPermit, &[SafeProduction])
}

fn doubted() -> RuleLine {
    doubts(GiverPermit, &[SafeProduction])
}

fn arrives(b: &mut Bench) -> Answer {
    let e = Arrived {
        lot: Some(b.lot("in", "5", "T1")),
        from: Some(Outsider {
            name: "Elsewhere".into(),
            code: "KZ-1".into(),
            country: "KZ".into(),
            ..Outsider::default()
        }),
        documents: vec![hazledger::pb::DocumentRef {
            kind: "waybill".into(),
            hash: hash("waybill"),
        }],
    };
    b.say("M1", B::Arrived(e))
}

fn wastes(b: &mut Bench) {
    let e = b.wasted("stock 5");
    b.name("waste", "P1", B::Wasted(e)).unwrap();
}

fn disposes(b: &mut Bench, purpose: HandoffPurpose) -> Answer {
    let mut e = b.offered('D', "T1", &["waste 5"]);
    e.purpose = purpose.into();
    b.name("offer", "P1", B::Offered(e))
}

#[rustfmt::skip]
pub const PERMITS: &[Case] = &[
    // The giver, when offering.
    ("stock", |b| { b.publish(vec![asked()]).unwrap(); offers(b, 'M', |_| ()) }, "GIVER_PERMIT"),
    ("stock", |b| { b.publish(vec![doubted()]).unwrap(); offers(b, 'M', |_| ()) }, "ok GIVER_PERMIT"),
    ("stock", |b| { b.publish(vec![RuleLine { mode: Find.into(), ..asked() }]).unwrap(); offers(b, 'M', |_| ()) }, "ok GIVER_PERMIT"),
    ("stock", |b| { b.publish(vec![RuleLine { mode: RuleMode::Off.into(), ..asked() }]).unwrap(); offers(b, 'M', |_| ()) }, "ok"),
    ("stock", |b| { b.publish(vec![RuleLine { substances: vec!["AN".into()], ..asked() }]).unwrap(); offers(b, 'M', |_| ()) }, "ok"),
    ("stock", |b| giving(b, asked(), |_| ()), "ok"),
    ("stock", |b| giving(b, asked(), |e| e.kind = SafeUse.into()), "GIVER_PERMIT"),
    ("stock", |b| giving(b, asked(), unconfirmed), "GIVER_PERMIT"),
    ("stock", |b| giving(b, doubted(), unconfirmed), "ok GIVER_PERMIT"),
    ("stock", |b| giving(b, doubted(), |e| e.status = PermitStatus::Suspended.into()), "GIVER_PERMIT"),
    ("stock", |b| giving(b, doubted(), |e| e.status = PermitStatus::Revoked.into()), "GIVER_PERMIT"),
    ("stock", |b| giving(b, doubted(), |e| e.substances = vec!["AN".into()]), "GIVER_PERMIT"),
    ("stock", |b| giving(b, doubted(), |e| e.substances = vec!["AN".into(), "NACN".into()]), "ok"),
    ("stock", |b| giving(b, doubted(), |e| e.stages = stages(&[Stage::Transport])), "GIVER_PERMIT"),
    ("stock", |b| giving(b, doubted(), |e| e.stages = stages(&[Stage::Transport, Stage::Storage])), "ok"),
    // A paper that nobody has confirmed speaks for its holder, never against it.
    ("stock", |b| giving(b, doubted(), |e| { unconfirmed(e); e.substances = vec!["AN".into()]; }), "ok GIVER_PERMIT"),
    // A good one beside a bad one.
    ("stock", |b| { let mut e = permit('P', "N-2", SafeProduction); e.status = PermitStatus::Revoked.into(); b.say("A1", B::PermitRegistered(e)).unwrap(); giving(b, asked(), |_| ()) }, "ok"),
    // The first and the last moment, at the time claimed and at the time recorded.
    ("stock", |b| { let now = b.now; giving(b, asked(), |e| e.from_ms = now) }, "ok"),
    ("stock", |b| { let now = b.now; giving(b, asked(), |e| e.from_ms = now + 1) }, "GIVER_PERMIT"),
    ("stock", |b| { let now = b.now; giving(b, asked(), |e| e.until_ms = now + 1) }, "ok"),
    ("stock", |b| { let now = b.now; giving(b, asked(), |e| e.until_ms = now) }, "GIVER_PERMIT"),
    ("stock", |b| { let now = b.now; grants(b, 'P', SafeProduction, |e| e.from_ms = now); b.publish(vec![asked()]).unwrap(); let e = b.offered('M', "T1", &["stock 5"]); b.say_late("P1", 1, B::Offered(e)) }, "GIVER_PERMIT"),
    ("stock", |b| { let now = b.now; grants(b, 'P', SafeProduction, |e| e.until_ms = now + HOUR); b.publish(vec![asked()]).unwrap(); b.now += HOUR; let e = b.offered('M', "T1", &["stock 5"]); b.say_late("P1", HOUR, B::Offered(e)) }, "GIVER_PERMIT"),
    ("stock", |b| { b.publish_from(b.now, vec![asked()]).unwrap(); offers(b, 'M', |_| ()) }, "GIVER_PERMIT"),
    ("stock", |b| { b.publish_from(b.now + 1, vec![asked()]).unwrap(); offers(b, 'M', |_| ()) }, "ok"),
    // When selling: storage is not enough, but for one that disposes of its stock.
    ("stock", |b| { b.publish(vec![asked()]).unwrap(); sells(b, |_| ()) }, "GIVER_PERMIT"),
    ("stock", |b| { giving(b, asked(), |e| e.stages = stages(&[Stage::Storage])).unwrap(); sells(b, |_| ()) }, "GIVER_PERMIT"),
    ("stock", |b| { giving(b, asked(), |e| e.stages = stages(&[Stage::Import])).unwrap(); sells(b, |_| ()) }, "ok"),
    ("stock", |b| { b.say("A1", register_party('P', PartyStatus::Closing)).unwrap(); giving(b, asked(), |e| e.stages = stages(&[Stage::Storage])).unwrap(); sells(b, |_| ()) }, "ok"),
    // The same goods at the gate: recorded, with a finding.
    ("stock", |b| { offers(b, 'M', |_| ()).unwrap(); b.publish_from(b.now, vec![asked()]).unwrap(); takes(b, "M1", "0 take 5") }, "ok GIVER_PERMIT"),
    ("stock", |b| { offers(b, 'M', |_| ()).unwrap(); b.publish_from(b.now + 1, vec![asked()]).unwrap(); takes(b, "M1", "0 take 5") }, "ok"),
    ("stock", |b| { offers(b, 'M', |_| ()).unwrap(); b.publish(vec![asked()]).unwrap(); takes(b, "M1", "0 refuse 5") }, "ok GOODS_REFUSED"),
    // Who takes in: the taker, and with a carriage the consignee.
    ("stock", |b| { b.publish(vec![asks(TakerPermit, &[SafeUse])]).unwrap(); offers(b, 'M', |_| ()) }, "TAKER_PERMIT"),
    ("stock", |b| { grants(b, 'M', SafeUse, |_| ()); b.publish(vec![asks(TakerPermit, &[SafeUse])]).unwrap(); offers(b, 'M', |_| ()) }, "ok"),
    ("stock", |b| { grants(b, 'M', SafeUse, |e| e.stages = stages(&[Stage::Import])); b.publish(vec![asks(TakerPermit, &[SafeUse])]).unwrap(); offers(b, 'M', |_| ()) }, "TAKER_PERMIT"),
    ("stock", |b| { grants(b, 'C', SafeUse, |_| ()); b.publish(vec![asks(TakerPermit, &[SafeUse])]).unwrap(); ships(b, 'M') }, "TAKER_PERMIT"),
    ("stock", |b| { grants(b, 'M', SafeUse, |_| ()); b.publish(vec![asks(TakerPermit, &[SafeUse])]).unwrap(); ships(b, 'M') }, "ok"),
    ("stock", |b| { b.publish(vec![asks(TakerPermit, &[])]).unwrap(); offers(b, 'M', |_| ()) }, "TAKER_PERMIT"),
    ("stock", |b| { grants(b, 'M', RoadTransport, |_| ()); b.publish(vec![asks(TakerPermit, &[])]).unwrap(); offers(b, 'M', |_| ()) }, "ok"),
    ("stock", |b| { offers(b, 'M', |_| ()).unwrap(); b.publish(vec![asks(TakerPermit, &[SafeUse])]).unwrap(); takes(b, "M1", "0 take 5") }, "ok TAKER_PERMIT"),
    ("stock waybill loaded delivery", |b| { b.publish(vec![asks(TakerPermit, &[SafeUse]), asked()]).unwrap(); let e = b.accepted("delivery", "T1", &["0 take 200"]); b.say("M1", B::Accepted(e)) }, "ok TAKER_PERMIT"),
    ("", |b| { b.publish(vec![asks(TakerPermit, &[SafeUse])]).unwrap(); arrives(b) }, "ok TAKER_PERMIT ONE_SIDED"),
    ("", |b| { grants(b, 'M', SafeUse, |_| ()); b.publish(vec![asks(TakerPermit, &[SafeUse])]).unwrap(); arrives(b) }, "ok ONE_SIDED"),
    // What goes back is never blocked.
    ("stock offer taken", |b| { b.publish(vec![asks(TakerPermit, &[SafeUse])]).unwrap(); let e = b.back('P', "offer", &["stock 5"]); b.say("W1", B::Offered(e)) }, "ok TAKER_PERMIT"),
    // Who carries, by its mode; and who carries on.
    ("stock", |b| { b.publish(vec![asks(CarrierPermit, &[RoadTransport])]).unwrap(); ships(b, 'M') }, "CARRIER_PERMIT"),
    ("stock", |b| { grants(b, 'C', RoadTransport, |_| ()); b.publish(vec![asks(CarrierPermit, &[RoadTransport])]).unwrap(); ships(b, 'M') }, "ok"),
    ("stock", |b| { grants(b, 'C', RailTransport, |_| ()); b.publish(vec![asks(CarrierPermit, &[RoadTransport, RailTransport])]).unwrap(); ships(b, 'M') }, "CARRIER_PERMIT"),
    ("stock", |b| { grants(b, 'C', RailTransport, |_| ()); b.publish(vec![asks(CarrierPermit, &[RoadTransport, RailTransport])]).unwrap(); let e = b.by_rail('C', 'M', "T1", &["stock 5"]); b.say("P1", B::Offered(e)) }, "ok"),
    ("stock", |b| { b.publish(vec![asks(CarrierPermit, &[RoadTransport])]).unwrap(); let e = b.by_rail('C', 'M', "T1", &["stock 5"]); b.say("P1", B::Offered(e)) }, "ok"),
    ("stock", |b| { b.publish(vec![asks(CarrierPermit, &[RoadTransport])]).unwrap(); offers(b, 'M', |_| ()) }, "ok"),
    ("stock", |b| { ships(b, 'M').unwrap(); b.publish(vec![asks(CarrierPermit, &[RoadTransport])]).unwrap(); takes(b, "C1", "0 take 5") }, "ok CARRIER_PERMIT"),
    ("stock waybill loaded", |b| { b.publish(vec![asks(CarrierPermit, &[RoadTransport])]).unwrap(); let e = b.relayed("truck", 'W'); b.say("C1+W1", B::Relayed(e)) }, "CARRIER_PERMIT"),
    ("stock waybill loaded", |b| { grants(b, 'W', RoadTransport, |_| ()); b.publish(vec![asks(CarrierPermit, &[RoadTransport])]).unwrap(); let e = b.relayed("truck", 'W'); b.say("C1+W1", B::Relayed(e)) }, "ok"),
    ("stock waybill loaded", |b| { b.publish(vec![asks(CarrierPermit, &[RoadTransport])]).unwrap(); let e = b.relayed("truck", 'C'); b.say("C1", B::Relayed(e)) }, "ok"),
    // Waste: only who takes it in is asked; saying what for changes nothing.
    ("stock", |b| { wastes(b); b.publish(vec![asked(), asks(TakerPermit, &[SafeUse])]).unwrap(); disposes(b, Disposal) }, "ok"),
    ("stock", |b| { wastes(b); b.publish(vec![asks(DisposerPermit, &[WasteOperation])]).unwrap(); disposes(b, Disposal) }, "DISPOSER_PERMIT"),
    ("stock", |b| { wastes(b); b.publish(vec![asks(DisposerPermit, &[WasteOperation])]).unwrap(); disposes(b, Storage) }, "DISPOSER_PERMIT"),
    ("stock", |b| { wastes(b); grants(b, 'D', WasteOperation, |_| ()); b.publish(vec![asks(DisposerPermit, &[WasteOperation])]).unwrap(); disposes(b, Storage) }, "ok"),
    ("stock", |b| { wastes(b); b.publish(vec![doubts(DisposerPermit, &[WasteOperation])]).unwrap(); disposes(b, Storage) }, "ok DISPOSER_PERMIT"),
    ("stock", |b| { b.publish(vec![asks(DisposerPermit, &[WasteOperation])]).unwrap(); offers(b, 'M', |_| ()) }, "ok"),
    ("stock", |b| { b.publish(vec![asks(DisposerPermit, &[WasteOperation])]).unwrap(); offers(b, 'D', |e| e.purpose = Disposal.into()) }, "DISPOSER_PERMIT"),
    ("stock", |b| { wastes(b); disposes(b, Disposal).unwrap(); b.publish(vec![asks(DisposerPermit, &[WasteOperation])]).unwrap(); takes(b, "D1", "0 take 5") }, "ok DISPOSER_PERMIT"),
];

/// A licence is enough, and so is a purchase permit that is named.
fn right() -> RuleLine {
    RuleLine {
        purchase_permits: vec![HighlyToxicPurchase.into()],
        ..asks(PurchaseRight, &[SafeUse])
    }
}

fn buys(
    b: &mut Bench,
    line: RuleLine,
    kind: PermitKind,
    change: impl FnOnce(&mut PermitRegistered),
) -> Answer {
    grants(b, 'M', kind, change);
    b.publish(vec![line]).unwrap();
    sells(b, |e| e.permit = "N-1".into())
}

fn incomplete(line: RuleLine) -> RuleLine {
    RuleLine {
        complete: false,
        ..line
    }
}

fn lends(b: &mut Bench, purpose: HandoffPurpose) -> Answer {
    b.publish(vec![rule(RuleKind::Lending, Refuse, "NACN")])
        .unwrap();
    offers(b, 'M', |e| e.purpose = purpose.into())
}

fn handing_on(b: &mut Bench, status: PartyStatus) -> Answer {
    b.say("A1", register_party('P', status)).unwrap();
    lends(b, Transfer)
}

#[rustfmt::skip]
pub const PURCHASE: &[Case] = &[
    // A licence is enough; else the purchase permit is named.
    ("stock", |b| { b.publish(vec![right()]).unwrap(); sells(b, |_| ()) }, "PURCHASE_RIGHT"),
    ("stock", |b| { b.publish(vec![incomplete(right())]).unwrap(); sells(b, |_| ()) }, "ok PURCHASE_RIGHT"),
    ("stock", |b| { grants(b, 'M', SafeUse, |_| ()); b.publish(vec![right()]).unwrap(); sells(b, |_| ()) }, "ok"),
    ("stock", |b| { grants(b, 'M', HighlyToxicPurchase, |_| ()); b.publish(vec![right()]).unwrap(); sells(b, |_| ()) }, "PURCHASE_RIGHT"),
    ("stock", |b| buys(b, right(), HighlyToxicPurchase, |_| ()), "ok"),
    ("stock", |b| buys(b, right(), RoadTransport, |_| ()), "PURCHASE_RIGHT"),
    ("stock", |b| buys(b, incomplete(right()), RoadTransport, |_| ()), "PURCHASE_RIGHT"),
    ("stock", |b| buys(b, right(), HighlyToxicPurchase, unconfirmed), "PURCHASE_RIGHT"),
    ("stock", |b| buys(b, incomplete(right()), HighlyToxicPurchase, unconfirmed), "ok PURCHASE_RIGHT"),
    ("stock", |b| buys(b, incomplete(right()), HighlyToxicPurchase, |e| e.status = PermitStatus::Suspended.into()), "PURCHASE_RIGHT"),
    ("stock", |b| buys(b, incomplete(right()), HighlyToxicPurchase, |e| e.substances = vec!["AN".into()]), "PURCHASE_RIGHT"),
    ("stock", |b| buys(b, incomplete(right()), SafeUse, |e| e.status = PermitStatus::Revoked.into()), "PURCHASE_RIGHT"),
    ("stock", |b| { let now = b.now; buys(b, right(), HighlyToxicPurchase, |e| e.until_ms = now + 1) }, "ok"),
    ("stock", |b| { let now = b.now; buys(b, right(), HighlyToxicPurchase, |e| e.until_ms = now) }, "PURCHASE_RIGHT"),
    // A bad licence and a good permit.
    ("stock", |b| { let mut e = permit('M', "N-2", SafeUse); e.status = PermitStatus::Revoked.into(); b.say("A1", B::PermitRegistered(e)).unwrap(); buys(b, right(), HighlyToxicPurchase, |_| ()) }, "ok"),
    // A buyer's own statement is as good as it makes it.
    ("stock", |b| buys(b, RuleLine { purchase_permits: vec![LawfulUseStatement.into()], ..right() }, LawfulUseStatement, unconfirmed), "ok"),
    // A number that nobody has entered.
    ("stock", |b| { b.publish(vec![right()]).unwrap(); sells(b, |e| e.permit = "N-9".into()) }, "UNKNOWN_PERMIT"),
    ("stock", |b| sells(b, |e| e.permit = "N-9".into()), "ok"),
    ("stock", |b| offers(b, 'M', |e| e.permit = "N-9".into()), "UNKNOWN_PERMIT"),
    ("stock", |b| { grants(b, 'P', HighlyToxicPurchase, |_| ()); offers(b, 'M', |e| e.permit = "N-1".into()) }, "UNKNOWN_PERMIT"),
    ("stock", |b| offers(b, 'M', |e| e.permit = "n".repeat(65)), "FIELD_INVALID"),
    // An offer that is the sale; of goods that are kept for their owner it is none.
    ("stock", |b| { b.publish(vec![right()]).unwrap(); offers(b, 'M', |e| e.purpose = Sale.into()) }, "PURCHASE_RIGHT"),
    ("stock", |b| { b.publish(vec![right()]).unwrap(); offers(b, 'M', |e| e.purpose = Storage.into()) }, "ok"),
    ("stock", |b| { grants(b, 'M', HighlyToxicPurchase, |_| ()); b.publish(vec![right()]).unwrap(); offers(b, 'M', |e| { e.purpose = Sale.into(); e.permit = "N-1".into(); }) }, "ok"),
    ("stock", |b| { offers(b, 'M', |e| e.purpose = Sale.into()).unwrap(); b.publish(vec![right()]).unwrap(); takes(b, "M1", "0 take 5") }, "ok PURCHASE_RIGHT"),
    // No lending; a user hands on only what it no longer needs.
    ("stock", |b| lends(b, Lending), "LENDING"),
    ("stock", |b| lends(b, Sale), "ok"),
    ("stock", |b| lends(b, Transfer), "LENDING"),
    ("stock", |b| handing_on(b, PartyStatus::Closing), "ok"),
    ("stock", |b| handing_on(b, PartyStatus::Converting), "ok"),
    ("stock", |b| handing_on(b, PartyStatus::Relocating), "ok"),
    ("stock", |b| { offers(b, 'M', |e| e.purpose = Lending.into()).unwrap(); b.publish(vec![rule(RuleKind::Lending, Refuse, "NACN")]).unwrap(); takes(b, "M1", "0 take 5") }, "ok LENDING"),
];

/// M's purchase permit for so much of gross.
fn quota_of(b: &mut Bench, kilograms: &str) {
    grants(b, 'M', HighlyToxicPurchase, |e| {
        e.quantity_mg = mg(kilograms);
    });
}

/// No more than the permit has left, with 1 % of its quantity.
fn limited(b: &mut Bench) {
    let line = RuleLine {
        limit: 10_000,
        ..asks(PurchaseQuantity, &[])
    };
    b.publish(vec![line]).unwrap();
}

pub fn permit_state(b: &Bench, letter: char, number: &str) -> PermitState {
    match b
        .state
        .get(&subject::permit(&party(letter), number))
        .as_deref()
    {
        Some(Item::Permit(permit)) => permit.clone(),
        _ => panic!("no permit {number} of {letter}"),
    }
}

/// What M's permit stands at, kilograms drawn and claimed.
fn stands(b: &Bench, drawn: &str, claimed: &str) {
    let state = permit_state(b, 'M', "N-1");
    let got = (state.drawn_mg, quota::claimed(&state));
    assert_eq!(got, (mg(drawn), mg(claimed)), "drawn and claimed");
}

fn sells_of(b: &mut Bench, kilograms: &str) -> Answer {
    let e = Traded {
        permit: "N-1".into(),
        ..b.traded('M', &[&format!("stock {kilograms}")])
    };
    b.now += 1_000;
    b.name("sale", "P1+M1", B::Traded(e))
}

fn offers_of(b: &mut Bench, name: &str, kilograms: &str) -> Answer {
    let e = Offered {
        permit: "N-1".into(),
        ..b.offered('M', "T1", &[&format!("stock {kilograms}")])
    };
    b.now += 1_000;
    b.name(name, "P1", B::Offered(e))
}

fn ships_of(b: &mut Bench, kilograms: &str) -> Answer {
    let e = Offered {
        permit: "N-1".into(),
        ..b.shipped('C', 'M', "T1", &[&format!("stock {kilograms}")])
    };
    b.now += 1_000;
    b.name("truck", "P1", B::Offered(e))
}

fn loads(b: &mut Bench, line: &str) -> Answer {
    b.now += 1_000;
    takes(b, "C1", line)
}

fn delivers(b: &mut Bench, to: char, kilograms: &str, line: &str) -> Answer {
    let e = b.delivered(to, "truck", &[&format!("stock {kilograms}")]);
    b.now += 1_000;
    b.name("delivery", "C1", B::Offered(e)).unwrap();
    let e = b.accepted("delivery", "T1", &[line]);
    b.name("arrival", &format!("{to}1"), B::Accepted(e))
}

/// 5 kg offered under the permit and taken.
fn given(b: &mut Bench, line: &str) -> Answer {
    offers_of(b, "offer", "5").unwrap();
    stands(b, "0", "5");
    b.now += 1_000;
    let e = b.accepted("offer", "T1", &[line]);
    b.name("taken", "M1", B::Accepted(e))
}

/// Some of it goes back.
fn goes_back(b: &mut Bench, kilograms: &str) -> Answer {
    let e = b.back('P', "offer", &[&format!("stock {kilograms}")]);
    b.now += 1_000;
    b.name("back", "M1", B::Offered(e)).unwrap();
    let e = b.taken_back("back", "offer", &[&format!("0 take {kilograms}")]);
    b.name("came back", "P1", B::Accepted(e))
}

fn corrects(
    b: &mut Bench,
    keys: &str,
    original: &str,
    restated: hazledger::pb::Accepted,
) -> Answer {
    let e = b.corrected(original, B::Accepted(restated));
    b.now += 1_000;
    b.name("correction", keys, restating(e))
}

fn uses(b: &mut Bench, kilograms: &str) -> Answer {
    let e = b.used(&format!("stock {kilograms}"), "T1");
    b.now += 1_000;
    b.say("P1", B::Used(e))
}

/// A sale is taken back by a trade the other way round.
fn sells_back(b: &mut Bench, kilograms: &str) -> Answer {
    let e = back_of_sale(b, kilograms);
    b.now += 1_000;
    b.say("M1+P1", B::Traded(e))
}

fn back_of_sale(b: &Bench, kilograms: &str) -> Traded {
    Traded {
        permit: String::new(),
        returns: Some(b.event("sale")),
        ..b.traded('P', &[&format!("stock {kilograms}")])
    }
}

/// Another sale under the same permit.
fn again(b: &mut Bench, kilograms: &str) {
    let e = Traded {
        permit: "N-1".into(),
        ..b.traded('M', &[&format!("stock {kilograms}")])
    };
    b.say("P1+M1", B::Traded(e)).unwrap();
}

fn many_claims(b: &mut Bench, count: usize) {
    quota_of(b, "1000");
    for i in 0..count {
        offers_of(b, &format!("offer {i}"), "1").unwrap();
    }
}

#[rustfmt::skip]
pub const QUANTITY: &[Case] = &[
    // Exactly the remainder, and a milligram beyond the tolerance.
    ("stock", |b| { quota_of(b, "5"); limited(b); let a = sells_of(b, "5"); stands(b, "5", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); limited(b); let a = sells_of(b, "5.05"); stands(b, "5.05", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); limited(b); let a = sells_of(b, "5.050001"); stands(b, "0", "0"); a }, "PURCHASE_QUANTITY"),
    ("stock", |b| { quota_of(b, "5"); limited(b); let a = offers_of(b, "offer", "5.05"); stands(b, "0", "5.05"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); limited(b); offers_of(b, "offer", "5.050001") }, "PURCHASE_QUANTITY"),
    ("stock", |b| { quota_of(b, "5"); limited(b); sells_of(b, "3").unwrap(); offers_of(b, "offer", "2.05") }, "ok"),
    ("stock", |b| { quota_of(b, "5"); limited(b); sells_of(b, "3").unwrap(); offers_of(b, "offer", "2.050001") }, "PURCHASE_QUANTITY"),
    ("stock", |b| { quota_of(b, "5"); b.publish(vec![RuleLine { mode: Find.into(), ..asks(PurchaseQuantity, &[]) }]).unwrap(); let a = sells_of(b, "5.000001"); stands(b, "5.000001", "0"); a }, "ok PURCHASE_QUANTITY"),
    // Without a pack it is counted, and nothing is refused.
    ("stock", |b| { quota_of(b, "5"); let a = sells_of(b, "6"); stands(b, "6", "0"); a }, "ok"),
    // Without a quantity nothing is drawn; what it does not cover is not counted.
    ("stock", |b| { grants(b, 'M', HighlyToxicPurchase, |_| ()); limited(b); let a = sells_of(b, "500"); stands(b, "0", "0"); a }, "ok"),
    ("stock", |b| { grants(b, 'M', HighlyToxicPurchase, |e| { e.quantity_mg = 1; e.substances = vec!["AN".into()]; }); limited(b); let a = sells_of(b, "500"); stands(b, "0", "0"); a }, "ok"),
    // Of content: 98 %.
    ("stock", |b| { grants(b, 'M', HighlyToxicPurchase, |e| { e.quantity_mg = mg("98"); e.basis = MassBasis::Contained.into(); }); let a = offers_of(b, "offer", "100"); stands(b, "0", "98"); a }, "ok"),
    ("stock drums", |b| { quota_of(b, "1000"); let e = Offered { permit: "N-1".into(), ..b.offered('M', "T1", &["stock 5 #1-2"]) }; b.name("offer", "P1", B::Offered(e)).unwrap(); stands(b, "0", "105"); let a = takes(b, "M1", "0 take 5 #1 refuse #2"); stands(b, "55", "0"); a }, "ok GOODS_REFUSED"),
    // Declined, withdrawn, taken in part.
    ("stock", |b| { quota_of(b, "5"); offers_of(b, "offer", "5").unwrap(); let a = b.say("M1", B::Declined(b.declined("offer"))); stands(b, "0", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); offers_of(b, "offer", "5").unwrap(); let a = b.say("P1", B::Withdrawn(b.withdrawn("offer"))); stands(b, "0", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); let a = given(b, "0 take 5"); stands(b, "5", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); let a = given(b, "0 take 4 refuse 1"); stands(b, "4", "0"); a }, "ok GOODS_REFUSED"),
    ("stock", |b| { quota_of(b, "5"); let a = given(b, "0 take 3"); stands(b, "3", "0"); a }, "ok SHORT_DELIVERY"),
    // More at the gate than was granted: recorded, and told.
    ("stock", |b| { quota_of(b, "5"); limited(b); let a = given(b, "0 take 5.05"); stands(b, "5.05", "0"); a }, "ok OVER_DELIVERY"),
    ("stock", |b| { quota_of(b, "5"); limited(b); let a = given(b, "0 take 5.050001"); stands(b, "5.050001", "0"); a }, "ok OVER_DELIVERY PURCHASE_QUANTITY"),
    // Beyond it before, and no more than was claimed: told once.
    ("stock", |b| { quota_of(b, "5"); offers_of(b, "offer", "5").unwrap(); quota_of(b, "1"); limited(b); let a = takes(b, "M1", "0 take 5"); stands(b, "5", "0"); a }, "ok"),
    // Use and loss of what is offered: the claim goes with the line.
    ("stock", |b| { quota_of(b, "1000"); offers_of(b, "offer", "900").unwrap(); let a = uses(b, "300"); stands(b, "0", "700"); a }, "ok RESERVED_GOODS_TAKEN"),
    // Two offers, and two trades in one statement, that together are too much.
    ("stock", |b| { quota_of(b, "5"); limited(b); offers_of(b, "one", "3").unwrap(); let a = offers_of(b, "two", "3"); stands(b, "0", "3"); a }, "PURCHASE_QUANTITY"),
    ("stock", |b| { quota_of(b, "5"); limited(b); offers_of(b, "one", "3").unwrap(); b.say("P1", B::Withdrawn(b.withdrawn("one"))).unwrap(); offers_of(b, "two", "3") }, "ok"),
    ("stock", |b| { quota_of(b, "5"); limited(b); let e = Traded { permit: "N-1".into(), ..b.traded('M', &["stock 3"]) }; let a = b.say_all("P1+M1", vec![event(B::Traded(e.clone())), event(B::Traded(e))]); stands(b, "0", "0"); a }, "PURCHASE_QUANTITY"),
    ("stock", |b| { quota_of(b, "6"); limited(b); let e = Traded { permit: "N-1".into(), ..b.traded('M', &["stock 3"]) }; let a = b.say_all("P1+M1", vec![event(B::Traded(e.clone())), event(B::Traded(e))]); stands(b, "6", "0"); a }, "ok"),
    // By truck: claimed until it is delivered, drawn as delivered.
    ("stock", |b| { quota_of(b, "5"); limited(b); ships_of(b, "5").unwrap(); stands(b, "0", "5"); let a = loads(b, "0 take 5"); stands(b, "0", "5"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); ships_of(b, "5").unwrap(); let a = loads(b, "0 take 4 refuse 1"); stands(b, "0", "4"); a }, "ok GOODS_REFUSED"),
    ("stock", |b| { quota_of(b, "5"); ships_of(b, "5").unwrap(); let a = loads(b, "0 refuse 5"); stands(b, "0", "0"); a }, "ok GOODS_REFUSED"),
    ("stock", |b| { quota_of(b, "5"); limited(b); ships_of(b, "5").unwrap(); let a = loads(b, "0 take 6"); stands(b, "0", "6"); a }, "ok OVER_DELIVERY PURCHASE_QUANTITY"),
    ("stock", |b| { quota_of(b, "5"); limited(b); ships_of(b, "5").unwrap(); loads(b, "0 take 5").unwrap(); let a = delivers(b, 'M', "5", "0 take 5"); stands(b, "5", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); ships_of(b, "5").unwrap(); loads(b, "0 take 5").unwrap(); let a = delivers(b, 'M', "5", "0 take 3 aboard 2"); stands(b, "3", "2"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); ships_of(b, "5").unwrap(); loads(b, "0 take 5").unwrap(); delivers(b, 'M', "3", "0 take 3").unwrap(); let a = delivers(b, 'M', "2", "0 take 1"); stands(b, "4", "0"); a }, "ok SHORT_DELIVERY"),
    ("stock", |b| { quota_of(b, "5"); limited(b); ships_of(b, "5").unwrap(); loads(b, "0 take 5").unwrap(); let a = delivers(b, 'M', "5", "0 take 6"); stands(b, "6", "0"); a }, "ok OVER_DELIVERY PURCHASE_QUANTITY"),
    ("stock", |b| { quota_of(b, "5"); ships_of(b, "5").unwrap(); loads(b, "0 take 5").unwrap(); let a = delivers(b, 'W', "5", "0 take 5"); stands(b, "0", "0"); a }, "ok GOODS_ABOARD_NOT_CONSIGNED_HERE"),
    ("stock", |b| { quota_of(b, "5"); ships_of(b, "5").unwrap(); loads(b, "0 take 5").unwrap(); let e = hazledger::pb::Incident { at: Some(hazledger::pb::incident::At::Consignment(b.id("truck"))), ..b.incident(hazledger::pb::IncidentKind::Released, "stock 2", "") }; let a = b.say("C1", B::Incident(e)); stands(b, "0", "3"); a }, "ok RELEASED"),
    // What goes back is restored, and no more than was drawn.
    ("stock", |b| { quota_of(b, "5"); given(b, "0 take 5").unwrap(); let a = goes_back(b, "2"); stands(b, "3", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); given(b, "0 take 5").unwrap(); goes_back(b, "2").unwrap(); let a = goes_back(b, "3"); stands(b, "0", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); ships_of(b, "5").unwrap(); loads(b, "0 take 5").unwrap(); delivers(b, 'M', "5", "0 take 5").unwrap(); let e = Offered { returns: Some(b.event("delivery")), ..b.offered('C', "T1", &["stock 2"]) }; b.name("back", "M1", B::Offered(e)).unwrap(); let e = b.taken_back("back", "delivery", &["0 take 2"]); let a = b.say("C1", B::Accepted(e)); stands(b, "3", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); given(b, "0 take 5").unwrap(); let e = Offered { permit: "N-1".into(), ..b.back('P', "offer", &["stock 2"]) }; b.say("M1", B::Offered(e)) }, "FIELD_INVALID"),
    ("stock", |b| { quota_of(b, "5"); sells_of(b, "5").unwrap(); let a = sells_back(b, "2"); stands(b, "3", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); sells_of(b, "2").unwrap(); sells_of(b, "3").unwrap(); let a = sells_back(b, "3"); stands(b, "2", "0"); a }, "ok"),
    // All returns of one sale together restore no more than it drew.
    ("stock", |b| { quota_of(b, "10"); sells_of(b, "5").unwrap(); again(b, "5"); sells_back(b, "3").unwrap(); stands(b, "7", "0"); sells_back(b, "2").unwrap(); stands(b, "5", "0"); let a = sells_back(b, "1"); stands(b, "5", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "10"); sells_of(b, "5").unwrap(); again(b, "5"); sells_back(b, "3").unwrap(); let a = sells_back(b, "3"); stands(b, "5", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "10"); sells_of(b, "5").unwrap(); again(b, "5"); let e = back_of_sale(b, "4"); let a = b.say_all("M1+P1", vec![event(B::Traded(e.clone())), event(B::Traded(e))]); stands(b, "5", "0"); a }, "ok"),
    // One that is no return of it restores nothing, and passes no gate.
    ("stock", |b| { quota_of(b, "5"); sells_of(b, "3").unwrap(); sells_of(b, "2").unwrap(); let a = sells_back(b, "3"); stands(b, "5", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); sells_of(b, "5").unwrap(); b.publish(vec![asked()]).unwrap(); sells_back(b, "5") }, "ok"),
    ("stock", |b| { b.publish(vec![asked()]).unwrap(); sells(b, |e| e.returns = Some(nobodys())) }, "GIVER_PERMIT"),
    // A correction draws or restores the difference.
    ("stock", |b| { quota_of(b, "5"); given(b, "0 take 5").unwrap(); let e = b.accepted("offer", "T1", &["0 take 4"]); let a = corrects(b, "M1+P1", "taken", e); stands(b, "4", "0"); a }, "ok CORRECTION_NOT_COVERED"),
    ("stock", |b| { quota_of(b, "5"); limited(b); given(b, "0 take 5").unwrap(); let e = b.accepted("offer", "T1", &["0 take 5.06"]); let a = corrects(b, "M1+P1", "taken", e); stands(b, "5.06", "0"); a }, "ok CORRECTION_NOT_COVERED PURCHASE_QUANTITY"),
    ("stock", |b| { quota_of(b, "5"); given(b, "0 take 5").unwrap(); let e = b.accepted("offer", "T1", &["0 take 4"]); corrects(b, "M1+P1", "taken", e).unwrap(); let e = b.accepted("offer", "T1", &["0 take 5"]); let a = corrects(b, "M1+P1", "correction", e); stands(b, "5", "0"); a }, "ok"),
    ("stock", |b| { quota_of(b, "5"); given(b, "0 take 5").unwrap(); goes_back(b, "3").unwrap(); let e = b.taken_back("back", "offer", &["0 take 2"]); let a = corrects(b, "P1+M1", "came back", e); stands(b, "3", "0"); a }, "ok CORRECTION_NOT_COVERED"),
    ("stock", |b| { quota_of(b, "5"); ships_of(b, "5").unwrap(); loads(b, "0 take 5").unwrap(); delivers(b, 'M', "5", "0 take 5").unwrap(); let e = b.accepted("delivery", "T1", &["0 take 4"]); let a = corrects(b, "M1+C1+P1", "arrival", e); stands(b, "4", "0"); a }, "ok CORRECTION_NOT_COVERED"),
    ("stock", |b| { quota_of(b, "9"); ships_of(b, "5").unwrap(); let e = b.accepted("truck", "", &["0 take 5"]); b.name("loaded", "C1", B::Accepted(e)).unwrap(); let e = b.accepted("truck", "", &["0 take 4"]); let a = corrects(b, "C1+P1", "loaded", e); stands(b, "0", "4"); a }, "ok CORRECTION_NOT_COVERED"),
    ("stock", |b| { quota_of(b, "9"); ships_of(b, "5").unwrap(); let e = b.accepted("truck", "", &["0 take 5"]); b.name("loaded", "C1", B::Accepted(e)).unwrap(); let e = b.accepted("truck", "", &["0 take 6"]); let a = corrects(b, "C1+P1", "loaded", e); stands(b, "0", "6"); a }, "ok CORRECTION_NOT_COVERED"),
    // As many claims as a permit keeps, and one more.
    ("stock", |b| { many_claims(b, 63); offers_of(b, "last", "1") }, "ok"),
    ("stock", |b| { many_claims(b, 64); offers_of(b, "last", "1") }, "TOO_MANY_CLAIMS"),
    ("stock", |b| { many_claims(b, 64); b.say("P1", B::Withdrawn(b.withdrawn("offer 7"))).unwrap(); offers_of(b, "last", "1") }, "ok"),
    ("stock", |b| { many_claims(b, 64); sells_of(b, "1") }, "ok"),
    // What comes before its offer waits for it.
    ("stock held-back", |b| { quota_of(b, "5"); let e = Offered { permit: "N-1".into(), ..b.offered('M', "T1", &["stock 5"]) }; b.prepare("late", "P1", B::Offered(e)); let e = b.accepted("late", "T1", &["0 take 4 refuse 1"]); b.say("M1", B::Accepted(e)).unwrap(); stands(b, "0", "0"); let a = b.send("late"); stands(b, "4", "0"); a }, "ok GOODS_REFUSED"),
];

/// An event that nobody has recorded.
pub fn nobodys() -> hazledger::pb::EventRef {
    hazledger::pb::EventRef {
        party: party('M'),
        statement_id: hazledger::event::StatementId::v7(super::bench::START_MS, [3; 10])
            .unwrap()
            .to_bytes(),
        event_index: 0,
        event_digest: hash("nobody's event"),
    }
}

//! A truck that is refused at the gate: it goes on to another taker with half
//! of its load and back to its sender with the rest, which sends it anew. The
//! chain of custody shows each offer with the one before and the one after.
//!
//! Sodium cyanide, kilograms of gross: P makes 1000 and sends 200 by C to M. M
//! declines. W takes 120 of them, P takes 80 back and sends those by D.

use hazledger::custody::{Item, Items as _, subject};
use hazledger::event::LotId;
use hazledger::pb::event::Body as B;
use hazledger::pb::{FindingCode, Offered, StepPapers};
use hazledger::projection::trace::{Ask, trace};

use super::bench::{Answer, Bench, HOUR};
use super::corrected_production::Journal;

fn said(b: &mut Bench, name: &str, keys: &str, body: B) -> u64 {
    let position = b.state.next();
    found(b.name(name, keys, body), &[]);
    b.now += HOUR;
    position
}

fn found(answer: Answer, wanted: &[FindingCode]) {
    assert_eq!(answer.unwrap(), wanted);
}

fn instead(b: &Bench, of: &str, e: Offered) -> B {
    B::Offered(Offered {
        instead_of: Some(b.event(of)),
        ..e
    })
}

/// The papers of the step at a position.
fn papers(b: &Bench, position: u64) -> StepPapers {
    let lot = LotId::from_slice(&b.id("stock")).unwrap();
    let item = b.state.get(&subject::lot(lot)).unwrap();
    let Item::Lot(state) = item.as_ref() else {
        panic!("no lot")
    };
    let ask = Ask {
        lot,
        serial: None,
        before: b.state.next(),
        known_at_ms: None,
        true_at_ms: None,
    };
    let traced = trace(&Journal(b), state, &ask).unwrap();
    let mut steps = traced.steps.into_iter();
    let step = steps.find(|step| step.position == position).unwrap();
    step.papers.unwrap()
}

#[test]
fn what_is_refused_at_the_gate_goes_on_and_back_and_the_chain_tells_it() {
    let mut b = Bench::new();
    let made = B::Produced(b.produced("stock", "1000", "T1"));
    said(&mut b, "stock", "P1", made);
    let sent = b.shipped('C', 'M', "T1", &["stock 200"]);
    let sent = said(&mut b, "truck", "P1", B::Offered(sent));
    let aboard = b.accepted("truck", "", &["0 take 200"]);
    said(&mut b, "aboard", "C1", B::Accepted(aboard));
    let gate = b.delivered('M', "truck", &["stock 200"]);
    let gate = said(&mut b, "gate", "C1", B::Offered(gate));
    let no = b.declined("gate");
    let no = said(&mut b, "no", "M1", B::Declined(no));

    let on = instead(&b, "gate", b.delivered('W', "truck", &["stock 120"]));
    let on = said(&mut b, "on", "C1", on);
    let taken = B::Accepted(b.accepted("on", "T1", &["0 take 120"]));
    found(b.say("W1", taken), &[FindingCode::GoodsDiverted]);
    let home = instead(&b, "gate", b.delivered('P', "truck", &["stock 80"]));
    let home = said(&mut b, "home", "C1", home);
    let taken = B::Accepted(b.accepted("home", "T1", &["0 take 80"]));
    found(b.say("P1", taken), &[]);
    let anew = instead(&b, "truck", b.shipped('D', 'W', "T1", &["stock 80"]));
    let anew = said(&mut b, "anew", "P1", anew);

    let first = papers(&b, sent);
    assert_eq!(
        (first.waybill.as_str(), first.replaced_by),
        ("W-1", vec![anew])
    );
    let refused = papers(&b, gate);
    assert_eq!(refused.handoff, b.id("gate"));
    assert_eq!(refused.replaced_by, [on, home]);
    // The word that declined it leads on as well.
    assert_eq!(papers(&b, no).replaced_by, [on, home]);
    for later in [on, home] {
        let later = papers(&b, later);
        assert_eq!(later.instead_of, b.id("gate"));
        assert_eq!(later.instead_of_position, Some(gate));
    }
    assert_eq!(papers(&b, anew).instead_of_position, Some(sent));
    super::verified(&b);
}

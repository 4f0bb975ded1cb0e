//! A plant joins with opening stock of unknown origin, and sends some of it to
//! somebody outside the ledger.
//!
//! | what | kg |
//! |---|---|
//! | opened by a count of two persons, origin unknown | 800 |
//! | departed to a mine that is no party | 300 |
//! | left in the plant | 500 |
//! | the mine joins and confirms | 299.4 |
//!
//! 800 = 500 + 300. The mine's 0.6 kg less is a finding with both figures; what
//! was booked stays. Content 98 %: 784 = 490 + 294.

use hazledger::pb::event::Body as B;
use hazledger::pb::{
    AccountKind, Confirmed, Departed, FindingCode, Opened, Outsider, PartyStatus, RefusalCode,
};

use super::bench::{Bench, DAY, NOBODY, START_MS, event, party, register_key, register_party};
use super::verbs::{kg, mg};
use super::{lot_of, of_kind, verified};

#[test]
fn a_plant_joins_with_stock_of_unknown_origin_and_sends_some_of_it_outside() {
    let mut b = Bench::new();
    // Two persons of P count what nobody knows the origin of.
    let opened = Opened {
        provenance: String::new(),
        ..b.opened("old stock", "800", "T1")
    };
    let alone = b.say("P1", B::Opened(opened.clone())).unwrap_err();
    assert_eq!(alone.code, RefusalCode::TwoPersonsRequired);
    assert_eq!(
        b.name("old", "P1+P2", B::Opened(opened)),
        Ok(vec![FindingCode::ProvenanceUnknown])
    );
    b.now += DAY;

    // 300 kg go to a mine that is no party of this ledger, without a paper.
    let departed = Departed {
        goods: b.goods("old 300"),
        place: "T1".into(),
        to: Some(Outsider {
            name: "未入链矿山".into(),
            code: party(NOBODY),
            country: "CN".into(),
            ..Outsider::default()
        }),
        documents: Vec::new(),
    };
    assert_eq!(
        b.name("departed", "P1", B::Departed(departed.clone())),
        Ok(vec![FindingCode::PapersMissing, FindingCode::OneSided])
    );
    assert_eq!(
        of_kind(&b, "old", AccountKind::Held),
        (mg("500"), mg("490"))
    );
    assert_eq!(
        of_kind(&b, "old", AccountKind::Outbound),
        (mg("300"), mg("294"))
    );
    let waiting = &lot_of(&b, "old").one_sided[0];
    assert_eq!(waiting.gross_mg, mg("300"));
    assert_eq!(waiting.due_ms, b.now + 30 * DAY);

    // P cannot confirm its own word.
    let confirmed = Confirmed {
        lot: b.id("old"),
        edge: Some(b.event("departed")),
        quantity: kg("299.4"),
    };
    let own = b.say("P1", B::Confirmed(confirmed.clone())).unwrap_err();
    assert_eq!(own.code, RefusalCode::CounterpartSignatureRequired);

    // The mine joins, and says what it weighed.
    b.now += 10 * DAY;
    let joins = vec![
        event(register_party(NOBODY, PartyStatus::Active)),
        event(B::KeyRegistered(register_key("N1", 0, START_MS * 2))),
    ];
    assert_eq!(b.say_all("A1+A2", joins), Ok(vec![]));
    assert_eq!(
        b.say("N1", B::Confirmed(confirmed.clone())),
        Ok(vec![FindingCode::ConfirmationDiffers])
    );
    assert_eq!(lot_of(&b, "old").one_sided, []);
    assert_eq!(
        of_kind(&b, "old", AccountKind::Outbound),
        (mg("300"), mg("294"))
    );
    let again = b.say("N1", B::Confirmed(confirmed)).unwrap_err();
    assert_eq!(again.code, RefusalCode::UnknownEdge);

    // From now on goods for the mine are handed over, not sent outside.
    let outside = b.say("P1", B::Departed(departed)).unwrap_err();
    assert_eq!(outside.code, RefusalCode::FieldInvalid);
    verified(&b);
}

//! The trace service over a real server: a lot by any of its names, both kinds
//! of time travel, genealogy, the balance of the whole, disputes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod support;

use hazledger::custody::account;
use hazledger::event::LotId;
use hazledger::pb::event::Body;
use hazledger::pb::trace_lot_request::Which;
use hazledger::pb::{
    Accepted, AcceptedLine, Account, AccountKind, BalanceRequest, Corrected, Counted, Direction,
    EventKind, ExternalRef, FindingAnswer, FindingAnswered, FindingCode, FindingEntry,
    GenealogyRequest, ListDisputesRequest, ListDisputesResponse, ListEmptiesRequest,
    ListFindingsRequest, ListFindingsResponse, Moved, NewLot, Offered, PackageLabel, PackagePart,
    Packed, Produced, Quantity, RefusalCode, SerialRange, Severity, TraceLotRequest,
    TraceLotResponse, TraceStep, TransformInput, Transformed, Used, Wasted, offered,
};
use support::server::{
    Bench, HOUR_MS, event, loose, lot_of, new_lot, packages, produced, reference, referring, used,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

async fn try_trace(bench: &Bench, request: TraceLotRequest) -> Result<TraceLotResponse, Status> {
    // Views are behind by a moment: ask for all that is committed.
    let min_position = bench.ledger.committed();
    let request = TraceLotRequest {
        min_position,
        ..request
    };
    Ok(bench.trace_client().trace_lot(request).await?.into_inner())
}

async fn trace(bench: &Bench, request: TraceLotRequest) -> TraceLotResponse {
    try_trace(bench, request).await.unwrap()
}

fn of(which: Which) -> TraceLotRequest {
    TraceLotRequest {
        which: Some(which),
        ..TraceLotRequest::default()
    }
}

fn of_lot(lot: LotId) -> TraceLotRequest {
    of(Which::Lot(lot.to_bytes()))
}

fn ticket(number: &str) -> Which {
    let system = "weighbridge".to_owned();
    Which::ExternalRef(ExternalRef {
        system,
        number: number.to_owned(),
    })
}

fn kinds(answer: &TraceLotResponse) -> Vec<EventKind> {
    answer.steps.iter().map(TraceStep::kind).collect()
}

/// Gross milligrams on an account.
fn gross(answer: &TraceLotResponse, account: &Account) -> i64 {
    let holding = answer
        .holdings
        .iter()
        .find(|h| h.account.as_ref() == Some(account));
    holding.map_or(0, |h| h.gross_mg)
}

fn packed(lot: LotId, first: u64, last: u64, each: i64) -> hazledger::pb::Event {
    event(Body::Packed(Packed {
        lot: lot.to_bytes(),
        place: "T1".to_owned(),
        serials: Some(SerialRange { first, last }),
        gross_mg_each: each,
        packaging: "steel drum 1A2".to_owned(),
    }))
}

#[tokio::test]
async fn a_lot_is_traced_from_its_birth_by_name_label_package_and_reference_alike() {
    let bench = Bench::start().await;
    let plant = &bench.cast.plant;
    let making = vec![referring(produced("A-1", 1_000_000), "weighbridge", "T-77")];
    let (born_at, draft) = bench.happen(plant, bench.now_ms(), making).await;
    let lot = lot_of(&draft, 0);
    bench.produce("A-2", 10).await;
    let packing = vec![packed(lot, 1, 10, 50_000)];
    let (packed_at, _) = bench.happen(plant, bench.now_ms(), packing).await;
    let (used_at, _) = bench
        .happen(plant, bench.now_ms(), vec![used(lot, 400)])
        .await;

    for which in [
        Which::Lot(lot.to_bytes()),
        Which::Label("A-1".to_owned()),
        ticket("T-77"),
    ] {
        let answer = trace(&bench, of(which)).await;
        assert_eq!(answer.lot, lot.to_bytes());
        assert_eq!(answer.born.as_ref().unwrap().label, "A-1");
        assert_eq!(
            kinds(&answer),
            [EventKind::Produced, EventKind::Packed, EventKind::Used]
        );
        let positions: Vec<u64> = answer.steps.iter().map(|step| step.position).collect();
        assert_eq!(positions, [born_at, packed_at, used_at]);
        assert!(answer.steps.iter().all(|step| step.party == plant.code));
        assert_eq!(answer.as_of, used_at + 1);
        assert_eq!(gross(&answer, &account::held(&plant.code, "T1")), 999_600);
        assert_eq!(gross(&answer, &account::plain(AccountKind::Used)), 400);
        assert_eq!(
            gross(&answer, &account::plain(AccountKind::Produced)),
            -1_000_000
        );
        let state = answer.state.unwrap();
        let booked: i64 = state.balances.iter().map(|b| b.gross_mg).sum();
        let told: i64 = answer.holdings.iter().map(|h| h.gross_mg).sum();
        assert_eq!((booked, told), (0, 0));
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_package_is_traced_by_what_touched_it_and_where_it_stands() {
    let bench = Bench::start().await;
    let plant = &bench.cast.plant;
    let (_, lot) = bench.produce("A-1", 1_000_000).await;
    bench
        .happen(plant, bench.now_ms(), vec![packed(lot, 1, 10, 50_000)])
        .await;
    let moved = |first, last| {
        event(Body::Moved(Moved {
            goods: packages(lot, first, last),
            from_place: "T1".to_owned(),
            to_place: "T2".to_owned(),
        }))
    };
    bench.happen(plant, bench.now_ms(), vec![moved(3, 5)]).await;
    bench.happen(plant, bench.now_ms(), vec![moved(6, 6)]).await;
    bench
        .happen(plant, bench.now_ms(), vec![used(lot, 400)])
        .await;
    let count = event(Body::Counted(Counted {
        lot: lot.to_bytes(),
        place: "T2".to_owned(),
        loose_gross_mg: 0,
        serials_scanned: vec![SerialRange { first: 3, last: 4 }],
        serials_assumed: vec![SerialRange { first: 5, last: 6 }],
        outers_seen: Vec::new(),
        loose_measure: None,
    }));
    bench.happen(plant, bench.now_ms(), vec![count]).await;

    let package = async |serial| {
        let lot_label = "A-1".to_owned();
        try_trace(
            &bench,
            of(Which::Package(PackageLabel { lot_label, serial })),
        )
        .await
    };
    let four = package(4).await.unwrap();
    assert_eq!(
        kinds(&four),
        [EventKind::Packed, EventKind::Moved, EventKind::Counted]
    );
    assert_eq!(four.holdings.len(), 1);
    assert_eq!(
        four.holdings[0].account,
        Some(account::held(&plant.code, "T2"))
    );
    assert_eq!(
        (four.holdings[0].gross_mg, four.holdings[0].contained_mg),
        (50_000, 49_000)
    );
    assert_eq!(
        four.holdings[0].serials,
        [SerialRange { first: 4, last: 4 }]
    );
    let nine = package(9).await.unwrap();
    assert_eq!(kinds(&nine), [EventKind::Packed]);
    assert_eq!(
        nine.holdings[0].account,
        Some(account::held(&plant.code, "T1"))
    );
    assert_eq!(package(11).await.unwrap_err().code(), Code::NotFound);

    // The whole lot tells which serials stand where.
    let whole = trace(&bench, of_lot(lot)).await;
    let at_t2 = account::held(&plant.code, "T2");
    let held = whole
        .holdings
        .iter()
        .find(|h| h.account.as_ref() == Some(&at_t2))
        .unwrap();
    assert_eq!(held.serials, [SerialRange { first: 3, last: 6 }]);
    bench.stop().await;
}

#[tokio::test]
async fn what_nobody_knows_is_not_found_and_what_several_share_is_named() {
    let bench = Bench::start().await;
    let (_, one) = bench.produce("SAME", 10).await;
    let (_, other) = bench.produce("SAME", 10).await;
    let code = async |which| try_trace(&bench, of(which)).await.unwrap_err().code();
    assert_eq!(code(Which::Lot(vec![9; 16].into())).await, Code::NotFound);
    assert_eq!(
        code(Which::Lot(vec![9; 15].into())).await,
        Code::InvalidArgument
    );
    assert_eq!(code(Which::Label("SAM".to_owned())).await, Code::NotFound);
    assert_eq!(code(Which::Label("x".repeat(1_000))).await, Code::NotFound);
    assert_eq!(code(ticket("none")).await, Code::NotFound);
    let none = try_trace(&bench, TraceLotRequest::default())
        .await
        .unwrap_err();
    assert_eq!(none.code(), Code::InvalidArgument);

    let status = try_trace(&bench, of(Which::Label("SAME".to_owned())))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    for lot in [one, other] {
        assert!(
            status.message().contains(&lot.to_string()),
            "{}",
            status.message()
        );
    }
    assert_eq!(status.get_details_error_info().unwrap().reason, "AMBIGUOUS");
    bench.stop().await;
}

#[tokio::test]
async fn as_known_at_a_position_or_a_recorded_time_later_records_are_ignored() {
    let bench = Bench::start().await;
    let plant = &bench.cast.plant;
    let (born_at, lot) = bench.produce("A-1", 1_000).await;
    let born_ms = bench.now_ms();
    bench.pass(HOUR_MS);
    let (used_at, _) = bench
        .happen(plant, bench.now_ms(), vec![used(lot, 100)])
        .await;
    bench.pass(HOUR_MS);
    bench
        .happen(plant, bench.now_ms(), vec![used(lot, 100)])
        .await;
    let held = account::held(&plant.code, "T1");

    let known_at = |position| TraceLotRequest {
        known_at_position: Some(position),
        ..of_lot(lot)
    };
    let at_ms = |ms| TraceLotRequest {
        known_at_ms: Some(ms),
        ..of_lot(lot)
    };
    let cases = [
        (known_at(born_at), 0, 0),
        (known_at(born_at + 1), 1, 1_000),
        (known_at(used_at), 1, 1_000),
        (known_at(used_at + 1), 2, 900),
        (known_at(u64::MAX), 3, 800),
        (at_ms(born_ms - 1), 0, 0),
        (at_ms(born_ms), 1, 1_000),
        (at_ms(born_ms + HOUR_MS), 2, 900),
        (at_ms(i64::MAX), 3, 800),
    ];
    for (request, steps, gross_mg) in cases {
        let answer = trace(&bench, request.clone()).await;
        assert_eq!(answer.steps.len(), steps, "{request:?}");
        assert_eq!(gross(&answer, &held), gross_mg, "{request:?}");
        assert_eq!(answer.born.is_some(), steps > 0, "{request:?}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn as_true_at_a_correction_stands_where_the_original_stood() {
    let bench = Bench::start().await;
    let plant = &bench.cast.plant;
    let born_ms = bench.now_ms();
    let making = vec![produced("A-1", 1_000)];
    let (born_at, making) = bench.happen(plant, born_ms, making).await;
    let lot = lot_of(&making, 0);
    bench.pass(HOUR_MS);
    let used_ms = bench.now_ms();
    let (used_at, _) = bench.happen(plant, used_ms, vec![used(lot, 900)]).await;
    bench.pass(HOUR_MS);
    // There were only 950 mg, then (corrected once more) only 700.
    let correct = async |gross| {
        let correction = event(Body::Corrected(Box::new(Corrected {
            original: reference(&making, 0, plant),
            restated: Some(Box::new(produced("A-1", gross))),
            reason: "scale read wrongly".to_owned(),
        })));
        bench
            .happen(plant, bench.now_ms(), vec![correction])
            .await
            .0
    };
    let first = correct(950).await;
    bench.pass(HOUR_MS);
    let second = correct(700).await;
    let held = account::held(&plant.code, "T1");
    let true_at = |ms, known| TraceLotRequest {
        true_at_ms: Some(ms),
        known_at_position: known,
        ..of_lot(lot)
    };

    // As booked: what the holding could not give went into dispute.
    let now = trace(&bench, of_lot(lot)).await;
    assert_eq!(
        kinds(&now),
        [
            EventKind::Produced,
            EventKind::Used,
            EventKind::Corrected,
            EventKind::Corrected
        ]
    );
    assert_eq!(gross(&now, &held), 0);
    assert_eq!(now.steps[0].restated_by, Some(second));
    assert_eq!(now.steps[1].restated_by, None);
    assert_eq!(now.steps[2].restated_by, Some(born_at));
    assert!(now.below_zero.is_empty());

    let cases = [
        // True then, as known before any correction.
        (true_at(born_ms, Some(first)), 1, 1_000, false),
        (true_at(used_ms, Some(first)), 2, 100, false),
        // As known after the first.
        (true_at(born_ms, Some(second)), 1, 950, false),
        (true_at(used_ms, Some(second)), 2, 50, false),
        // As known now: more was used than there was.
        (true_at(born_ms - 1, None), 0, 0, false),
        (true_at(born_ms, None), 1, 700, false),
        (true_at(used_ms - 1, None), 1, 700, false),
        (true_at(used_ms, None), 2, -200, true),
        (true_at(i64::MAX, None), 2, -200, true),
    ];
    for (request, steps, gross_mg, below) in cases {
        let answer = trace(&bench, request.clone()).await;
        assert_eq!(answer.steps.len(), steps, "{request:?}");
        assert_eq!(gross(&answer, &held), gross_mg, "{request:?}");
        let told = if below {
            vec![held.clone()]
        } else {
            Vec::new()
        };
        assert_eq!(answer.below_zero, told, "{request:?}");
        let sum: i64 = answer.holdings.iter().map(|h| h.gross_mg).sum();
        assert_eq!(sum, 0, "{request:?}");
    }
    assert!(used_at > born_at);
    bench.stop().await;
}

#[tokio::test]
async fn as_true_at_goes_by_the_time_of_happening_not_of_recording() {
    let bench = Bench::start().await;
    let plant = &bench.cast.plant;
    let start = bench.now_ms();
    let (_, lot) = bench.produce("A-1", 1_000).await;
    bench.pass(10 * HOUR_MS);
    // Recorded in this order, happened in the other.
    bench
        .happen(plant, start + 3 * HOUR_MS, vec![used(lot, 100)])
        .await;
    let (late, _) = bench
        .happen(plant, start + HOUR_MS, vec![used(lot, 10)])
        .await;
    let request = TraceLotRequest {
        true_at_ms: Some(start + 2 * HOUR_MS),
        ..of_lot(lot)
    };
    let answer = trace(&bench, request).await;
    assert_eq!(gross(&answer, &account::held(&plant.code, "T1")), 990);
    let positions: Vec<u64> = answer.steps.iter().map(|step| step.position).collect();
    assert_eq!(positions[1..], [late]);
    let all = TraceLotRequest {
        true_at_ms: Some(i64::MAX),
        ..of_lot(lot)
    };
    let times: Vec<i64> = trace(&bench, all)
        .await
        .steps
        .iter()
        .map(|step| step.happened_at_ms)
        .collect();
    assert!(times.is_sorted());
    bench.stop().await;
}

#[tokio::test]
async fn an_acceptance_that_came_before_its_offer_keeps_its_own_time_and_signer() {
    let bench = Bench::start().await;
    let (plant, store) = (&bench.cast.plant, &bench.cast.store);
    let (_, lot) = bench.produce("A-1", 1_000).await;
    bench.pass(5 * HOUR_MS);
    let (offered_ms, accepted_ms) = (bench.now_ms() - 2 * HOUR_MS, bench.now_ms() - HOUR_MS);
    let offer = event(Body::Offered(Offered {
        taker: store.code.clone(),
        from: Some(offered::From::Place("T1".to_owned())),
        lines: loose(lot, 600).into_iter().collect(),
        ..Offered::default()
    }));
    let offering = bench.draft(plant, offered_ms, vec![offer]);
    let acceptance = event(Body::Accepted(Accepted {
        offer: reference(&offering, 0, plant),
        place: "B1".to_owned(),
        lines: vec![AcceptedLine {
            line: 0,
            accepted: Some(Quantity {
                gross_mg: 600,
                measure: None,
            }),
            ..AcceptedLine::default()
        }],
        returns: None,
        ..Accepted::default()
    }));
    bench.happen(store, accepted_ms, vec![acceptance]).await;
    let position = bench.record(offering.sign(&plant.key, &[])).await;

    let answer = trace(&bench, of_lot(lot)).await;
    assert_eq!(
        kinds(&answer),
        [EventKind::Produced, EventKind::Offered, EventKind::Accepted]
    );
    let (given, taken) = (&answer.steps[1], &answer.steps[2]);
    assert_eq!((given.position, taken.position), (position, position));
    assert_eq!((&given.party, &taken.party), (&plant.code, &store.code));
    assert_eq!(
        (given.happened_at_ms, taken.happened_at_ms),
        (offered_ms, accepted_ms)
    );
    let there = account::held(&store.code, "B1");
    assert_eq!(gross(&answer, &there), 600);
    let before = TraceLotRequest {
        true_at_ms: Some(accepted_ms - 1),
        ..of_lot(lot)
    };
    assert_eq!(gross(&trace(&bench, before).await, &there), 0);
    let then = TraceLotRequest {
        true_at_ms: Some(accepted_ms),
        ..of_lot(lot)
    };
    assert_eq!(gross(&trace(&bench, then).await, &there), 600);
    bench.stop().await;
}

/// NaCN dissolved to a 30 % solution: half water.
fn solution(lot: LotId, gross_mg: i64, label: &str) -> hazledger::pb::Event {
    event(Body::Transformed(Transformed {
        inputs: vec![TransformInput {
            goods: loose(lot, gross_mg),
            place: "T1".to_owned(),
        }],
        outputs: new_lot(label, gross_mg * 2, "T2")
            .map(|lot| NewLot {
                form: "NACN-3414".to_owned(),
                content_ppm: 490_000,
                ..lot
            })
            .into_iter()
            .collect(),
        inert: vec![hazledger::pb::Inert {
            name: "water".to_owned(),
            quantity: Some(Quantity {
                gross_mg,
                measure: None,
            }),
        }],
        ..Transformed::default()
    }))
}

#[tokio::test]
async fn genealogy_follows_contributions_both_ways_with_their_masses() {
    let bench = Bench::start().await;
    let plant = &bench.cast.plant;
    let (_, root) = bench.produce("ROOT", 10_000).await;
    let (_, draft) = bench
        .happen(plant, bench.now_ms(), vec![solution(root, 1_000, "CHILD")])
        .await;
    let child = lot_of(&draft, 0);
    let wasting = event(Body::Wasted(Wasted {
        goods: loose(child, 300),
        place: "T2".to_owned(),
        label: "WASTE".to_owned(),
        waste_code: "900-028-33".to_owned(),
    }));
    let (_, draft) = bench.happen(plant, bench.now_ms(), vec![wasting]).await;
    let waste = lot_of(&draft, 0);
    let genealogy = async |lot: LotId, direction: Direction| {
        let request = GenealogyRequest {
            lot: lot.to_bytes(),
            direction: direction.into(),
            min_position: bench.ledger.committed(),
        };
        let answer = bench
            .trace_client()
            .genealogy(request)
            .await
            .unwrap()
            .into_inner();
        assert!(!answer.truncated);
        assert_eq!(answer.as_of, bench.ledger.committed());
        answer
            .edges
            .into_iter()
            .map(|e| (e.parent_label, e.child_label, e.gross_mg, e.distance))
            .collect::<Vec<_>>()
    };
    let edge = |parent: &str, child: &str, gross, distance| {
        (parent.to_owned(), child.to_owned(), gross, distance)
    };
    let down = genealogy(root, Direction::Descendants).await;
    assert_eq!(
        down,
        [
            edge("ROOT", "CHILD", 1_000, 1),
            edge("CHILD", "WASTE", 300, 2)
        ]
    );
    let up = genealogy(waste, Direction::Ancestors).await;
    assert_eq!(
        up,
        [
            edge("CHILD", "WASTE", 300, 1),
            edge("ROOT", "CHILD", 1_000, 2)
        ]
    );
    assert!(genealogy(root, Direction::Ancestors).await.is_empty());
    assert!(genealogy(waste, Direction::Descendants).await.is_empty());

    let unknown = GenealogyRequest {
        lot: vec![5; 16].into(),
        direction: Direction::Ancestors.into(),
        min_position: 0,
    };
    let status = bench.trace_client().genealogy(unknown).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    bench.stop().await;
}

#[tokio::test]
async fn the_balance_sums_every_substance_to_zero_and_says_where_it_is() {
    let bench = Bench::start().await;
    let plant = &bench.cast.plant;
    let (_, lot) = bench.produce("A-1", 1_000).await;
    let nitrate = new_lot("N-1", 2_000, "T2").map(|lot| NewLot {
        form: "AN-1942".to_owned(),
        content_ppm: 1_000_000,
        ..lot
    });
    let nitrate = event(Body::Produced(Produced { lot: nitrate }));
    bench
        .happen(plant, bench.now_ms(), vec![nitrate, used(lot, 100)])
        .await;
    let min_position = bench.ledger.committed();
    let request = BalanceRequest { min_position };
    let answer = bench
        .trace_client()
        .balance(request)
        .await
        .unwrap()
        .into_inner();
    assert!(answer.as_of >= min_position);
    assert!(answer.balanced);
    assert_eq!(answer.lots, 2);
    let rows: Vec<(&str, AccountKind, &str, &str)> = answer
        .rows
        .iter()
        .map(|r| {
            (
                r.substance.as_str(),
                r.account(),
                r.gross_mg.as_str(),
                r.contained_mg.as_str(),
            )
        })
        .collect();
    let wanted = [
        ("AN", AccountKind::Produced, "-2000", "-2000"),
        ("AN", AccountKind::Held, "2000", "2000"),
        ("NACN", AccountKind::Produced, "-1000", "-980"),
        ("NACN", AccountKind::Held, "900", "882"),
        ("NACN", AccountKind::Used, "100", "98"),
    ];
    assert_eq!(rows, wanted);
    bench.stop().await;
}

#[tokio::test]
async fn open_disputes_are_listed_page_by_page() {
    let bench = Bench::start().await;
    let (plant, store) = (&bench.cast.plant, &bench.cast.store);
    for n in 0..3 {
        let (_, lot) = bench.produce(&format!("A-{n}"), 1_000).await;
        let offer = event(Body::Offered(Offered {
            taker: store.code.clone(),
            from: Some(offered::From::Place("T1".to_owned())),
            lines: loose(lot, 600).into_iter().collect(),
            ..Offered::default()
        }));
        let (_, offering) = bench.happen(plant, bench.now_ms(), vec![offer]).await;
        let acceptance = event(Body::Accepted(Accepted {
            offer: reference(&offering, 0, plant),
            place: "B1".to_owned(),
            lines: vec![AcceptedLine {
                line: 0,
                accepted: Some(Quantity {
                    gross_mg: 500,
                    measure: None,
                }),
                ..AcceptedLine::default()
            }],
            returns: None,
            ..Accepted::default()
        }));
        bench.happen(store, bench.now_ms(), vec![acceptance]).await;
    }
    let mut listed = Vec::new();
    let mut after = bytes::Bytes::new();
    for wanted in [2, 1, 0] {
        let request = ListDisputesRequest {
            page_size: 2,
            after: after.clone(),
            ..ListDisputesRequest::default()
        };
        let answer = bench
            .trace_client()
            .list_disputes(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.disputes.len(), wanted);
        assert_eq!(answer.as_of, bench.ledger.committed());
        for entry in answer.disputes {
            assert_eq!(entry.state.unwrap().gross_mg, 100);
            after = entry.dispute.clone();
            listed.push(entry.dispute);
        }
    }
    assert!(listed.is_sorted());
    // Whose they are and by when; overdue by the time asked for, else by now.
    let ask = |owner: &str, overdue_only: bool, at_ms: Option<i64>| ListDisputesRequest {
        owner: owner.to_owned(),
        overdue_only,
        at_ms,
        ..ListDisputesRequest::default()
    };
    let all = disputes(&bench, ask("", false, None)).await;
    let deadline = all.disputes[0].deadline_ms;
    assert!(deadline > all.at_ms, "none is overdue yet");
    assert!(
        all.disputes
            .iter()
            .all(|d| d.owner == plant.code && !d.overdue)
    );
    let last = all.disputes.iter().map(|d| d.deadline_ms).max();
    for (owner, overdue_only, at_ms, wanted, overdue) in [
        (plant.code.as_str(), false, None, 3, 0),
        (store.code.as_str(), false, None, 0, 0),
        ("", true, None, 0, 0),
        ("", false, last.map(|ms| ms + 1), 3, 3),
        ("", true, last.map(|ms| ms + 1), 3, 3),
        (store.code.as_str(), true, last.map(|ms| ms + 1), 0, 0),
        ("", true, Some(deadline.min(all.at_ms)), 0, 0),
    ] {
        let answer = disputes(&bench, ask(owner, overdue_only, at_ms)).await;
        let late = answer.disputes.iter().filter(|d| d.overdue).count();
        assert_eq!((answer.disputes.len(), late), (wanted, overdue));
        assert_eq!(at_ms.unwrap_or(answer.at_ms), answer.at_ms);
    }
    bench.stop().await;
}

/// Findings as a page of them is asked for.
async fn findings(bench: &Bench, request: ListFindingsRequest) -> ListFindingsResponse {
    // The view is behind by a moment: ask for all that is committed.
    let min_position = bench.ledger.committed();
    let request = ListFindingsRequest {
        min_position,
        ..request
    };
    let answer = bench.trace_client().list_findings(request).await;
    answer.unwrap().into_inner()
}

/// A word on a finding that was listed.
fn word(entry: &FindingEntry, answer: FindingAnswer) -> hazledger::pb::Event {
    event(Body::FindingAnswered(FindingAnswered {
        position: entry.position,
        finding: entry.index,
        event: entry.event.clone(),
        answer: answer.into(),
        words: "the valve was not shut".to_owned(),
        documents: Vec::new(),
    }))
}

#[expect(
    clippy::too_many_lines,
    reason = "one finding's life, told from its beginning"
)]
#[tokio::test]
async fn findings_are_listed_and_answered_until_they_are_resolved() {
    let bench = Bench::start().await;
    let (plant, store) = (&bench.cast.plant, &bench.cast.store);
    let mut positions = Vec::new();
    for n in 0..3 {
        let (_, lot) = bench.produce(&format!("F-{n}"), 1_000).await;
        let offer = event(Body::Offered(Offered {
            taker: store.code.clone(),
            from: Some(offered::From::Place("T1".to_owned())),
            lines: loose(lot, 600).into_iter().collect(),
            ..Offered::default()
        }));
        let (_, offering) = bench.happen(plant, bench.now_ms(), vec![offer]).await;
        let acceptance = event(Body::Accepted(Accepted {
            offer: reference(&offering, 0, plant),
            place: "B1".to_owned(),
            lines: vec![AcceptedLine {
                line: 0,
                accepted: Some(Quantity {
                    gross_mg: 500,
                    measure: None,
                }),
                ..AcceptedLine::default()
            }],
            returns: None,
            ..Accepted::default()
        }));
        let taken = bench.happen(store, bench.now_ms(), vec![acceptance]).await;
        positions.push(taken.0);
    }
    let all = findings(&bench, ListFindingsRequest::default()).await;
    let told: Vec<u64> = all.findings.iter().map(|entry| entry.position).collect();
    assert_eq!(told, positions);
    assert!(all.next.is_empty());
    for entry in &all.findings {
        let finding = entry.finding.as_ref().unwrap();
        assert_eq!(finding.code(), FindingCode::ShortDelivery);
        assert_eq!(
            (entry.owner.as_str(), entry.overdue),
            (plant.code.as_str(), false)
        );
    }
    let due_ms = all.findings[2].finding.as_ref().unwrap().due_ms;
    let owned = |owner: &str| ListFindingsRequest {
        owner: owner.to_owned(),
        ..ListFindingsRequest::default()
    };
    let asked = [
        (owned(&plant.code), 3),
        (owned(&store.code), 0),
        (
            ListFindingsRequest {
                since_position: positions[1],
                ..Default::default()
            },
            2,
        ),
        (
            ListFindingsRequest {
                code: FindingCode::CountShort.into(),
                ..Default::default()
            },
            0,
        ),
        (
            ListFindingsRequest {
                severity: Severity::Alarm.into(),
                ..Default::default()
            },
            3,
        ),
        (
            ListFindingsRequest {
                overdue_only: true,
                ..Default::default()
            },
            0,
        ),
        (
            ListFindingsRequest {
                overdue_only: true,
                at_ms: Some(due_ms + 1),
                ..Default::default()
            },
            3,
        ),
    ];
    for (request, wanted) in asked {
        let answer = findings(&bench, request.clone()).await;
        assert_eq!(answer.findings.len(), wanted, "{request:?}");
    }
    let first = findings(
        &bench,
        ListFindingsRequest {
            page_size: 2,
            ..Default::default()
        },
    )
    .await;
    let rest = ListFindingsRequest {
        page_size: 2,
        after: first.next.clone(),
        ..Default::default()
    };
    let rest = findings(&bench, rest).await;
    assert_eq!((first.findings.len(), rest.findings.len()), (2, 1));
    let wrong = ListFindingsRequest {
        after: vec![1].into(),
        ..Default::default()
    };
    let wrong = bench.trace_client().list_findings(wrong).await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);

    // Answered by whose it is, resolved by the authority.
    let one = &all.findings[0];
    let seen = vec![word(one, FindingAnswer::Explained)];
    let code = bench.refused(bench.statement(store, seen.clone())).await;
    assert_eq!(code, RefusalCode::NotTheOwner);
    bench.record(bench.statement(plant, seen)).await;
    let now = findings(&bench, ListFindingsRequest::default()).await;
    assert_eq!(now.findings[0].answer(), FindingAnswer::Explained);
    assert_eq!(
        (now.findings[0].answers, &now.findings[0].answered_by),
        (1, &plant.code)
    );
    let over = vec![word(one, FindingAnswer::Resolved)];
    bench
        .record(bench.statement(&bench.cast.authority, over))
        .await;
    let open = ListFindingsRequest {
        open_only: true,
        at_ms: Some(due_ms + 1),
        ..Default::default()
    };
    let open = findings(&bench, open).await;
    let told: Vec<(u64, bool)> = open
        .findings
        .iter()
        .map(|e| (e.position, e.overdue))
        .collect();
    assert_eq!(told, [(positions[1], true), (positions[2], true)]);
    bench.stop().await;
}

#[tokio::test]
async fn empties_are_listed_by_who_has_them_and_told_apart_in_a_trace() {
    let bench = Bench::start().await;
    let plant = &bench.cast.plant;
    let mut lots = Vec::new();
    for n in 0..3 {
        let (_, lot) = bench.produce(&format!("E-{n}"), 1_000).await;
        let packed = event(Body::Packed(Packed {
            lot: lot.to_bytes(),
            place: "T1".to_owned(),
            serials: Some(SerialRange { first: 1, last: 4 }),
            gross_mg_each: 100,
            packaging: "steel drum 1A2".to_owned(),
        }));
        // Lot 0 keeps its drums full.
        let mut goods = packages(lot, 1, 2).unwrap();
        goods.parts = vec![PackagePart {
            serial: 3,
            quantity: Some(Quantity {
                gross_mg: 40,
                measure: None,
            }),
        }];
        let emptied = event(Body::Used(Used {
            goods: Some(goods),
            place: "T1".to_owned(),
            purpose: "dosing".to_owned(),
        }));
        let mut events = vec![packed];
        events.extend((n > 0).then_some(emptied));
        bench.happen(plant, bench.now_ms(), events).await;
        lots.push(lot);
    }
    let list = async |holder: &str, page_size| {
        let (mut found, mut pages) = (Vec::new(), 0);
        let mut after = bytes::Bytes::new();
        loop {
            let request = ListEmptiesRequest {
                min_position: 0,
                holder: holder.to_owned(),
                page_size,
                after,
            };
            let answer = bench.trace_client().list_empties(request).await;
            let answer = answer.unwrap().into_inner();
            assert_eq!(answer.as_of, bench.ledger.committed());
            pages += 1;
            found.extend(answer.entries);
            if answer.next.is_empty() {
                return (found, pages);
            }
            after = answer.next;
        }
    };
    let (found, pages) = list("", 1).await;
    assert_eq!(pages, 3, "one lot a page");
    let mut wanted: Vec<_> = lots[1..].iter().map(|lot| lot.to_bytes()).collect();
    wanted.sort_unstable();
    let listed: Vec<_> = found.iter().map(|entry| entry.lot.clone()).collect();
    assert_eq!(listed, wanted);
    for entry in &found {
        let ranges: Vec<_> = entry.packages.iter().map(|p| (p.first, p.last)).collect();
        assert_eq!(ranges, [(1, 2)]);
    }
    assert_eq!(list(&plant.code, 0).await, (found, 1));
    let store = bench.cast.store.code.clone();
    assert_eq!(list(&store, 0).await, (Vec::new(), 1));

    let answer = trace(&bench, of_lot(lots[1])).await;
    let held = account::held(&plant.code, "T1");
    let here = answer
        .holdings
        .iter()
        .find(|h| h.account.as_ref() == Some(&held));
    let two = SerialRange { first: 1, last: 2 };
    assert_eq!(here.unwrap().empties, [two]);
    for (serial, left) in [(2, 0), (3, 60), (4, 100)] {
        let package = Which::Package(PackageLabel {
            lot_label: "E-1".to_owned(),
            serial,
        });
        let answer = trace(&bench, of(package)).await;
        assert_eq!(answer.holdings[0].gross_mg, left, "package {serial}");
    }
    bench.stop().await;
}

async fn disputes(bench: &Bench, request: ListDisputesRequest) -> ListDisputesResponse {
    let answer = bench.trace_client().list_disputes(request).await;
    answer.unwrap().into_inner()
}

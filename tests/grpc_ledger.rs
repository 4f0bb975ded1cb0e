//! The ledger service over a real server with a real client: answers, dry
//! runs, records, followers.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use std::collections::BTreeSet;

use hazledger::event::record::OpenRecord;
use hazledger::event::{Hash, LotId};
use hazledger::pb::event::Body;
use hazledger::pb::get_record_request::Which;
use hazledger::pb::item::Item;
use hazledger::pb::submit_response::Answer;
use hazledger::pb::{
    DecideRequest, EventKind, FollowRequest, GetRecordRequest, GetStatusRequest,
    ListEntriesRequest, ListRefusalsRequest, Offered, Opened, RefusalCode, SignedStatement,
    StatementName, SubjectKind, SubmitRequest, Traded, offered,
};
use hazledger::proof;
use support::server::{Bench, HOUR_MS, event, head_of, loose, lot_of, new_lot, produced, used};
use tokio_stream::StreamExt as _;
use tonic::Code;

fn request(statement: SignedStatement) -> SubmitRequest {
    SubmitRequest {
        statement: Some(statement),
        ..SubmitRequest::default()
    }
}

fn genesis_hash(bench: &Bench) -> Hash {
    Hash::from_slice(&bench.origin.genesis_hash).unwrap()
}

#[tokio::test]
async fn an_acknowledgement_verifies_with_the_ledgers_key_and_names_what_was_sent() {
    let bench = Bench::start().await;
    let statement = bench.statement(&bench.cast.plant, vec![produced("A-1", 5_000)]);
    let response = bench.submit(statement.clone()).await;
    let Some(Answer::Acknowledgement(acknowledgement)) = response.answer else {
        panic!("refused: {response:?}");
    };
    let key = bench.cast.ledger.public();
    let checked =
        proof::check_acknowledgement(key, genesis_hash(&bench), &acknowledgement).unwrap();
    assert_eq!(checked.head.payload, statement.payload);
    assert_eq!(checked.position, 2);
    assert!(!response.repeated);
    bench.stop().await;
}

#[tokio::test]
async fn the_same_bytes_again_get_the_first_answer_and_no_second_record() {
    let bench = Bench::start().await;
    let statement = bench.statement(&bench.cast.plant, vec![produced("A-1", 5_000)]);
    let first = bench.submit(statement.clone()).await;
    let again = bench.submit(statement).await;
    assert!(again.repeated);
    assert_eq!(again.answer, first.answer);
    assert_eq!(bench.ledger.committed(), 3);
    bench.stop().await;
}

#[tokio::test]
async fn a_refusal_is_an_answer_signed_by_the_ledger_over_its_code() {
    let bench = Bench::start().await;
    let (_, lot) = bench.produce("A-1", 1_000).await;
    let statement = bench.statement(&bench.cast.plant, vec![used(lot, 1_001)]);
    let Some(Answer::Refusal(refusal)) = bench.submit(statement).await.answer else {
        panic!("recorded");
    };
    assert_eq!(refusal.code(), RefusalCode::Insufficient);
    assert_eq!(refusal.field, "events[0].used.goods.loose");
    assert!(!refusal.remedy.is_empty() && refusal.retry);
    let key = bench.cast.ledger.public();
    let signed = proof::check_refusal(key, genesis_hash(&bench), &refusal).unwrap();
    assert_eq!(signed.judged_at, bench.ledger.committed());
    bench.stop().await;
}

#[tokio::test]
async fn refusals_are_listed_by_party_and_code_and_a_forger_leaves_no_name() {
    let bench = Bench::start().await;
    let (_, lot) = bench.produce("A-1", 1_000).await;
    // Somebody who has not the plant's key signs in its name.
    let mut forged = bench.statement(&bench.cast.plant, vec![used(lot, 1)]);
    let mut signature = forged.signatures[0].signature.to_vec();
    signature[3] ^= 0x40;
    forged.signatures[0].signature = signature.into();
    assert_eq!(bench.refused(forged).await, RefusalCode::BadSignature);
    let list = async |party: &str, codes: &[RefusalCode]| {
        let request = ListRefusalsRequest {
            party: party.to_owned(),
            codes: codes.iter().map(|code| i32::from(*code)).collect(),
            ..ListRefusalsRequest::default()
        };
        let answer = bench.ledger_client().list_refusals(request).await;
        answer.unwrap().into_inner()
    };
    let plant = bench.cast.plant.code.clone();
    let before = list(&plant, &[]).await;
    assert!(before.refusals.is_empty() && before.next == 0);
    let counts = before.counts.unwrap();
    assert_eq!((counts.kept, counts.unverified), (0, 1));
    assert_eq!(counts.addresses[0].address, "127.0.0.1");
    assert_eq!(counts.addresses[0].bad_signatures, 1);
    // What it signs itself is to its name.
    let statement = bench.statement(&bench.cast.plant, vec![used(lot, 1_001)]);
    assert_eq!(bench.refused(statement).await, RefusalCode::Insufficient);
    let listed = loop {
        let answer = list(&plant, &[]).await;
        if !answer.refusals.is_empty() {
            break answer.refusals;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let kept = listed[0].refusal.clone().unwrap();
    assert_eq!((kept.party, kept.unverified), (plant.clone(), 1));
    let key = bench.cast.ledger.public();
    proof::check_refusal(key, genesis_hash(&bench), &kept.refusal.unwrap()).unwrap();
    assert_eq!(
        list(&plant, &[RefusalCode::Insufficient])
            .await
            .refusals
            .len(),
        1
    );
    assert!(
        list(&plant, &[RefusalCode::BadSignature])
            .await
            .refusals
            .is_empty()
    );
    assert!(list("91150200MA0FAKE005", &[]).await.refusals.is_empty());
    let counts = list(&plant, &[]).await.counts.unwrap();
    assert_eq!((counts.kept, counts.not_kept, counts.unverified), (1, 0, 1));
    bench.stop().await;
}

#[tokio::test]
async fn a_stream_answers_every_statement_in_order_of_arrival() {
    let bench = Bench::start().await;
    let (_, lot) = bench.produce("A-1", 1_000).await;
    // Every third one uses more than there is.
    let statements: Vec<SignedStatement> = (0..90)
        .map(|n| {
            let gross = if n % 3 == 2 { 1_000_000 } else { 1 };
            bench.statement(&bench.cast.plant, vec![used(lot, gross)])
        })
        .collect();
    let requests = tokio_stream::iter(statements.clone().into_iter().map(request));
    let answers = bench
        .ledger_client()
        .submit_stream(requests)
        .await
        .unwrap()
        .into_inner();
    let answers: Vec<_> = answers
        .map(|answer| answer.unwrap().answer.unwrap())
        .collect()
        .await;
    assert_eq!(answers.len(), statements.len());
    for (n, (answer, statement)) in answers.iter().zip(&statements).enumerate() {
        match answer {
            Answer::Acknowledgement(a) => {
                assert_eq!(head_of(a).payload, statement.payload, "answer {n}");
            }
            Answer::Refusal(r) => {
                assert_eq!(
                    (n % 3, r.code()),
                    (2, RefusalCode::Insufficient),
                    "answer {n}"
                );
            }
        }
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_stream_ends_with_what_could_not_be_tried_after_the_answers_before_it() {
    let bench = Bench::start().await;
    let good = bench.statement(&bench.cast.plant, vec![produced("A-1", 5_000)]);
    let requests = vec![
        request(good.clone()),
        SubmitRequest {
            statement: None,
            ..SubmitRequest::default()
        },
        request(good),
    ];
    let requests = tokio_stream::iter(requests);
    let mut answers = bench
        .ledger_client()
        .submit_stream(requests)
        .await
        .unwrap()
        .into_inner();
    assert!(answers.message().await.unwrap().unwrap().answer.is_some());
    assert_eq!(
        answers.message().await.unwrap_err().code(),
        Code::InvalidArgument
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_dry_run_answers_what_submit_would_and_records_nothing() {
    let bench = Bench::start().await;
    let (_, lot) = bench.produce("A-1", 1_000).await;
    let before = bench.ledger.committed();
    let late = bench.now_ms() - 100 * HOUR_MS;
    let draft = bench.draft(&bench.cast.plant, late, vec![used(lot, 10)]);
    let accepted = draft.sign(&bench.cast.plant.key, &[]);
    let refused = bench.statement(&bench.cast.plant, vec![used(lot, 1_001)]);
    let mut client = bench.ledger_client();
    let mut decide = async |statement: &SignedStatement| {
        let request = DecideRequest {
            statement: Some(statement.clone()),
            min_position: 0,
        };
        client.decide(request).await.unwrap().into_inner()
    };
    let yes = decide(&accepted).await;
    let no = decide(&refused).await;
    assert_eq!((yes.accepted, no.accepted), (true, false));
    assert_eq!((yes.as_of, no.as_of), (before, before));
    assert_eq!(bench.ledger.committed(), before);
    assert_eq!(no.refusal.unwrap().code(), RefusalCode::Insufficient);

    // And then in earnest.
    let position = bench.record(accepted).await;
    let record = opened(&bench, position).await;
    let recorded: Vec<_> = record.outcomes.into_iter().flatten().collect();
    let found: Vec<_> = record.findings.into_iter().flatten().collect();
    assert!(!found.is_empty());
    assert_eq!((yes.outcomes, yes.findings), (recorded, found));
    assert_eq!(bench.refused(refused).await, RefusalCode::Insufficient);
    bench.stop().await;
}

async fn opened(bench: &Bench, position: u64) -> OpenRecord {
    let which = Some(Which::Position(position));
    let request = GetRecordRequest {
        which,
        min_position: position + 1,
    };
    let answer = bench
        .ledger_client()
        .get_record(request)
        .await
        .unwrap()
        .into_inner();
    OpenRecord::from_parts(answer.record.unwrap()).unwrap()
}

#[tokio::test]
async fn a_record_is_found_by_its_position_and_by_its_statement_with_its_acknowledgement() {
    let bench = Bench::start().await;
    let events = vec![produced("A-1", 5_000)];
    let (position, draft) = bench
        .happen(&bench.cast.plant, bench.now_ms(), events)
        .await;
    let mut client = bench.ledger_client();
    let name = StatementName {
        party: draft.party.clone(),
        id: draft.id.to_bytes(),
    };
    for which in [Which::Position(position), Which::Statement(name)] {
        let request = GetRecordRequest {
            which: Some(which),
            min_position: position + 1,
        };
        let answer = client.get_record(request).await.unwrap().into_inner();
        let record = OpenRecord::from_parts(answer.record.unwrap()).unwrap();
        assert_eq!(record.payload.id, draft.id.to_bytes());
        assert_eq!(answer.as_of, position + 1);
        let acknowledgement = answer.acknowledgement.unwrap();
        let key = bench.cast.ledger.public();
        let checked =
            proof::check_acknowledgement(key, genesis_hash(&bench), &acknowledgement).unwrap();
        assert_eq!(checked.head_hash, record.hash);
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_position_past_the_end_is_out_of_range_and_an_unknown_statement_not_found() {
    let bench = Bench::start().await;
    let mut client = bench.ledger_client();
    let mut code = async |which: Option<Which>| {
        let request = GetRecordRequest {
            which,
            min_position: 0,
        };
        client.get_record(request).await.unwrap_err().code()
    };
    assert_eq!(code(Some(Which::Position(1_000))).await, Code::OutOfRange);
    assert_eq!(
        code(Some(Which::Position(u64::MAX))).await,
        Code::OutOfRange
    );
    let draft = bench.draft(&bench.cast.plant, bench.now_ms(), Vec::new());
    let name = StatementName {
        party: draft.party,
        id: draft.id.to_bytes(),
    };
    assert_eq!(code(Some(Which::Statement(name))).await, Code::NotFound);
    let name = StatementName {
        party: String::new(),
        id: vec![1; 16].into(),
    };
    assert_eq!(
        code(Some(Which::Statement(name))).await,
        Code::InvalidArgument
    );
    assert_eq!(code(None).await, Code::InvalidArgument);
    bench.stop().await;
}

#[tokio::test]
async fn status_names_the_ledger_and_how_far_it_has_got() {
    let bench = Bench::start().await;
    let status = bench
        .ledger_client()
        .get_status(GetStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(status.origin.unwrap(), bench.origin);
    assert_eq!(
        status.ledger_public_key,
        bench.cast.ledger.public().as_bytes().as_slice()
    );
    assert_eq!(status.as_of, 2);
    assert!(status.accepting);
    assert_eq!(
        status.last_head_hash.as_ref(),
        opened(&bench, 1).await.hash.0
    );
    bench.stop().await;
}

/// Positions that a follower is sent until (without) `end`.
async fn followed(bench: &Bench, request: FollowRequest, end: u64) -> Vec<u64> {
    let mut records = bench
        .ledger_client()
        .follow(request)
        .await
        .unwrap()
        .into_inner();
    let mut positions = Vec::new();
    while positions.last() != Some(&(end - 1)) {
        let Some(next) = records.message().await.unwrap() else {
            break;
        };
        let record = OpenRecord::from_parts(next.record.unwrap()).unwrap();
        assert_eq!(record.position(), next.position);
        assert!(next.as_of > next.position);
        positions.push(next.position);
    }
    positions
}

#[tokio::test]
async fn followers_from_anywhere_get_each_record_once_in_order_while_others_write() {
    const WRITERS: u64 = 4;
    const EACH: u64 = 40;
    let bench = Bench::start().await;
    let start = bench.ledger.committed();
    let end = start + WRITERS * EACH;
    let write = async |writer: u64| {
        for n in 0..EACH {
            let label = format!("W{writer}-{n}");
            bench
                .record(bench.statement(&bench.cast.plant, vec![produced(&label, 10)]))
                .await;
        }
    };
    let follow = async |from: u64| {
        let request = FollowRequest {
            from,
            ..FollowRequest::default()
        };
        let wanted: Vec<u64> = (from..end).collect();
        assert_eq!(followed(&bench, request, end).await, wanted, "from {from}");
    };
    tokio::join!(
        write(0),
        write(1),
        write(2),
        write(3),
        follow(0),
        follow(1),
        follow(start),
        follow(start + 7),
        follow(end - 1),
    );
    follow(start + 100).await;
    bench.stop().await;
}

#[tokio::test]
async fn catching_up_ends_with_what_was_committed_at_the_start() {
    let bench = Bench::start().await;
    bench.produce("A-1", 1_000).await;
    let end = bench.ledger.committed();
    let catch_up = |from| FollowRequest {
        from,
        catch_up_only: true,
        ..FollowRequest::default()
    };
    assert_eq!(
        followed(&bench, catch_up(0), u64::MAX).await,
        (0..end).collect::<Vec<_>>()
    );
    assert!(followed(&bench, catch_up(end), u64::MAX).await.is_empty());
    assert!(
        followed(&bench, catch_up(end + 9), u64::MAX)
            .await
            .is_empty()
    );
    bench.stop().await;
}

/// Positions below the end that a filter lets through.
async fn wanted(bench: &Bench, request: FollowRequest) -> BTreeSet<u64> {
    let request = FollowRequest {
        catch_up_only: true,
        ..request
    };
    followed(bench, request, u64::MAX)
        .await
        .into_iter()
        .collect()
}

#[tokio::test]
async fn a_filter_by_lots_lets_through_the_records_of_any_of_them_and_no_other() {
    let bench = Bench::start().await;
    let (a, lot_a) = bench.produce("A-1", 1_000).await;
    let (b, lot_b) = bench.produce("B-1", 1_000).await;
    bench.produce("C-1", 1_000).await;
    let (used_a, _) = bench
        .happen(&bench.cast.plant, bench.now_ms(), vec![used(lot_a, 1)])
        .await;
    let lots = |lots: &[LotId]| FollowRequest {
        lots: lots.iter().map(|lot| lot.to_bytes()).collect(),
        ..FollowRequest::default()
    };
    assert_eq!(
        wanted(&bench, lots(&[lot_a])).await,
        BTreeSet::from([a, used_a])
    );
    assert_eq!(
        wanted(&bench, lots(&[lot_a, lot_b])).await,
        BTreeSet::from([a, b, used_a])
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_filter_by_kinds_lets_through_the_records_with_an_event_of_any_of_them() {
    let bench = Bench::start().await;
    let (a, lot) = bench.produce("A-1", 1_000).await;
    let both = vec![produced("B-1", 10), used(lot, 1)];
    let (b, _) = bench.happen(&bench.cast.plant, bench.now_ms(), both).await;
    let kinds = |kinds: &[EventKind]| FollowRequest {
        kinds: kinds.iter().map(|kind| i32::from(*kind)).collect(),
        ..FollowRequest::default()
    };
    assert_eq!(
        wanted(&bench, kinds(&[EventKind::Used])).await,
        BTreeSet::from([b])
    );
    assert_eq!(
        wanted(&bench, kinds(&[EventKind::Produced])).await,
        BTreeSet::from([a, b])
    );
    let any = [EventKind::Genesis, EventKind::Used];
    assert_eq!(wanted(&bench, kinds(&any)).await, BTreeSet::from([0, b]));
    bench.stop().await;
}

#[tokio::test]
async fn a_filter_by_parties_lets_through_what_they_sign_cosign_hold_or_are_offered() {
    let bench = Bench::start().await;
    let (plant, mine, store) = (&bench.cast.plant, &bench.cast.mine, &bench.cast.store);
    let (made, lot) = bench.produce("A-1", 1_000).await;
    // Offered to the store, which signs nothing.
    let offer = event(Body::Offered(Offered {
        taker: store.code.clone(),
        from: Some(offered::From::Place("T1".to_owned())),
        lines: loose(lot, 100).into_iter().collect(),
        ..Offered::default()
    }));
    let (offered, _) = bench.happen(plant, bench.now_ms(), vec![offer]).await;
    // Sold to the mine, which co-signs.
    let trade = event(Body::Traded(Traded {
        buyer: mine.code.clone(),
        goods: loose(lot, 50).into_iter().collect(),
        permit: "permit 15".to_owned(),
        ..Traded::default()
    }));
    let draft = bench.draft(plant, bench.now_ms(), vec![trade]);
    let traded = bench.record(draft.sign(&plant.key, &[&mine.key])).await;
    let parties = |parties: &[&str]| FollowRequest {
        from: made,
        parties: parties.iter().map(|party| (*party).to_owned()).collect(),
        ..FollowRequest::default()
    };
    let of_plant = wanted(&bench, parties(&[&plant.code])).await;
    assert_eq!(of_plant, BTreeSet::from([made, offered, traded]));
    assert_eq!(
        wanted(&bench, parties(&[&store.code])).await,
        BTreeSet::from([offered])
    );
    assert_eq!(
        wanted(&bench, parties(&[&mine.code])).await,
        BTreeSet::from([traded])
    );
    let either = wanted(&bench, parties(&[&mine.code, &store.code])).await;
    assert_eq!(either, BTreeSet::from([offered, traded]));
    assert!(
        wanted(&bench, parties(&[&bench.cast.carrier.code]))
            .await
            .is_empty()
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_filter_by_parties_knows_a_cosigner_by_its_key_alone() {
    let bench = Bench::start().await;
    let (plant, mine) = (&bench.cast.plant, &bench.cast.mine);
    let draft = bench.draft(plant, bench.now_ms(), vec![produced("A-1", 10)]);
    let position = bench.record(draft.sign(&plant.key, &[&mine.second])).await;
    let request = FollowRequest {
        from: position,
        parties: vec![mine.code.clone()],
        ..FollowRequest::default()
    };
    assert_eq!(wanted(&bench, request).await, BTreeSet::from([position]));
    bench.stop().await;
}

#[tokio::test]
async fn filters_of_several_kinds_must_all_hold() {
    let bench = Bench::start().await;
    let (plant, store) = (&bench.cast.plant, &bench.cast.store);
    let (_, lot) = bench.produce("A-1", 1_000).await;
    let (used_it, _) = bench
        .happen(plant, bench.now_ms(), vec![used(lot, 1)])
        .await;
    let opening = event(Body::Opened(Opened {
        lot: new_lot("O-1", 10, "B1"),
        provenance: "stock-take".to_owned(),
    }));
    let draft = bench.draft(store, bench.now_ms(), vec![opening]);
    bench.record(draft.sign(&store.key, &[&store.second])).await;
    let filter = FollowRequest {
        lots: vec![lot.to_bytes(), lot_of(&draft, 0).to_bytes()],
        parties: vec![plant.code.clone()],
        kinds: vec![EventKind::Used.into(), EventKind::Opened.into()],
        ..FollowRequest::default()
    };
    assert_eq!(wanted(&bench, filter).await, BTreeSet::from([used_it]));
    bench.stop().await;
}

#[tokio::test]
async fn a_filter_that_cannot_be_is_an_invalid_argument() {
    let bench = Bench::start().await;
    let mut client = bench.ledger_client();
    let bad = [
        FollowRequest {
            lots: vec![vec![1; 15].into()],
            ..FollowRequest::default()
        },
        FollowRequest {
            kinds: vec![0],
            ..FollowRequest::default()
        },
        FollowRequest {
            kinds: vec![9_999],
            ..FollowRequest::default()
        },
        FollowRequest {
            parties: vec![String::new(); 1_001],
            ..FollowRequest::default()
        },
    ];
    for request in bad {
        assert_eq!(
            client.follow(request).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
    bench.stop().await;
}

/// The plant's stock as it is listed: where, form, milligrams of gross.
async fn stock(bench: &Bench) -> Vec<(String, String, i64)> {
    let request = ListEntriesRequest {
        kind: SubjectKind::Stock.into(),
        party: bench.cast.plant.code.clone(),
        ..ListEntriesRequest::default()
    };
    let answer = bench.registry_client().list_entries(request).await.unwrap();
    let items = answer.into_inner().items;
    let stocks = items.into_iter().map(|item| match item.item {
        Some(Item::Stock(stock)) => stock,
        other => panic!("no stock: {other:?}"),
    });
    let lines = stocks.flat_map(|stock| {
        let place = stock.place.clone();
        let lines = stock.lines.into_iter();
        lines.map(move |line| (place.clone(), line.form, line.gross_mg))
    });
    lines.collect()
}

#[tokio::test]
async fn what_stands_where_is_listed_and_what_is_gone_is_not() {
    let bench = Bench::start().await;
    assert_eq!(stock(&bench).await, []);
    let (_, lot) = bench.produce("A-1", 1_000).await;
    let (_, _) = bench.produce("A-2", 500).await;
    let form = new_lot("A-1", 1_000, "T1").unwrap().form;
    let line = |place: &str, mg| (place.to_owned(), form.clone(), mg);
    let all = [line("", 1_500), line("T1", 1_500)];
    assert_eq!(stock(&bench).await, all);
    let plant = &bench.cast.plant;
    let gone = vec![used(lot, 1_000)];
    bench.happen(plant, bench.now_ms(), gone).await;
    assert_eq!(stock(&bench).await, [line("", 500), line("T1", 500)]);
    let entries = |kind: SubjectKind| ListEntriesRequest {
        kind: kind.into(),
        ..ListEntriesRequest::default()
    };
    let mut client = bench.registry_client();
    let refused = client.list_entries(entries(SubjectKind::Lot)).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
    bench.stop().await;
}

//! Checkpoints, receipts and tiles from a real server, as somebody takes them
//! who trusts nothing but the ledger's verifier key.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use hazledger::ledger::Options;
use hazledger::pb::get_receipt_request::Which;
use hazledger::pb::submit_response::Answer;
use hazledger::pb::{
    GetCheckpointRequest, GetReceiptRequest, GetStatusRequest, Receipt, StatementName,
    SubmitRequest, SubmitResponse,
};
use hazledger::proof::tree::tile::decode_bundle;
use hazledger::proof::tree::{EntryBundle, Frontier, Tile, TreeHash, leaf_hash};
use hazledger::proof::{
    Checkpoint, Receipted, VerifierKey, check_receipt, cosign, open_checkpoint,
};
use hazledger::web;
use support::server::{Bench, head_of, produced};
use tokio_stream::StreamExt as _;
use tonic::{Code, Request};

/// The verifier key as the server gives it, which must be the ledger key's.
async fn verifier(bench: &Bench) -> VerifierKey {
    let status = bench.ledger_client().get_status(GetStatusRequest {}).await;
    let key = VerifierKey::parse(&status.unwrap().into_inner().verifier_key).unwrap();
    assert_eq!(key.name(), bench.origin.name);
    assert_eq!(key.public(), bench.cast.ledger.public());
    key
}

fn checked(receipt: Option<Receipt>, key: &VerifierKey) -> Receipted {
    check_receipt(&receipt.unwrap(), key, None).unwrap()
}

fn recorded(response: &SubmitResponse) -> u64 {
    match &response.answer {
        Some(Answer::Acknowledgement(acknowledgement)) => head_of(acknowledgement).position,
        other => panic!("{other:?}"),
    }
}

async fn receipt_of(bench: &Bench, which: Which) -> Result<Receipt, tonic::Status> {
    let request = GetReceiptRequest {
        which: Some(which),
        min_position: 0,
    };
    let answer = bench.ledger_client().get_receipt(request).await?;
    Ok(answer.into_inner().receipt.unwrap())
}

#[tokio::test]
async fn a_receipt_comes_with_the_answer_if_it_is_wanted() {
    let bench = Bench::start().await;
    let key = verifier(&bench).await;
    let request = |label, want_receipt| SubmitRequest {
        statement: Some(bench.statement(&bench.cast.plant, vec![produced(label, 5_000)])),
        want_receipt,
    };
    let mut client = bench.ledger_client();
    let without = client
        .submit(request("A-1", false))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (without.receipt.is_some(), &*without.receipt_missing),
        (false, "")
    );
    let with = request("A-2", true);
    let answer = client.submit(with.clone()).await.unwrap().into_inner();
    let position = recorded(&answer);
    let held = checked(answer.receipt.clone(), &key);
    assert_eq!(held.position, position);
    assert_eq!(held.head.payload, with.statement.as_ref().unwrap().payload);
    // Again: the first answer, with a receipt under whatever is served now.
    let again = client.submit(with).await.unwrap().into_inner();
    assert!(again.repeated);
    assert_eq!(checked(again.receipt, &key).head_hash, held.head_hash);
    // A refusal has none, and nothing is missing.
    let unknown = bench.statement(&bench.cast.mine, vec![produced("A-3", 5_000)]);
    let refused = SubmitRequest {
        statement: Some(unknown),
        want_receipt: true,
    };
    let refused = client.submit(refused).await.unwrap().into_inner();
    assert!(matches!(refused.answer, Some(Answer::Refusal(_))));
    assert_eq!((refused.receipt, &*refused.receipt_missing), (None, ""));
    bench.stop().await;
}

#[tokio::test]
async fn a_streams_answers_keep_their_order_with_receipts_among_them() {
    const STATEMENTS: usize = 60;
    let bench = Bench::start().await;
    let key = verifier(&bench).await;
    let requests: Vec<SubmitRequest> = (0..STATEMENTS)
        .map(|number| {
            let event = produced(&format!("S-{number}"), 1_000);
            SubmitRequest {
                statement: Some(bench.statement(&bench.cast.plant, vec![event])),
                want_receipt: number % 3 != 0,
            }
        })
        .collect();
    let stream = tokio_stream::iter(requests.clone());
    let answers = bench.ledger_client().submit_stream(stream).await.unwrap();
    let answers: Vec<_> = answers.into_inner().collect().await;
    assert_eq!(answers.len(), STATEMENTS);
    let mut last = 0;
    for (answer, request) in answers.into_iter().zip(requests) {
        let answer = answer.unwrap();
        let position = recorded(&answer);
        assert!(position > last);
        last = position;
        assert_eq!(answer.receipt.is_some(), request.want_receipt);
        if request.want_receipt {
            let held = checked(answer.receipt, &key);
            assert_eq!(held.position, position);
            assert_eq!(held.head.payload, request.statement.unwrap().payload);
        }
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_receipt_is_found_by_position_and_by_statement() {
    let bench = Bench::start().await;
    let key = verifier(&bench).await;
    let (position, draft) = bench
        .happen(
            &bench.cast.plant,
            bench.now_ms(),
            vec![produced("B-1", 7_000)],
        )
        .await;
    let by_position = receipt_of(&bench, Which::Position(position)).await.unwrap();
    let name = StatementName {
        party: bench.cast.plant.code.clone(),
        id: draft.id.to_bytes(),
    };
    let by_name = receipt_of(&bench, Which::Statement(name.clone()))
        .await
        .unwrap();
    assert_eq!(by_name.head, by_position.head);
    for receipt in [by_name, by_position] {
        assert_eq!(checked(Some(receipt), &key).position, position);
    }
    for old in 0..position {
        let receipt = receipt_of(&bench, Which::Position(old)).await.unwrap();
        assert_eq!(checked(Some(receipt), &key).position, old);
    }
    let past = receipt_of(&bench, Which::Position(position + 1)).await;
    assert_eq!(past.unwrap_err().code(), Code::OutOfRange);
    let unknown = StatementName {
        party: bench.cast.mine.code.clone(),
        ..name
    };
    let unknown = receipt_of(&bench, Which::Statement(unknown)).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
    bench.stop().await;
}

#[tokio::test]
async fn checkpoints_grow_and_can_be_waited_for() {
    let bench = Bench::start().await;
    let key = verifier(&bench).await;
    let get = async |min_size| {
        let request = GetCheckpointRequest { min_size };
        let answer = bench.ledger_client().get_checkpoint(request).await?;
        let answer = answer.into_inner();
        assert_eq!(answer.verifier_key, key.to_string());
        let checkpoint = open_checkpoint(&answer.checkpoint, &key).unwrap().0;
        assert!(checkpoint.size >= min_size && checkpoint.size <= answer.as_of);
        Ok::<Checkpoint, tonic::Status>(checkpoint)
    };
    let first = get(1).await.unwrap();
    let position = bench.produce("C-1", 1_000).await.0;
    let second = get(position + 1).await.unwrap();
    assert!(second.size > first.size);
    assert_eq!(
        get(position + 2).await.unwrap_err().code(),
        Code::OutOfRange
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_receipt_that_does_not_come_in_time_takes_nothing_from_the_answer() {
    let options = Options {
        cosigned: true,
        ..Options::default()
    };
    let bench = Bench::start_with(options).await;
    let key = verifier(&bench).await;
    let statement = bench.statement(&bench.cast.plant, vec![produced("D-1", 5_000)]);
    let mut request = Request::new(SubmitRequest {
        statement: Some(statement),
        want_receipt: true,
    });
    request.set_timeout(Duration::from_secs(2));
    let answer = bench
        .ledger_client()
        .submit(request)
        .await
        .unwrap()
        .into_inner();
    let position = recorded(&answer);
    assert!(answer.receipt.is_none());
    assert!(
        answer.receipt_missing.contains("in time"),
        "{}",
        answer.receipt_missing
    );
    let mut request = Request::new(GetReceiptRequest {
        which: Some(Which::Position(position)),
        min_position: 0,
    });
    request.set_timeout(Duration::from_millis(200));
    let late = bench
        .ledger_client()
        .get_receipt(request)
        .await
        .unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
    // When the witnesses have answered, it is there.
    let ledger = bench.ledger.clone();
    let mut signed = ledger.signed_checkpoint();
    let covers = |note: &Option<std::sync::Arc<str>>| {
        let size = note
            .as_ref()
            .map(|note| open_checkpoint(note, &key).unwrap().0.size);
        size.is_some_and(|size| size > position)
    };
    let note = signed.wait_for(covers).await.unwrap().clone().unwrap();
    let mut note = open_checkpoint(&note, &key).unwrap().1;
    let witness = hazledger::event::signing::SecretKey::from_seed(&[60; 32]);
    note.signatures
        .push(cosign(&witness, "w.example", &note.text, 1));
    ledger.publish_cosigned(&note.to_string()).unwrap();
    let receipt = receipt_of(&bench, Which::Position(position)).await.unwrap();
    assert_eq!(receipt.checkpoint, note.to_string());
    bench.stop().await;
}

/// Status and body of a page, over a connection of its own.
fn fetch(address: SocketAddr, path: &str) -> (u16, Bytes) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: tiles\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let status = std::str::from_utf8(&answer[9..12])
        .unwrap()
        .parse()
        .unwrap();
    (status, answer[end + 4..].to_vec().into())
}

/// Fetches a whole log: its leaves from the tiles, its entries from the
/// bundles, and the root over them.
fn mirror(address: SocketAddr, size: u64) -> (TreeHash, Vec<Bytes>) {
    let mut frontier = Frontier::new();
    let mut entries = Vec::new();
    for index in 0..size.div_ceil(256) {
        let tile = Tile::of_tree(0, index, size).unwrap();
        let (status, hashes) = fetch(address, &format!("/{}", tile.path()));
        assert_eq!((status, hashes.len()), (200, tile.bytes()));
        let bundle = EntryBundle::of_tree(index, size).unwrap();
        let (status, bundle) = fetch(address, &format!("/{}", bundle.path()));
        assert_eq!(status, 200);
        let bundle = decode_bundle(&bundle).unwrap();
        assert_eq!(bundle.len(), usize::from(tile.width));
        for (hash, entry) in hashes.chunks_exact(32).zip(&bundle) {
            assert_eq!(leaf_hash(entry).0, hash);
            frontier.push(leaf_hash(entry));
        }
        entries.extend(bundle);
    }
    (frontier.root(), entries)
}

#[tokio::test]
async fn whoever_fetches_the_tiles_comes_to_the_signed_root() {
    const STATEMENTS: usize = 300;
    let bench = Bench::start().await;
    let key = verifier(&bench).await;
    let listener = web::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let tiles = tokio::spawn(web::serve_tiles(listener, bench.ledger.clone(), true));
    let requests = (0..STATEMENTS).map(|number| {
        let event = produced(&format!("T-{number}"), 1_000);
        SubmitRequest {
            statement: Some(bench.statement(&bench.cast.plant, vec![event])),
            want_receipt: number + 1 == STATEMENTS,
        }
    });
    let requests: Vec<_> = requests.collect();
    let stream = tokio_stream::iter(requests);
    let answers = bench.ledger_client().submit_stream(stream).await.unwrap();
    let answers: Vec<_> = answers.into_inner().collect().await;
    let last = answers.last().unwrap().as_ref().unwrap();
    let size = recorded(last) + 1;
    assert!(size > 256);
    let fetched = tokio::task::spawn_blocking(move || {
        let (status, note) = fetch(address, "/checkpoint");
        let note = String::from_utf8(note.to_vec()).unwrap();
        let checkpoint = open_checkpoint(&note, &key).unwrap().0;
        assert_eq!((status, checkpoint.size), (200, size));
        let (root, entries) = mirror(address, size);
        assert_eq!(root, checkpoint.root);
        // Any earlier tree can be fetched as well.
        mirror(address, size - 7);
        assert_eq!(
            fetch(address, &format!("/tile/0/001.p/{}", size - 255)).0,
            404
        );
        entries
    });
    let entries = fetched.await.unwrap();
    for (position, entry) in (0..).zip(entries) {
        let (record, _) = bench.ledger.record(position).unwrap().unwrap();
        assert_eq!(entry, record.head);
    }
    tiles.abort();
    bench.stop().await;
}

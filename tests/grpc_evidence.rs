//! Evidence over a real server: for a lot by name or label, whole under a
//! checkpoint that covers it; and what cannot be asked for.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use hazledger::pb::get_evidence_request::Which;
use hazledger::pb::{Evidence, GetEvidenceRequest};
use hazledger::proof::evidence::{Checked, check_evidence, read_evidence};
use prost::Message as _;
use support::server::{Bench, used};
use tonic::{Code, Status};

async fn asked(bench: &Bench, which: Option<Which>) -> Result<Evidence, Status> {
    let request = GetEvidenceRequest {
        which,
        min_position: bench.ledger.committed(),
    };
    let mut pieces = bench
        .trace_client()
        .get_evidence(request)
        .await?
        .into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.message().await? {
        bytes.extend(piece.encode_to_vec());
    }
    Ok(read_evidence(bytes.into()).unwrap())
}

fn held(bench: &Bench, evidence: &Evidence) -> Checked {
    let key = bench.ledger.verifier_key().unwrap();
    check_evidence(evidence, &key, None).unwrap()
}

#[tokio::test]
async fn evidence_comes_by_name_and_by_label_and_covers_the_latest_record() {
    let bench = Box::pin(Bench::start()).await;
    let plant = &bench.cast.plant;
    let (born_at, lot) = bench.produce("E-1", 1_000_000).await;
    bench.produce("E-2", 7).await;
    let (used_at, _) = bench
        .happen(plant, bench.now_ms(), vec![used(lot, 400)])
        .await;
    for which in [Which::Lot(lot.to_bytes()), Which::Label("E-1".to_owned())] {
        let evidence = asked(&bench, Some(which)).await.unwrap();
        let checked = held(&bench, &evidence);
        assert_eq!(
            (checked.state.born_at, checked.after.last),
            (born_at, used_at)
        );
        assert!(checked.checkpoint.size > used_at);
    }
    let status = asked(&bench, None).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let short = asked(&bench, Some(Which::Lot(vec![1; 3].into())))
        .await
        .unwrap_err();
    assert_eq!(short.code(), Code::InvalidArgument);
    let unknown = asked(&bench, Some(Which::Lot(vec![1; 16].into())))
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let label = asked(&bench, Some(Which::Label("E-9".into())))
        .await
        .unwrap_err();
    assert_eq!(label.code(), Code::NotFound);
    bench.stop().await;
}

/// The ledger signs that nothing came after the lot's last record. While somebody
/// waits for a checkpoint that covers it, more is recorded of the lot.
#[tokio::test]
async fn the_ledgers_word_is_true_of_a_lot_that_more_is_recorded_of_meanwhile() {
    let bench = Box::pin(Bench::start()).await;
    let plant = &bench.cast.plant;
    let (born_at, lot) = bench.produce("E-1", 1_000_000).await;
    let (mut positions, mut all) = (vec![born_at], Vec::new());
    for _ in 0..40 {
        let using = async {
            let mut used_at = Vec::new();
            for _ in 0..4 {
                let events = vec![used(lot, 1)];
                used_at.push(bench.happen(plant, bench.now_ms(), events).await.0);
            }
            used_at
        };
        let asking = async {
            let mut got = Vec::new();
            for _ in 0..2 {
                got.push(asked(&bench, Some(Which::Lot(lot.to_bytes()))).await);
            }
            got
        };
        let (used_at, got) = tokio::join!(using, asking);
        positions.extend(used_at);
        all.extend(got);
    }
    for evidence in all {
        let checked = held(&bench, &evidence.unwrap());
        let size = checked.checkpoint.size;
        let under = positions.iter().filter(|position| **position < size);
        assert_eq!(Some(&checked.after.last), under.max(), "of {size} records");
    }
    bench.stop().await;
}

//! The lying server: a real gRPC server on loopback that answers from whatever
//! history it was told to tell. It has the ledger's data and the ledger's key,
//! as an operator has; it does not check what it says.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hazledger::pb::get_record_request::Which;
use hazledger::pb::ledger_server::{Ledger, LedgerServer};
use hazledger::pb::trace_server::{Trace, TraceServer};
use hazledger::pb::{
    BalanceRequest, BalanceResponse, Evidence, GenealogyRequest, GenealogyResponse,
    GetEvidenceRequest, ListDifferencesRequest, ListDifferencesResponse, ListDisputesRequest,
    ListDisputesResponse, ListEmptiesRequest, ListEmptiesResponse, ListFindingsRequest,
    ListFindingsResponse, RecallRequest, RecallResponse, TraceLotRequest, TraceLotResponse,
};
use hazledger::pb::{
    DecideRequest, DecideResponse, FollowRequest, FollowResponse, GetCheckpointRequest,
    GetCheckpointResponse, GetReceiptRequest, GetReceiptResponse, GetRecordRequest,
    GetRecordResponse, GetStatusRequest, GetStatusResponse, ListRefusalsRequest,
    ListRefusalsResponse, Origin, ReadJournalRequest, ReadJournalResponse, Receipt, Record,
    SubmitRequest, SubmitResponse,
};
use prost::Message as _;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_stream::Stream;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use crate::world::{History, NAME, World};

/// What the operator tells whoever asks.
#[derive(Clone)]
pub struct Tale {
    /// The journal that is read out.
    pub history: History,
    /// How many records it says it has.
    pub says: u64,
    /// The checkpoint that is served.
    pub checkpoint: String,
    /// The receipt that is given, whichever is asked for.
    pub receipt: Option<Receipt>,
    /// The evidence that is given, of whichever lot.
    pub evidence: Option<Evidence>,
}

/// The server, until it is dropped.
pub struct Liar {
    pub url: String,
    tale: Arc<Mutex<Tale>>,
    stop: Option<oneshot::Sender<()>>,
    runtime: Option<Runtime>,
}

impl Liar {
    /// Serves on a free port.
    pub fn start(world: &World, tale: Tale) -> Liar {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let tale = Arc::new(Mutex::new(tale));
        let service = Arc::new(Service {
            tale: Arc::clone(&tale),
            origin: Origin {
                name: NAME.to_owned(),
                genesis_hash: world.genesis_hash.to_bytes(),
            },
            key: Bytes::copy_from_slice(world.operator.public().as_bytes()),
            vkey: world.vkey().to_string(),
        });
        let bound = tokio::net::TcpListener::bind("127.0.0.1:0");
        let listener = runtime.block_on(bound).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = Server::builder()
            .add_service(LedgerServer::from_arc(Arc::clone(&service)))
            .add_service(TraceServer::from_arc(service))
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async {
                let _ = stopped.await;
            });
        runtime.spawn(serving);
        Liar {
            url,
            tale,
            stop: Some(stop),
            runtime: Some(runtime),
        }
    }

    /// Tells something else from now on.
    pub fn tell(&self, tale: Tale) {
        *self.tale.lock().unwrap() = tale;
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A follower may still be listening.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct Service {
    tale: Arc<Mutex<Tale>>,
    origin: Origin,
    key: Bytes,
    vkey: String,
}

impl Service {
    fn tale(&self) -> Tale {
        self.tale.lock().unwrap().clone()
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What nobody who checks asks for.
fn not_asked<T>() -> Result<T, Status> {
    Err(Status::unimplemented("the fixture only answers who checks"))
}

#[tonic::async_trait]
impl Ledger for Service {
    async fn get_status(
        &self,
        _: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let Tale { history, says, .. } = self.tale();
        Ok(Response::new(GetStatusResponse {
            origin: Some(self.origin.clone()),
            as_of: says,
            last_head_hash: history.last_head().to_bytes(),
            ledger_public_key: self.key.clone(),
            projected: says,
            accepting: true,
            verifier_key: self.vkey.clone(),
            signed_size: says,
            served_size: says,
            ..GetStatusResponse::default()
        }))
    }

    type ReadJournalStream = Answers<ReadJournalResponse>;

    async fn read_journal(
        &self,
        request: Request<ReadJournalRequest>,
    ) -> Result<Response<Self::ReadJournalStream>, Status> {
        let ReadJournalRequest {
            from,
            catch_up_only,
        } = request.into_inner();
        let history = self.tale().history;
        let as_of = history.size();
        let batches = history.batches.into_iter();
        let wanted = batches.filter(move |b| from < b.first_position + b.records.len() as u64);
        let answers = wanted.map(move |batch| {
            Ok(ReadJournalResponse {
                first_position: batch.first_position,
                records: batch.records,
                commit: batch.commit,
                as_of,
            })
        });
        let caught_up = tokio_stream::iter(answers.collect::<Vec<_>>());
        Ok(Response::new(if catch_up_only {
            Box::pin(caught_up)
        } else {
            Box::pin(caught_up.chain(tokio_stream::pending()))
        }))
    }

    async fn get_record(
        &self,
        request: Request<GetRecordRequest>,
    ) -> Result<Response<GetRecordResponse>, Status> {
        let history = self.tale().history;
        let as_of = history.size();
        let Some(Which::Position(position)) = request.into_inner().which else {
            return not_asked();
        };
        if position >= as_of {
            return Err(Status::out_of_range("past the end"));
        }
        let record = Record::decode(history.record(position).clone()).unwrap();
        let acknowledgement = history.acknowledgements.get(position as usize).cloned();
        Ok(Response::new(GetRecordResponse {
            record: Some(record),
            acknowledgement,
            as_of,
        }))
    }

    async fn get_checkpoint(
        &self,
        _: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        let tale = self.tale();
        Ok(Response::new(GetCheckpointResponse {
            checkpoint: tale.checkpoint,
            verifier_key: self.vkey.clone(),
            as_of: tale.history.size(),
            not_signing: String::new(),
        }))
    }

    async fn get_receipt(
        &self,
        _: Request<GetReceiptRequest>,
    ) -> Result<Response<GetReceiptResponse>, Status> {
        let receipt = self.tale().receipt;
        if receipt.is_none() {
            return not_asked();
        }
        Ok(Response::new(GetReceiptResponse {
            receipt,
            position: 0,
        }))
    }

    async fn submit(&self, _: Request<SubmitRequest>) -> Result<Response<SubmitResponse>, Status> {
        not_asked()
    }

    type SubmitStreamStream = Answers<SubmitResponse>;

    async fn submit_stream(
        &self,
        _: Request<Streaming<SubmitRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        not_asked()
    }

    async fn decide(&self, _: Request<DecideRequest>) -> Result<Response<DecideResponse>, Status> {
        not_asked()
    }

    type FollowStream = Answers<FollowResponse>;

    async fn follow(
        &self,
        _: Request<FollowRequest>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        not_asked()
    }

    async fn list_refusals(
        &self,
        _: Request<ListRefusalsRequest>,
    ) -> Result<Response<ListRefusalsResponse>, Status> {
        not_asked()
    }
}

/// Methods that nobody who checks calls.
macro_rules! unasked {
    ($($method:ident($asked:ty) -> $answer:ty;)*) => {
        #[tonic::async_trait]
        impl Trace for Service {
            type GetEvidenceStream = Answers<Evidence>;

            /// In pieces, as the ledger does: one a record.
            async fn get_evidence(
                &self,
                _: Request<GetEvidenceRequest>,
            ) -> Result<Response<Self::GetEvidenceStream>, Status> {
                let Some(mut whole) = self.tale().evidence else {
                    return not_asked();
                };
                let records = std::mem::take(&mut whole.records);
                let pieces = records.into_iter().map(|record| Evidence {
                    records: vec![record],
                    ..Evidence::default()
                });
                let pieces: Vec<_> = std::iter::once(whole).chain(pieces).map(Ok).collect();
                Ok(Response::new(Box::pin(tokio_stream::iter(pieces))))
            }

            $(async fn $method(
                &self,
                _: Request<$asked>,
            ) -> Result<Response<$answer>, Status> {
                not_asked()
            })*
        }
    };
}

unasked! {
    trace_lot(TraceLotRequest) -> TraceLotResponse;
    genealogy(GenealogyRequest) -> GenealogyResponse;
    balance(BalanceRequest) -> BalanceResponse;
    list_disputes(ListDisputesRequest) -> ListDisputesResponse;
    list_findings(ListFindingsRequest) -> ListFindingsResponse;
    list_empties(ListEmptiesRequest) -> ListEmptiesResponse;
    list_differences(ListDifferencesRequest) -> ListDifferencesResponse;
    recall(RecallRequest) -> RecallResponse;
}

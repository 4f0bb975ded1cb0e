//! The trace service: a lot's chain of custody, where it stood when, what it
//! was made of and what became of it; the balance of the whole ledger; open
//! disputes; what scales said otherwise.

use tonic::{Request, Response, Status};

use super::door::{Door, Journal, Known, lot_id};
use super::empties;
use super::errors::{Fault, What};
use super::registry::page_size;
use crate::custody::{Item, State, subject};
use crate::event::LotId;
use crate::ledger::Ledger;
use crate::pb::trace_lot_request::Which;
use crate::pb::trace_server::Trace;
use crate::pb::{
    BalanceRequest, BalanceResponse, DifferenceBy, Direction, DisputeEntry, DisputeState, Evidence,
    ExternalRef, GenealogyRequest, GenealogyResponse, GetEvidenceRequest, ListDifferencesRequest,
    ListDifferencesResponse, ListDisputesRequest, ListDisputesResponse, ListEmptiesRequest,
    ListEmptiesResponse, ListFindingsRequest, ListFindingsResponse, LotState, RecallRequest,
    RecallResponse, SubjectKind, TraceLotRequest, TraceLotResponse,
};
use crate::projection::trace::{Ask, trace};
use crate::projection::{balance, differences, genealogy, labels, recall, references};

/// The service.
pub(super) struct TraceService(pub Door);

#[tonic::async_trait]
impl Trace for TraceService {
    async fn trace_lot(
        &self,
        request: Request<TraceLotRequest>,
    ) -> Result<Response<TraceLotResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        let which = request.which.clone().ok_or_else(|| {
            Fault::invalid(
                "which",
                "name a lot, a label, a package or an external reference",
            )
        })?;
        match which {
            Which::Lot(_) => self.0.committed(request.min_position, deadline).await?,
            // Looked up in a view, which may be behind.
            _ => self.0.projected(request.min_position, deadline).await?,
        };
        let answer = self
            .0
            .read(deadline, move |ledger| trace_lot(ledger, &which, &request));
        Ok(Response::new(answer.await?))
    }

    async fn genealogy(
        &self,
        request: Request<GenealogyRequest>,
    ) -> Result<Response<GenealogyResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        let id = lot_id("lot", &request.lot)?;
        let direction = request.direction();
        if direction == Direction::Unspecified {
            return Err(Fault::invalid("direction", "say ancestors or descendants").into());
        }
        self.0.committed(request.min_position, deadline).await?;
        let answer = self.0.read(deadline, move |ledger| {
            let (as_of, _) = lot(ledger, id)?;
            let items = Known(ledger);
            let found = match direction {
                Direction::Descendants => {
                    genealogy::descendants(&items, &Journal(ledger), id, as_of)
                }
                _ => Ok(genealogy::ancestors(&items, id)),
            }?;
            Ok(GenealogyResponse {
                as_of,
                edges: found.edges,
                truncated: found.truncated,
                whole_gross_mg: found.whole_gross_mg,
                held: found.held,
            })
        });
        Ok(Response::new(answer.await?))
    }

    async fn balance(
        &self,
        request: Request<BalanceRequest>,
    ) -> Result<Response<BalanceResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let min_position = request.into_inner().min_position;
        self.0.projected(min_position, deadline).await?;
        let answer = self.0.read(deadline, |ledger| {
            Ok(balance::balance(&ledger.store().reading())?)
        });
        Ok(Response::new(answer.await?))
    }

    async fn list_differences(
        &self,
        request: Request<ListDifferencesRequest>,
    ) -> Result<Response<ListDifferencesResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        let by = request.by();
        if by == DifferenceBy::Unspecified {
            let why = "say carrier, vehicle, crew, site or instrument";
            return Err(Fault::invalid("by", why).into());
        }
        self.0.projected(request.min_position, deadline).await?;
        let size = page_size(request.page_size);
        let answer = self.0.read(deadline, move |ledger| {
            let reading = ledger.store().reading();
            Ok(ListDifferencesResponse {
                as_of: reading.position(),
                rows: differences::rows(&reading, by, &request.after, size)?,
            })
        });
        Ok(Response::new(answer.await?))
    }

    async fn list_disputes(
        &self,
        request: Request<ListDisputesRequest>,
    ) -> Result<Response<ListDisputesResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        self.0.committed(request.min_position, deadline).await?;
        let size = page_size(request.page_size);
        let at_ms = request.at_ms.unwrap_or_else(|| self.0.ledger.now_ms());
        let answer = self.0.ledger.read(|state| ListDisputesResponse {
            as_of: state.next(),
            at_ms,
            disputes: state
                .items_of(SubjectKind::Dispute, &request.after)
                .filter(|(subject, item)| subject.id != request.after && subject::is_open(item))
                .filter_map(|(subject, item)| match item.as_ref() {
                    Item::Dispute(dispute) => Some(entry(&subject.id, dispute, at_ms)),
                    _ => None,
                })
                .filter(|entry| request.owner.is_empty() || entry.owner == request.owner)
                .filter(|entry| entry.overdue || !request.overdue_only)
                .take(size)
                .collect(),
        });
        Ok(Response::new(answer))
    }

    async fn recall(
        &self,
        request: Request<RecallRequest>,
    ) -> Result<Response<RecallResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        let id = lot_id("lot", &request.lot)?;
        self.0.committed(request.min_position, deadline).await?;
        let answer = self.0.read(deadline, move |ledger| {
            let (as_of, state) = lot(ledger, id)?;
            let items = Known(ledger);
            Ok(recall::list(&items, &Journal(ledger), id, &state, as_of)?)
        });
        Ok(Response::new(answer.await?))
    }

    type GetEvidenceStream = tokio_stream::Iter<std::vec::IntoIter<Result<Evidence, Status>>>;

    async fn get_evidence(
        &self,
        request: Request<GetEvidenceRequest>,
    ) -> Result<Response<Self::GetEvidenceStream>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let pieces = super::evidence::pieces(&self.0, request.into_inner(), deadline).await?;
        let pieces: Vec<Result<Evidence, Status>> = pieces.into_iter().map(Ok).collect();
        Ok(Response::new(tokio_stream::iter(pieces)))
    }

    async fn list_findings(
        &self,
        request: Request<ListFindingsRequest>,
    ) -> Result<Response<ListFindingsResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        self.0.projected(request.min_position, deadline).await?;
        let read = move |ledger: &Ledger| super::findings::page(ledger, &request);
        Ok(Response::new(self.0.read(deadline, read).await?))
    }

    async fn list_empties(
        &self,
        request: Request<ListEmptiesRequest>,
    ) -> Result<Response<ListEmptiesResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        self.0.committed(request.min_position, deadline).await?;
        let read = |state: &State| empties::list(state, &request);
        Ok(Response::new(self.0.ledger.read(read)))
    }
}

/// A dispute with whose it is and by when; overdue is worked out, never kept.
fn entry(dispute: &bytes::Bytes, state: &DisputeState, at_ms: i64) -> DisputeEntry {
    let opened = state.opened.clone().unwrap_or_default();
    DisputeEntry {
        dispute: dispute.clone(),
        state: Some(state.clone()),
        owner: opened.owner,
        deadline_ms: opened.deadline_ms,
        overdue: opened.deadline_ms < at_ms,
    }
}

/// A lot's item and the number of records it stands after.
pub(super) fn lot(ledger: &Ledger, id: LotId) -> Result<(u64, LotState), Fault> {
    let (as_of, item) = Known(ledger).standing(&subject::lot(id))?;
    match item.as_deref() {
        Some(Item::Lot(lot)) => Ok((as_of, lot.clone())),
        _ => Err(Fault::Unknown {
            what: What::Lot,
            name: id.to_string(),
            as_of,
        }),
    }
}

fn trace_lot(
    ledger: &Ledger,
    which: &Which,
    request: &TraceLotRequest,
) -> Result<TraceLotResponse, Fault> {
    let (id, serial) = match which {
        Which::Lot(bytes) => (lot_id("lot", bytes)?, None),
        Which::Label(label) => (labelled(ledger, "label", label)?, None),
        Which::Package(package) => {
            let id = labelled(ledger, "package.lot_label", &package.lot_label)?;
            (id, Some(package.serial))
        }
        Which::ExternalRef(reference) => (referenced(ledger, reference)?, None),
    };
    let (as_of, state) = lot(ledger, id)?;
    let ask = Ask {
        lot: id,
        serial,
        before: request
            .known_at_position
            .map_or(as_of, |known| known.min(as_of)),
        known_at_ms: request.known_at_ms,
        true_at_ms: request.true_at_ms,
    };
    let traced = trace(&Journal(ledger), &state, &ask)?;
    if let Some(serial) = serial.filter(|_| traced.steps.is_empty() && traced.born.is_some()) {
        let name = format!("{serial} of lot {id}");
        return Err(Fault::Unknown {
            what: What::Package,
            name,
            as_of,
        });
    }
    Ok(TraceLotResponse {
        as_of,
        lot: id.to_bytes(),
        born: traced.born,
        steps: traced.steps,
        holdings: traced.holdings,
        below_zero: traced.below_zero,
        state: Some(state),
    })
}

/// The one lot that carries a label.
pub(super) fn labelled(ledger: &Ledger, field: &'static str, label: &str) -> Result<LotId, Fault> {
    let reading = ledger.store().reading();
    let lots = labels::lots(&reading, label)?;
    only(lots, field, label, What::Label, reading.position())
}

/// The one lot that the events with a reference were about.
fn referenced(ledger: &Ledger, reference: &ExternalRef) -> Result<LotId, Fault> {
    let reading = ledger.store().reading();
    let events = references::events(&reading, reference)?;
    let mut lots: Vec<LotId> = events
        .iter()
        .flat_map(|event| &event.subjects)
        .filter(|subject| subject.kind() == SubjectKind::Lot)
        .filter_map(|subject| LotId::from_slice(&subject.id))
        .collect();
    lots.sort_unstable();
    lots.dedup();
    let name = format!("{} {}", reference.system, reference.number);
    only(
        lots,
        "external_ref",
        &name,
        What::Reference,
        reading.position(),
    )
}

fn only(
    lots: Vec<LotId>,
    field: &'static str,
    name: &str,
    what: What,
    as_of: u64,
) -> Result<LotId, Fault> {
    match lots.as_slice() {
        [lot] => Ok(*lot),
        [] => Err(Fault::Unknown {
            what,
            name: name.to_owned(),
            as_of,
        }),
        _ => Err(Fault::Ambiguous {
            field,
            name: name.to_owned(),
            lots,
        }),
    }
}

//! The registry service: who is who and what is where, as of the live state.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::door::Door;
use super::entries;
use super::errors::{Fault, What};
use crate::custody::{Item, Items as _, State, subject};
use crate::event::KeyId;
use crate::ledger::Ledger;
use crate::pb::registry_server::Registry;
use crate::pb::{
    GetEntryRequest, GetEntryResponse, GetKeyRequest, GetKeyResponse, GetPartyRequest,
    GetPartyResponse, GetRulesRequest, GetRulesResponse, KeyState, ListEntriesRequest,
    ListEntriesResponse, ListKeysRequest, ListKeysResponse, ListLapsedRequest, ListLapsedResponse,
    ListOwnRequest, ListPartiesRequest, ListPartiesResponse, ListPlacesResponse, ListSitesResponse,
    ListUnitsResponse, PartyState, Subject, SubjectKind,
};

/// Rows of a page, at most.
pub const MAX_PAGE: usize = 1000;

/// Rows of a page if the caller does not say.
const DEFAULT_PAGE: usize = 100;

/// Keys that are looked at for one page, at most: to find one party's among
/// all, the live state is not held for longer.
const MAX_KEYS_SEEN: usize = 10_000;

/// Rows of the page asked for: 0 is the default, more than the most is the most.
pub(super) fn page_size(asked: u32) -> usize {
    match usize::try_from(asked).unwrap_or(MAX_PAGE) {
        0 => DEFAULT_PAGE,
        size => size.min(MAX_PAGE),
    }
}

/// The service.
pub(super) struct RegistryService(pub Door);

#[tonic::async_trait]
impl Registry for RegistryService {
    async fn get_party(
        &self,
        request: Request<GetPartyRequest>,
    ) -> Result<Response<GetPartyResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        self.0.committed(request.min_position, deadline).await?;
        let code = request.party;
        let read = |state: &State| (state.next(), party(state, &code));
        let (as_of, party) = self.0.ledger.read(read);
        let unknown = || Fault::Unknown {
            what: What::Party,
            name: code.clone(),
            as_of,
        };
        let party = party.ok_or_else(unknown)?;
        Ok(Response::new(GetPartyResponse {
            as_of,
            party: Some(party),
        }))
    }

    async fn get_key(
        &self,
        request: Request<GetKeyRequest>,
    ) -> Result<Response<GetKeyResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        let id = KeyId::from_slice(&request.key_id)
            .ok_or_else(|| Fault::invalid("key_id", "16 bytes are wanted"))?;
        self.0.committed(request.min_position, deadline).await?;
        let (as_of, key) = self.0.ledger.read(|state| (state.next(), key(state, id)));
        let unknown = || Fault::Unknown {
            what: What::Key,
            name: id.to_string(),
            as_of,
        };
        let key = key.ok_or_else(unknown)?;
        Ok(Response::new(GetKeyResponse {
            as_of,
            key: Some(key),
        }))
    }

    async fn list_parties(
        &self,
        request: Request<ListPartiesRequest>,
    ) -> Result<Response<ListPartiesResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        self.0.committed(request.min_position, deadline).await?;
        let size = page_size(request.page_size);
        let answer = self.0.ledger.read(|state| ListPartiesResponse {
            as_of: state.next(),
            parties: after(state, SubjectKind::Party, "", &request.after)
                .filter_map(|item| match item.as_ref() {
                    Item::Party(party) => Some(party.clone()),
                    _ => None,
                })
                .take(size)
                .collect(),
        });
        Ok(Response::new(answer))
    }

    async fn list_sites(
        &self,
        request: Request<ListOwnRequest>,
    ) -> Result<Response<ListSitesResponse>, Status> {
        let site = |item: &Item| match item {
            Item::Site(site) => Some(site.clone()),
            _ => None,
        };
        let (as_of, sites) = self.own(request, SubjectKind::Site, site).await?;
        Ok(Response::new(ListSitesResponse { as_of, sites }))
    }

    async fn list_places(
        &self,
        request: Request<ListOwnRequest>,
    ) -> Result<Response<ListPlacesResponse>, Status> {
        let place = |item: &Item| match item {
            Item::Place(place) => Some(place.clone()),
            _ => None,
        };
        let (as_of, places) = self.own(request, SubjectKind::Place, place).await?;
        Ok(Response::new(ListPlacesResponse { as_of, places }))
    }

    async fn list_units(
        &self,
        request: Request<ListOwnRequest>,
    ) -> Result<Response<ListUnitsResponse>, Status> {
        let unit = |item: &Item| match item {
            Item::Unit(unit) => Some(unit.clone()),
            _ => None,
        };
        let (as_of, units) = self.own(request, SubjectKind::Unit, unit).await?;
        Ok(Response::new(ListUnitsResponse { as_of, units }))
    }

    async fn list_keys(
        &self,
        request: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        self.0.committed(request.min_position, deadline).await?;
        let answer = self.0.ledger.read(|state| keys(state, &request));
        Ok(Response::new(answer))
    }

    async fn list_entries(
        &self,
        request: Request<ListEntriesRequest>,
    ) -> Result<Response<ListEntriesResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        let kind = entries::kind(&request)?;
        self.0.committed(request.min_position, deadline).await?;
        let read = |state: &State| entries::page(state, kind, &request);
        Ok(Response::new(self.0.ledger.read(read)))
    }

    async fn get_entry(
        &self,
        request: Request<GetEntryRequest>,
    ) -> Result<Response<GetEntryResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        let subject = entries::named(request.subject)?;
        self.0.committed(request.min_position, deadline).await?;
        let read = |state: &State| entries::one(state, &subject);
        Ok(Response::new(self.0.ledger.read(read)))
    }

    async fn get_rules(
        &self,
        request: Request<GetRulesRequest>,
    ) -> Result<Response<GetRulesResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        self.0.committed(request.min_position, deadline).await?;
        Ok(Response::new(self.0.ledger.read(entries::rules)))
    }

    async fn list_lapsed(
        &self,
        request: Request<ListLapsedRequest>,
    ) -> Result<Response<ListLapsedResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        self.0.committed(request.min_position, deadline).await?;
        let read = move |ledger: &Ledger| super::lapsed::page(ledger, &request);
        Ok(Response::new(self.0.read(deadline, read).await?))
    }
}

impl RegistryService {
    /// A page of what is a party's own, with the position it is as of.
    async fn own<T>(
        &self,
        request: Request<ListOwnRequest>,
        kind: SubjectKind,
        pick: impl Fn(&Item) -> Option<T> + Send,
    ) -> Result<(u64, Vec<T>), Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        self.0.committed(request.min_position, deadline).await?;
        let size = page_size(request.page_size);
        let within = format!("{}/", request.party);
        let page = |state: &State| {
            let items = after(state, kind, &within, &request.after);
            let picked = items.filter_map(|item| pick(&item)).take(size);
            let is_known = party(state, &request.party).is_some();
            (state.next(), is_known, picked.collect())
        };
        let (as_of, is_known, page) = self.0.ledger.read(page);
        if is_known {
            return Ok((as_of, page));
        }
        Err(Fault::Unknown {
            what: What::Party,
            name: request.party,
            as_of,
        }
        .into())
    }
}

fn key(state: &State, id: KeyId) -> Option<KeyState> {
    match state.get(&subject::key(id))?.as_ref() {
        Item::Key(key) => Some(key.clone()),
        _ => None,
    }
}

fn party(state: &State, code: &str) -> Option<PartyState> {
    match state.get(&subject::party(code))?.as_ref() {
        Item::Party(party) => Some(party.clone()),
        _ => None,
    }
}

/// Items of a kind whose ids begin with `within`, beyond the one that goes on
/// with `after`.
fn after<'a>(
    state: &'a State,
    kind: SubjectKind,
    within: &'a str,
    after: &str,
) -> impl Iterator<Item = Arc<Item>> + use<'a> {
    let from = format!("{within}{after}").into_bytes();
    state
        .items_of(kind, &from)
        .skip_while(move |(subject, _)| subject.id == from)
        .take_while(|(subject, _)| subject.id.starts_with(within.as_bytes()))
        .map(|(_, item)| item)
}

fn keys(state: &State, request: &ListKeysRequest) -> ListKeysResponse {
    let size = page_size(request.page_size);
    let mut answer = ListKeysResponse {
        as_of: state.next(),
        ..ListKeysResponse::default()
    };
    let beyond = |(subject, _): &(Subject, Arc<Item>)| subject.id == request.after;
    let all = state.items_of(SubjectKind::Key, &request.after);
    for (seen, (subject, item)) in all.skip_while(beyond).enumerate() {
        if seen >= MAX_KEYS_SEEN || answer.keys.len() >= size {
            return answer;
        }
        let Item::Key(key) = item.as_ref() else {
            continue;
        };
        let party = key.registered.as_ref().map_or("", |key| &key.party);
        if key.revoked_at == 0 && (request.party.is_empty() || request.party == party) {
            answer.keys.push(key.clone());
        }
        answer.next = subject.id;
    }
    answer.next.clear();
    answer
}

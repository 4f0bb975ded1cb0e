//! The registry service: who is who and what is where, as of the live state.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::door::Door;
use super::errors::{Fault, What};
use crate::custody::{Item, Items as _, State, subject};
use crate::event::KeyId;
use crate::pb::registry_server::Registry;
use crate::pb::{
    GetKeyRequest, GetKeyResponse, GetPartyRequest, GetPartyResponse, KeyState, ListPartiesRequest,
    ListPartiesResponse, SubjectKind,
};

/// Rows of a page, at most.
pub const MAX_PAGE: usize = 1000;

/// Rows of a page if the caller does not say.
const DEFAULT_PAGE: usize = 100;

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
        let answer = self.0.ledger.read(|state| party(state, &code));
        let as_of = answer.as_of;
        if answer.party.is_none() {
            return Err(Fault::Unknown {
                what: What::Party,
                name: code,
                as_of,
            }
            .into());
        }
        Ok(Response::new(answer))
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
            parties: state
                .items_of(SubjectKind::Party, request.after.as_bytes())
                .filter(|(subject, _)| subject.id.as_ref() != request.after.as_bytes())
                .filter_map(|(_, item)| match item.as_ref() {
                    Item::Party(party) => Some(party.clone()),
                    _ => None,
                })
                .take(size)
                .collect(),
        });
        Ok(Response::new(answer))
    }
}

fn key(state: &State, id: KeyId) -> Option<KeyState> {
    match state.get(&subject::key(id))?.as_ref() {
        Item::Key(key) => Some(key.clone()),
        _ => None,
    }
}

/// A party and all that is its own; without it if it is not registered.
fn party(state: &State, code: &str) -> GetPartyResponse {
    let mut answer = GetPartyResponse {
        as_of: state.next(),
        ..GetPartyResponse::default()
    };
    if let Some(Item::Party(party)) = state.get(&subject::party(code)).as_deref() {
        answer.party = Some(party.clone());
    }
    for item in within(state, SubjectKind::Site, code) {
        if let Item::Site(site) = item.as_ref() {
            answer.sites.push(site.clone());
        }
    }
    for item in within(state, SubjectKind::Place, code) {
        if let Item::Place(place) = item.as_ref() {
            answer.places.push(place.clone());
        }
    }
    for item in within(state, SubjectKind::Unit, code) {
        if let Item::Unit(unit) = item.as_ref() {
            answer.units.push(unit.clone());
        }
    }
    for (_, item) in state.items_of(SubjectKind::Key, &[]) {
        if let Item::Key(key) = item.as_ref()
            && key.revoked_at == 0
            && key.registered.as_ref().is_some_and(|r| r.party == code)
        {
            answer.keys.push(key.clone());
        }
    }
    answer
}

/// Items of a kind whose ids begin with "party/".
fn within(state: &State, kind: SubjectKind, code: &str) -> impl Iterator<Item = Arc<Item>> {
    let prefix = format!("{code}/").into_bytes();
    let first = prefix.clone();
    state
        .items_of(kind, &first)
        .take_while(move |(subject, _)| subject.id.starts_with(&prefix))
        .map(|(_, item)| item)
        .collect::<Vec<_>>()
        .into_iter()
}

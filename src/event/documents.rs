//! Documents that an event names by hash: data sheets, labels, certificates,
//! photographs. Found by the schema, so that no kind of event is forgotten.
//! Not here: the documents.

use std::sync::OnceLock;

use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage as _, Value,
};

use super::digest::Hash;
use crate::pb::{DESCRIPTORS, Event};

const EVENT: &str = "hazledger.v1.Event";
const DOCUMENT: &str = "DocumentRef";
/// What the names of fields end with that are a document's hash.
const SUFFIX: &str = "_hash";

/// A document as an event names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedDocument {
    /// What it is: as the event says, or the name of the field.
    pub kind: String,
    /// Its BLAKE3 hash.
    pub hash: Hash,
}

/// The documents that an event names, in order, none twice.
pub fn documents_of(event: &Event) -> Vec<NamedDocument> {
    let mut found = Vec::new();
    let bytes = event.encode_to_vec();
    if let Some(schema) = schema()
        && let Ok(message) = DynamicMessage::decode(schema.clone(), bytes.as_slice())
    {
        collect(&message, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

fn schema() -> Option<&'static MessageDescriptor> {
    static SCHEMA: OnceLock<Option<MessageDescriptor>> = OnceLock::new();
    let find = || {
        DescriptorPool::decode(DESCRIPTORS)
            .ok()?
            .get_message_by_name(EVENT)
    };
    SCHEMA.get_or_init(find).as_ref()
}

fn collect(message: &DynamicMessage, found: &mut Vec<NamedDocument>) {
    if message.descriptor().name() == DOCUMENT {
        let text = message.get_field_by_name("kind");
        let kind = text.as_deref().and_then(Value::as_str).unwrap_or_default();
        let hash = message.get_field_by_name("hash");
        let hash = hash.as_deref().and_then(Value::as_bytes);
        note(kind, hash.map(AsRef::as_ref).unwrap_or_default(), found);
        return;
    }
    for (field, value) in message.fields() {
        match value {
            Value::Message(inner) => collect(inner, found),
            Value::List(values) => {
                let messages = values.iter().filter_map(Value::as_message);
                messages.for_each(|inner| collect(inner, found));
            }
            Value::Bytes(hash) => {
                if let Some(kind) = field.name().strip_suffix(SUFFIX) {
                    note(&kind.replace('_', " "), hash, found);
                }
            }
            _ => {}
        }
    }
}

fn note(kind: &str, hash: &[u8], found: &mut Vec<NamedDocument>) {
    if let Some(hash) = Hash::from_slice(hash) {
        let kind = kind.to_owned();
        found.push(NamedDocument { kind, hash });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::event::Body;
    use crate::pb::{Corrected, DocumentRef, NewLot, Produced};

    fn produced() -> Event {
        let lot = NewLot {
            data_sheet_hash: Hash([1; 32]).to_bytes(),
            documents: vec![DocumentRef {
                kind: "photograph".into(),
                hash: Hash([2; 32]).to_bytes(),
            }],
            ..NewLot::default()
        };
        Event {
            body: Some(Body::Produced(Produced {
                lot: Some(lot),
                ..Produced::default()
            })),
            ..Event::default()
        }
    }

    #[test]
    fn documents_are_found_by_field_and_by_reference_however_deep_they_stand() {
        let named = |kind: &str, byte| NamedDocument {
            kind: kind.into(),
            hash: Hash([byte; 32]),
        };
        let wanted = [named("data sheet", 1), named("photograph", 2)];
        assert_eq!(documents_of(&produced()), wanted);
        let corrected = Corrected {
            restated: Some(Box::new(produced())),
            ..Corrected::default()
        };
        let event = Event {
            body: Some(Body::Corrected(Box::new(corrected))),
            ..Event::default()
        };
        assert_eq!(documents_of(&event), wanted);
        assert!(documents_of(&Event::default()).is_empty());
    }
}

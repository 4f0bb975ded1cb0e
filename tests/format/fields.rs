//! Every way to change one field of an item: set or unset, at any depth, each
//! tried alone.

use std::collections::BTreeSet;

use hazledger::custody::Item;
use hazledger::custody::state::leaf_digest;
use hazledger::event::Hash;
use hazledger::pb::{self, Subject};
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _,
    Value,
};

/// Messages within messages that are walked, at most: more than there are.
const DEPTH: usize = 8;

/// What was changed, and what changed without the digest.
#[derive(Default)]
pub struct Walk {
    pub changes: usize,
    /// Full names of the fields that were changed.
    pub seen: BTreeSet<String>,
    pub escaped: Vec<String>,
}

fn pool() -> DescriptorPool {
    DescriptorPool::decode(pb::DESCRIPTORS).unwrap()
}

/// Every field of every `…State` message of state.proto.
pub fn all_of_state() -> BTreeSet<String> {
    let pool = pool();
    let of_state = |m: &MessageDescriptor| {
        m.parent_file().name() == "hazledger/v1/state.proto" && m.name().ends_with("State")
    };
    let messages = pool.all_messages().filter(of_state);
    messages
        .flat_map(|m| {
            m.fields()
                .map(|f| f.full_name().to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

impl Walk {
    /// The fields of the state's own messages that were changed.
    pub fn seen_of_state(&self) -> BTreeSet<String> {
        self.seen.intersection(&all_of_state()).cloned().collect()
    }

    /// Changes an item in every way, and its subject.
    pub fn item(&mut self, subject: &Subject, item: &Item) {
        let before = leaf_digest(subject, item);
        let message = pool().get_message_by_name("hazledger.v1.Item").unwrap();
        let mut whole = DynamicMessage::new(message);
        whole
            .transcode_from(&pb::Item {
                item: Some(item.clone()),
            })
            .unwrap();
        // Which item it is follows from its subject's kind.
        for (field, value) in whole.fields() {
            let Value::Message(inner) = value else {
                panic!("an item is a message")
            };
            for (path, changed) in self.ways(inner, DEPTH) {
                let mut other = whole.clone();
                other.set_field(&field, Value::Message(changed));
                self.compare(&path, before, subject, &other);
            }
        }
        for other in [
            Subject {
                kind: subject.kind + 1,
                ..subject.clone()
            },
            Subject {
                id: [&subject.id[..], b"x"].concat().into(),
                ..subject.clone()
            },
        ] {
            assert_ne!(leaf_digest(&other, item), before);
        }
    }

    fn compare(&mut self, path: &str, before: Hash, subject: &Subject, changed: &DynamicMessage) {
        self.changes += 1;
        let item: pb::Item = changed.transcode_to().unwrap();
        if leaf_digest(subject, &item.item.unwrap()) == before {
            self.escaped.push(path.to_owned());
        }
    }

    /// The message with one field changed, in every way, with what was changed.
    fn ways(&mut self, message: &DynamicMessage, depth: usize) -> Vec<(String, DynamicMessage)> {
        assert!(depth > 0, "a message that holds itself");
        let mut ways = Vec::new();
        for field in message.descriptor().fields() {
            self.seen.insert(field.full_name().to_owned());
            for value in self.values(message, &field, depth) {
                let mut changed = message.clone();
                match value {
                    Some(value) => changed.set_field(&field, value),
                    None => changed.clear_field(&field),
                }
                ways.push((field.full_name().to_owned(), changed));
            }
        }
        ways
    }

    /// Other values of a field; `None`: unset.
    fn values(
        &mut self,
        message: &DynamicMessage,
        field: &FieldDescriptor,
        depth: usize,
    ) -> Vec<Option<Value>> {
        let now = message.get_field(field).into_owned();
        let mut values = Vec::new();
        if let Value::List(list) = &now {
            let none = Value::default_value(&field.kind());
            let longer = [
                &list[..],
                &[list.last().cloned().unwrap_or_else(|| none.clone())],
            ]
            .concat();
            values.push(Some(Value::List(longer)));
            if !list.is_empty() {
                values.push(Some(Value::List(list[1..].to_vec())));
            }
            if list.len() > 1 && list.first() != list.last() {
                values.push(Some(Value::List(list.iter().rev().cloned().collect())));
            }
            let elements = if list.is_empty() {
                vec![none]
            } else {
                list.clone()
            };
            for (at, element) in elements.iter().enumerate() {
                for other in self.others(element, &field.kind(), depth) {
                    let mut changed = elements.clone();
                    changed[at] = other;
                    values.push(Some(Value::List(changed)));
                }
            }
            return values;
        }
        let is_set = message.has_field(field);
        if is_set {
            values.push(None);
        } else if field.supports_presence() {
            values.push(Some(now.clone()));
        }
        values.extend(
            self.others(&now, &field.kind(), depth)
                .into_iter()
                .map(Some),
        );
        values
    }

    fn others(&mut self, value: &Value, kind: &Kind, depth: usize) -> Vec<Value> {
        match value {
            Value::Message(inner) => self
                .ways(inner, depth - 1)
                .into_iter()
                .map(|(_, m)| Value::Message(m))
                .collect(),
            Value::Bool(b) => vec![Value::Bool(!b)],
            Value::I32(n) => vec![Value::I32(n.wrapping_add(1)), Value::I32(n ^ i32::MIN)],
            Value::I64(n) => vec![Value::I64(n.wrapping_add(1)), Value::I64(n ^ i64::MIN)],
            Value::U32(n) => vec![Value::U32(n.wrapping_add(1))],
            Value::U64(n) => vec![Value::U64(n.wrapping_add(1))],
            Value::EnumNumber(n) => vec![Value::EnumNumber(n + 1)],
            Value::String(text) => vec![Value::String(format!("{text}x"))],
            Value::Bytes(bytes) => vec![Value::Bytes([&bytes[..], &[0]].concat().into())],
            _ => panic!("the state has no {kind:?}"),
        }
    }
}

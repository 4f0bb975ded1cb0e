//! What a statement takes in memory once it is decoded, told from its bytes
//! before it is: an empty message in a list takes two bytes as it comes and
//! hundreds when it is read. Whoever bounds memory counts this.

use std::collections::HashMap;
use std::sync::OnceLock;

use prost::Message as _;
use prost::bytes::Buf as _;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use crate::pb::{
    AcceptedLine, Authority, CleanedInto, Consumed, DESCRIPTORS, DesignMaximum, DocumentRef, Event,
    ExternalRef, Goods, Inert, InheritedLine, InspectionItem, NewLot, OverdueLine, PackagePart,
    PaperPerson, Part, Payload, ProcessLoss, Qualification, ReceiptRow, Responsible, RuleLine,
    SerialRange, Settlement, Signature, SignedStatement, TransformInput, UnregulatedProduct,
    WagonTransfer, WasteRow, WaybillGoods,
};

/// What a statement may weigh, bytes. As many as may be of the smallest that
/// says anything, a range of serial numbers, weigh 2 MiB.
pub const MAX_WEIGHT: usize = 8 * 1024 * 1024;

const EVENT: &str = "hazledger.v1.Event";
const PAYLOAD: &str = "hazledger.v1.Payload";

/// Messages within messages that are looked into: no decoder goes further.
const MAX_DEPTH: usize = 100;

/// A list that grows may have as much room again as it needs.
const ROOM: usize = 2;

/// Bytes of what stands in lists.
const LISTED: &[(&str, usize)] = &[
    ("AcceptedLine", size_of::<AcceptedLine>()),
    ("Authority", size_of::<Authority>()),
    ("CleanedInto", size_of::<CleanedInto>()),
    ("Consumed", size_of::<Consumed>()),
    ("DesignMaximum", size_of::<DesignMaximum>()),
    ("DocumentRef", size_of::<DocumentRef>()),
    ("ExternalRef", size_of::<ExternalRef>()),
    ("Goods", size_of::<Goods>()),
    ("Inert", size_of::<Inert>()),
    ("InheritedLine", size_of::<InheritedLine>()),
    ("InspectionItem", size_of::<InspectionItem>()),
    ("NewLot", size_of::<NewLot>()),
    ("OverdueLine", size_of::<OverdueLine>()),
    ("PackagePart", size_of::<PackagePart>()),
    ("PaperPerson", size_of::<PaperPerson>()),
    ("Part", size_of::<Part>()),
    ("ProcessLoss", size_of::<ProcessLoss>()),
    ("Qualification", size_of::<Qualification>()),
    ("ReceiptRow", size_of::<ReceiptRow>()),
    ("Responsible", size_of::<Responsible>()),
    ("RuleLine", size_of::<RuleLine>()),
    ("SerialRange", size_of::<SerialRange>()),
    ("Settlement", size_of::<Settlement>()),
    ("Signature", size_of::<Signature>()),
    ("TransformInput", size_of::<TransformInput>()),
    ("UnregulatedProduct", size_of::<UnregulatedProduct>()),
    ("WagonTransfer", size_of::<WagonTransfer>()),
    ("WasteRow", size_of::<WasteRow>()),
    ("WaybillGoods", size_of::<WaybillGoods>()),
];

/// The same of a text or of bytes: its place in the list, and the smallest
/// piece of memory.
const TEXT: usize = size_of::<String>() * ROOM + 16;

/// Bytes of memory that a statement takes, at most, as it came and decoded.
pub fn weight(statement: &SignedStatement) -> usize {
    let lists = [
        statement.events.len().saturating_mul(size_of::<Part>()),
        statement
            .signatures
            .len()
            .saturating_mul(size_of::<Signature>()),
    ];
    let lists = lists.into_iter().fold(0, usize::saturating_add);
    // What is in texts and bytes is there twice: as it came and decoded.
    let bytes = statement.encoded_len().saturating_mul(2);
    let own = bytes.saturating_add(lists.saturating_mul(ROOM));
    let (shapes, events) = (shapes(), statement.events.iter());
    events
        .map(|part| {
            let within = shapes.weight(shapes.event, &part.body, 0);
            within.saturating_add(size_of::<Event>())
        })
        .chain([
            shapes.weight(shapes.payload, &statement.payload, 0),
            size_of::<Payload>(),
        ])
        .fold(own, usize::saturating_add)
}

/// A field that takes memory of its own, beside the bytes in it: a list's, or
/// a message that may stand within itself.
#[derive(Clone, Copy)]
struct Field {
    number: u32,
    /// Bytes each time it comes.
    bytes: usize,
    /// The place of its shape, if it is a message.
    shape: Option<usize>,
}

struct Shapes {
    all: Vec<Vec<Field>>,
    event: usize,
    payload: usize,
}

impl Shapes {
    /// What the fields of a message add to it.
    fn weight(&self, shape: usize, mut bytes: &[u8], depth: usize) -> usize {
        let mut weight = 0usize;
        let Some(fields) = self.all.get(shape).filter(|_| depth < MAX_DEPTH) else {
            return weight;
        };
        // What cannot be read will not decode either.
        while let Some((number, value)) = next(&mut bytes) {
            let field = fields.iter().find(|field| field.number == number);
            let Some((field, value)) = field.zip(value) else {
                continue;
            };
            let within = field.shape.map_or(0, |shape| {
                self.weight(shape, value, depth.saturating_add(1))
            });
            weight = weight.saturating_add(field.bytes).saturating_add(within);
        }
        weight
    }
}

/// The next field: its number, and its bytes if it is of those that have them.
/// `None` at the end, and for what is no field.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(u32, Option<&'a [u8]>)> {
    if rest.is_empty() {
        return None;
    }
    let (number, wire_type) = decode_key(rest).ok()?;
    if wire_type == WireType::LengthDelimited {
        let length = usize::try_from(decode_varint(rest).ok()?).ok()?;
        let value = rest.get(..length)?;
        rest.advance(length);
        return Some((number, Some(value)));
    }
    skip_field(wire_type, number, rest, DecodeContext::default()).ok()?;
    Some((number, None))
}

/// From the schema, once.
fn shapes() -> &'static Shapes {
    static SHAPES: OnceLock<Shapes> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let pool = DescriptorPool::decode(DESCRIPTORS).unwrap_or_default();
        let messages: Vec<MessageDescriptor> = pool.all_messages().collect();
        let names = messages.iter().map(MessageDescriptor::full_name);
        let places: HashMap<&str, usize> = names.zip(0..).collect();
        let place = |name: &str| places.get(name).copied().unwrap_or(usize::MAX);
        let field = |field: FieldDescriptor| {
            let (bytes, shape) = match field.kind() {
                Kind::Message(of) => {
                    let listed = LISTED.iter().find(|(name, _)| *name == of.name());
                    let bytes = match listed {
                        Some((_, bytes)) if field.is_list() => bytes.saturating_mul(ROOM),
                        _ if of.full_name() == EVENT => size_of::<Event>(),
                        // It is a piece of the message that it stands in.
                        _ => 0,
                    };
                    (bytes, Some(place(of.full_name())))
                }
                Kind::String | Kind::Bytes if field.is_list() => (TEXT, None),
                _ => return None,
            };
            let number = field.number();
            Some(Field {
                number,
                bytes,
                shape,
            })
        };
        let shape = |message: &MessageDescriptor| message.fields().filter_map(field).collect();
        Shapes {
            all: messages.iter().map(shape).collect(),
            event: place(EVENT),
            payload: place(PAYLOAD),
        }
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

    use std::collections::BTreeSet;

    use bytes::Bytes;

    use super::*;
    use crate::pb::event::Body;

    fn of(body: Vec<u8>) -> usize {
        let part = Part {
            body: Bytes::from(body),
            ..Part::default()
        };
        weight(&SignedStatement {
            events: vec![part],
            ..SignedStatement::default()
        })
    }

    /// A field with bytes in it.
    fn field(number: u32, value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        prost::encoding::bytes::encode(number, &Bytes::copy_from_slice(value), &mut bytes);
        bytes
    }

    #[test]
    fn an_empty_message_in_a_list_weighs_what_it_takes_wherever_it_stands() {
        let offered = |lines: usize| field(30, &field(4, &[]).repeat(lines));
        let event = Event::decode(offered(3).as_slice()).unwrap();
        let Some(Body::Offered(body)) = event.body else {
            panic!("field 30 is not an offer");
        };
        assert_eq!(body.lines.len(), 3);
        let line = 2 * size_of::<Goods>() + 4;
        assert_eq!(of(offered(8)) - of(offered(7)), line);
        // Restated by a correction.
        let corrected = |lines| field(83, &field(2, &offered(lines)));
        assert_eq!(of(corrected(8)) - of(corrected(7)), line);
        assert!(of(corrected(0)) - of(offered(0)) >= size_of::<Event>());
        // Texts: the seals of a relay.
        let relayed = |seals: usize| field(34, &field(5, &[]).repeat(seals));
        let event = Event::decode(relayed(3).as_slice()).unwrap();
        assert!(matches!(event.body, Some(Body::Relayed(body)) if body.seals.len() == 3));
        assert_eq!(of(relayed(8)) - of(relayed(7)), TEXT + 4);
        // As much as fits into one body.
        let full = of(offered(8_000));
        assert!(full > 2 * 1024 * 1024 && full < MAX_WEIGHT, "{full}");
    }

    #[test]
    fn bytes_that_are_no_event_weigh_as_far_as_they_can_be_read() {
        assert!(of(vec![0xff; 100]) < 2_000);
        let nested = (0..300).fold(Vec::new(), |inner, _| field(83, &field(2, &inner)));
        assert!(of(nested) < 300 * size_of::<Event>());
    }

    #[test]
    fn everything_that_stands_in_a_list_of_a_statement_is_known() {
        let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
        let message = |name| pool.get_message_by_name(name).unwrap();
        let mut todo = vec![message("hazledger.v1.SignedStatement")];
        todo.extend([message(EVENT), message(PAYLOAD)]);
        let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
        while let Some(message) = todo.pop() {
            for field in message.fields() {
                if let Kind::Message(of) = field.kind() {
                    if field.is_list() {
                        found.insert(of.name().to_owned());
                    }
                    if seen.insert(of.full_name().to_owned()) {
                        todo.push(of);
                    }
                }
            }
        }
        let known = LISTED.iter().map(|(name, _)| *name);
        assert!(found.iter().map(String::as_str).eq(known), "{found:?}");
        assert!(shapes().event < shapes().all.len() && shapes().payload < shapes().all.len());
    }
}

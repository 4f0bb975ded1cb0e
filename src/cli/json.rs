//! Messages in the proto3 JSON mapping, both ways: lowerCamelCase names,
//! 64-bit integers as text, bytes in base64, enumerations by name. Unknown
//! fields are an error.

use std::sync::OnceLock;

use base64::Engine as _;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;

use crate::pb;

fn descriptor(name: &str) -> Result<MessageDescriptor, String> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    POOL.get_or_init(|| DescriptorPool::decode(pb::DESCRIPTORS).ok())
        .as_ref()
        .and_then(|pool| pool.get_message_by_name(&format!("hazledger.v1.{name}")))
        .ok_or_else(|| format!("this program was built without a description of {name}"))
}

/// Bytes as the JSON mapping writes them.
pub fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A message of `hazledger.v1` as JSON.
pub fn to_json(name: &str, message: &impl Message) -> Result<Value, String> {
    let mut dynamic = DynamicMessage::new(descriptor(name)?);
    dynamic.transcode_from(message).map_err(|e| e.to_string())?;
    serde_json::to_value(&dynamic).map_err(|e| e.to_string())
}

/// A message of `hazledger.v1` from JSON.
pub fn from_json<M: Message + Default>(name: &str, json: Value) -> Result<M, String> {
    let dynamic =
        DynamicMessage::deserialize(descriptor(name)?, json).map_err(|e| e.to_string())?;
    dynamic.transcode_to().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::pb::{Event, EventKind, FollowRequest, Produced, event::Body};

    #[test]
    fn an_event_comes_back_from_its_json() {
        let text = r#"{"externalRefs": [{"system": "ERP", "number": "4711"}],
            "produced": {"lot": {"label": "NC-7", "form": "NACN-1689", "contentPpm": 980000,
            "quantity": {"grossMg": "9007199254740993"}, "dataSheetHash": "AAEC"}}}"#;
        let event: Event = from_json("Event", serde_json::from_str(text).unwrap()).unwrap();
        let Some(Body::Produced(Produced { lot: Some(lot) })) = &event.body else {
            unreachable!("not produced")
        };
        assert_eq!(
            lot.quantity.as_ref().unwrap().gross_mg,
            9_007_199_254_740_993
        );
        assert_eq!(lot.data_sheet_hash.as_ref(), [0, 1, 2]);
        let again: Event = from_json("Event", to_json("Event", &event).unwrap()).unwrap();
        assert_eq!(again, event);
    }

    #[test]
    fn an_unknown_field_is_an_error_that_names_it() {
        let json = serde_json::json!({"produced": {"lott": {}}});
        let error = from_json::<Event>("Event", json).unwrap_err();
        assert!(error.contains("lott"), "{error}");
    }

    #[test]
    fn enumerations_go_by_name() {
        let request = FollowRequest {
            kinds: vec![EventKind::Offered.into()],
            ..FollowRequest::default()
        };
        let json = to_json("FollowRequest", &request).unwrap();
        assert_eq!(json, serde_json::json!({"kinds": ["EVENT_KIND_OFFERED"]}));
    }

    #[test]
    fn papers_come_from_their_json() {
        let text = r#"{"offered": {"taker": "T", "place": "T1",
            "carriage": {"mode": "TRANSPORT_MODE_ROAD", "waybill": "W-1", "road": {
                "shipper": {"name": "P", "phone": "0471-4567890"}, "cityDelivery": false,
                "plateColour": "PLATE_COLOUR_YELLOW", "goods": [{"un": "1689"}]}},
            "manifest": {"number": "20261501000117", "rows": [{"wasteCode": "900-028-33",
                "hazards": ["HAZARD_PROPERTY_TOXIC"], "form": "WASTE_FORM_SOLID"}]}}}"#;
        let event: Event = from_json("Event", serde_json::from_str(text).unwrap()).unwrap();
        let Some(Body::Offered(offered)) = &event.body else {
            unreachable!("not offered")
        };
        let road = offered.carriage.as_ref().and_then(|c| c.road.as_ref());
        let road = road.unwrap();
        assert_eq!(road.city_delivery, Some(false));
        assert_eq!(road.goods.first().unwrap().un, "1689");
        let manifest = offered.manifest.as_ref().unwrap();
        assert_eq!(manifest.number, "20261501000117");
        let again: Event = from_json("Event", to_json("Event", &event).unwrap()).unwrap();
        assert_eq!(again, event);
    }
}

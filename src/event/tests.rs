//! What a statement's bytes rest on: masses, names, signatures, canonical
//! encoding. Golden bytes here are the format: they never change.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message as _;

use super::codes::{self, Refused};
use super::digest::{
    Hash, PartKind, Tag, derive_salt, merkle_climb, merkle_path, merkle_root, part_digest, tagged,
    to_hex,
};
use super::ids::{KeyId, StatementId, derived};
use super::mass::{Mass, PPM};
use super::signing::{PublicKey, Purpose, SecretKey, pre_authentication};
use super::statement::{Draft, Statement, canonical};
use crate::pb::event::Body;
use crate::pb::{
    Event, Measure, MeasureUnit, Origin, Quantity, RefusalCode, SerialRange, SignedStatement, Used,
};

/// Text, unit, and the milligrams it is, or why it is none.
#[rustfmt::skip]
const MASSES: &[(&str, MeasureUnit, &str)] = &[
    ("0", MeasureUnit::Kg, "0"),
    ("1", MeasureUnit::Mg, "1"),
    ("1", MeasureUnit::G, "1000"),
    ("1", MeasureUnit::Kg, "1000000"),
    ("1", MeasureUnit::T, "1000000000"),
    ("0.000001", MeasureUnit::Kg, "1"),
    ("0.000000001", MeasureUnit::T, "1"),
    ("1250.5", MeasureUnit::Kg, "1250500000"),
    ("31.250000001", MeasureUnit::T, "31250000001"),
    ("007.10", MeasureUnit::G, "7100"),
    ("9223372036854.775807", MeasureUnit::Kg, "9223372036854775807"),
    ("9223372036.854775807", MeasureUnit::T, "9223372036854775807"),
    ("9223372036854.775808", MeasureUnit::Kg, "too large"),
    ("99999999999999999999", MeasureUnit::Mg, "too large"),
    ("0.0000001", MeasureUnit::Kg, "too fine"),
    ("1.0000000", MeasureUnit::Kg, "too fine"),
    ("0.0000000001", MeasureUnit::T, "too fine"),
    ("1.5", MeasureUnit::Mg, "too fine"),
    ("-1", MeasureUnit::Kg, "not decimal"),
    ("+1", MeasureUnit::Kg, "not decimal"),
    ("1e3", MeasureUnit::Kg, "not decimal"),
    ("1E-3", MeasureUnit::Kg, "not decimal"),
    ("", MeasureUnit::Kg, "not decimal"),
    (".", MeasureUnit::Kg, "not decimal"),
    (".5", MeasureUnit::Kg, "not decimal"),
    ("5.", MeasureUnit::Kg, "not decimal"),
    ("1.2.3", MeasureUnit::Kg, "not decimal"),
    ("1,000", MeasureUnit::Kg, "not decimal"),
    (" 1", MeasureUnit::Kg, "not decimal"),
    ("１", MeasureUnit::Kg, "not decimal"),
    ("0x10", MeasureUnit::Kg, "not decimal"),
    ("inf", MeasureUnit::Kg, "not decimal"),
    ("NaN", MeasureUnit::Kg, "not decimal"),
    ("1", MeasureUnit::L, "not a mass"),
    ("1", MeasureUnit::M3, "not a mass"),
    ("1", MeasureUnit::Piece, "not a mass"),
    ("1", MeasureUnit::Unspecified, "not a mass"),
];

#[test]
fn decimal_text_is_an_exact_mass_or_none() {
    use super::mass::BadMass as Bad;
    for (text, unit, wanted) in MASSES {
        let got = match Mass::parse(text, *unit) {
            Ok(mass) => mass.as_mg().to_string(),
            Err(Bad::TooFine(..)) => "too fine".into(),
            Err(Bad::TooLarge(_)) => "too large".into(),
            Err(Bad::NotDecimal(_)) => "not decimal".into(),
            Err(Bad::NotAMass) => "not a mass".into(),
            Err(Bad::TooLong(_)) => "too long".into(),
        };
        assert_eq!(got, *wanted, "'{text}' {unit:?}");
    }
}

#[test]
fn a_quantity_books_its_milligrams_or_its_measure_and_they_must_agree() {
    use MeasureUnit::{Kg, L, T};
    let of = |gross_mg, value: &str, unit: MeasureUnit| {
        let measure = (!value.is_empty()).then(|| Measure {
            value: value.into(),
            unit: unit.into(),
            ..Measure::default()
        });
        Mass::of(Some(&Quantity { gross_mg, measure }), "q")
            .map(Mass::as_mg)
            .map_err(|r| r.code)
    };
    assert_eq!(of(5, "", Kg), Ok(5));
    assert_eq!(of(0, "2", Kg), Ok(2_000_000));
    assert_eq!(of(2_000_000, "2", Kg), Ok(2_000_000));
    assert_eq!(of(2_000_001, "2", Kg), Err(RefusalCode::MeasureDisagrees));
    assert_eq!(of(0, "", Kg), Err(RefusalCode::MassNotPositive));
    assert_eq!(of(-5, "", Kg), Err(RefusalCode::MassNotPositive));
    assert_eq!(of(0, "0", Kg), Err(RefusalCode::MassNotPositive));
    assert_eq!(of(7, "20", L), Ok(7));
    assert_eq!(of(0, "20", L), Err(RefusalCode::MassNotPositive));
    assert_eq!(of(0, "9223372037", T), Err(RefusalCode::MassOverflow));
    assert_eq!(of(0, "1e3", Kg), Err(RefusalCode::FieldInvalid));
    let missing = Mass::of(None, "q").unwrap_err();
    assert_eq!(missing.code, RefusalCode::FieldMissing);
}

#[test]
fn mass_arithmetic_is_checked() {
    let most = Mass::mg(i64::MAX);
    assert!(most.plus(Mass::mg(1)).is_err());
    assert!(Mass::mg(i64::MIN).minus(Mass::mg(1)).is_err());
    assert!(Mass::mg(i64::MIN).negated().is_err());
    assert!(most.times(2).is_err());
    assert!(Mass::mg(0).times(u64::MAX).is_err());
    assert_eq!(Mass::mg(3).times(4).unwrap(), Mass::mg(12));
    assert_eq!(most.share(i64::MAX, i64::MAX), Some(most));
    assert_eq!(most.share(i64::MAX, 1), None);
    assert_eq!(Mass::mg(1).share(1, 0), None);
    assert_eq!(Mass::mg(-1).share(1, 2), None);
    assert_eq!(Mass::mg(1).contained(PPM + 1), None);
}

#[test]
fn a_mass_is_shown_in_kilograms_with_as_many_decimals_as_it_needs() {
    let shown = |mg| Mass::mg(mg).to_string();
    assert_eq!(shown(1_250_500_000), "1250.5 kg");
    assert_eq!(shown(-1), "-0.000001 kg");
    assert_eq!(shown(2_000_000), "2 kg");
    assert_eq!(shown(i64::MIN), "-9223372036854.775808 kg");
}

proptest! {
    #[test]
    fn shown_kilograms_are_read_back_to_the_milligram(mg in 0i64..) {
        let text = Mass::mg(mg).to_string();
        let read = Mass::parse(text.strip_suffix(" kg").unwrap(), MeasureUnit::Kg);
        prop_assert_eq!(read, Ok(Mass::mg(mg)));
    }

    #[test]
    fn any_text_is_a_mass_or_refused_without_a_panic(text in "\\PC*") {
        let _ = Mass::parse(&text, MeasureUnit::T);
    }

    #[test]
    fn a_share_is_rounded_down_by_less_than_a_milligram(
        mg in 0i64.., numerator in 0i64..1_000_000, denominator in 1i64..,
    ) {
        let exact = i128::from(mg) * i128::from(numerator);
        if let Some(share) = Mass::mg(mg).share(numerator, denominator) {
            let back = i128::from(share.as_mg()) * i128::from(denominator);
            prop_assert!(back <= exact && exact - back < i128::from(denominator));
        } else {
            prop_assert!(exact / i128::from(denominator) > i128::from(i64::MAX));
        }
    }

    #[test]
    fn parts_never_contain_more_than_the_whole(
        a in 0i64..1 << 61, b in 0i64..1 << 61, ppm in 0u32..=PPM,
    ) {
        let contained = |mg| Mass::mg(mg).contained(ppm).unwrap().as_mg();
        let (parts, whole) = (contained(a) + contained(b), contained(a + b));
        prop_assert!(parts <= whole && whole - parts <= 1);
        prop_assert!(contained(a) <= a);
    }

    #[test]
    fn a_path_climbs_to_the_root_from_its_own_place_only(count in 1usize..40, index in 0usize..40) {
        let leaves: Vec<Hash> = (0..count).map(|i| tagged(Tag::BatchLeaf, &[&i.to_be_bytes()])).collect();
        let root = merkle_root(Tag::BatchNode, &leaves);
        let Some(path) = merkle_path(Tag::BatchNode, &leaves, index) else {
            prop_assert!(index >= count);
            return Ok(());
        };
        let climb = |leaf, at: usize, of: usize| {
            merkle_climb(Tag::BatchNode, leaf, at as u64, of as u64, &path)
        };
        let leaf = *leaves.get(index).unwrap();
        prop_assert_eq!(climb(leaf, index, count), Some(root));
        for other in (0..count).filter(|other| *other != index) {
            prop_assert_ne!(climb(leaf, other, count), Some(root));
        }
        prop_assert_eq!(climb(leaf, count, count), None);
        prop_assert!(climb(Hash::ZERO, index, count) != Some(root));
    }
}

#[test]
fn the_pre_authentication_encoding_is_that_of_dsse() {
    let encoded = |purpose| String::from_utf8(pre_authentication(purpose, b"hello")).unwrap();
    assert_eq!(
        encoded(Purpose::Statement),
        "DSSEv1 47 application/vnd.hazledger.statement.v1+protobuf 5 hello"
    );
    assert_eq!(
        encoded(Purpose::Commit),
        "DSSEv1 44 application/vnd.hazledger.commit.v1+protobuf 5 hello"
    );
    assert_eq!(
        encoded(Purpose::Refusal),
        "DSSEv1 45 application/vnd.hazledger.refusal.v1+protobuf 5 hello"
    );
}

#[test]
fn a_signature_holds_for_its_purpose_its_body_and_its_key_alone() {
    let (key, other) = (
        SecretKey::from_seed(&[1; 32]),
        SecretKey::from_seed(&[2; 32]),
    );
    let signature = key.sign(Purpose::Statement, b"body");
    let holds = |key: &SecretKey, purpose, body: &[u8], signature: &[u8]| {
        key.public().verifies(purpose, body, signature)
    };
    assert!(holds(&key, Purpose::Statement, b"body", &signature));
    assert!(!holds(&key, Purpose::Commit, b"body", &signature));
    assert!(!holds(&key, Purpose::Refusal, b"body", &signature));
    assert!(!holds(&key, Purpose::Statement, b"bode", &signature));
    assert!(!holds(&other, Purpose::Statement, b"body", &signature));
    assert!(!holds(
        &key,
        Purpose::Statement,
        b"body",
        signature.get(..63).unwrap()
    ));
    assert!(!holds(&key, Purpose::Statement, b"body", &[]));
}

/// Points of small order verify almost anything; they are no keys.
#[test]
fn weak_public_keys_are_refused() {
    let mut one = [0; 32];
    *one.first_mut().unwrap() = 1;
    for bytes in [[0; 32], one] {
        assert!(PublicKey::parse(&bytes).is_err());
    }
    assert!(PublicKey::parse(&[1; 31]).is_err());
    assert!(PublicKey::parse(SecretKey::from_seed(&[1; 32]).public().as_bytes()).is_ok());
}

#[test]
fn a_statements_id_is_a_uuid_of_version_7() {
    // The example of RFC 9562, appendix A.6: 2022-02-22T19:22:22Z.
    let random = [0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
    let id = StatementId::v7(0x017f_22e2_79b0, random).unwrap();
    assert_eq!(id.to_string(), "017f22e279b07cc398c4dc0c0c07398f");
    assert_eq!(id.unix_ms(), 0x017f_22e2_79b0);
    assert_eq!(StatementId::parse(&id.0), Some(id));
    assert_eq!("017f22e279b07cc398c4dc0c0c07398f".parse(), Ok(id));
    assert_eq!(StatementId::v7(-1, random), None);
    assert_eq!(StatementId::v7(1 << 48, random), None);
    assert_eq!(
        StatementId::v7((1 << 48) - 1, random).unwrap().unix_ms(),
        (1 << 48) - 1
    );
    for (at, value) in [(6, 0x4c), (8, 0x18), (8, 0xd8)] {
        let mut other = id.0;
        *other.get_mut(at).unwrap() = value;
        assert_eq!(StatementId::parse(&other), None, "byte {at} = {value:x}");
    }
    assert_eq!(StatementId::parse(id.0.get(..15).unwrap()), None);
}

proptest! {
    #[test]
    fn every_id_that_is_made_is_a_uuid_of_version_7(ms in 0i64..1 << 48, random: [u8; 10]) {
        let id = StatementId::v7(ms, random).unwrap();
        prop_assert_eq!(StatementId::parse(&id.0), Some(id));
        prop_assert_eq!(id.unix_ms(), ms);
    }
}

/// The golden ones were computed by another implementation of BLAKE3.
#[test]
fn derived_names_key_ids_and_digests_are_the_golden_ones() {
    let id = StatementId::v7(1_767_225_600_000, [7; 10]).unwrap();
    let party = "91150100BENCH00P1K";
    let golden = [
        (
            to_hex(&derived(party, id, 0, 0)),
            "eaf82cc41718388dd6ae00dc52d2067b",
        ),
        (
            to_hex(&derived(party, id, 1, 2)),
            "cad8ecc1a58a235f79021cbadf2d8b6c",
        ),
        (
            SecretKey::from_seed(&[1; 32]).id().to_string(),
            "d61ec565b542102d798488aa77d9a2ac",
        ),
        (
            part_digest(PartKind::Event, &[3; 16], b"body").to_string(),
            "d4c5e0393b1c9dd478a405c6d495cd90ee60da3b9f17e059bde52a42957fae06",
        ),
        (
            part_digest(PartKind::Link, &[3; 16], b"body").to_string(),
            "9753de64b3f00d83fb7f639b3ae77dbaf8881eb15fe9280ecfdfbdf10b1e69e9",
        ),
        (
            to_hex(&derive_salt(&[4; 32], b"context", PartKind::Event, 5)),
            "b157f6979ca0b2f85a43e90a47fce487",
        ),
        (
            super::digest::head_hash(b"head").to_string(),
            "8e75f17149acbf9e87217ac02365ce7c2d99a79973b98cd67d17df22a35272a9",
        ),
    ];
    for (got, wanted) in golden {
        assert_eq!(got, wanted);
    }
    assert_ne!(derived(party, id, 0, 1), derived(party, id, 1, 0));
    let key = KeyId::of(SecretKey::from_seed(&[1; 32]).public().as_bytes());
    assert_eq!(key, SecretKey::from_seed(&[1; 32]).id());
}

fn draft() -> Draft {
    let used = Used {
        place: "T1".into(),
        purpose: "leaching".into(),
        ..Used::default()
    };
    let event = Event {
        external_refs: Vec::new(),
        body: Some(Body::Used(used)),
    };
    Draft {
        origin: Origin {
            name: "bench.example".into(),
            genesis_hash: Hash::ZERO.to_bytes(),
        },
        id: StatementId::v7(1_767_225_600_000, [7; 10]).unwrap(),
        party: "91150100BENCH00P1K".into(),
        happened_at_ms: 1_767_225_600_000,
        expires_at_ms: 1_767_312_000_000,
        events: vec![event.clone(), event],
    }
}

#[test]
fn signing_the_same_draft_again_makes_the_same_bytes() {
    let [a, b, c] = [1, 2, 3].map(|n| SecretKey::from_seed(&[n; 32]));
    let signed = draft().sign(&a, &[&b, &c]);
    assert_eq!(signed, draft().sign(&a, &[&c, &b]));
    assert_eq!(signed, draft().sign(&a, &[&c, &b, &a, &b]));
    assert_ne!(signed, draft().sign(&b, &[&a, &c]));
    assert_eq!(
        blake3::hash(&signed.encode_to_vec()).to_hex().as_str(),
        "c06f70b1fbd799b5c6a60040743f4f8e55b0cf8d3132d42bb272bc82a9e756f8"
    );
    // Two events of the same words do not look alike to who sees only digests.
    let statement = Statement::open(signed).unwrap();
    let [first, second] = statement.payload.event_digests.as_slice() else {
        unreachable!()
    };
    assert_ne!(first, second);
    assert_eq!(statement.event_ref(1), draft().event_ref(1, &a));
    assert_eq!(statement.event_ref(2), None);
}

#[test]
fn only_one_encoding_of_a_message_is_taken() {
    let open = |bytes: &[u8]| {
        canonical::<SerialRange>(&Bytes::copy_from_slice(bytes), "range").map_err(|r| r.code)
    };
    let range = SerialRange {
        first: 1,
        last: 300,
    };
    let good = range.encode_to_vec();
    assert_eq!(good, [0x08, 0x01, 0x10, 0xac, 0x02]);
    assert_eq!(open(&good), Ok(range));
    assert_eq!(open(&[]), Ok(SerialRange::default()));
    let not = Err(RefusalCode::NotCanonical);
    assert_eq!(open(&[0x10, 0xac, 0x02, 0x08, 0x01]), not, "out of order");
    assert_eq!(
        open(&[0x08, 0x00, 0x10, 0xac, 0x02]),
        not,
        "a default written out"
    );
    assert_eq!(
        open(&[0x08, 0x01, 0x08, 0x01, 0x10, 0xac, 0x02]),
        not,
        "a field twice"
    );
    assert_eq!(
        open(&[0x08, 0x81, 0x00, 0x10, 0xac, 0x02]),
        not,
        "a longer varint"
    );
    assert_eq!(
        open(&[0x08, 0x01, 0x10, 0xac, 0x02, 0x18, 0x01]),
        not,
        "an unknown field"
    );
    assert_eq!(
        open(&[0x08, 0x01, 0x10, 0xac]),
        Err(RefusalCode::Malformed),
        "cut short"
    );
    assert_eq!(
        open(&[0x0a, 0x01, 0x10]),
        Err(RefusalCode::Malformed),
        "another wire type"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_opened_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(signed) = SignedStatement::decode(Bytes::from(bytes.clone())) {
            let _ = Statement::open(signed);
        }
        let _ = super::statement::open_event(&Bytes::from(bytes.clone()));
        let bytes = Bytes::from(bytes);
        let _ = super::record::OpenRecord::open(&bytes);
        let _ = super::excerpt::Excerpt::open(&bytes, &crate::pb::Subject::default());
    }

    #[test]
    fn a_statement_with_one_byte_changed_is_refused_or_its_signature_is(
        at in any::<prop::sample::Index>(), flip in 1u8..,
    ) {
        let key = SecretKey::from_seed(&[1; 32]);
        let mut bytes = draft().sign(&key, &[]).encode_to_vec();
        let changed = at.index(bytes.len());
        *bytes.get_mut(changed).unwrap() ^= flip;
        let Ok(signed) = SignedStatement::decode(Bytes::from(bytes.clone())) else { return Ok(()) };
        if signed.encode_to_vec() == draft().sign(&key, &[]).encode_to_vec() {
            return Ok(());
        }
        let judged = Statement::open(signed).and_then(|s| s.verify(&[key.public().clone()]));
        prop_assert!(judged.is_err(), "byte {} ^ {:x}", changed, flip);
    }
}

#[test]
fn every_code_has_a_name_and_says_what_to_do() {
    for code in (1..1_000).filter_map(|n| RefusalCode::try_from(n).ok()) {
        assert!(!codes::name(code).starts_with("REFUSAL"));
        assert!(!codes::remedy(code).is_empty(), "{code:?}");
    }
}

#[test]
fn long_words_are_clipped_at_a_character() {
    let refused = Refused::invalid("f".repeat(600), "质".repeat(600)).to_pb();
    assert_eq!(refused.field.len(), codes::MAX_DETAIL);
    assert_eq!(refused.detail, "质".repeat(codes::MAX_DETAIL / 3));
}

//! What is refused as personal data and, as important, what is not.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use proptest::prelude::*;

use super::PersonalData::{Identity, MobilePhone};
use super::*;
use crate::catalog::Uscc;

/// A made-up identity number: any seventeen digits with their check character.
fn identity(body: &str) -> String {
    let digits = body.chars().map(|c| c.to_digit(10).unwrap());
    let sum: u32 = digits.zip(WEIGHTS).map(|(d, w)| d * w).sum();
    format!("{body}{}", char::from(CHECKS[(sum % 11) as usize]))
}

/// The synthetic body whose check character is X.
fn body_with_check_x() -> String {
    (0..1000)
        .map(|order| format!("15010219900307{order:03}"))
        .find(|body| identity(body).ends_with('X'))
        .unwrap()
}

#[test]
fn an_identity_number_is_found_however_it_is_written() {
    let plain = identity("15010219900307001");
    let with_x = identity(&body_with_check_x());
    let (area, rest) = plain.split_at(6);
    let (birth, order) = rest.split_at(8);
    let full_width: String = plain
        .chars()
        .map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap())
        .collect();
    for text in [
        plain.clone(),
        format!("身份证{plain}。"),
        format!("驾驶员,{plain},男"),
        format!("ID{plain}"),
        format!("id_{plain}"),
        format!("{area} {birth} {order}"),
        format!("no. {area}-{birth}-{order}, driver"),
        full_width,
        with_x.clone(),
        with_x.to_lowercase(),
        format!("({with_x})"),
        format!("{} {}", &with_x[..6], &with_x[6..]),
        identity("11010120000229123"),
        identity("81000019991231123"),
    ] {
        assert_eq!(personal_data(&text), Some(Identity), "{text}");
    }
}

#[test]
fn eighteen_digits_that_cannot_be_a_persons_pass() {
    let valid = identity("15010219900307001");
    for last in "0123456789X".chars().filter(|&c| !valid.ends_with(c)) {
        let text = format!("{}{last}", &valid[..17]);
        assert_eq!(personal_data(&text), None, "wrong check {text}");
    }
    for body in [
        "16010219900307001", // no such province
        "15010219901307001", // month 13
        "15010219900007001", // month 0
        "15010219900230001", // 30 February
        "15010219000229001", // 1900 was no leap year
        "15010219900431001", // 31 April
        "15010219900300001", // day 0
        "15010218990307001", // before anyone alive
        "15010221000307001", // not yet born
    ] {
        assert_eq!(personal_data(&identity(body)), None, "{body}");
    }
    assert_eq!(
        personal_data(&format!("1{valid}")),
        None,
        "part of a longer run"
    );
    assert_eq!(
        personal_data(&format!("{valid}0")),
        None,
        "part of a longer run"
    );
}

#[test]
fn a_mobile_number_is_found_however_it_is_written() {
    for text in [
        "13812345678",
        "19900000000",
        "电话13812345678",
        "联系人张三,13812345678,白班",
        "tel:13812345678",
        "Tel13812345678",
        "MOBILE13812345678",
        "+8613812345678",
        "008613812345678",
        "+86 13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "+86-138-1234-5678",
        "call 138 1234 5678 now",
        "138 1234 5678 x",
        "8613812345678",
        "１３８１２３４５６７８",
        "138\u{3000}1234\u{3000}5678",
        "zhang_13812345678",
        "0471-6912345/13812345678",
    ] {
        assert_eq!(personal_data(text), Some(MobilePhone), "{text}");
    }
}

#[test]
fn what_the_trade_writes_every_day_passes() {
    for text in [
        "",
        "Sealed, dry, 25 kg bags",
        "0471-6912345",
        "04716912345",
        "duty desk 0477 8581234 ext 12",
        "+86 471 691 2345",
        "400-123-4567",
        "12350",
        "12812345678",    // no mobile prefix
        "138123456789",   // twelve digits
        "1381234567",     // ten
        "20261500001234", // waste manifest
        "20261500138123",
        "91350100M000100Y43", // USCC
        "LOT13812345678",     // lot label
        "NC-20261123-0001",
        "NACN-1689 批号 2611230015",
        "a13812345678f", // hexadecimal
        "13812345678abcdef",
        "01938f5e-1381-7345-9678-13812345678a",
        "(00)069012345678901235", // SSCC with its application identifier
        "369012345678901234",     // SSCC
        "6901234567892",          // EAN-13
        "1763856000000",          // Unix milliseconds
        "2026-11-23 10:15:30",
        "143-33-9",
        "CSQU3054383",
        "1381-2345-678",
        "138-1234-5678-9",
        "2024 138 1234 5678",
        "138-1234 5678",
    ] {
        assert_eq!(personal_data(text), None, "{text}");
    }
}

#[test]
fn an_all_digit_uscc_passes() {
    for organisation in ["70146256", "11412345", "23456789"] {
        for (department, category) in [('9', '1'), ('1', '1'), ('1', '2'), ('5', '2')] {
            let code = Uscc::with_checks(department, category, "150100", organisation).unwrap();
            assert_eq!(personal_data(code.as_str()), None, "{code}");
        }
    }
}

proptest! {
    #[test]
    fn every_identity_number_in_any_words_is_found(
        province in prop::sample::select(vec!["11", "15", "37", "65"]),
        county in "[0-9]{4}",
        year in 1900..2100_u32,
        month in 1..=12_u32,
        day in 1..=28_u32,
        order in "[0-9]{3}",
        before in "[^0-9０-９]{0,12}",
        after in "[^0-9０-９]{0,12}",
    ) {
        let number = identity(&format!("{province}{county}{year}{month:02}{day:02}{order}"));
        prop_assert_eq!(personal_data(&format!("{before}{number}{after}")), Some(Identity));
    }

    #[test]
    fn no_digest_is_taken_for_a_mobile_number(digest in "[0-9a-f]{20}[a-f][0-9a-f]{43}") {
        prop_assert_ne!(personal_data(&digest), Some(MobilePhone));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\PC0-9Xx -]{0,64}") {
        let _ = personal_data(&text);
    }
}

//! The forms table against the law's figures and against the other tables.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;

use super::*;
use crate::catalog::special_control;

#[test]
fn every_embedded_table_parses() {
    assert_eq!(crate::catalog::check(), Ok(()));
    assert_eq!(forms().len(), 34);
}

#[test]
fn codes_are_unique_short_and_find_their_form() {
    let codes: BTreeSet<_> = forms().iter().map(|f| f.code).collect();
    assert_eq!(codes.len(), forms().len());
    for form in forms() {
        assert!(form.code.as_str().len() <= FormCode::MAX_LEN);
        assert_eq!(form.code.as_str().parse(), Ok(form.code));
        assert_eq!(
            super::form(form.code.as_str()).unwrap().name_en,
            form.name_en
        );
    }
}

#[test]
fn a_code_of_no_form_is_refused_and_not_repeated_at_length() {
    for text in ["", "NACN", "nacn-1689", "NACN-1942", " NACN-1689"] {
        assert!(form(text).is_none(), "{text}");
        assert_eq!(text.parse::<FormCode>(), Err(FormError(text.into())));
    }
    let message = "x"
        .repeat(10_000)
        .parse::<FormCode>()
        .unwrap_err()
        .to_string();
    assert!(message.len() < 200);
}

#[test]
fn critical_quantities_and_beta_are_those_of_gb_18218() {
    let tonnes = |t: i64| Some(t * MILLIGRAMS_PER_TONNE);
    for (code, q, beta, symbol) in [
        ("AN-0222", tonnes(5), Some(20), Some("W1.1")),
        ("AN-1942", tonnes(50), Some(10), Some("W9.2")),
        ("AN-2067", tonnes(200), Some(10), Some("W9.2")),
        ("AN-2071", None, None, None),
        ("NC-0340", tonnes(1), Some(20), Some("W1.1")),
        ("NC-0342", tonnes(10), Some(20), Some("W1.2")),
        ("NC-2555", tonnes(50), Some(10), Some("W10")),
        ("NC-2059", tonnes(50), Some(10), Some("W5.3")),
        ("NACN-1689", tonnes(50), Some(10), Some("J2")),
        ("NACN-3414", tonnes(50), Some(10), Some("J2")),
        ("CL2-1017", tonnes(5), Some(40), None),
        ("NH3-1005", tonnes(10), Some(20), None),
        ("MIC-2480", Some(750_000_000), Some(200), None),
        ("LPG-1075", tonnes(50), Some(15), Some("W2")),
        ("MEOH-1230", tonnes(500), Some(10), Some("W5.3")),
    ] {
        let form = form(code).unwrap();
        let found = (
            form.critical_quantity_mg,
            form.beta_tenths,
            form.gb18218_symbol,
        );
        assert_eq!(found, (q, beta, symbol), "{code}");
    }
}

#[test]
fn regimes_are_those_of_the_lists() {
    for (code, precursor, toxic, listed) in [
        ("AN-1942", Some(false), Some(false), Some(1)),
        ("AN-2067", Some(false), Some(false), None),
        ("NC-0340", Some(true), Some(false), Some(2)),
        ("NC-0343", None, Some(false), Some(2)),
        ("NC-2059", Some(true), Some(false), None),
        ("NACN-1689", Some(false), Some(true), Some(9)),
        ("KCLO3-1485", Some(true), Some(false), Some(3)),
        ("DMS-1595", Some(false), None, Some(8)),
    ] {
        let form = form(code).unwrap();
        let found = (
            form.explosive_precursor,
            form.highly_toxic,
            form.special_control,
        );
        assert_eq!(found, (precursor, toxic, listed), "{code}");
    }
}

#[test]
fn a_doubtful_row_says_why_or_is_marked_medium() {
    assert_eq!(form("NACN-1689").unwrap().confidence, Confidence::High);
    assert_eq!(form("NACN-3414").unwrap().confidence, Confidence::Medium);
    for form in forms() {
        let unknown = form.explosive_precursor.is_none()
            || form.highly_toxic.is_none()
            || form.critical_quantity_mg.is_none();
        let doubtful = form.confidence < Confidence::High;
        assert!(!unknown || (doubtful && form.note.is_some()), "{form:?}");
    }
}

#[test]
fn quantities_are_positive_and_come_with_their_beta() {
    for form in forms() {
        assert!(form.critical_quantity_mg.is_none_or(|q| q > 0), "{form:?}");
        assert!(form.beta_tenths.is_none_or(|b| b >= 10), "{form:?}");
        assert_eq!(
            form.critical_quantity_mg.is_some(),
            form.beta_tenths.is_some(),
            "{form:?}"
        );
    }
}

#[test]
fn a_form_is_special_controlled_exactly_where_the_list_names_its_un_number() {
    for form in forms() {
        let line = special_control()
            .iter()
            .find(|line| line.un_numbers.contains(&form.un));
        assert_eq!(form.special_control, line.map(|line| line.seq), "{form:?}");
        if let Some(line) = line {
            assert_eq!(form.substance, line.substance);
            assert_eq!(form.cas, Some(line.cas));
        }
    }
    for line in special_control() {
        for un in &line.un_numbers {
            let code = format!("{}-{un}", line.substance);
            assert!(form(&code).is_some(), "the list names {code}");
        }
    }
}

//! `src/event/CODES.md` says what the code says, byte for byte.
//!
//! If a code or its words are meant to change, run
//! `HAZLEDGER_BLESS=1 cargo test --test codes` and commit the page.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fmt::Write as _;
use std::path::PathBuf;

use hazledger::catalog::{Code, CodeKind, codes as table};
use hazledger::event::codes;
use hazledger::pb::RefusalCode;

const HEAD: &str = "\
# Codes 代码

Every \"no\" 拒绝 and every \"but\" 问题 of the ledger. A number is never used
again for something else. This page is written by `tests/codes.rs` from
`codes.proto`, `src/catalog/data/codes.csv` and `src/event/codes.rs`; change
those.

*Article 条款* is the article of the Law on the Safety of Hazardous Chemicals
(危险化学品安全法, in force since 2026-05-01 起施行) with a duty that the code
bears on; whom and which chemicals the duty binds is the article's to say
(适用范围以条文为准). Where it is empty, no article has been established.

";

const REFUSALS: &str = "\
## Refusals 不予入账

Nothing was recorded. Where several apply, the lowest number is given. *Retry
重发*: the same bytes may be accepted later, without anybody changing them
(原文可稍后重发).

| No. 代码 | Name 名称 | Meaning 含义 | What to do 处理 | Retry 重发 | Article 条款 |
|---:|---|---|---|---|---|
";

const FINDINGS: &str = "
## Findings 带问题入账

It has happened, so it was recorded; this was found.

| No. 代码 | Name 名称 | Meaning 含义 | Article 条款 |
|---:|---|---|---|
";

fn of(kind: CodeKind) -> impl Iterator<Item = &'static Code> {
    table().iter().filter(move |code| code.kind == kind)
}

fn named(code: &Code) -> String {
    let Code {
        number,
        name,
        name_zh,
        meaning,
        meaning_zh,
        ..
    } = code;
    format!("| {number} | `{name}` {name_zh} | {meaning} {meaning_zh} |")
}

fn articles(code: &Code) -> String {
    let all: Vec<String> = code
        .articles
        .iter()
        .map(|a| format!("第{}条", a.number()))
        .collect();
    all.join("、")
}

fn page() -> String {
    let mut page = format!("{HEAD}{REFUSALS}");
    for code in of(CodeKind::Refusal) {
        let value = RefusalCode::try_from(code.number).unwrap();
        let retry = if codes::worth_a_retry(value) {
            "yes 可"
        } else {
            ""
        };
        let (named, remedy, articles) = (named(code), codes::remedy(value), articles(code));
        writeln!(page, "{named} {remedy} | {retry} | {articles} |").unwrap();
    }
    page.push_str(FINDINGS);
    for code in of(CodeKind::Finding) {
        writeln!(page, "{} {} |", named(code), articles(code)).unwrap();
    }
    page
}

#[test]
fn the_page_of_codes_is_what_the_code_says() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/event/CODES.md");
    let page = page();
    if std::env::var_os("HAZLEDGER_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    let mut lines = committed.lines().zip(page.lines());
    let differs = lines.find(|(committed, wanted)| committed != wanted);
    assert!(
        committed == page,
        "CODES.md differs, first at {differs:#?}; see the head of tests/codes.rs"
    );
}

#[test]
fn every_row_of_the_page_has_all_its_cells() {
    let page = page();
    let mut columns = 0;
    let mut rows = 0;
    for line in page.lines() {
        let bars = line.matches('|').count();
        if line.starts_with("| No.") {
            columns = bars;
        } else if line.starts_with('|') {
            assert_eq!(bars, columns, "{line}");
            rows += 1;
        }
    }
    assert_eq!(rows, table().len() + 2, "and the two lines below the heads");
}

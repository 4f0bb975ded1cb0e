//! Names for people, Chinese beside English: kinds of event, accounts,
//! changes, refusals, findings.

mod rule_book;

use crate::catalog;
use crate::custody::account;
use crate::event::codes;
use crate::event::digest::to_hex;
use crate::event::mass::Mass;
use crate::event::statement::kind_name;
use crate::pb::change::Change as C;
use crate::pb::{
    Account, AccountKind, CustomsStatus, DisputeOrigin, EventKind, Finding, FindingAnswer,
    FindingCode, RefusalCode, Repackaged, SerialRange, Severity,
};

pub use rule_book::{
    danger_status, permit_kind, permit_status, qualification, rule_kind, rule_mode, vehicle_kind,
};

/// A kind of event, for example `offered 交出`.
pub fn kind(kind: EventKind) -> String {
    let english = kind_name(kind).replace('_', " ");
    match kind_zh(kind) {
        "" => english,
        chinese => format!("{english} {chinese}"),
    }
}

fn kind_zh(kind: EventKind) -> &'static str {
    use EventKind as K;
    match kind {
        K::Unspecified => "",
        K::Produced => "生产",
        K::Imported => "进口",
        K::Opened => "期初盘点",
        K::Arrived => "外部转入",
        K::Moved => "移库",
        K::Packed => "包装",
        K::Repacked => "换包装",
        K::Filled => "充装",
        K::Drawn => "抽取",
        K::Cleaned => "清洗",
        K::Assayed => "化验",
        K::Sampled => "取样",
        K::Counted => "盘点",
        K::Aggregated => "组托",
        K::Offered => "交出",
        K::Accepted => "接收",
        K::Declined => "拒收",
        K::Withdrawn => "撤回",
        K::Relayed => "换乘转运",
        K::Reported => "在途报告",
        K::Traded => "买卖",
        K::Used => "使用",
        K::Transformed => "转化",
        K::Wasted => "转为废物",
        K::Disposed => "处置",
        K::PackagingTreated => "空桶处理",
        K::Exported => "出口",
        K::Departed => "转出外部",
        K::Confirmed => "对方确认",
        K::CustomsReported => "海关状态",
        K::Incident => "事故",
        K::Recovered => "找回",
        K::Settled => "争议了结",
        K::Corrected => "更正",
        K::Succeeded => "承继",
        K::TakenOver => "接管",
        K::Inherited => "承继转入",
        K::PartyRegistered => "单位登记",
        K::SiteRegistered => "场所登记",
        K::PlaceRegistered => "储位登记",
        K::UnitRegistered => "单元登记",
        K::KeyRegistered => "密钥登记",
        K::KeyRevoked => "密钥吊销",
        K::PermitRegistered => "许可登记",
        K::VehicleRegistered => "车辆登记",
        K::PersonRegistered => "人员登记",
        K::ParkRegistered => "园区登记",
        K::HazardSourceFiled => "危险源备案",
        K::ProductRegistered => "产品登记",
        K::PermitStated => "许可状态",
        K::FindingAnswered => "问题答复",
        K::AgencyRegistered => "监管部门登记",
        K::PackWithdrawn => "规则废止",
        K::Blacklisted => "列入黑名单",
        K::Sealed => "查封",
        K::Unsealed => "解封",
        K::Seized => "扣押",
        K::Recalled => "召回",
        K::RecallAcknowledged => "召回确认",
        K::Rectified => "隐患整改",
        K::Verified => "整改核查",
        K::LookedBack => "回头看",
        K::PackPublished => "规则发布",
        K::Inspected => "检查",
        K::Granted => "授权",
        K::EmergencyOrdered => "应急指令",
        K::SafeReturnOrdered => "安全返回指令",
        K::Genesis => "创始",
        K::StateRecorded => "状态记录",
        K::ClockStated => "时钟声明",
        K::RefusalsAnchored => "拒绝留存锚定",
        K::OverdueStated => "逾期声明",
        K::LedgerKeyRotated => "账本密钥更换",
    }
}

/// An account's kind, for example `held 持有`.
pub fn account_kind(kind: AccountKind) -> &'static str {
    use AccountKind as A;
    match kind {
        A::Unspecified => "",
        A::Produced => "produced 生产",
        A::Imported => "imported 进口",
        A::Opening => "opening 期初",
        A::Inbound => "inbound 外部转入",
        A::Made => "made 转化所得",
        A::Found => "found 盘盈",
        A::Held => "held 持有",
        A::Aboard => "aboard 在途",
        A::Disputed => "disputed 争议",
        A::MeasureDifference => "measure difference 计量差",
        A::Used => "used 已使用",
        A::Transformed => "transformed 已转化",
        A::Disposed => "disposed 已处置",
        A::Exported => "exported 已出口",
        A::Outbound => "outbound 已转出",
        A::ProcessLoss => "process loss 工艺损耗",
        A::Released => "released 泄漏",
        A::Missing => "missing 丢失",
    }
}

/// Where goods stand with customs.
fn customs_status(status: CustomsStatus) -> &'static str {
    match status {
        CustomsStatus::Unspecified => "no longer kept 不再保留",
        CustomsStatus::Arrived => "arrived 到港",
        CustomsStatus::Held => "held 扣留",
        CustomsStatus::Released => "released 放行",
    }
}

/// What a dispute came of.
pub fn dispute_origin(origin: DisputeOrigin) -> &'static str {
    match origin {
        DisputeOrigin::Unspecified => "",
        DisputeOrigin::Handoff => "handoff 交接",
        DisputeOrigin::Transformation => "transformation 转化",
        DisputeOrigin::Correction => "correction 更正",
    }
}

/// An account with its party (by the name given) and place, or its id.
pub fn account(account: &Account, party_name: &str) -> String {
    let id = to_hex(&account.id);
    let parts = [
        account_kind(account.kind()),
        party_name,
        &account.place,
        &id,
    ];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A mass in kilograms with its sign, for example `+1250.5`.
pub fn signed_kg(mg: i64) -> String {
    let shown = Mass::mg(mg).to_string();
    let number = shown.trim_end_matches(" kg");
    if mg > 0 {
        format!("+{number}")
    } else {
        number.to_owned()
    }
}

/// A mass in kilograms, for example `1250.5`.
pub fn kg(mg: i64) -> String {
    Mass::mg(mg).to_string().trim_end_matches(" kg").to_owned()
}

/// A part in percent, four decimals, rounded down: `33.3333 %`.
pub fn percent(part: i64, whole: i64) -> String {
    let millionths = match whole {
        1.. => i128::from(part) * 1_000_000 / i128::from(whole),
        _ => return String::new(),
    };
    format!("{}.{:04} %", millionths / 10_000, millionths % 10_000)
}

/// Serials, for example `1-40, 55`.
pub fn serials(ranges: &[SerialRange]) -> String {
    let shown: Vec<String> = ranges
        .iter()
        .map(|r| serial_range(r.first, r.last))
        .collect();
    shown.join(", ")
}

/// Packages on an account, and which of them are empties.
pub fn packages(all: &[SerialRange], empties: &[SerialRange]) -> String {
    if empties.is_empty() {
        return serials(all);
    }
    let full = serials(&crate::custody::ranges::minus(all, empties));
    let empties = format!("empty 空件 {}", serials(empties));
    if full.is_empty() {
        return empties;
    }
    format!("{full}; {empties}")
}

/// One range of serials.
pub fn serial_range(first: u64, last: u64) -> String {
    if first == last {
        first.to_string()
    } else {
        format!("{first}-{last}")
    }
}

/// A party, as an account.
fn of(party: &str) -> Account {
    Account {
        party: party.to_owned(),
        ..Account::default()
    }
}

/// A change that moves no loose mass, in a few words: what, and where or
/// whose, as an account. `None` for postings and for what a reader of a lot's chain
/// has no use for.
pub fn change(change: &C) -> Option<(String, Option<Account>)> {
    let plain = |text: String| Some((text, None));
    match change {
        C::Born(born) => plain(format!("born 建批 {} {}", born.label, born.form)),
        C::BirthRestated(born) => plain(format!(
            "birth as corrected 建批更正 content 含量 {} ppm",
            born.content_ppm
        )),
        C::Title(t) => Some((
            format!("title 所有权 {}", signed_kg(t.gross_mg)),
            Some(of(&t.party)),
        )),
        C::Reserved(r) => {
            let mut what = Vec::new();
            if r.loose_gross_mg != 0 {
                what.push(format!("{} kg", kg(r.loose_gross_mg)));
            }
            if !r.serials.is_empty() {
                what.push(format!("packages 件 {}", serials(&r.serials)));
            }
            Some((
                format!("reserved 预留 {}", what.join(", ")),
                r.account.clone(),
            ))
        }
        C::Unreserved(_) => plain("no longer reserved 解除预留".to_owned()),
        C::Assay(a) => plain(format!("assay 含量 {} ppm", a.content_ppm)),
        C::ContributedTo(c) => plain(format!(
            "{} kg into lot 转入批次 {}",
            kg(c.gross_mg),
            to_hex(&c.lot)
        )),
        C::OneSided(o) => plain(format!(
            "one-sided 待对方确认 {} kg, {}",
            kg(o.gross_mg),
            o.outsider.as_ref().map_or("", |o| match o.person.as_ref() {
                [] => &o.name,
                _ => "a natural person 个人",
            })
        )),
        C::CustomsSet(c) => Some((
            format!(
                "customs 海关 {} {}",
                c.customs_entry,
                customs_status(c.status())
            ),
            Some(of(&c.declarer)),
        )),
        C::EdgeConfirmed(c) => Some((
            format!("confirmed 对方确认 {} kg", kg(c.gross_mg)),
            Some(of(&c.party)),
        )),
        C::Seal(seal) => Some((
            format!("sealed 查封 by order {}", seal.order),
            (!seal.place.is_empty()).then(|| account::held(&seal.party, &seal.place)),
        )),
        C::SealLifted(lifted) => plain(format!("released 解封, order {}", lifted.order)),
        C::OrderMark(mark) => plain(format!("named by order 指令 {}", mark.order)),
        C::RecallMark(mark) => plain(format!("recalled 召回 {}", to_hex(&mark.recall))),
        C::Form(form) => plain(format!("form 形态 {} from now on 起", form.form)),
        C::RunningIn(v) => Some((
            "runs in vessel 在容器中".to_owned(),
            Some(account::held(&v.party, &v.place)),
        )),
        C::RunningEnded(_) => plain("no longer runs in its vessel 已离开容器".to_owned()),
        C::Answerable(a) => Some(("answerable 责任方".to_owned(), Some(of(&a.party)))),
        C::Restated(r) => plain(format!(
            "restates 更正 position {} event {}",
            r.position, r.event_index
        )),
        _ => package_change(change),
    }
}

/// A change of packages, the same way.
fn package_change(change: &C) -> Option<(String, Option<Account>)> {
    let plain = |text: String| Some((text, None));
    match change {
        C::Packaged(p) => {
            let serials = serial_range(p.first, p.last);
            Some((
                format!("packages 件 {serials}: {} kg each", kg(p.gross_mg_each)),
                p.account.clone(),
            ))
        }
        C::PackagesMoved(m) => Some((
            format!("packages 件 {}", serial_range(m.first, m.last)),
            m.to.clone(),
        )),
        C::PackagesOwned(o) => {
            let serials = serial_range(o.first, o.last);
            Some((
                format!("title 所有权 packages 件 {serials}"),
                Some(of(&o.owner)),
            ))
        }
        C::PackageParted(p) => plain(format!(
            "opened 开封 package 件 {}: {} kg",
            p.serial,
            signed_kg(p.gross_mg.saturating_neg())
        )),
        C::Repackaged(r) => plain(made_of(r)),
        C::PackagesAggregated(a) => {
            let serials = serial_range(a.first, a.last);
            plain(match a.outer.as_str() {
                "" => format!("packages 件 {serials}: in no outer packing 已拆托"),
                outer => format!("packages 件 {serials}: in outer packing 外包装 {outer}"),
            })
        }
        C::PackagesEmptied(e) => plain(format!(
            "emptied 倒空 packages 件 {}, uncleaned 未清洗",
            serial_range(e.first, e.last)
        )),
        C::PackagesCleaned(c) => plain(format!(
            "cleaned 已清洗 empties 空件 {}",
            serial_range(c.first, c.last)
        )),
        C::PackagesEnded(e) => plain(format!(
            "ended 注销 empties 空件 {}",
            serial_range(e.first, e.last)
        )),
        _ => None,
    }
}

/// What new packages were made of.
fn made_of(r: &Repackaged) -> String {
    let mut parents = Vec::new();
    if !r.parents.is_empty() {
        parents.push(format!("件 {}", serials(&r.parents)));
    }
    let parts = r.parts.iter();
    parents.extend(parts.map(|p| format!("{} kg of 件 {}", kg(p.gross_mg), p.serial)));
    if r.loose_gross_mg != 0 {
        parents.push(format!("{} kg loose 散装", kg(r.loose_gross_mg)));
    }
    format!(
        "packages 件 {} from 来自 {}",
        serial_range(r.first, r.last),
        parents.join(", ")
    )
}

/// A refusal's code by name, for example `OFFER_CLOSED 交出单已关闭`.
pub fn refusal_name(code: RefusalCode) -> String {
    named(codes::name(code), catalog::refusal_code(code))
}

/// A finding's code by name, for example `BACK_DATED 逾期补录`.
pub fn finding_name(code: FindingCode) -> String {
    let name = code.as_str_name();
    let name = name.strip_prefix("FINDING_CODE_").unwrap_or(name);
    named(name, catalog::finding_code(code))
}

fn named(name: &str, code: Option<&catalog::Code>) -> String {
    match code {
        Some(code) => format!("{name} {}", code.name_zh),
        None => name.to_owned(),
    }
}

/// How grave a finding is, for example `warning 警告`.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Unspecified => "",
        Severity::Notice => "notice 提示",
        Severity::Warning => "warning 警告",
        Severity::Alarm => "ALARM 报警",
    }
}

/// What was last said of a finding.
pub fn finding_answer(answer: FindingAnswer) -> &'static str {
    match answer {
        FindingAnswer::Unspecified => "",
        FindingAnswer::Acknowledged => "acknowledged 已签收",
        FindingAnswer::Explained => "explained 已说明",
        FindingAnswer::Resolved => "resolved 已销号",
    }
}

/// A finding on one line, for example
/// `! warning 警告 BACK_DATED 逾期补录: recorded …`.
pub fn finding(finding: &Finding) -> String {
    let name = finding_name(finding.code());
    let severity = match severity(finding.severity()) {
        "" => String::new(),
        word => format!("{word} "),
    };
    let detail = if finding.detail.is_empty() {
        String::new()
    } else {
        format!(": {}", finding.detail)
    };
    format!("! {severity}{name}{detail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_shown_with_its_chinese_name() {
        let shown = finding(&Finding {
            code: FindingCode::BackDated.into(),
            severity: Severity::Warning.into(),
            detail: "recorded 5 ms after it happened".to_owned(),
            ..Finding::default()
        });
        assert_eq!(
            shown,
            "! warning 警告 BACK_DATED 逾期补录: recorded 5 ms after it happened"
        );
        assert_eq!(
            refusal_name(RefusalCode::OfferClosed),
            "OFFER_CLOSED 交出单已关闭"
        );
        assert_eq!(refusal_name(RefusalCode::Unspecified), "UNSPECIFIED");
    }
}

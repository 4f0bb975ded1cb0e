//! What evidence comes to, in words: what is proven, what somebody says and
//! who, what is not shown. Plain sentences in English and in Chinese, so that
//! nobody need know the format to read them, nor the other language: a court
//! reads them.

mod drawn;
mod withheld;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use self::drawn::drawn;
use self::withheld::{own_withheld, withheld};
use self::words::{list, point};
use super::handoffs::Handoff;
use super::permits::Permits;
use super::{After, Checked, parts};
use crate::custody::account;
use crate::event::mass::Mass;
use crate::event::record::OpenRecord;
use crate::pb::{AccountKind, LotState};
use crate::proof::checkpoint::Checkpoint;

pub use self::words::{Point, plain};

/// What it comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Points {
    /// What follows from the file and the verifier key.
    pub proven: Vec<Point>,
    /// What somebody says, and who.
    pub attested: Vec<Point>,
    /// What is not shown.
    pub not_shown: Vec<Point>,
}

/// What was seen of evidence that holds.
pub(super) struct Seen<'a> {
    pub(super) records: &'a BTreeMap<u64, &'a OpenRecord>,
    /// The lot's own, in order.
    pub(super) chain: &'a [u64],
    pub(super) permits: &'a Permits,
    pub(super) handoffs: &'a [Handoff],
    pub(super) with_policy: bool,
    /// Whether the key given is one that the records name as the ledger's.
    pub(super) key_named: bool,
}

/// Of evidence that holds.
pub(super) fn points(checked: &Checked, seen: &Seen<'_>) -> Points {
    let mut points = Points::default();
    tree(&mut points, checked, seen);
    signatures(&mut points, seen.records);
    custody(&mut points, checked, seen.chain);
    hands(&mut points, seen.handoffs);
    after(&mut points, checked);
    drawn(&mut points, seen.records, seen.permits);
    documents(&mut points, checked);
    edge(&mut points, checked);
    withheld(&mut points, seen.records);
    own_withheld(&mut points, checked, seen);
    let lists = [
        &mut points.proven,
        &mut points.attested,
        &mut points.not_shown,
    ];
    for point in lists.into_iter().flatten() {
        point.en = plain(&point.en);
        point.zh = plain(&point.zh);
    }
    points
}

/// Handoffs told one by one, at most.
const MAX_HANDOFFS: usize = 100;

fn hands(points: &mut Points, handoffs: &[Handoff]) {
    for handoff in handoffs.iter().take(MAX_HANDOFFS) {
        let Handoff {
            giver,
            taker,
            offered_to,
            offered_at,
            accepted_at,
        } = handoff;
        match (offered_at, offered_to) {
            (Some(offered_at), Some(to)) => {
                let (to_en, to_zh) = if to == taker {
                    (String::new(), String::new())
                } else {
                    (format!(" to {to}"), format!("向 {to} "))
                };
                points.proven.push(point(
                    format!(
                        "In record {accepted_at} {taker} took what {giver} had offered{to_en} in \
                         record {offered_at}: it names the very event that {giver} signed."
                    ),
                    format!(
                        "第 {accepted_at} 号记录中，{taker} 接收了 {giver} 在第 {offered_at} \
                         号记录中{to_zh}交出的货物：其中写明的正是 {giver} 所签的那一事件。"
                    ),
                ));
            }
            (Some(offered_at), None) => points.attested.push(point(
                format!(
                    "By {taker}, in record {accepted_at}: that {giver} had offered what it took, \
                     by an event of record {offered_at} that is withheld here."
                ),
                format!(
                    "{taker} 在第 {accepted_at} 号记录中声明：所接收货物由 {giver} 交出，见第 \
                     {offered_at} 号记录中此处未予出示的事件。"
                ),
            )),
            (None, _) => points.attested.push(point(
                format!(
                    "By {taker}, in record {accepted_at}: that {giver} had offered what it took; \
                     the offer is not among these records."
                ),
                format!(
                    "{taker} 在第 {accepted_at} 号记录中声明：所接收货物由 {giver} \
                     交出；该交出不在所示记录中。"
                ),
            )),
        }
    }
    if let Some(more) = handoffs
        .len()
        .checked_sub(MAX_HANDOFFS)
        .filter(|more| *more > 0)
    {
        points.not_shown.push(point(
            format!("{more} more handoffs, one by one; they hold as well."),
            format!("另有 {more} 次交接未逐一列出；均同样成立。"),
        ));
    }
}

fn tree(points: &mut Points, checked: &Checked, seen: &Seen<'_>) {
    let Checkpoint {
        size, root, origin, ..
    } = &checked.checkpoint;
    let (genesis, records) = (checked.genesis_hash, seen.records.len());
    points.proven.push(point(
        format!(
            "The checkpoint of {size} records, root {root}, is signed by the key given; the \
             ledger is {origin} with genesis {genesis}."
        ),
        format!(
            "含 {size} 条记录、树根为 {root} 的检查点由所给公钥验签通过；账本为 \
             {origin}，创始哈希为 {genesis}。"
        ),
    ));
    points.proven.push(point(
        format!(
            "The {records} records shown here are in that tree, and every part shown is the one \
             that its record commits to."
        ),
        format!("此处出示的 {records} 条记录均在该树中，出示的每一部分都与其记录所承诺的一致。"),
    ));
    if !seen.key_named {
        points.not_shown.push(point(
            "How the key given came to be the ledger's: none of these records names it.",
            "所给公钥如何成为账本公钥：所示记录均未写明该公钥。",
        ));
    }
    if seen.with_policy {
        let names = checked.cosigned.iter().map(|c| c.name.clone()).collect();
        let (en, zh) = list(names);
        points.proven.push(point(
            format!("The checkpoint satisfies the policy; cosigned by: {en}."),
            format!("该检查点符合见证策略；见证签名方：{zh}。"),
        ));
    }
    if checked.cosigned.is_empty() {
        let (en, zh) = if seen.with_policy {
            (
                "the policy asks for no witness, and none that it knows has cosigned",
                "该策略不要求见证方，其所知的见证方也均未见证签名",
            )
        } else {
            ("no policy was given", "未给出见证策略")
        };
        points.not_shown.push(point(
            format!("That anybody but the ledger has seen this checkpoint: {en}."),
            format!("除账本自身外是否有人见过该检查点：{zh}。"),
        ));
    }
    points.not_shown.push(point(
        format!("Anything recorded from position {size} on, after this checkpoint."),
        format!("该检查点之后、自序号 {size} 起入账的任何内容。"),
    ));
}

fn signatures(points: &mut Points, records: &BTreeMap<u64, &OpenRecord>) {
    let signatures = records.values().flat_map(|r| &r.head.signatures);
    let keys: BTreeSet<&[u8]> = signatures.map(|s| s.key_id.as_ref()).collect();
    let keys = keys.len();
    points.proven.push(point(
        format!(
            "Every record is signed as it says, by {keys} keys in all; each was registered before \
             by the authorities that record 0 names, was within its dates and, up to the change \
             of it that the record links to, not revoked."
        ),
        format!(
            "每条记录均如其所述签名，共用 {keys} 把密钥；每把密钥事先由第 0 \
             号记录所列机关登记，使用时在有效期内，且截至该记录所链接的密钥变更未被吊销。"
        ),
    ));
    points.attested.push(point(
        "By those who signed: what they measured, what they saw and when it happened. By the \
         ledger: when it was recorded.",
        "签名各方声明：计量结果、所见情况和发生时间。账本声明：入账时间。",
    ));
    points.attested.push(point(
        "By the ledger: that outcomes, links and maps follow from what was signed, so that no \
         link passes over a revocation. Whoever verifies the whole ledger would find one that \
         does not.",
        "账本声明：结果、链接和映射由所签内容得出，因而没有链接越过任何吊销。\
         验证整个账本的人会发现任何不符之处。",
    ));
    points.not_shown.push(point(
        "The registrations of parties, sites and places that are not among these records, and \
         whether they were changed: that a party which signed had not been closed or succeeded, \
         the ledger says by recording it.",
        "不在所示记录中的单位、场所和地点登记，以及其是否变更过：\
         签名单位未被注销或承继，由账本以入账为凭。",
    ));
}

fn custody(points: &mut Points, checked: &Checked, chain: &[u64]) {
    let lot = checked.lot;
    if let (Some(first), Some(last)) = (chain.first(), chain.last()) {
        let count = chain.len();
        points.proven.push(point(
            format!(
                "The chain of lot {lot} is whole from its birth in record {first}, whose signer \
                 it is named after, to record {last}: {count} records, each linked to the one \
                 before."
            ),
            format!(
                "批次 {lot} 的监管链自第 {first} 号记录建批（批次编号由其签名方得出）至第 {last} \
                 号记录完整无缺：共 {count} 条记录，逐条与前一条相连。"
            ),
        ));
    }
    let (en, zh) = list(balances(&checked.state));
    points.proven.push(point(
        format!(
            "Its postings sum to zero in each record, no holding goes below zero, and the \
             balances that follow are: {en}."
        ),
        format!("每条记录中其分录合计为零，任何持有量均不低于零，由此得出的余额为：{zh}。"),
    ));
    if !checked.ancestors.is_empty() {
        let count = checked.ancestors.len();
        let (en, zh) = list(checked.ancestors.iter().map(named).collect());
        points.proven.push(point(
            format!(
                "It was made of {count} lots, each shown from its birth to what it gave, as far \
                 as records name them: {en}."
            ),
            format!(
                "它由 {count} 个批次制成，在记录指明的范围内，各批次自建批至投入均已出示：{zh}。"
            ),
        ));
    }
}

fn named((id, state): &(crate::event::LotId, LotState)) -> String {
    let label = state.born.as_ref().map_or("", |born| born.label.as_str());
    format!("{label} ({id})")
}

fn balances(state: &LotState) -> Vec<String> {
    let balances = state.balances.iter().map(|balance| {
        let account = balance.account.clone().unwrap_or_default();
        format!("{} {}", account::show(&account), Mass::mg(balance.gross_mg))
    });
    balances.collect()
}

fn after(points: &mut Points, checked: &Checked) {
    let After {
        last,
        state_records,
        proven_before,
        attested_before,
    } = checked.after;
    if state_records > 0 {
        points.proven.push(point(
            format!(
                "No record after {last} and before {proven_before} is about the lot: of the maps \
                 of touched subjects of the {state_records} state records there the first names \
                 that record as its latest, and it is absent from the others."
            ),
            format!(
                "第 {last} 号之后、第 {proven_before} 号之前没有关于该批次的记录：其间 \
                 {state_records} 条状态记录的涉及对象映射中，第一份以第 {last} \
                 号为其最近记录，其余均无该批次。"
            ),
        ));
    }
    match attested_before {
        Some(size) if proven_before < size => points.attested.push(point(
            format!(
                "By the ledger, signed: no record from {proven_before} up to the checkpoint is \
                 about the lot. No state record follows yet that would prove it."
            ),
            format!(
                "账本签名声明：自第 {proven_before} \
                 号至检查点没有关于该批次的记录。其后尚无可以证明此点的状态记录。"
            ),
        )),
        Some(_) => points.attested.push(point(
            "By the ledger, signed: that nothing of the lot came after its last record, up to the \
             checkpoint; what is proven shows it already.",
            "账本签名声明：该批次末次记录之后至检查点没有关于它的记录；此点已由上述证明得出。",
        )),
        None => {}
    }
}

fn documents(points: &mut Points, checked: &Checked) {
    let there = checked.documents.iter().filter(|(_, enclosed)| *enclosed);
    let enclosed = there.count();
    let named = checked.documents.len().saturating_sub(enclosed);
    if enclosed > 0 {
        points.proven.push(point(
            format!("The {enclosed} documents enclosed are those that the events name by hash."),
            format!("所附 {enclosed} 份文件正是各事件以哈希指明的文件。"),
        ));
    }
    if named > 0 {
        points.not_shown.push(point(
            format!("The content of {named} documents: they are named by hash only."),
            format!("{named} 份文件的内容：仅以哈希指明。"),
        ));
    }
}

/// What entered on one side's word.
fn edge(points: &mut Points, checked: &Checked) {
    let own = (checked.lot, checked.state.clone());
    for lot in std::iter::once(&own).chain(&checked.ancestors) {
        let Some(born) = &lot.1.born else { continue };
        let (en, zh) = match born.source() {
            AccountKind::Inbound => ("arrived from outside the ledger", "自账外到货"),
            AccountKind::Opening => ("was there when its holder joined", "在持有单位入账时已有"),
            AccountKind::Imported => ("was imported", "系进口"),
            AccountKind::Produced => ("was produced", "系生产"),
            AccountKind::Found => ("was found", "系盘盈或找回"),
            _ => continue,
        };
        let (who, lot) = (&born.declarer, named(lot));
        points.attested.push(point(
            format!("By {who}: that lot {lot} {en}, with what it says of it."),
            format!("{who} 声明：批次 {lot} {zh}，及其所述各项。"),
        ));
    }
}

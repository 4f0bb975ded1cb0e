//! What was drawn on permits, and whose word it is.

use std::collections::{BTreeMap, BTreeSet};

use super::Points;
use super::words::{Point, point, positions};
use crate::custody::subject;
use crate::event::mass::Mass;
use crate::event::record::OpenRecord;
use crate::pb::event::Body;
use crate::pb::{PermitRegistered, Subject};
use crate::proof::evidence::permits::{Permit, Permits};

pub(super) fn drawn(points: &mut Points, records: &BTreeMap<u64, &OpenRecord>, permits: &Permits) {
    for (permit, shown) in permits.all() {
        let line = permit_line(permit, shown);
        match &shown.said_by {
            None => points.proven.push(line),
            Some((party, position)) => points.attested.push(point(
                format!(
                    "By {party}, in record {position}, which is no authority that record 0 \
                     names: {} Whether it was for {party} to say is not shown.",
                    line.en
                ),
                format!(
                    "{party} 在第 {position} 号记录中声明（并非第 0 号记录所列机关）：{}{party} \
                     是否有权如此声明，未予出示。",
                    line.zh
                ),
            )),
        }
        if !shown.partly.is_empty() {
            let (en, zh) = positions(&shown.partly);
            let permit = subject::show(permit);
            points.not_shown.push(point(
                format!(
                    "Other events of the records {en}, which entered or changed {permit}: one of \
                     them may have changed it too."
                ),
                format!("记录 {zh} 中登记或变更 {permit} 的其他事件：其中可能也有变更它的。"),
            ));
        }
    }
    let shown: BTreeSet<&Subject> = permits.all().map(|(permit, _)| permit).collect();
    let events = records.iter().flat_map(|(position, record)| {
        let events = record.events.iter().flatten();
        events.map(move |event| (position, event))
    });
    for (position, event) in events {
        let named = match &event.body {
            Some(Body::Traded(e)) => (&e.buyer, &e.permit),
            Some(Body::Offered(e)) => {
                let consignee = e.carriage.as_ref().map(|carriage| &carriage.consignee);
                (consignee.unwrap_or(&e.taker), &e.permit)
            }
            _ => continue,
        };
        let (holder, number) = named;
        if !number.is_empty() && !shown.contains(&subject::permit(holder, number)) {
            points.not_shown.push(point(
                format!(
                    "Permit {number} of {holder}, which record {position} names: nothing of its \
                     quantity is shown as claimed or drawn there."
                ),
                format!(
                    "第 {position} 号记录所列 {holder} 的许可 \
                     {number}：未出示其数量在该处被占用或核减的情况。"
                ),
            ));
        }
    }
}

fn permit_line(permit: &Subject, shown: &Permit) -> Point {
    let state = &shown.state;
    let registered = state.registered.clone().unwrap_or_default();
    let PermitRegistered { quantity_mg, .. } = registered;
    let status = registered.status().as_str_name();
    let status = status.strip_prefix("PERMIT_STATUS_").unwrap_or(status);
    let status = status.to_ascii_lowercase();
    let (drawn, all) = (Mass::mg(state.drawn_mg), Mass::mg(quantity_mg));
    let (permit, last) = (subject::show(permit), state.last);
    point(
        format!(
            "{permit} stood at {status} with {drawn} drawn of {all} after record {last}, by its \
             chain from its registration."
        ),
        format!(
            "{permit}：按其自登记起的链，第 {last} 号记录之后状态为 {status}，{all} 中已核减 \
             {drawn}。"
        ),
    )
}

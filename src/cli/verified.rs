//! What a verification found, for people and for programs. What is checked is
//! in `audit` and `proof`.

use serde_json::{Value, json};

use super::error::CliError;
use super::kept::KeptFiles;
use super::output::{Format, Out};
use super::time;
use crate::audit::{Audit, KeptReport, Problem, Speed};
use crate::proof::Report;

/// What was verified, and against what.
pub struct Verified<'a> {
    /// What it found.
    pub audit: &'a Audit,
    /// What the journal was held against.
    pub kept: &'a KeptFiles,
    /// Only the chain and the tree.
    pub chain_only: bool,
    /// A data directory's files, not what a server sent.
    pub files: bool,
    /// How fast it went.
    pub speed: Speed,
    /// What a person should know of the saved position.
    pub resume: Vec<String>,
}

impl Verified<'_> {
    /// Prints it.
    pub fn print(&self, format: Format) -> Result<(), CliError> {
        match format {
            Format::Json => Out::new().json(&self.to_value()),
            Format::Table => self.print_table(),
        }
    }

    fn to_value(&self) -> Value {
        let audit = self.audit;
        let problem = |problem: &Problem| {
            let position = Some(problem.position()).filter(|position| *position != u64::MAX);
            json!({ "position": position, "what": problem.to_string() })
        };
        let mut value = json!({
            "verified": audit.problems.is_empty(),
            "chainOnly": self.chain_only,
            "records": audit.records,
            "bytes": audit.bytes,
            "acknowledgements": self.kept.acknowledgements.len(),
            "acknowledged": audit.acknowledged,
            "receipts": { "given": self.kept.receipts.len(), "agree": audit.receipts },
            "checkpoints": { "given": self.kept.checkpoints.len(), "agree": audit.checkpoints },
            "refusals": audit.refusals.as_ref().map(kept_value),
            "journal": audit.report.as_ref().map(|report| self.report_value(report)),
            "resumedAfter": audit.resumed.map(|vouched| vouched.records),
            "resume": self.resume,
            "speed": self.speed_value(),
            "problems": audit.problems.iter().map(problem).collect::<Vec<_>>(),
        });
        if let Some(object) = value.as_object_mut().filter(|_| self.files) {
            object.insert("closed".to_owned(), audit.closed.into());
        }
        value
    }

    fn speed_value(&self) -> Value {
        let speed = &self.speed;
        json!({
            "milliseconds": u64::try_from(speed.took.as_millis()).unwrap_or(u64::MAX),
            "recordsPerSecond": speed.records_per_second(),
            "signatures": speed.signatures,
            "signaturesPerSecond": speed.signatures_per_second(),
            "strictPerSecond": speed.strict.map(|strict| strict.per_second),
            "cores": speed.strict.map(|strict| strict.cores),
        })
    }

    fn report_value(&self, report: &Report) -> Value {
        let mut value = json!({
            "batches": report.batches,
            "signatures": report.signatures,
            "genesisHash": report.genesis_hash.to_string(),
            "ledgerKeyId": report.ledger_key.map(|id| id.to_string()),
            "ledgerKeys": report.ledger_keys.iter().map(|(since, id)| json!({
                "keyId": id.to_string(),
                "since": since,
            })).collect::<Vec<_>>(),
            "lastHead": report.last_head.to_string(),
            "treeRoot": report.tree_root.to_base64(),
            "recordedAt": time::shown(report.recorded_at_ms),
        });
        // What a verification of the chain alone does not know.
        let more = json!({
            "events": report.events,
            "statements": report.statements,
            "findings": report.findings,
            "stateRecords": report.state_records,
            "withheld": report.withheld,
            "stateDigest": report.state_digest.to_string(),
        });
        if let (false, Some(object), Value::Object(more)) =
            (self.chain_only, value.as_object_mut(), more)
        {
            object.extend(more);
        }
        value
    }

    fn print_table(&self) -> Result<(), CliError> {
        let mut out = Out::new();
        for problem in &self.audit.problems {
            out.line(&format!("! {problem}"))?;
        }
        for line in &self.resume {
            out.line(&format!("· {line}"))?;
        }
        let mut fields = self.summary();
        if let Some(report) = &self.audit.report {
            fields.extend(self.report_fields(report));
        }
        fields.extend(self.speed_fields());
        out.fields(&fields)
    }

    fn summary(&self) -> Vec<(&'static str, String)> {
        let audit = self.audit;
        let verdict = match (audit.problems.is_empty(), self.chain_only) {
            (true, false) => "verified 已验证",
            (true, true) => "chain and tree verified, nothing else 仅验证链与树",
            (false, _) => "NOT VERIFIED 未通过验证",
        };
        let mut fields = vec![
            ("Verdict 结论", verdict.to_owned()),
            ("Records 记录", audit.records.to_string()),
            ("Bytes 字节", audit.bytes.to_string()),
        ];
        if self.files {
            let closed = if audit.closed { "yes 是" } else { "no 否" };
            fields.push(("Closed cleanly 正常关闭", closed.to_owned()));
        }
        if let Some(vouched) = audit.resumed {
            let records = vouched.records.to_string();
            fields.push(("Went on after 接续自", records));
        }
        let of = |agree: usize, all: usize| format!("{agree} of {all}");
        let acknowledgements = self.kept.acknowledgements.len();
        fields.push((
            "Acknowledgements 回执",
            of(audit.acknowledged, acknowledgements),
        ));
        let receipts = self.kept.receipts.len();
        if receipts > 0 {
            fields.push(("Receipts 收据", of(audit.receipts, receipts)));
        }
        let checkpoints = self.kept.checkpoints.len();
        fields.push(("Checkpoints 检查点", of(audit.checkpoints, checkpoints)));
        if let Some(KeptReport { read, anchored, .. }) = audit.refusals {
            let kept = format!("{read} ({anchored} anchored 已锚定)");
            fields.push(("Kept refusals 留存的拒绝", kept));
        }
        fields
    }

    fn report_fields(&self, report: &Report) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        if !self.chain_only {
            fields.extend([
                ("Events 事件", report.events.to_string()),
                ("Findings 发现", report.findings.to_string()),
                ("State digest 状态摘要", report.state_digest.to_string()),
            ]);
        }
        let key = report.ledger_key.map(|id| match report.ledger_keys.last() {
            Some((since, _)) if *since > 0 => format!("{id}, since record 自记录 {since}"),
            _ => id.to_string(),
        });
        fields.extend([
            ("Signatures 签名", report.signatures.to_string()),
            ("Genesis hash 创始哈希", report.genesis_hash.to_string()),
            ("Ledger key id 账本密钥编号", key.unwrap_or_default()),
            ("Last head 末记录哈希", report.last_head.to_string()),
            ("Tree root 树根", report.tree_root.to_base64()),
            ("Last recorded 末次入账", time::shown(report.recorded_at_ms)),
        ]);
        fields
    }

    fn speed_fields(&self) -> Vec<(&'static str, String)> {
        let speed = &self.speed;
        let rate = format!(
            "{} records/s 条/秒, {} signatures/s 签名/秒",
            speed.records_per_second(),
            speed.signatures_per_second()
        );
        let mut fields = vec![("Speed 速度", rate)];
        if let Some(strict) = speed.strict {
            let alone = format!(
                "{} signatures/s on {} cores 核, doing nothing else 不做他事",
                strict.per_second, strict.cores
            );
            fields.push(("This machine 本机", alone));
        }
        fields
    }
}

/// What there is of kept refusals.
fn kept_value(kept: &KeptReport) -> Value {
    json!({ "read": kept.read, "first": kept.first, "anchored": kept.anchored })
}

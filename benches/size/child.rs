//! What is measured runs in processes of their own. They print one figure a
//! line, `name value`, and go on until they are told to end, or are killed.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use hazledger::ledger::{Answer, Clock as _, Ledger, Options, SystemClock};
use hazledger::pb::SignedStatement;
use rayon::prelude::*;

use crate::maker::ledger_key;
use crate::plan::Plan;

/// Statements signed at a time by a child that submits without end.
const SIGNED_AHEAD: u64 = 10_000;

/// How a child is to end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Cleanly,
    Killed,
}

/// A child that has been started.
pub struct Child {
    process: std::process::Child,
    stdin: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

impl Child {
    pub fn start(arguments: &[&str]) -> Child {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg("child")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = process.stdin.take();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Child {
            process,
            stdin,
            lines,
        }
    }

    /// The next figure of this name.
    pub fn number(&mut self, name: &str) -> f64 {
        loop {
            let mut line = String::new();
            assert!(
                self.lines.read_line(&mut line).unwrap() > 0,
                "it ended before `{name}`"
            );
            if let Some((key, value)) = line.trim().split_once(' ')
                && key == name
            {
                return value.parse().unwrap();
            }
        }
    }

    /// Until it says that it has got so far.
    pub fn wait_for(&mut self, count: u64) {
        while self.number("answered") < count as f64 {}
    }

    pub fn end(mut self, how: Ended) {
        if how == Ended::Killed {
            self.process.kill().unwrap();
            self.process.wait().unwrap();
            return;
        }
        drop(self.stdin.take());
        let status = self.process.wait().unwrap();
        assert!(status.success(), "a child failed");
    }
}

fn tell(name: &str, value: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{name} {value}").unwrap();
    out.flush().unwrap();
}

/// Bytes that `/proc` says of this process; 0 where there is no such file.
fn memory(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// The child's own side.
pub fn run(arguments: &[String]) {
    let (what, rest) = arguments.split_first().unwrap();
    let dir = Path::new(&rest[0]);
    let prepared = (what == "ingest").then(|| ready(&rest[1..]));
    let clock = Arc::new(SystemClock);
    let started = Instant::now();
    let (ledger, opened) = Ledger::open(dir, ledger_key(), Options::default(), clock).unwrap();
    tell("opened", started.elapsed().as_secs_f64());
    if let Some((aside, why)) = &opened.set_aside {
        eprintln!("set aside as {}: {why}", aside.display());
    }
    tell("resident", memory("VmRSS:"));
    tell("replayed", opened.replayed);
    tell("peak", memory("VmHWM:"));
    if what == "weigh" {
        let size = ledger.store().size().unwrap();
        tell("disk", size.disk);
        tell("live", size.live);
    }
    if let Some((plan, count)) = prepared {
        submit(&ledger, plan, count);
    } else {
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(ledger.close()).unwrap();
}

/// The plan after all that was made of it, and how many to submit.
fn ready(numbers: &[String]) -> (Plan, u64) {
    let number = |at: usize| numbers[at].parse::<u64>().unwrap();
    let origin = hazledger::pb::Origin::default();
    let from = crate::plan::PARTIES as u64 + 1;
    let mut plan = Plan::new(origin, number(0), number(1), number(2) as i64);
    (from..number(0)).for_each(|position| drop(plan.next(position)));
    plan.now(SystemClock.now_ms());
    (plan, number(3))
}

/// Submits as many statements as it is told to, as many at a time as the
/// ledger admits, and tells the rate.
fn submit(ledger: &Ledger, mut plan: Plan, count: u64) {
    plan.belongs_to(ledger.status().origin);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut answered = 0u64;
    let mut seconds = 0.0;
    let mut next = 1u64 << 40;
    while answered < count {
        let until = next + SIGNED_AHEAD.min(count - answered);
        let drafts: Vec<_> = (next..until).map(|number| plan.next(number)).collect();
        next = until;
        let signed: Vec<SignedStatement> = drafts.par_iter().map(|d| plan.sign(d)).collect();
        let started = Instant::now();
        let mut pending = VecDeque::new();
        for statement in signed {
            loop {
                match ledger.enqueue(statement.clone()) {
                    Ok(one) => break pending.push_back(one),
                    Err(_) => accepted(&runtime.block_on(pending.pop_front().unwrap()).unwrap()),
                }
            }
        }
        for one in pending {
            accepted(&runtime.block_on(one).unwrap());
        }
        seconds += started.elapsed().as_secs_f64();
        answered += drafts.len() as u64;
        tell("answered", answered);
    }
    tell("rate", answered as f64 / seconds);
    let status = ledger.status();
    tell("behind", status.committed - status.projected);
    let started = Instant::now();
    runtime.block_on(ledger.at_least(status.committed)).unwrap();
    tell("caught_up", started.elapsed().as_secs_f64());
}

fn accepted(answer: &Answer) {
    assert!(matches!(answer, Answer::Acknowledged { .. }), "{answer:?}");
}

//! Looking after what goes on: connections that say, read or do nothing are
//! cut, and health says whether the ledger takes statements.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::calls::{Calls, Late};
use super::connections::{Line, Lines, Overdue};
use super::limits::Limits;
use super::metrics::Metrics;

/// How often connections and calls are looked at. Nothing is cut sooner than
/// its limit, and at most this much later.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How often the ledger is asked whether it accepts: health is late by as
/// much, at most.
pub const HEALTH_EVERY: Duration = Duration::from_millis(250);

/// Cuts what is overdue, for as long as it is run.
pub(super) async fn cut_overdue(calls: Arc<Calls>, lines: Lines, limits: Limits) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        for line in lines.all() {
            let overdue = line.overdue(
                limits.handshake_timeout,
                limits.unread_timeout,
                limits.idle_timeout,
            );
            if let Some(overdue) = overdue {
                cut(&line, reason(overdue), &calls);
            }
        }
        for call in calls.all() {
            let late = call.late(limits.unread_timeout, limits.longest_wait());
            if let (Some(late), Some(line)) = (late, &call.line) {
                let reason = match late {
                    Late::Unread => "unread",
                    Late::Unfinished => "unfinished",
                };
                cut(line, reason, &calls);
            }
        }
    }
}

fn reason(overdue: Overdue) -> &'static str {
    match overdue {
        Overdue::Silent => "silent",
        Overdue::Blocked => "unread",
        Overdue::Idle => "idle",
    }
}

fn cut(line: &Line, reason: &'static str, calls: &Calls) {
    if !line.cut() {
        return;
    }
    let metrics: &Metrics = &calls.metrics;
    metrics.cut(reason);
    if reason != "idle"
        && let Some(left_out) = calls.may_log()
    {
        let left_out = (left_out > 0).then_some(left_out);
        tracing::info!(reason, left_out, "connection cut");
    }
}

/// Tells `report` whether the ledger takes statements: at once, and whenever
/// that changes; not any more once `closing` is ready.
pub(super) async fn follow_health<R>(
    accepting: impl Fn() -> bool,
    closing: impl Future<Output = ()>,
    report: impl Fn(bool) -> R,
) where
    R: Future<Output = ()>,
{
    let mut looks = interval(HEALTH_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(closing);
    let mut said = None;
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = &mut closing => return report(false).await,
        }
        let now = accepting();
        if said != Some(now) {
            if said.is_some() {
                tracing::warn!(
                    accepting = now,
                    "the ledger has changed what it does with statements"
                );
            }
            report(now).await;
            said = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::sync::{mpsc, oneshot};

    use super::*;

    #[tokio::test]
    async fn health_follows_the_ledger_back_and_forth_and_ends_not_serving() {
        let accepts = Arc::new(AtomicBool::new(true));
        let (close, closed) = oneshot::channel::<()>();
        let (sender, mut said) = mpsc::channel(8);
        let ledger = Arc::clone(&accepts);
        let following = tokio::spawn(follow_health(
            move || ledger.load(Ordering::SeqCst),
            async {
                let _ = closed.await;
            },
            move |serving| {
                let sender = sender.clone();
                async move { sender.send(serving).await.unwrap() }
            },
        ));
        for serving in [true, false, true, false, true] {
            accepts.store(serving, Ordering::SeqCst);
            assert_eq!(said.recv().await, Some(serving));
        }
        drop(close);
        assert_eq!(said.recv().await, Some(false));
        following.await.unwrap();
        assert_eq!(said.recv().await, None);
    }
}

//! Accepting connections, a bounded number at a time; who comes beyond that
//! waits in the operating system's queue. Each has a line, by which it can be
//! cut, and which says how long it has said, read or done nothing.
//!
//! What it is not: it knows no gRPC, it does not choose the address, and when
//! to cut is said elsewhere (`watch`).

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use super::metrics::Metrics;
use crate::ledger::{Bucket, Rate};

/// Rest after the operating system has refused to accept, for want of file
/// descriptors as a rule, so that trying again does not take a whole core.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Bytes with which every HTTP/2 connection begins.
const PREFACE: u64 = 24;

/// After how long a blocked connection is given no new calls, milliseconds.
const BLOCKED_MS: u64 = 1000;

/// Milliseconds since the door was opened, never 0: that stands for never.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since(Instant);

impl Since {
    pub(super) fn now_ms(self) -> u64 {
        let ms = u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX);
        ms.saturating_add(1)
    }
}

/// What is known of a connection, and the way to cut it.
#[derive(Debug)]
pub(super) struct Line {
    number: u64,
    /// Where it came from.
    pub(super) from: IpAddr,
    since: Since,
    opened_ms: u64,
    /// Bytes that came, as far as the beginning goes.
    heard: AtomicU64,
    /// When it stopped taking what is sent; 0 if it takes it.
    blocked_ms: AtomicU64,
    /// Calls open, and when the last one ended.
    calls: AtomicUsize,
    quiet_ms: AtomicU64,
    wasted: Mutex<Bucket>,
    wasted_rate: Option<Rate>,
    cut: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

/// Something has been too long for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// It does not begin to speak HTTP/2.
    Silent,
    /// It takes nothing of what is sent to it.
    Blocked,
    /// It has no call.
    Idle,
}

impl Line {
    fn new(number: u64, from: IpAddr, since: Since, wasted_rate: Option<Rate>) -> Line {
        let now = since.now_ms();
        let rate = wasted_rate.unwrap_or(Rate {
            per_second: 0,
            burst: 0,
        });
        Line {
            number,
            from,
            since,
            opened_ms: now,
            heard: AtomicU64::new(0),
            blocked_ms: AtomicU64::new(0),
            calls: AtomicUsize::new(0),
            quiet_ms: AtomicU64::new(now),
            wasted: Mutex::new(Bucket::full(rate, now)),
            wasted_rate,
            cut: AtomicBool::new(false),
            waker: Mutex::new(None),
        }
    }

    /// Milliseconds since the door was opened.
    pub(super) fn now_ms(&self) -> u64 {
        self.since.now_ms()
    }

    /// A call begins on it.
    pub(super) fn enter(&self) {
        self.calls.fetch_add(1, Ordering::AcqRel);
    }

    /// A call on it has ended.
    pub(super) fn leave(&self) {
        self.quiet_ms.store(self.since.now_ms(), Ordering::Release);
        self.calls.fetch_sub(1, Ordering::AcqRel);
    }

    /// A statement came for nothing.
    pub(super) fn waste(&self) {
        if let Some(rate) = self.wasted_rate {
            let mut bucket = self.wasted.lock().unwrap_or_else(PoisonError::into_inner);
            bucket.draw(rate, self.since.now_ms());
        }
    }

    /// How long until it may send statements again, if it has sent too many
    /// for nothing.
    pub(super) fn held_back_ms(&self) -> Option<u64> {
        let rate = self.wasted_rate?;
        let mut bucket = self.wasted.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.wait_ms(rate, self.since.now_ms())
    }

    /// Whether it has taken nothing of what was sent for a while.
    pub(super) fn is_blocked(&self) -> bool {
        let since = self.blocked_ms.load(Ordering::Acquire);
        since != 0 && self.since.now_ms().saturating_sub(since) >= BLOCKED_MS
    }

    /// What has been too long, if anything has.
    pub(super) fn overdue(
        &self,
        silent: Duration,
        blocked: Duration,
        idle: Duration,
    ) -> Option<Overdue> {
        let now = self.since.now_ms();
        let over = |since: u64, bound: Duration| {
            u128::from(now.saturating_sub(since)) >= bound.as_millis()
        };
        let blocked_since = self.blocked_ms.load(Ordering::Acquire);
        if self.heard.load(Ordering::Acquire) < PREFACE {
            return over(self.opened_ms, silent).then_some(Overdue::Silent);
        }
        if blocked_since != 0 && over(blocked_since, blocked) {
            return Some(Overdue::Blocked);
        }
        let quiet = self.calls.load(Ordering::Acquire) == 0;
        let idle = quiet && over(self.quiet_ms.load(Ordering::Acquire), idle);
        idle.then_some(Overdue::Idle)
    }

    /// Ends it. `false` if that has been done.
    pub(super) fn cut(&self) -> bool {
        let first = !self.cut.swap(true, Ordering::AcqRel);
        let waker = self.waker().take();
        if let Some(waker) = waker {
            waker.wake();
        }
        first
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error once it is cut; else whoever waits is woken then.
    fn not_cut(&self, context: &Context<'_>) -> io::Result<()> {
        let mut waker = self.waker();
        if self.cut.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if !waker.as_ref().is_some_and(|w| w.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        Ok(())
    }

    fn wrote<T>(&self, poll: &Poll<T>) {
        if poll.is_ready() {
            self.blocked_ms.store(0, Ordering::Release);
        } else if self.blocked_ms.load(Ordering::Acquire) == 0 {
            self.blocked_ms
                .store(self.since.now_ms(), Ordering::Release);
        }
    }
}

/// The lines of the connections that are open.
#[derive(Clone)]
pub(super) struct Lines {
    since: Since,
    wasted: Option<Rate>,
    open: Arc<Mutex<HashMap<u64, Weak<Line>>>>,
    metrics: Metrics,
}

impl Lines {
    pub(super) fn new(wasted: Option<Rate>, metrics: Metrics) -> Lines {
        Lines {
            since: Since(Instant::now()),
            wasted,
            open: Arc::default(),
            metrics,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Weak<Line>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, number: u64, from: IpAddr) -> Arc<Line> {
        let line = Arc::new(Line::new(number, from, self.since, self.wasted));
        self.lock().insert(number, Arc::downgrade(&line));
        self.metrics.connected();
        line
    }

    fn close(&self, line: &Line) {
        self.lock().remove(&line.number);
        self.metrics.disconnected();
    }

    /// All that are open.
    pub(super) fn all(&self) -> Vec<Arc<Line>> {
        self.lock().values().filter_map(Weak::upgrade).collect()
    }
}

/// How long a connection that has been answered waits for the other side to
/// close, at most.
const LINGER: Duration = Duration::from_secs(1);

/// What is thrown away meanwhile, at most, bytes.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// A connection that sends nothing more.
struct Lingering {
    over: Pin<Box<tokio::time::Sleep>>,
    left: usize,
}

/// A connection and its place among those that may be open.
pub(super) struct Connection {
    stream: TcpStream,
    lingering: Option<Lingering>,
    line: Arc<Line>,
    lines: Lines,
    _place: OwnedSemaphorePermit,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.lines.close(&self.line);
    }
}

/// Accepts until the receiver is dropped, at most `most` at a time.
pub(super) fn accept(
    listener: TcpListener,
    most: usize,
    lines: Lines,
) -> ReceiverStream<io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(1);
    let places = Arc::new(Semaphore::new(most));
    tokio::spawn(async move {
        tokio::select! {
            () = sender.closed() => {}
            () = accept_into(&listener, &places, &lines, &sender) => {}
        }
    });
    ReceiverStream::new(receiver)
}

async fn accept_into(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    lines: &Lines,
    sender: &mpsc::Sender<io::Result<Connection>>,
) {
    let mut number = 0_u64;
    while let Ok(place) = Arc::clone(places).acquire_owned().await {
        let Ok((stream, from)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_REST).await;
            continue;
        };
        // Answers are small and awaited: no delay to gather them. A socket
        // that refuses the option works without it.
        let _ = stream.set_nodelay(true);
        number = number.saturating_add(1);
        if sender
            .send(Ok(Connection {
                stream,
                lingering: None,
                line: lines.open(number, from.ip()),
                lines: lines.clone(),
                _place: place,
            }))
            .await
            .is_err()
        {
            return;
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Arc<Line>;

    fn connect_info(&self) -> Arc<Line> {
        Arc::clone(&self.line)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.line.not_cut(context)?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if this.line.heard.load(Ordering::Acquire) < PREFACE {
            let came = buffer.filled().len().saturating_sub(before);
            let came = u64::try_from(came).unwrap_or(u64::MAX);
            this.line.heard.fetch_add(came, Ordering::AcqRel);
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.line.not_cut(context)?;
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.line.wrote(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.line.not_cut(context)?;
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, pieces);
        this.line.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    /// Says that no more will be sent, then takes what still comes, and throws
    /// it away, until the other side has closed too: a socket that is closed
    /// with something unread resets the connection, and the last answers are
    /// lost on their way.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        this.line.not_cut(context)?;
        let lingering = this.lingering.get_or_insert_with(|| Lingering {
            over: Box::pin(tokio::time::sleep(LINGER)),
            left: LINGER_BYTES,
        });
        let mut unread = [0; 8 * 1024];
        loop {
            if lingering.left == 0 || lingering.over.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut unread);
            let read = ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            lingering.left = lingering.left.saturating_sub(buffer.filled().len());
        }
    }
}

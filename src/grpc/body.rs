//! An answer on its way out, in pieces that the transport takes one at a time
//! as the client reads, so that what nobody reads waits here, where it is
//! bounded and seen.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::HeaderMap;

use super::calls::Call;
use super::errors::Fault;

/// Bytes of a piece, at most.
const PIECE: usize = 64 * 1024;

/// Bytes of a message beyond which it needs room among the long answers.
const LONG: usize = 512 * 1024;

/// When to ask again after the long answers had no room, milliseconds.
const RETRY_AFTER_MS: u64 = 1000;

/// See the module.
pub(super) struct Answer {
    inner: Body,
    call: Arc<Call>,
    /// What is left of a message that was cut into pieces, and its room.
    rest: Bytes,
    room: Option<OwnedSemaphorePermit>,
    ended: bool,
}

impl Answer {
    pub(super) fn new(inner: Body, call: Arc<Call>) -> Answer {
        Answer {
            inner,
            call,
            rest: Bytes::new(),
            room: None,
            ended: false,
        }
    }

    /// The next piece of what is left.
    fn piece(&mut self) -> Frame<Bytes> {
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        if self.rest.is_empty() {
            self.room = None;
        }
        self.call.handed();
        Frame::data(piece)
    }

    /// Room for a long message, if it is one.
    fn make_room(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes <= LONG {
            return Ok(());
        }
        let limit = "max_unread_bytes";
        let full = Fault::TurnedAway {
            limit,
            retry_after_ms: RETRY_AFTER_MS,
        };
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let unread = Arc::clone(&self.call.calls.unread);
        let Ok(room) = unread.try_acquire_many_owned(kib) else {
            full.count(&self.call.calls.metrics);
            return Err(full);
        };
        self.room = Some(room);
        Ok(())
    }

    /// Ends with a status instead of what there is.
    fn end(&mut self, fault: Fault) -> Result<Frame<Bytes>, Status> {
        self.ended = true;
        let mut trailers = HeaderMap::new();
        Status::from(fault).add_header(&mut trailers)?;
        self.call.ended_with(&trailers);
        Ok(Frame::trailers(trailers))
    }

    fn frame(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Status> {
        match frame.into_data() {
            Ok(data) => {
                if let Err(fault) = self.make_room(data.len()) {
                    return self.end(fault);
                }
                self.rest = data;
                Ok(self.piece())
            }
            Err(other) => {
                if let Some(trailers) = other.trailers_ref() {
                    self.call.ended_with(trailers);
                }
                Ok(other)
            }
        }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        this.call.asked();
        if this.ended {
            return Poll::Ready(None);
        }
        if !this.rest.is_empty() {
            return Poll::Ready(Some(Ok(this.piece())));
        }
        let next = Pin::new(&mut this.inner).poll_frame(context);
        next.map(|frame| frame.map(|frame| this.frame(frame?)))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Gathered answers have no length beforehand.
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::future::poll_fn;

    use tonic::Code;
    use tonic::codegen::http;

    use super::super::calls::Calls;
    use super::super::limits::Limits;
    use super::super::metrics::Metrics;
    use super::*;

    /// One message, and no trailers.
    struct One(Option<Bytes>);

    impl HttpBody for One {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
        }
    }

    fn answer(calls: &Arc<Calls>, bytes: usize) -> (Bytes, Answer) {
        let message: Bytes = (0..bytes).map(|n| n.to_le_bytes()[0]).collect();
        let (call, begun) = calls.begin(&http::Request::new(()));
        begun.unwrap();
        let body = Body::new(One(Some(message.clone())));
        (message, Answer::new(body, call))
    }

    async fn next(answer: &mut Answer) -> Option<Frame<Bytes>> {
        let frame = poll_fn(|context| Pin::new(&mut *answer).poll_frame(context)).await;
        frame.map(Result::unwrap)
    }

    fn calls() -> Arc<Calls> {
        let limits = Limits {
            max_unread_bytes: 2 * LONG,
            ..Limits::default()
        };
        Calls::new(&limits, Metrics::default())
    }

    #[tokio::test]
    async fn a_long_message_goes_out_whole_and_in_pieces() {
        let (message, mut answer) = answer(&calls(), LONG + 7);
        let mut got = Vec::new();
        while let Some(frame) = next(&mut answer).await {
            let piece = frame.into_data().unwrap();
            assert!((1..=PIECE).contains(&piece.len()));
            got.extend_from_slice(&piece);
        }
        assert_eq!(got, message);
    }

    #[tokio::test]
    async fn one_long_answer_too_many_is_turned_away_until_another_is_read() {
        let calls = calls();
        let (_, mut unread) = answer(&calls, LONG + 1024);
        next(&mut unread).await.unwrap();
        let (_, mut second) = answer(&calls, LONG + 1024);
        let trailers = next(&mut second).await.unwrap().into_trailers().unwrap();
        let status = Status::from_header_map(&trailers).unwrap();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.message().contains("max_unread_bytes"), "{status}");
        assert!(next(&mut second).await.is_none());
        // What is not long needs no room.
        let (_, mut short) = answer(&calls, LONG);
        assert!(next(&mut short).await.unwrap().is_data());
        while next(&mut unread).await.is_some() {}
        let (_, mut third) = answer(&calls, LONG + 1024);
        assert!(next(&mut third).await.unwrap().is_data());
    }
}

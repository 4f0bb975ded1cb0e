//! Accepting connections, a bounded number at a time. Whoever comes beyond
//! that waits in the operating system's queue.
//!
//! What it is not: it knows no gRPC, and it does not choose the address.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// Connections open at a time, at most.
pub const MAX_CONNECTIONS: usize = 256;

/// Rest after the operating system has refused to accept, for want of file
/// descriptors as a rule, so that trying again does not take a whole core.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// A connection and its place among the [`MAX_CONNECTIONS`].
pub(super) struct Connection {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

/// Accepts until the receiver is dropped.
pub(super) fn accept(listener: TcpListener) -> ReceiverStream<io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(1);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    tokio::spawn(async move {
        tokio::select! {
            () = sender.closed() => {}
            () = accept_into(&listener, &places, &sender) => {}
        }
    });
    ReceiverStream::new(receiver)
}

async fn accept_into(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    sender: &mpsc::Sender<io::Result<Connection>>,
) {
    while let Ok(place) = Arc::clone(places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_REST).await;
            continue;
        };
        // Answers are small and awaited: no delay to gather them. A socket
        // that refuses the option works without it.
        let _ = stream.set_nodelay(true);
        if sender
            .send(Ok(Connection {
                stream,
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
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

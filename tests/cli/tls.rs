//! TLS on loopback, as the proxy brings it that stands before a witness: it
//! shows the certificate of `tls/server.pem`, and hands requests on. How the
//! certificates were made is in `tls/make`.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::{self, BufRead, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A file of the folder beside this one, as an argument.
pub fn file(name: &str) -> String {
    format!("{}/tests/cli/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn config() -> Arc<ServerConfig> {
    let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    Arc::new(config.unwrap())
}

/// A port that speaks TLS for the HTTP/1.1 server behind it.
pub fn before(behind: SocketAddr) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = config();
    // It ends with the process: nobody tells a listener to stop.
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let stream = StreamOwned::new(connection, stream);
            // A client that does not believe the certificate hangs up.
            std::thread::spawn(move || hand_on(stream, behind));
        }
    });
    port
}

fn hand_on(stream: StreamOwned<ServerConnection, TcpStream>, behind: SocketAddr) -> io::Result<()> {
    let mut client = BufReader::new(stream);
    while let Some(request) = message(&mut client)? {
        let mut server = TcpStream::connect(behind)?;
        server.write_all(&request)?;
        let answer = message(&mut BufReader::new(server))?;
        let client = client.get_mut();
        client.write_all(&answer.unwrap_or_default())?;
        client.flush()?;
    }
    Ok(())
}

/// The next request or answer, whole; `None` at the end.
fn message(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let (mut message, mut length) = (Vec::new(), 0);
    loop {
        let begin = message.len();
        if from.read_until(b'\n', &mut message)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(message.get(begin..).unwrap_or_default());
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let begin = message.len();
    message.resize(begin + length, 0);
    from.read_exact(message.get_mut(begin..).unwrap_or_default())?;
    Ok(Some(message))
}

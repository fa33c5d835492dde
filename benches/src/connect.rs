//! CONNECT, from both ends, as far as a yardstick needs it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Outcome;

/// The most that a head may be, in bytes.
const HEAD_BYTES: usize = 8 << 10;

/// The head with which a client asks for a tunnel.
pub(crate) fn head(authority: &str, token: Option<&str>) -> String {
    let identity = token.map_or_else(String::new, |token| {
        let basic = STANDARD.encode(format!("withheld:{token}"));
        format!("proxy-authorization: Basic {basic}\r\n")
    });
    format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n{identity}\r\n")
}

/// Asks a proxy for a tunnel.
///
/// # Errors
/// When it does not answer 200.
pub(crate) async fn ask(stream: &mut TcpStream, head: &str) -> Outcome {
    stream.write_all(head.as_bytes()).await?;
    let answer = read_head(stream).await?;
    match answer.split(' ').nth(1) {
        Some("200") => Ok(()),
        Some(status) => Err(format!("the proxy answered CONNECT with {status}").into()),
        None => Err("the proxy's answer to CONNECT has no status".into()),
    }
}

/// Reads what a client asks for.
///
/// Returns the authority. The answer is the caller's, once it has what it promises.
///
/// # Errors
/// When it is not a CONNECT.
pub(crate) async fn asked(stream: &mut TcpStream) -> Outcome<String> {
    let head = read_head(stream).await?;
    match head.split(' ').collect::<Vec<_>>()[..] {
        ["CONNECT", authority, ..] => Ok(authority.to_owned()),
        _ => Err("a yardstick takes CONNECT only".into()),
    }
}

/// Says that the tunnel stands.
///
/// # Errors
/// When the client has gone.
pub(crate) async fn granted(stream: &mut TcpStream) -> Outcome {
    Ok(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?)
}

/// A head to its empty line. The other side waits for us then, so nothing can follow it.
async fn read_head(stream: &mut TcpStream) -> Outcome<String> {
    let mut head = Vec::with_capacity(512);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > HEAD_BYTES || stream.read_buf(&mut head).await? == 0 {
            return Err("the other side of CONNECT sent no whole head".into());
        }
    }
    Ok(String::from_utf8(head)?)
}

/// Dials without Nagle's delay: with it, each new connection would cost 40 ms.
///
/// # Errors
/// When nobody listens there.
#[expect(
    clippy::disallowed_methods,
    reason = "the bench and its yardsticks are their own diallers"
)]
pub(crate) async fn dial(address: impl tokio::net::ToSocketAddrs) -> Outcome<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

//! The yardstick "tunnel": CONNECT, then bytes both ways. No TLS of its own: the least that any
//! forward proxy does.

use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};

use crate::{Outcome, child, connect};

/// What is read at once, each way.
const BUFFER_BYTES: usize = 64 << 10;

/// Runs it until the parent ends.
///
/// # Errors
/// When there is no port.
pub(crate) fn main() -> Outcome {
    child::serve(accept)
}

/// Serves every connection.
pub(crate) async fn accept(listener: TcpListener) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            // An end that one side did not expect is the other side's news, not ours.
            tokio::spawn(async move { serve(stream).await.ok() });
        }
    }
}

async fn serve(mut client: TcpStream) -> Outcome {
    client.set_nodelay(true)?;
    let authority = connect::asked(&mut client).await?;
    let mut origin = connect::dial(authority).await?;
    connect::granted(&mut client).await?;
    copy_bidirectional_with_sizes(&mut client, &mut origin, BUFFER_BYTES, BUFFER_BYTES).await?;
    Ok(())
}

//! One keep-alive connection, as cheap as it can be: bytes prepared beforehand go out, a status comes back.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection of our own to a server on this machine.
pub(super) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
pub(super) struct Reply {
    /// Its status.
    pub status: u16,
    /// Everything before the body.
    pub head: String,
    /// Length of its body.
    pub body_bytes: usize,
}

impl Reply {
    /// What a browser would send back: every cookie that was set.
    pub fn cookies(&self) -> Option<String> {
        let set = self.head.lines().skip(1).filter_map(|line| {
            let (found, value) = line.split_once(':')?;
            let cookie = value.split(';').next()?.trim();
            found.eq_ignore_ascii_case("set-cookie").then(|| cookie.to_owned())
        });
        let cookies: Vec<String> = set.collect();
        (!cookies.is_empty()).then(|| cookies.join("; "))
    }

    /// The value of a header, the first if there are several. `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

fn broken(why: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, why.to_owned())
}

impl Wire {
    /// Opens one.
    pub async fn open(to: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a whole request and takes in the whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> std::io::Result<Reply> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head_ends = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(self.buffer.get(..head_ends).unwrap_or_default()).into_owned();
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(|| broken("no status"))?;
        let mut reply = Reply { status, head, body_bytes: 0 };
        if reply.header("transfer-encoding").is_some() {
            while !self.buffer.ends_with(b"0\r\n\r\n") {
                self.more().await?;
            }
        } else {
            let length: usize = reply.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            while self.buffer.len() < head_ends + length {
                self.more().await?;
            }
        }
        reply.body_bytes = self.buffer.len() - head_ends;
        Ok(reply)
    }

    async fn more(&mut self) -> std::io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(broken("the server hung up")),
            _ => Ok(()),
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

//! How long the server takes for a page, for one person who is signed in.

use super::machine::{self, Quantiles};
use super::wire::Wire;
use anyhow::Context;
use std::net::SocketAddr;
use std::time::Instant;

/// Views of one page; a few before them do not count.
const VIEWS: usize = 100;
const WARMING: usize = 10;

/// A page and what its views took.
pub(super) struct Viewed {
    /// Its name.
    pub name: &'static str,
    /// Its status.
    pub status: u16,
    /// Bytes of its body.
    pub bytes: usize,
    /// How long it took.
    pub took: Quantiles,
}

/// Signs in over the wire and looks at these pages one after the other.
pub(super) async fn look(
    door: SocketAddr,
    name: &str,
    password: &str,
    pages: &[(&'static str, String)],
) -> anyhow::Result<Vec<Viewed>> {
    let mut wire = Wire::open(door).await?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("name", name)
        .append_pair("password", password)
        .finish();
    let login = format!(
        "POST /login HTTP/1.1\r\nhost: {door}\r\norigin: http://{door}\r\nsec-fetch-site: same-origin\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    let reply = wire.ask(login.as_bytes()).await?;
    let cookie = reply.cookies().with_context(|| format!("signing in was answered with {}", reply.status))?;
    let mut viewed = Vec::with_capacity(pages.len());
    for (name, path) in pages {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {door}\r\ncookie: {cookie}\r\n\r\n");
        let (mut took, mut status, mut bytes) = (Vec::with_capacity(VIEWS), 0, 0);
        for view in 0..VIEWS + WARMING {
            let asked = Instant::now();
            let reply = wire.ask(request.as_bytes()).await?;
            if view >= WARMING {
                took.push(machine::since(asked));
            }
            (status, bytes) = (reply.status, reply.body_bytes);
        }
        viewed.push(Viewed { name, status, bytes, took: Quantiles::of(took) });
    }
    Ok(viewed)
}

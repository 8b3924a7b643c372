//! Twenty secrets go through the whole program at its most talkative, and none of them comes out anywhere.

use crate::command_line::{PATIENCE, truecount};
use crate::door::Outcome;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

type Failure = Box<dyn std::error::Error>;

/// A vendor that refuses every key and repeats it.
async fn echoing_vendor() -> std::io::Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut seen = vec![0_u8; 16 * 1024];
                let n = socket.read(&mut seen).await.unwrap_or(0);
                let asked = String::from_utf8_lossy(&seen[..n]).into_owned();
                let key = asked.lines().find(|line| line.to_lowercase().starts_with("authorization:"));
                let body = serde_json::json!({
                    "error": "Unauthorized",
                    "message": format!("no such key: {}", key.unwrap_or_default()),
                    "errors": [{ "message": format!("no such key: {}", key.unwrap_or_default()) }],
                });
                let body = body.to_string();
                let answer = format!(
                    "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{body}",
                    body.len()
                );
                let _hung_up = socket.write_all(answer.as_bytes()).await;
            });
        }
    });
    Ok((address, serving))
}

/// A person in front of the program: keeps cookies, and every answer as it came.
struct Person {
    address: SocketAddr,
    cookies: Vec<String>,
    seen: Vec<String>,
}

impl Person {
    async fn send(&mut self, method: &str, path: &str, fields: &[(&str, &str)], more: &str) -> Result<String, Failure> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut caller = TcpStream::connect(self.address).await?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nsec-fetch-site: same-origin\r\n\
             content-type: application/x-www-form-urlencoded\r\ncookie: {}\r\n{more}content-length: {}\r\n\r\n{body}",
            self.address,
            self.cookies.join("; "),
            body.len()
        );
        caller.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        caller.read_to_end(&mut bytes).await?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for set in text.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
            let pair = set.split(';').next().unwrap_or_default().to_owned();
            let name = format!("{}=", pair.split('=').next().unwrap_or_default());
            self.cookies.retain(|cookie| !cookie.starts_with(&name));
            self.cookies.push(pair);
        }
        // The browser is given its cookies; that is the one place where they belong.
        let shown: Vec<&str> = text.lines().filter(|line| !line.starts_with("set-cookie: ")).collect();
        self.seen.push(shown.join("\n"));
        Ok(text)
    }

    async fn get(&mut self, path: &str) -> Result<String, Failure> {
        self.send("GET", path, &[], "").await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<String, Failure> {
        self.send("POST", path, fields, "").await
    }

    fn cookie(&self, name: &str) -> Result<String, Failure> {
        let found = self.cookies.iter().find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='));
        Ok(found.ok_or("no such cookie")?.to_owned())
    }
}

/// The id of the connection of that name, from its form's address.
fn ids(page: &str) -> Vec<String> {
    let parts = page.split("href=\"/connections/").skip(1).filter_map(|rest| rest.split_once("/keys\""));
    parts.map(|(id, _)| id.to_owned()).collect()
}

const TYPED: [&str; 13] = [
    "planted-password of the first administrator",
    "planted-password that was mistyped",
    "planted-shorty",
    "planted-password of a second person",
    "planted-shop-token-1",
    "planted-shop-token-2",
    "planted-till-token-1",
    "planted-till-token-2",
    "planted-shop-secret-1",
    "planted-shop-secret-2",
    "planted-till-secret-1",
    "planted-till-secret-2",
    "planted-token with a blank",
];

/// Everything that somebody does with secrets, from the set-up code to the log-out; returns what was made on the way.
async fn use_them_all(person: &mut Person, code: &str, vendor: SocketAddr) -> Result<Vec<String>, Failure> {
    let [admin, mistyped, short, second, shop1, shop2, till1, till2, shop_s1, shop_s2, till_s1, till_s2, blank] = TYPED;
    let own = format!("http://{vendor}");
    person.post("/setup", &[("code", code), ("name", "Kim"), ("password", short)]).await?;
    // The form that asks for the code keeps it for whoever typed it, as it keeps the name; only there, and only once.
    let asked_again = person.seen.pop().ok_or("no answer")?;
    assert_eq!(asked_again.matches(code).count(), 1, "{asked_again}");
    person.seen.push(asked_again.replace(&format!("value=\"{code}\""), ""));
    let made = person.post("/setup", &[("code", code), ("name", "Kim"), ("password", admin)]).await?;
    assert!(made.starts_with("HTTP/1.1 303"), "{made}");
    let mut cookies = vec![person.cookie("truecount")?];
    person.post("/logout", &[]).await?;
    for password in [mistyped, second, admin] {
        person.post("/login", &[("name", "Kim"), ("password", password)]).await?;
    }
    cookies.extend([person.cookie("truecount")?, person.cookie("truecount-known")?]);
    let new = |vendor, name, token, secret| {
        [("vendor", vendor), ("name", name), ("base_url", own.as_str()), ("token", token), ("notice_secret", secret)]
    };
    person.post("/connections/new", &new("centra", "Shop", blank, shop_s1)).await?;
    for fields in [new("centra", "Shop", shop1, shop_s1), new("lightspeed-x", "Till", till1, till_s1)] {
        let added = person.post("/connections/new", &fields).await?;
        assert!(added.starts_with("HTTP/1.1 303"), "{added}");
    }
    let found = ids(&person.get("/connections").await?);
    assert_eq!(found.len(), 2, "two connections");
    for (id, token, secret) in [(&found[0], shop2, shop_s2), (&found[1], till2, till_s2)] {
        told(person, "no such key").await?;
        person.post(&format!("/connections/{id}/keys"), &[("token", blank), ("notice_secret", secret)]).await?;
        let changed =
            person.post(&format!("/connections/{id}/keys"), &[("token", token), ("notice_secret", secret)]).await?;
        assert!(changed.starts_with("HTTP/1.1 303"), "{changed}");
        person.get(&format!("/connections/{id}/keys")).await?;
        let forged = format!("x-signature: signature={secret}\r\nx-centra-signature: t=1,v1={secret}\r\n");
        person.send("POST", &format!("/hooks/{id}"), &[("payload", "{}")], &forged).await?;
    }
    told(person, "no such key").await?;
    for path in
        ["/", "/stock", "/stock.csv", "/search?q=x", "/connections", "/nowhere", "/stock/%ff", "/evidence/call/x"]
    {
        person.get(path).await?;
    }
    person.post("/login", &[("name", "Kim"), ("name", "Kim"), ("password", admin)]).await?;
    person.post("/logout", &[]).await?;
    person.post("/connections/new", &new("centra", "Shop", shop1, shop_s1)).await?;
    person.post("/login", &[("name", "Kim"), ("password", admin)]).await?;
    cookies.push(person.cookie("truecount")?);
    Ok(cookies)
}

/// Waits until Connections repeats what the vendor says: by then its words went through everything.
async fn told(person: &mut Person, words: &str) -> Outcome {
    let (began, mut look) = (Instant::now(), tokio::time::interval(std::time::Duration::from_millis(100)));
    while !person.get("/connections").await?.contains(words) {
        assert!(began.elapsed() < PATIENCE, "the vendor was not asked");
        look.tick().await;
    }
    Ok(())
}

/// Given on standard input.
const ADDED: &str = "planted-password from the command line";

async fn add_from_the_command_line(folder: &Path, format: &str) -> Result<String, Failure> {
    let mut command = tokio::process::Command::from(truecount(folder, &["user", "add", "Lee", "--password-stdin"]));
    command.env("LOG", "trace").env("LOG_FORMAT", format).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    child.stdin.take().ok_or("no input")?.write_all(format!("{ADDED}\n").as_bytes()).await?;
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await??;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

async fn run(format: &str, folder: &Path) -> Outcome {
    let (vendor, vending) = echoing_vendor().await?;
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let key = "5e".repeat(32);
    crate::command_line::private(&folder.join("truecount.key"), &key)?;
    let mut command = tokio::process::Command::from(truecount(folder, &["serve"]));
    let listen = address.to_string();
    let settings =
        [("LISTEN", listen.as_str()), ("ALLOW_LOOPBACK_VENDORS", "yes"), ("LOG", "trace"), ("LOG_FORMAT", format)];
    let mut child = command.envs(settings).stderr(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let (tell, mut lines) = mpsc::unbounded_channel();
    let stderr = BufReader::new(child.stderr.take().ok_or("no log")?);
    tokio::spawn(async move {
        let mut stderr = stderr.lines();
        while let Ok(Some(line)) = stderr.next_line().await {
            let _ = tell.send(line);
        }
    });
    let (mut log, mut code) = (Vec::new(), None);
    while let Some(line) = tokio::time::timeout(PATIENCE, lines.recv()).await? {
        if let Some((_, rest)) = line.split_once("give the code ") {
            code = rest.split(',').next().map(str::to_owned);
            continue;
        }
        let serves = line.contains("serving http://");
        log.push(line);
        if serves {
            break;
        }
    }
    let code = code.ok_or("no set-up code was told")?;
    let mut person = Person { address, cookies: Vec::new(), seen: Vec::new() };
    let made = use_them_all(&mut person, &code, vendor).await?;
    crate::command_line::stop(&child)?;
    assert!(tokio::time::timeout(PATIENCE, child.wait()).await??.success());
    while let Some(line) = tokio::time::timeout(PATIENCE, lines.recv()).await? {
        log.push(line);
    }
    vending.abort();
    let mut out = String::new();
    child.stdout.take().ok_or("no output")?.read_to_string(&mut out).await?;

    let mut secrets: Vec<String> = TYPED.iter().map(|secret| (*secret).to_owned()).collect();
    secrets.extend(made);
    secrets.extend([code.clone(), key, ADDED.to_owned()]);
    assert_eq!(secrets.iter().collect::<std::collections::BTreeSet<_>>().len(), 20);
    secrets.push(code.replace('-', ""));
    out.push_str(&add_from_the_command_line(folder, format).await?);
    let log = log.join("\n");
    assert!(log.contains("a task did not work") && log.lines().count() > 200, "it was talkative: {log}");
    let mut places = vec![("the log".to_owned(), log), ("standard output".to_owned(), out)];
    places.extend(person.seen.iter().enumerate().map(|(n, page)| (format!("answer {n}"), page.clone())));
    for entry in std::fs::read_dir(folder)?.flatten().filter(|entry| entry.file_name() != "truecount.key") {
        let bytes = std::fs::read(entry.path())?;
        places.push((entry.path().display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    for (place, text) in &places {
        for secret in &secrets {
            if let Some(at) = text.find(secret.as_str()) {
                let from = text[..at].char_indices().rev().nth(200).map_or(0, |(at, _)| at);
                panic!("{format}: {secret:?} stands in {place}: …{}", &text[from..at + secret.len()]);
            }
        }
    }
    Ok(())
}

/// A53: neither the log at its most talkative, in both forms, nor pages, lists, error pages or the database hold one of
/// twenty secrets: passwords, tokens, notice secrets, cookies, the set-up code and the key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_planted_secrets_come_out_nowhere() -> Outcome {
    for format in ["text", "json"] {
        let folder = tempfile::tempdir()?;
        run(format, folder.path()).await?;
    }
    Ok(())
}

//! Settings: read once, checked whole, printed without secrets.
//!
//! Everything comes in as one map of names and texts (the environment, with the command line laid over it). All
//! mistakes are reported together, each with its name, what is wrong and an example. Nothing here reads the
//! process environment or opens a database.

mod files;
mod secret_key;

pub use files::{folder_of, plain_file};
pub use secret_key::{KeyError, SecretKey, readable_by_others, secret_key};

use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// Every name we read, with one line on what it is for; shown by `--help`.
pub const NAMES: &[(&str, &str)] = &[
    ("DATABASE_URL", "where everything is kept: sqlite://truecount.db or postgres://user:password@host/name"),
    ("LISTEN", "address and port to listen on: 127.0.0.1:4780"),
    ("PUBLIC_URL", "the address people type: https://stock.example.com"),
    ("TRUSTED_PROXIES", "proxies whose X-Forwarded-For counts: 10.0.0.0/8,192.0.2.7"),
    ("TLS_CERT_FILE", "certificate chain in PEM, together with TLS_KEY_FILE: /etc/truecount/tls.crt"),
    ("TLS_KEY_FILE", "private key in PEM: /etc/truecount/tls.key"),
    ("SECRET_KEY_FILE", "the key that vendors' tokens are sealed with, 64 hex digits: truecount.key"),
    ("SITE_DIR", "the built browser half: target/site"),
    ("ZONE", "zone of times on pages for people who chose none: Europe/London"),
    ("ALLOW_LOOPBACK_VENDORS", "yes lets vendors be on this machine and without encryption, to try things out: no"),
    ("LOG", "what to log: info, or info,truecount=debug"),
    ("LOG_FORMAT", "text or json"),
];

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where everything is kept.
    pub database: Database,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address people type.
    pub public: PublicUrl,
    /// Proxies whose forwarded headers count.
    pub trusted_proxies: Vec<Network>,
    /// Certificate and key when TLS ends here.
    pub tls: Option<TlsFiles>,
    /// Where the key lies that secrets are sealed with.
    pub secret_key_file: PathBuf,
    /// The built browser half.
    pub site_dir: PathBuf,
    /// Zone of times for people who chose none.
    pub zone: chrono_tz::Tz,
    /// Whether vendors may be on this machine, and spoken to without encryption: for trying things out.
    pub allow_loopback_vendors: bool,
    /// Filter for the log.
    pub log: String,
    /// Form of the log.
    pub log_format: LogFormat,
}

/// A database address; printed without its password.
#[derive(Clone)]
pub struct Database(SecretString);

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For eyes.
    Text,
    /// For machines.
    Json,
}

/// Certificate and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain, PEM.
    pub cert: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
}

/// Scheme, host and port that people type; no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    /// Whether it is https.
    pub https: bool,
    /// Host and, unless it is the scheme's own, port; lower case.
    pub authority: String,
}

impl PublicUrl {
    /// As a browser writes it in `Origin`.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.authority)
    }

    fn parse(text: &str) -> Option<Self> {
        let uri: http::Uri = text.trim().trim_end_matches('/').parse().ok()?;
        let https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        let path_is_empty = uri.path_and_query().is_none_or(|path| path.as_str() == "/");
        if !path_is_empty || authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        let host = authority.host();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_host = match bracketed {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => host.chars().all(plain),
        };
        // What follows the host is a port or nothing; 99999 is neither.
        let port_is_one = authority.as_str() == host || authority.port_u16().is_some_and(|port| port > 0);
        if !is_host || !port_is_one {
            return None;
        }
        let own = if https { 443 } else { 80 };
        let authority = match authority.port_u16().filter(|port| *port != own) {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        };
        Some(Self { https, authority: authority.to_ascii_lowercase() })
    }

    fn host(&self) -> &str {
        match self.authority.rsplit_once(':') {
            Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) => host,
            _ => &self.authority,
        }
    }
}

/// A range of addresses, as in `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether the address lies in the range; IPv4 mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let cut = |bits: u32, width: u32| if bits == 0 { 0u128 } else { u128::MAX << (width - bits) };
        match (self.base.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = cut(u32::from(self.bits), 32);
                u128::from(base.to_bits()) & mask == u128::from(address.to_bits()) & mask
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let mask = cut(u32::from(self.bits), 128);
                base.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let base: IpAddr = base.trim().parse().ok()?;
        let width = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        (bits <= width).then_some(Self { base, bits })
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

impl Database {
    /// The address as the driver wants it, with its password.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether it is a file of our own rather than a server.
    pub fn is_sqlite(&self) -> bool {
        self.expose().starts_with("sqlite:")
    }

    /// The database file, when it is one.
    pub fn file(&self) -> Option<PathBuf> {
        let rest = self.expose().strip_prefix("sqlite:")?;
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let path = path.split('?').next().unwrap_or(path);
        (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
    }
}

impl From<&str> for Database {
    fn from(url: &str) -> Self {
        Self(SecretString::from(url.to_owned()))
    }
}

impl std::fmt::Display for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self.expose();
        if self.is_sqlite() {
            return f.write_str(url.split('?').next().unwrap_or(url));
        }
        // A password with a slash or a question mark in it moves the borders of the address. Only where they are
        // beyond doubt is shown what lies behind the password; parameters may hold one too and are never shown.
        let Some((scheme, rest)) = url.split_once("://") else { return f.write_str("(secret)") };
        let place = rest.split(['/', '?', '#']).next().unwrap_or("");
        if place.is_empty() || rest.matches('@').count() != place.matches('@').count() {
            return write!(f, "{scheme}://(secret)");
        }
        let path = rest.get(place.len()..).and_then(|rest| rest.split(['?', '#']).next()).unwrap_or("");
        let clean = |host: &str| {
            let parsed = host.parse::<http::uri::Authority>();
            parsed.is_ok_and(|parsed| parsed.as_str() == parsed.host() || parsed.port_u16().is_some())
        };
        match place.rsplit_once('@') {
            None if clean(place) => write!(f, "{scheme}://{place}{path}"),
            Some((user, host)) if clean(host) => match user.split_once(':') {
                Some((user, _)) => write!(f, "{scheme}://{user}:(secret)@{host}{path}"),
                None => write!(f, "{scheme}://{user}@{host}{path}"),
            },
            _ => write!(f, "{scheme}://(secret)"),
        }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Its name.
    pub name: &'static str,
    /// What is wrong with it.
    pub wrong: String,
    /// What would be right.
    pub example: &'static str,
}

/// All settings that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl std::fmt::Display for Mistakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} of the settings cannot be used:", self.0.len())?;
        for Mistake { name, wrong, example } in &self.0 {
            writeln!(f, "  {name}: {wrong}\n    for example {name}={example}")?;
        }
        Ok(())
    }
}

struct Reader<'a> {
    map: &'a BTreeMap<String, String>,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    /// The text, trimmed; empty counts as absent.
    fn text(&self, name: &str) -> Option<&str> {
        self.map.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn wrong(&mut self, name: &'static str, wrong: impl Into<String>, example: &'static str) {
        self.mistakes.push(Mistake { name, wrong: wrong.into(), example });
    }

    fn database(&mut self) -> Database {
        let url = self.text("DATABASE_URL").unwrap_or("sqlite://truecount.db").to_owned();
        let database = Database::from(url.as_str());
        if database.is_sqlite() {
            const LIKE: &str = "sqlite://truecount.db";
            match database.file().as_deref().and_then(Path::to_str) {
                None => self.wrong("DATABASE_URL", "names no file, so nothing would be kept", LIKE),
                Some(file) if url.contains('?') => {
                    let wrong =
                        format!("has parameters behind {file}; a database file takes none, give the file alone");
                    self.wrong("DATABASE_URL", wrong, LIKE);
                }
                Some(file) if file.starts_with("file:") => {
                    self.wrong("DATABASE_URL", "has a second address inside; give the file alone", LIKE);
                }
                Some(_) => {}
            }
        } else if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            let wrong = "begins with neither sqlite: nor postgres:";
            // A name without a scheme is most often a file's.
            let like = if url.contains("://") {
                "postgres://truecount:password@localhost/truecount"
            } else {
                "sqlite://truecount.db"
            };
            self.wrong("DATABASE_URL", wrong, like);
        }
        database
    }

    fn tls(&mut self) -> Option<TlsFiles> {
        match (self.text("TLS_CERT_FILE").map(PathBuf::from), self.text("TLS_KEY_FILE").map(PathBuf::from)) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
            // The one that is given is looked at all the same, so that both mistakes are told together.
            (Some(cert), None) => {
                self.wrong("TLS_KEY_FILE", "is missing beside TLS_CERT_FILE", "/etc/truecount/tls.key");
                self.lone_file("TLS_CERT_FILE", &cert, "/etc/truecount/tls.crt");
                None
            }
            (None, Some(key)) => {
                self.wrong("TLS_CERT_FILE", "is missing beside TLS_KEY_FILE", "/etc/truecount/tls.crt");
                self.lone_file("TLS_KEY_FILE", &key, "/etc/truecount/tls.key");
                None
            }
            (None, None) => None,
        }
    }

    fn lone_file(&mut self, name: &'static str, file: &Path, example: &'static str) {
        if let Err(why) = plain_file(file) {
            self.wrong(name, format!("{} cannot be read: {why}", file.display()), example);
        }
    }

    fn trusted_proxies(&mut self) -> Vec<Network> {
        let text = self.text("TRUSTED_PROXIES").unwrap_or("").to_owned();
        let mut networks = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match Network::parse(part) {
                // Whoever asks could then write the address that failed logins are counted under.
                Some(network) if network.bits == 0 => {
                    let wrong = format!("{part} is every address there is, so anybody could say to be anybody");
                    self.wrong("TRUSTED_PROXIES", format!("{wrong}; name the proxies alone"), "10.0.0.0/8,192.0.2.7");
                }
                Some(network) => networks.push(network),
                None => {
                    self.wrong("TRUSTED_PROXIES", format!("{part:?} is no address or range"), "10.0.0.0/8,192.0.2.7")
                }
            }
        }
        networks
    }

    fn public(&mut self, listen: SocketAddr, tls: bool) -> PublicUrl {
        let local = PublicUrl { https: tls, authority: listen.to_string() };
        match self.text("PUBLIC_URL").map(str::to_owned) {
            None => {
                if !listen.ip().is_loopback() {
                    let wrong = "is needed when LISTEN is not 127.0.0.1: links and the same-origin check use it";
                    self.wrong("PUBLIC_URL", wrong, "https://stock.example.com");
                }
                local
            }
            Some(text) => PublicUrl::parse(&text).unwrap_or_else(|| {
                let wrong = "is no address of the form https://host or https://host:port, without a path";
                self.wrong("PUBLIC_URL", wrong, "https://stock.example.com");
                local
            }),
        }
    }

    /// Passwords and cookies travel in the clear only inside this machine.
    fn check_plain_http(&mut self, listen: SocketAddr, public: &PublicUrl, tls: bool, proxies: bool) {
        if self.mistakes.iter().any(|m| ["LISTEN", "PUBLIC_URL", "TLS_KEY_FILE", "TLS_CERT_FILE"].contains(&m.name)) {
            return;
        }
        if tls && !public.https {
            self.wrong("PUBLIC_URL", "says http, but TLS_CERT_FILE makes this https", "https://stock.example.com");
        } else if !tls && public.https && !proxies {
            let wrong = "is missing: PUBLIC_URL is https and no TLS_CERT_FILE is given, so a proxy must stand in front";
            self.wrong("TRUSTED_PROXIES", wrong, "127.0.0.1");
        } else if !public.https && !listen.ip().is_loopback() {
            let wrong = "would send passwords over plain HTTP beyond this machine; give TLS_CERT_FILE and TLS_KEY_FILE, \
                         or an https PUBLIC_URL and TRUSTED_PROXIES, or stay on 127.0.0.1";
            self.wrong("LISTEN", wrong, "127.0.0.1:4780");
        } else if !public.https && !is_loopback_name(public.host()) {
            self.wrong("PUBLIC_URL", "is plain HTTP for another machine; use https", "https://stock.example.com");
        }
    }
}

fn is_loopback_name(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Config {
    /// The same settings for a listener that got its port from the system (port 0).
    pub fn serving_at(mut self, address: SocketAddr) -> Self {
        // An address that somebody gave stays.
        if self.public.authority == self.listen.to_string() {
            self.public.authority = address.to_string();
        }
        self.listen = address;
        self
    }

    /// Reads and checks all settings. Names we do not know are none of our business.
    pub fn read(map: &BTreeMap<String, String>) -> Result<Self, Mistakes> {
        let (config, mistakes) = Self::read_all(map);
        if mistakes.is_empty() { Ok(config) } else { Err(Mistakes(mistakes)) }
    }

    /// As [`Config::read`], for whoever has more to check before all mistakes are told: a setting that cannot be used
    /// stands at what holds without it, and nothing may begin with these settings unless there is no mistake.
    pub fn read_all(map: &BTreeMap<String, String>) -> (Self, Vec<Mistake>) {
        let mut reader = Reader { map, mistakes: Vec::new() };
        let database = reader.database();
        let listen = match reader.text("LISTEN").unwrap_or("127.0.0.1:4780").parse::<SocketAddr>() {
            Ok(listen) => listen,
            Err(_) => {
                reader.wrong("LISTEN", "is no address with a port", "127.0.0.1:4780");
                SocketAddr::from(([127, 0, 0, 1], 4780))
            }
        };
        let tls = reader.tls();
        let trusted_proxies = reader.trusted_proxies();
        let public = reader.public(listen, tls.is_some());
        reader.check_plain_http(listen, &public, tls.is_some(), !trusted_proxies.is_empty());
        let secret_key_file = match (reader.text("SECRET_KEY_FILE").map(PathBuf::from), database.file()) {
            (Some(file), _) => file,
            (None, Some(database)) => database.with_extension("key"),
            (None, None) => {
                let is_known = !reader.mistakes.iter().any(|mistake| mistake.name == "DATABASE_URL");
                if is_known && !database.is_sqlite() {
                    let wrong = "is needed with PostgreSQL; the file is made on the first start";
                    reader.wrong("SECRET_KEY_FILE", wrong, "/var/lib/truecount/truecount.key");
                }
                PathBuf::new()
            }
        };
        let zone = match reader.text("ZONE").unwrap_or("UTC").parse::<chrono_tz::Tz>() {
            Ok(zone) => zone,
            Err(_) => {
                reader.wrong("ZONE", "is no zone of the IANA list", "Europe/London");
                chrono_tz::UTC
            }
        };
        let log_format = match reader.text("LOG_FORMAT").unwrap_or("text") {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            _ => {
                reader.wrong("LOG_FORMAT", "is neither text nor json", "json");
                LogFormat::Text
            }
        };
        let allow_loopback_vendors = match reader.text("ALLOW_LOOPBACK_VENDORS").unwrap_or("no") {
            "no" => false,
            "yes" => true,
            _ => {
                reader.wrong("ALLOW_LOOPBACK_VENDORS", "is neither yes nor no", "no");
                false
            }
        };
        let log = reader.text("LOG").unwrap_or("info").to_owned();
        let site_dir = PathBuf::from(reader.text("SITE_DIR").unwrap_or("target/site"));
        let config = Self {
            database,
            listen,
            public,
            trusted_proxies,
            tls,
            secret_key_file,
            site_dir,
            zone,
            allow_loopback_vendors,
            log,
            log_format,
        };
        (config, reader.mistakes)
    }

    /// Name and value of every setting, fit to be printed: without passwords.
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let file = |path: Option<&Path>| path.map_or_else(|| "(none)".to_owned(), |path| path.display().to_string());
        let proxies: Vec<String> = self.trusted_proxies.iter().map(Network::to_string).collect();
        vec![
            ("DATABASE_URL", self.database.to_string()),
            ("LISTEN", self.listen.to_string()),
            ("PUBLIC_URL", self.public.origin()),
            ("TRUSTED_PROXIES", if proxies.is_empty() { "(none)".to_owned() } else { proxies.join(",") }),
            ("TLS_CERT_FILE", file(self.tls.as_ref().map(|tls| tls.cert.as_path()))),
            ("TLS_KEY_FILE", file(self.tls.as_ref().map(|tls| tls.key.as_path()))),
            ("SECRET_KEY_FILE", self.secret_key_file.display().to_string()),
            ("SITE_DIR", self.site_dir.display().to_string()),
            ("ZONE", self.zone.name().to_owned()),
            ("ALLOW_LOOPBACK_VENDORS", if self.allow_loopback_vendors { "yes" } else { "no" }.to_owned()),
            ("LOG", self.log.clone()),
            ("LOG_FORMAT", if self.log_format == LogFormat::Json { "json" } else { "text" }.to_owned()),
        ]
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;

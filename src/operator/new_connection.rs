//! What a person types to add a connection, and what is wrong with it: one sentence for each field.
//!
//! Looks at nothing but the words; whether an address answers is seen when it is called.

use super::typed_keys::TypedKeys;
use crate::domain::secrets::SECRET_MIN;
use crate::domain::system::{System, Tells};
use crate::domain::words::is_unseen;

/// Longest name of a connection: it stands in sentences.
const NAME_MAX: usize = 60;

/// Longest access token: signed ones reach about 2,000 characters, and servers stop reading a line of headers at 8,192.
const TOKEN_MAX: usize = 4_096;

/// Longest secret that notices are signed with.
const SECRET_MAX: usize = 1_024;

/// What a person gives to add a connection.
#[derive(Clone)]
pub struct NewConnection {
    /// The word of a [`System`].
    pub vendor: String,
    /// Its name on our pages.
    pub name: String,
    /// Base address of the vendor's API, https.
    pub base_url: String,
    /// What opens it.
    pub keys: TypedKeys,
    /// Secret that notices are signed with; empty when the vendor signs none.
    pub notice_secret: String,
}

impl NewConnection {
    /// Every mistake in it, at most one for each field, each a sentence that says what to give. `here` allows vendors
    /// on this machine.
    pub fn mistakes(&self, here: bool) -> Vec<String> {
        let system = System::parse(&self.vendor);
        let vendor = system.is_none().then_some("Choose the system that you connect.");
        let given = self.notice_secret.trim();
        let tells = system.map_or(Tells::MaybeSigned, System::tells);
        let secret = match (tells, given.is_empty()) {
            (Tells::Nothing, _) | (Tells::MaybeSigned, true) => None,
            (Tells::Signed, true) => {
                Some("Paste the secret of the Centra webhook plugin; unsigned notices are not accepted.")
            }
            (Tells::Signed | Tells::MaybeSigned, false) => wrong_secret(given),
        };
        let like = system.map_or(LIKE, System::address_like);
        let mut sentences: Vec<String> = vendor.map(str::to_owned).into_iter().collect();
        sentences.extend(wrong_name(self.name.trim()));
        sentences.extend(address_mistake(self.base_url.trim(), here).map(|said| said.replace(LIKE, like)));
        // Of an unknown system nobody knows which keys it has; the commonest is asked for.
        sentences.extend(self.keys.credential(system.unwrap_or(System::Centra)).err().into_iter().flatten());
        sentences.extend(secret.map(str::to_owned));
        sentences
    }
}

fn wrong_name(name: &str) -> Option<String> {
    match name.chars().count() {
        0 => Some(format!("Give it a name of 1 to {NAME_MAX} characters, for example Web shop.")),
        1..=NAME_MAX if name.chars().any(is_unseen) => Some("Give it a name of letters that can be seen.".into()),
        1..=NAME_MAX => None,
        n => Some(format!("Give it a name of at most {NAME_MAX} characters; this one has {n}.")),
    }
}

/// Whether an address leads to this machine: scheme, host and perhaps a port.
fn is_this_machine(address: &str) -> bool {
    let Ok(uri) = address.trim_end_matches('/').parse::<http::Uri>() else { return false };
    let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    let host = authority.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let own = host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let port_is_one = authority.as_str() == host || authority.port_u16().is_some_and(|port| port > 0);
    own && port_is_one && uri.path_and_query().is_none_or(|path| path.as_str() == "/")
}

/// The address that stands in sentences when no system was chosen.
const LIKE: &str = "https://brand.centra.com";

fn wrong_address(address: &str) -> Option<String> {
    let alone = || Some(format!("Give the address as https:// and the host alone, for example {LIKE}."));
    if address.chars().any(char::is_whitespace) {
        return Some(format!("The address has a blank inside; give https:// and the host alone, for example {LIKE}."));
    }
    let Some(host) = address.strip_prefix("https://") else {
        return match address.split_once("://") {
            Some((scheme, _)) if scheme.len() <= 20 => {
                Some(format!("The address must begin with https://, not {scheme}://, for example {LIKE}."))
            }
            _ => alone(),
        };
    };
    let host = host.trim_end_matches('/');
    let plain = host.len() <= 200
        && host.contains('.')
        && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
    if !plain {
        return alone();
    }
    inner(host).then(|| {
        "That address leads into your own network or machine, which we never call. Give the public one.".to_owned()
    })
}

/// What is wrong with an address; `here` allows this machine's.
pub(super) fn address_mistake(address: &str, here: bool) -> Option<String> {
    if here && is_this_machine(address) { None } else { wrong_address(address) }
}

/// As it is kept: without the slash at its end.
pub(super) fn bare_address(address: &str) -> String {
    address.trim().trim_end_matches('/').to_owned()
}

/// Host and port of an address in one spelling: two addresses with the same ones lead to one account.
pub(super) fn host_of(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or(rest).to_lowercase();
    let host = host.strip_suffix(":443").unwrap_or(&host);
    host.trim_end_matches('.').to_owned()
}

pub(super) fn wrong_secret(secret: &str) -> Option<&'static str> {
    if secret.len() > SECRET_MAX {
        Some("The notice secret is longer than any system makes one; paste it alone.")
    } else if secret.chars().any(char::is_control) {
        Some("The notice secret has a character inside that nobody sees. Paste it alone.")
    } else if secret.chars().count() < SECRET_MIN {
        Some("The notice secret has fewer than 8 characters, which is too easy to guess. Paste all of it.")
    } else {
        None
    }
}

pub(super) fn wrong_token(token: &str) -> Option<String> {
    if token.is_empty() {
        Some("Paste the access token that the system made for you.".into())
    } else if token.len() > TOKEN_MAX {
        let n = token.chars().count();
        Some(format!(
            "This access token has {n} characters; no system makes one longer than {TOKEN_MAX}. Paste it alone."
        ))
    } else if token.chars().count() < SECRET_MIN {
        Some("This access token has fewer than 8 characters; no system makes one so short. Paste all of it.".into())
    } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        Some("This access token has a blank or a letter inside that no token has. Paste it alone.".into())
    } else {
        None
    }
}

/// Whether a host written as a number is one that only we could reach. Names are checked where a call is made.
fn inner(host: &str) -> bool {
    // A dot at the end only says that the name is complete.
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let Ok(ip) = host.parse::<std::net::Ipv4Addr>() else {
        // "127.1" and the like are read as numbers too.
        return host.rsplit('.').next().is_some_and(|last| last.chars().all(|c| c.is_ascii_digit()))
            || host == "localhost"
            || host.ends_with(".localhost");
    };
    ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> NewConnection {
        NewConnection {
            vendor: "centra".into(),
            name: "Web shop".into(),
            base_url: "https://brand.centra.com/".into(),
            keys: TypedKeys::token("t0ken-of-1"),
            notice_secret: "a secret".into(),
        }
    }

    #[test]
    fn vendors_on_this_machine_are_taken_where_they_are_allowed() {
        let said = |url: &str| NewConnection { base_url: url.into(), ..good() }.mistakes(true).len();
        for own in ["http://127.0.0.1:8080", "http://localhost:9000/", "https://127.0.0.1", "http://[::1]:80"] {
            assert_eq!(said(own), 0, "{own}");
        }
        for other in [
            "http://brand.centra.com",
            "http://127.0.0.1:8080/graphql",
            "http://kim@127.0.0.1",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
        ] {
            assert_eq!(said(other), 1, "{other}");
        }
    }

    #[test]
    fn each_field_has_its_own_complaint() {
        assert_eq!(good().mistakes(false), Vec::<String>::new());
        let name = |name: &str| NewConnection { name: name.into(), ..good() };
        let address = |url: &str| NewConnection { base_url: url.into(), ..good() };
        let token = |token: &str| NewConnection { keys: TypedKeys::token(token), ..good() };
        for (given, about) in [
            (NewConnection { vendor: "abacus".into(), ..good() }, "Choose the system"),
            (name(""), "a name of 1 to 60"),
            (name(&"n".repeat(500)), "a name of at most 60 characters; this one has 500"),
            (name("Till\u{202e}"), "a name of letters that can be seen"),
            (name("a\u{1b}b"), "a name of letters that can be seen"),
            (address(""), "https:// and the host alone"),
            (address("https://brand .centra.com"), "The address has a blank"),
            (address("ftp://brand.centra.com"), "must begin with https://, not ftp://"),
            (address("http://brand.centra.com"), "must begin with https://, not http://"),
            (address("brand.centra.com"), "https:// and the host alone"),
            (address("https://brand.centra.com/graphql"), "https:// and the host alone"),
            (address("https://127.0.0.1"), "your own network"),
            (address("https://127.0.0.1."), "your own network"),
            (address("https://10.0.0.1./"), "your own network"),
            (address("https://Localhost."), "your own network"),
            (address("http://127.0.0.1:8080"), "must begin with https://, not http://"),
            (token(" "), "Paste the access token"),
            (token(&"x".repeat(5_000)), "This access token has 5000 characters"),
            (token("1234567"), "This access token has fewer than 8"),
            (NewConnection { notice_secret: "1234567".into(), ..good() }, "The notice secret has fewer than 8"),
            (NewConnection { notice_secret: "1234\u{1}5678".into(), ..good() }, "that nobody sees"),
            (token("two words"), "This access token has a blank"),
            (NewConnection { notice_secret: String::new(), ..good() }, "Paste the secret"),
            (NewConnection { notice_secret: "s".repeat(2_000), ..good() }, "The notice secret is longer"),
        ] {
            let said = given.mistakes(false);
            assert_eq!(said.len(), 1, "{about}: {said:?}");
            assert!(said[0].contains(about), "{about}: {said:?}");
        }
        let all = NewConnection {
            vendor: String::new(),
            name: String::new(),
            base_url: "a b".into(),
            keys: TypedKeys::default(),
            notice_secret: "s".repeat(2_000),
        };
        assert_eq!(all.mistakes(false).len(), 5, "all of them at once");
    }
}

//! The settings, tried out.

use super::secret_key::{readable_by_others, write_private};
use super::*;
use crate::mint::Mint;

fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<&'static str>> {
    let map = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Config::read(&map).map_err(|mistakes| mistakes.0.iter().map(|mistake| mistake.name).collect())
}

#[test]
fn nothing_given_is_a_local_installation() -> Result<(), Vec<&'static str>> {
    let config = read(&[])?;
    assert_eq!(config.public.origin(), "http://127.0.0.1:4780");
    assert_eq!(config.secret_key_file, PathBuf::from("truecount.key"));
    Ok(())
}

#[test]
fn all_mistakes_are_named_at_once() {
    let wrong = read(&[
        ("DATABASE_URL", "mysql://x"),
        ("LISTEN", "here"),
        ("TRUSTED_PROXIES", "10.0.0.0/33, 10.0.0.1"),
        ("TLS_CERT_FILE", "a.crt"),
        ("ZONE", "Middle/Earth"),
        ("LOG_FORMAT", "xml"),
    ]);
    let expected = ["DATABASE_URL", "LISTEN", "TLS_KEY_FILE", "TLS_CERT_FILE", "TRUSTED_PROXIES", "ZONE", "LOG_FORMAT"];
    assert_eq!(wrong.err().unwrap_or_default(), expected);
}

#[test]
fn a_file_without_its_scheme_is_one_mistake_and_shown_how() {
    for (url, like) in [("truecount.db", "sqlite://"), ("mysql://x", "postgres://")] {
        let map = [("DATABASE_URL".to_owned(), url.to_owned())].into();
        let (_, mistakes) = Config::read_all(&map);
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes.iter().all(|mistake| mistake.example.starts_with(like)), "{mistakes:?}");
    }
}

#[test]
fn a_port_of_the_systems_choice_is_the_one_that_people_type() {
    let at = |pairs: &[(&str, &str)]| {
        read(pairs).map(|config| config.serving_at(SocketAddr::from(([127, 0, 0, 1], 4_321))).public.origin())
    };
    assert_eq!(at(&[("LISTEN", "127.0.0.1:0")]), Ok("http://127.0.0.1:4321".to_owned()));
    let given = [("LISTEN", "127.0.0.1:0"), ("PUBLIC_URL", "https://x.example"), ("TRUSTED_PROXIES", "127.0.0.1")];
    assert_eq!(at(&given), Ok("https://x.example".to_owned()), "what was given stays");
}

#[test]
fn the_address_of_a_database_file_is_the_file_alone() {
    for url in
        ["sqlite://a.db?mode=ro", "sqlite:a.db?", "sqlite:file:a.db", "sqlite://file:a.db", "sqlite:?mode=memory"]
    {
        assert_eq!(read(&[("DATABASE_URL", url)]).err(), Some(vec!["DATABASE_URL"]), "{url}");
    }
    let file = |url: &str| read(&[("DATABASE_URL", url)]).map(|config| config.database.file());
    assert_eq!(file("sqlite://sh%6fp.db"), Ok(Some(PathBuf::from("sh%6fp.db"))));
    assert_eq!(file("sqlite:a#b.db"), Ok(Some(PathBuf::from("a#b.db"))));
}

#[test]
fn nobody_trusts_everybody() {
    let wrong = |proxies: &str| read(&[("TRUSTED_PROXIES", proxies)]).err().unwrap_or_default();
    for all in ["0.0.0.0/0", "::/0", "10.0.0.0/8, 0.0.0.0/0", "::ffff:0.0.0.0/0"] {
        assert_eq!(wrong(all), ["TRUSTED_PROXIES"], "{all}");
    }
    assert!(wrong("10.0.0.0/8, 2001:db8::/32, 192.0.2.7").is_empty());
}

#[test]
fn vendors_on_this_machine_are_refused_unless_somebody_says_yes() {
    let allowed = |text: &str| read(&[("ALLOW_LOOPBACK_VENDORS", text)]).map(|config| config.allow_loopback_vendors);
    assert_eq!(read(&[]).map(|config| config.allow_loopback_vendors), Ok(false));
    assert_eq!(allowed("no"), Ok(false));
    assert_eq!(allowed("yes"), Ok(true));
    assert_eq!(allowed("1"), Err(vec!["ALLOW_LOOPBACK_VENDORS"]));
}

#[test]
fn plain_http_stays_on_this_machine() {
    let wrong = |pairs: &[(&str, &str)]| read(pairs).err().unwrap_or_default();
    assert_eq!(wrong(&[("LISTEN", "0.0.0.0:80")]), ["PUBLIC_URL"]);
    assert_eq!(wrong(&[("LISTEN", "0.0.0.0:80"), ("PUBLIC_URL", "http://stock.example.com")]), ["LISTEN"]);
    assert_eq!(wrong(&[("LISTEN", "0.0.0.0:80"), ("PUBLIC_URL", "https://x.example")]), ["TRUSTED_PROXIES"]);
    assert_eq!(wrong(&[("PUBLIC_URL", "http://stock.example.com")]), ["PUBLIC_URL"]);
    assert_eq!(wrong(&[("PUBLIC_URL", "https://x.example/stock")]), ["PUBLIC_URL"]);
    let tls = [("TLS_CERT_FILE", "a"), ("TLS_KEY_FILE", "b"), ("LISTEN", "0.0.0.0:443")];
    assert_eq!(wrong(&[&tls[..], &[("PUBLIC_URL", "http://x.example")]].concat()), ["PUBLIC_URL"]);
    assert!(wrong(&[&tls[..], &[("PUBLIC_URL", "https://X.example:443/")]].concat()).is_empty());
    let proxy = [("LISTEN", "0.0.0.0:80"), ("PUBLIC_URL", "https://x.example"), ("TRUSTED_PROXIES", "10.1.0.0/16")];
    assert!(wrong(&proxy).is_empty());
    assert!(wrong(&[("PUBLIC_URL", "http://localhost:9000")]).is_empty());
}

#[test]
fn passwords_are_never_printed() -> Result<(), Vec<&'static str>> {
    let config = read(&[
        ("DATABASE_URL", "postgres://app:hunter2@db.example/truecount?password=hunter3"),
        ("SECRET_KEY_FILE", "k"),
    ])?;
    let all = format!("{config:?} {:?}", config.shown());
    assert!(!all.contains("hunter"), "{all}");
    assert!(all.contains("postgres://app:(secret)@db.example/truecount"), "{all}");
    for (url, shown) in [
        ("postgres://u:sek/r?et@h/x", "postgres://(secret)"),
        ("postgres://u:p?ss:w@h/x", "postgres://(secret)"),
        ("postgres://u:secret", "postgres://(secret)"),
        ("postgres://u:p#ss@h/x", "postgres://(secret)"),
        ("postgres://u:se@k/ret@h/x", "postgres://(secret)"),
        ("postgres://u:s@cret@h:5432/x", "postgres://u:(secret)@h:5432/x"),
        ("postgres://u@h/x?password=p", "postgres://u@h/x"),
        ("postgres://h/x", "postgres://h/x"),
        ("sqlite://a/b.db?mode=rwc", "sqlite://a/b.db"),
    ] {
        assert_eq!(Database::from(url).to_string(), shown, "{url}");
    }
    Ok(())
}

#[test]
fn the_public_address_is_one() {
    for wrong in [
        "https://x.example:99999",
        "https://*",
        "https://*.example",
        "https://x.example:0",
        "https://a%20b",
        "https://[::x]",
    ] {
        assert_eq!(
            read(&[("TRUSTED_PROXIES", "10.0.0.1"), ("PUBLIC_URL", wrong)]).err(),
            Some(vec!["PUBLIC_URL"]),
            "{wrong}"
        );
    }
    for right in ["https://x.example:8443", "https://[2001:db8::1]:8443", "https://stock_1.x-y.example"] {
        assert!(read(&[("TRUSTED_PROXIES", "10.0.0.1"), ("PUBLIC_URL", right)]).is_ok(), "{right}");
    }
}

#[test]
fn networks_hold_their_addresses() {
    let holds = |network: &str, address: &str| match (Network::parse(network), address.parse()) {
        (Some(network), Ok(address)) => network.contains(address),
        _ => false,
    };
    assert!(holds("10.0.0.0/8", "10.255.0.1"));
    assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert!(holds("0.0.0.0/0", "203.0.113.9"));
    assert!(holds("192.0.2.7", "192.0.2.7"));
    assert!(holds("2001:db8::/32", "2001:db8:1::1"));
    assert!(!holds("10.0.0.0/8", "11.0.0.1"));
    assert!(!holds("192.0.2.7", "192.0.2.8"));
    assert!(!holds("0.0.0.0/0", "::1"));
}

#[test]
fn the_secret_key_is_made_once_and_kept_private() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("truecount.key");
    let first = secret_key(&file, &Mint::seeded(1))?;
    let again = secret_key(&file, &Mint::seeded(2))?;
    assert_eq!(first.expose(), again.expose());
    assert_eq!(format!("{first:?}"), "SecretKey");
    assert!(!readable_by_others(&file)?);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644))?;
        assert!(matches!(secret_key(&file, &Mint::seeded(3)), Err(KeyError::Open { .. })));
    }
    std::fs::remove_file(&file)?;
    write_private(&file, "not a key")?;
    assert!(matches!(secret_key(&file, &Mint::seeded(3)), Err(KeyError::Content { .. })));
    assert!(write_private(&file, "another").is_err(), "what is there is never written to");
    let beside = |folder: &Path| std::fs::read_dir(folder).map(Iterator::count);
    assert_eq!((std::fs::read_to_string(&file)?.as_str(), beside(folder.path())?), ("not a key", 1), "nothing is left");
    std::fs::write(&file, "\n")?;
    let told = secret_key(&file, &Mint::seeded(3)).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(told.contains("is empty") && told.contains("remove it"), "{told}");
    Ok(())
}

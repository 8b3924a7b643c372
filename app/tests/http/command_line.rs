//! The program itself, started with settings and arguments.

use crate::door::Outcome;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;
use tokio::io::AsyncBufReadExt;
use truecount::mint::Mint;
use truecount::rehearsal;
use truecount::sim::Options;
use truecount::store::seal::SealKey;
use truecount::store::{Durability, Store};

/// Nothing that is refused takes longer, and nothing that is refused waits for anybody.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A certificate for `localhost`, made for these tests.
const CERTIFICATE: &str = "MIIBlDCCATugAwIBAgIUI81yNtGQ2v085n6jXoj2vnQb2E4wCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2\
    MTEyMjAzMDg0NloYDzIxMjYxMDI5MDMwODQ2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\
    AARcZKJahoQOEsnGh1nn+yL6NM2Ss8rIWBD3uJ5jTaoFb0XnG2S5xlehP/2kfsft0z8ofNHgfI7VlXsQgzLU0haJo2kwZzAdBgNV\
    HQ4EFgQU67/i+xKq41pZLC0A7GkH1TjPubMwHwYDVR0jBBgwFoAU67/i+xKq41pZLC0A7GkH1TjPubMwDwYDVR0TAQH/BAUwAwEB\
    /zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwIDRwAwRAIgGlxV2JXxAuXo0s7GTZJFvzo562D3PuB9zR/qiqy42+AC\
    ICxx8PA0TpHnezb4ZlKYvPSHVZw4+C/E0x53VyN573+O";
/// Its key.
const ITS_KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7/AWWOP20gsrkyR43VwvbZBFecTF0/5t1zZhmCOnERmhRANCAARc\
    ZKJahoQOEsnGh1nn+yL6NM2Ss8rIWBD3uJ5jTaoFb0XnG2S5xlehP/2kfsft0z8ofNHgfI7VlXsQgzLU0haJ";
/// The key of another one.
const ANOTHER_KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUzm+gbibPJr2D09sP5EZ2gMaigjCgXa4ucL+qIBa50OhRANCAAQy\
    KlZGc0544Y6oABY64PUffXvaFPAf96B/FcPffg2xmIzAHj68Che8zp5KT5iFmE3nsjmuSt9guR+KYR2/Y+yL";

fn pem(label: &str, text: &str) -> String {
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

fn key_pem(text: &str) -> String {
    pem(&["PRIVATE", "KEY"].join(" "), text)
}

/// Runs it to its end, which must come by itself.
async fn ends(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> std::io::Result<(Option<i32>, String)> {
    let mut command = tokio::process::Command::from(truecount(folder, arguments));
    command.envs(settings.iter().copied()).stdin(std::process::Stdio::null()).kill_on_drop(true);
    let output: Output = tokio::time::timeout(PATIENCE, command.output()).await??;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&text).into_owned()))
}

/// Which settings are named as wrong.
fn named(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_once(": "))
        .map(|(name, _)| name)
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect()
}

/// What lies in a folder: names, and what the files hold.
fn left_behind(folder: &Path) -> std::io::Result<BTreeMap<String, Option<Vec<u8>>>> {
    let look = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry?;
        let held = if entry.metadata()?.is_file() { Some(std::fs::read(entry.path())?) } else { None };
        Ok((entry.file_name().to_string_lossy().into_owned(), held))
    };
    std::fs::read_dir(folder)?.map(look).collect()
}

/// A database with two connections whose tokens are sealed with this key.
async fn sealed(folder: &Path, key: [u8; 32]) -> Outcome {
    let url = format!("sqlite://{}", folder.join("truecount.db").display());
    let store = Store::open(&url, Durability::Full).await?;
    let (seal, mint) = (SealKey::new(key), Mint::seeded(7));
    rehearsal::add_connections(&store, &seal, &mint, &Options::default(), ["https://a.example", "https://b.example"])
        .await?;
    store.close().await;
    Ok(())
}

pub fn private(file: &Path, text: &str) -> std::io::Result<()> {
    std::fs::write(file, text)?;
    #[cfg(unix)]
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

pub fn truecount(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_truecount"));
    command.current_dir(folder).env_clear().args(arguments);
    command
}

/// Asks a program of ours to stop, as a person at a terminal would.
pub fn stop(child: &tokio::process::Child) -> Outcome {
    use rustix::process::{Pid, Signal, kill_process};
    let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).ok_or("it ended by itself")?;
    kill_process(id, Signal::TERM)?;
    Ok(())
}

/// However little is logged, the code for the first account is told: without it nobody gets in.
#[tokio::test]
async fn the_set_up_code_is_told_however_little_is_logged() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut command = tokio::process::Command::from(truecount(folder.path(), &["serve", "--listen", "127.0.0.1:0"]));
    let mut child = command.env("LOG", "off").stderr(std::process::Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = tokio::io::BufReader::new(child.stderr.take().ok_or("no log")?).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await??.ok_or("nothing was told")?;
    assert!(line.contains("/setup and give the code ") && line.contains("24 hours"), "{line}");
    assert!(!line.contains(":0/"), "the port that it has: {line}");
    stop(&child)?;
    tokio::time::timeout(PATIENCE, child.wait()).await??;
    assert_eq!(lines.next_line().await?, None, "and nothing else was");
    Ok(())
}

#[test]
fn settings_that_cannot_be_used_are_all_named_and_end_with_two() -> Outcome {
    let folder = tempfile::tempdir()?;
    let output = truecount(folder.path(), &["check", "--listen", "here"])
        .env("ZONE", "Middle/Earth")
        .env("LOG_FORMAT", "xml")
        .output()?;
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    for name in ["LISTEN", "ZONE", "LOG_FORMAT", "for example"] {
        assert!(text.contains(name), "{text}");
    }
    Ok(())
}

#[test]
fn accounts_are_kept_from_the_command_line() -> Outcome {
    let folder = tempfile::tempdir()?;
    let run = |arguments: &[&str]| -> Result<(bool, String), std::io::Error> {
        let output = truecount(folder.path(), arguments).output()?;
        let text = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
    };
    let (done, text) = run(&["user", "add", "Kim", "--role", "finance"])?;
    assert!(done && text.contains("Added Kim as Finance.") && text.contains("shown this once"), "{text}");
    assert!(!run(&["user", "add", "kim"])?.0, "the name is taken");
    assert!(run(&["user", "disable", "Kim"])?.0);
    let (_, text) = run(&["user", "list"])?;
    assert!(text.contains("Kim\tfinance\tdisabled"), "{text}");
    let (done, text) = run(&["check"])?;
    assert!(done && text.contains("Accounts: 1."), "{text}");
    assert!(!run(&["user", "password", "Lee"])?.0);
    let (done, text) = run(&["user", "add", "Kim\u{202e}", "--role", "admin"])?;
    assert!(!done && text.contains("letters that can be seen"), "{text}");
    Ok(())
}

/// A database that cannot be played in is the fault of what was given by hand, and is named so.
#[test]
fn a_rehearsals_database_that_cannot_be_used_ends_with_two() -> Outcome {
    let folder = tempfile::tempdir()?;
    for url in ["sqlite://no/such/folder/x.db", "mysql://x", "postgres://u:p@127.0.0.1:1/x"] {
        let output = truecount(folder.path(), &["rehearse", "--skus", "1", "--hours", "1", "--db", url]).output()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{url}: {text}");
        assert!(text.contains("--db") && !text.contains("DATABASE_URL"), "{url}: {text}");
    }
    Ok(())
}

/// A line without an end is not read for ever.
#[test]
fn a_password_from_standard_input_is_one_line() -> Outcome {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("endless"), "x".repeat(100_000))?;
    let mut command = truecount(folder.path(), &["user", "add", "Kim", "--role", "admin", "--password-stdin"]);
    let output = command.stdin(std::fs::File::open(folder.path().join("endless"))?).output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("longer than any password may be"), "{text}");
    Ok(())
}

/// What SQLite says of a damaged file is followed by what to do.
#[tokio::test]
async fn a_damaged_database_says_where_to_read_on() -> Outcome {
    let folder = tempfile::tempdir()?;
    sealed(folder.path(), [7; 32]).await?;
    private(&folder.path().join("truecount.key"), &"07".repeat(32))?;
    let file = folder.path().join("truecount.db");
    let mut bytes = std::fs::read(&file)?;
    for byte in bytes.iter_mut().skip(100) {
        *byte = 0xff;
    }
    std::fs::write(&file, bytes)?;
    let (code, text) = ends(folder.path(), &["check"], &[]).await?;
    assert_ne!(code, Some(0), "{text}");
    assert!(text.contains("malformed") && text.contains("Backup and restore"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_lost_key_is_named_and_no_new_one_takes_its_place() -> Outcome {
    let folder = tempfile::tempdir()?;
    sealed(folder.path(), [7; 32]).await?;
    let before = left_behind(folder.path())?;
    for command in ["check", "serve"] {
        let output = truecount(folder.path(), &[command]).env("LISTEN", "127.0.0.1:0").output()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains("tokens of 2 connections"), "{command}: {text}");
        assert_eq!(output.status.code(), Some(2), "{command}: {text}");
        assert_eq!(left_behind(folder.path())?, before, "{command}: nothing stands where it belongs");
    }
    Ok(())
}

/// Whatever can be wrong is told in one go, with the setting that names it, and nothing is written or waited for.
#[tokio::test]
async fn files_that_cannot_be_used_are_named_together_with_everything_else() -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir(folder.path().join("certificate"))?;
    assert!(Command::new("mkfifo").arg(file("pipe")).status()?.success());
    std::fs::write(folder.path().join("letter.db"), "Dear Sir or Madam, this is no database at all.")?;
    let (database, certificate, pipe) = (format!("sqlite://{}", file("letter.db")), file("certificate"), file("pipe"));
    let settings = [
        ("DATABASE_URL", database.as_str()),
        ("LISTEN", "here"),
        ("TLS_CERT_FILE", certificate.as_str()),
        ("TLS_KEY_FILE", pipe.as_str()),
        ("SECRET_KEY_FILE", pipe.as_str()),
        ("SITE_DIR", "nowhere"),
        ("LOG", "nonsense"),
    ];
    let before = left_behind(folder.path())?;
    for command in [&["check"][..], &["serve"], &["user", "list"]] {
        let (code, text) = ends(folder.path(), command, &settings).await?;
        let mut names = named(&text);
        names.sort_unstable();
        let mut expected: Vec<&str> = settings.iter().map(|(name, _)| *name).collect();
        expected.sort_unstable();
        assert_eq!((code, names), (Some(2), expected), "{command:?}: {text}");
        for (name, _) in settings {
            assert!(text.contains(&format!("for example {name}=")), "{command:?}: {text}");
        }
        assert_eq!(left_behind(folder.path())?, before, "{command:?}");
    }
    Ok(())
}

/// One mistake hides no other: not the database that of the key, nor the missing half that of the other.
#[tokio::test]
async fn a_wrong_database_hides_no_other_mistake() -> Outcome {
    let folder = tempfile::tempdir()?;
    let key = ("SECRET_KEY_FILE", "nowhere/x");
    for url in [
        "nope",
        "postgres://h:notaport/db",
        "postgres://kim:pass/word@host/db",
        "sqlite:file:a.db",
        "sqlite://a?mode=ro",
    ] {
        for command in [&["check"][..], &["user", "list"]] {
            let settings = [("DATABASE_URL", url), key, ("TLS_CERT_FILE", "nowhere")];
            let (code, text) = ends(folder.path(), command, &settings).await?;
            let mut names = named(&text);
            names.sort_unstable();
            assert_eq!(names, ["DATABASE_URL", "SECRET_KEY_FILE", "TLS_CERT_FILE", "TLS_KEY_FILE"], "{url}: {text}");
            assert_eq!(code, Some(2), "{text}");
            assert!(!text.contains("word@host"), "{text}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn certificate_and_key_are_looked_at_together() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (certificate, key) = (pem("CERTIFICATE", CERTIFICATE), key_pem(ITS_KEY));
    let broken = pem("CERTIFICATE", "AAAA");
    let (locked, long) = (pem("ENCRYPTED PRIVATE KEY", "AAAA"), " ".repeat(1024 * 1024 + 1));
    for (held, key_held, wrong) in [
        (certificate.as_str(), key.as_str(), &[][..]),
        (&certificate, &key_pem(ANOTHER_KEY), &[("TLS_KEY_FILE", "does not belong to the certificate")][..]),
        (&key, &key, &[("TLS_CERT_FILE", "holds no certificate")]),
        (&certificate, &certificate, &[("TLS_KEY_FILE", "holds no private key")]),
        ("", "", &[("TLS_CERT_FILE", "holds no certificate"), ("TLS_KEY_FILE", "holds no private key")]),
        (&broken, &key, &[("TLS_CERT_FILE", "holds no usable certificate")]),
        (&certificate, &locked, &[("TLS_KEY_FILE", "has a password")]),
        (&certificate, &long, &[("TLS_KEY_FILE", "is longer than 1048576 bytes")]),
        (&long, &key, &[("TLS_CERT_FILE", "is longer than 1048576 bytes")]),
    ] {
        std::fs::write(folder.path().join("c.pem"), held)?;
        private(&folder.path().join("k.pem"), key_held)?;
        let settings = [("TLS_CERT_FILE", "c.pem"), ("TLS_KEY_FILE", "k.pem")];
        let (code, text) = ends(folder.path(), &["check"], &settings).await?;
        assert_eq!(code, Some(if wrong.is_empty() { 0 } else { 2 }), "{text}");
        assert_eq!(named(&text), wrong.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "{text}");
        for (_, words) in wrong {
            assert!(text.contains(words), "{text}");
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let settings = [("TLS_CERT_FILE", "c.pem"), ("TLS_KEY_FILE", "k.pem")];
        std::fs::write(folder.path().join("c.pem"), &certificate)?;
        private(&folder.path().join("k.pem"), &key)?;
        std::fs::set_permissions(folder.path().join("k.pem"), std::fs::Permissions::from_mode(0o644))?;
        let (code, text) = ends(folder.path(), &["check"], &settings).await?;
        assert_eq!((code, named(&text)), (Some(2), vec!["TLS_KEY_FILE"]), "{text}");
        assert!(text.contains("can be read by others; run: chmod 600"), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn the_key_must_open_what_is_stored() -> Outcome {
    let folder = tempfile::tempdir()?;
    sealed(folder.path(), [7; 32]).await?;
    let key = folder.path().join("truecount.key");
    for (held, words) in [
        ("08".repeat(32), "another key than this database was sealed with: 2 of 2 tokens do not open"),
        ("not a key".to_owned(), "does not hold 64 hex digits"),
        ("07".repeat(4_096), "does not hold 64 hex digits"),
    ] {
        private(&key, &held)?;
        let before = left_behind(folder.path())?;
        for command in ["check", "serve"] {
            let (code, text) = ends(folder.path(), &[command], &[("LISTEN", "127.0.0.1:0")]).await?;
            assert_eq!((code, named(&text)), (Some(2), vec!["SECRET_KEY_FILE"]), "{command}: {text}");
            assert!(text.contains(words), "{command}: {text}");
            assert_eq!(left_behind(folder.path())?, before, "{command}");
        }
    }
    private(&key, &"07".repeat(32))?;
    let before = left_behind(folder.path())?;
    let (code, text) = ends(folder.path(), &["check"], &[]).await?;
    assert!(code == Some(0) && text.contains("opens the tokens of 2 connections"), "{text}");
    assert_eq!(left_behind(folder.path())?, before, "looking changes nothing");
    #[cfg(unix)]
    {
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        let (code, text) = ends(folder.path(), &["check"], &[]).await?;
        assert!(code == Some(2) && text.contains("chmod 600"), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn folders_that_are_not_there_are_named() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (code, text) = ends(folder.path(), &["check"], &[("DATABASE_URL", "sqlite://nowhere/truecount.db")]).await?;
    assert_eq!((code, named(&text)), (Some(2), vec!["DATABASE_URL"]), "{text}");
    let (code, text) = ends(folder.path(), &["check"], &[("SECRET_KEY_FILE", "nowhere/truecount.key")]).await?;
    assert_eq!((code, named(&text)), (Some(2), vec!["SECRET_KEY_FILE"]), "{text}");
    let (code, text) = ends(folder.path(), &["check"], &[]).await?;
    assert!(code == Some(0) && text.contains("will be made on the first start"), "{text}");
    assert!(left_behind(folder.path())?.is_empty(), "nothing is made by looking");
    Ok(())
}

/// What cannot be done is said at once, whatever it would have taken.
#[tokio::test]
async fn a_rehearsal_that_cannot_be_is_refused_before_it_begins() -> Outcome {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("report"))?;
    let before = left_behind(folder.path())?;
    let long = ["rehearse", "--hours", "100000"];
    for (arguments, words) in [
        (&["--report", "nowhere/report.json"][..], "--report nowhere/report.json cannot be written"),
        (&["--report", "report"], "--report report cannot be written"),
        (&["--start", "0001-01-01"], "from 2000-01-01 to 2099-12-31"),
        (&["--start", "9999-12-31"], "from 2000-01-01 to 2099-12-31"),
        (&["--start", "yesterday"], "from 2000-01-01 to 2099-12-31"),
        (&["--skus", "1000000", "--stores", "500"], "are 500000000 counts"),
        (&["--sales-per-day", "1000000"], "a day for 100000 hours"),
        (&["--sales-per-day", "4000000000"], "--sales-per-day"),
        (&["--faults", "F99", "--report", "made.json"], "there is no fault F99"),
        (&["--pair", "this+that"], "there is no pair this+that"),
    ] {
        let (code, text) = ends(folder.path(), &[&long[..], arguments].concat(), &[]).await?;
        assert!(code == Some(2) && text.contains(words), "{arguments:?}: {code:?} {text}");
        assert_eq!(left_behind(folder.path())?, before, "{arguments:?}");
    }
    for command in ["demo", "bench"] {
        for (flag, value) in [("--db", "sqlite://mine.db"), ("--public-url", "https://stock.example.com")] {
            let (code, text) = ends(folder.path(), &[command, flag, value], &[]).await?;
            assert!(code == Some(2) && text.contains(&format!("{flag} cannot be used here")), "{command}: {text}");
        }
    }
    Ok(())
}

/// Settings exported for `serve` take no demonstration, whose log-ins everybody knows, to the network.
#[tokio::test]
async fn a_demonstration_under_an_installations_settings_stays_on_this_machine() -> Outcome {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("c.pem"), pem("CERTIFICATE", CERTIFICATE))?;
    private(&folder.path().join("k.pem"), &key_pem(ITS_KEY))?;
    let settings = [
        ("LISTEN", "0.0.0.0:0"),
        ("PUBLIC_URL", "https://stock.example.com"),
        ("TLS_CERT_FILE", "c.pem"),
        ("TLS_KEY_FILE", "k.pem"),
    ];
    let (code, text) = ends(folder.path(), &["demo", "--skus", "1"], &settings).await?;
    assert_eq!((code, named(&text)), (Some(2), vec!["LISTEN"]), "{text}");
    Ok(())
}

/// Ctrl-C in the middle: no folder stays behind, and no empty report.
#[cfg(unix)]
#[tokio::test]
async fn a_stopped_rehearsal_leaves_nothing_behind() -> Outcome {
    use rustix::process::{Pid, Signal, kill_process};
    const LONG: [&str; 5] = ["rehearse", "--hours", "100000", "--report", "report.json"];
    for signal in [Signal::TERM, Signal::INT] {
        let folder = tempfile::tempdir()?;
        let temporary = folder.path().join("temporary");
        std::fs::create_dir(&temporary)?;
        let mut command = tokio::process::Command::from(truecount(folder.path(), &LONG));
        let mut child = command.env("TMPDIR", &temporary).kill_on_drop(true).spawn()?;
        let (mut look, began) = (tokio::time::interval(Duration::from_millis(20)), std::time::Instant::now());
        let playing = || {
            let inside = std::fs::read_dir(&temporary).into_iter().flatten().flatten();
            inside.map(|entry| entry.path().join("rehearsal.db")).any(|file| file.exists())
        };
        while !playing() {
            look.tick().await;
            assert!(began.elapsed() < PATIENCE, "it never began");
        }
        let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).ok_or("it ended by itself")?;
        kill_process(id, signal)?;
        let status = tokio::time::timeout(PATIENCE, child.wait()).await??;
        assert_eq!(status.code(), Some(130), "{signal:?}");
        assert!(left_behind(&temporary)?.is_empty(), "{signal:?}");
        assert_eq!(left_behind(folder.path())?.keys().collect::<Vec<_>>(), ["temporary"], "{signal:?}");
    }
    Ok(())
}

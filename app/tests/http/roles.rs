//! Every address there is, asked by everybody, from everywhere: who may do what is what `domain::access` says, an
//! unknown object is not there, and what was refused changed nothing and was written down.

use crate::door::{Ask, Door, Outcome, PASSWORD};
use http::{Method, StatusCode};
use std::collections::{BTreeMap, BTreeSet};
use tower::ServiceExt;
use truecount::domain::access::{Deed, Role};
use truecount::domain::problem::{Kind, Problem, Severity};
use truecount::domain::time::{Span, Timestamp};
use truecount::operator::accounts::Accounts;
use truecount::store::connections::OutletRow;
use truecount::store::{activity, connections, problems};
use truecount_app::server;

/// Whom an address is for.
#[derive(Clone, Copy)]
enum Who {
    /// Machines: no session and no origin is looked at.
    Machines,
    /// Everybody; the second status is that for somebody who is signed in.
    Everybody(u16),
    /// Whoever is signed in and may do that.
    Whoever(Deed),
    /// Whoever is signed in.
    SignedIn,
}

/// An address, what is sent to it, and what somebody gets who may ask it.
struct Row {
    method: Method,
    path: &'static str,
    /// With ids of objects that are there; empty when there is no such object here.
    real: &'static str,
    who: Who,
    fields: &'static [(&'static str, &'static str)],
    done: u16,
}

fn get(path: &'static str, real: &'static str, who: Who) -> Row {
    Row { method: Method::GET, path, real, who, fields: &[], done: 200 }
}

fn post(path: &'static str, real: &'static str, who: Who, done: u16) -> Row {
    Row { method: Method::POST, path, real, who, fields: &[], done }
}

/// Too long to be hashed, so that asking a thousand times costs nothing.
const LONG: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// Every address. One that is added to the product and not here makes the tests fail.
fn rows() -> Vec<Row> {
    use Deed as D;
    use Who::{Everybody, Machines, SignedIn, Whoever};
    let live: &[(&str, &str)] = &[("expected_writes", "0"), ("fingerprint", "x")];
    vec![
        get("/", "/", Whoever(D::SeeStock)),
        get("/stock", "/stock", Whoever(D::SeeStock)),
        get("/stock.csv", "/stock.csv", Whoever(D::Export)),
        get("/stock/{variant}", "", Whoever(D::SeeStock)),
        get("/search", "/search?q=x", Whoever(D::SeeStock)),
        get("/evidence/{kind}/{id}", "", Whoever(D::SeeStock)),
        post("/problems/{id}/take", "/problems/pr1/take", Whoever(D::OwnProblems), 303),
        post("/problems/{id}/give-back", "/problems/pr1/give-back", Whoever(D::OwnProblems), 303),
        get("/connections", "/connections", Whoever(D::SeeStock)),
        get("/connections/new", "/connections/new", Whoever(D::ManageConnections)),
        post("/connections/new", "/connections/new", Whoever(D::ManageConnections), 422),
        get("/connections/mapping", "/connections/mapping", Whoever(D::SeeStock)),
        post("/connections/mapping", "/connections/mapping", Whoever(D::ManageMapping), 303),
        post("/connections/owners", "/connections/owners", Whoever(D::ManageConnections), 303),
        get("/connections/{id}/keys", "/connections/till/keys", Whoever(D::ManageConnections)),
        post("/connections/{id}/keys", "/connections/till/keys", Whoever(D::ManageConnections), 422),
        get("/connections/{id}/remove", "/connections/till/remove", Whoever(D::ManageConnections)),
        post("/connections/{id}/remove", "/connections/till/remove", Whoever(D::ManageConnections), 303),
        get("/connections/{id}/test", "/connections/till/test", Whoever(D::ReadAgain)),
        post("/connections/{id}/test", "/connections/till/test", Whoever(D::ReadAgain), 303),
        post("/connections/{id}/read-again", "/connections/till/read-again", Whoever(D::ReadAgain), 303),
        post("/connections/{id}/pause", "/connections/till/pause", Whoever(D::PauseConnection), 303),
        post("/connections/{id}/resume", "/connections/till/resume", Whoever(D::PauseConnection), 303),
        get("/connections/outlets/{id}/map", "/connections/outlets/o1/map", Whoever(D::ManageConnections)),
        post("/connections/outlets/{id}/map", "/connections/outlets/o1/map", Whoever(D::ManageConnections), 303),
        get("/connections/places/{id}/go-live", "/connections/places/p1/go-live", Whoever(D::GoLive)),
        Row {
            fields: live,
            ..post("/connections/places/{id}/go-live", "/connections/places/p1/go-live", Whoever(D::GoLive), 303)
        },
        post("/connections/places/{id}/stop-writing", "/connections/places/p1/stop-writing", Whoever(D::GoLive), 303),
        get("/login", "/login", Everybody(303)),
        Row { fields: &[("name", "x"), ("password", LONG)], ..post("/login", "/login", Everybody(400), 400) },
        Row { done: 303, ..get("/setup", "/setup", Everybody(303)) },
        Row {
            fields: &[("code", "x"), ("name", "x"), ("password", "short")],
            ..post("/setup", "/setup", Everybody(422), 422)
        },
        Row { fields: &[("theme", "dark")], ..post("/theme", "/theme", SignedIn, 303) },
        get("/events", "/events", Whoever(D::SeeStock)),
        post("/hooks/{connection}", "/hooks/till", Machines, 401),
        get("/health/live", "/health/live", Machines),
        get("/health/ready", "/health/ready", Machines),
        // The last: it ends the session.
        post("/logout", "/logout", Everybody(303), 303),
    ]
}

/// Where a request comes from, as a browser says it.
const ORIGINS: [(&str, &[(&str, &str)]); 6] = [
    ("another site", &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")]),
    ("another site in an old browser", &[("origin", "https://evil.example")]),
    ("a sibling", &[("sec-fetch-site", "same-site"), ("origin", "https://other.example.com")]),
    ("a sibling in an old browser", &[("origin", "https://other.example.com")]),
    ("nowhere", &[]),
    ("our own page", &[("sec-fetch-site", "same-origin"), ("origin", "https://stock.example.com")]),
];

const OURS: &str = "our own page";

/// A house behind a proxy with one object of each kind, and one person of each role, signed in.
async fn house() -> Result<(Door, BTreeMap<&'static str, String>), Box<dyn std::error::Error>> {
    let door = Door::with(&[("PUBLIC_URL", "https://stock.example.com"), ("TRUSTED_PROXIES", "127.0.0.1")]).await?;
    door.connect().await?;
    let mut tx = door.store.begin().await?;
    connections::keep_place(&mut tx, "p1", "web", "1", "Web", false).await?;
    let outlet = OutletRow {
        id: "o1".into(),
        connection: "till".into(),
        outlet: "1".into(),
        name: "Soho".into(),
        zone: String::new(),
        place: String::new(),
        registers: 1,
    };
    connections::keep_outlet(&mut tx, &outlet, "GBP", false).await?;
    let problem = Problem {
        kind: Kind::Unreadable,
        subject: String::new(),
        severity: Severity::Soon,
        team: "operations",
        title: "1 record could not be used".into(),
        why: String::new(),
        money_minor: 0,
        currency: String::new(),
        waits: String::new(),
        actions: Vec::new(),
    };
    problems::raise(&mut tx, "pr1", &problem, Timestamp::from_secs(1));
    tx.commit().await?;
    let mut cookies = BTreeMap::new();
    for role in Role::ALL {
        door.accounts.add(&Accounts::console(), role.word(), role, PASSWORD).await?;
        door.later(Span::secs(3));
        cookies.insert(role.word(), door.login(role.word()).await?);
    }
    Ok((door, cookies))
}

fn unknown(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "0190-unknown" } else { part }).collect::<Vec<_>>().join("/")
}

fn ask(door: &Door, row: &Row, address: &str, origin: &[(&'static str, &str)], cookie: Option<&str>) -> Ask {
    let mut ask = match row.method {
        Method::POST => door.raw_form(address, row.fields),
        _ => door.get(address),
    };
    for (name, value) in origin {
        ask = ask.header(name, value);
    }
    match cookie {
        Some(cookie) => ask.cookie(cookie),
        None => ask,
    }
}

/// Only the status: a stream of changes has no end.
async fn status(door: &Door, ask: Ask) -> u16 {
    match door.router.clone().oneshot(ask.request).await {
        Ok(response) => response.status().as_u16(),
        Err(never) => match never {},
    }
}

/// What `domain::access` and the place a request comes from make of it. `role` is none for nobody.
fn expected(row: &Row, role: Option<Role>, origin: &str, is_there: bool) -> u16 {
    let found = if is_there { row.done } else { 404 };
    if matches!(row.who, Who::Machines) {
        return found;
    }
    let sent = row.method == Method::POST;
    if sent && origin != OURS {
        return 403;
    }
    let nobody = if sent { 401 } else { 303 };
    match (row.who, role) {
        (Who::Everybody(_), None) => row.done,
        (Who::Everybody(signed_in), Some(_)) => signed_in,
        (Who::SignedIn | Who::Whoever(_), None) => nobody,
        (Who::Whoever(deed), Some(role)) if !role.may(deed) => 403,
        // A stream is not for pages of other origins, whoever is signed in.
        _ if row.path == "/events" && !matches!(origin, OURS | "nowhere") => 403,
        _ => found,
    }
}

/// What people see of what could have been changed.
async fn seen(door: &Door) -> Result<String, Box<dyn std::error::Error>> {
    let people = door.accounts.list(&Accounts::console()).await?;
    let (all, open) = (connections::all(&door.store).await?, problems::open(&door.store, 100).await?);
    let (places, outlets) = (connections::places(&door.store).await?, connections::outlets(&door.store).await?);
    Ok(format!("{people:?} {all:?} {places:?} {outlets:?} {open:?}"))
}

#[test]
fn no_address_is_forgotten() {
    let name = |method: &Method, path: &str| format!("{method} {path}");
    let asked: BTreeSet<String> = rows().iter().map(|row| name(&row.method, row.path)).collect();
    let there: BTreeSet<String> = server::table().iter().map(|route| name(&route.method, route.path)).collect();
    assert_eq!(asked, there);
    assert_eq!(rows().len(), server::table().len(), "each once");
}

/// A18, A19, A21 (whence), A35 (who), A36 (what is not there): all addresses, all roles and nobody, from everywhere.
#[tokio::test]
async fn everybody_may_do_at_every_address_what_their_role_says_and_nothing_else() -> Outcome {
    let (door, cookies) = house().await?;
    let mut refused = BTreeSet::new();
    let nobody = (None, None);
    let people = Role::ALL.into_iter().map(|role| (Some(role), cookies.get(role.word()).map(String::as_str)));
    for (role, cookie) in std::iter::once(nobody).chain(people) {
        door.later(Span::secs(3));
        for row in rows() {
            let gone = row.path.contains('{').then(|| (unknown(row.path), false));
            let real = (!row.real.is_empty()).then(|| (row.real.to_owned(), true));
            for (address, is_there) in gone.into_iter().chain(real) {
                for (origin, marks) in ORIGINS {
                    let want = expected(&row, role, origin, is_there);
                    let before = if want == 403 || want == 401 { Some(seen(&door).await?) } else { None };
                    let got = status(&door, ask(&door, &row, &address, marks, cookie)).await;
                    assert_eq!(got, want, "{role:?} {} {address} from {origin}", row.method);
                    if let Some(before) = before {
                        assert_eq!(seen(&door).await?, before, "{role:?} {} {address} from {origin}", row.method);
                    }
                    if let (403, Some(role), Who::Whoever(deed)) = (want, role, row.who)
                        && !role.may(deed)
                        && (row.method == Method::GET || origin == OURS)
                    {
                        refused.insert((role.word().to_owned(), format!("{} {}", row.method, row.path)));
                    }
                }
            }
        }
    }
    // Each refusal of a role was written down, once however often it happened, and nothing else was.
    let people = door.accounts.list(&Accounts::console()).await?;
    let name = |id: &str| people.iter().find(|person| person.id.as_str() == id).map(|person| person.name.clone());
    let mut written = Vec::new();
    for (actor, object) in activity::of_action(&door.store, "refused", 1_000).await? {
        written.push((name(&actor).ok_or("nobody is called that")?, object));
    }
    assert_eq!(written.len(), refused.len());
    assert_eq!(written.into_iter().collect::<BTreeSet<_>>(), refused);
    assert_eq!(activity::first_break(&door.store).await?, None);
    Ok(())
}

/// A35: a flood of presses that are refused is no flood of entries.
#[tokio::test]
async fn a_refused_deed_is_written_down_once_an_hour_for_each_person() -> Outcome {
    let (door, cookies) = house().await?;
    let press = async |role: Role, act: &str| {
        let cookie = cookies.get(role.word()).ok_or("no cookie")?;
        let answer = door.send(door.form(&format!("/connections/till/{act}"), &[]).cookie(cookie)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    for _ in 0..30 {
        press(Role::Store, "pause").await?;
    }
    let count = async || activity::of_action(&door.store, "refused", 1_000).await.map(|all| all.len());
    assert_eq!(count().await?, 1);
    press(Role::Store, "resume").await?;
    press(Role::ReadOnly, "pause").await?;
    assert_eq!(count().await?, 3, "another deed, another person");
    for _ in 0..3 {
        door.later(Span::minutes(20));
        press(Role::Store, "pause").await?;
    }
    assert_eq!(count().await?, 4, "the next hour");
    Ok(())
}

/// Whoever may not do it is told so, however the form that they send looks: it is not read.
#[tokio::test]
async fn a_form_is_not_read_for_those_who_may_not_send_it() -> Outcome {
    let (door, cookies) = house().await?;
    let mut asked = 0;
    for row in rows().into_iter().filter(|row| row.method == Method::POST) {
        let Who::Whoever(deed) = row.who else { continue };
        for role in Role::ALL {
            let cookie = cookies.get(role.word()).ok_or("no cookie")?;
            let broken = |kind: &str, body: &'static str| {
                let ask = door.ask(Method::POST, row.real).header("sec-fetch-site", "same-origin").cookie(cookie);
                ask.header("content-type", kind).body(body)
            };
            for ask in [
                broken("application/json", "{}"),
                broken("application/x-www-form-urlencoded", "%ff=%ff&expected_writes=many&name=a&name=b"),
            ] {
                if !role.may(deed) {
                    asked += 1;
                    assert_eq!(door.send(ask).await.status, StatusCode::FORBIDDEN, "{role:?} {}", row.path);
                }
            }
        }
    }
    assert!(asked > 50, "{asked}");
    let admin = cookies.get("admin").ok_or("no cookie")?;
    let broken = door.form("/connections/places/p1/go-live", &[("expected_writes", "many")]).cookie(admin);
    assert_eq!(door.send(broken).await.status, StatusCode::BAD_REQUEST, "for whoever may it is read");
    Ok(())
}

/// The database file and its log of writes, byte by byte.
fn on_disk(door: &Door) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(door.folder.path())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // The index of the log is rebuilt by whoever reads.
        if name.starts_with("truecount.db") && !name.ends_with("-shm") && !name.ends_with(".lock") {
            found.insert(name, std::fs::read(path)?);
        }
    }
    Ok(found)
}

/// A20: not one byte of the database changes by GET, whoever asks whatever, from wherever.
#[tokio::test]
async fn nothing_is_written_by_any_get() -> Outcome {
    let (door, cookies) = house().await?;
    // It tries out a row of its own, at most every ten seconds, and takes it back.
    assert_eq!(door.send(door.get("/health/ready")).await.status, StatusCode::OK);
    let before = on_disk(&door)?;
    assert!(before.values().map(Vec::len).sum::<usize>() > 4_096, "there is something to compare");
    for cookie in [None, cookies.get("admin").map(String::as_str)] {
        for row in rows().into_iter().filter(|row| row.method == Method::GET) {
            for address in [row.real.to_owned(), unknown(row.path)].iter().filter(|address| !address.is_empty()) {
                for (origin, marks) in ORIGINS {
                    let got = status(&door, ask(&door, &row, address, marks, cookie)).await;
                    assert!(got < 500, "{address} from {origin}");
                    assert!(on_disk(&door)? == before, "GET {address} from {origin} wrote something");
                }
            }
        }
    }
    // A form that is meant to write does, so the comparison can tell.
    let cookie = cookies.get("admin").ok_or("no cookie")?;
    door.send(door.form("/theme", &[("theme", "dark")]).cookie(cookie)).await;
    assert!(on_disk(&door)? != before);
    Ok(())
}

/// A37: forms have the fields they have; a role, an owner or an approval sent along changes nothing, and a field sent
/// twice is refused.
#[tokio::test]
async fn fields_that_a_form_does_not_have_do_nothing() -> Outcome {
    let (door, cookies) = house().await?;
    let cookie = cookies.get("operations").ok_or("no cookie")?;
    let extra = [("back", "/"), ("role", "admin"), ("owner", "admin"), ("person", "admin"), ("approved", "true")];
    let before = door.accounts.list(&Accounts::console()).await?;
    let answer = door.send(door.form("/problems/pr1/take", &extra).cookie(cookie)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let open = problems::open(&door.store, 10).await?;
    assert_eq!(open.iter().map(|problem| problem.owner_name.as_str()).collect::<Vec<_>>(), ["operations"]);
    assert_eq!(door.accounts.list(&Accounts::console()).await?, before, "nobody got a role");
    for (path, twice) in [
        ("/problems/pr1/give-back", [("back", "/"), ("back", "/stock")]),
        ("/connections/outlets/o1/map", [("place", ""), ("place", "p1")]),
        ("/connections/new", [("name", "a"), ("name", "b")]),
        ("/connections/till/keys", [("token", "a"), ("token", "b")]),
        ("/connections/mapping", [("topic", "taxes"), ("topic", "payments")]),
        ("/connections/owners", [("to.names", "shop"), ("to.names", "till")]),
        ("/theme", [("theme", "dark"), ("theme", "light")]),
    ] {
        let seen_before = seen(&door).await?;
        let cookie = cookies.get("admin").ok_or("no cookie")?;
        let answer = door.send(door.form(path, &twice).cookie(cookie)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(seen(&door).await?, seen_before, "{path}");
    }
    Ok(())
}

use super::super::credential::{Credential, NotKept, OAuth2};
use super::super::error::CallErrorKind;
use super::super::script::{NOW, Script};
use super::super::tokens::{Step, Tokens};
use super::super::transport::TransportError;
use super::tests::{BASE, config};
use super::*;
use crate::clock::ManualClock;
use crate::domain::time::Span;
use futures_util::FutureExt;
use proptest::prelude::*;
use secrecy::ExposeSecret;

/// The vendor's rule for tokens, at its strictest: a refresh ends the old access token and whatever an earlier refresh
/// with the same token gave; the refresh token ends when the access token that it gave is first used.
#[derive(Default)]
struct Rule {
    made: u32,
    refreshes: Vec<String>,
    access: Option<Access>,
    attempts: Vec<Timestamp>,
    /// More than five refreshes were asked for within a minute.
    hammered: bool,
}

struct Access {
    token: String,
    until: Timestamp,
    /// The refresh token that gave it, until it is used.
    by: Option<String>,
    refresh: String,
}

impl Rule {
    fn refresh(&mut self, token: &str, now: Timestamp) -> (u16, String) {
        self.attempts.retain(|at| now.since(*at) < Span::secs(60));
        self.attempts.push(now);
        self.hammered |= self.attempts.len() > 5;
        if !self.refreshes.iter().any(|known| known == token) {
            return (
                400,
                r#"{"error":"invalid_grant","error_description":"gone","hint":"Token has been revoked"}"#.into(),
            );
        }
        if let Some(unused) = self.access.take().filter(|access| access.by.is_some()) {
            self.refreshes.retain(|known| *known != unused.refresh || known == token);
        }
        self.made += 1;
        let (access, refresh) = (format!("access-{:06}", self.made), format!("refresh-{:06}", self.made));
        self.refreshes.push(refresh.clone());
        let body = format!(
            r#"{{"token_type":"Bearer","expires_in":1800,"access_token":"{access}","refresh_token":"{refresh}"}}"#
        );
        self.access =
            Some(Access { token: access, until: now + Span::secs(1_800), by: Some(token.to_owned()), refresh });
        (200, body)
    }

    fn call(&mut self, token: &str, now: Timestamp) -> (u16, String) {
        match &mut self.access {
            Some(access) if access.token == token && now < access.until => {
                if let Some(old) = access.by.take() {
                    self.refreshes.retain(|known| *known != old);
                }
                (200, r#"{"@attributes":{"next":"","previous":""}}"#.into())
            }
            _ => (401, r#"{"error":"access_denied","hint":"Access token could not be verified"}"#.into()),
        }
    }
}

/// What befalls a step on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Passes,
    /// The process is killed before the other side acts.
    KilledBefore,
    /// After it has acted, before we hear of it.
    KilledAfter,
    /// It fails before the other side acts.
    FailsBefore,
    /// It acts and we are told that it failed.
    FailsAfter,
}

/// The vendor and our own store, both of which outlive the process.
struct World {
    rule: Mutex<Rule>,
    kept: Mutex<OAuth2>,
    fates: Mutex<Vec<Fate>>,
    clock: Arc<ManualClock>,
    keeps: Mutex<Vec<String>>,
}

impl World {
    fn new() -> Arc<Self> {
        let mut rule = Rule::default();
        rule.refreshes.push("refresh-000000".to_owned());
        let access = Access {
            token: "access-000000".to_owned(),
            until: NOW + Span::secs(1_800),
            by: None,
            refresh: "refresh-000000".to_owned(),
        };
        rule.access = Some(access);
        let pair = OAuth2 {
            client_id: "app".to_owned(),
            client_secret: SecretString::from("client-secret"),
            access: SecretString::from("access-000000"),
            refresh: SecretString::from("refresh-000000"),
            expires_at: NOW + Span::secs(1_800),
        };
        Arc::new(Self {
            rule: Mutex::new(rule),
            kept: Mutex::new(pair),
            fates: Mutex::new(Vec::new()),
            clock: Script::clock(),
            keeps: Mutex::new(Vec::new()),
        })
    }

    fn start(self: &Arc<Self>) -> LightspeedR {
        let mut config = config();
        config.credential = Credential::OAuth2(self.kept.lock().expect("lock").clone()).write();
        config.keeper = Arc::clone(self) as Arc<dyn TokenKeeper>;
        config.auth_url = BASE.to_owned();
        config.unpaced = true;
        LightspeedR::new(config, Arc::clone(self) as Arc<dyn Transport>, self.clock.clone())
    }

    fn pass(&self, span: Span) {
        self.clock.set(self.clock.now() + span);
    }

    /// Lets something happen as the next fate has it; `None` when it failed.
    async fn fated<T>(&self, act: impl FnOnce() -> T) -> Option<T> {
        let fate = self.fates.lock().expect("lock").pop().unwrap_or(Fate::Passes);
        match fate {
            Fate::Passes => Some(act()),
            Fate::KilledBefore => std::future::pending().await,
            Fate::KilledAfter => {
                act();
                std::future::pending().await
            }
            Fate::FailsBefore => None,
            Fate::FailsAfter => {
                act();
                None
            }
        }
    }
}

#[async_trait]
impl TokenKeeper for World {
    async fn keep(&self, _connection: &ConnectionId, _before: &OAuth2, pair: &OAuth2) -> Result<(), NotKept> {
        let keep = || {
            *self.kept.lock().expect("lock") = pair.clone();
            self.keeps.lock().expect("lock").push(pair.access.expose_secret().to_owned());
        };
        self.fated(keep).await.ok_or_else(|| NotKept("the disk is full".to_owned()))
    }
}

#[async_trait]
impl Transport for World {
    async fn send(
        &self,
        _connection: &ConnectionId,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let now = self.clock.now();
        let answer = self.fated(|| {
            let mut rule = self.rule.lock().expect("lock");
            if request.uri().path() == "/auth/oauth/token" {
                assert!(request.headers().get("authorization").is_none());
                let body: serde_json::Value = serde_json::from_slice(request.body()).expect("JSON");
                assert_eq!((&body["client_id"], &body["client_secret"]), (&"app".into(), &"client-secret".into()));
                assert_eq!(body["grant_type"], "refresh_token");
                return rule.refresh(body["refresh_token"].as_str().expect("a token"), now);
            }
            let shown = request.headers()["authorization"].to_str().expect("text");
            let shown = shown.trim_start_matches("Bearer ");
            let kept = self.kept.lock().expect("lock").access.expose_secret().to_owned();
            assert_eq!(shown, kept, "a pair is kept before its first use");
            rule.call(shown, now)
        });
        let (status, body) = answer.await.ok_or_else(|| TransportError::NoAnswer("reset".to_owned()))?;
        Ok(http::Response::builder().status(status).body(Bytes::from(body)).expect("an answer"))
    }
}

/// Calls until it works, as the engine would: again after a while. `false` when only a person could help.
fn works_in_the_end(world: &Arc<World>, till: &LightspeedR) -> bool {
    for _ in 0..10 {
        match till.newest_count().now_or_never() {
            Some(Ok(_)) => return true,
            Some(Err(error)) => world.clock.set(error.not_before().unwrap_or(world.clock.now() + Span::secs(15))),
            None => return false,
        }
    }
    false
}

#[test]
fn a_pair_is_changed_shortly_before_its_end_and_not_before() {
    let world = World::new();
    let till = world.start();
    assert!(matches!(till.newest_count().now_or_never(), Some(Ok(_))));
    world.pass(Span::secs(1_739));
    assert!(matches!(till.newest_count().now_or_never(), Some(Ok(_))));
    assert_eq!(world.keeps.lock().expect("lock").len(), 0);
    world.pass(Span::secs(1));
    let answer = till.newest_count().now_or_never().expect("no waiting").expect("an answer");
    assert_eq!(*world.keeps.lock().expect("lock"), ["access-000001"]);
    let lines: Vec<_> = answer.exchanges.iter().map(|e| (e.request_line.as_str(), e.sent.as_str())).collect();
    assert_eq!(lines[0], ("POST /auth/oauth/token", "•••"));
    let shown = format!("{:?}", answer.exchanges);
    for secret in ["access-0", "refresh-0", "client-secret"] {
        assert!(!shown.contains(secret), "{secret} stands in {shown}");
    }
}

#[test]
fn a_token_that_is_refused_early_is_changed_once_and_the_call_made_again() {
    let world = World::new();
    let till = world.start();
    world.rule.lock().expect("lock").access = None;
    let answer = till.newest_count().now_or_never().expect("no waiting").expect("an answer");
    let status: Vec<_> = answer.exchanges.iter().map(|e| e.status).collect();
    assert_eq!(status, [Some(401), Some(200), Some(200)]);
    // Refused with the new one too: that is all for this call.
    world.rule.lock().expect("lock").access = None;
    world.rule.lock().expect("lock").refreshes.clear();
    let error = till.newest_count().now_or_never().expect("no waiting").expect_err("nothing opens it");
    let CallErrorKind::Unauthorized { reason } = &error.kind else { panic!("{error:?}") };
    assert!(reason.starts_with("Sign in again"), "{reason}");
    let attempts = world.rule.lock().expect("lock").attempts.len();
    // And it is not tried again and again.
    for _ in 0..20 {
        assert!(till.newest_count().now_or_never().expect("no waiting").is_err());
    }
    assert_eq!(world.rule.lock().expect("lock").attempts.len(), attempts);
}

#[test]
fn new_keys_from_a_person_end_the_refusal() {
    let world = World::new();
    let till = world.start();
    world.rule.lock().expect("lock").access = None;
    world.rule.lock().expect("lock").refreshes = vec!["refresh-from-a-person".to_owned()];
    assert!(till.newest_count().now_or_never().expect("no waiting").is_err());
    let mut pair = world.kept.lock().expect("lock").clone();
    pair.refresh = SecretString::from("refresh-from-a-person");
    *world.kept.lock().expect("lock") = pair.clone();
    till.change_keys(Keys::for_good(BASE.to_owned(), Credential::OAuth2(pair).write(), Vec::new()));
    assert!(matches!(till.newest_count().now_or_never(), Some(Ok(_))));
}

#[test]
fn five_refreshes_a_minute_are_the_most() {
    let world = World::new();
    let till = world.start();
    world.rule.lock().expect("lock").access = None;
    let mut waited = 0;
    for second in 0..200 {
        // The first call is refused; no refresh has an answer.
        let first = if second == 0 { vec![Fate::Passes] } else { Vec::new() };
        *world.fates.lock().expect("lock") = [vec![Fate::FailsAfter], first].concat();
        let error = till.newest_count().now_or_never().expect("no waiting").expect_err("no answer");
        if let CallErrorKind::Paced { until } = error.kind {
            assert!(until > world.clock.now());
            waited += 1;
        }
        world.pass(Span::secs(1));
    }
    assert!(waited > 100, "{waited}");
    world.fates.lock().expect("lock").clear();
    assert!(!world.rule.lock().expect("lock").hammered);
    assert!(works_in_the_end(&world, &till));
}

#[test]
fn what_could_not_be_kept_is_not_used_and_is_kept_later() {
    let world = World::new();
    let till = world.start();
    world.pass(Span::secs(1_800));
    *world.fates.lock().expect("lock") = vec![Fate::FailsBefore, Fate::Passes];
    let error = till.newest_count().now_or_never().expect("no waiting").expect_err("not kept");
    assert!(error.to_string().contains("could not be kept"), "{error}");
    assert!(matches!(till.newest_count().now_or_never(), Some(Ok(_))));
    assert_eq!(world.rule.lock().expect("lock").made, 1, "the pair that came was not thrown away");
}

#[test]
fn a_kill_at_each_step_of_a_refresh_locks_nobody_out() {
    // Steps of a call with an expired token: the refresh, the keeping, the first use.
    for step in 0..3 {
        for fate in [Fate::KilledBefore, Fate::KilledAfter, Fate::FailsBefore, Fate::FailsAfter] {
            let world = World::new();
            let mut till = world.start();
            world.pass(Span::secs(1_800));
            let mut fates = vec![Fate::Passes; step];
            fates.insert(0, fate);
            *world.fates.lock().expect("lock") = fates;
            if till.newest_count().now_or_never().is_none() {
                till = world.start();
            }
            assert!(works_in_the_end(&world, &till), "step {step}, {fate:?}");
            world.pass(Span::secs(4_000));
            assert!(works_in_the_end(&world, &till), "step {step}, {fate:?}, later");
        }
    }
}

#[test]
fn two_callers_change_a_pair_once() {
    let world = World::new();
    let till = world.start();
    world.rule.lock().expect("lock").access = None;
    let both = futures_util::future::join(till.newest_count(), till.stock_after(None)).now_or_never();
    let (one, other) = both.expect("no waiting");
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(world.rule.lock().expect("lock").made, 1);
}

#[test]
fn answers_that_are_no_pair_change_nothing() {
    for (status, body) in [
        (200, "{}"),
        (200, "<html>"),
        (200, r#"{"access_token":"a b","refresh_token":"r","expires_in":60}"#),
        (200, r#"{"access_token":"","refresh_token":"r","expires_in":60}"#),
        (200, r#"{"access_token":"a","refresh_token":"r","expires_in":-1}"#),
        (200, r#"{"access_token":"a","refresh_token":"r","expires_in":"soon"}"#),
        (200, r#"{"access_token":{"x":1},"refresh_token":"r"}"#),
        (400, r#"{"error":"invalid_request"}"#),
        (405, r#"{"error":"invalid_request"}"#),
        (500, ""),
        (302, ""),
    ] {
        let script = Script::new();
        script.then(status, body);
        let mut config = config();
        let mut pair = World::new().kept.lock().expect("lock").clone();
        pair.expires_at = NOW;
        config.credential = Credential::OAuth2(pair).write();
        let till = LightspeedR::new(config, script.clone(), Script::clock());
        let error = till.stock_after(None).now_or_never().expect("no waiting").expect_err(body);
        assert!(!matches!(error.kind, CallErrorKind::Unauthorized { .. }), "{status} {body}: {error:?}");
        assert!(!error.may_have_acted() || matches!(error.kind, CallErrorKind::Protocol { .. }), "{status}");
        assert_eq!(script.called(), ["https://cloud.lightspeedapp.com/auth/oauth/token"]);
        script.done();
    }
}

#[test]
fn what_to_do_next_is_decided_without_calling() {
    let world = World::new();
    let pair = world.kept.lock().expect("lock").clone();
    let mut tokens = Tokens::read(Credential::OAuth2(pair.clone()).write().expose_secret());
    assert!(matches!(tokens.next(NOW, None), Step::Use(_)));
    // Refused with a token that is not ours any more: the one we have is taken.
    assert!(matches!(tokens.next(NOW, Some(&SecretString::from("older"))), Step::Use(_)));
    assert!(matches!(tokens.next(NOW, Some(&pair.access)), Step::Ask(_)));
    tokens.asked(NOW);
    // No answer: the old refresh token is tried again.
    assert!(matches!(tokens.next(NOW, None), Step::Ask(asked) if asked.refresh.expose_secret() == "refresh-000000"));
    let mut fresh = pair;
    fresh.access = SecretString::from("access-new");
    tokens.came(fresh);
    assert!(matches!(tokens.next(NOW, None), Step::Keep(_)));
    assert!(tokens.serves(NOW).is_none());
    tokens.kept();
    assert!(matches!(tokens.next(NOW, None), Step::Use(access) if access.expose_secret() == "access-new"));
    assert!(!format!("{tokens:?}").contains("access-new"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn kills_at_random_instants_lock_nobody_out(
        steps in prop::collection::vec((0_i64..2_500, prop::collection::vec(0_u8..9, 0..6)), 1..30),
    ) {
        let world = World::new();
        let mut till = world.start();
        for (seconds, fates) in steps {
            world.pass(Span::secs(seconds));
            let fate = |n: &u8| match n {
                1 => Fate::KilledBefore,
                2 => Fate::KilledAfter,
                3 => Fate::FailsBefore,
                4 => Fate::FailsAfter,
                _ => Fate::Passes,
            };
            *world.fates.lock().expect("lock") = fates.iter().map(fate).collect();
            if till.newest_count().now_or_never().is_none() {
                till = world.start();
            }
        }
        world.fates.lock().expect("lock").clear();
        prop_assert!(works_in_the_end(&world, &till), "locked out");
        prop_assert!(works_in_the_end(&world, &world.start()), "locked out after a start");
    }
}

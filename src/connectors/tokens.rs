//! The pair of tokens: when it is changed for a new one, and in which order, so that no crash can lock us out.
//!
//! R-Series' rule: a refresh answers a new pair and ends the old access token; the old refresh token lives until the
//! *new access token is first used*. X-Series changes both tokens too. UNSURE: nowhere is it said how long its old refresh
//! token lives; where it dies at once, an answer that is lost costs a new sign-in and nothing else. So a new pair is kept for good before it is used, and as long as it is not kept,
//! or no answer came, the old refresh token is still good and is tried again. Nothing here calls, waits or stores: it
//! says what to do next, and is told what became of it.

use super::credential::{Credential, OAuth2};
use crate::domain::time::{Span, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use std::collections::VecDeque;

/// So long before its end an access token is changed: longer than a call takes, and short, because the old one ends
/// with the change.
const EARLY: Span = Span::secs(60);

/// R-Series takes so many refreshes in a minute; the one figure seen of X-Series is twice that.
const ATTEMPTS_MAX: usize = 5;

/// A little more than that minute, for two clocks that do not agree on it.
const ATTEMPTS_WITHIN: Span = Span::secs(65);

/// After a refusal the same refresh token is tried again no sooner: only a person can mend it, but a vendor's bad
/// minute must not need one.
const REFUSED_FOR: Span = Span::minutes(10);

/// What to do next.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Call with this access token.
    Use(SecretString),
    /// Ask for a new pair with the refresh token of this one.
    Ask(OAuth2),
    /// Keep this pair for good; it may not be used before.
    Keep(OAuth2),
    /// Nothing can be done before this moment.
    Wait(Timestamp),
    /// Only a person can mend it; the reason says how.
    Stuck(String),
}

/// One connection's tokens as they stand.
#[derive(Debug)]
pub(super) struct Tokens {
    held: Held,
    /// A pair that has come and is not kept yet.
    fresh: Option<OAuth2>,
    /// The access token in `held` was refused although its time was not over.
    ended: bool,
    attempts: VecDeque<Timestamp>,
    refused: Option<(Timestamp, String)>,
}

#[derive(Debug)]
enum Held {
    Bearer(SecretString),
    Pair(Box<OAuth2>),
    Nothing(&'static str),
}

impl Tokens {
    /// As the connection keeps them.
    pub(super) fn read(text: &str) -> Self {
        let held = match Credential::read(text) {
            Ok(Credential::Bearer(token)) if !token.expose_secret().is_empty() => Held::Bearer(token),
            Ok(Credential::OAuth2(pair)) => Held::Pair(Box::new(pair)),
            Ok(_) => Held::Nothing("the keys of this connection are not Lightspeed's"),
            Err(why) => Held::Nothing(why),
        };
        Self { held, fresh: None, ended: false, attempts: VecDeque::new(), refused: None }
    }

    /// What to do for a call; `refused` is the access token with which it was refused just now.
    pub(super) fn next(&mut self, now: Timestamp, refused: Option<&SecretString>) -> Step {
        let pair = match &self.held {
            Held::Nothing(why) => return Step::Stuck((*why).to_owned()),
            Held::Bearer(token) if refused.is_none() => return Step::Use(token.clone()),
            Held::Bearer(_) => return Step::Stuck("Sign in again: the token was refused".to_owned()),
            Held::Pair(pair) => pair.clone(),
        };
        // Whoever was refused with an older token than the one we have simply takes the newer one.
        if refused.is_some_and(|refused| refused.expose_secret() == pair.access.expose_secret()) {
            self.ended = true;
        }
        if let Some(fresh) = &self.fresh {
            return Step::Keep(fresh.clone());
        }
        let good = !self.ended && now < pair.expires_at;
        if good && now < pair.expires_at - EARLY {
            return Step::Use(pair.access);
        }
        if let Some((at, why)) = &self.refused
            && (*at..*at + REFUSED_FOR).contains(&now)
        {
            return if good { Step::Use(pair.access) } else { Step::Stuck(why.clone()) };
        }
        self.attempts.retain(|at| *at <= now && now.since(*at) < ATTEMPTS_WITHIN);
        match self.attempts.front() {
            Some(_) if self.attempts.len() >= ATTEMPTS_MAX && good => Step::Use(pair.access),
            Some(first) if self.attempts.len() >= ATTEMPTS_MAX => Step::Wait(*first + ATTEMPTS_WITHIN),
            _ => Step::Ask(*pair),
        }
    }

    /// The access token that still serves when a refresh failed on its way.
    pub(super) fn serves(&self, now: Timestamp) -> Option<SecretString> {
        match &self.held {
            Held::Pair(pair) if !self.ended && now < pair.expires_at && self.fresh.is_none() => {
                Some(pair.access.clone())
            }
            _ => None,
        }
    }

    /// The pair that is kept, if it is one.
    pub(super) fn pair(&self) -> Option<OAuth2> {
        match &self.held {
            Held::Pair(pair) => Some(pair.as_ref().clone()),
            Held::Bearer(_) | Held::Nothing(_) => None,
        }
    }

    /// A refresh is being sent.
    pub(super) fn asked(&mut self, now: Timestamp) {
        self.attempts.push_back(now);
    }

    /// A new pair came; it must be kept before anything else.
    pub(super) fn came(&mut self, pair: OAuth2) {
        self.fresh = Some(pair);
        self.refused = None;
    }

    /// The new pair is kept for good.
    pub(super) fn kept(&mut self) {
        if let Some(fresh) = self.fresh.take() {
            self.held = Held::Pair(Box::new(fresh));
            self.ended = false;
        }
    }

    /// The vendor refused the refresh token.
    pub(super) fn refused(&mut self, now: Timestamp, why: String) {
        self.refused = Some((now, why));
    }

    /// Everything that must not be found in what is written down.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        let pairs = self.fresh.iter().chain(match &self.held {
            Held::Pair(pair) => Some(pair.as_ref()),
            _ => None,
        });
        let of_pair = |pair: &OAuth2| [pair.client_secret.clone(), pair.access.clone(), pair.refresh.clone()];
        let mut secrets: Vec<SecretString> = pairs.flat_map(of_pair).collect();
        if let Held::Bearer(token) = &self.held {
            secrets.push(token.clone());
        }
        secrets
    }
}

//! Notices that the vendor is asked to send us: looked for, asked for, sent no longer.
//!
//! They are wanted one kind at a time, each a subscription of its own. A subscription that exists answers 409, which is
//! no failure. Only an application's notices are signed; those under a personal token are not.

use super::super::error::{CallError, CallErrorKind};
use super::super::evidence::Exchange;
use super::super::json::Object;
use super::super::{Answer, Unreadable};
use super::calls::{answer, found, id, unlawful, with_earlier};
use super::{API_VERSION, LightspeedX, wire};
use http::Method;
use serde_json::json;

/// The kinds that we want. `product.update` is no sign of stock, so counts have their own; a closure that is missed cannot
/// be read again. Other names that circulate are not the vendor's.
pub const WANTED: [&str; 4] = ["sale.update", "inventory.update", "product.update", "register_closure.create"];

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The vendor's id.
    pub id: String,
    /// Where notices go.
    pub url: String,
    /// Of what.
    pub kind: String,
    /// Whether any are sent.
    pub active: bool,
}

impl LightspeedX {
    /// All subscriptions of this account, other people's too.
    pub async fn hooks(&self) -> Result<Answer<Vec<Hook>>, CallError> {
        let path = format!("/api/{API_VERSION}/webhooks");
        let (text, exchanges) = found(self.get("read subscriptions", &path).await?)?;
        let read = wire::envelope(&text)
            .and_then(|list| list.rows.iter().map(|raw| hook(&Object::open("subscription", raw.get())?)).collect());
        answer(read, exchanges)
    }

    /// Sees to it that notices of these kinds come to this address, and answers the subscriptions. What is there already
    /// is left as it is, so this may be asked again every day.
    pub async fn subscribe(&self, url: &str, kinds: &[&str]) -> Result<Answer<Vec<Hook>>, CallError> {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(unlawful("notices need a web address"));
        }
        let Answer { value: there, mut exchanges } = self.hooks().await?;
        let mut ours = Vec::new();
        for kind in kinds {
            let known = there.iter().find(|hook| hook.url == url && hook.kind == *kind);
            let subscribed = match known {
                Some(hook) if hook.active => Ok(hook.clone()),
                Some(hook) => self.wake(hook, &mut exchanges).await,
                None => self.ask_for(url, kind, &mut exchanges).await,
            };
            ours.push(subscribed.map_err(|error| with_earlier(error, &exchanges))?);
        }
        Ok(Answer { value: ours, exchanges })
    }

    /// Ends every subscription to this address; says how many there were.
    pub async fn unsubscribe(&self, url: &str) -> Result<Answer<usize>, CallError> {
        let Answer { value: there, mut exchanges } = self.hooks().await?;
        let mut ended = 0;
        for hook in there.iter().filter(|hook| hook.url == url) {
            // One that is gone already is as good.
            let gone = self.delete_hook(&hook.id).await.map_err(|error| with_earlier(error, &exchanges))?;
            exchanges.extend(gone.exchanges);
            ended += 1;
        }
        Ok(Answer { value: ended, exchanges })
    }

    /// Ends one subscription; `false` when there was none.
    pub async fn delete_hook(&self, hook: &str) -> Result<Answer<bool>, CallError> {
        let rest = format!("webhooks/{}", id(hook)?);
        let (text, exchanges) = self.write("end a subscription", Method::DELETE, &rest, None).await?;
        Ok(Answer { value: text.is_some(), exchanges })
    }

    async fn wake(&self, known: &Hook, exchanges: &mut Vec<Exchange>) -> Result<Hook, CallError> {
        let rest = format!("webhooks/{}", id(&known.id)?);
        let body = json!({ "url": known.url, "type": known.kind, "active": true });
        let (_, seen) = found(self.write("wake a subscription", Method::PUT, &rest, Some(&body)).await?)?;
        exchanges.extend(seen);
        Ok(Hook { active: true, ..known.clone() })
    }

    async fn ask_for(&self, url: &str, kind: &str, exchanges: &mut Vec<Exchange>) -> Result<Hook, CallError> {
        let body = json!({ "url": url, "type": kind, "active": true });
        match self.write("subscribe", Method::POST, "webhooks", Some(&body)).await {
            Ok(came) => {
                let (text, seen) = found(came)?;
                let made = wire::single(&text).and_then(|raw| hook(&Object::open("subscription", raw)?));
                let Answer { value, exchanges: seen } = answer(made, seen)?;
                exchanges.extend(seen);
                Ok(value)
            }
            // It is there after all: an earlier answer was lost, or somebody was quicker.
            Err(error) if matches!(error.kind, CallErrorKind::Rejected { .. }) => {
                let again = self.hooks().await?;
                let there = again.value.into_iter().find(|hook| hook.url == url && hook.kind == kind);
                let Some(there) = there else { return Err(error) };
                exchanges.extend(error.exchanges);
                exchanges.extend(again.exchanges);
                Ok(there)
            }
            Err(error) => Err(error),
        }
    }
}

fn hook(row: &Object<'_>) -> Result<Hook, Unreadable> {
    Ok(Hook {
        id: row.need_key("id")?,
        url: row.text("url")?.unwrap_or_default(),
        kind: row.text("type")?.unwrap_or_default(),
        active: row.flag("active")?.unwrap_or(true),
    })
}

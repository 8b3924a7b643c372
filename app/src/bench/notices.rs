//! Signed notices of sales, made from one that the simulated till wrote itself.
//!
//! The till's own notice is cut at what differs from sale to sale, so that making one costs little more than its
//! signature: what is measured is the receiver.

use anyhow::Context;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::collections::BTreeMap;
use truecount::domain::time::Timestamp;

/// Bytes of a body, as notices of the till usually are.
pub(super) const BODY_BYTES: usize = 4_096;

/// Marks in the template, of the same kind of letters as what takes their place; the last is the version.
const MARKS: [&str; 5] = ["MARKsale", "MARKline", "MARKpaid", "MARKproduct", "987654321012"];
const SALE: usize = 0;
const LINE: usize = 1;
const PAID: usize = 2;
const PRODUCT: usize = 3;

/// A notice with gaps.
pub(super) struct Template {
    /// Texts, each followed by the gap of that number; the last by none.
    parts: Vec<(String, Option<usize>)>,
    path: String,
    host: String,
    mac: Hmac<Sha256>,
}

impl Template {
    /// Cuts a notice of a sale with one line and one payment, made at `at`: what was sold before the product began to
    /// read the till would move nothing.
    pub fn cut(body: &[u8], secret: &str, path: &str, host: &str, at: Timestamp) -> anyhow::Result<Self> {
        let mut fields: BTreeMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        let payload = fields.get("payload").context("the notice has no payload")?;
        let mut sale: Value = serde_json::from_str(payload)?;
        mark(&mut sale, "/id", MARKS[SALE])?;
        mark(&mut sale, "/register_sale_products/0/id", MARKS[LINE])?;
        mark(&mut sale, "/register_sale_products/0/product_id", MARKS[PRODUCT])?;
        mark(&mut sale, "/register_sale_payments/0/id", MARKS[PAID])?;
        mark(&mut sale, "/sale_date", &at.rfc3339())?;
        *sale.pointer_mut("/version").context("the sale has no version")? = Value::from(987_654_321_012_i64);
        let encoded = |sale: &Value, fields: &mut BTreeMap<String, String>| {
            fields.insert("payload".to_owned(), sale.to_string());
            form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.iter()).finish()
        };
        let short = BODY_BYTES.saturating_sub(encoded(&sale, &mut fields).len());
        *sale.pointer_mut("/note").context("the sale has no note")? = Value::from("x".repeat(short));
        let whole = encoded(&sale, &mut fields);
        let mut gaps: Vec<(usize, usize)> = MARKS
            .iter()
            .enumerate()
            .flat_map(|(gap, mark)| whole.match_indices(mark).map(move |(at, _)| (at, gap)))
            .collect();
        gaps.sort_unstable();
        let (mut parts, mut from) = (Vec::with_capacity(gaps.len() + 1), 0);
        for (at, gap) in gaps {
            parts.push((whole.get(from..at).unwrap_or_default().to_owned(), Some(gap)));
            from = at + MARKS[gap].len();
        }
        parts.push((whole.get(from..).unwrap_or_default().to_owned(), None));
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).context("the secret is no key")?;
        Ok(Self { parts, path: path.to_owned(), host: host.to_owned(), mac })
    }

    /// The whole request of a sale of one unit: `number` makes its ids, `version` its place in the till's order.
    pub fn request(&self, number: u64, product: &str, version: i64) -> Vec<u8> {
        let texts = [
            format!("5a1e0000-0000-4000-8000-{number:012x}"),
            format!("11e00000-0000-4000-8000-{number:012x}"),
            format!("9a1d0000-0000-4000-8000-{number:012x}"),
            product.to_owned(),
            version.to_string(),
        ];
        let mut body = String::with_capacity(BODY_BYTES + 256);
        for (text, gap) in &self.parts {
            body.push_str(text);
            if let Some(filling) = gap.and_then(|gap| texts.get(gap)) {
                body.push_str(filling);
            }
        }
        let mut mac = self.mac.clone();
        mac.update(body.as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        let mut request = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded\r\nx-signature: \
             signature={signature},algorithm=HMAC-SHA256\r\ncontent-length: {}\r\n\r\n",
            self.path,
            self.host,
            body.len()
        );
        request.push_str(&body);
        request.into_bytes()
    }
}

fn mark(sale: &mut Value, place: &str, mark: &str) -> anyhow::Result<()> {
    *sale.pointer_mut(place).with_context(|| format!("the sale has no {place}"))? = Value::from(mark);
    Ok(())
}

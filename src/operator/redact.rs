//! Raw texts for the screen: personal data taken out, the rest as it came.

use serde_json::Value;

/// Fields whose content is about a person, in whichever vendor's record they stand.
const PERSONAL: &[&str] = &[
    "customer",
    "user",
    "first_name",
    "last_name",
    "firstname",
    "lastname",
    "contact_first_name",
    "contact_last_name",
    "company_name",
    "email",
    "phone",
    "mobile",
    "fax",
    "address1",
    "address2",
    "zipcode",
    "city",
    "shippingaddress",
    "billingaddress",
    "userip",
    "note",
    "comment",
    "internalcomment",
    "display_name",
    "username",
    "date_of_birth",
];

/// Longest raw text shown.
const SHOWN_MAX: usize = 16_384;

/// The text with personal fields replaced by "…". What is not JSON is shown only when it is short and was not a
/// record: it may be anything.
pub fn without_personal_data(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            hide(&mut value, 0);
            let pretty = serde_json::to_string_pretty(&value).unwrap_or_default();
            clip(&pretty)
        }
        Err(_) => clip(text),
    }
}

fn hide(value: &mut Value, depth: usize) {
    if depth > 64 {
        *value = Value::String("…".into());
        return;
    }
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields.iter_mut() {
                if PERSONAL.contains(&key.to_ascii_lowercase().as_str()) && !inner.is_null() {
                    *inner = Value::String("…".into());
                } else {
                    hide(inner, depth + 1);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, depth + 1)),
        _ => {}
    }
}

fn clip(text: &str) -> String {
    if text.len() <= SHOWN_MAX {
        return text.to_owned();
    }
    let mut end = SHOWN_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}\n… ({} bytes in all)", &text[..end], text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_taken_out_and_goods_stay() {
        let raw = r#"{"id":"1","customer":{"email":"a@b"},"lines":[{"sku":"TEE","note":"for Ann"}],"Email":"x@y"}"#;
        let shown = without_personal_data(raw);
        for gone in ["a@b", "Ann", "x@y"] {
            assert!(!shown.contains(gone), "{shown}");
        }
        assert!(shown.contains("TEE"));
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let shown = without_personal_data(&"é".repeat(20_000));
        assert!(shown.len() < 17_000 && shown.ends_with("bytes in all)"));
    }
}

//! What the forms of the mapping page send: fields whose names hold the codes of the lists, each at most once.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use truecount::domain::mapping::{Choice, Topic};
use truecount::domain::ownership::Part;
use truecount::domain::system::SystemSide;
use truecount::operator::OperatorError;
use truecount::operator::mapping::{Chosen, Given, Sent};

/// Fields by their names. A name that comes twice is no form of ours.
#[derive(Debug)]
pub struct Fields(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(form: D) -> Result<Self, D::Error> {
        let pairs = Vec::<(String, String)>::deserialize(form)?;
        let all = pairs.len();
        let fields: BTreeMap<String, String> = pairs.into_iter().collect();
        if fields.len() == all { Ok(Self(fields)) } else { Err(D::Error::custom("a field came twice")) }
    }
}

impl Fields {
    fn text(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// What is chosen now and what was shown, by the code in the fields' names. What was not shown was not there.
    fn changes(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().filter_map(|(name, to)| {
            let code = name.strip_prefix("to.")?;
            let was = self.0.get(&format!("was.{code}")).map_or("", String::as_str);
            Some((code, was, to.as_str()))
        })
    }
}

fn not_ours() -> OperatorError {
    OperatorError::Invalid("That form is not one of this page. Nothing was saved.".to_owned())
}

/// A list as it was sent.
pub fn sent(fields: &Fields) -> Result<Sent, OperatorError> {
    let choice = |text: &str| Choice::parse(text).ok_or_else(not_ours);
    let chosen = fields
        .changes()
        .map(|(web, was, to)| Ok(Chosen { web: web.to_owned(), was: choice(was)?, to: choice(to)? }))
        .collect::<Result<_, OperatorError>>()?;
    Ok(Sent {
        shop: fields.text("shop"),
        till: fields.text("till"),
        topic: Topic::parse(&fields.text("topic")).ok_or_else(not_ours)?,
        chosen,
        suggested: fields.text("suggested") == "1",
        agreed: fields.text("agreed") == "1",
    })
}

/// Who shall own what: the pair, and what was sent for each part.
pub fn given(fields: &Fields) -> Result<(String, String, Vec<Given>), OperatorError> {
    let side = |text: &str| SystemSide::parse(text).ok_or_else(not_ours);
    let given = fields
        .changes()
        .map(|(part, was, to)| Ok((Part::parse(part).ok_or_else(not_ours)?, side(was)?, side(to)?)))
        .collect::<Result<Vec<_>, OperatorError>>()?;
    if given.is_empty() {
        return Err(not_ours());
    }
    Ok((fields.text("shop"), fields.text("till"), given))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn codes_in_the_names_of_fields_come_out_as_they_went_in() {
        let form = fields(&[
            ("shop", "s"),
            ("till", "t"),
            ("topic", "payments"),
            ("to.pay.by=card &c", "to:7"),
            ("was.pay.by=card &c", "none"),
            ("to.new", ""),
            ("stray", "x"),
        ]);
        let sent = sent(&form).expect("a list");
        let chosen: Vec<_> = sent.chosen.iter().map(|one| (one.web.as_str(), one.was.text(), one.to.text())).collect();
        assert_eq!(
            chosen,
            [("new", String::new(), String::new()), ("pay.by=card &c", "none".to_owned(), "to:7".to_owned())]
        );
        assert!(!sent.agreed && !sent.suggested);
    }

    #[test]
    fn what_is_no_choice_no_topic_and_no_part_is_refused() {
        for form in [
            fields(&[("topic", "staff")]),
            fields(&[]),
            fields(&[("topic", "taxes"), ("to.1", "7")]),
            fields(&[("topic", "taxes"), ("to.1", "to:7"), ("was.1", "everything")]),
        ] {
            assert!(matches!(sent(&form), Err(OperatorError::Invalid(_))), "{form:?}");
        }
        for form in [
            fields(&[]),
            fields(&[("to.names", "shop")]),
            fields(&[("to.names", "nobody"), ("was.names", "shop")]),
            fields(&[("to.stock", "shop"), ("was.stock", "till")]),
        ] {
            assert!(matches!(given(&form), Err(OperatorError::Invalid(_))), "{form:?}");
        }
    }
}

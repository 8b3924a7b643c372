//! Whether somebody guesses at log-ins: a problem like any other, which ends by itself an hour after the last guess.

use super::cx::Cx;
use crate::domain::problem::{Kind, Problem, Severity};
use crate::domain::time::{Span, Timestamp};
use crate::store::StoreError;
use crate::store::accounts::{self, Tries};
use crate::store::question::Question;

/// Failures in a row that are no slip of the owner's: five are free, five more had to wait.
const GUESSES: i64 = 10;

/// Names with a failed log-in that are no slip of anybody's: one password tried on many.
const NAMES: usize = 20;

/// A guess longer ago than this is over.
const OVER_AFTER: Span = Span::minutes(60);

/// Accounts that are named in a sentence.
const NAMED: usize = 3;

/// What there is to know for it.
pub(super) fn question(now: Timestamp) -> Question<Tries> {
    accounts::tries(now - OVER_AFTER, now)
}

/// The problem, when there is something to raise.
pub(super) async fn problem(cx: &Cx, tries: Tries) -> Result<Option<Problem>, StoreError> {
    let guessed = accounts::guessed(&cx.store, tries, GUESSES).await?;
    let Some((title, why)) = words(&guessed) else { return Ok(None) };
    Ok(Some(Problem {
        kind: Kind::Guessing,
        subject: String::new(),
        severity: Severity::Soon,
        team: "operations",
        title,
        why,
        money_minor: 0,
        currency: String::new(),
        waits: "in the last hour".into(),
        actions: Vec::new(),
    }))
}

fn words(guessed: &accounts::Guessed) -> Option<(String, String)> {
    let most = guessed.accounts.first().map_or(0, |(_, tries)| *tries);
    let title = match (guessed.accounts.as_slice(), guessed.nobody) {
        ([], 0) if guessed.names < NAMES => return None,
        ([], 0) => "Somebody tries passwords on many names".to_owned(),
        ([], _) => "Somebody guesses at names that no account has".to_owned(),
        ([(name, _)], _) => format!("Somebody guesses at the account {name}"),
        (many, _) => format!("Somebody guesses at {} accounts", many.len()),
    };
    let mut why = match guessed.accounts.as_slice() {
        [] => format!("{} names had a failed log-in.", guessed.names),
        [(_, tries)] => format!("{tries} failed log-ins in a row."),
        many => {
            let names: Vec<&str> = many.iter().take(NAMED).map(|(name, _)| name.as_str()).collect();
            let more = if many.len() > NAMED { " and others" } else { "" };
            format!("{}{more}: up to {most} failed log-ins in a row.", names.join(", "))
        }
    };
    why.push_str(if most >= accounts::LOCKED_AT {
        " From unknown browsers there is one try a day now; a new password, given on the server, opens it."
    } else {
        " Each further guess waits longer. A browser that logged in before is not kept out."
    });
    Some((title, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_no_guess_and_the_words_fit_the_numbers() {
        let said = |accounts: &[(&str, i64)], nobody, names| {
            let accounts = accounts.iter().map(|(name, tries)| ((*name).to_owned(), *tries)).collect();
            words(&accounts::Guessed { accounts, nobody, names })
        };
        assert_eq!(said(&[], 0, 19), None);
        let (title, why) = said(&[("Kim", 12)], 0, 1).unwrap();
        assert_eq!(title, "Somebody guesses at the account Kim");
        assert!(why.starts_with("12 failed log-ins in a row. Each further"), "{why}");
        let (title, why) = said(&[("Kim", 100), ("Lee", 11), ("Sam", 10), ("Ash", 10)], 3, 9).unwrap();
        assert_eq!(title, "Somebody guesses at 4 accounts");
        assert!(why.starts_with("Kim, Lee, Sam and others: up to 100") && why.contains("one try a day"), "{why}");
        assert_eq!(said(&[], 2, 2).unwrap().0, "Somebody guesses at names that no account has");
        assert_eq!(said(&[], 0, 20).unwrap().0, "Somebody tries passwords on many names");
    }
}

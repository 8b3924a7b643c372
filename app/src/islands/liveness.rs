//! Whether an open page is still told what changes: what an answer means, and what the bar then says.

/// What came of asking for the page once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The page as it is now.
    Fresh,
    /// Nobody is logged in here any more: asking again would change nothing.
    LoggedOut,
    /// No answer, or none that is the page.
    Nothing,
}

impl Heard {
    /// From the status of the answer, and where it came from when it was sent elsewhere.
    pub fn of(status: u16, led_to: Option<&str>) -> Heard {
        match (status, led_to) {
            (401, _) => Heard::LoggedOut,
            (_, Some(path)) if path == "/login" || path == "/setup" => Heard::LoggedOut,
            (200, None) => Heard::Fresh,
            _ => Heard::Nothing,
        }
    }

    /// What the bar says of it, and the words of its link; `None` while all is well. `since` is the time of the last
    /// answer, as the page writes times.
    pub fn bar(self, since: &str) -> Option<(String, &'static str)> {
        match self {
            Heard::Fresh => None,
            Heard::LoggedOut => Some((format!("Not live since {since}: you were logged out."), "Log in again")),
            Heard::Nothing => Some((format!("Not live since {since}: no answer from Truecount."), "Reload")),
        }
    }

    /// Whether it is asked again by itself.
    pub fn goes_on(self) -> bool {
        self != Heard::LoggedOut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_told_nothing_says_so_and_since_when() {
        for (status, led_to, want) in [
            (200, None, Heard::Fresh),
            (401, None, Heard::LoggedOut),
            (200, Some("/login"), Heard::LoggedOut),
            (200, Some("/"), Heard::Nothing),
            (429, None, Heard::Nothing),
            (503, None, Heard::Nothing),
            (0, None, Heard::Nothing),
        ] {
            assert_eq!(Heard::of(status, led_to), want, "{status} {led_to:?}");
        }
        assert_eq!(Heard::Fresh.bar("08:41"), None);
        for (heard, link) in [(Heard::LoggedOut, "Log in again"), (Heard::Nothing, "Reload")] {
            let (words, press) = heard.bar("08:41").expect("a bar");
            assert!(words.starts_with("Not live since 08:41"), "{words}");
            assert_eq!(press, link);
        }
        assert!(!Heard::LoggedOut.goes_on(), "a stranger asks once");
        assert!(Heard::Nothing.goes_on(), "a server comes back by itself");
    }
}

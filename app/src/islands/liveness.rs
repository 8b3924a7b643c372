//! Whether an open page is still told what changes: when it asks by itself, what an answer means, and what the bar
//! then says.

/// How often the page looks at what it has heard.
pub const LOOK_MS: u32 = 5_000;
/// Without an answer for so long the page is asked for, whatever the stream says.
const FALLBACK_MS: u32 = 30_000;
/// A stream that said nothing for so long is dead, whatever the browser thinks of it: the server shows twice in that
/// time that it lives.
pub const SILENT_MS: u32 = 33_000;
/// Time for an answer. With the two above the bar stands within 45 s of the last that was heard.
pub const ANSWER_MS: u32 = 8_000;

/// How long ago things were heard, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ago {
    /// The last answer with the page in it, or the page itself.
    pub answer: u32,
    /// The last word of the stream, or its opening; `None` while there is none.
    pub stream: Option<u32>,
}

/// What a look at it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing.
    Rest,
    /// The page is asked for.
    Ask,
    /// The stream is given up and opened anew, and the page is asked for: something may have been missed.
    Renew,
}

impl Ago {
    /// What to do about it.
    pub fn look(self) -> Look {
        match self.stream {
            Some(silent) if silent >= SILENT_MS => Look::Renew,
            _ if self.answer >= FALLBACK_MS => Look::Ask,
            _ => Look::Rest,
        }
    }
}

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
    fn silence_is_noticed_and_the_bar_stands_within_45_seconds() {
        for (answer, stream, want) in [
            (0, Some(0), Look::Rest),
            (0, None, Look::Rest),
            (29_999, Some(32_999), Look::Rest),
            (30_000, Some(0), Look::Ask),
            (30_000, None, Look::Ask),
            (0, Some(33_000), Look::Renew),
            (600_000, Some(600_000), Look::Renew),
        ] {
            assert_eq!(Ago { answer, stream }.look(), want, "{answer} {stream:?}");
        }
        // Whenever the last answer came between two looks, with nothing after it: the page is asked for at the look
        // that finds it old, and given up when its time is over.
        for since_look in (0..LOOK_MS).step_by(250) {
            let looks = (1..100).map(|n| n * LOOK_MS - since_look);
            let asked = looks.into_iter().find(|ago| Ago { answer: *ago, stream: Some(*ago) }.look() != Look::Rest);
            let bar = asked.expect("it asks") + ANSWER_MS;
            assert!(bar <= 45_000, "{since_look}: {bar}");
        }
    }

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

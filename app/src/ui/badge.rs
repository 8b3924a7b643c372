//! Signs and badges. The shape and the word carry the meaning, the colour only repeats it.

use leptos::prelude::*;
use truecount::operator::views::Severity;

/// A sign of the product's small alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Filled diamond: a customer waits or money is being lost today.
    Now,
    /// Outlined triangle: somebody must decide today.
    Soon,
    /// Circle with tick: proved, settled.
    Fine,
    /// Clock: runs by itself.
    Waiting,
    /// Circle with two bars: kept back on purpose.
    Held,
    /// Circle with cross: an answer was no, or a field is wrong.
    Refused,
}

impl From<Severity> for Sign {
    fn from(severity: Severity) -> Sign {
        match severity {
            Severity::Now => Sign::Now,
            Severity::Soon => Sign::Soon,
            Severity::Waiting => Sign::Waiting,
            Severity::Held => Sign::Held,
            Severity::Fine => Sign::Fine,
        }
    }
}

impl Sign {
    /// The class that colours it.
    pub fn word(self) -> &'static str {
        match self {
            Sign::Now => "now",
            Sign::Soon => "soon",
            Sign::Fine => "ok",
            Sign::Waiting => "wait",
            Sign::Held => "held",
            Sign::Refused => "refused",
        }
    }

    /// What a screen reader says where no word stands beside the sign.
    pub fn spoken(self) -> &'static str {
        match self {
            Sign::Now => "Now",
            Sign::Soon => "Today",
            Sign::Fine => "Settled",
            Sign::Waiting => "Runs by itself",
            Sign::Held => "Kept back",
            Sign::Refused => "Refused",
        }
    }

    fn shape(self) -> &'static str {
        match self {
            Sign::Now => {
                r#"<path class="fill" d="M8 .8 15.2 8 8 15.2.8 8Z"/><path class="cut" d="M8 4.7v4"/><circle class="cut-dot" cx="8" cy="11.1" r="1"/>"#
            }
            Sign::Soon => {
                r#"<path class="line" d="M8 2.1 14.7 13.7H1.3Z"/><path class="line" d="M8 6.5v3.2"/><circle class="dot" cx="8" cy="11.7" r=".9"/>"#
            }
            Sign::Fine => {
                r#"<circle class="line" cx="8" cy="8" r="6.6"/><path class="line" d="m5.1 8.2 2.1 2.1 3.8-4.4"/>"#
            }
            Sign::Waiting => r#"<circle class="line" cx="8" cy="8" r="6.6"/><path class="line" d="M8 4.3V8l2.5 1.6"/>"#,
            Sign::Held => {
                r#"<circle class="line" cx="8" cy="8" r="6.6"/><path class="line" d="M6.3 5.5v5M9.7 5.5v5"/>"#
            }
            Sign::Refused => {
                r#"<circle class="line" cx="8" cy="8" r="6.6"/><path class="line" d="m5.7 5.7 4.6 4.6m0-4.6-4.6 4.6"/>"#
            }
        }
    }
}

/// The sign beside words that already say it.
pub fn sign(sign: Sign) -> AnyView {
    let class = format!("sign sign--{}", sign.word());
    view! { <svg class=class viewBox="0 0 16 16" aria-hidden="true" inner_html=sign.shape()></svg> }.into_any()
}

/// The sign with its meaning spoken, where the words beside it say something else.
pub fn spoken_sign(of: Sign) -> AnyView {
    view! {
        {sign(of)}
        <span class="unseen">{format!("{}: ", of.spoken())}</span>
    }
    .into_any()
}

/// A badge: sign and word on the soft colour.
pub fn badge(of: Sign, words: &str) -> AnyView {
    let class = format!("badge badge--{}", of.word());
    view! { <span class=class>{sign(of)}{words.to_owned()}</span> }.into_any()
}

/// A small picture beside or instead of a word that is spoken elsewhere.
pub fn icon(name: &'static str) -> AnyView {
    let shape = match name {
        "search" => r#"<circle class="line" cx="7" cy="7" r="4.6"/><path class="line" d="m10.5 10.5 3.4 3.4"/>"#,
        "menu" => r#"<path class="line" d="M1.8 4h12.4M1.8 8h12.4M1.8 12h12.4"/>"#,
        "person" => {
            r#"<circle class="line" cx="8" cy="5" r="2.9"/><path class="line" d="M2.6 14.2c.4-3 2.5-4.6 5.4-4.6s5 1.6 5.4 4.6"/>"#
        }
        "down" => r#"<path class="line" d="m4 6.2 4 4 4-4"/>"#,
        "close" => r#"<path class="line" d="m3.6 3.6 8.8 8.8m0-8.8-8.8 8.8"/>"#,
        "download" => r#"<path class="line" d="M8 2v8.2m-3.4-3L8 10.6l3.4-3.4M2.4 13.6h11.2"/>"#,
        "link" => {
            r#"<path class="line" d="m6.4 9.6 3.2-3.2M7 4.6l1.5-1.5a3.1 3.1 0 0 1 4.4 4.4L11.4 9M9 11.4l-1.5 1.5a3.1 3.1 0 0 1-4.4-4.4L4.6 7"/>"#
        }
        _ => "",
    };
    view! { <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" inner_html=shape></svg> }.into_any()
}

/// Two equal bars: the till equals the web.
pub fn mark() -> AnyView {
    const SHAPE: &str = r#"<rect class="mark-ground" width="20" height="20" rx="5"/><rect class="mark-bar" x="4" y="6" width="12" height="3" rx="1"/><rect class="mark-bar" x="4" y="11" width="12" height="3" rx="1"/>"#;
    view! { <svg class="mark" viewBox="0 0 20 20" aria-hidden="true" inner_html=SHAPE></svg> }.into_any()
}

//! The log: set up once, to standard error, as text or JSON. Every line is one event: what a line holds beside its end
//! that would move a terminal's cursor, begin a line or turn the direction of writing is spelled out where lines are
//! written, so that no vendor's words can forge one. What must never be logged (bodies, tokens, passwords, names) is
//! kept out where lines are made.

use std::io::Write;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;
use truecount::config::{Config, LogFormat};

/// The log filter cannot be understood, or a log was set up already.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// LOG is no filter.
    #[error("LOG cannot be understood; for example LOG=info,truecount=debug")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// LOG has a word that would be taken for a part of a program that there is not, and nothing would be logged.
    #[error(
        "{0:?} is no level: off, error, warn, info, debug or trace; a part of the program is given one as in truecount=debug"
    )]
    Word(String),
    /// There is a log already.
    #[error("the log was set up already")]
    Twice,
}

/// Checks the filter without setting anything up.
pub fn check(config: &Config) -> Result<(), TelemetryError> {
    filter(config).map(drop)
}

/// Sets the log up; once per process.
pub fn start(config: &Config) -> Result<(), TelemetryError> {
    let log = subscriber(filter(config)?, config.log_format, std::io::stderr);
    log.try_init().map_err(|_| TelemetryError::Twice)?;
    std::panic::set_hook(Box::new(|panic| {
        // A message put together at run time may hold what it failed on; only a fixed one is logged.
        let what = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(what, place, "a panic");
    }));
    Ok(())
}

/// Turns events into lines and hands each to a writer of its own.
fn subscriber<W: Write + 'static>(
    filter: EnvFilter,
    format: LogFormat,
    to: impl Fn() -> W + Send + Sync + 'static,
) -> Box<dyn Subscriber + Send + Sync> {
    // Without colours: on a terminal they would be the one kind of control character that is let through.
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Lines(to));
    match format {
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
        LogFormat::Text => Box::new(builder.finish()),
    }
}

/// A writer for each line.
struct Lines<F>(F);

impl<'a, W: Write + 'a, F: Fn() -> W> MakeWriter<'a> for Lines<F> {
    type Writer = Line<W>;

    fn make_writer(&'a self) -> Line<W> {
        Line((self.0)())
    }
}

/// Where a line goes that nobody has to read: a full disk behind the log, or a reader that went away, stops no sale.
struct Line<W>(W);

/// The line with everything spelled out that is no plain text; it ends where it ended.
fn spelled_out(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let (text, end) = text.strip_suffix('\n').map_or((text.as_ref(), ""), |text| (text, "\n"));
    let mut plain = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            // As JSON writes it, so that a line of JSON stays one.
            plain.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            plain.push(c);
        }
    }
    plain + end
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.write_all(spelled_out(line).as_bytes());
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

fn filter(config: &Config) -> Result<EnvFilter, TelemetryError> {
    let alone = |part: &&str| !part.is_empty() && !part.contains(['=', '[']);
    let no_level = |part: &&str| part.parse::<tracing_subscriber::filter::LevelFilter>().is_err();
    if let Some(word) = config.log.split(',').map(str::trim).filter(alone).find(no_level) {
        return Err(TelemetryError::Word(word.to_owned()));
    }
    // The session layer calls an expired cookie suspicious; we count such things ourselves.
    let with_quiet = format!("tower_sessions=error,tower_sessions_core=error,{}", config.log);
    EnvFilter::builder().parse(with_quiet).map_err(TelemetryError::Filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that is full.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
    }

    /// What was written, for everybody who holds it.
    #[derive(Clone, Default)]
    struct Kept(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("a lock").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A52: whatever a vendor says, an event is one line, and the line moves no cursor.
    #[test]
    fn no_words_forge_a_line_or_move_a_cursor() {
        let said = "no\n2026-01-01T00:00:00Z  INFO truecount: all is well\r\u{1b}[2K\u{9b}31m\u{202e}\u{2028}\u{7f}\0";
        for format in [LogFormat::Text, LogFormat::Json] {
            let kept = Kept::default();
            let log = subscriber(EnvFilter::new("trace"), format, {
                let kept = kept.clone();
                move || kept.clone()
            });
            tracing::subscriber::with_default(log, || {
                let span = tracing::info_span!("request", path = said);
                span.in_scope(|| {
                    let error = std::io::Error::other(said);
                    tracing::warn!(error = %said, "a task did not work");
                    tracing::warn!(error = &error as &dyn std::error::Error, product = said, "a page failed");
                    tracing::warn!("{said}");
                });
            });
            let bytes = kept.0.lock().expect("a lock").clone();
            let text = String::from_utf8(bytes).expect("text");
            assert_eq!(text.lines().count(), 3, "{format:?}: {text}");
            let odd = |c: &char| *c != '\n' && (c.is_control() || matches!(c, '\u{202e}' | '\u{2028}'));
            assert_eq!(text.chars().find(odd), None, "{format:?}: {text}");
            assert!(
                text.contains("all is well") && text.contains("u009b"),
                "{format:?}: what was said is there: {text}"
            );
            if format == LogFormat::Json {
                for line in text.lines() {
                    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
                    assert!(line.to_string().contains("\u{202e}"), "and is read back as it was: {line}");
                }
            }
        }
    }

    #[test]
    fn a_line_that_cannot_be_written_stops_nothing() {
        let mut log = Line(Full);
        assert_eq!(log.write(b"a line").unwrap(), 6);
        log.flush().unwrap();
    }
}

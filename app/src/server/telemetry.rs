//! The log: set up once, to standard error, as text or JSON. Values are escaped by the formatter; what must never
//! be logged (bodies, tokens, passwords, names) is kept out where the lines are written.

use std::io::{IsTerminal, Write};
use tracing_subscriber::EnvFilter;
use truecount::config::{Config, LogFormat};

/// The log filter cannot be understood, or a log was set up already.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// LOG is no filter.
    #[error("LOG cannot be understood; for example LOG=info,truecount=debug")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
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
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter(config)?).with_writer(|| Unfailing(std::io::stderr()));
    let done = match config.log_format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    done.map_err(|_| TelemetryError::Twice)?;
    std::panic::set_hook(Box::new(|panic| {
        // A message put together at run time may hold what it failed on; only a fixed one is logged.
        let what = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(what, place, "a panic");
    }));
    Ok(())
}

/// Where lines go that nobody has to read: a full disk behind the log, or a reader that went away, stops no sale.
struct Unfailing<W>(W);

impl<W: Write> Write for Unfailing<W> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.write_all(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

fn filter(config: &Config) -> Result<EnvFilter, TelemetryError> {
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

    #[test]
    fn a_line_that_cannot_be_written_stops_nothing() {
        let mut log = Unfailing(Full);
        assert_eq!(log.write(b"a line").unwrap(), 6);
        log.flush().unwrap();
    }
}

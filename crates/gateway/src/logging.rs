//! Logs: JSON lines on stderr, constant messages with fields, never content.

use tracing_subscriber::EnvFilter;

/// The variable that sets what is logged (`tracing` directives, such as `info,hyper=warn`).
const VARIABLE: &str = "AEGIS_LOG";
const DEFAULT: &str = "info";

/// Starts logging for the process.
///
/// # Errors
/// If the directives in `AEGIS_LOG` can't be read, or logging runs already.
pub fn start() -> Result<(), String> {
    let directives = std::env::var(VARIABLE).unwrap_or_else(|_| DEFAULT.to_owned());
    let filter = EnvFilter::try_new(&directives).map_err(|e| format!("{VARIABLE}: {e}"))?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init()
        .map_err(|e| e.to_string())
}

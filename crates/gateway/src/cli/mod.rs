//! The command line. Data on stdout, errors on stderr; exit 0 done, 1 a check failed, 2 usage.

mod audit;
mod check;
mod lines;
mod redact;
mod scan;
mod serve;
mod token;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::policy::PolicySpec;

/// AEGIS: a security gateway for LLM traffic.
#[derive(Debug, Parser)]
#[command(name = "aegis", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the gateway; SIGHUP reloads the policy, SIGTERM drains.
    Serve(PolicyArgument),
    /// Validates a policy and prints what is enforced on each route.
    Check(PolicyArgument),
    /// Scans texts: JSON lines `{"id","text","role"?}` in, one result a line out.
    Scan(OptionalPolicy),
    /// Masks texts: JSON lines `{"id","text"}` in, `{"id","text","findings"}` out.
    Redact(redact::RedactArguments),
    /// Reads and verifies the audit log.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Prints a development token; needs `auth.development` in the policy.
    Token(token::TokenArguments),
    /// Prints the JSON Schema of the policy file.
    Schema,
}

/// The policy of a command.
#[derive(Debug, clap::Args)]
struct PolicyArgument {
    /// The policy file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// The policy of a command that has built-in defaults.
#[derive(Debug, clap::Args)]
struct OptionalPolicy {
    /// The policy file; every check with its defaults where absent.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// How a command ended, short of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    /// What was checked did not hold.
    Failed,
}

/// An error for the person at the terminal.
type CommandError = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(&arguments.config),
        Command::Check(arguments) => check::run(&arguments.config),
        Command::Scan(arguments) => scan::run(arguments.config.as_deref()),
        Command::Redact(arguments) => redact::run(&arguments),
        Command::Audit(command) => audit::run(&command),
        Command::Token(arguments) => token::run(&arguments),
        Command::Schema => schema(),
    };
    match done {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(error) => {
            writeln!(std::io::stderr(), "aegis: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn schema() -> Result<Outcome, CommandError> {
    let schema = schemars::schema_for!(PolicySpec);
    writeln!(
        std::io::stdout(),
        "{}",
        serde_json::to_string_pretty(&schema)?
    )?;
    Ok(Outcome::Done)
}

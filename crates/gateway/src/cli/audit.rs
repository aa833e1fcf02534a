//! `aegis audit verify | query | export`: reading the log; nothing here writes to it.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use aegis_audit::{Filter, Store, VerifierKey, VerifyOptions, export, open_reader, verify};
use aegis_core::Secret;
use clap::Subcommand;

use super::{CommandError, Outcome};
use crate::assemble::audit_secrets;
use crate::policy::{Policy, Secrets};

/// What to do with the log.
#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Finds any change, deletion, reorder or truncation, and names the first bad event.
    Verify(VerifyArguments),
    /// Prints events as JSON lines.
    Query(QueryArguments),
    /// Prints the whole log with its hashes and checkpoints as JSON lines.
    Export(StoreArguments),
}

/// Which log.
#[derive(Debug, clap::Args)]
pub(super) struct StoreArguments {
    /// The policy file that names the store.
    #[arg(long, value_name = "FILE", required_unless_present = "store")]
    config: Option<PathBuf>,
    /// The store itself: `sqlite:FILE` or `postgres://…`.
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    store: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The key to trust (C2SP vkey), or the file that holds it; from the policy where absent.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// A checkpoint saved earlier: proves that the log was not rolled back behind it.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct QueryArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Only events of this actor id.
    #[arg(long)]
    actor: Option<String>,
    /// Only events of this type, such as `request.refused`.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only events since this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<SystemTime>,
    /// Only events before this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<SystemTime>,
    /// At most this many events.
    #[arg(long, default_value_t = 1_000)]
    limit: u32,
}

fn time(text: &str) -> Result<SystemTime, jiff::Error> {
    text.parse::<jiff::Timestamp>().map(SystemTime::from)
}

pub(super) fn run(command: &AuditCommand) -> Result<Outcome, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command {
            AuditCommand::Verify(arguments) => verify_log(arguments).await,
            AuditCommand::Query(arguments) => query(arguments).await,
            AuditCommand::Export(arguments) => export_log(arguments).await,
        }
    })
}

impl StoreArguments {
    /// The store, and the key and bounds that the policy gives for it.
    async fn open(&self) -> Result<(Box<dyn Store>, Option<(VerifierKey, u64)>), CommandError> {
        if let Some(address) = &self.store {
            return Ok((open_reader(&Secret::new(address.as_str())).await?, None));
        }
        let policy = Policy::load(
            self.config
                .as_deref()
                .unwrap_or_else(|| std::path::Path::new("")),
        )?;
        let (store, signing_key) = audit_secrets(&policy, &Secrets::from_environment())?;
        let spec = &policy.spec.audit;
        let known = (
            spec.verifier(&store, signing_key.as_ref())?,
            spec.uncovered_max(),
        );
        Ok((open_reader(&store).await?, Some(known)))
    }
}

/// A key as given: itself, or the content of the file of that name.
fn given_key(text: &str) -> Result<VerifierKey, CommandError> {
    let text = std::fs::read_to_string(text).unwrap_or_else(|_| text.to_owned());
    Ok(text.trim().parse()?)
}

/// A saved checkpoint: the note itself, or the line of an export that holds it.
fn note_of(text: &str) -> String {
    let line: Option<serde_json::Value> = serde_json::from_str(text.trim()).ok();
    let note = line.as_ref().and_then(|line| line["note"].as_str());
    note.unwrap_or(text).to_owned()
}

async fn verify_log(arguments: &VerifyArguments) -> Result<Outcome, CommandError> {
    let (mut store, known) = arguments.store.open().await?;
    let (key, uncovered_max) = match (&arguments.key, known) {
        (Some(given), Some((_, uncovered))) => (given_key(given)?, Some(uncovered)),
        (Some(given), None) => (given_key(given)?, None),
        (None, Some((key, uncovered))) => (key, Some(uncovered)),
        (None, None) => return Err("--key: name the key to trust, or use --config".into()),
    };
    let keys = [key];
    let mut options = VerifyOptions::new(&keys);
    options.uncovered_max = uncovered_max.unwrap_or(options.uncovered_max);
    let saved = arguments
        .checkpoint
        .as_ref()
        .map(std::fs::read_to_string)
        .transpose()?;
    let saved = saved.map(|text| note_of(&text));
    options.saved = saved.as_deref();
    let terminal = std::io::stderr().is_terminal();
    let mut progress = |done: u64, total: u64| {
        if terminal {
            write!(std::io::stderr(), "\r{done} of {total} events").ok();
        }
    };
    let report = verify(&mut *store, &options, &mut progress).await?;
    if terminal {
        writeln!(std::io::stderr()).ok();
    }
    writeln!(std::io::stdout(), "{report}")?;
    Ok(if report.is_intact() {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}

async fn query(arguments: &QueryArguments) -> Result<Outcome, CommandError> {
    let (mut store, _) = arguments.store.open().await?;
    let filter = Filter {
        log: None,
        actor: arguments.actor.clone(),
        event_type: arguments.event_type.clone(),
        since: arguments.since,
        until: arguments.until,
        limit: arguments.limit,
    };
    let mut out = std::io::stdout().lock();
    for event in store.query(&filter).await? {
        writeln!(out, "{}", event.to_json())?;
    }
    Ok(Outcome::Done)
}

async fn export_log(arguments: &StoreArguments) -> Result<Outcome, CommandError> {
    let (mut store, _) = arguments.open().await?;
    export(&mut *store, None, &mut std::io::stdout()).await?;
    Ok(Outcome::Done)
}

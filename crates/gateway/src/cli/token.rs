//! `aegis token`: a development token.

use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;

use aegis_auth::MintRequest;
use aegis_core::ActorType;

use super::{CommandError, Outcome};
use crate::policy::Policy;

/// What the token says.
#[derive(Debug, clap::Args)]
pub(super) struct TokenArguments {
    /// The policy file; it must have `auth.development`.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The subject (`sub`).
    #[arg(long)]
    subject: String,
    /// A role; may be given several times.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// The tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// An authentication method (`amr`, RFC 8176), such as `mfa`; may be given several times.
    #[arg(long = "amr", value_name = "METHOD")]
    amr: Vec<String>,
}

pub(super) fn run(arguments: &TokenArguments) -> Result<Outcome, CommandError> {
    let policy = Policy::load(&arguments.config)?;
    let development = policy.spec.auth.development.as_ref().ok_or_else(|| {
        policy.error("auth.development: not configured; tokens come from your identity provider")
    })?;
    let request = MintRequest {
        subject: &arguments.subject,
        actor_type: ActorType::User,
        roles: &arguments.roles,
        tenant: arguments.tenant.as_deref(),
        amr: &arguments.amr,
    };
    let token = development
        .open(policy.folder())?
        .mint(&request, SystemTime::now())?;
    writeln!(std::io::stdout(), "{token}")?;
    Ok(Outcome::Done)
}

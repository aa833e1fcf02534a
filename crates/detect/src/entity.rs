//! The kinds of value that AEGIS knows: personal data and secrets, each with the forms it is
//! written in, what may stand beside it, and its checksum or structure.
//!
//! Precision comes from validators (Luhn, mod 97, mod 11, issuer and area rules, entropy) and from
//! structure: a run of digits without any is a value only if it has a checksum and a known prefix,
//! or a word beside it that says what it is (that word is part of the form, and stays visible).
//!
//! Not caught: names and addresses (no structure), digits without a checksum, format or context
//! word, and passwords that are not introduced as such.

mod checksum;
mod contact;
mod credential;
mod identity;
mod key;
mod payment;
mod phone;
mod shape;

#[cfg(test)]
mod tests;

use crate::redact::Detector;

/// The kinds of personal data, in the order of the documentation.
pub const PII: &[&str] = &[
    "email",
    "phone",
    "card",
    "iban",
    "ssn",
    "emirates_id",
    "saudi_id",
    "nhs",
    "nino",
    "ip",
];

/// The kinds of secrets, from the most specific to the most general.
pub const SECRETS: &[&str] = &[
    "private_key",
    "openai_key",
    "anthropic_key",
    "huggingface_token",
    "aws_access_key",
    "aws_secret_key",
    "gcp_api_key",
    "gcp_service_account",
    "google_oauth",
    "azure_key",
    "github_token",
    "gitlab_token",
    "slack_token",
    "slack_webhook",
    "stripe_key",
    "twilio_key",
    "sendgrid_key",
    "npm_token",
    "pypi_token",
    "telegram_token",
    "discord_token",
    "digitalocean_token",
    "shopify_token",
    "databricks_token",
    "service_token",
    "jwt",
    "connection_string",
    "basic_auth_url",
    "bearer_token",
    "password",
    "generic_secret",
];

/// The name that stands for all of [`PII`].
const ALL_PII: &str = "pii";

/// The name that stands for all of [`SECRETS`].
const ALL_SECRETS: &str = "secrets";

/// The detector of the kind `name`.
#[must_use]
pub fn detector(name: &str) -> Option<Detector> {
    let detector = match name {
        "email" => contact::email(),
        "phone" => phone::phone(),
        "ip" => contact::ip(),
        "card" => payment::card(),
        "iban" => payment::iban(),
        "ssn" => identity::ssn(),
        "emirates_id" => identity::emirates_id(),
        "saudi_id" => identity::saudi_id(),
        "nhs" => identity::nhs(),
        "nino" => identity::nino(),
        "connection_string" => credential::connection_string(),
        "basic_auth_url" => credential::basic_auth_url(),
        "bearer_token" => credential::bearer_token(),
        "password" => credential::password(),
        "generic_secret" => credential::generic_secret(),
        _ => return key::detector(name),
    };
    Some(detector)
}

/// The detectors that `name` stands for: one kind, or the group `pii` or `secrets`.
#[must_use]
pub fn detectors(name: &str) -> Option<Vec<Detector>> {
    match name {
        ALL_PII => PII.iter().copied().map(detector).collect(),
        ALL_SECRETS => SECRETS.iter().copied().map(detector).collect(),
        one => detector(one).map(|detector| vec![detector]),
    }
}

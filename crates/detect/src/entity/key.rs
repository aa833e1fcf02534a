//! Keys and tokens that their makers gave a form of their own.
//!
//! Most have a prefix and a body: the form is the prefix with the least body that is unmistakable,
//! and the value goes on while characters are in the body's class, so that longer ones of the
//! next generation are masked whole.

use aegis_core::Category;

use super::shape::{at_value, distinct, is_varied};
use crate::redact::{Detector, Form, Left};

/// Which characters a body goes on with.
#[derive(Debug, Clone, Copy)]
enum Body {
    /// No further ones: the length is fixed.
    Fixed,
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `_` and `-` (base64url).
    Url,
    /// Base64url with dots between.
    Dotted,
    /// Letters, digits, `+`, `/`, `=` (base64) and `%` (encoded).
    Base64,
}

/// Kind, expression, body.
type Key = (&'static str, &'static str, Body);

const KEYS: &[Key] = &[
    (
        "openai_key",
        "sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20}",
        Body::Url,
    ),
    ("openai_key", "sk-[A-Za-z0-9]{20}", Body::Alnum),
    (
        "anthropic_key",
        "sk-ant-[a-z0-9]{2,12}-[A-Za-z0-9_-]{20}",
        Body::Url,
    ),
    ("huggingface_token", "hf_[A-Za-z0-9]{34}", Body::Fixed),
    ("huggingface_token", "api_org_[A-Za-z0-9]{34}", Body::Fixed),
    (
        "aws_access_key",
        "(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
        Body::Fixed,
    ),
    ("gcp_api_key", "AIza[A-Za-z0-9_-]{35}", Body::Url),
    ("google_oauth", "ya29\\.[A-Za-z0-9_-]{20}", Body::Dotted),
    ("google_oauth", "GOCSPX-[A-Za-z0-9_-]{20}", Body::Url),
    (
        "azure_key",
        "[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",
        Body::Fixed,
    ),
    ("github_token", "gh[pousr]_[A-Za-z0-9]{36}", Body::Alnum),
    (
        "github_token",
        "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{20}",
        Body::Url,
    ),
    (
        "gitlab_token",
        "gl(?:pat|dt|ptt|rt|ft|oas|cbt|agent|imt|soat|ffct)-[A-Za-z0-9_=-]{20}",
        Body::Dotted,
    ),
    ("slack_token", "xox[abeoprs]-[A-Za-z0-9-]{16}", Body::Url),
    (
        "slack_token",
        "xoxe\\.xox[bp]-[0-9]-[A-Za-z0-9-]{20}",
        Body::Url,
    ),
    (
        "slack_token",
        "xapp-[0-9]-[A-Z0-9]{9,12}-[0-9]{10,14}-[a-f0-9]{20}",
        Body::Alnum,
    ),
    (
        "slack_webhook",
        "https://hooks\\.slack\\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20}",
        Body::Base64,
    ),
    (
        "stripe_key",
        "(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{16}",
        Body::Alnum,
    ),
    ("stripe_key", "whsec_[A-Za-z0-9+/]{24}", Body::Base64),
    ("twilio_key", "SK[0-9a-f]{32}", Body::Fixed),
    (
        "sendgrid_key",
        "SG\\.[A-Za-z0-9_-]{16,32}\\.[A-Za-z0-9_-]{30}",
        Body::Url,
    ),
    ("npm_token", "npm_[A-Za-z0-9]{36}", Body::Alnum),
    ("pypi_token", "pypi-Ag[A-Za-z0-9_-]{30}", Body::Url),
    (
        "telegram_token",
        "[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
        Body::Fixed,
    ),
    (
        "discord_token",
        "[MNO][A-Za-z0-9_-]{23,27}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27}",
        Body::Url,
    ),
    (
        "discord_token",
        "https://(?:ptb\\.|canary\\.)?discord(?:app)?\\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{30}",
        Body::Url,
    ),
    ("digitalocean_token", "do[opr]_v1_[a-f0-9]{64}", Body::Fixed),
    (
        "shopify_token",
        "shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
        Body::Fixed,
    ),
    (
        "databricks_token",
        "dapi[a-f0-9]{32}(?:-[0-9])?",
        Body::Fixed,
    ),
    // JSON Web Tokens: two objects (`{"`), or one that begins as token headers do.
    (
        "jwt",
        "eyJ[A-Za-z0-9_-]{8,256}\\.eyJ[A-Za-z0-9_-]{4}",
        Body::Dotted,
    ),
    (
        "jwt",
        "eyJ(?:hbGciOi|0eXAiOi|raWQiOi|4NXQiOi|qa3UiOi|jdHkiOi|lbmMiOi)[A-Za-z0-9_-]{8}",
        Body::Dotted,
    ),
];

/// Tokens of further services, one kind in policies.
const SERVICES: &[(&str, Body)] = &[
    ("AGE-SECRET-KEY-1[A-Z0-9]{58}", Body::Fixed),
    ("ATATT3[A-Za-z0-9_=-]{40}", Body::Url), // Atlassian
    (
        "A3-[A-Z0-9]{6}-[A-Z0-9]{6,11}-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
        Body::Fixed,
    ), // 1Password
    ("EAAA[lE][A-Za-z0-9_-]{50}", Body::Url), // Square
    ("HRKU-AA[A-Za-z0-9_-]{40}", Body::Url), // Heroku
    ("NRAK-[A-Z0-9]{27}", Body::Fixed),      // New Relic
    ("PMAK-[a-f0-9]{24}-[a-f0-9]{34}", Body::Fixed), // Postman
    ("dop?\\.v1\\.[A-Za-z0-9_-]{30}", Body::Url),
    (
        "dp\\.(?:pt|st|sa|ct|scim|audit)\\.[A-Za-z0-9]{40}",
        Body::Alnum,
    ), // Doppler
    (
        "dt0[a-z][0-9]{2}\\.[A-Z0-9]{24}\\.[A-Z0-9]{60}",
        Body::Alnum,
    ), // Dynatrace
    ("figd_[A-Za-z0-9_-]{36}", Body::Url),
    ("glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}", Body::Fixed), // Grafana
    ("glc_[A-Za-z0-9+/]{32}", Body::Base64),
    ("gsk_[A-Za-z0-9]{48}", Body::Alnum),       // Groq
    ("hv[sbr]\\.[A-Za-z0-9_-]{24}", Body::Url), // Vault
    ("key-[0-9a-f]{32}", Body::Fixed),          // Mailgun
    ("lin_api_[A-Za-z0-9]{40}", Body::Alnum),
    ("ntn_[0-9]{11}[A-Za-z0-9]{35}", Body::Alnum), // Notion
    ("ops_eyJ[A-Za-z0-9+/]{60}", Body::Base64),    // 1Password
    ("pnu_[A-Za-z0-9]{36}", Body::Fixed),          // Prefect
    ("pplx-[A-Za-z0-9]{48}", Body::Alnum),
    ("pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32}", Body::Url),
    ("pul-[a-f0-9]{40}", Body::Fixed),   // Pulumi
    ("r8_[A-Za-z0-9]{37}", Body::Fixed), // Replicate
    ("rdme_[a-z0-9]{70}", Body::Fixed),
    ("rubygems_[a-f0-9]{48}", Body::Fixed),
    ("s-s4t2(?:ud|af)-[a-f0-9]{64}", Body::Fixed), // Intra42
    ("sbp_[a-f0-9]{40}", Body::Fixed),             // Supabase
    (
        "sgp_(?:[A-Fa-f0-9]{16}_|local_)?[A-Fa-f0-9]{40}",
        Body::Fixed,
    ), // Sourcegraph
    ("sha256~[A-Za-z0-9_-]{43}", Body::Fixed),     // OpenShift
    ("shippo_(?:live|test)_[a-f0-9]{40}", Body::Fixed),
    ("sk-or-v1-[a-f0-9]{40}", Body::Alnum), // OpenRouter
    ("sntry[su]_[A-Za-z0-9+/=_]{40}", Body::Base64), // Sentry
    ("sq0[a-z]{3}-[A-Za-z0-9_-]{22}", Body::Url), // Square
    ("sq[apu]_[A-Za-z0-9]{40}", Body::Fixed), // Sonar
    ("tk-us-[A-Za-z0-9_-]{48}", Body::Url), // Scalingo
    ("xai-[A-Za-z0-9]{60}", Body::Alnum),
];

/// A Google service account's `"private_key_id": "…"`.
const GCP_KEY_ID: &str = "private_key_id[\"']?[ ]{0,3}:[ ]{0,3}[\"']?[a-f0-9]{40}";

/// An AWS secret key in an assignment.
const AWS_SECRET: &str = "(?i-u:(?:aws[ _-]?)?secret[ _-]?access[ _-]?key|aws[ _-]?secret(?:[ _-]?key)?)\
    [\"']?[ \t]{0,3}(?:=>|:=|[=:])[ \t]{0,3}[\"'`]?[A-Za-z0-9/+]{40}";

/// Keys in Azure connection strings and in signed URLs.
const AZURE_SECRET: &str =
    "(?:(?i-u:AccountKey|SharedAccessKey|SharedSecretKey)|sig)=[A-Za-z0-9%+/]{40}";

const PEM: &str = "-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----";
const PEM_END: &str = "-----END (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----";

/// The detector of a kind in this table.
pub(super) fn detector(name: &str) -> Option<Detector> {
    let secret = |name| Detector::new(name, Category::Secret, 90);
    let detector = match name {
        "private_key" => Detector::new("private_key", Category::Secret, 100)
            .form(Form::new(PEM).left(Left::Any).until(PEM_END)),
        "service_token" => {
            secret("service_token").forms(SERVICES.iter().map(|&(core, body)| form(core, body)))
        }
        "gcp_service_account" => {
            secret("gcp_service_account").form(Form::new(GCP_KEY_ID).lead(at_value))
        }
        "aws_secret_key" => secret("aws_secret_key").form(
            Form::new(AWS_SECRET)
                .left(Left::Any)
                .accept(is_aws_secret)
                .lead(at_value),
        ),
        _ => {
            let (known, ..) = KEYS.iter().find(|(known, ..)| *known == name)?;
            let forms = KEYS.iter().filter(|(known, ..)| *known == name);
            let detector = secret(known).forms(forms.map(|&(_, core, body)| form(core, body)));
            if *known == "azure_key" {
                detector.form(
                    Form::new(AZURE_SECRET)
                        .accept(is_key)
                        .lead(at_value)
                        .run(is_base64, ""),
                )
            } else {
                detector
            }
        }
    };
    Some(detector)
}

fn form(core: &'static str, body: Body) -> Form {
    let form = Form::new(core).accept(is_key);
    match body {
        Body::Fixed => form,
        Body::Alnum => form.run(|c| c.is_ascii_alphanumeric(), ""),
        Body::Url => form.run(is_url, ""),
        Body::Dotted => form.run(is_url, "."),
        Body::Base64 => form.run(is_base64, ""),
    }
}

fn is_url(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '%' | '_' | '-')
}

/// Not a row of `x` or zeros in a key's place.
fn is_key(text: &str) -> bool {
    is_varied(text) && !text.to_ascii_lowercase().contains("xxxxxx")
}

fn is_aws_secret(text: &str) -> bool {
    distinct(text.get(at_value(text)..).unwrap_or_default()) >= 12
}

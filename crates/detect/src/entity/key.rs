//! Keys and tokens that their makers gave a form of their own.
//!
//! Most have a prefix and a body: the form is the prefix with the least body that is unmistakable,
//! and the value goes on while characters are in the body's class, so that longer ones of the
//! next generation are masked whole.

mod table;

use aegis_core::Category;

use super::shape::{at_value, distinct, is_varied};
use crate::redact::{Detector, Form, Left};

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

/// The detector of a kind of key.
pub(super) fn detector(name: &str) -> Option<Detector> {
    let secret = |name| Detector::new(name, Category::Secret, 90);
    let detector = match name {
        "private_key" => Detector::new("private_key", Category::Secret, 100)
            .form(Form::new(PEM).left(Left::Any).until(PEM_END)),
        "gcp_service_account" => {
            secret("gcp_service_account").form(Form::new(GCP_KEY_ID).lead(at_value))
        }
        "aws_secret_key" => {
            let form = Form::new(AWS_SECRET).left(Left::Any).lead(at_value);
            secret("aws_secret_key").form(form.accept(is_aws_secret))
        }
        "azure_key" => {
            let assigned = Form::new(AZURE_SECRET).accept(is_key).lead(at_value);
            let azure = secret("azure_key").forms(listed(name).map(|(_, form)| form));
            azure.form(assigned.run(is_base64, ""))
        }
        _ => {
            let (known, _) = listed(name).next()?;
            secret(known).forms(listed(name).map(|(_, form)| form))
        }
    };
    Some(detector)
}

/// The forms of a kind in the table.
fn listed(name: &str) -> impl Iterator<Item = (&'static str, Form)> {
    let fixed = table::FIXED.iter().map(|key| (key, None));
    let alnum = table::ALNUM
        .iter()
        .map(|key| (key, Some((is_alnum as fn(char) -> bool, ""))));
    let url = table::URL
        .iter()
        .map(|key| (key, Some((is_url as fn(char) -> bool, ""))));
    let dotted = table::DOTTED
        .iter()
        .map(|key| (key, Some((is_url as fn(char) -> bool, "."))));
    let base64 = table::BASE64
        .iter()
        .map(|key| (key, Some((is_base64 as fn(char) -> bool, ""))));
    let all = fixed.chain(alnum).chain(url).chain(dotted).chain(base64);
    all.filter(move |((kind, _), _)| *kind == name)
        .map(|(&(kind, core), body)| {
            let form = Form::new(core).accept(is_key);
            match body {
                Some((class, glue)) => (kind, form.run(class, glue)),
                None => (kind, form),
            }
        })
}

fn is_alnum(c: char) -> bool {
    c.is_ascii_alphanumeric()
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

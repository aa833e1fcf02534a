//! Secrets without a form of their own: what says that they are some is the text before them.

use aegis_core::Category;

use super::shape::{at_last_word, at_value, is_random, is_stand_in};
use crate::redact::{Detector, Form, Left, Right};

/// `postgres://user:password@`; what follows belongs to it.
const CONNECTION: &str = "(?i-u:postgres(?:ql)?|mysql|mariadb|mongodb|redis|rediss|valkey|amqps?|mssql|sqlserver|\
    oracle|clickhouse|cockroachdb|snowflake|ldaps?|ftps?|sftp|smtps?|nats|kafka)(?:\\+[a-z0-9]{1,12})?://\
    [A-Za-z0-9._%+~$-]{0,64}:[!#-&(-.0-;=?A-_a-~]{1,128}@";

/// `https://user:password`, before an `@`.
const BASIC_AUTH: &str =
    "(?i-u:https?|wss?)://[A-Za-z0-9._%+~$-]{1,64}:[!#-&(-.0-;=?A-_a-~]{1,128}";

const BEARER: &str = "(?i-u:bearer)[ ]{1,2}[A-Za-z0-9._~+/-]{16}";

/// `Authorization: Basic dXNlcjpwYXNz…`.
const AUTHORIZATION: &str = "(?i-u:authorization)[\"']?[ ]{0,2}[:=][ ]{0,2}[\"']?(?i-u:basic|token|apikey) [A-Za-z0-9+/_-]{12}";

/// A key with a separator and perhaps an opening quote behind it.
macro_rules! assigned {
    ($key:literal, $value:literal) => {
        concat!(
            $key,
            "[\"'`]?(?:[ \\t]{0,2}(?:=>|==|[:?]{0,2}=|:)[ \\t]{0,2}| is )[\"'`]?",
            $value
        )
    };
}

/// Words for a password, in the languages of most users.
macro_rules! password {
    ($value:literal) => {
        assigned!(
            "(?:(?i-u:password|passwd|passphrase|passcode|pwd|passwort|contrase(?-i:ñ|n)a|senha|mot de passe)\
            |密码|비밀번호|كلمة (?:المرور|السر))",
            $value
        )
    };
}

/// In quotes: everything up to the closing one.
const PASSWORD_QUOTED: &str = password!("[ !#-&(-_a-~]{6,64}");
/// Without: up to a space, not the punctuation behind it.
const PASSWORD_PLAIN: &str = password!("[!#-&(-+./0-:<-_a-~-]{5,63}[!#-&*+/0-9<-Z^_a-|~-]");
/// Longer than that: the rest is masked as it comes.
const PASSWORD_LONG: &str = password!("[!#-&(-_a-~]{65}");

/// Names that say enough, `openaiApiKey` too.
const ASSIGNED: &str = assigned!(
    "(?i-u:api[ _-]?key|secret[ _-]?key|client[ _-]?secret|access[ _-]?token|auth[ _-]?token|refresh[ _-]?token|\
    session[ _-]?token|api[ _-]?token|bot[ _-]?token|id[ _-]?token|encryption[ _-]?key|signing[ _-]?key|access[ _-]?key)[0-9_]{0,3}",
    "[A-Za-z0-9_+/=.~-]{16}"
);
/// Names that must stand by themselves: a `PublicKeyToken` is none.
const ASSIGNED_WORD: &str = assigned!(
    "(?i-u:secret|token|credentials?|login)[0-9_]{0,3}",
    "[A-Za-z0-9_+/=.~-]{16}"
);

/// Database and broker URLs with a password in them, whole.
pub(super) fn connection_string() -> Detector {
    let form = Form::new(CONNECTION)
        .accept(has_password)
        .run(is_url, ".,;:?!)");
    Detector::new("connection_string", Category::Secret, 80).form(form)
}

/// User and password in a web address; the address stays.
pub(super) fn basic_auth_url() -> Detector {
    let form = Form::new(BASIC_AUTH).right(Right::Only('@'));
    let form = form.accept(has_password).lead(at_credentials);
    Detector::new("basic_auth_url", Category::Secret, 75).form(form)
}

/// Tokens in an `Authorization` header.
pub(super) fn bearer_token() -> Detector {
    let bearer = Form::new(BEARER).accept(is_bearer).lead(at_last_word);
    let other = Form::new(AUTHORIZATION).lead(at_last_word);
    Detector::new("bearer_token", Category::Secret, 60)
        .form(bearer.run(is_token, "."))
        .form(other.run(is_token, "."))
}

/// Passwords that are introduced as such, by a key or a sentence.
pub(super) fn password() -> Detector {
    let form = |core| Form::new(core).left(Left::Any).lead(at_value);
    Detector::new("password", Category::Secret, 55)
        .form(form(PASSWORD_PLAIN).right(Right::Value).accept(is_password))
        .form(
            form(PASSWORD_QUOTED)
                .right(Right::Any)
                .accept(is_quoted_password),
        )
        .form(form(PASSWORD_LONG).accept(is_password).run(is_printed, ""))
}

/// Keys and tokens without a known form that are assigned to a name that says what they are.
pub(super) fn generic_secret() -> Detector {
    let form = |core| {
        Form::new(core)
            .accept(is_secret)
            .lead(at_value)
            .run(is_token, ".")
    };
    Detector::new("generic_secret", Category::Secret, 50)
        .form(form(ASSIGNED).left(Left::Any))
        .form(form(ASSIGNED_WORD).left(Left::Name))
}

fn value(text: &str) -> &str {
    text.get(at_value(text)..).unwrap_or_default()
}

/// Where user and password begin in a URL.
fn at_credentials(text: &str) -> usize {
    text.find("://").map_or(0, |at| at + "://".len())
}

/// Whether the URL's password is one, and not a stand-in.
fn has_password(text: &str) -> bool {
    let credentials = text.get(at_credentials(text)..).unwrap_or_default();
    let password = credentials.split_once(':').map(|(_, password)| password);
    password.is_some_and(|password| !is_stand_in(password.trim_end_matches('@')))
}

fn is_bearer(text: &str) -> bool {
    let token = text.get(at_last_word(text)..).unwrap_or_default();
    let has = |kind: fn(&u8) -> bool| token.bytes().any(|byte| kind(&byte));
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && !is_stand_in(token)
}

/// Whether a value is a password rather than a word, a name in code or a stand-in.
fn is_password(text: &str) -> bool {
    let value = value(text);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ':');
    let strong = value.chars().any(|c| c.is_ascii_digit() || !plain(c));
    let name = value.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
    let called = name
        .is_some_and(|at| at > 0 && value.get(at..).unwrap_or_default().starts_with(['(', '[']));
    strong && !called && !value.starts_with(['/', '(']) && !is_stand_in(value)
}

/// A quoted value is no code, and may hold spaces; a sentence has no digit.
fn is_quoted_password(text: &str) -> bool {
    let from = at_value(text);
    let quoted = text
        .get(..from)
        .is_some_and(|head| head.ends_with(['"', '\'', '`']));
    quoted && text.bytes().any(|byte| byte.is_ascii_digit()) && !is_stand_in(value(text))
}

fn is_secret(text: &str) -> bool {
    is_random(value(text)) && !is_stand_in(value(text))
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '~' | '+' | '/' | '=' | '-')
}

fn is_printed(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '`')
}

/// What a URL goes on with, without what ends a sentence.
fn is_url(c: char) -> bool {
    c.is_ascii_graphic()
        && !matches!(
            c,
            '"' | '\'' | '`' | '<' | '>' | '.' | ',' | ';' | ':' | '?' | '!' | ')'
        )
}

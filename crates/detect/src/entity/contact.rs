//! E-mail and IP addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use aegis_core::Category;

use crate::redact::{Canon, Detector, Form, Left, Right};

/// Local part, labels, top-level domain. Latin letters may carry accents; the local part is no
/// longer than RFC 5321 allows (64), so that what may still become an address is bounded.
const EMAIL: &str = "[A-Za-z0-9_À-ÖØ-öø-ɏ][A-Za-z0-9À-ÖØ-öø-ɏ._%+'-]{0,63}@\
    (?:[A-Za-z0-9À-ÖØ-öø-ɏ](?:[A-Za-z0-9À-ÖØ-öø-ɏ-]{0,61}[A-Za-z0-9À-ÖØ-öø-ɏ])?\\.){1,5}\
    (?:[A-Za-z]{2,24}|(?i-u:xn--)[A-Za-z0-9-]{1,59})";

/// File endings that are no top-level domains: `logo@2x.png` is no address.
const FILES: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "bmp", "js", "mjs", "jsx", "ts", "tsx",
    "json", "html", "htm", "css", "scss", "xml", "yaml", "yml", "toml", "txt", "pdf", "exe", "dll",
    "lock", "min", "log", "csv",
];

const IPV4: &str = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\
    (?:\\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}";

const IPV6_FULL: &str = "(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}\
    |(?:[0-9A-Fa-f]{1,4}:){6}[0-9]{1,3}(?:\\.[0-9]{1,3}){3}";

const IPV6_SHORT: &str = "(?:(?:[0-9A-Fa-f]{1,4}:){1,7}:|::)(?:[0-9A-Fa-f]{1,4}:){0,6}\
    (?:[0-9A-Fa-f]{1,4}|[0-9]{1,3}(?:\\.[0-9]{1,3}){3})?";

/// `jane.doe+tag@mail.example.com`. Not: `git@github.com` (an address of no person),
/// `logo@2x.png`, `user@localhost`.
pub(super) fn email() -> Detector {
    Detector::new("email", Category::Pii, 40)
        .canon(Canon::Lower)
        .form(Form::new(EMAIL).accept(is_email))
}

/// Addresses that are somebody's: public, private and link-local ones. Not: loopback, unspecified,
/// broadcast and net masks, four single digits (`1.2.3.4`, a version or a heading), short IPv6
/// forms outside the allocated ranges (`a::b` is code), and eight pairs of hex digits (a key's
/// fingerprint).
pub(super) fn ip() -> Detector {
    let v6 = |core| Form::new(core).right(Right::Address).accept(is_ipv6);
    Detector::new("ip", Category::Pii, 38)
        .canon(Canon::Lower)
        .form(
            Form::new(IPV4)
                .left(Left::Number)
                .right(Right::Number)
                .accept(is_ipv4),
        )
        .form(v6(IPV6_FULL))
        .form(v6(IPV6_SHORT).left(Left::Address))
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let ending = domain.rsplit('.').next().unwrap_or_default();
    let ending = ending.to_ascii_lowercase();
    local != "git" && !local.contains("..") && !local.ends_with('.') && !FILES.contains(&&*ending)
}

fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok_and(is_somebodys)
}

fn is_somebodys(ip: Ipv4Addr) -> bool {
    let single_digits = ip.octets().iter().all(|&octet| octet < 10);
    !(ip.is_loopback()
        || single_digits
        || ip.octets().starts_with(&[0])
        || ip.octets().starts_with(&[255]))
}

fn is_ipv6(text: &str) -> bool {
    let Ok(ip) = text.parse::<Ipv6Addr>() else {
        return false;
    };
    if ip.is_loopback() || ip.is_unspecified() {
        return false;
    }
    if let Some(v4) = ip.to_ipv4() {
        return text.contains('.') && is_somebodys(v4);
    }
    let head = ip.segments().first().copied().unwrap_or(0);
    let allocated = matches!(head, 0x2000..=0x3FFF | 0x64 | 0xFC00..=0xFDFF | 0xFE80..=0xFEBF | 0xFF00..=0xFFFF);
    if text.contains("::") {
        allocated
    } else {
        text.split(':').any(|group| group.len() > 2)
    }
}

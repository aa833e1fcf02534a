//! The development issuer: tokens without an identity provider, on loopback.
//!
//! 1. Its Ed25519 key is a private JWK in a file that only its owner may read. It is created on
//!    first use, whole or not at all, so that a server and a command line can start at once.
//! 2. Its tokens go through the same verification as all others.
//!
//! What it does not do: keep anyone out who can read the file. The gateway therefore refuses a
//! policy that has it together with a listener beyond loopback.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use aegis_core::ActorType;
use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::clock::unix;
use crate::credential::TOKEN_BYTES_MAX;
use crate::json::{self, Json};
use crate::keys::{KeySet, jwk};
use crate::spec::{BuildError, DevelopmentSpec};
use crate::token::claims::is_plain;

/// Its name, its `iss` and the id of its key.
pub(crate) const NAME: &str = "aegis-development";

/// Its `aud`.
pub(crate) const AUDIENCE: &str = "aegis";

/// A key file is this long at most, in bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024;

/// The issuer with its private key.
pub struct DevelopmentIssuer {
    key: Ed25519KeyPair,
    lifetime: Duration,
}

/// What a token should say.
#[derive(Debug, Clone, Copy)]
pub struct MintRequest<'a> {
    /// `sub`.
    pub subject: &'a str,
    /// User, agent or system.
    pub actor_type: ActorType,
    /// Role names.
    pub roles: &'a [String],
    /// The tenant.
    pub tenant: Option<&'a str>,
    /// Authentication methods, such as `mfa`.
    pub amr: &'a [String],
}

/// Why a token could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// A value that the gateway would refuse.
    #[error("`{0}` must have 1 to 256 bytes and no control characters")]
    Value(&'static str),
    /// Longer than the gateway accepts.
    #[error("the token would be longer than {TOKEN_BYTES_MAX} bytes; give it fewer roles")]
    TooLong,
    /// The system's random source failed.
    #[error("the system's random source failed")]
    Random,
}

// === impl DevelopmentSpec ===

impl DevelopmentSpec {
    /// The issuer; creates its key if there is none. `folder` is where relative paths begin.
    ///
    /// # Errors
    /// If the lifetime is out of bounds, or the file can't be read or made, is readable by others
    /// than its owner, or holds no Ed25519 key.
    pub fn open(&self, folder: &Path) -> Result<DevelopmentIssuer, BuildError> {
        let lifetime = self.checked_lifetime()?;
        let path = folder.join(&self.key_file);
        let error = |message: String| {
            BuildError::new(
                "auth.development.key_file",
                format!("`{}` {message}", path.display()),
            )
        };
        let document = match read(&path) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
                create(&path).map_err(|e| error(format!("can't be created: {e}")))?;
                read(&path)
            }
            read => read,
        };
        let document = document.map_err(|e| error(format!("can't be read: {e}")))?;
        let key = key_pair(&document).ok_or_else(|| {
            error("holds no Ed25519 private key (JWK); delete it to have a new one".to_owned())
        })?;
        Ok(DevelopmentIssuer { key, lifetime })
    }
}

/// Reads a key file that nobody else may read.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "others than its owner may use it; set its mode to 0600",
            ));
        }
    }
    let mut document = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut document)?;
    Ok(document)
}

/// Makes a key file; one that somebody else makes at the same time is left as it is.
fn create(path: &Path) -> io::Result<()> {
    let unspecified = |_| io::Error::other("no key could be made");
    let key = Ed25519KeyPair::generate().map_err(unspecified)?;
    let seed = key.seed().map_err(unspecified)?;
    let seed = aws_lc_rs::encoding::AsBigEndian::<
        aws_lc_rs::encoding::Curve25519SeedBin<'static>,
    >::as_be_bytes(&seed)
    .map_err(unspecified)?;
    let jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "kid": NAME,
        "d": URL_SAFE_NO_PAD.encode(seed.as_ref()),
        "x": URL_SAFE_NO_PAD.encode(key.public_key().as_ref()),
    });
    let mut name = [0_u8; 8];
    rand::fill(&mut name).map_err(unspecified)?;
    let draft = path.with_extension(format!("{}.tmp", URL_SAFE_NO_PAD.encode(name)));
    let written = write_private(&draft, jwk.to_string().as_bytes())
        // A link, unlike a rename, never replaces a file that is there.
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft).or_else(ignore(io::ErrorKind::NotFound))?;
    written.or_else(ignore(io::ErrorKind::AlreadyExists))
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn ignore(kind: io::ErrorKind) -> impl FnOnce(io::Error) -> io::Result<()> {
    move |error| {
        if error.kind() == kind {
            Ok(())
        } else {
            Err(error)
        }
    }
}

fn key_pair(document: &[u8]) -> Option<Ed25519KeyPair> {
    let jwk = json::object(document)?;
    let member = |name: &str| jwk.get(name).and_then(Json::as_str);
    if member("kty") != Some("OKP") || member("crv") != Some("Ed25519") {
        return None;
    }
    let seed = URL_SAFE_NO_PAD.decode(member("d")?).ok()?;
    let public = URL_SAFE_NO_PAD.decode(member("x")?).ok()?;
    Ed25519KeyPair::from_seed_and_public_key(&seed, &public).ok()
}

// === impl DevelopmentIssuer ===

impl DevelopmentIssuer {
    /// The set that verifies its tokens.
    pub(crate) fn key_set(&self) -> Result<KeySet, jwk::KeyError> {
        let members = [
            ("kty", "OKP"),
            ("crv", "Ed25519"),
            ("kid", NAME),
            ("alg", "EdDSA"),
            ("x", &URL_SAFE_NO_PAD.encode(self.key.public_key().as_ref())),
        ];
        let members =
            members.map(|(name, value)| (name.to_owned(), Json::String(value.to_owned())));
        let key = jwk::read(&Json::Object(members.into()))?;
        Ok(KeySet::new(vec![key]))
    }

    /// How long its tokens are good.
    pub(crate) const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A token, good from `now` on.
    ///
    /// # Errors
    /// If the gateway would refuse it, or the random source fails.
    pub fn mint(&self, request: &MintRequest<'_>, now: SystemTime) -> Result<String, MintError> {
        request.check()?;
        let mut id = [0_u8; 16];
        rand::fill(&mut id).map_err(|_| MintError::Random)?;
        let issued = unix(now).as_secs();
        let header = json!({ "typ": "JWT", "alg": "EdDSA", "kid": NAME });
        let mut claims = json!({
            "iss": NAME,
            "aud": AUDIENCE,
            "sub": request.subject,
            "iat": issued,
            "nbf": issued,
            "exp": issued.saturating_add(self.lifetime.as_secs()),
            "jti": URL_SAFE_NO_PAD.encode(id),
            "roles": request.roles,
            "actor_type": request.actor_type.as_str(),
        });
        if let Some(members) = claims.as_object_mut() {
            members.extend(
                request
                    .tenant
                    .map(|tenant| ("tenant".to_owned(), tenant.into())),
            );
            let amr = (!request.amr.is_empty()).then(|| ("amr".to_owned(), json!(request.amr)));
            members.extend(amr);
        }
        let encode = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(&header), encode(&claims));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes()));
        let token = format!("{message}.{signature}");
        if token.len() > TOKEN_BYTES_MAX {
            return Err(MintError::TooLong);
        }
        Ok(token)
    }
}

impl std::fmt::Debug for DevelopmentIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevelopmentIssuer")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

// === impl MintRequest ===

impl MintRequest<'_> {
    fn check(&self) -> Result<(), MintError> {
        let plain = |text: &str, name| {
            if is_plain(text) {
                Ok(())
            } else {
                Err(MintError::Value(name))
            }
        };
        plain(self.subject, "subject")?;
        self.tenant
            .map_or(Ok(()), |tenant| plain(tenant, "tenant"))?;
        self.roles.iter().try_for_each(|role| plain(role, "role"))?;
        self.amr.iter().try_for_each(|method| plain(method, "amr"))
    }
}

//! Stage 1: [`Received`](aegis_core::Received) → [`Authenticated`](aegis_core::Authenticated).
//!
//! What it does, in this order, for every request of every route (there is no list of exceptions
//! here; what needs no credential never enters this stage):
//!
//! 1. Takes the one credential out of `Authorization: Bearer` or `x-api-key`; several that differ
//!    are refused, because two parties could each look at another one.
//! 2. Looks the token up, by its full SHA-256, among those verified before. A hit costs about a
//!    microsecond and is the usual case.
//! 3. Refuses addresses and credentials that failed too often of late, before any cryptography.
//! 4. Reads the token strictly (`token`), chooses the issuer by its exact name and the key by
//!    `kid` and algorithm (`keys`), verifies the signature, and only then believes a claim.
//! 5. Maps the roles of the credential to routes (`roles`); no role, no access.
//!
//! Key sets come from a URL, from OIDC discovery or from a file, and are refreshed in the
//! background by [`Auth::run`]; a request never fetches anything itself. When no set is to be had
//! the answer is 503, never "allow".
//!
//! Cancel safety: dropping a request's future loses nothing but the request; refreshes belong to
//! [`Auth::run`].
//!
//! What it does not catch: a stolen token that is still good (sender-constrained tokens and
//! revocation lists are not part of this stage), an identity provider that signs falsely, and
//! guessing spread thinly over many networks, which the throttle sees as many single failures.

#![forbid(unsafe_code)]

mod algorithm;
mod auth;
mod cache;
mod clock;
mod credential;
mod development;
mod fetch;
mod issuer;
mod json;
mod keys;
mod layer;
mod refusal;
mod roles;
mod spec;
mod throttle;
mod token;

#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use auth::{Auth, IssuerStatus};
pub use clock::{Clock, SystemClock};
pub use development::{DevelopmentIssuer, MintError, MintRequest};
pub use fetch::{DOCUMENT_BYTES_MAX, Fetch};
pub use layer::{AuthLayer, AuthService};
pub use roles::{RoleSpec, RolesSpec};
pub use spec::{
    AuthSpec, BuildError, ClaimsSpec, DevelopmentSpec, Environment, IssuerSpec, JwksSpec,
    ThrottleSpec,
};

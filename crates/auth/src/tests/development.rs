//! The development issuer: its key file and its tokens.

use std::time::{Duration, SystemTime};

use aegis_core::{ActorType, Span};

use super::support::{Folder, NOW, World, ask, rule};
use crate::spec::DevelopmentSpec;
use crate::{AuthSpec, DevelopmentIssuer, MintError, MintRequest};

const REQUEST: MintRequest<'_> = MintRequest {
    subject: "dev",
    actor_type: ActorType::User,
    roles: &[],
    tenant: None,
    amr: &[],
};

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

fn open(folder: &Folder) -> DevelopmentIssuer {
    DevelopmentSpec::default()
        .open(folder.path())
        .expect("an issuer")
}

#[tokio::test(start_paused = true)]
async fn its_tokens_are_verified_like_all_others() {
    let folder = Folder::new();
    let world = World::new();
    let auth = world
        .build("development: {}", folder.path(), None)
        .expect("a policy");
    let roles = ["operator".to_owned(), "stranger".to_owned()];
    let amr = ["mfa".to_owned()];
    let request = MintRequest {
        actor_type: ActorType::Agent,
        roles: &roles,
        tenant: Some("acme"),
        amr: &amr,
        ..REQUEST
    };
    let token = open(&folder).mint(&request, now()).expect("a token");
    let principal = ask(&auth, &token).await.expect("accepted");
    assert_eq!(
        (&*principal.issuer, &*principal.id),
        ("aegis-development", "dev")
    );
    assert_eq!(principal.actor_type, ActorType::Agent);
    assert_eq!(principal.roles, ["operator".into()]);
    assert_eq!(principal.tenant.as_deref(), Some("acme"));
    assert_eq!(principal.amr, ["mfa".into()]);
    world.clock.set(NOW + 3_600 + 30);
    assert_eq!(rule(&ask(&auth, &token).await), "expired");
}

#[tokio::test(start_paused = true)]
async fn another_gateways_key_is_not_accepted() {
    let (folder, other) = (Folder::new(), Folder::new());
    let world = World::new();
    let auth = world
        .build("development: {}", folder.path(), None)
        .expect("a policy");
    let token = open(&other).mint(&REQUEST, now()).expect("a token");
    assert_eq!(rule(&ask(&auth, &token).await), "signature_invalid");
}

#[test]
fn its_key_is_made_once_and_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let path = folder.path().join("aegis-dev-key.json");
    let key = |issuer: DevelopmentIssuer| issuer.key_set().expect("a set");
    let first = key(open(&folder));
    let mode = std::fs::metadata(&path)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(first.same_keys(&key(open(&folder))));
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1
    );

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("set");
    let error = DevelopmentSpec::default()
        .open(folder.path())
        .expect_err("readable");
    assert!(error.to_string().contains("0600"), "{error}");
}

#[test]
fn a_key_made_at_the_same_time_is_shared() {
    let folder = Folder::new();
    let sets: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| open(&folder).key_set().expect("a set")))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("joined"))
            .collect()
    });
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1
    );
    let again = open(&folder).key_set().expect("a set");
    assert!(sets.iter().all(|set| set.same_keys(&again)));
}

#[test]
fn a_file_that_is_no_key_is_not_replaced() {
    use std::os::unix::fs::PermissionsExt as _;
    for content in [
        "",
        "{}",
        r#"{"kty":"OKP","crv":"Ed25519","d":"AAAA","x":"AAAA"}"#,
    ] {
        let folder = Folder::new();
        let path = folder.path().join("aegis-dev-key.json");
        std::fs::write(&path, content).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
        let error = DevelopmentSpec::default()
            .open(folder.path())
            .expect_err("no key");
        assert_eq!(error.path(), "auth.development.key_file");
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), content);
    }
}

#[test]
fn what_would_be_refused_is_not_minted() {
    let folder = Folder::new();
    let issuer = open(&folder);
    let control = ["a\nb".to_owned()];
    let many = vec!["r".repeat(256); 40];
    for (request, expected) in [
        (
            MintRequest {
                subject: "",
                ..REQUEST
            },
            MintError::Value("subject"),
        ),
        (
            MintRequest {
                tenant: Some(""),
                ..REQUEST
            },
            MintError::Value("tenant"),
        ),
        (
            MintRequest {
                roles: &control,
                ..REQUEST
            },
            MintError::Value("role"),
        ),
        (
            MintRequest {
                amr: &control,
                ..REQUEST
            },
            MintError::Value("amr"),
        ),
        (
            MintRequest {
                roles: &many,
                ..REQUEST
            },
            MintError::TooLong,
        ),
    ] {
        assert_eq!(issuer.mint(&request, now()), Err(expected));
    }
}

#[test]
fn its_lifetime_is_bounded() {
    let folder = Folder::new();
    for (seconds, good) in [(0, false), (1, true), (86_400, true), (86_401, false)] {
        let spec = DevelopmentSpec {
            lifetime: Span(Duration::from_secs(seconds)),
            ..DevelopmentSpec::default()
        };
        assert_eq!(spec.open(folder.path()).is_ok(), good, "{seconds} s");
    }
}

#[test]
fn a_policy_says_whether_it_has_one() {
    let has = |policy: &str| {
        let spec: AuthSpec = serde_saphyr::from_str(policy).expect("a policy");
        spec.has_development()
    };
    assert!(has("development: { lifetime: 5m }"));
    assert!(!has("issuers: []"));
}

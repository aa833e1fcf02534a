//! Keys and tokens by their prefixes: kind, and the expression of what is unmistakable of one.
//!
//! `service_token` is the kind of all services that have none of their own in policies.

/// Kind and expression.
type Key = (&'static str, &'static str);

/// Keys of fixed length.
pub(super) const FIXED: &[Key] = &[
    ("huggingface_token", "hf_[A-Za-z0-9]{34}"),
    ("huggingface_token", "api_org_[A-Za-z0-9]{34}"),
    ("aws_access_key", "(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"),
    (
        "azure_key",
        "[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",
    ),
    ("twilio_key", "SK[0-9a-f]{32}"),
    ("telegram_token", "[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"),
    ("digitalocean_token", "do[opr]_v1_[a-f0-9]{64}"),
    ("shopify_token", "shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    ("databricks_token", "dapi[a-f0-9]{32}(?:-[0-9])?"),
    ("service_token", "AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    // 1Password
    (
        "service_token",
        "A3-[A-Z0-9]{6}-[A-Z0-9]{6,11}-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
    ),
    // New Relic
    ("service_token", "NRAK-[A-Z0-9]{27}"),
    // Postman
    ("service_token", "PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    // Grafana
    ("service_token", "glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}"),
    // Mailgun
    ("service_token", "key-[0-9a-f]{32}"),
    // Prefect
    ("service_token", "pnu_[A-Za-z0-9]{36}"),
    // Pulumi
    ("service_token", "pul-[a-f0-9]{40}"),
    // Replicate
    ("service_token", "r8_[A-Za-z0-9]{37}"),
    ("service_token", "rdme_[a-z0-9]{70}"),
    ("service_token", "rubygems_[a-f0-9]{48}"),
    // Intra42
    ("service_token", "s-s4t2(?:ud|af)-[a-f0-9]{64}"),
    // Supabase
    ("service_token", "sbp_[a-f0-9]{40}"),
    // Sourcegraph
    (
        "service_token",
        "sgp_(?:[A-Fa-f0-9]{16}_|local_)?[A-Fa-f0-9]{40}",
    ),
    // OpenShift
    ("service_token", "sha256~[A-Za-z0-9_-]{43}"),
    ("service_token", "shippo_(?:live|test)_[a-f0-9]{40}"),
    // Sonar
    ("service_token", "sq[apu]_[A-Za-z0-9]{40}"),
    ("service_token", "CLOJARS_[a-z0-9]{60}"),
];

/// Keys that go on with letters and digits.
pub(super) const ALNUM: &[Key] = &[
    ("openai_key", "sk-[A-Za-z0-9]{20}"),
    ("github_token", "gh[pousr]_[A-Za-z0-9]{36}"),
    (
        "slack_token",
        "xapp-[0-9]-[A-Z0-9]{9,12}-[0-9]{10,14}-[a-f0-9]{20}",
    ),
    ("stripe_key", "(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{16}"),
    ("npm_token", "npm_[A-Za-z0-9]{36}"),
    // Doppler
    (
        "service_token",
        "dp\\.(?:pt|st|sa|ct|scim|audit)\\.[A-Za-z0-9]{40}",
    ),
    // Dynatrace
    (
        "service_token",
        "dt0[a-z][0-9]{2}\\.[A-Z0-9]{24}\\.[A-Z0-9]{60}",
    ),
    // Groq
    ("service_token", "gsk_[A-Za-z0-9]{48}"),
    ("service_token", "lin_api_[A-Za-z0-9]{40}"),
    // Notion
    ("service_token", "ntn_[0-9]{11}[A-Za-z0-9]{35}"),
    ("service_token", "pplx-[A-Za-z0-9]{48}"),
    // OpenRouter
    ("service_token", "sk-or-v1-[a-f0-9]{40}"),
    ("service_token", "xai-[A-Za-z0-9]{60}"),
    // Cloudflare
    ("service_token", "v1\\.0-[0-9a-f]{24}-[0-9a-f]{40}"),
];

/// Keys that go on with letters, digits, `_` and `-` (base64url).
pub(super) const URL: &[Key] = &[
    (
        "openai_key",
        "sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20}",
    ),
    ("anthropic_key", "sk-ant-[a-z0-9]{2,12}-[A-Za-z0-9_-]{20}"),
    ("gcp_api_key", "AIza[A-Za-z0-9_-]{35}"),
    ("google_oauth", "GOCSPX-[A-Za-z0-9_-]{20}"),
    ("github_token", "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{20}"),
    (
        "slack_token",
        "xox[abeoprs]-[0-9A-Za-z]{1,14}-[A-Za-z0-9-]{8}",
    ),
    ("slack_token", "xoxe\\.xox[bp]-[0-9]-[A-Za-z0-9-]{20}"),
    (
        "sendgrid_key",
        "SG\\.[A-Za-z0-9_-]{16,32}\\.[A-Za-z0-9_-]{30}",
    ),
    ("pypi_token", "pypi-Ag[A-Za-z0-9_-]{30}"),
    (
        "discord_token",
        "[MNO][A-Za-z0-9_-]{23,27}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27}",
    ),
    (
        "discord_token",
        "https://(?:ptb\\.|canary\\.)?discord(?:app)?\\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{30}",
    ),
    // Atlassian
    ("service_token", "ATATT3[A-Za-z0-9_=-]{40}"),
    // Square, Facebook
    ("service_token", "EAA[A-Z][A-Za-z0-9_-]{50}"),
    // Heroku
    ("service_token", "HRKU-AA[A-Za-z0-9_-]{40}"),
    ("service_token", "figd_[A-Za-z0-9_-]{36}"),
    // Vault
    ("service_token", "hv[sbr]\\.[A-Za-z0-9_-]{24}"),
    (
        "service_token",
        "pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32}",
    ),
    // Square
    ("service_token", "sq0[a-z]{3}-[A-Za-z0-9_-]{22}"),
    // Scalingo
    ("service_token", "tk-us-[A-Za-z0-9_-]{48}"),
];

/// Keys in parts of base64url with dots between.
pub(super) const DOTTED: &[Key] = &[
    ("google_oauth", "ya29\\.[A-Za-z0-9_.-]{20}"),
    (
        "gitlab_token",
        "gl(?:pat|dt|ptt|rt|ft|oas|cbt|agent|imt|soat|ffct)-[A-Za-z0-9_=-]{20}",
    ),
    // JSON Web Tokens: two objects (`{"`), or one that begins as token headers do.
    ("jwt", "eyJ[A-Za-z0-9_-]{8,256}\\.eyJ[A-Za-z0-9_-]{4}"),
    (
        "jwt",
        "eyJ(?:hbGciOi|0eXAiOi|raWQiOi|4NXQiOi|qa3UiOi|jdHkiOi|lbmMiOi)[A-Za-z0-9_-]{8}",
    ),
];

/// Keys that go on with base64, perhaps encoded for a URL.
pub(super) const BASE64: &[Key] = &[
    (
        "slack_webhook",
        "https://hooks\\.slack\\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20}",
    ),
    ("stripe_key", "whsec_[A-Za-z0-9+/]{24}"),
    ("service_token", "glc_[A-Za-z0-9+/]{32}"),
    // 1Password
    ("service_token", "ops_eyJ[A-Za-z0-9+/]{60}"),
    // Sentry
    ("service_token", "sntry[su]_[A-Za-z0-9+/=_]{40}"),
];

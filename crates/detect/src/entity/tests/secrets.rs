//! Secrets. All are made up; `¦` is taken out before use.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "private_key",
        &[
            "⟦-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----⟧ ok",
            "⟦-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz⟧",
            "\"private_key\": \"⟦-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----⟧\\n\"",
            "⟦-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n=x\n-----END PGP PRIVATE KEY BLOCK-----⟧",
        ],
        &[
            "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
            "-----BEGIN CERTIFICATE-----",
            "the line BEGIN RSA PRIVATE KEY opens a key",
        ],
    ),
    (
        "openai_key",
        &[
            "key ⟦sk-¦proj-Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8-_x⟧.",
            "⟦sk-¦svcacct-Ab1Cd2Ef3Gh4Ij5Kl6Mn7⟧",
            "⟦sk-¦Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0⟧",
        ],
        &[
            "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "sk-learn-and-other-python-packages, task-Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8",
            "sk-proj-short, sk-...",
        ],
    ),
    (
        "anthropic_key",
        &[
            "⟦sk-¦ant-api03-Ab1Cd2Ef3Gh4Ij5Kl6Mn7-_Op8AA⟧",
            "x-api-key: ⟦sk-¦ant-admin01-Ab1Cd2Ef3Gh4Ij5Kl6Mn7⟧",
            "\"⟦sk-¦ant-oat01-Ab1Cd2Ef3Gh4Ij5Kl6Mn7⟧\"",
        ],
        &[
            "sk-ant-api03-xxxxxxxxxxxxxxxxxxxxxxxx",
            "sk-ant-api03-",
            "ask-ant-api03-Ab1Cd2Ef3Gh4Ij5Kl6Mn7",
        ],
    ),
    (
        "huggingface_token",
        &[
            "HF_TOKEN=⟦hf_¦RdeidRutJuADoVDqPyuIodVhcFnZIqXAfb⟧",
            "login --token ⟦hf_¦QJPYADbNZNWUpZuQJgcVJxsXPBEFmgWkQ1⟧",
            "'⟦api_org_¦ZbAWddcmPtUJCAMVUPSoAlRhVqpRyvHCqW⟧'",
        ],
        &[
            "hf_requiredCharacteristicTypesForDisplayMetadata",
            "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "hf_hub_download(repo_id)",
        ],
    ),
    (
        "aws_access_key",
        &[
            "⟦AKIA¦IOSFODNN7EXAMPLE⟧",
            "aws_access_key_id = ⟦AKIA¦QMSN15EFAPDFXZMB⟧",
            "(⟦ASIA¦Y34FZKBOKMUTVV7A⟧)",
        ],
        &[
            "AKIAXXXXXXXXXXXXXXXX",
            "AKIAIOSFODNN7",
            "XAKIAIOSFODNN7EXAMPLE, AKIAIOSFODNN7EXAMPLEX",
        ],
    ),
    (
        "aws_secret_key",
        &[
            "aws_secret_access_key = ⟦wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY⟧",
            "\"SecretAccessKey\": \"⟦wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY⟧\"",
            "AWS_SECRET_ACCESS_KEY=⟦wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY⟧",
        ],
        &[
            "aws_secret_access_key = xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY alone",
            "aws_secret_access_key = ${AWS_SECRET}",
        ],
    ),
    (
        "gcp_api_key",
        &[
            "⟦AIza¦SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY⟧",
            "?key=⟦AIza¦akUbPaTPTSuAVYWYTPN3eSmSS82TJYQWvbXVrc⟧",
            "\"⟦AIza¦SyB1234567890abcdefghijklmnopqrstuv⟧\"",
        ],
        &[
            "AIzaSyXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
            "AIzaSyD-9tSrke72",
            "xAIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
        ],
    ),
    (
        "gcp_service_account",
        &[
            "\"private_key_id\": \"⟦0a1b2c3d4e5f60718293a4b5c6d7e8f901234567⟧\"",
            "private_key_id: ⟦0a1b2c3d4e5f60718293a4b5c6d7e8f901234567⟧",
            "'private_key_id' : '⟦0a1b2c3d4e5f60718293a4b5c6d7e8f901234567⟧'",
        ],
        &[
            "\"private_key_id\": \"0a1b2c\"",
            "\"commit\": \"0a1b2c3d4e5f60718293a4b5c6d7e8f901234567\"",
            "private_key_id: <KEY_ID>",
        ],
    ),
    (
        "google_oauth",
        &[
            "⟦ya29.¦A0AfH6SMBx1y2z3A4B5C6D7E8F9.x-y⟧",
            "⟦GOCSPX-¦Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8⟧",
            "access=⟦ya29.¦c.EmKeBq9XI09_1HK1ab2cd3⟧",
        ],
        &["ya29.", "ya29.XXXXXXXXXXXXXXXXXXXXXXXX", "GOCSPX-short"],
    ),
    (
        "azure_key",
        &[
            "AccountName=x;AccountKey=⟦Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq==⟧;",
            "SharedAccessKey=⟦Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2Yz3AbCdE=⟧",
            "client_secret=⟦bP88Q~¦rcBcYjzzOhg1Hnn76Wm3jGgakZiZ.8vMgR⟧",
        ],
        &[
            "AccountKey=<key>",
            "AccountKey=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "sig=abc",
        ],
    ),
    (
        "github_token",
        &[
            "⟦ghp_¦RQyFLzJzsVcF9JxaNayBI9l16RCi6mRHKy3p⟧",
            "⟦gho_¦RQyFLzJzsVcF9JxaNayBI9l16RCi6mRHKy3p⟧, ⟦ghs_¦RQyFLzJzsVcF9JxaNayBI9l16RCi6mRHKy3p⟧",
            "⟦github_pat_¦11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789⟧",
        ],
        &[
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "ghp_short",
            "ghx_RQyFLzJzsVcF9JxaNayBI9l16RCi6mRHKy3p",
        ],
    ),
    (
        "gitlab_token",
        &[
            "⟦glpat-¦Ab1Cd2Ef3Gh4Ij5Kl6Mn⟧",
            "⟦gldt-¦Ab1Cd2Ef3Gh4Ij5Kl6Mn⟧ x",
            "⟦glpat-¦Ab1Cd2Ef3Gh4Ij5Kl6MnOp.01.0q⟧.",
        ],
        &[
            "glpat-xxxxxxxxxxxxxxxxxxxx",
            "glpat-short",
            "gltest-Ab1Cd2Ef3Gh4Ij5Kl6Mn",
        ],
    ),
    (
        "slack_token",
        &[
            "⟦xoxb-¦707853121546-064567914633-AqlMX5HXbr7hwK0BTlhN6Pii⟧",
            "⟦xoxp-¦41684372915-1320496754-45609968301-e708ba56e1517a99f6b5fb07349476ef⟧",
            "⟦xapp-¦1-A052FGTS2DL-5171572773297-610b6a11f4b7eb819e87b767d80e6575⟧",
        ],
        &[
            "xoxb-xxx",
            "xoxb-xxxxxxxx-xxxxxxxx",
            "xoxz-707853121546-064567914633",
        ],
    ),
    (
        "slack_webhook",
        &[
            "⟦https://hooks.slack.com/¦services/T0123ABCD/B0456EFGH/Ij5Kl6Mn7Op8⟧",
            "<⟦https://hooks.slack.com/¦workflows/T0123ABCD/A0456EFGH/1234567/Kl6Mn⟧>",
            "curl ⟦https://hooks.slack.com/¦triggers/T0123ABCD/9876543210/Kl6Mn7Op8⟧",
        ],
        &[
            "https://hooks.slack.com/services/",
            "https://hooks.slack.com/services/XXXXXXXXXXXXXXXXXXXXXXX",
            "https://api.slack.com/services/T0123ABCD/B0456EFGH",
        ],
    ),
    (
        "stripe_key",
        &[
            "⟦sk_¦live_4eC39HqLyjWDarjtT1zdp7dc⟧",
            "⟦rk_¦live_4eC39HqLyjWDarjtT1zdp7dc⟧; ⟦sk_¦test_4eC39HqLyjWDarjtT1zdp7dc⟧",
            "⟦whsec_¦Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9⟧",
        ],
        &[
            "sk_live_",
            "pk_live_4eC39HqLyjWDarjtT1zdp7dc",
            "sk_test_xxxxxxxxxxxxxxxxxxxxxxxx",
        ],
    ),
    (
        "twilio_key",
        &[
            "⟦SK¦0123456789abcdef0123456789abcdef⟧",
            "api: ⟦SK¦fedcba98765432100123456789abcdef⟧.",
            "'⟦SK¦00112233445566778899aabbccddeeff⟧'",
        ],
        &[
            "SK00000000000000000000000000000000",
            "SK0123456789abcdef",
            "TASK0123456789abcdef0123456789abcdef",
        ],
    ),
    (
        "sendgrid_key",
        &[
            "⟦SG.¦cQ6VkbCGF81mA8W8aqyso-.DxXUmmY5LZklbBBvIwc8XVCdbSFA37IhRsO8sQQMn0h⟧",
            "SENDGRID=⟦SG.¦ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr⟧",
            "(⟦SG.¦Ab1Cd2Ef3Gh4Ij5Kl6Mn7O.Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2Yz3AbCd⟧)",
        ],
        &[
            "SG.short.key",
            "SG.",
            "MSG.cQ6VkbCGF81mA8W8aqyso-.DxXUmmY5LZklbBBvIwc8XVCdbSFA37IhRsO8sQQMn0h",
        ],
    ),
    (
        "npm_token",
        &[
            "⟦npm_¦Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2⟧",
            "_authToken=⟦npm_¦Zb1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2⟧",
            "\"⟦npm_¦Yb1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2⟧\"",
        ],
        &[
            "npm_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "npm_config_registry",
            "npm_lifecycle_event",
        ],
    ),
    (
        "pypi_token",
        &[
            "⟦pypi-¦AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDAtM⟧",
            "password = ⟦pypi-¦AgENdGVzdC5weXBpLm9yZwIkMDAwMDAwMDA⟧",
            "(⟦pypi-¦AgEIcHlwaS5vcmcCJGFiY2RlZmdoLWlqa2w_-⟧)",
        ],
        &[
            "pypi-",
            "pypi-package-with-a-long-name-of-its-own-here",
            "pypi-AgEIcHlw",
        ],
    ),
    (
        "telegram_token",
        &[
            "⟦110201543:¦AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1⟧",
            "token ⟦6839574210:¦AAGx1y2z3A4B5C6D7E8F9g0H1i2J3k4L5m6⟧.",
            "(⟦1234567890:¦AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw_⟧)",
        ],
        &[
            "110201543:AAHdqTcv",
            "110201543:BBHdqTcvCH1vGWJxfSeofSAs0K5PALDsawx",
            "12:30:45",
        ],
    ),
    (
        "discord_token",
        &[
            "⟦MTk4NjIyNDgzNDcxOTI1MjQ4.¦Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs⟧",
            "⟦https://discord.com/¦api/webhooks/123456789012345678/Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv_-⟧",
            "bot: ⟦NTk4NjIyNDgzNDcxOTI1MjQ4.¦Dl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWsAb-x⟧",
        ],
        &[
            "MTk4NjIyNDgzNDcxOTI1MjQ4",
            "discord=000000000000000000",
            "https://discord.com/api/webhooks/1/x",
        ],
    ),
    (
        "digitalocean_token",
        &[
            "⟦dop_v1_¦0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef⟧",
            "⟦doo_v1_¦fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210⟧",
            "⟦dor_v1_¦0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210⟧.",
        ],
        &[
            "dop_v1_0123",
            "dop_v1_",
            "dox_v1_0123456789abcdef0123456789abcdef",
        ],
    ),
    (
        "shopify_token",
        &[
            "⟦shpat_¦0123456789abcdef0123456789abcdef⟧",
            "⟦shpss_¦0123456789ABCDEF0123456789abcdef⟧",
            "\"⟦shpca_¦fedcba9876543210fedcba9876543210⟧\"",
        ],
        &[
            "shpat_0123",
            "shpat_00000000000000000000000000000000",
            "shpxx_0123456789abcdef0123456789abcdef",
        ],
    ),
    (
        "databricks_token",
        &[
            "⟦dapi¦0123456789abcdef0123456789abcdef⟧",
            "⟦dapi¦fedcba9876543210fedcba9876543210-2⟧",
            "token=⟦dapi¦0123456789abcdeffedcba9876543210⟧",
        ],
        &[
            "dapi0123",
            "dapi00000000000000000000000000000000",
            "adapi0123456789abcdef0123456789abcdef",
        ],
    ),
    (
        "service_token",
        &[
            "⟦hvs.¦CAESIP2jTxc9S2K7Z6CtcFWQv7-044m⟧ ⟦gsk_¦Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2Yz3Ab4Cd5Ef6Gh7⟧",
            "⟦lin_api_¦Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2Yz3A⟧, ⟦sq0atp-¦GZLNO_3KB3T8RN_35DAT7O⟧",
            "⟦glsa_¦Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv_0a1b2c3d⟧",
            "⟦sk-¦or-v1-0123456789abcdef0123456789abcdef0123456789abcdef⟧",
        ],
        &[
            "hvs.xxxxxxxxxxxxxxxxxxxxxxxxxxxx, hvs.short",
            "ntn_12345678901, key-value, xai-model",
            "rdme_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        ],
    ),
    (
        "jwt",
        &[
            "⟦eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_⟧.",
            "\"⟦eyJhbGciOiJub25lIn0.eyJzdWIiOiJ0ZXN0LXVzZXIifQ⟧.\"",
            "⟦eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhIjoxfQ.c2ln⟧ (⟦eyJ4IjoxLCJ5IjoyfQ.eyJzdWIi.abc⟧)",
        ],
        &[
            "eyJ0aGlzIjoiaXMgbm90IGEgdG9rZW4ifQ",
            "eyJ.eyJ.x, eyJhbGciOi",
            "heyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x",
        ],
    ),
    (
        "connection_string",
        &[
            "DATABASE_URL=⟦postgres://app:s3cr3t!pw@db.example.com:5432/app?sslmode=require⟧",
            "⟦mongodb+srv://u:p4ss%40w0rd@cluster0.mongodb.net/x⟧, ⟦redis://:hunter2@10.0.0.1:6379/0⟧.",
            "\"⟦amqps://guest:gu3st-pw@mq.example.com⟧\"",
        ],
        &[
            "postgres://localhost:5432/app, redis://cache:6379/0",
            "postgres://user:${PASSWORD}@host/db, mysql://root:<password>@localhost",
            "https://user:secret1@example.com, mailto:a@b.co",
        ],
    ),
    (
        "basic_auth_url",
        &[
            "https://⟦bob:hunter2⟧@example.com/x?y=1",
            "git clone http://⟦deploy:gl-t0k3n⟧@git.example.com/r.git",
            "(wss://⟦u:p4ssw0rd!⟧@host)",
        ],
        &[
            "https://example.com:8080/@user, https://user@example.com",
            "https://user:password@example.com, https://$USER:$PASSWORD@example.com",
            "https://bob:hunter2/x",
        ],
    ),
    (
        "bearer_token",
        &[
            "Authorization: Bearer ⟦abcdef0123456789abcdef⟧",
            "bearer ⟦Ab1.Cd2.Ef3-Gh4_Ij5~Kl6+Mn7==⟧.",
            "\"Authorization\": \"Basic ⟦dXNlcjpwYXNzdzByZA==⟧\"",
        ],
        &[
            "the bearer of this letter, Bearer authentication",
            "Authorization: Bearer <token>, Authorization: Bearer ${ACCESS_TOKEN_2024}",
            "bearer_token_required_by_the_api_2",
        ],
    ),
    (
        "password",
        &[
            "password: ⟦hunter2⟧, please",
            "\"password\": \"⟦Tr0ub4dor&3 and more⟧\", 'pwd'='⟦5&xA1DCv⟧'",
            "My password is ⟦W89imVZd)BT+31)i⟧.",
            "Server=x;Password=⟦p4ssw0rd⟧;Database=y",
        ],
        &[
            "password: required, password = None, password: string;",
            "password = getpass.getpass(), password=os.environ[0], password = hashlib.sha256(x)",
            "password: ${DB_PASSWORD_1}, password: ********, password: <your-password1>",
            "the password is strong, PWD=/home/user1/x",
        ],
    ),
    (
        "generic_secret",
        &[
            "api_key = \"⟦dafa7817e24648f391a787e653d587b8⟧\"",
            "OPENAI_API_KEY=⟦a1b2c3d4e5f6g7h8i9⟧, secret: ⟦Zf3D0LXCM3EIMbgJpUNn⟧",
            "\"access_token\": \"⟦3012a5754bbd716926f99c028f7ea428⟧\", TOKEN ?= ⟦12345678-ABCD-ABCD-ABCD-1234567890AB⟧",
        ],
        &[
            "api_key: Option<String>, token = parser.next_token_of_kind()",
            "api_key=xxxxxxxxxxxxxxxxxxxx, secret: ${SECRET_2024_VALUE}",
            "PublicKeyToken=b77a5c561934e089, the secret is aaaaaaaaaaaaaaa1",
        ],
    ),
];

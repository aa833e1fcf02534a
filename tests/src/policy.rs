//! The policy of a test, as YAML text: the whole product on, each part replaceable.

use std::collections::BTreeMap;

/// A policy text under construction; each top-level key is one piece of YAML.
#[derive(Debug, Clone)]
pub struct PolicyText {
    parts: BTreeMap<&'static str, String>,
}

impl PolicyText {
    /// Everything on, in front of `provider`, for the data and admin ports given.
    #[must_use]
    pub fn new(provider: &str, ports: (u16, u16)) -> Self {
        let parts = [
            ("listen", format!("{{ gateway: {{ address: \"127.0.0.1:{}\" }}, admin: {{ address: \"127.0.0.1:{}\" }} }}", ports.0, ports.1)),
            ("auth", "{ development: { key_file: dev-key.json } }".to_owned()),
            ("roles", "[{ name: developer, routes: [\"*\"] }, { name: reader, routes: [models] }]".to_owned()),
            (
                "providers",
                ["openai", "anthropic", "huggingface", "generic"]
                    .map(|api| format!("\n  - {{ name: {api}, api: {api}, base_url: \"{provider}\", connect_timeout: 2s, first_byte_timeout: 2s, idle_timeout: 2s }}"))
                    .concat(),
            ),
            (
                "models",
                [("gpt-*", "openai"), ("claude-*", "anthropic"), ("llama", "huggingface"), ("text-embedding-3-small", "openai")]
                    .map(|(name, provider)| format!("\n  - {{ name: \"{name}\", provider: {provider}, roles: [developer] }}"))
                    .concat(),
            ),
            (
                "routes",
                "[{ name: orchestrator, path: /orchestrator/run, provider: generic, prompt: [/task/goal, /task/steps/*/text], answer: [/answer/text, /delta], stream: /stream }]".to_owned(),
            ),
            ("armor", "{ pattern: { packs: [core], action: block }, context: { roles: strict, tool_results: scan, many_shot: 8, action: block } }".to_owned()),
            ("output", "{ pii: { entities: [pii], action: redact }, secrets: { entities: [secrets], action: redact } }".to_owned()),
            ("audit", "{ store: \"sqlite:audit.db\", durability: strict }".to_owned()),
        ];
        Self {
            parts: parts.into(),
        }
    }

    /// With the top-level key `name` set to `yaml`.
    #[must_use]
    pub fn with(mut self, name: &'static str, yaml: impl Into<String>) -> Self {
        self.parts.insert(name, yaml.into());
        self
    }

    /// The YAML of the top-level key `name`.
    #[must_use]
    pub fn part(&self, name: &str) -> String {
        self.parts.get(name).cloned().unwrap_or_default()
    }

    /// The text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::from("version: 1\n");
        for (name, yaml) in &self.parts {
            text.push_str(&format!("{name}: {yaml}\n"));
        }
        text
    }
}

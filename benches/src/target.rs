//! What is measured: nginx as the floor, and AEGIS with more and more switched on.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aegis_testkit::client::GatewayProcess;
use aegis_testkit::net::free_port;

/// A running proxy in front of the upstream.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    process: Process,
}

#[derive(Debug)]
enum Process {
    Nginx(Child),
    Aegis(GatewayProcess),
}

/// A rung: its name, and the policy's `limits`, `armor`, `output` and `durability`.
struct Rung(
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const NO_LIMITS: &str = "[]";
const LIMITS: &str = "[{ per: principal, requests: 100M/m, tokens: 1000M/m, concurrency: 1000 }]";
const NO_ARMOR: &str = "{ pattern: { packs: [] }, context: { roles: off, many_shot: 0 } }";
const ARMOR: &str = "{ pattern: { packs: [core] }, context: { roles: strict, many_shot: 8 } }";
const NO_OUTPUT: &str = "{}";
const OUTPUT: &str = "{ pii: { entities: [pii], action: redact }, secrets: { entities: [secrets], action: redact } }";

const LADDER: [Rung; 5] = [
    Rung(
        "JWT, audit relaxed",
        NO_LIMITS,
        NO_ARMOR,
        NO_OUTPUT,
        "relaxed",
    ),
    Rung("+ limits", LIMITS, NO_ARMOR, NO_OUTPUT, "relaxed"),
    Rung("+ armor", LIMITS, ARMOR, NO_OUTPUT, "relaxed"),
    Rung("+ output", LIMITS, ARMOR, OUTPUT, "relaxed"),
    Rung("+ audit strict", LIMITS, ARMOR, OUTPUT, "strict"),
];

impl Target {
    /// nginx and every rung.
    pub(crate) async fn all(upstream: SocketAddr, directory: &Path) -> Result<Vec<Self>, String> {
        let mut targets = vec![Self::nginx(upstream, directory).await?];
        for (number, rung) in LADDER.iter().enumerate() {
            let directory = directory.join(format!("rung-{number}"));
            std::fs::create_dir_all(&directory).map_err(|e| e.to_string())?;
            targets.push(Self::aegis(rung, upstream, &directory).await?);
        }
        Ok(targets)
    }

    async fn nginx(upstream: SocketAddr, directory: &Path) -> Result<Self, String> {
        let port = free_port();
        let prefix = directory.display();
        let text = format!(
            "worker_processes 1; daemon off; pid {prefix}/nginx.pid; error_log {prefix}/error.log;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; client_body_temp_path {prefix}/b; proxy_temp_path {prefix}/p; fastcgi_temp_path {prefix}/f;\n\
             uwsgi_temp_path {prefix}/u; scgi_temp_path {prefix}/s; keepalive_requests 10000000; client_body_buffer_size 64k;\n\
             upstream u {{ server {upstream}; keepalive 64; }}\n\
             server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://u; proxy_http_version 1.1;\n\
             proxy_set_header Connection \"\"; proxy_buffering off; tcp_nodelay on; }} }} }}\n"
        );
        let file: PathBuf = directory.join("nginx.conf");
        std::fs::write(&file, text).map_err(|e| e.to_string())?;
        let child = Command::new("nginx")
            .arg("-c")
            .arg(&file)
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("nginx: {e}"))?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        wait_for(address).await?;
        Ok(Self {
            name: "nginx",
            address,
            token: "none".into(),
            process: Process::Nginx(child),
        })
    }

    async fn aegis(rung: &Rung, upstream: SocketAddr, directory: &Path) -> Result<Self, String> {
        let Rung(name, limits, armor, output, durability) = rung;
        let ports = (free_port(), free_port());
        let text = format!(
            "version: 1\nlisten: {{ gateway: {{ address: \"127.0.0.1:{}\" }}, admin: {{ address: \"127.0.0.1:{}\" }} }}\n\
             auth: {{ development: {{ key_file: dev-key.json }} }}\nroles: [{{ name: developer, routes: [\"*\"] }}]\n\
             providers: [{{ name: openai, api: openai, base_url: \"http://{upstream}\" }}]\n\
             models: [{{ name: \"gpt-*\", provider: openai, roles: [developer] }}]\n\
             limits: {limits}\narmor: {armor}\noutput: {output}\n\
             audit: {{ store: \"sqlite:audit.db\", durability: {durability} }}\n",
            ports.0, ports.1
        );
        let policy = directory.join("policy.yaml");
        std::fs::write(&policy, text).map_err(|e| e.to_string())?;
        let binary = std::env::current_exe()
            .map_err(|e| e.to_string())?
            .with_file_name("aegis");
        // A log line a request is work that nginx is spared (`access_log off`).
        let environment = [("AEGIS_LOG", "warn")];
        let process =
            GatewayProcess::start_with(&binary, &policy, directory, ports, &environment).await?;
        let token = process.token("bench", &["developer"])?;
        let address = SocketAddr::from(([127, 0, 0, 1], ports.0));
        Ok(Self {
            name,
            address,
            token,
            process: Process::Aegis(process),
        })
    }

    /// The processes whose CPU is counted: with nginx the worker too.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let parent = match &self.process {
            Process::Nginx(child) => child.id(),
            Process::Aegis(process) => process.id(),
        };
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))
            .unwrap_or_default();
        std::iter::once(parent)
            .chain(
                children
                    .split_whitespace()
                    .filter_map(|pid| pid.parse().ok()),
            )
            .collect()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Process::Nginx(child) = &mut self.process {
            // QUIT lets the master end its worker; KILL would leave it behind.
            Command::new("kill")
                .args(["-QUIT", &child.id().to_string()])
                .status()
                .ok();
            child.wait().ok();
        }
    }
}

async fn wait_for(address: SocketAddr) -> Result<(), String> {
    for _ in 0..200 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(format!("nothing listens on {address}"))
}

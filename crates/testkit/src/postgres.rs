//! A real PostgreSQL on a free port with a throwaway data directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::net::free_port;

/// A running server; stopped and deleted when dropped.
#[derive(Debug)]
pub struct Postgres {
    bin: PathBuf,
    data: PathBuf,
    port: u16,
    as_user: Option<&'static str>,
}

/// The newest PostgreSQL server installed, if any (Debian keeps them out of `PATH`).
#[must_use]
pub fn server_binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|dir| dir.join("initdb").exists())
    })
}

impl Postgres {
    /// Starts a server with its data under `directory`.
    ///
    /// # Errors
    /// If no server is installed, or it does not start; the text says what to do.
    pub fn start(directory: &Path) -> Result<Self, String> {
        let bin = server_binaries().ok_or(
            "PostgreSQL server not found: install it (Debian: apt-get install postgresql)",
        )?;
        let data = directory.join("pgdata");
        std::fs::create_dir_all(&data).map_err(|e| e.to_string())?;
        let as_user = is_root().then_some("postgres");
        if let Some(user) = as_user {
            // initdb refuses to run as root; the parent folders must be passable for `postgres`.
            run(Command::new("chown").arg("-R").arg(user).arg(directory))?;
            run(Command::new("chmod").arg("755").arg(directory))?;
        }
        let server = Self {
            bin,
            data,
            port: free_port(),
            as_user,
        };
        run(server
            .command("initdb")
            .args(["--auth=trust", "--username=aegis", "--no-sync", "-D"])
            .arg(&server.data))?;
        let options = format!(
            "-p {} -k '' -c listen_addresses=127.0.0.1 -c max_connections=200",
            server.port
        );
        run(server
            .command("pg_ctl")
            .arg("-D")
            .arg(&server.data)
            .arg("-l")
            .arg(server.data.join("server.log"))
            .args(["-w", "-o", &options, "start"]))?;
        Ok(server)
    }

    /// The connection URL of the server's default database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://aegis@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops the server at once, as a crash would.
    ///
    /// # Errors
    /// If `pg_ctl` fails.
    pub fn stop(&self) -> Result<(), String> {
        run(self.command("pg_ctl").arg("-D").arg(&self.data).args([
            "-m",
            "immediate",
            "-w",
            "stop",
        ]))
    }

    fn command(&self, program: &str) -> Command {
        let path = self.bin.join(program);
        match self.as_user {
            None => Command::new(path),
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(path);
                command.current_dir("/");
                command
            }
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop().ok();
        std::fs::remove_dir_all(&self.data).ok();
    }
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|out| out.stdout.starts_with(b"0\n"))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{:?}: {e}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}

//! A PostgreSQL server that goes with the test process: Debian's package, in a directory of its own, reached
//! by a Unix socket alone.
//!
//! Of the store's unit tests and of the API's. Does not know the store's tables. Invariant: a server does
//! not outlive its process, and runs as a user who is not root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const USER: &str = "postgres";

/// A running server.
#[derive(Debug)]
pub(crate) struct Cluster {
    directory: PathBuf,
    programs: PathBuf,
}

/// Whether tests that can run on either engine run on this one.
pub(crate) fn is_asked_for() -> bool {
    std::env::var("LATCHKEY_TEST_STORE").is_ok_and(|engine| engine == "postgres")
}

impl Cluster {
    /// The one of this process; `None`, with a word, if PostgreSQL is not there and cannot be had.
    pub(crate) fn shared() -> Option<&'static Self> {
        static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
        CLUSTER.get_or_init(Self::start).as_ref()
    }

    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("skipped: PostgreSQL is not installed and its package cannot be had");
            return None;
        };
        remove_leftovers();
        let name = format!("latchkey-postgres-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        if is_root() {
            run(Command::new("chown").arg(USER).arg(&directory));
        }
        run(unprivileged(&programs.join("initdb"))
            .args(["--no-sync", "-A", "trust", "-U", USER])
            .args(["-E", "UTF8", "--locale=C.UTF-8", "-D"])
            .arg(directory.join("data")));
        serve(&programs, &directory);
        let cluster = Self {
            directory,
            programs,
        };
        cluster.await_ready();
        Some(cluster)
    }

    /// The URL of a new, empty database; or of one like `template`.
    pub(crate) fn database(&self, template: Option<&str>) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let like = template.map(|template| format!(" TEMPLATE {template}"));
        let sql = format!("CREATE DATABASE {name}{}", like.unwrap_or_default());
        run(&mut self.psql("postgres", &sql));
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        let directory = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://{USER}@{directory}/{database}")
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let mut command = Command::new(self.programs.join("psql"));
        command
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", USER, "-h"])
            .arg(&self.directory)
            .args(["-d", database, "-c", sql]);
        command
    }

    fn await_ready(&self) {
        let begin = Instant::now();
        while !self
            .psql("postgres", "SELECT 1")
            .output()
            .unwrap()
            .status
            .success()
        {
            assert!(begin.elapsed() < PATIENCE, "the server does not start");
            thread::park_timeout(Duration::from_millis(50));
        }
    }
}

/// Where the server's programs are; installs them if it may.
fn programs() -> Option<PathBuf> {
    installed().or_else(|| {
        // The package would make a server of its own and start it.
        let _ = fs::create_dir_all("/etc/postgresql-common");
        let _ = fs::write(
            "/etc/postgresql-common/createcluster.conf",
            "create_main_cluster = false\n",
        );
        for step in [
            &["update", "--quiet"][..],
            &[
                "install",
                "--yes",
                "--quiet",
                "--no-install-recommends",
                "postgresql",
            ],
        ] {
            let mut command = Command::new("apt-get");
            // Whether it has worked shows.
            let _ = command
                .args(step)
                .env("DEBIAN_FRONTEND", "noninteractive")
                .output();
        }
        installed()
    })
}

fn installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let programs = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    programs.filter(|path| path.join("initdb").exists()).max()
}

/// Starts the server, which ends when this process does: the system ends it with the thread that started it.
fn serve(programs: &Path, directory: &Path) {
    let mut server = unprivileged(&programs.join("postgres"));
    server
        .arg("-D")
        .arg(directory.join("data"))
        .arg("-k")
        .arg(directory)
        .args(["-c", "listen_addresses=", "-c", "max_connections=300"])
        .args(["-c", "shared_buffers=32MB", "-c", "autovacuum=off"])
        .stdout(Stdio::null())
        .stderr(fs::File::create(directory.join("log")).unwrap());
    // It lives as long as this thread waits for it.
    thread::spawn(move || server.status());
}

/// A command that root runs as somebody else, and that ends with the thread that started it.
fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if is_root() {
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]);
    }
    command.arg("--").arg(program);
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

/// Removes what earlier processes have left.
fn remove_leftovers() {
    for entry in fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix("latchkey-postgres-");
        let is_over = process.is_some_and(|process| !Path::new("/proc").join(process).exists());
        if is_over {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

//! A server that runs as a child: started, paused, ended, and never left behind.
//!
//! It does not know when a server is ready. Invariant: a process that was started is ended when its
//! handle is dropped, and by the kernel when this process dies.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::command;
use crate::wait;

/// How long a server may take to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// What to run, and where its output goes.
#[derive(Clone, Debug)]
pub struct Program {
    /// Name for messages.
    pub name: String,
    /// The executable.
    pub path: PathBuf,
    /// Its arguments; no secrets, everybody can read them.
    pub args: Vec<OsString>,
    /// File to which standard output is appended.
    pub stdout: PathBuf,
    /// File to which standard error is appended.
    pub stderr: PathBuf,
}

/// A running child.
#[derive(Debug)]
pub struct Process {
    program: Program,
    child: Child,
    /// Where in the file of standard output this start begins, in bytes.
    stdout_begin: usize,
}

/// A process that could not be started, told or ended.
#[derive(Debug)]
pub struct ProcessError {
    name: String,
    attempt: &'static str,
    source: io::Error,
}

/// Starts are done by one thread that lives as long as this process: the kernel ends a child when
/// the *thread* that started it is gone, and a test's thread goes early.
static STARTER: LazyLock<mpsc::Sender<Start>> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel::<Start>();
    thread::spawn(move || {
        for start in receiver {
            let mut command = start.command;
            // Nobody listens if the caller is gone; then the handle is dropped here.
            let _ = start.answer.send(command.spawn());
        }
    });
    sender
});

struct Start {
    command: Command,
    answer: mpsc::Sender<io::Result<Child>>,
}

// === impl Process ===

impl Process {
    /// Starts a program, in a process group of its own: Ctrl-C reaches only us.
    pub fn start(program: Program) -> Result<Self, ProcessError> {
        let failed = |source| ProcessError::new(&program, "start", source);
        let stdout = append(&program.stdout).map_err(failed)?;
        let stderr = append(&program.stderr).map_err(failed)?;
        let stdout_begin = fs::read(&program.stdout).map_err(failed)?.len();
        let mut command = dies_with_us(&program.path);
        command
            .args(&program.args)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        command.process_group(0);
        let child = start(command).map_err(failed)?;
        Ok(Self {
            program,
            child,
            stdout_begin,
        })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it runs (a paused one does).
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// How it ended, if it has.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Stops its clock (SIGSTOP): its sockets stay open and nobody answers.
    pub fn pause(&mut self) -> Result<(), ProcessError> {
        self.signal(Signal::STOP, "pause")
    }

    /// Lets a paused one go on.
    pub fn resume(&mut self) -> Result<(), ProcessError> {
        self.signal(Signal::CONT, "resume")
    }

    /// Kills it, without a chance to tidy up, and waits for its end.
    pub fn kill(&mut self) -> Result<(), ProcessError> {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map_err(|e| self.failed("kill", e))?;
        Ok(())
    }

    /// Asks it to end (SIGTERM), and kills it if it has not within a few seconds.
    pub fn stop(&mut self) -> Result<ExitStatus, ProcessError> {
        if let Some(status) = self.exit_status() {
            return Ok(status);
        }
        self.signal(Signal::TERM, "stop")?;
        self.signal(Signal::CONT, "stop")
            .or_else(|error| match self.is_running() {
                true => Err(error),
                false => Ok(()),
            })?;
        if let Some(status) = wait::until(GRACE, || self.exit_status()) {
            return Ok(status);
        }
        self.kill()?;
        self.child
            .wait()
            .map_err(|error| self.failed("stop", error))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.program.name
    }

    /// File of its standard output.
    pub fn stdout(&self) -> &Path {
        &self.program.stdout
    }

    /// File of its standard error.
    pub fn stderr(&self) -> &Path {
        &self.program.stderr
    }

    /// What it has printed on standard output since it was started.
    pub fn printed(&self) -> String {
        let bytes = fs::read(&self.program.stdout).unwrap_or_default();
        String::from_utf8_lossy(bytes.get(self.stdout_begin..).unwrap_or_default()).into_owned()
    }

    fn signal(&mut self, signal: Signal, attempt: &'static str) -> Result<(), ProcessError> {
        // An ended child has been waited for: its number may belong to somebody else by now.
        let ended = || io::Error::new(io::ErrorKind::NotFound, "it has ended");
        let pid = match self.is_running() {
            true => i32::try_from(self.pid()).ok().and_then(Pid::from_raw),
            false => None,
        };
        let pid = pid.ok_or_else(|| self.failed(attempt, ended()))?;
        kill_process(pid, signal).map_err(|error| self.failed(attempt, error.into()))
    }

    fn failed(&self, attempt: &'static str, source: io::Error) -> ProcessError {
        ProcessError::new(&self.program, attempt, source)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("latchkey: {error}");
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// A command for a program that the kernel ends when the thread that starts it is gone. `setpriv`
/// is part of util-linux; without it a child can outlive us, but only if we are killed.
fn dies_with_us(program: &Path) -> Command {
    static SETPRIV: LazyLock<Option<PathBuf>> = LazyLock::new(|| command::on_path("setpriv"));
    match SETPRIV.as_deref() {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "TERM", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

fn start(command: Command) -> io::Result<Child> {
    let gone = || io::Error::other("the thread that starts processes is gone");
    let (answer, child) = mpsc::channel();
    STARTER
        .send(Start { command, answer })
        .map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

// === impl ProcessError ===

impl ProcessError {
    fn new(program: &Program, attempt: &'static str, source: io::Error) -> Self {
        Self {
            name: program.name.clone(),
            attempt,
            source,
        }
    }
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "could not {} {}: {}",
            self.attempt, self.name, self.source
        )
    }
}

impl std::error::Error for ProcessError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests;

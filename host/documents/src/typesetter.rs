//! The host's end: one process that typesets, started when it is needed, replaced when it fails.

use std::ffi::OsString;
use std::io::{self, BufReader, BufWriter};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::engine::Engine;
use crate::problem::DocumentError;
use crate::wire::{self, Answer};
use crate::{Job, Typeset, worker};

/// The longest time that an answer may take on the clock on the wall, where a busy machine hardly lets the typesetter
/// run.
const LONGEST: Duration = Duration::from_secs(120);

/// Makes documents, one at a time. Cheap to clone. Calls block: make them off the async threads.
#[derive(Clone)]
pub struct Typesetter(Arc<Mutex<Runner>>);

/// The place where documents are typeset.
enum Runner {
    /// A process of its own: the one at work, if any, and how to start the next.
    Process { worker: Option<Worker>, program: PathBuf, arguments: Vec<OsString> },
    /// This process, on a thread of its own.
    Inside { font_folder: Option<PathBuf> },
}

/// A running typesetter.
struct Worker {
    child: Child,
    jobs: BufWriter<ChildStdin>,
    answers: Receiver<Answer>,
}

impl Typesetter {
    /// Starts `program arguments…` for the work: it has to call [`crate::serve`]. Nothing is started yet.
    pub fn process(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self(Arc::new(Mutex::new(Runner::Process { worker: None, program, arguments })))
    }

    /// Works in this process. For tests: nothing stops a template that does not end.
    pub fn inside(font_folder: Option<PathBuf>) -> Self {
        Self(Arc::new(Mutex::new(Runner::Inside { font_folder })))
    }

    /// Makes a document.
    ///
    /// # Errors
    /// Returns what is wrong with the template, or which limit it went over.
    pub fn typeset(&self, job: Job) -> Result<Typeset, DocumentError> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *place {
            Runner::Process { worker, program, arguments } => in_process(worker, &job, || {
                Worker::start(program, arguments).map_err(|error| DocumentError::Typesetter(error.to_string()))
            }),
            Runner::Inside { font_folder } => {
                let mut engine = Engine::new(font_folder.clone());
                worker::typeset(&mut engine, job).map_err(DocumentError::Template)
            }
        }
    }
}

fn in_process(
    idle: &mut Option<Worker>,
    job: &Job,
    start: impl Fn() -> Result<Worker, DocumentError>,
) -> Result<Typeset, DocumentError> {
    // One that waits for work may be about to end for want of it: then the job never reached it.
    if let Some(mut worker) = idle.take() {
        match worker.ask(job) {
            Ok(answer) => {
                *idle = Some(worker);
                return answer.map_err(DocumentError::Template);
            }
            // Or somebody ended it meanwhile: the machine, say, for want of memory.
            Err(Ended::Idle | Ended::Otherwise(_)) => {}
            Err(ended) => return Err(ended.because(&job.template)),
        }
    }
    let mut worker = start()?;
    let answer = worker.ask(job).map_err(|ended| ended.because(&job.template))?;
    *idle = Some(worker);
    answer.map_err(DocumentError::Template)
}

/// The way in which a typesetter ended without an answer.
enum Ended {
    Idle,
    OverCpu,
    OverMemory,
    TooLong,
    Otherwise(String),
}

impl Ended {
    fn because(self, template: &str) -> DocumentError {
        let reason = match self {
            Self::OverCpu => format!("it needs more than {} seconds of computing", worker::CPU.as_secs()),
            Self::OverMemory => format!("it needs more than {} MB of memory", worker::MEMORY >> 20),
            Self::TooLong => format!("it took longer than {} seconds", LONGEST.as_secs()),
            Self::Otherwise(how) => format!("the typesetter ended over it ({how})"),
            Self::Idle => return DocumentError::Typesetter("it ends as soon as it is started".to_owned()),
        };
        DocumentError::Limit { template: template.to_owned(), reason }
    }
}

impl Worker {
    fn start(program: &PathBuf, arguments: &[OsString]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            // Nothing of the host's environment: it may hold secrets.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (jobs, answers) = pipes.ok_or_else(|| io::Error::other("it has no pipes"))?;
        let (send, received) = mpsc::channel();
        let reading = move || {
            let mut answers = BufReader::new(answers);
            while let Ok(answer) = wire::read_answer(&mut answers) {
                if send.send(answer).is_err() {
                    break;
                }
            }
        };
        thread::Builder::new().name("typesetter".to_owned()).spawn(reading)?;
        Ok(Self { child, jobs: BufWriter::new(jobs), answers: received })
    }

    fn ask(&mut self, job: &Job) -> Result<Answer, Ended> {
        if wire::write_job(&mut self.jobs, job).is_err() {
            return Err(self.ended());
        }
        match self.answers.recv_timeout(LONGEST) {
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Timeout) => Err(Ended::TooLong),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
        }
    }

    /// The worker closed its pipe: it has ended, or is about to.
    fn ended(&mut self) -> Ended {
        match self.child.wait() {
            Ok(status) => match status.code() {
                Some(0) => Ended::Idle,
                Some(worker::OVER_CPU) => Ended::OverCpu,
                Some(worker::OVER_MEMORY) => Ended::OverMemory,
                _ => Ended::Otherwise(status.to_string()),
            },
            Err(error) => Ended::Otherwise(error.to_string()),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

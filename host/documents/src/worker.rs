//! The typesetter's own process: one job after the other from standard input, answers to standard output. It ends itself
//! when nobody asks for a while, and when a job takes more than it may: whatever a template does, it does it here.

use std::any::Any;
use std::io::{self, BufReader, BufWriter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{ExitCode, exit};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use std::{fs, thread};

use crate::engine::Engine;
use crate::problem::DocumentError;
use crate::wire::{self, Answer};
use crate::{Job, Problem};

/// CPU time for one job. A page takes some 20 ms, and a first one a tenth of a second.
pub(crate) const CPU: Duration = Duration::from_secs(5);

/// Memory of the whole process, bytes. Fonts for Chinese take up to 100 MB of it.
pub(crate) const MEMORY: u64 = 1 << 30;

/// The time for which the worker waits for the next job before it gives its memory back.
const IDLE: Duration = Duration::from_secs(20);

/// The interval at which a job's use of CPU and memory is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Stack of the thread that typesets: templates nest deeper than programs do.
const STACK: usize = 32 << 20;

/// The exit status by which the worker says that a job went over its limit of CPU time.
pub(crate) const OVER_CPU: i32 = 80;
/// See [`OVER_CPU`].
pub(crate) const OVER_MEMORY: i32 = 81;

/// Typesets what standard input asks for, until it closes or nothing comes for a while.
pub fn serve(font_folder: Option<PathBuf>) -> ExitCode {
    let (send, jobs) = mpsc::sync_channel::<Job>(0);
    let (done, is_done) = mpsc::channel::<()>();
    let typesetting = move || {
        let mut engine = Engine::new(font_folder);
        let mut answers = BufWriter::new(io::stdout().lock());
        while let Ok(job) = jobs.recv() {
            let answer = typeset(&mut engine, job);
            if wire::write_answer(&mut answers, answer).is_err() || done.send(()).is_err() {
                break;
            }
        }
    };
    let (asked, requests) = mpsc::sync_channel::<Job>(0);
    let reading = move || {
        let mut input = BufReader::new(io::stdin().lock());
        while let Ok(job) = wire::read_job(&mut input) {
            if asked.send(job).is_err() {
                break;
            }
        }
    };
    // Both threads end with the process.
    drop(thread::spawn(reading));
    if thread::Builder::new().stack_size(STACK).spawn(typesetting).is_err() {
        return ExitCode::FAILURE;
    }
    while let Ok(job) = requests.recv_timeout(IDLE) {
        let begun = used_cpu();
        if send.send(job).is_err() {
            return ExitCode::FAILURE;
        }
        loop {
            match is_done.recv_timeout(LOOK) {
                Ok(()) => break,
                Err(RecvTimeoutError::Timeout) => stop_if_over(begun),
                Err(RecvTimeoutError::Disconnected) => return ExitCode::FAILURE,
            }
        }
    }
    ExitCode::SUCCESS
}

/// One job; a panic in the typesetter is the template's problem.
pub(crate) fn typeset(engine: &mut Engine, job: Job) -> Answer {
    let template = job.template.clone();
    match catch_unwind(AssertUnwindSafe(|| engine.typeset(job))) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(DocumentError::Template(problems))) => Err(problems),
        Ok(Err(other)) => Err(vec![Problem::whole(&template, other.to_string())]),
        Err(panic) => Err(vec![Problem::whole(&template, format!("the typesetter panicked: {}", message(&*panic)))]),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}

/// Ends the process where the job has used more than it may. Figures that the system does not give are not enforced
/// here; the host waits for a bounded time in any case.
fn stop_if_over(begun: Option<Duration>) {
    if used_cpu().zip(begun).is_some_and(|(now, begun)| now.saturating_sub(begun) > CPU) {
        exit(OVER_CPU);
    }
    if resident().is_some_and(|bytes| bytes > MEMORY) {
        exit(OVER_MEMORY);
    }
}

/// CPU time of all threads of this process, as proc(5)'s `stat` gives it in hundredths of a second.
fn used_cpu() -> Option<Duration> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the program's name, which may hold blanks, the times are the 12th and 13th figures.
    let mut figures = text.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut next = || figures.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((next()? + next()?) * 10))
}

/// Memory in use, in bytes: the second figure of proc(5)'s `statm`, in pages of 4 kB.
fn resident() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    text.split_ascii_whitespace().nth(1)?.parse::<u64>().ok().map(|pages| pages << 12)
}

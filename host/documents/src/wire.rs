//! The form in which jobs and answers cross the pipe between the host and its typesetter: a JSON head and the bytes it
//! speaks of, each behind its length. Both ends are the same program.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Job, MadeAt, Problem, Typeset};

/// The largest part that is read, bytes: nothing here comes near it, and a length gone wrong must not take all memory.
const LARGEST: u32 = 256 << 20;

/// A job without its files' bytes.
#[derive(Serialize, Deserialize)]
struct JobHead {
    template: String,
    files: Vec<String>,
    data: Value,
    made_at: MadeAt,
    identity: String,
}

/// An answer without the PDF.
#[derive(Serialize, Deserialize)]
enum AnswerHead {
    Done { pages: Vec<String>, replaced: String, warnings: Vec<Problem> },
    Failed(Vec<Problem>),
}

/// The typesetter's answer: problems are the template's.
pub(crate) type Answer = Result<Typeset, Vec<Problem>>;

pub(crate) fn write_job(pipe: &mut impl Write, job: &Job) -> io::Result<()> {
    let head = JobHead {
        template: job.template.clone(),
        files: job.files.keys().cloned().collect(),
        data: job.data.clone(),
        made_at: job.made_at,
        identity: job.identity.clone(),
    };
    write_part(pipe, &serde_json::to_vec(&head)?)?;
    job.files.values().try_for_each(|bytes| write_part(pipe, bytes))?;
    pipe.flush()
}

pub(crate) fn read_job(pipe: &mut impl Read) -> io::Result<Job> {
    let JobHead { template, files, data, made_at, identity } = serde_json::from_slice(&read_part(pipe)?)?;
    let mut read = BTreeMap::new();
    for path in files {
        read.insert(path, read_part(pipe)?);
    }
    Ok(Job { template, files: read, data, made_at, identity })
}

pub(crate) fn write_answer(pipe: &mut impl Write, answer: Answer) -> io::Result<()> {
    let (head, pdf) = match answer {
        Ok(Typeset { pdf, pages, replaced, warnings }) => (AnswerHead::Done { pages, replaced, warnings }, pdf),
        Err(problems) => (AnswerHead::Failed(problems), Vec::new()),
    };
    write_part(pipe, &serde_json::to_vec(&head)?)?;
    write_part(pipe, &pdf)?;
    pipe.flush()
}

pub(crate) fn read_answer(pipe: &mut impl Read) -> io::Result<Answer> {
    let head = serde_json::from_slice(&read_part(pipe)?)?;
    let pdf = read_part(pipe)?;
    Ok(match head {
        AnswerHead::Done { pages, replaced, warnings } => Ok(Typeset { pdf, pages, replaced, warnings }),
        AnswerHead::Failed(problems) => Err(problems),
    })
}

fn write_part(pipe: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    pipe.write_all(&length.to_le_bytes())?;
    pipe.write_all(bytes)
}

fn read_part(pipe: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    pipe.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > LARGEST {
        return Err(io::Error::other("a part is longer than any can be"));
    }
    let mut bytes = Vec::new();
    pipe.take(length.into()).read_to_end(&mut bytes)?;
    if bytes.len() != length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_and_answers_cross_unchanged() {
        let job = Job {
            template: "plan.typ".to_owned(),
            files: BTreeMap::from([("plan.typ".to_owned(), b"= Plan".to_vec()), ("logo.png".to_owned(), vec![0, 255])]),
            data: serde_json::json!({ "name": "Mārama" }),
            made_at: MadeAt { year: 2026, month: 3, day: 1, hour: 9, minute: 0, second: 0, offset_minutes: 660 },
            identity: "one".to_owned(),
        };
        let mut pipe = Vec::new();
        write_job(&mut pipe, &job).unwrap();
        assert_eq!(read_job(&mut pipe.as_slice()).unwrap(), job);
        assert!(read_job(&mut &pipe[..pipe.len() - 1]).is_err(), "cut short");

        let problem = Problem { file: None, line: Some(3), message: "no".to_owned() };
        let done = Typeset { pdf: vec![1, 2], pages: vec!["a".to_owned()], replaced: String::new(), warnings: vec![] };
        for answer in [Ok(done), Err(vec![problem])] {
            let mut pipe = Vec::new();
            write_answer(&mut pipe, answer.clone()).unwrap();
            assert_eq!(read_answer(&mut pipe.as_slice()).unwrap(), answer);
        }
    }
}

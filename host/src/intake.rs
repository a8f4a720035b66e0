//! Files and forms that people and programs send in, piece by piece as they come.
//!
//! Serves `api` and `web`, which take them in, and `documents`, which keeps them. Each sender has a place in a queue and
//! a time for the whole of it, each form a limit of parts and of text, and no part, not even its heading, is held in
//! memory beyond a bound: texts within theirs, files never.

mod disposition;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use tokio::sync::{AcquireError, Semaphore};

pub use self::disposition::{disposition, named_by};
use crate::domain::{UserId, text};

/// Senders side by side; the next waits, and is refused where that takes too long.
const SIDE_BY_SIDE: usize = 8;
/// Those of one account, and of all who have none: programs with the bootstrap token, whoever runs the host.
const SHARE: usize = SIDE_BY_SIDE / 2;
/// The time for which a sender waits for a place.
const WAIT: Duration = Duration::from_secs(10);
/// The time that a sender may take for the whole of it.
const LONGEST: Duration = Duration::from_secs(300);

/// The time after which to come again where there is no place.
pub const COME_AGAIN: Duration = Duration::from_secs(60);

/// Parts of a form. The longest survey has 400 texts.
const MOST_PARTS: usize = 1_000;
/// All texts of a form together, bytes.
const LARGEST_TEXT: usize = 2 << 20;
/// Bytes that come in while no piece of a part is handed on: headings of parts, and parts that nobody asked for.
const LARGEST_REST: usize = 256 << 10;

/// Takes in what is sent. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    places: Arc<Semaphore>,
    /// The places of each account, fewer than there are: nobody takes all of them.
    shares: Arc<Mutex<HashMap<Option<UserId>, Arc<Semaphore>>>>,
    wait: Duration,
    longest: Duration,
}

/// The reason why something is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum NotRead {
    /// Too many senders are sending at once.
    #[error("too many files are being sent at once; send it again in {} seconds", COME_AGAIN.as_secs())]
    Busy,
    /// The sender was too slow.
    #[error("it took longer than {} minutes to arrive; send it again", LONGEST.as_secs() / 60)]
    TooSlow,
    /// The form holds more than a form may.
    #[error("{0}")]
    TooMuch(String),
    /// The form has a part that nobody reads.
    #[error("the form has a part `{name}`, and its parts are {known}")]
    UnknownPart {
        /// The part's name, cut where it is long.
        name: String,
        /// The parts that there are, each in backticks.
        known: String,
    },
    /// The form has a part twice that is read once.
    #[error("the form has more than one part `{0}`; send each by itself")]
    PartTwice(String),
    /// A text in it is none.
    #[error("a text in it is not UTF-8")]
    NotText,
    /// The sender broke off, or sent what cannot be read; what the parser said is for the log.
    #[error("it broke off before its end, or cannot be read")]
    BrokeOff(String),
}

impl NotRead {
    /// The form has a part `name` that is none of these.
    pub fn unknown_part<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
        Self::UnknownPart { name: text::excerpt(name, 60).into_owned(), known: known.join(", ") }
    }
}

impl Default for Intake {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(SIDE_BY_SIDE)), shares: Arc::default(), wait: WAIT, longest: LONGEST }
    }
}

impl Intake {
    /// Reads in what an account sends, in its place and within its time.
    ///
    /// # Errors
    /// Returns the error of the reading, or an error if there is no place or no time left.
    pub async fn take<T, E: From<NotRead>>(
        &self,
        account: Option<UserId>,
        reading: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let share = self.share(account);
        let places = async { Ok::<_, AcquireError>((share.acquire().await?, self.places.acquire().await?)) };
        let places = tokio::time::timeout(self.wait, places).await;
        let _places = places.map_err(|_| NotRead::Busy)?.map_err(|_| NotRead::Busy)?;
        tokio::time::timeout(self.longest, reading).await.map_err(|_| NotRead::TooSlow)?
    }

    /// The places of an account. Those of accounts that send nothing are forgotten.
    fn share(&self, account: Option<UserId>) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.retain(|known, share| *known == account || Arc::strong_count(share) > 1);
        Arc::clone(shares.entry(account).or_insert_with(|| Arc::new(Semaphore::new(SHARE))))
    }
}

/// The most bytes that a form may have around a file.
const AROUND: usize = 64 << 10;

/// What a request brings: its type, and its body piece by piece.
pub struct Sending {
    /// The `Content-Type`; empty where there is none.
    pub media_type: String,
    /// The body.
    pub body: BodyDataStream,
    most: usize,
}

impl Sending {
    /// Takes a request apart whose file may be `most` bytes long.
    ///
    /// # Errors
    /// Returns an error if it says that it is larger: whoever asks before they send is told at once, and nothing is read in vain.
    pub fn of(request: Request<Body>, most: usize) -> Result<Self, NotRead> {
        let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        match length {
            Some(length) if length > (most + AROUND) as u64 => {
                Err(NotRead::TooMuch(format!("it is larger than {} MB", most >> 20)))
            }
            _ => Ok(Self::of_whatever_size(request, most)),
        }
    }

    /// The same of one that is read as far as it goes whatever it says: what else is in a form is shown again.
    pub fn of_whatever_size(request: Request<Body>, most: usize) -> Self {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.trim().to_owned();
        Self { media_type, body: request.into_body().into_data_stream(), most }
    }

    /// The type without its parameters, in small letters.
    pub fn kind(&self) -> String {
        self.media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Whether it is a form with files.
    pub fn is_form(&self) -> bool {
        self.kind() == "multipart/form-data"
    }

    /// It as a form, which is read further than a file may be long: what reads the file says that it is too large.
    ///
    /// # Errors
    /// Returns an error if the type names no boundary.
    pub fn form(self) -> Result<Form, NotRead> {
        Form::new(&self.media_type, self.body, 2 * self.most)
    }
}

/// A `multipart/form-data` body, part by part.
pub struct Form {
    parts: multer::Multipart<'static>,
    counters: Arc<Counters>,
    count: usize,
    /// The parts that it has, each once, and which of them have come; any where none are named.
    known: &'static [&'static str],
    come: Vec<&'static str>,
}

/// The bytes that have come in of a form so far.
#[derive(Default)]
struct Counters {
    /// The bytes since a piece was last handed on.
    rest: AtomicUsize,
    /// The bytes of texts.
    text: AtomicUsize,
}

/// A part of a form.
pub struct Part {
    field: multer::Field<'static>,
    counters: Arc<Counters>,
}

impl Form {
    /// A body of this `Content-Type`, at most `most` bytes long.
    ///
    /// # Errors
    /// Returns an error if the type names no boundary.
    fn new<E: std::fmt::Display>(
        content_type: &str,
        body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
        most: usize,
    ) -> Result<Self, NotRead> {
        let boundary = multer::parse_boundary(content_type).map_err(broke_off)?;
        let counters = Arc::new(Counters::default());
        let mut whole = 0;
        let body = body.map(move |piece| {
            let piece = piece.map_err(broke_off)?;
            whole += piece.len();
            match whole > most {
                true => Err(NotRead::TooMuch(format!("the form is larger than {} MB", most >> 20))),
                false => Ok(piece),
            }
        });
        let body = Paced { body: Box::pin(body), counters: counters.clone(), has_given: false };
        let parts = multer::Multipart::new(body, boundary);
        Ok(Self { parts, counters, count: 0, known: &[], come: Vec::new() })
    }

    /// The same of these parts alone, each at most once: another is refused, and not passed over.
    pub fn of_parts(self, known: &'static [&'static str]) -> Self {
        Self { known, ..self }
    }

    /// The next part; what is left of the one before is passed over.
    ///
    /// # Errors
    /// Returns an error if the form breaks off, is more than a form, or has a part that it has not.
    pub async fn next(&mut self) -> Result<Option<Part>, NotRead> {
        let Some(field) = self.parts.next_field().await.map_err(not_read)? else { return Ok(None) };
        self.counters.rest.store(0, Ordering::Relaxed);
        self.count += 1;
        if self.count > MOST_PARTS {
            return Err(NotRead::TooMuch(format!("the form has more than {MOST_PARTS} parts")));
        }
        let part = Part { field, counters: self.counters.clone() };
        self.check_name(part.name())?;
        Ok(Some(part))
    }

    /// Refuses a part that is not known, or that has come before.
    fn check_name(&mut self, name: &str) -> Result<(), NotRead> {
        if self.known.is_empty() {
            return Ok(());
        }
        let Some(known) = self.known.iter().find(|known| **known == name) else {
            return Err(NotRead::unknown_part(name, self.known.iter().copied()));
        };
        if self.come.contains(known) {
            return Err(NotRead::PartTwice((*known).to_owned()));
        }
        self.come.push(known);
        Ok(())
    }
}

impl Part {
    /// Its name in the form.
    pub fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// The name of its file. A browser sends an empty one where none was chosen.
    pub fn file_name(&self) -> Option<String> {
        let disposition = self.field.headers().get("content-disposition")?;
        disposition::named_in_form(disposition.as_bytes())
    }

    /// All of it as text.
    ///
    /// # Errors
    /// Returns an error if it is none, breaks off, or the form's texts are too long together.
    pub async fn text(mut self) -> Result<String, NotRead> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece().await? {
            let so_far = self.counters.text.fetch_add(piece.len(), Ordering::Relaxed) + piece.len();
            if so_far > LARGEST_TEXT {
                return Err(NotRead::TooMuch(format!("the form has more than {} MB of text", LARGEST_TEXT >> 20)));
            }
            bytes.extend_from_slice(&piece);
        }
        String::from_utf8(bytes).map_err(|_| NotRead::NotText)
    }

    /// Its pieces, for who keeps them.
    pub fn pieces(self) -> impl Stream<Item = Result<Bytes, NotRead>> + Send {
        stream::try_unfold(self, |mut part| async { Ok(part.piece().await?.map(|piece| (piece, part))) })
    }

    /// All of it, for what is small enough to be held in memory.
    ///
    /// # Errors
    /// Returns an error if it breaks off, or has more than `most` bytes.
    pub async fn bytes(self, most: usize) -> Result<Vec<u8>, NotRead> {
        whole(self.pieces(), most).await
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, NotRead> {
        let piece = self.field.chunk().await.map_err(not_read)?;
        self.counters.rest.store(0, Ordering::Relaxed);
        Ok(piece)
    }
}

/// All of what comes, for what is small enough to be held in memory.
///
/// # Errors
/// Returns an error if it breaks off, or has more than `most` bytes.
pub async fn whole<E: std::fmt::Display>(
    pieces: impl Stream<Item = Result<Bytes, E>>,
    most: usize,
) -> Result<Vec<u8>, NotRead> {
    let mut pieces = std::pin::pin!(pieces);
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(broke_off)?;
        if bytes.len() + piece.len() > most {
            return Err(NotRead::TooMuch(format!("it is larger than {} MB", most >> 20)));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn broke_off(error: impl std::fmt::Display) -> NotRead {
    NotRead::BrokeOff(error.to_string())
}

/// The error of the parser; an error of the body goes through it unchanged.
fn not_read(error: multer::Error) -> NotRead {
    match error {
        multer::Error::StreamReadFailed(inner) => match inner.downcast::<NotRead>() {
            Ok(own) => *own,
            Err(other) => broke_off(other),
        },
        other => broke_off(other),
    }
}

/// A body that is read one piece at a time. The parser would read on as long as the sender sends, and keep all of it
/// until it has found the end of a heading: it is made to look at each piece, and the body ends where it finds nothing
/// to hand on.
struct Paced {
    body: Pin<Box<dyn Stream<Item = Result<Bytes, NotRead>> + Send>>,
    counters: Arc<Counters>,
    has_given: bool,
}

impl Stream for Paced {
    type Item = Result<Bytes, NotRead>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.has_given) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.body.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(piece))) = &polled {
            self.has_given = true;
            let rest = self.counters.rest.fetch_add(piece.len(), Ordering::Relaxed);
            // One piece may be as large as the connection's buffer; what it holds is looked at before the next.
            if rest > LARGEST_REST {
                let message = format!("more than {} KB of the form belong to no part that is read", LARGEST_REST >> 10);
                return Poll::Ready(Some(Err(NotRead::TooMuch(message))));
            }
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=x";

    /// Pieces of 64 KB, counted as they are asked for.
    fn body(
        head: &str,
        filler: u8,
        size: usize,
        tail: &str,
    ) -> (Arc<AtomicUsize>, impl Stream<Item = Result<Bytes, Infallible>> + use<>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        let piece = Bytes::from(vec![filler; 64 << 10]);
        let middle = std::iter::repeat_n(piece, size >> 16);
        let head = Bytes::from(head.to_owned());
        let tail = Bytes::from(tail.to_owned());
        let pieces = std::iter::once(head).chain(middle).chain([tail]);
        let pieces = pieces.inspect(move |piece| {
            counter.fetch_add(piece.len(), Ordering::Relaxed);
        });
        (asked, stream::iter(pieces.map(Ok)))
    }

    fn part(name: &str) -> String {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n")
    }

    async fn next_of(
        body: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
    ) -> Result<Option<Part>, NotRead> {
        Form::new(TYPE, body, 100 << 20).unwrap().next().await
    }

    #[tokio::test]
    async fn a_form_is_read_part_by_part() {
        let text = format!("{}main\r\n{}a,b\r\n--x--\r\n", part("connection"), part("file"));
        // In pieces of each size, so that boundaries lie across them.
        for size in 1..text.len() {
            let pieces: Vec<_> =
                text.as_bytes().chunks(size).map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece))).collect();
            let mut form = Form::new(TYPE, stream::iter(pieces), 1 << 20).unwrap();
            let first = form.next().await.unwrap().unwrap();
            assert_eq!((first.name(), first.file_name()), ("connection", None));
            assert_eq!(first.text().await.unwrap(), "main");
            let second = form.next().await.unwrap().unwrap();
            assert_eq!(second.name(), "file");
            let pieces: Vec<Bytes> = second.pieces().map(Result::unwrap).collect().await;
            assert_eq!(pieces.concat(), b"a,b");
            assert!(form.next().await.unwrap().is_none());
        }
    }

    #[tokio::test]
    async fn a_part_that_is_not_known_is_refused_and_so_is_a_second_one() {
        let check = async |names: &[&str], expected: Result<usize, &str>| {
            let parts: String = names.iter().map(|name| format!("{}main\r\n", part(name))).collect();
            let body = stream::iter([Ok::<_, Infallible>(Bytes::from(parts + "--x--\r\n"))]);
            let mut form = Form::new(TYPE, body, 1 << 20).unwrap().of_parts(&["file", "sheet"]);
            let mut count = 0;
            let end = loop {
                match form.next().await {
                    Ok(Some(_)) => count += 1,
                    Ok(None) => break Ok(count),
                    Err(error) => break Err(error.to_string()),
                }
            };
            assert_eq!(end, expected.map_err(ToOwned::to_owned), "{names:?}");
        };
        check(&["sheet", "file"], Ok(2)).await;
        check(&[], Ok(0)).await;
        let unknown = "the form has a part `connection`, and its parts are `file`, `sheet`";
        check(&["file", "connection"], Err(unknown)).await;
        check(&["file", "sheet", "file"], Err("the form has more than one part `file`; send each by itself")).await;
        check(&[""], Err("the form has a part ``, and its parts are `file`, `sheet`")).await;
    }

    #[tokio::test]
    async fn no_part_is_held_beyond_its_bound() {
        // A heading without end, text before the first part, a part that nobody reads: all end after a little more.
        let heading = "--x\r\nContent-Disposition: form-data; name=\"".to_owned();
        for head in [heading, String::new()] {
            let (asked, body) = body(&head, b'a', 64 << 20, "");
            assert!(matches!(next_of(body).await, Err(NotRead::TooMuch(_))), "{head}");
            assert!(asked.load(Ordering::Relaxed) < 1 << 20, "{head}");
        }
        let (asked, unread) = body(&part("other"), b'a', 64 << 20, "\r\n--x--\r\n");
        let mut form = Form::new(TYPE, unread, 100 << 20).unwrap();
        form.next().await.unwrap();
        assert!(matches!(form.next().await, Err(NotRead::TooMuch(_))));
        assert!(asked.load(Ordering::Relaxed) < 1 << 20);
    }

    #[tokio::test]
    async fn texts_have_a_limit_and_files_only_that_of_the_form() {
        let (asked, text) = body(&part("connection"), b'a', 64 << 20, "\r\n--x--\r\n");
        let read = next_of(text).await.unwrap().unwrap().text().await;
        assert_eq!(read.unwrap_err().to_string(), "the form has more than 2 MB of text");
        assert!(asked.load(Ordering::Relaxed) < 3 << 20);

        let (_, file) = body(&part("file"), b'a', 64 << 20, "\r\n--x--\r\n");
        let pieces: Vec<_> = next_of(file).await.unwrap().unwrap().pieces().collect().await;
        assert_eq!(pieces.into_iter().map(|piece| piece.unwrap().len()).sum::<usize>(), 64 << 20);

        let (_, file) = body(&part("file"), b'a', 64 << 20, "\r\n--x--\r\n");
        let mut form = Form::new(TYPE, file, 16 << 20).unwrap();
        let pieces: Vec<_> = form.next().await.unwrap().unwrap().pieces().collect().await;
        assert_eq!(pieces.last().unwrap().as_ref().unwrap_err().to_string(), "the form is larger than 16 MB");
    }

    #[tokio::test]
    async fn a_form_of_too_many_parts_ends() {
        let parts = part("a") + "\r\n";
        let body = stream::iter((0..2_000).map(move |_| Ok::<_, Infallible>(Bytes::from(parts.clone()))));
        let mut form = Form::new(TYPE, body, 1 << 20).unwrap();
        let mut count = 0;
        let end = loop {
            match form.next().await {
                Ok(Some(_)) => count += 1,
                end => break end,
            }
        };
        assert!(matches!(end, Err(NotRead::TooMuch(_))));
        assert_eq!(count, MOST_PARTS);
    }

    #[tokio::test]
    async fn each_has_a_place_and_a_time() {
        let brief = Duration::from_millis(20);
        let intake =
            Intake { places: Arc::new(Semaphore::new(1)), shares: Arc::default(), wait: brief, longest: brief };
        let silent = async || intake.take(None, std::future::pending::<Result<(), NotRead>>()).await;
        assert!(matches!(silent().await, Err(NotRead::TooSlow)));
        let place = intake.places.acquire().await.unwrap();
        assert!(matches!(silent().await, Err(NotRead::Busy)));
        drop(place);
        assert!(intake.take(None, async { Ok::<_, NotRead>(1) }).await.is_ok());
    }

    #[tokio::test]
    async fn nobody_takes_all_the_places() {
        let brief = Duration::from_millis(50);
        let intake = Intake { wait: brief, ..Intake::default() };
        let [one, other] = [1, 2].map(|number| Some(UserId(uuid::Uuid::from_u128(number))));
        let sending: Vec<_> = (0..SIDE_BY_SIDE)
            .map(|_| {
                let intake = intake.clone();
                tokio::spawn(async move { intake.take(one, std::future::pending::<Result<(), NotRead>>()).await })
            })
            .collect();
        tokio::time::sleep(brief * 4).await;
        let send = async |account| intake.take(account, async { Ok::<_, NotRead>(1) }).await;
        assert!(matches!(send(one).await, Err(NotRead::Busy)));
        assert!(send(other).await.is_ok() && send(None).await.is_ok());
        let without: Vec<_> = (0..SIDE_BY_SIDE)
            .map(|_| {
                let intake = Intake { places: Arc::new(Semaphore::new(SIDE_BY_SIDE)), ..intake.clone() };
                tokio::spawn(async move { intake.take(None, std::future::pending::<Result<(), NotRead>>()).await })
            })
            .collect();
        tokio::time::sleep(brief * 4).await;
        assert!(matches!(send(None).await, Err(NotRead::Busy)), "those without an account share theirs");
        without.iter().for_each(tokio::task::JoinHandle::abort);
        sending.iter().for_each(tokio::task::JoinHandle::abort);
        for ended in sending {
            drop(ended.await);
        }
        assert!(send(one).await.is_ok());
        assert!(
            send(other).await.is_ok() && intake.shares.lock().unwrap().len() == 1,
            "of who sends nothing none is kept"
        );
    }
}

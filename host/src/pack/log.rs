//! The contract's `log`: lines of plugins, counted and capped. They may name people, whatever the contract says: so the
//! operator's log has their number and length, and the lines themselves wait in memory for whoever manages connections.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::bindings::tidegate::mapping::log::Level;
use super::limits;
use crate::domain::Timestamp;

/// A line that a plugin wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PluginLine {
    /// The moment at which it was written.
    pub at: Timestamp,
    /// The pack whose plugin it was.
    pub pack: String,
    /// `debug`, `info` or `warn`.
    pub level: &'static str,
    /// One line of bounded length.
    pub text: String,
}

/// The newest lines of all plugins. Cheap to clone; all clones hold the same lines.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<VecDeque<PluginLine>>>);

impl Lines {
    fn push(&self, line: PluginLine) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == limits::LOG_LINES_KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The lines of a pack, the newest first.
    pub(super) fn of(&self, pack: &str) -> Vec<PluginLine> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().rev().filter(|line| line.pack == pack).cloned().collect()
    }
}

/// The lines of one call.
#[derive(Default)]
pub(super) struct Log {
    /// The pack, as operators know it.
    pack: String,
    kept: Lines,
    lines: u32,
    characters: usize,
    warnings: u32,
    dropped: u32,
}

impl Log {
    /// No lines yet, of this pack.
    pub(super) fn of(pack: &str, kept: Lines) -> Self {
        Self { pack: pack.to_owned(), kept, ..Self::default() }
    }

    /// Takes a line in.
    pub(super) fn take(&mut self, level: Level, message: &str) {
        if self.lines == limits::LOG_LINES {
            self.dropped += 1;
            return;
        }
        self.lines += 1;
        self.warnings += u32::from(level == Level::Warn);
        let level = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
        };
        let text = one_line(message);
        self.characters += text.chars().count();
        self.kept.push(PluginLine { at: Timestamp::now(), pack: self.pack.clone(), level, text });
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let Self { pack, lines, characters, warnings, dropped, .. } = self;
        if *warnings + *dropped > 0 {
            tracing::warn!(target: "tidegate::plugin", %pack, lines, characters, warnings, dropped, "a plugin wrote lines; the connection's page shows the newest");
        } else if *lines > 0 {
            tracing::debug!(target: "tidegate::plugin", %pack, lines, characters, "a plugin wrote lines; the connection's page shows the newest");
        }
    }
}

/// The message as one line of bounded length: a plugin cannot forge a second line or move the cursor.
fn one_line(message: &str) -> String {
    let end = message.floor_char_boundary(limits::LOG_LINE);
    message[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_and_capped() {
        let mut log = Log::default();
        for _ in 0..limits::LOG_LINES + 7 {
            log.take(Level::Debug, "x");
        }
        assert_eq!((log.lines, log.dropped), (limits::LOG_LINES, 7));
    }

    #[test]
    fn the_newest_lines_of_a_pack_are_kept() {
        let lines = Lines::default();
        for number in 0..limits::LOG_LINES_KEPT {
            Log::of("au", lines.clone()).take(Level::Info, &number.to_string());
        }
        Log::of("nz", lines.clone()).take(Level::Warn, "another");
        let of_au = lines.of("au");
        assert_eq!(of_au.len(), limits::LOG_LINES_KEPT - 1);
        assert_eq!(of_au[0].text, (limits::LOG_LINES_KEPT - 1).to_string());
        assert_eq!(lines.of("nz").iter().map(|line| line.level).collect::<Vec<_>>(), ["warn"]);
    }

    #[test]
    fn a_message_is_one_short_line() {
        let check = |message: &str, expected: &str| assert_eq!(one_line(message), expected);
        check("read 3 rows", "read 3 rows");
        check("a\nWARN forged\x1b[2J", "a WARN forged [2J");
        check(&"é".repeat(400), &"é".repeat(256));
    }
}

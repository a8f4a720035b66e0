//! The contract's `log`: lines of plugins, counted and capped, in the operator's log.

use super::bindings::tidegate::mapping::log::{Host, Level};
use super::instance::State;
use super::limits;

/// The lines of one call.
#[derive(Default)]
pub(super) struct Log {
    /// The pack, as operators know it.
    pub(super) pack: String,
    lines: u32,
    dropped: u32,
}

impl Log {
    /// No lines yet, of this pack.
    pub(super) fn of(pack: &str) -> Self {
        Self { pack: pack.to_owned(), lines: 0, dropped: 0 }
    }

    fn take(&mut self, level: Level, message: &str) {
        if self.lines == limits::LOG_LINES {
            self.dropped += 1;
            return;
        }
        self.lines += 1;
        let (pack, line) = (&self.pack, one_line(message));
        match level {
            Level::Debug => tracing::debug!(target: "tidegate::plugin", %pack, "{line}"),
            Level::Info => tracing::info!(target: "tidegate::plugin", %pack, "{line}"),
            Level::Warn => tracing::warn!(target: "tidegate::plugin", %pack, "{line}"),
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if self.dropped > 0 {
            let (pack, dropped) = (&self.pack, self.dropped);
            tracing::warn!(target: "tidegate::plugin", %pack, dropped, "the plugin wrote too many lines; the rest was dropped");
        }
    }
}

impl Host for State {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.count_host_call()?;
        self.log.take(level, &message);
        Ok(())
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
    fn a_message_is_one_short_line() {
        let check = |message: &str, expected: &str| assert_eq!(one_line(message), expected);
        check("read 3 rows", "read 3 rows");
        check("a\nWARN forged\x1b[2J", "a WARN forged [2J");
        check(&"é".repeat(400), &"é".repeat(256));
    }
}

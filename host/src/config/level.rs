//! The log's level or filter directives, as people write them.

use std::str::FromStr as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// The description of what a text that cannot be used should be.
const WANTED: &str =
    "is to be one of error, warn, info, debug, trace, off; or directives such as \"info,tidegate=debug\"";

/// Checks a level. A word by itself that is no level names a part of the program to the filter: all of that part would
/// be logged, and nothing else.
///
/// # Errors
/// Returns the reason in words that do not repeat the text.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    let mut directives = text.split(',').filter(|directive| !directive.is_empty()).peekable();
    let is_there = directives.peek().is_some();
    let can_be_used = |directive: &str| directive.contains(['=', '[', ']']) || LevelFilter::from_str(directive).is_ok();
    let are_usable = is_there && directives.all(can_be_used) && EnvFilter::try_new(text).is_ok();
    if are_usable { Ok(()) } else { Err(WANTED) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_refused() {
        for good in [
            "error",
            "warn",
            "info",
            "debug",
            "trace",
            "off",
            "INFO",
            "info,tidegate=debug",
            "info,tidegate::sync=debug",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["wran", "", ",", " info", "info,wran", "tidegate", "tidegate=wran", "warning", "silent"] {
            assert_eq!(check(bad), Err(WANTED), "{bad}");
        }
    }
}

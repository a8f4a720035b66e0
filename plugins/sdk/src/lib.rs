//! The plugin author's kit.

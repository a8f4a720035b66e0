//! When each connection's sync runs.

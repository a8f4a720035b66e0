//! The Tidegate host.

//! Australia and New Zealand.

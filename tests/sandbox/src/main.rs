//! The stand-in site as a program.
fn main() {}

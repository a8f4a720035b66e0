//! How the binary is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Pointers that the loader has to adjust take 40 kB in this form in place of 3.4 MB, all of which is read at every
    // start. glibc knows it since 2.36.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux")
        && std::env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("gnu")
    {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

//! The contract's types and calls, generated from `wit/v1`.
//!
//! Compiled for every target: natively the same types serve tests and benchmarks, while the imports and exports
//! behind them exist on `wasm32` only. Nothing here is written by hand.

#![allow(missing_docs, unsafe_code, clippy::all, unused_qualifications)]

wit_bindgen::generate!({
    path: "../../wit/v1",
    world: "mapping",
    pub_export_macro: true,
    export_macro_name: "export_component",
    default_bindings_module: "tidegate_sdk::bindings",
    additional_derives: [PartialEq, serde::Serialize],
    // Their words are those of the JSON form, which `canonical` knows.
    additional_derives_ignore: [
        "record-kind", "severity", "title", "sex", "client-status", "goal-owner", "outlook", "cover-type",
        "premium-frequency", "cover-owner",
    ],
    generate_unused_types: true,
});

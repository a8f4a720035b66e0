//! Making a component of a plugin: the one macro, and what stands behind it.

use crate::bindings::tidegate::mapping::{log, phone};
use crate::{Host, LogLevel, PhoneNumber, PhoneProblem};

/// Makes the crate's component from a plugin: the contract's exports and the custom section
/// `tidegate:manifest`. Natively it makes nothing, so that the crate's tests run as ordinary Rust.
///
/// ```ignore
/// tidegate_sdk::export!(MyPlugin);
/// ```
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            use $crate::{
                Context, Diagnostic, Event, FieldExplanation, FileNote, Manifest, Outcome, Plugin, RawRecord,
                RuleProblem, Session, Source, glue,
            };

            #[used]
            #[unsafe(link_section = "tidegate:manifest")]
            static MANIFEST: [u8; <$plugin as Plugin>::MANIFEST.len()] = glue::section(<$plugin as Plugin>::MANIFEST);

            #[global_allocator]
            static ALLOCATOR: glue::Allocator = glue::Allocator::new();

            ::std::thread_local! {
                static SESSION: ::std::cell::RefCell<::std::option::Option<Session<$plugin>>> =
                    const { ::std::cell::RefCell::new(None) };
            }

            /// Runs a call on the configured plugin. The contract says that `configure` comes first; a host
            /// that does not keep to it gets a trap, which is what it expects of a broken component.
            fn configured<T>(call: impl FnOnce(&Session<$plugin>) -> T) -> T {
                SESSION.with_borrow(|session| call(session.as_ref().expect("the host calls `configure` first")))
            }

            struct Component;

            impl glue::Guest for Component {
                fn describe() -> Manifest {
                    Session::<$plugin>::describe()
                }
                fn configure(rules: String) -> Result<Vec<Source>, Vec<RuleProblem>> {
                    let session = Session::<$plugin>::configure(&rules)?;
                    let sources = session.sources();
                    SESSION.set(Some(session));
                    Ok(sources)
                }
                fn map(context: Context, records: Vec<RawRecord>) -> Vec<Outcome> {
                    configured(|session| session.map(&glue::Imports, &context, records))
                }
                fn explain(context: Context, record: RawRecord) -> Vec<FieldExplanation> {
                    configured(|session| session.explain(&glue::Imports, &context, &record))
                }
                fn render_note(context: Context, event: Event) -> Result<FileNote, Vec<Diagnostic>> {
                    configured(|session| session.render_note(&glue::Imports, &context, &event))
                }
            }

    $crate::bindings::export_component!(Component with_types_in $crate::bindings);
        };
    };
}

/// The manifest's bytes as an array, which is what a custom section is made of.
#[must_use]
pub const fn section<const N: usize>(manifest: &str) -> [u8; N] {
    let from = manifest.as_bytes();
    let mut to = [0; N];
    let mut i = 0;
    while i < N {
        to[i] = from[i];
        i += 1;
    }
    to
}

/// The contract's imports. They exist in the sandbox only; natively nothing makes one.
pub struct Imports;

impl Host for Imports {
    fn parse_phone(&self, text: &str, region: Option<&str>) -> Result<PhoneNumber, PhoneProblem> {
        phone::parse(text, region)
    }

    fn log(&self, level: LogLevel, message: &str) {
        log::write(level, message);
    }
}

#[cfg(test)]
mod tests {
    use super::section;

    #[test]
    fn a_section_is_the_manifest_s_bytes() {
        assert_eq!(section::<5>("Māia"), *"Māia".as_bytes());
        assert_eq!(section::<0>(""), [0_u8; 0]);
    }
}

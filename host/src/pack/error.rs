//! The reason why a pack, or a call into its plugin, came to nothing: told apart where the host does something else
//! about it, with what the system, the engine or the compiler said as the cause.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::domain::Diagnostic;

/// The error of another library.
pub(super) type Cause = Box<dyn Error + Send + Sync>;

/// The reason why a pack or a call into it failed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file or folder is missing, or cannot be read or made.
    #[error("{what}: {source}")]
    Io {
        /// The file or folder.
        what: String,
        /// The error of the system.
        source: io::Error,
    },
    /// This machine cannot run plugins, or its typesetter no templates.
    #[error("{0}")]
    NoMachine(String, #[source] Cause),
    /// A file of the pack is not as it should be.
    #[error("{}: {why}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// The reason: what is wrong, and what would be right.
        why: String,
    },
    /// The component is no plugin of this contract, or does more than a plugin may.
    #[error("{}: {why}", path.display())]
    Component {
        /// Its file.
        path: PathBuf,
        /// The reason why the component is refused.
        #[source]
        why: ComponentError,
    },
    /// Several things are wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<Self>),
    /// The rules do not fit; each line names the place.
    #[error("the rules cannot be used:\n{}", .0.join("\n"))]
    Rules(Vec<String>),
    /// Examples in the rules come out otherwise; each line names the place.
    #[error("the examples in the rules do not hold:\n{}", .0.join("\n"))]
    Examples(Vec<String>),
    /// The plugin did not come to an answer, or to none that the contract allows.
    #[error("the plugin failed: {0}")]
    Failed(#[source] PluginFailure),
    /// The component cannot render this note.
    #[error("the note cannot be written: {}", .0.iter().map(|d| d.message.as_str()).collect::<Vec<_>>().join("; "))]
    NotRendered(Vec<Diagnostic>),
}

impl PackError {
    /// A file or folder, as `what` names it, cannot be read or made.
    pub(super) fn io(what: impl std::fmt::Display) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { what: what.to_string(), source }
    }
}

/// The reason why a component is refused before it maps anything.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// No component has the name that the pack gives it.
    #[error("{0}: there is no component yet; `tidegate pack build` makes it of a plugin's source")]
    Missing(#[source] io::Error),
    /// The file is no component, or not a whole one.
    #[error("{0}")]
    NotAComponent(String, #[source] Option<Cause>),
    /// The file is a component and no plugin of this contract, or of another version.
    #[error("{0}")]
    OfAnotherContract(String),
    /// The component asks for what no plugin has.
    #[error("{0}")]
    AsksForMore(String),
    /// The component is larger than is compiled.
    #[error("{0}")]
    TooLarge(String),
    /// The component says something else of itself than its manifest does.
    #[error("{0}")]
    NotAsItSays(String),
    /// The compiler refused it, or took too much time or memory over it.
    #[error("{0}")]
    NotCompiled(String, #[source] Cause),
}

/// The reason why a call into a plugin failed.
#[derive(Debug, thiserror::Error)]
pub enum PluginFailure {
    /// The plugin's time was over.
    #[error("it took too long and was stopped")]
    TookTooLong,
    /// The plugin's stack was full.
    #[error("it called itself too deeply and was stopped")]
    TooDeep,
    /// The plugin ended itself, or did what the engine does not allow.
    #[error("{0}")]
    Trapped(String, #[source] Cause),
    /// The plugin's answer is none that the contract allows.
    #[error("{0}")]
    BrokeContract(String),
    /// The record was not tried, because the plugin failed on others for so long.
    #[error("it failed on other records for so long that this one was not tried")]
    NotTried,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_keeps_its_cause() {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let check = |error: PackError, expected: &str| {
            assert!(error.to_string().starts_with(expected), "{error}");
            assert!(error.source().is_some(), "{error:?}");
        };
        check(PackError::io("packs/a/rules.toml")(missing()), "packs/a/rules.toml: ");
        check(PackError::NoMachine("no engine".to_owned(), Box::new(missing())), "no engine");
        let why = ComponentError::NotCompiled("it takes too much time".to_owned(), Box::new(missing()));
        assert!(why.source().is_some());
        check(PackError::Component { path: "a/component.wasm".into(), why }, "a/component.wasm: it takes too much");
        check(PackError::Failed(PluginFailure::TookTooLong), "the plugin failed: it took too long");
    }
}

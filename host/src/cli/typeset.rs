//! `tidegate typeset`: the process in which the host sets documents; nobody calls it by hand.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

#[derive(Args)]
pub(super) struct Typeset {
    /// A folder of fonts beside those in the program
    #[arg(long, value_name = "FOLDER")]
    font_dir: Option<PathBuf>,
}

impl Typeset {
    /// Answers jobs on standard input until it closes.
    pub(super) fn run(self) -> ExitCode {
        tidegate_documents::serve(self.font_dir)
    }
}

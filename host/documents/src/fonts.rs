//! The fonts that documents are set in: those in the binary (Libertinus Serif, New Computer Modern, DejaVu Sans Mono),
//! and the operator's folder for scripts that these do not have, such as Chinese. Never the machine's own fonts: the same
//! document must come out the same everywhere.

use std::fs;
use std::path::{Path, PathBuf};

use typst::foundations::Bytes;
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;

/// The largest font file that is read, bytes.
const LARGEST: u64 = 64 << 20;

/// Fonts with the book in which typst looks them up.
pub(crate) struct Fonts {
    pub(crate) book: LazyHash<FontBook>,
    pub(crate) all: Vec<Font>,
    /// The operator's folder, until its fonts are needed: they are large, and most documents do without.
    folder: Option<PathBuf>,
}

impl Fonts {
    /// The fonts in the binary.
    pub(crate) fn bundled(folder: Option<PathBuf>) -> Self {
        // Formulas are not set here: the fonts for them would only cost time.
        let fonts = typst_assets::fonts().flat_map(|data| Font::iter(Bytes::new(data)));
        let all: Vec<_> = fonts.filter(|font| !font.info().family.contains("Math")).collect();
        Self { book: LazyHash::new(FontBook::from_fonts(&all)), all, folder }
    }

    /// Takes up the operator's fonts; whether there were any that were not there before.
    pub(crate) fn take_up_folder(&mut self) -> bool {
        let Some(folder) = self.folder.take() else { return false };
        let before = self.all.len();
        for path in font_files(&folder) {
            if let Ok(data) = fs::read(&path) {
                self.all.extend(Font::iter(Bytes::new(data)));
            }
        }
        self.book = LazyHash::new(FontBook::from_fonts(&self.all));
        self.all.len() > before
    }
}

/// The font files in a folder and those directly below it, by name, so that the same folder gives the same book.
fn font_files(folder: &Path) -> Vec<PathBuf> {
    let inside = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let is_font = |path: &PathBuf| {
        let kind = path.extension().and_then(|kind| kind.to_str()).map(str::to_ascii_lowercase);
        kind.is_some_and(|kind| matches!(kind.as_str(), "ttf" | "otf" | "ttc" | "otc"))
            && fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.len() <= LARGEST)
    };
    let here = inside(folder);
    let below = here.iter().filter(|path| path.is_dir()).flat_map(|path| inside(path));
    here.iter().cloned().chain(below).filter(is_font).collect()
}

//! A document of a file note, as every page shows it: where it is downloaded, and what a person is told of it.

/// The path of a document's download.
pub(super) fn download(id: &str) -> String {
    format!("/api/v1/documents/{id}")
}

/// The remark about characters that no font has; none where there are none.
pub(super) fn replaced(characters: &str) -> Option<String> {
    let told: Vec<String> = characters.chars().map(|one| format!("{one} (U+{:04X})", u32::from(one))).collect();
    let which = match told.as_slice() {
        [] => return None,
        [one] => format!("No font here has the character {one}"),
        all => format!("No font here has the characters {}", all.join(", ")),
    };
    Some(format!(
        "{which}; the PDF has \u{FFFD} in its place. Whoever runs the host can name a folder of fonts in its settings \
         (documents.font-dir); then export the document again."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_no_font_has_are_told_by_name() {
        assert_eq!(replaced(""), None);
        let said = replaced("中田").unwrap();
        assert!(said.contains("中 (U+4E2D), 田 (U+7530)") && said.contains("documents.font-dir"), "{said}");
    }
}

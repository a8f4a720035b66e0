//! How a document is named where it is downloaded.

/// A `Content-Disposition` (RFC 6266): a download under this name, in RFC 8187's way, and in ASCII for those that do not
/// know it. Plain ASCII without quotes or line ends, whatever the name.
pub fn disposition(file_name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || " .-_&()".contains(c) { c } else { '_' };
    let ascii: String = file_name.chars().map(plain).collect();
    let mut encoded = String::new();
    for byte in file_name.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_downloads_hold_no_quotes_and_keep_their_letters() {
        assert_eq!(
            disposition("Plan – Mārama \"T\"\r\n.pdf"),
            "attachment; filename=\"Plan _ M_rama _T___.pdf\"; \
             filename*=UTF-8''Plan%20%E2%80%93%20M%C4%81rama%20%22T%22%0D%0A.pdf"
        );
    }
}

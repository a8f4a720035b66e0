//! The browser or program of a request, in a few words: enough for a person to know their own sessions apart.

/// The most characters of a program's name.
const LONGEST: usize = 40;

/// `Firefox on Windows`, or the name by which a program calls itself; none where it says nothing that can be shown.
pub fn named(user_agent: &str) -> Option<String> {
    let has = |mark: &str| user_agent.contains(mark);
    // Each browser names those that it wants to be taken for, too: the rarest name comes first.
    let browsers = [("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrom", "Chrome")];
    let browser = browsers.into_iter().find(|(mark, _)| has(mark)).map(|(_, name)| name);
    let browser = browser.or_else(|| (has("Safari/") && has("Version/")).then_some("Safari"));
    let systems = [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("CrOS", "ChromeOS"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let system = systems.into_iter().find(|(mark, _)| has(mark)).map(|(_, name)| name);
    match (browser, system) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (Some(browser), None) => Some(browser.to_owned()),
        (None, _) => program(user_agent),
    }
}

/// The first name of a product, where it is plain.
fn program(user_agent: &str) -> Option<String> {
    let name = user_agent.split(['/', ' ', '(']).next().unwrap_or_default();
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    (!name.is_empty() && is_plain && name.len() <= LONGEST).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_programs_are_told_apart() {
        let check = |user_agent: &str, expected| assert_eq!(named(user_agent).as_deref(), expected, "{user_agent}");
        check(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
            Some("Chrome on Windows"),
        );
        check(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
            Some("Edge on Windows"),
        );
        check("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Some("Firefox on Linux"));
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
            Some("Safari on iPhone"),
        );
        check("curl/8.5.0", Some("curl"));
        check("python-requests/2.32", Some("python-requests"));
        check("<script>alert(1)</script>", None);
        check("", None);
        check(&"x".repeat(5000), None);
    }
}

//! Misspelt names: which of the names that there are is nearest to what somebody wrote.

/// The name among `known` that `given` is most likely meant to be; none where nothing is near: a mistake a third of its
/// letters at most, capitals aside.
pub(super) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (given.chars().count() / 3).max(1);
    let distances = known.into_iter().map(|name| (distance(given, name), name));
    distances.filter(|(mistakes, _)| *mistakes <= most).min_by_key(|(mistakes, _)| *mistakes).map(|(_, name)| name)
}

/// The question whether the nearest of the known names is meant, as the end of a sentence; empty where none is near.
pub(super) fn question<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, known).map(|name| format!("; is `{name}` meant?")).unwrap_or_default()
}

/// The letters that are to be put in, left out, replaced or swapped with the next one to make `a` of `b` (the distance of
/// optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let letters = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    let (a, b) = (letters(a), letters(b));
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, of_a) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, of_b) in b.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(of_a != of_b);
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            let is_swapped = i > 0 && j > 0 && *of_a == b[j - 1] && a[i - 1] == *of_b;
            if is_swapped {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let check = |given, expected| {
            let known = ["address", "contact", "expect", "row", "sex"];
            assert_eq!(nearest(given, known), expected, "{given}");
        };
        check("adress", Some("address"));
        check("Address", Some("address"));
        check("expct", Some("expect"));
        check("ecxpect", Some("expect"));
        check("contcat", Some("contact"));
        check("rwo", Some("row"));
        check("insurance_group", None);
        check("", None);
        check("ab", None);
    }
}

//! Which known name a mistyped one was meant to be.

/// The candidate that reads most like `name`, if any is close enough to be worth a question.
///
/// The right key under the wrong section is as close as one wrong letter, because that is the
/// other mistake people make.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    // Longer than any key can be mistyped; also bounds the work on hostile input.
    if name.len() > 64 {
        return None;
    }
    let closeness = |candidate: &str| {
        let whole = distance(name, candidate);
        if whole > 0 && leaf(name) == leaf(candidate) { (1, whole) } else { (whole, whole) }
    };
    candidates
        .map(|candidate| (closeness(candidate), candidate))
        .min_by_key(|&(closeness, _)| closeness)
        .filter(|&((edits, _), _)| edits <= 1 + leaf(name).chars().count() / 4)
        .map(|(_, candidate)| candidate)
}

fn leaf(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Edits between two names: characters added, left out, replaced, or two neighbours swapped.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] =
        ["flow.max_connections", "predict.min_packets", "score.min_packets", "score.threshold"];

    fn suggestion(name: &str) -> Option<&'static str> {
        nearest(name, NAMES.into_iter())
    }

    #[test]
    fn swapped_missing_and_extra_letters_find_the_name() {
        assert_eq!(suggestion("flow.max_conenctions"), Some("flow.max_connections"));
        assert_eq!(suggestion("flow.max_connection"), Some("flow.max_connections"));
        assert_eq!(suggestion("flow.max-connections"), Some("flow.max_connections"));
        assert_eq!(suggestion("score.treshold"), Some("score.threshold"));
    }

    #[test]
    fn the_right_key_in_the_wrong_section_is_found_where_it_belongs() {
        assert_eq!(suggestion("max_connections"), Some("flow.max_connections"));
        assert_eq!(suggestion("predict.threshold"), Some("score.threshold"));
        assert_eq!(suggestion("scores.min_packets"), Some("score.min_packets"));
    }

    #[test]
    fn a_name_like_none_gets_no_guess() {
        assert_eq!(suggestion("flow.colour"), None);
        assert_eq!(suggestion(""), None);
        assert_eq!(suggestion(&"x".repeat(1_000_000)), None);
    }

    #[test]
    fn distance_counts_a_swap_as_one_edit() {
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}

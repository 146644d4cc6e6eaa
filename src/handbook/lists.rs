//! What a list file says for people: where its rows come from, and remarks.

use std::collections::BTreeSet;

use csv::ReaderBuilder;

/// The different sources that the rows of a list name, in order.
pub fn sources(text: &str) -> Vec<String> {
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headers = reader.headers().map(|row| row.iter().position(|name| name == "source"));
    let Ok(Some(column)) = headers else { return Vec::new() };
    let rows = reader.records().filter_map(Result::ok);
    let named: BTreeSet<String> = rows
        .filter_map(|row| row.get(column).filter(|source| !source.is_empty()).map(str::to_owned))
        .collect();
    named.into_iter().collect()
}

/// The remarks at the top of a list file.
pub fn remarks(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    lines.map(|line| line.trim_start_matches('#').trim()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_once_and_remarks_as_one_line() {
        let text = "# Shell banks,\n# by the supervisor.\nvalue,source\nA,notice 2\nB,notice 1\nC,\n\
                    D,notice 2\n";
        assert_eq!(sources(text), ["notice 1", "notice 2"]);
        assert_eq!(remarks(text), "Shell banks, by the supervisor.");
        assert_eq!(sources("value\nA\n"), Vec::<String>::new());
    }
}

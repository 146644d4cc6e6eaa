//! What was planted in the sample data, and which of it the alerts found.
//!
//! A scheme counts as found if any alert names one of its parties (customer or account) while it runs,
//! that is from its first to its last transaction plus one day for what only shows afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use crate::domain::{Instant, Span};

/// How long after a scheme's last transaction an alert still counts.
pub const AFTERWARDS: Span = Span::days(1);

/// One planted scheme.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheme {
    /// What kind of scheme.
    pub typology: String,
    /// Its first transaction.
    pub first: Instant,
    /// Its last transaction.
    pub last: Instant,
    /// Customers and accounts that take part.
    pub parties: BTreeSet<String>,
}

/// Whom an alert names, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Event time of the alert.
    pub at: Instant,
    /// The alert's entity and its customer.
    pub parties: Vec<String>,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What kind of scheme.
    pub typology: String,
    /// How many were planted.
    pub planted: usize,
    /// How many were found.
    pub found: usize,
}

/// Reads schemes from a label file (`tx_id,is_laundering,pattern_id,typology`) and the transactions
/// it speaks of (`tx_id,ts,from_account,to_account,from_customer,to_customer,...`). Rows of legitimate
/// patterns (`is_laundering` 0) are no schemes.
///
/// # Errors
/// A file that is not such a CSV file.
pub fn schemes(labels: impl Read, transactions: impl Read) -> Result<Vec<Scheme>, csv::Error> {
    let mut pattern_of = BTreeMap::new();
    for row in csv::Reader::from_reader(labels).into_deserialize::<BTreeMap<String, String>>() {
        let mut row = row?;
        let mut take = |name: &str| row.remove(name).unwrap_or_default();
        if take("is_laundering") == "1" {
            pattern_of.insert(take("tx_id"), (take("pattern_id"), take("typology")));
        }
    }
    let mut by_pattern: BTreeMap<String, Scheme> = BTreeMap::new();
    let mut reader = csv::Reader::from_reader(transactions);
    let header = reader.headers()?.clone();
    let column = |name: &str| header.iter().position(|known| known == name);
    let (id, at) = (column("tx_id"), column("ts"));
    let parties = ["from_account", "to_account", "from_customer", "to_customer"].map(column);
    for row in reader.records() {
        let row = row?;
        let cell = |column: Option<usize>| column.and_then(|column| row.get(column)).unwrap_or("");
        let Some((pattern, typology)) = pattern_of.get(cell(id)) else { continue };
        let Some(at) = Instant::parse(cell(at)) else { continue };
        let scheme = by_pattern.entry(pattern.clone()).or_insert_with(|| Scheme {
            typology: typology.clone(),
            first: at,
            last: at,
            parties: BTreeSet::new(),
        });
        scheme.first = scheme.first.min(at);
        scheme.last = scheme.last.max(at);
        let named = parties.iter().map(|&party| cell(party)).filter(|party| !party.is_empty());
        scheme.parties.extend(named.map(str::to_owned));
    }
    Ok(by_pattern.into_values().collect())
}

/// Reads our own stories from their label file (`story,typology,party,first,last,rule`).
///
/// # Errors
/// A file that is not such a CSV file.
pub fn stories(labels: impl Read) -> Result<Vec<Scheme>, csv::Error> {
    let mut stories = Vec::new();
    for row in csv::Reader::from_reader(labels).into_deserialize::<BTreeMap<String, String>>() {
        let mut row = row?;
        let mut take = |name: &str| row.remove(name).unwrap_or_default();
        let (first, last) = (Instant::parse(&take("first")), Instant::parse(&take("last")));
        if let (Some(first), Some(last)) = (first, last) {
            let parties = take("party");
            // A party may be the customer or the customer's account.
            let parties = BTreeSet::from([format!("A-{parties}"), parties]);
            stories.push(Scheme { typology: take("typology"), first, last, parties });
        }
    }
    Ok(stories)
}

/// Counts planted and found schemes by typology.
#[must_use]
pub fn compare(schemes: &[Scheme], alerts: &[Named]) -> Vec<Line> {
    let mut lines: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for scheme in schemes {
        let is_found = alerts.iter().any(|alert| {
            alert.at >= scheme.first
                && alert.at <= scheme.last.plus(AFTERWARDS)
                && alert.parties.iter().any(|party| scheme.parties.contains(party))
        });
        let (planted, found) = lines.entry(&scheme.typology).or_default();
        *planted += 1;
        *found += usize::from(is_found);
    }
    lines
        .into_iter()
        .map(|(typology, (planted, found))| Line { typology: typology.to_owned(), planted, found })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_found_by_an_alert_on_one_of_its_parties_while_it_runs() {
        let labels = "tx_id,is_laundering,pattern_id,typology\n\
                      T1,1,P1,fan_in\nT2,1,P1,fan_in\nT3,0,P2,normal:fan_in\nT4,1,P3,cycle\n";
        let transactions = "tx_id,ts,from_account,to_account,from_customer,to_customer\n\
                            T1,2023-03-01T00:00:00Z,A1,A9,C1,C9\n\
                            T2,2023-03-03T00:00:00Z,A2,A9,C2,C9\n\
                            T3,2023-03-03T00:00:00Z,A5,A6,C5,C6\n\
                            T4,2023-03-04T00:00:00Z,A7,,C7,\n";
        let schemes = schemes(labels.as_bytes(), transactions.as_bytes()).expect("valid files");
        assert_eq!(schemes.len(), 2);
        let alert = |at: &str, party: &str| Named {
            at: Instant::parse(at).expect("valid time"),
            parties: vec![party.to_owned()],
        };
        let line = |typology: &str, found| Line { typology: typology.into(), planted: 1, found };
        let found = compare(&schemes, &[alert("2023-03-04T00:00:00Z", "C9")]);
        assert_eq!(found, [line("cycle", 0), line("fan_in", 1)]);
        let late = compare(&schemes, &[alert("2023-03-04T00:00:01Z", "C9")]);
        assert_eq!(late, [line("cycle", 0), line("fan_in", 0)]);
    }
}

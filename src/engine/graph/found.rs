//! What a search found, as rules and evidence read it: members, names, and the events behind it.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::engine::row::Value;
use crate::engine::strings::{Strings, Symbol};
use crate::rulebook::pattern::Member;

use super::IdentifierPlan;
use super::fan::Fan;
use super::flows::{Flows, Moment};
use super::links::Cluster;
use super::path::Path;

/// Most names that are written out in one place.
const NAMES_MAX: usize = 20;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A path, with all its transfers.
    Path(Path),
    /// A fan.
    Fan(Fan),
    /// A group of customers.
    Cluster(Cluster),
}

/// One event behind what was found, and what it added to it.
pub struct Part {
    /// When, and its sequence.
    pub moment: Moment,
    /// In words.
    pub text: String,
}

impl Found {
    /// One member.
    pub fn member(&self, member: Member) -> Value {
        match member {
            Member::Hops => self.path().map_or(Value::Absent, |path| count(path.hops.len())),
            Member::Amount => {
                self.amounts().map(|(first, last, all)| all.min(first).min(last)).into()
            }
            Member::FirstAmount => self.amounts().map(|(first, ..)| first).into(),
            Member::LastAmount => self.amounts().map(|(_, last, _)| last).into(),
            Member::Transfers => match self {
                Self::Path(path) => count(path.hops.iter().map(|hop| hop.count).sum()),
                Self::Fan(fan) => count(fan.transfers.len()),
                Self::Cluster(_) => Value::Absent,
            },
            Member::Fan => match self {
                Self::Fan(fan) => count(fan.breadth),
                Self::Path(_) | Self::Cluster(_) => Value::Absent,
            },
            Member::Size => count(self.size()),
            Member::Identifiers => self.cluster().map_or(Value::Absent, |it| count(it.identifiers)),
            Member::Hubs => self.cluster().map_or(Value::Absent, |it| count(it.hubs)),
            Member::StartedAt => self.ends().map_or(Value::Absent, |(at, _)| Value::Micros(at)),
            Member::EndedAt => self.ends().map_or(Value::Absent, |(_, at)| Value::Micros(at)),
            // Names are written by those who write text; see `Found::names`.
            Member::Accounts | Member::Customers => Value::Absent,
        }
    }

    /// Who is in it, in order.
    pub fn names(&self, strings: &Strings) -> String {
        match self {
            Self::Path(path) => {
                let first = path.hops.first().map(|hop| strings.text(hop.from));
                let others = path.hops.iter().map(|hop| strings.text(hop.to));
                first.into_iter().chain(others).collect::<Vec<_>>().join(" > ")
            }
            Self::Fan(fan) => [&fan.sources, &fan.between, &fan.targets]
                .map(|side| joined(side, strings))
                .join(" > "),
            Self::Cluster(cluster) => joined(&cluster.customers, strings),
        }
    }

    /// The first and the last moment of it.
    pub fn ends(&self) -> Option<(i64, i64)> {
        match self {
            Self::Path(path) => Some((path.hops.first()?.first.0, path.hops.last()?.last.0)),
            Self::Fan(fan) => {
                let at = |transfer: &(_, _, Moment, _)| transfer.2.0;
                Some((at(fan.transfers.first()?), at(fan.transfers.last()?)))
            }
            Self::Cluster(cluster) => {
                Some((cluster.ties.first()?.moment.0, cluster.ties.last()?.moment.0))
            }
        }
    }

    const fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Fan(_) | Self::Cluster(_) => None,
        }
    }

    const fn cluster(&self) -> Option<&Cluster> {
        match self {
            Self::Cluster(cluster) => Some(cluster),
            Self::Path(_) | Self::Fan(_) => None,
        }
    }

    /// First, last and smallest amount.
    fn amounts(&self) -> Option<(Decimal, Decimal, Decimal)> {
        match self {
            Self::Path(path) => {
                Some((path.hops.first()?.amount, path.hops.last()?.amount, path.amount))
            }
            Self::Fan(fan) => {
                let smaller = fan.first_amount.min(fan.last_amount);
                Some((fan.first_amount, fan.last_amount, smaller))
            }
            Self::Cluster(_) => None,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Path(path) => {
                let returns =
                    path.hops.first().map(|hop| hop.from) == path.hops.last().map(|hop| hop.to);
                path.hops.len() + usize::from(!returns)
            }
            Self::Fan(fan) => {
                let all = [&fan.sources, &fan.between, &fan.targets].into_iter().flatten();
                all.copied().collect::<BTreeSet<Symbol>>().len()
            }
            Self::Cluster(cluster) => cluster.customers.len(),
        }
    }

    /// The transfers behind a path or fan, in order of time.
    pub fn transfers(&self, flows: &Flows, strings: &Strings) -> Vec<Part> {
        let mut all = match self {
            Self::Path(path) => {
                let row = |hop: &super::path::Hop| {
                    let (from, to) = (hop.from, hop.to);
                    flows
                        .between((from, to), hop.first, hop.last)
                        .map(move |edge| (from, to, edge.moment(), edge.amount))
                        .collect::<Vec<_>>()
                };
                path.hops.iter().flat_map(row).collect()
            }
            Self::Fan(fan) => fan.transfers.clone(),
            Self::Cluster(_) => Vec::new(),
        };
        all.sort_by_key(|(.., moment, _)| *moment);
        all.into_iter()
            .map(|(from, to, moment, amount)| Part {
                moment,
                text: format!(
                    "{} {} > {}",
                    amount.normalize(),
                    strings.text(from),
                    strings.text(to)
                ),
            })
            .collect()
    }

    /// The uses of identifiers behind a group, in order of time.
    pub fn uses(&self, identifiers: &[IdentifierPlan], strings: &Strings) -> Vec<Part> {
        let Self::Cluster(cluster) = self else { return Vec::new() };
        cluster
            .ties
            .iter()
            .map(|tie| {
                let (role, value) = tie.identifier;
                let role = identifiers.get(usize::from(role)).map_or("", |it| it.word.as_str());
                let customer = strings.text(tie.customer);
                let text = format!("{customer} {role} {}", strings.text(value));
                Part { moment: tie.moment, text }
            })
            .collect()
    }
}

fn count(number: usize) -> Value {
    Value::Number(Decimal::from(number))
}

fn joined(names: &[Symbol], strings: &Strings) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_MAX).map(|name| strings.text(*name)).collect();
    let hidden = names.len().saturating_sub(NAMES_MAX);
    let more = if hidden > 0 { format!(" and {hidden} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

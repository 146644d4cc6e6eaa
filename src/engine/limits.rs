//! What may grow, and how far; and how often each bound was met.

use crate::domain::Span;

pub use super::graph::SearchCounts;

/// Bounds on everything in the engine that can grow. Meeting one is counted and reported, and what was
/// left out is said in the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most keys per combination of roles. A key beyond it has no windows.
    pub keys_max: usize,
    /// Most events kept per key and filter. Beyond it the oldest is given up.
    pub series_events_max: usize,
    /// Most events kept per key and step of a sequence. Beyond it the oldest is given up.
    pub step_events_max: usize,
    /// Most combinations of events that are tried to complete a sequence.
    pub sequence_tries_max: usize,
    /// Most timers of one kind, running or not. A key beyond it has none.
    pub timers_max: usize,
    /// A tick is believed only when it is at most so far ahead of logged time.
    pub tick_reach: Span,
    /// Most events per baseline of a key that are remembered because they may be judged again. Beyond it
    /// the oldest is given up, and would count twice.
    pub baseline_waiting_max: usize,
    /// Most transfers per account and direction, or links per customer and identifier, in one graph. Beyond
    /// it the oldest is given up.
    pub graph_edges_max: usize,
    /// Most transfers and links that one search looks at. Beyond it the search ends.
    pub graph_visits_max: usize,
    /// Most parked transactions. Beyond it the oldest is not judged again by itself.
    pub parked_max: usize,
    /// How far behind the latest time seen for its key an event may be before it is marked late.
    pub allowed_lateness: Span,
    /// How much longer than the windows need events are kept, so that a transaction can be judged
    /// again as of its own time when its identity comes late.
    pub judge_again_within: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            keys_max: 50_000_000,
            series_events_max: 100_000,
            step_events_max: 1_000,
            sequence_tries_max: 10_000,
            timers_max: 10_000_000,
            tick_reach: Span::minutes(15),
            baseline_waiting_max: 1_000,
            graph_edges_max: 1_000,
            graph_visits_max: 2_000,
            parked_max: 100_000,
            allowed_lateness: Span::minutes(5),
            judge_again_within: Span::days(1),
        }
    }
}

/// Counts since they were last taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events later than allowed.
    pub late: u64,
    /// Transactions whose customer nobody registered.
    pub unknown_customer: u64,
    /// Keys that were refused.
    pub keys_refused: u64,
    /// Events given up because their series or baseline was full.
    pub events_given_up: u64,
    /// Sequences that were not looked for to the end, because too many combinations were tried.
    pub searches_given_up: u64,
    /// Keys that got no timer, because there were too many.
    pub timers_refused: u64,
    /// Timers whose instant has passed.
    pub timers_fired: u64,
    /// Events that came after it was told that they had not.
    pub absences_contradicted: u64,
    /// Transfers and links given up because an account, customer or identifier had too many.
    pub edges_given_up: u64,
    /// Searches of graphs: how many, what they looked at, how many were cut short.
    pub graph_searches: SearchCounts,
    /// Parked transactions given up.
    pub parked_given_up: u64,
    /// Re-KYC requests held back by the cool-down of their cause.
    pub rekyc_suppressed: u64,
    /// Custom fields whose value was not what the schema says, and how often.
    pub unreadable_fields: Vec<(String, u64)>,
    /// Per rule, in order of the plan.
    pub rules: Vec<RuleCounts>,
}

/// Counts of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// The rule.
    pub rule: String,
    /// How often it was woken and judged.
    pub evaluated: u64,
    /// How often a comparison of `where` or `when` met an absent value then, and was false for it.
    pub met_absent: u64,
    /// How often its condition held.
    pub matched: u64,
    /// How often each exception excused a match, in file order.
    pub excused: Vec<(String, u64)>,
}

/// How much is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Customers with a record.
    pub customers: usize,
    /// Keys in all tables.
    pub keys: usize,
    /// Accounts, customers and identifiers in all graphs.
    pub graph_nodes: usize,
    /// Events whose ids are kept.
    pub events: usize,
    /// Events kept for steps of sequences.
    pub steps: usize,
    /// Timers, running or not.
    pub timers: usize,
    /// Different texts.
    pub strings: usize,
    /// Parked transactions.
    pub parked: usize,
    /// Latest alerts remembered per rule and entity.
    pub open_alerts: usize,
}

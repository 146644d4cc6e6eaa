//! Graphs of recent events, what enters them, and the searches that rules ask for.
//!
//! A *flow* graph holds transfers between accounts, a *link* graph the identifiers that customers used.
//! Patterns with the same `where` share one graph. In: rows, after they were filled and before rules are
//! judged. Out: for each pattern of the row what was found, worked out at most once per row and only
//! when some condition asks. Bounded in time, in number, and in the work of one search; each bound that
//! was met is counted, and the evidence says so.

mod fan;
mod flows;
mod found;
mod links;
mod path;

use rust_decimal::Decimal;

use crate::domain::{Instant, Span};
use crate::rulebook::catalogue::{Catalogue, EventName, EventSet, Family, Role, Slot};
use crate::rulebook::pattern::{Pattern, Shape};

use fan::FanPlan;
use flows::{Flows, Keeping, Kept};
use links::{ClusterPlan, Links};
use path::{PathPlan, Waking, Work};

use super::closure::Compiler;
use super::frame::Mode;
use super::limits::Limits;
use super::row::{Row, Value};
use super::strings::{Strings, Symbol};
use super::table::RoleSlots;
use super::wake::Wake;

pub use flows::{ACCOUNT_BYTES, EDGE_BYTES};
pub use found::{Found, Part};
pub use links::{CUSTOMER_BYTES, IDENTIFIER_BYTES, LINK_BYTES};

/// Accounts or customers swept per graph and sweep.
const SWEEP_NODES: usize = 32;

/// One kind of identifier in a link graph.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentifierPlan {
    role: Role,
    /// The role's name in rule files.
    pub word: String,
    /// The role's name with its fields: what makes it the same under another catalogue.
    text: String,
    slots: RoleSlots,
}

/// What enters one graph.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphLayout {
    /// The identifiers of a link graph, none for a flow graph.
    pub identifiers: Vec<IdentifierPlan>,
    /// Which kinds of events enter.
    pub events: EventSet,
    /// Which of them: index into the plan's filters.
    pub filter: Option<usize>,
    /// The legs that the filter can let in.
    pub wake: Wake,
    /// The filter's canonical text.
    pub filter_text: String,
    /// How far back some pattern looks, in microseconds.
    pub retention: i64,
    /// Since when events were kept, if not from the beginning of the log.
    pub seen_since: Option<Instant>,
}

/// One pattern as it is searched for.
#[derive(Clone, Debug)]
pub struct PatternPlan {
    /// In which graph.
    pub graph: usize,
    /// The pattern's meaning as text, apart from its filter.
    text: String,
    search: Search,
    within: Span,
}

/// The searches.
#[derive(Clone, Copy, Debug)]
enum Search {
    Path(PathPlan),
    Fan(FanPlan),
    Cluster(ClusterPlan),
}

/// Words that rows hold, as symbols.
#[derive(Clone, Copy, Debug)]
pub struct GraphWords {
    inbound: Symbol,
    bank: Symbol,
    third_party: Symbol,
}

/// What is remembered of one graph.
#[derive(Debug)]
pub enum Graph {
    /// Transfers between accounts.
    Flows(Flows),
    /// Identifiers of customers.
    Links(Links),
}

/// What was found for the row, by pattern, and what the searches cost.
#[derive(Debug, Default)]
pub struct Finds {
    places: Vec<Find>,
}

#[derive(Debug, Default)]
struct Find {
    stamp: u64,
    found: Option<Found>,
    is_truncated: bool,
}

/// Counts of searches since they were last taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchCounts {
    /// Searches made.
    pub searches: u64,
    /// Transfers and links that they looked at.
    pub visits: u64,
    /// Searches that stopped at the limit.
    pub cut: u64,
}

/// What a compiled expression sees of graphs.
pub struct GraphFrame<'a> {
    /// All patterns of the plan.
    pub patterns: &'a [PatternPlan],
    /// The words.
    pub words: GraphWords,
    /// All graphs.
    pub graphs: &'a [Graph],
    /// What was found.
    pub finds: &'a mut Finds,
    /// What it cost.
    pub counts: &'a mut SearchCounts,
    /// Most transfers and links of one search.
    pub visits_max: usize,
}

impl GraphWords {
    /// Looks the words up.
    pub fn new(strings: &mut Strings) -> Self {
        Self {
            inbound: strings.intern("in"),
            bank: strings.intern("bank"),
            third_party: strings.intern("third_party"),
        }
    }
}

/// Fields that a graph reads of rows, besides those of its filter.
pub fn slots(pattern: &Pattern, catalogue: &Catalogue) -> Vec<Slot> {
    let mut slots = vec![Slot::TX_DIRECTION, Slot::TX_INITIATOR];
    match &pattern.shape {
        Shape::Shared { roles, .. } => {
            slots.extend(Family::ALL.map(customer_slot));
            for role in roles {
                slots.extend(
                    Family::ALL.map(|family| catalogue.role_slot(*role, family)).iter().flatten(),
                );
            }
        }
        _ => slots.extend([
            Slot::TX_AMOUNT,
            Slot::TX_CUSTOMER,
            Slot::TX_ACCOUNT,
            Slot::TX_COUNTERPARTY,
        ]),
    }
    slots
}

/// Lays out what `pattern` of the compiler's rule searches, and in which graph; gives its place.
pub fn lay_out(compiler: &mut Compiler<'_>, pattern: &Pattern) -> usize {
    let (filter, filter_text) = compiler.filter(pattern.filter.as_ref());
    let identifiers = identifiers(&pattern.shape, &compiler.layout.catalogue);
    let events = match &pattern.shape {
        Shape::Shared { .. } => linking_events(&identifiers),
        _ => EventSet::one(EventName::Transaction),
    };
    let wake = filter.and_then(|place| compiler.layout.filters.get(place)).map(|it| it.1);
    let wake = wake.unwrap_or(Wake::ALL);
    let graphs = &mut compiler.layout.graphs;
    let is_it =
        |graph: &GraphLayout| graph.identifiers == identifiers && graph.filter_text == filter_text;
    let known = graphs.iter().position(is_it);
    let graph = known.unwrap_or_else(|| {
        let (retention, seen_since) = (0, None);
        graphs.push(GraphLayout {
            identifiers,
            events,
            filter,
            wake,
            filter_text,
            retention,
            seen_since,
        });
        graphs.len() - 1
    });
    if let Some(layout) = graphs.get_mut(graph) {
        layout.retention = layout.retention.max(pattern.within.0);
    }
    let text = format!("{:?} {:?}", pattern.shape, pattern.within);
    let patterns = &mut compiler.layout.patterns;
    let known = patterns.iter().position(|plan| plan.graph == graph && plan.text == text);
    known.unwrap_or_else(|| {
        let search = search(pattern);
        patterns.push(PatternPlan { graph, text, search, within: pattern.within });
        patterns.len() - 1
    })
}

fn identifiers(shape: &Shape, catalogue: &Catalogue) -> Vec<IdentifierPlan> {
    let Shape::Shared { roles, .. } = shape else { return Vec::new() };
    let plan = |role: &Role| IdentifierPlan {
        role: *role,
        word: catalogue.role_word(*role).to_owned(),
        text: catalogue.role_text(*role),
        slots: Family::ALL.map(|family| catalogue.role_slot(*role, family)),
    };
    roles.iter().map(plan).collect()
}

/// The events that carry at least one of the identifiers; all carry a customer.
fn linking_events(identifiers: &[IdentifierPlan]) -> EventSet {
    let mut events = EventSet::default();
    for family in Family::ALL {
        if identifiers.iter().any(|it| it.slot(family).is_some()) {
            events.0 |= EventSet::family(family).0;
        }
    }
    events
}

fn search(pattern: &Pattern) -> Search {
    let within = pattern.within.0;
    let path = |is_cycle, hops, keep, is_fresh| {
        Search::Path(PathPlan { is_cycle, hops, keep, is_fresh, within })
    };
    let fan = |is_scatter_gather, fan: u32, keep| {
        Search::Fan(FanPlan { is_scatter_gather, fan: fan as usize, keep, within })
    };
    match &pattern.shape {
        Shape::Cycle { hops, keep } => path(true, *hops, *keep, false),
        Shape::PassThrough { hops, keep, is_fresh } => path(false, *hops, *keep, *is_fresh),
        Shape::GatherScatter { fan: least, keep } => fan(false, *least, *keep),
        Shape::ScatterGather { fan: least, keep } => fan(true, *least, *keep),
        Shape::Shared { hub, .. } => Search::Cluster(ClusterPlan { hub: *hub as usize, within }),
    }
}

impl IdentifierPlan {
    fn slot(&self, family: Family) -> Option<Slot> {
        self.slots.get(family as usize).copied().flatten()
    }
}

impl GraphLayout {
    /// The same graph under the plan before, if there is one; notes since when it sees.
    pub fn carry_over(&mut self, before: &[Self], watermark: Instant) -> Option<usize> {
        let has_seen = watermark > Instant::MIN;
        let same = |old: &Self| {
            let texts = |layout: &Self| -> Vec<String> {
                layout.identifiers.iter().map(|it| it.text.clone()).collect()
            };
            texts(old) == texts(self) && old.filter_text == self.filter_text
        };
        let place = before.iter().position(same);
        let Some(old) = place.and_then(|place| before.get(place)) else {
            self.seen_since = has_seen.then_some(watermark);
            return None;
        };
        let is_longer = self.retention > old.retention;
        let start = is_longer.then(|| Instant(watermark.0.saturating_sub(old.retention)));
        self.seen_since = old.seen_since.max(start);
        place
    }

    fn keeping(&self, limits: &Limits) -> Keeping {
        Keeping {
            span: self.retention.saturating_add(limits.judge_again_within.0),
            spare: limits.judge_again_within.0,
            edges_max: limits.graph_edges_max,
            nodes_max: limits.keys_max,
        }
    }
}

/// The two accounts of a leg's transfer, in the direction of the money, and the leg's own. A party
/// without an account goes by its customer.
fn ends(row: &Row, words: GraphWords) -> Option<(Symbol, Symbol, Symbol)> {
    let symbol = |slot| row.get(slot).symbol();
    let own = symbol(Slot::TX_ACCOUNT).or_else(|| symbol(Slot::TX_CUSTOMER))?;
    let other = symbol(Slot::TX_COUNTERPARTY)?;
    let is_inbound = symbol(Slot::TX_DIRECTION)? == words.inbound;
    Some(if is_inbound { (other, own, own) } else { (own, other, own) })
}

impl Graph {
    /// An empty graph.
    pub fn new(layout: &GraphLayout) -> Self {
        if layout.identifiers.is_empty() {
            Self::Flows(Flows::default())
        } else {
            Self::Links(Links::default())
        }
    }

    /// How many accounts, or customers and identifiers, there are.
    pub const fn len(&self) -> usize {
        match self {
            Self::Flows(flows) => flows.len(),
            Self::Links(links) => links.len(),
        }
    }

    /// Keeps what a row tells, if it tells anything.
    pub fn enter(
        &mut self,
        layout: &GraphLayout,
        row: &Row,
        words: GraphWords,
        watermark: Instant,
        limits: &Limits,
    ) -> Kept {
        let keeping = layout.keeping(limits);
        let moment = (row.at.0, row.sequence);
        match self {
            Self::Flows(flows) => {
                let amount = row.get(Slot::TX_AMOUNT).number().unwrap_or_default();
                match ends(row, words) {
                    Some((from, to, _)) if from != to && amount > Decimal::ZERO => {
                        flows.insert((from, to), moment, amount, watermark, &keeping)
                    }
                    _ => Kept::default(),
                }
            }
            Self::Links(links) => {
                let mut kept = Kept::default();
                let family = row.name.family();
                let Some(customer) = row.get(customer_slot(family)).symbol() else { return kept };
                for (place, identifier) in (0_u8..).zip(&layout.identifiers) {
                    let used = identifier.slot(family).and_then(|slot| row.get(slot).symbol());
                    let used = used.filter(|_| is_own(identifier.role, row, words));
                    let Some(used) = used else { continue };
                    let one = links.insert(customer, (place, used), moment, watermark, &keeping);
                    kept.given_up += one.given_up;
                    kept.is_refused |= one.is_refused;
                }
                kept
            }
        }
    }

    /// Lets go of what no search can need any more, for some accounts or customers.
    pub fn sweep(&mut self, layout: &GraphLayout, now: (Instant, u64), spare: i64) {
        let span = layout.retention.saturating_add(spare);
        match self {
            Self::Flows(flows) => flows.sweep(now, span, SWEEP_NODES),
            Self::Links(links) => links.sweep(now, span, SWEEP_NODES),
        }
    }
}

const fn customer_slot(family: Family) -> Slot {
    match family {
        Family::Transaction => Slot::TX_CUSTOMER,
        Family::Kyc => Slot::KYC_CUSTOMER,
        Family::Security => Slot::SECURITY_CUSTOMER,
    }
}

/// Whether an identifier of a row is the customer's own. The device and the address on the network of a
/// payment are those of whoever ordered it, which the receiver did not, nor who was debited by others.
fn is_own(role: Role, row: &Row, words: GraphWords) -> bool {
    if row.name.family() != Family::Transaction || ![Role::DEVICE, Role::IP].contains(&role) {
        return true;
    }
    let is_inbound = row.get(Slot::TX_DIRECTION).symbol() == Some(words.inbound);
    let initiator = row.get(Slot::TX_INITIATOR).symbol();
    let is_ordered_by_others =
        initiator.is_some_and(|word| word == words.bank || word == words.third_party);
    !is_inbound && !is_ordered_by_others
}

impl Finds {
    /// Room for the patterns of a plan.
    pub fn make_room(&mut self, patterns: usize) {
        self.places.clear();
        self.places.resize_with(patterns, Find::default);
    }
}

impl GraphFrame<'_> {
    /// What was found for pattern `place` and the row; searched for now if no one asked before.
    pub fn found(&mut self, place: usize, row: &Row, stamp: u64, mode: Mode) -> Option<&Found> {
        let is_known = self.finds.places.get(place)?.stamp == stamp;
        if !is_known {
            let plan = self.patterns.get(place)?;
            let mut work = Work { visits_max: self.visits_max, ..Work::default() };
            let found = self.search(plan, row, mode, &mut work);
            self.counts.searches += 1;
            self.counts.visits += work.visits as u64;
            self.counts.cut += u64::from(work.is_cut);
            let is_truncated = work.is_cut || work.lacks_edges;
            *self.finds.places.get_mut(place)? = Find { stamp, found, is_truncated };
        }
        self.finds.places.get(place)?.found.as_ref()
    }

    fn search(&self, plan: &PatternPlan, row: &Row, mode: Mode, work: &mut Work) -> Option<Found> {
        let moment = (row.at.0, row.sequence);
        let until = match mode {
            Mode::Live => (i64::MAX, u64::MAX),
            Mode::AsOf(at) => moment.min((at.0, u64::MAX)),
        };
        match (self.graphs.get(plan.graph)?, &plan.search) {
            (Graph::Flows(flows), Search::Path(path)) => {
                let (from, to, _) = ends(row, self.words)?;
                let waking = Waking { from, to, moment, until };
                path::find(flows, path, &waking, work).map(Found::Path)
            }
            (Graph::Flows(flows), Search::Fan(fan)) => {
                let (from, to, own) = ends(row, self.words)?;
                let waking = Waking { from, to, moment, until };
                fan::find(flows, fan, &waking, own, work).map(Found::Fan)
            }
            (Graph::Links(links), Search::Cluster(cluster)) => {
                let customer = row.get(customer_slot(row.name.family())).symbol()?;
                if let Mode::AsOf(at) = mode {
                    return links.find(cluster, customer, (at.0, until), work).map(Found::Cluster);
                }
                let now = links.latest(customer).map_or(row.at.0, |at| at.max(row.at.0));
                let ends = links.ends(cluster, customer, now, work).into_iter().flatten();
                let mut found = ends.map(|end| (end, (end, u64::MAX)));
                found.find_map(|end| links.find(cluster, customer, end, work)).map(Found::Cluster)
            }
            _ => None,
        }
    }

    /// What evidence tells of pattern `place`, which was searched for before.
    pub fn evidence(
        &self,
        place: usize,
        layout: &GraphLayout,
        strings: &Strings,
        now: Instant,
    ) -> Option<GraphEvidence> {
        let plan = self.patterns.get(place)?;
        let find = self.finds.places.get(place)?;
        let to = find.found.as_ref().and_then(Found::ends).map_or(now, |(_, end)| Instant(end));
        let parts = match (find.found.as_ref(), self.graphs.get(plan.graph)?) {
            (Some(found), Graph::Flows(flows)) => found.transfers(flows, strings),
            (Some(found), Graph::Links(_)) => found.uses(&layout.identifiers, strings),
            (None, _) => Vec::new(),
        };
        Some(GraphEvidence {
            value: find.found.as_ref().map(|found| found.names(strings)),
            from: to.minus(plan.within),
            to,
            is_truncated: find.is_truncated,
            parts,
        })
    }

    /// Who is in what was found for pattern `place`, in words.
    pub fn names(&self, place: usize, strings: &Strings) -> Option<String> {
        let found = self.finds.places.get(place)?.found.as_ref()?;
        Some(found.names(strings))
    }
}

/// What evidence tells of one pattern.
pub struct GraphEvidence {
    /// Who is in it; none when nothing was found.
    pub value: Option<String>,
    /// Everything of it happened after this.
    pub from: Instant,
    /// When its last event happened.
    pub to: Instant,
    /// The search stopped at a limit, or looked at a list that lacks events.
    pub is_truncated: bool,
    /// The events behind it, in order of time.
    pub parts: Vec<Part>,
}

impl Value {
    /// What was found for pattern `place`, to be asked for and written out.
    pub fn found(place: usize) -> Self {
        u32::try_from(place).map_or(Self::Absent, Self::Found)
    }
}

#[cfg(test)]
mod stories;
#[cfg(test)]
mod tests;

//! Where the baselines of rules lie: equal ones of different rules are laid out once.

use jiff::tz::TimeZone;

use crate::domain::Instant;
use crate::rulebook::catalogue::EventSet;
use crate::rulebook::typed::{Aggregate, AggregateFunction, Buckets, Percent};

use super::baseline::{BaselinePlan, BaselineReading, BucketFold};
use super::closure::ValueFn;
use super::wake::Wake;

/// One baseline of a key table.
pub struct BaselineLayout {
    /// Which kinds of events show that a key is there, and enter.
    pub source: EventSet,
    /// Which of them enter: index into the plan's filters.
    pub filter: Option<usize>,
    /// Which legs its filter can let in.
    pub wake: Wake,
    /// What is summed: canonical text and closure.
    pub value: Option<(String, ValueFn)>,
    /// Buckets and readings.
    pub plan: BaselinePlan,
    /// Since when buckets were kept, if not from the beginning of the log: a rule that came later.
    pub seen_since: Option<Instant>,
    filter_text: String,
    zone: TimeZone,
}

/// What an aggregate says of the events that enter, compiled.
pub struct Entering {
    pub filter: Option<usize>,
    pub filter_text: String,
    pub wake: Wake,
    pub value: Option<(String, ValueFn)>,
    pub zone: TimeZone,
}

/// The place of `aggregate`, folded per bucket, among the baselines of a table: which one, and which
/// reading of it.
pub fn place(
    baselines: &mut Vec<BaselineLayout>,
    aggregate: &Aggregate,
    per: Buckets,
    entering: Entering,
) -> (usize, usize) {
    let Entering { filter, filter_text, wake, value, zone } = entering;
    let new = BaselineLayout {
        source: aggregate.source,
        filter,
        wake,
        value,
        plan: BaselinePlan { length: per.length, is_sum: per.is_sum, readings: Vec::new() },
        seen_since: None,
        filter_text,
        zone,
    };
    let known = baselines.iter().position(|known| known.is_same(&new));
    let index = known.unwrap_or_else(|| {
        baselines.push(new);
        baselines.len() - 1
    });
    let reading = BaselineReading { fold: fold(aggregate), buckets: per.count, every: per.every };
    let Some(layout) = baselines.get_mut(index) else { return (index, 0) };
    let known = layout.plan.readings.iter().position(|known| *known == reading);
    let place = known.unwrap_or_else(|| {
        layout.plan.readings.push(reading);
        layout.plan.readings.len() - 1
    });
    (index, place)
}

fn fold(aggregate: &Aggregate) -> BucketFold {
    match aggregate.function {
        AggregateFunction::Stddev => BucketFold::Stddev,
        AggregateFunction::Min => BucketFold::Min,
        AggregateFunction::Max => BucketFold::Max,
        AggregateFunction::Median => BucketFold::Rank(Percent::MEDIAN),
        AggregateFunction::Percentile => {
            BucketFold::Rank(aggregate.percent.unwrap_or(Percent::MEDIAN))
        }
        _ => BucketFold::Avg,
    }
}

/// For each baseline, which of the old ones it goes on with; one that is new, or looks further back
/// than before, notes since when it sees.
pub fn carry_over(
    baselines: &mut [BaselineLayout],
    before: &[BaselineLayout],
    watermark: Instant,
) -> Vec<Option<usize>> {
    let has_seen = watermark > Instant::MIN;
    baselines
        .iter_mut()
        .map(|baseline| {
            let place = before.iter().position(|old| old.is_same(baseline));
            let old = place.and_then(|place| before.get(place));
            baseline.seen_since = match old {
                None => has_seen.then_some(watermark),
                Some(old) => {
                    let is_enough = baseline.plan.keep() <= old.plan.keep();
                    let start = Instant(watermark.0.saturating_sub(old.plan.reach()));
                    old.seen_since.max((!is_enough).then_some(start))
                }
            };
            place
        })
        .collect()
}

impl BaselineLayout {
    fn is_same(&self, other: &Self) -> bool {
        let text = |layout: &Self| layout.value.as_ref().map(|(text, _)| text.clone());
        (self.source, &self.filter_text) == (other.source, &other.filter_text)
            && (self.plan.length, self.plan.is_sum) == (other.plan.length, other.plan.is_sum)
            && self.zone == other.zone
            && text(self) == text(other)
    }
}

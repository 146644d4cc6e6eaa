//! What is usual for a key, by buckets of time: `avg(sum(...) per 1d) by customer over previous 90d`.
//!
//! A [`Baseline`] keeps one count and one exact sum per hour, day or week, and no events, so that a key
//! of the whole platform costs hundreds of numbers and not millions of events. Only whole buckets count,
//! those that ended at or before the evaluation instant; one without events counts as 0 if the key had
//! been seen by then. A late event lands in its own bucket. A value is worked out once per bucket and
//! remembered until the next one begins or a late event changes it.

use std::collections::VecDeque;

use rust_decimal::Decimal;

use crate::rulebook::typed::{BucketLength, Percent};

use super::row::{Mark, Value};
use super::spread::Spread;
use super::sum::ExactSum;

/// How a baseline looks; made once per rulebook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselinePlan {
    /// How long a bucket is.
    pub length: BucketLength,
    /// A bucket's value is the sum of what is kept, not the number of events.
    pub is_sum: bool,
    /// What is read of it.
    pub readings: Vec<BaselineReading>,
}

/// One reading of a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaselineReading {
    /// How buckets are folded.
    pub fold: BucketFold,
    /// How many whole buckets it looks back.
    pub buckets: u32,
    /// Of these only each so-manieth, counted back from the running one.
    pub every: u32,
}

/// How the values of buckets are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketFold {
    /// Their mean.
    Avg,
    /// Their standard deviation.
    Stddev,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The value below which a share of them lies.
    Rank(Percent),
}

/// Fewer whole buckets than this say nothing of what is usual.
const BUCKETS_MIN: i64 = 2;

/// The buckets of one key and filter.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// The bucket in which the key was first seen, whether or not the filter let the event in.
    first: i64,
    /// Those with events, by number.
    buckets: VecDeque<Bucket>,
    /// What the event judged last added, to be left out again for that event.
    own: Option<(u64, Bucket)>,
    /// Events that may be judged again, in the order of the log: none enters twice.
    waiting: VecDeque<Mark>,
    /// The latest bucket that was let go.
    let_go: i64,
    /// Per reading, the running bucket it was worked out for, and the value.
    known: Box<[Option<(i64, Value)>]>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    number: i64,
    count: u64,
    sum: ExactSum,
}

/// Bytes of a baseline without buckets.
pub const BYTES: usize = size_of::<Baseline>();
/// Bytes of what is remembered of one reading.
pub const READING_BYTES: usize = size_of::<Option<(i64, Value)>>();
/// Bytes of one bucket.
pub const BUCKET_BYTES: usize = size_of::<Bucket>();

impl BaselinePlan {
    /// How many buckets some reading looks back.
    pub fn keep(&self) -> i64 {
        self.readings.iter().map(|reading| i64::from(reading.buckets)).max().unwrap_or(0)
    }

    /// How long ago a bucket can still matter, in microseconds.
    pub fn reach(&self) -> i64 {
        (self.keep() + 2).saturating_mul(self.length.micros())
    }
}

impl Baseline {
    /// No buckets yet.
    pub fn new(plan: &BaselinePlan) -> Self {
        Self {
            first: i64::MAX,
            buckets: VecDeque::new(),
            own: None,
            waiting: VecDeque::new(),
            let_go: i64::MIN,
            known: vec![None; plan.readings.len()].into(),
        }
    }

    /// The key was seen in bucket `number`.
    pub fn see(&mut self, number: i64) {
        if number < self.first {
            self.first = number;
            self.known.fill(None);
        }
    }

    /// The event at `sequence` enters bucket `number` with its value.
    pub fn insert(&mut self, number: i64, sequence: u64, value: Option<Decimal>) {
        let own = self.own.take().filter(|(owner, own)| *owner == sequence && own.number == number);
        let mut own = own.map_or(Bucket::new(number), |(_, own)| own);
        own.add(value);
        self.own = Some((sequence, own));
        let place = self.buckets.partition_point(|bucket| bucket.number < number);
        let known = self.buckets.get_mut(place).filter(|bucket| bucket.number == number);
        if let Some(bucket) = known {
            bucket.add(value);
        } else {
            let mut bucket = Bucket::new(number);
            bucket.add(value);
            self.buckets.insert(place, bucket);
        }
        for known in &mut self.known {
            if known.is_some_and(|(running, _)| running > number) {
                *known = None;
            }
        }
    }

    /// Lets go of the buckets that no reading needs any more, also not as of `spare` microseconds before
    /// the latest one.
    pub fn forget(&mut self, plan: &BaselinePlan, spare: i64) {
        let latest = self.buckets.back().map_or(i64::MIN, |bucket| bucket.number);
        let oldest = latest.saturating_sub(plan.keep() + spare / plan.length.micros() + 2);
        while let Some(bucket) = self.buckets.front().filter(|bucket| bucket.number < oldest) {
            self.let_go = self.let_go.max(bucket.number);
            self.buckets.pop_front();
        }
    }

    /// Lets go of all buckets; when the key was first seen is kept.
    pub fn clear(&mut self) {
        self.let_go = self.buckets.back().map_or(self.let_go, |bucket| bucket.number);
        self.buckets = VecDeque::new();
        self.own = None;
    }

    /// Notes that the row with this mark may be judged again. True when an older one was given up for it.
    pub fn expect_again(&mut self, mark: Mark, most: usize) -> bool {
        if self.waiting.back() != Some(&mark) {
            self.waiting.push_back(mark);
        }
        self.waiting.len() > most && self.waiting.pop_front().is_some()
    }

    /// Whether the row with this mark entered before.
    pub fn has_entered(&self, mark: Mark) -> bool {
        self.waiting.binary_search(&mark).is_ok()
    }

    /// Reads the baseline while bucket `running` goes on, as the event at `sequence` sees it.
    pub fn read(
        &mut self,
        plan: &BaselinePlan,
        index: usize,
        running: i64,
        sequence: u64,
    ) -> Value {
        let is_own = |(owner, own): &(u64, Bucket)| *owner == sequence && own.number < running;
        if self.own.as_ref().is_some_and(is_own) {
            return self.read_at(plan, index, running, sequence);
        }
        if let Some(Some((known, value))) = self.known.get(index)
            && *known == running
        {
            return *value;
        }
        let value = self.read_at(plan, index, running, sequence);
        if let Some(place) = self.known.get_mut(index) {
            *place = Some((running, value));
        }
        value
    }

    /// The same as of any instant, which lies in bucket `running`.
    pub fn read_at(&self, plan: &BaselinePlan, index: usize, running: i64, sequence: u64) -> Value {
        let Some(reading) = plan.readings.get(index) else { return Value::Absent };
        let Some(total) = self.number_of(*reading, running) else { return Value::Absent };
        let mut values = Vec::new();
        for bucket in self.inside(*reading, running) {
            match self.without_own(bucket, sequence).value(plan.is_sum) {
                Some(value) => values.push(value),
                None => return Value::Absent,
            }
        }
        fold(reading.fold, values, total).into()
    }

    /// How many events lie in the buckets that a reading looks at.
    pub fn events(&self, reading: BaselineReading, running: i64, sequence: u64) -> u64 {
        let inside = self.inside(reading, running);
        inside.map(|bucket| self.without_own(bucket, sequence).count).sum()
    }

    /// Whether a reading lacks buckets that were let go.
    pub fn lacks_events(&self, reading: BaselineReading, running: i64) -> bool {
        running.saturating_sub(i64::from(reading.buckets)) <= self.let_go
    }

    /// How many whole buckets there are since the key was first seen; `None` if too few.
    fn number_of(&self, reading: BaselineReading, running: i64) -> Option<usize> {
        let reach = running.saturating_sub(self.first).min(i64::from(reading.buckets));
        let total = reach.div_euclid(i64::from(reading.every.max(1)));
        usize::try_from(total).ok().filter(|_| total >= BUCKETS_MIN)
    }

    fn inside(&self, reading: BaselineReading, running: i64) -> impl Iterator<Item = Bucket> {
        let start = running.saturating_sub(i64::from(reading.buckets));
        let every = i64::from(reading.every.max(1));
        let from = self.buckets.partition_point(|bucket| bucket.number < start);
        let to = self.buckets.partition_point(|bucket| bucket.number < running).max(from);
        let buckets = self.buckets.range(from..to).copied();
        buckets.filter(move |bucket| (running - bucket.number) % every == 0)
    }

    fn without_own(&self, mut bucket: Bucket, sequence: u64) -> Bucket {
        if let Some((owner, own)) = self.own
            && owner == sequence
            && own.number == bucket.number
        {
            bucket.count -= own.count;
            bucket.sum = bucket.sum.minus(own.sum);
        }
        bucket
    }

    /// The same buckets under another plan.
    pub fn replan(&self, plan: &BaselinePlan) -> Self {
        Self { known: vec![None; plan.readings.len()].into(), ..self.clone() }
    }
}

impl Bucket {
    fn new(number: i64) -> Self {
        Self { number, count: 0, sum: ExactSum::default() }
    }

    fn add(&mut self, value: Option<Decimal>) {
        self.count += 1;
        if let Some(value) = value {
            self.sum.add(value);
        }
    }

    fn value(&self, is_sum: bool) -> Option<Decimal> {
        if is_sum { self.sum.value() } else { Some(Decimal::from(self.count)) }
    }
}

/// Folds the values of buckets with events, and 0 for the others up to `total`.
fn fold(fold: BucketFold, mut values: Vec<Decimal>, total: usize) -> Option<Decimal> {
    values.resize(total.max(values.len()), Decimal::ZERO);
    match fold {
        BucketFold::Avg => {
            let mut sum = ExactSum::default();
            for &value in &values {
                sum.add(value);
            }
            sum.value()?.checked_div(Decimal::from(values.len()))
        }
        BucketFold::Stddev => {
            let mut spread = Spread::default();
            for &value in &values {
                spread.add(value);
            }
            spread.value()
        }
        BucketFold::Min => values.into_iter().min(),
        BucketFold::Max => values.into_iter().max(),
        BucketFold::Rank(percent) => percent.value_of(values),
    }
}

#[cfg(test)]
impl Baseline {
    /// Bytes that it asked for.
    pub fn held(&self) -> usize {
        BYTES + self.known.len() * READING_BYTES + self.buckets.capacity() * BUCKET_BYTES
    }
}

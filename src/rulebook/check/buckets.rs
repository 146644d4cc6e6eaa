//! Baselines: `avg(sum(tx.amount where ...) per 1d) by customer over previous 90d`.

use crate::rulebook::syntax::{AggregateSyntax, BucketsSyntax, Repeat};
use crate::rulebook::typed::{
    AggregateFunction, BucketLength, Buckets, Expr, Percent, SourceSpan, Window, WindowSpan,
};

use super::Checker;

/// Most buckets of one baseline.
pub const BUCKETS_MAX: i64 = 10_000;

/// How what is in a window or in buckets becomes one value.
pub(super) struct Outer {
    pub function: AggregateFunction,
    pub percent: Option<Percent>,
    pub window: Window,
    pub per: Option<Buckets>,
}

impl Checker<'_> {
    pub(super) fn baseline(
        &mut self,
        written: &AggregateSyntax,
        buckets: &BucketsSyntax,
        span: SourceSpan,
    ) -> Option<Expr> {
        use AggregateFunction as F;
        let is_outer = matches!(
            written.function,
            F::Avg | F::Stddev | F::Min | F::Max | F::Median | F::Percentile
        );
        if !is_outer {
            let title = format!("`{}` does not fold buckets of time", written.name);
            let help = "use avg, stddev, min_of, max_of, median or percentile".to_owned();
            self.report("E075", span, title, "not of these", Some(help));
        }
        let is_inner = matches!(buckets.function, F::Count | F::Sum);
        if !is_inner {
            let title = format!("`{}` cannot stand before `per`", buckets.name);
            let help = "a bucket of time holds a `count(...)` or a `sum(...)`".to_owned();
            self.report("E075", written.head.span, title, "neither count nor sum", Some(help));
        }
        if let Some(filter) = &written.filter {
            let title = "`where` belongs to the events, not to the buckets";
            let help = format!("write `{}({}(... where ...) per ...)`", written.name, buckets.name);
            self.report("E075", filter.span, title, "outside of the inner fold", Some(help));
        }
        let length = self.bucket_length(buckets);
        let percent = self.percent(written, span);
        let window = self.window(written);
        let per = window.zip(length).and_then(|(window, (length, every))| {
            let (count, is_sum) = (self.whole_buckets(written, window, length, every)?, false);
            Some((window, Buckets { is_sum, length, count, every }))
        });
        let is_sum = buckets.function == F::Sum;
        let outer = per.zip(percent.ok()).map(|((window, per), percent)| Outer {
            function: written.function,
            percent,
            window,
            per: Some(Buckets { is_sum, ..per }),
        });
        let inner = AggregateSyntax {
            function: buckets.function,
            name: buckets.name.clone(),
            head: buckets.head.clone(),
            filter: buckets.filter.clone(),
            percent: None,
            by: written.by.clone(),
            window: written.window.clone(),
        };
        let is_sound = is_outer && is_inner && written.filter.is_none() && outer.is_some();
        let folded = self.folded(&inner, outer, span);
        folded.filter(|_| is_sound)
    }

    /// Says that `sum(...) per 1d` is no value by itself.
    pub(super) fn buckets_alone(&mut self, span: SourceSpan) {
        let title = "`per` makes buckets, and something must fold them";
        let help = "write `avg(sum(...) per 1d) by ... over previous 90d`".to_owned();
        self.report("E075", span, title, "many numbers, not one", Some(help));
    }

    /// How long a bucket is, and each how-manieth is looked at.
    fn bucket_length(&mut self, buckets: &BucketsSyntax) -> Option<(BucketLength, u32)> {
        let (written, span) = buckets.length;
        let Some(length) = BucketLength::of(written) else {
            let title = "a bucket is an hour, a day or a week long";
            let help = Some("write `per 1h`, `per 1d` or `per 7d`".to_owned());
            self.report("E074", span, title, "none of these", help);
            return None;
        };
        match (buckets.repeat, length) {
            (None, _) => Some((length, 1)),
            (Some((Repeat::Hour, _)), BucketLength::Hour) => Some((length, 24)),
            (Some((Repeat::Weekday, _)), BucketLength::Day) => Some((length, 7)),
            (Some((repeat, span)), _) => {
                let (title, help) = match repeat {
                    Repeat::Hour => ("`at this hour` is for buckets of an hour", "write `per 1h`"),
                    Repeat::Weekday => {
                        ("`on this weekday` is for buckets of a day", "write `per 1d`")
                    }
                };
                self.report("E074", span, title, "does not fit the length", Some(help.to_owned()));
                None
            }
        }
    }

    /// How many whole buckets the window looks back.
    fn whole_buckets(
        &mut self,
        written: &AggregateSyntax,
        window: Window,
        length: BucketLength,
        every: u32,
    ) -> Option<u32> {
        let span = written.window.as_ref().map(|window| window.length_span)?;
        let WindowSpan::Length(reach) = window.span else {
            let help = Some("write `over previous 90d`".to_owned());
            self.report("E076", span, "buckets need `over previous` and a length", "not one", help);
            return None;
        };
        if !window.is_previous {
            let title = "the bucket that still goes on is no part of what is usual";
            let written = self.written(span);
            let help = Some(format!("write `over previous {written}`"));
            self.report("E076", span, title, "would hold it", help);
            return None;
        }
        let count = reach.0 / length.micros();
        if count / i64::from(every) < 2 {
            let title = "fewer than two whole buckets say nothing of what is usual";
            let help = Some("make the window longer or the buckets shorter".to_owned());
            self.report("E076", span, title, "always absent", help);
            return None;
        }
        if count > BUCKETS_MAX {
            let title = format!("a baseline has at most {BUCKETS_MAX} buckets");
            let help = Some("make the window shorter or the buckets longer".to_owned());
            self.report("E076", span, title, format!("{count} buckets"), help);
            return None;
        }
        u32::try_from(count).ok()
    }
}

//! The same work on many things at once: as many threads as there are cores, results in the order of
//! the things, and a bar when it takes more than two seconds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::bars::Bar;

/// Work that is done sooner needs no bar.
const BAR_AFTER: Duration = Duration::from_secs(2);

/// Does `work` on each of `items`. The results do not depend on the number of threads.
pub fn map<T: Sync, R: Send>(
    what: &'static str,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len());
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (send, next, work) = (send.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    if send.send((index, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        gather(what, &receive, &mut results);
    });
    results.into_iter().flatten().collect()
}

fn gather<R>(what: &'static str, receive: &mpsc::Receiver<(usize, R)>, results: &mut [Option<R>]) {
    let begun = Instant::now();
    let total = results.len();
    let mut bar: Option<Bar> = None;
    for (done, (index, result)) in (1..).zip(receive.iter()) {
        if let Some(place) = results.get_mut(index) {
            *place = Some(result);
        }
        if bar.is_none() && begun.elapsed() > BAR_AFTER {
            bar = Some(Bar::new(what, total as u64, false));
        }
        if let Some(bar) = &mut bar {
            bar.at(done, || format!("{done} of {total}"));
        }
    }
    if let Some(bar) = bar {
        bar.done();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..1000).collect();
        let squares: Vec<u64> = items.iter().map(|item| item * item).collect();
        assert_eq!(map("squares", &items, |item| item * item), squares);
        assert_eq!(map("nothing", &[], |item: &u64| *item), [0; 0]);
    }
}

//! Many runs on all cores, with results in order.

use core::num::NonZero;
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

/// How many threads there are for runs.
pub(super) fn cores() -> NonZero<usize> {
    thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

/// Does jobs `0..count` on so many threads, and gives the results to `take` in order. Ends early
/// when `stop` is set (jobs that have begun are finished) or `take` breaks.
///
/// A job that panics gives the panic's message.
pub(super) fn in_order<T: Send>(
    count: u64,
    threads: NonZero<usize>,
    stop: &AtomicBool,
    job: impl Fn(u64) -> T + Sync,
    mut take: impl FnMut(u64, Result<T, String>) -> ControlFlow<()>,
) {
    let next = AtomicU64::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads.get() {
            let (sender, next, job) = (sender.clone(), &next, &job);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if count <= number {
                        break;
                    }
                    let result = catch_unwind(AssertUnwindSafe(|| job(number)));
                    let result = result.map_err(|panic| message(panic.as_ref()));
                    if sender.send((number, result)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut due = 0;
        for (number, result) in receiver {
            early.insert(number, result);
            while let Some(result) = early.remove(&due) {
                if take(due, result).is_break() {
                    stop.store(true, Ordering::Relaxed);
                    return;
                }
                due += 1;
            }
        }
        // Interrupted: what came early is known all the same.
        for (number, result) in early {
            if take(number, result).is_break() {
                return;
            }
        }
    });
}

fn message(panic: &(dyn core::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(count: usize) -> NonZero<usize> {
        NonZero::new(count).unwrap()
    }

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        let mut taken = Vec::new();
        let never = AtomicBool::new(false);
        in_order(
            100,
            threads(4),
            &never,
            |n| n * n,
            |number, result| {
                taken.push((number, result));
                ControlFlow::Continue(())
            },
        );
        assert_eq!(taken, (0..100).map(|n| (n, Ok(n * n))).collect::<Vec<_>>());
    }

    #[test]
    fn a_job_that_panics_is_told_and_the_others_go_on() {
        let mut taken = Vec::new();
        let job = |n| assert_ne!(n, 1, "one is bad");
        in_order(3, threads(2), &AtomicBool::new(false), job, |_, result| {
            taken.push(result);
            ControlFlow::Continue(())
        });
        assert_eq!((&taken[0], &taken[2]), (&Ok(()), &Ok(())));
        assert!(taken[1].as_ref().is_err_and(|message| message.contains("one is bad")));
    }

    #[test]
    fn after_a_stop_nothing_new_begins_and_what_is_known_is_told() {
        let stop = AtomicBool::new(false);
        let mut taken = 0;
        let job = |n| stop.fetch_or(n == 5, Ordering::Relaxed);
        in_order(1_000_000, threads(2), &stop, job, |_, _| {
            taken += 1;
            ControlFlow::Continue(())
        });
        assert!((6..1_000).contains(&taken), "{taken}");
    }
}

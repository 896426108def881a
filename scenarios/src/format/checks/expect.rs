//! Expectations: each can be met, and they do not contradict each other.

use crate::format::{
    Count, Expect, Issue, KeyPath, Protocol, Scenario, Verdict, VerdictExpectation, expect::ERRORS,
    names,
};

pub(super) fn check(scenario: &Scenario) -> Result<(), Issue> {
    let Some(expect) = &scenario.expect else { return Ok(()) };
    let at = KeyPath::from("expect");
    let errors = expect.errors.iter().map(|(code, count)| (format!("{ERRORS}{code}"), *count));
    let counts = expect.counts.iter().map(|(name, count)| (name.clone(), *count));
    for (key, count) in counts.chain(errors) {
        check_bounds(count, &at.key(&key))?;
    }
    for code in expect.errors.keys() {
        if !names::error_codes().any(|known| known == code) {
            let at = at.key(&format!("{ERRORS}{code}"));
            let issue = Issue::key(at, format!("no error of Kafka is called `{code}`"));
            return Err(issue.nearest(code, names::error_codes()));
        }
    }
    if let Some(bounds) = expect.longest_unavailable
        && let (Some(min), Some(max)) = (bounds.min, bounds.max)
        && max < min
    {
        let at = at.key("longest_unavailable").key("max");
        return Err(Issue::value(at, format!("this is below the minimum, {min}")));
    }
    let protocol = scenario.cluster.protocol;
    check_protocols(expect, protocol, &at)?;
    let unsaid = VerdictExpectation::unsaid();
    check_verdict(expect, expect.verdict_under(protocol).unwrap_or(&unsaid), &at)?;
    check_sent(scenario, expect, &at)
}

fn check_bounds(count: Count, at: &KeyPath) -> Result<(), Issue> {
    if count.min() <= count.max() {
        return Ok(());
    }
    let message = format!("no number is at least {} and at most {}", count.min(), count.max());
    Err(Issue::value(at.clone(), message))
}

/// Each protocol has a verdict that is possible, and the file's own has one only.
fn check_protocols(expect: &Expect, own: Protocol, at: &KeyPath) -> Result<(), Issue> {
    for (protocol, verdict) in &expect.per_protocol {
        let at = at.key("per_protocol").key(protocol.name());
        if !Verdict::ALL.into_iter().any(|one| verdict.is_met_by(one)) {
            return Err(Issue::value(at, "no verdict is left that would be expected"));
        }
        let other = expect.verdict.as_ref().filter(|other| *protocol == own && *other != verdict);
        if let Some(other) = other {
            let message = format!("the file runs under `{}`, and `verdict` is {other}", own.name());
            return Err(Issue::value(at, message));
        }
    }
    Ok(())
}

/// What no run of a verdict can count, or must.
fn check_verdict(expect: &Expect, verdict: &VerdictExpectation, at: &KeyPath) -> Result<(), Issue> {
    let possible: Vec<_> = Verdict::ALL.into_iter().filter(|one| verdict.is_met_by(*one)).collect();
    if possible.is_empty() {
        return Err(Issue::value(at.key("verdict"), "no verdict is left that would be expected"));
    }
    let only_ok = possible == [Verdict::Ok];
    for name in ["acked_lost", "duplicates", "reordered"] {
        if only_ok && expect.counts.get(name).is_some_and(|count| 1 <= count.min()) {
            let message = format!("a run with `{name}` is never `ok`, which `verdict` expects");
            return Err(Issue::value(at.key(name), message));
        }
    }
    let must = [
        (Verdict::AllowedLoss, "lost"),
        (Verdict::AllowedDuplicates, "duplicates"),
        (Verdict::AllowedReorder, "reordered"),
    ];
    for (verdict, name) in must {
        if possible == [verdict] && expect.counts.get(name).is_some_and(|count| count.max() == 0) {
            let message = format!("without `{name}` no run has the verdict that is expected");
            return Err(Issue::value(at.key(name), message));
        }
    }
    Ok(())
}

/// Nothing can be counted more often than records are sent.
fn check_sent(scenario: &Scenario, expect: &Expect, at: &KeyPath) -> Result<(), Issue> {
    let total = scenario.producers.iter().map(|producer| producer.records).sum::<u64>();
    // A retry can put a record there many times: duplicates have no such bound.
    for name in ["sent", "acked", "failed", "unknown", "acked_lost", "lost", "reordered"] {
        let least = expect.counts.get(name).map_or(0, |count| count.min());
        if total < least {
            let message = format!("only {total} records are sent, so never {least} `{name}`");
            return Err(Issue::value(at.key(name), message));
        }
    }
    let bound = |name: &str, of: fn(Count) -> u64| expect.counts.get(name).copied().map(of);
    for (part, whole) in [("acked_lost", "acked"), ("acked_lost", "lost"), ("acked", "sent")] {
        let (least, most) = (bound(part, Count::min), bound(whole, Count::max));
        if let (Some(least), Some(most)) = (least, most)
            && most < least
        {
            let message =
                format!("every `{part}` is one of `{whole}`, of which {most} are expected");
            return Err(Issue::value(at.key(part), message));
        }
    }
    Ok(())
}

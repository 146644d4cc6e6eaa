//! Transactions that are judged a second time, when the identity of one side arrives.

use super::*;

const BY_DEVICE: &str = r"
lang: 1
rule: large-from-device
title: A large payment from a device
severity: low
trigger: transaction
entity: device
when: tx.amount >= 100
alert: { score: 10, message: large }
";

fn from_device(id: u64, days: i64, to: &str) -> Event<'static> {
    let mut event = payment(id, days, TransactionKind::Transfer, "100", ("1", to));
    if let Body::Transaction(transaction) = &mut event.body {
        transaction.session.device = Some(Cow::Borrowed("D1"));
    }
    event
}

#[test]
fn what_matched_by_the_known_side_does_not_match_again_when_the_other_becomes_known() {
    let mut engine = engine(&[BY_DEVICE]);
    let outcomes = run(
        &mut engine,
        &[registered(1, "1"), from_device(1, 0, "2"), from_device(2, 1, "X9"), registered(2, "2")],
    );
    let about_alerts =
        |effect: &&Effect| matches!(effect, Effect::AlertRaised(_) | Effect::AlertExtended(_));
    let counts: Vec<usize> = outcomes
        .iter()
        .map(|outcome| outcome.effects.iter().filter(about_alerts).count())
        .collect();
    assert_eq!(counts, [0, 1, 1, 0], "once per payment, whoever was known when it came");
}

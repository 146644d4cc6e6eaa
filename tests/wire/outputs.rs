//! What Weir publishes: subjects, ids, bytes, and what must not be in them.

use bytes::Bytes;
use rust_decimal::Decimal;
use serde_json::Value;

use weir::domain::alert::{
    AlertClass, Condition, Contribution, EventRef, ListEvidence, ListRowEvidence, NamedValue,
    Verdict, WindowEvidence,
};
use weir::domain::rekyc::{RekycLevel, RekycMerge};
use weir::domain::{
    Alert, AlertUpdate, Body, Control, Entity, Evidence, Instant, Reason, Refusal, RekycCause,
    RekycRequest, RekycScope, Severity, Span,
};
use weir::pipeline::{Delivery, Outgoing};
use weir::wire::encode::{self, Origin};
use weir::wire::outputs::Disposition;

use super::decoder;

fn at() -> Instant {
    Instant::parse("2026-03-01T12:00:00.5Z").expect("valid time")
}

fn alert() -> Alert {
    let event =
        EventRef { sequence: 17, source: "core-banking".into(), id: "t-3".into(), at: at() };
    Alert {
        id: "0123abcd".into(),
        rule: "structuring-cash-deposits".into(),
        title: "Cash deposits split to stay under the threshold".into(),
        rule_digest: "aa".into(),
        meaning_digest: "mm".into(),
        rulebook_digest: "bb".into(),
        schema_digest: "ss".into(),
        class: AlertClass::Suspicion,
        severity: Severity::High,
        score: Decimal::new(5500, 2),
        message: "3 cash deposits".into(),
        entity: Entity { role: "customer".into(), id: "C1".into() },
        customer: Some("C1".into()),
        at: at(),
        event: event.clone(),
        is_late: false,
        is_re_evaluated: false,
        is_shadow: false,
        cooldown: Some(Span::days(7)),
        evidence: Evidence {
            conditions: vec![Condition {
                text: "n >= min_deposits".into(),
                held: true,
                observed: Some("3".into()),
                threshold: Some(">= 3".into()),
            }],
            values: vec![NamedValue { name: "n".into(), value: "3".into() }],
            params: vec![],
            facts: vec![],
            windows: vec![WindowEvidence {
                name: "n".into(),
                text: "count(transaction) by customer over 7d".into(),
                value: "3".into(),
                from: None,
                to: at(),
                is_truncated: false,
                events_total: 1,
                events: vec![Contribution { event, value: Some("9500".into()) }],
            }],
            lists: vec![ListEvidence {
                name: "countries".into(),
                digest: "ll".into(),
                rows: vec![ListRowEvidence {
                    text: "tx.country in list.countries".into(),
                    value: "KP".into(),
                    cell: None,
                    valid_from: Some(at()),
                    valid_to: None,
                }],
            }],
            steps: vec![],
        },
    }
}

fn request(cause: RekycCause) -> RekycRequest {
    RekycRequest {
        id: "r1".into(),
        customer: "C1".into(),
        scope: RekycScope::Full,
        level: RekycLevel::Enhanced,
        cause,
        rule: "suspicious-rule".into(),
        reason: "suspected money mule".into(),
        alert: Some("secret-alert".into()),
        at: at(),
        due_at: at().plus(Span::days(5)),
        is_shadow: false,
    }
}

fn json(outgoing: &Outgoing) -> Value {
    serde_json::from_slice(&outgoing.payload).expect("JSON")
}

#[test]
fn an_alert_is_written_with_its_evidence_in_a_fixed_order() {
    let sent = encode::alert(&alert()).expect("not in shadow");
    assert_eq!(sent.id, "0123abcd");
    assert_eq!(sent.subject, "aml.out.alert.high.structuring-cash-deposits");
    assert_eq!(
        String::from_utf8(sent.payload).expect("text"),
        concat!(
            r#"{"specversion":"1.0","id":"0123abcd","source":"weir","type":"aml.alert.v1","#,
            r#""time":"2026-03-01T12:00:00.5Z","datacontenttype":"application/json","data":{"#,
            r#""alert_id":"0123abcd","rule":"structuring-cash-deposits","#,
            r#""title":"Cash deposits split to stay under the threshold","#,
            r#""class":"suspicion","severity":"high","score":"55","message":"3 cash deposits","#,
            r#""entity":{"role":"customer","id":"C1"},"customer_id":"C1","#,
            r#""event":{"sequence":17,"source":"core-banking","id":"t-3","at":"2026-03-01T12:00:00.5Z"},"#,
            r#""is_late":false,"is_re_evaluated":false,"rule_digest":"aa","meaning_digest":"mm","#,
            r#""rulebook_digest":"bb","schema_digest":"ss","#,
            r#""cooldown":"7d","evidence":{"conditions":[{"text":"n >= min_deposits","held":true,"#,
            r#""observed":"3","threshold":">= 3"}],"values":[{"name":"n","value":"3"}],"params":[],"#,
            r#""facts":[],"windows":[{"name":"n","text":"count(transaction) by customer over 7d","#,
            r#""value":"3","to":"2026-03-01T12:00:00.5Z","is_truncated":false,"events_total":1,"#,
            r#""events":[{"event":{"sequence":17,"source":"core-banking","id":"t-3","#,
            r#""at":"2026-03-01T12:00:00.5Z"},"value":"9500"}]}],"#,
            r#""lists":[{"name":"countries","digest":"ll","rows":[{"#,
            r#""text":"tx.country in list.countries","value":"KP","#,
            r#""valid_from":"2026-03-01T12:00:00.5Z"}]}]}}}"#,
        )
    );
}

#[test]
fn what_a_rule_in_shadow_found_is_not_sent() {
    assert_eq!(encode::alert(&Alert { is_shadow: true, ..alert() }), None);
    let hidden = RekycRequest { is_shadow: true, ..request(RekycCause::Behaviour) };
    assert_eq!(encode::rekyc_requested(&hidden), None);
}

#[test]
fn two_updates_of_one_alert_never_share_an_id() {
    let update = AlertUpdate {
        alert: "0123abcd".into(),
        rule: "structuring-cash-deposits".into(),
        severity: Severity::High,
        is_shadow: false,
        at: at(),
        event: alert().event,
        score: Decimal::new(60, 0),
        message: "4 cash deposits".into(),
    };
    let send = |sequence, index| {
        encode::alert_updated(&update, Origin { sequence, index }).expect("not in shadow")
    };
    assert_eq!(send(18, 0).id, "0123abcd.18.0");
    assert_eq!(send(18, 1).id, "0123abcd.18.1");
    assert_eq!(send(18, 0), send(18, 0));
    assert_eq!(send(18, 0).subject, "aml.out.alert.high.structuring-cash-deposits");
    assert_eq!(json(&send(18, 0))["data"]["score"], "60");
}

#[test]
fn a_rekyc_message_does_not_show_what_is_behind_it() {
    let merge = RekycMerge {
        request: "r1".into(),
        cause: RekycCause::DataDoubt,
        rule: "suspicious-rule".into(),
        alert: Some("secret-alert".into()),
        at: at(),
        due_at: at(),
        level: RekycLevel::Enhanced,
        is_shadow: false,
    };
    let merged = encode::rekyc_merged(&merge, Origin { sequence: 9, index: 2 });
    let merged = merged.expect("not in shadow");
    assert_eq!(
        (merged.id.as_str(), merged.subject.as_str()),
        ("r1.9.2", "aml.out.rekyc.data_doubt")
    );
    let by_alert = encode::rekyc_requested(&request(RekycCause::Behaviour)).expect("not in shadow");
    let periodic = RekycRequest {
        rule: String::new(),
        reason: String::new(),
        alert: None,
        ..request(RekycCause::Periodic)
    };
    let periodic = encode::rekyc_requested(&periodic).expect("not in shadow");
    for sent in [&merged, &by_alert, &periodic] {
        let text = format!("{} {} {}", sent.id, sent.subject, json(sent));
        for word in ["alert", "rule", "suspicious", "suspected", "mule"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
        assert!(!sent.subject.contains("C1") && !sent.id.contains("C1"));
    }
    // A periodic request and one behind which there is an alert differ in their cause alone.
    let text = |sent: &Outgoing| String::from_utf8(sent.payload.clone()).expect("text");
    assert_eq!(text(&by_alert).replace("behaviour", "periodic"), text(&periodic));
}

#[test]
fn a_dead_letter_says_what_was_wrong_but_not_what_was_said() {
    let delivery = Delivery {
        sequence: 42,
        stored_at: at(),
        headers: vec![],
        payload: Bytes::from_static(b"{\"id\":\"Greta Garbo\"}"),
    };
    let refusal = Refusal::new(Reason::NotCloudEvent, "specversion", "required");
    let sent = encode::dead_letter("AML_LOG", &delivery, &refusal);
    assert_eq!(sent.id, "dead.AML_LOG.42");
    assert_eq!(sent.subject, "aml.out.dead.not_cloud_event");
    let data = &json(&sent)["data"];
    assert_eq!(data["reason"], "not_cloud_event");
    assert_eq!(data["path"], "specversion");
    assert_eq!(data["payload_bytes"], 20);
    assert_eq!(data["payload_blake3"].as_str().map(str::len), Some(64));
    assert!(!String::from_utf8_lossy(&sent.payload).contains("Garbo"));
}

#[test]
fn a_subject_has_as_many_tokens_whatever_a_rule_is_called() {
    let odd = Alert { rule: "a.b *>c\u{e5}".into(), ..alert() };
    let sent = encode::alert(&odd).expect("not in shadow");
    assert_eq!(sent.subject, "aml.out.alert.high.a_b___c_");
}

#[test]
fn what_is_written_to_the_log_is_read_back() {
    let read = |sent: &Outgoing| {
        let payload = sent.payload.clone();
        let event = decoder().decode(&[], &payload, at()).expect("valid");
        assert_eq!(event.at, at());
        assert_eq!((event.id.as_ref(), event.source.as_ref()), (sent.id.as_str(), "weir"));
        format!("{:?}", event.body)
    };
    let shown = |control: Control<'_>| format!("{:?}", Body::Control(control));
    let tick = encode::tick(at());
    assert_eq!(tick.subject, "aml.in.control.tick");
    assert_eq!(read(&tick), shown(Control::Tick));
    let digest = "0123456789abcdef";
    let rulebook = encode::rulebook(digest, None, at());
    assert_eq!(rulebook.subject, "aml.in.control.rulebook");
    assert_eq!(read(&rulebook), shown(Control::Rulebook { digest: digest.into() }));
    let approved = encode::rulebook(digest, Some("far: 9 to 2 rows\nnear: 3 to 1 rows"), at());
    assert!(String::from_utf8_lossy(&approved.payload).contains("far: 9 to 2 rows"));
    assert_eq!(read(&approved), read(&rulebook), "the note is for people");
    let decided = Disposition {
        alert: "0123abcd",
        verdict: Verdict::Confirmed,
        by: "officer-7",
        note: Some("sent on at once"),
    };
    let decided = encode::disposition(decided, at());
    assert_eq!(decided.subject, "aml.in.control.disposition");
    assert_eq!(
        read(&decided),
        shown(Control::Disposition {
            alert: "0123abcd".into(),
            verdict: Verdict::Confirmed,
            by: "officer-7".into(),
            note: Some("sent on at once".into()),
        })
    );
}

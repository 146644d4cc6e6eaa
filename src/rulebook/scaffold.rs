//! The text of a new rule: one that checks clean and whose tests pass, to be changed into a real one.

use super::catalogue::{EventName, Family};

/// What stands where the author has to say something; documentation that says this is missing.
pub const PLACEHOLDER: &str = "to be named";

/// Whether `name` can name a rule or a pack: small letters and digits, joined by `-`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.split('-').all(|part| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// The name of a rule that is most like `text`.
#[must_use]
pub fn name_like(text: &str) -> Option<String> {
    let mut small = String::new();
    let mut before = ' ';
    for sign in text.chars() {
        if sign.is_uppercase() && before.is_lowercase() {
            small.push('-');
        }
        small.extend(sign.to_lowercase());
        before = sign;
    }
    let words = small.split(|sign: char| !sign.is_ascii_alphanumeric());
    let name = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    is_name(&name).then_some(name)
}

/// A rule named `name` that counts what wakes it, with a test that fires and one that stays quiet.
#[must_use]
pub fn rule(name: &str, trigger: EventName) -> String {
    let title = name.replace('-', " ");
    let first = title.chars().next().map(|first| first.to_ascii_uppercase());
    let title: String = first.into_iter().chain(title.chars().skip(1)).collect();
    let event = trigger.word();
    let (key, fields, plural) = match trigger.family() {
        Family::Transaction => ("tx".to_owned(), "customer: C1, amount: 500", "transactions"),
        Family::Kyc => (event.clone(), "customer: C1", "identity events"),
        Family::Security => (event.clone(), "customer: C1", "security events"),
    };
    format!(
        r#"lang: 1
rule: {name}
version: 0.1.0
title: {title}
about: |
  Looks for customers with several {plural} of this kind within a day.
  Why it matters: say which crime or control this is about, and how it is done.
misses: {PLACEHOLDER}           # what the rule cannot see
false_alarms: {PLACEHOLDER}     # who does this for honest reasons
status: shadow
severity: medium
tags:
  typology: [{PLACEHOLDER}]
references:
  - {{ cite: {PLACEHOLDER}, confidence: DES }}

# Add `expected_alerts` once it has run in shadow: how many 10,000 customers give in 30 days.
owner: {PLACEHOLDER}
author: {PLACEHOLDER}
approver: {PLACEHOLDER}         # somebody other than the author

trigger: {event}
entity: customer

params:
  limit:
    value: 3
    unit: {plural} within a day
    confidence: DES
    why: {PLACEHOLDER}          # tune it on your own history before the rule becomes active

let:
  n: count({event}) by customer over 1d

when: n >= limit

alert:
  score: clamp(50 + 10 * (n - limit), 0, 100)
  message: "{{n}} {plural} within a day, {{limit}} are worth a look."
  cooldown: 7d

tests:
  - name: three within a day
    defaults: {{ {key}: {{ {fields} }} }}
    events:
      - {{ at: 0h, every: 2h, times: 3, {key}: {{}} }}
    alerts:
      - {{ at: 4h, entity: C1, n: 3, score: 50 }}
  - name: boundary - two, and a third a day after the first
    defaults: {{ {key}: {{ {fields} }} }}
    events:
      - {{ at: 0h, every: 12h, times: 3, {key}: {{}} }}
    alerts: []
"#
    )
}

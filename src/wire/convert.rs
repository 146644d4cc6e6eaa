//! The body of a message becomes a body of the domain, or is refused at its first wrong field.
//!
//! The order of the checks is the order in which the fields are listed in `messages`, so that a
//! message with several mistakes is always refused for the same one.

use crate::domain::alert::Verdict;
use crate::domain::event::{
    AccountFacts, CustomerFacts, Extra, IdentityDetails, IdentityKind, Initiator, Network, Scalar,
    SecurityKind, TransactionDetails, TransactionKind, TransactionStatus,
};
use crate::domain::{
    Control, Currency, IdentityEvent, Money, Party, Rate, Reason, Refusal, Risk, SecurityEvent,
    Segment, Session, Transaction,
};

use super::check::{
    self, Limits, at, country_if, currency, decimal, instant_or_date, instant_or_date_if, money,
    word,
};
use super::messages::{
    AccountData, BaseData, DispositionData, DocumentData, IdentityData, PROFILE_FIELDS, PartyData,
    RulebookData, SecurityData, SessionData, TransactionData,
};
use super::text::{Custom, Customs, Obj, Str};

/// Most reason codes of one review.
const REASONS_MAX: usize = 64;

/// Most fields of a deployment's own in one message.
const EXTRA_MAX: usize = 64;

const DATA: &str = "data";

pub(super) fn transaction(
    data: TransactionData<'_>,
    limits: Limits,
    base_currency: Currency,
) -> Result<Transaction<'_>, Refusal> {
    let kind = required(data.kind.as_ref(), "type")?;
    let kind = word(kind, TransactionKind::parse, TransactionKind::WORDS, at(DATA, "type"))?;
    let status = match &data.status {
        None => TransactionStatus::Booked,
        Some(text) => {
            let place = at(DATA, "status");
            word(text, TransactionStatus::parse, TransactionStatus::WORDS, place)?
        }
    };
    let amount = required(data.amount.as_ref(), "amount")?;
    let booked_currency = required(data.currency.as_ref(), "currency")?;
    let booked_currency = currency(booked_currency, at(DATA, "currency"))?;
    let booked = money(amount, booked_currency, at(DATA, "amount"))?;
    let (base_amount, rate) = base(data.base.as_ref(), booked, base_currency)?;
    let originator = party(data.debtor, "data.debtor", limits)?;
    let beneficiary = party(data.creditor, "data.creditor", limits)?;
    let is_nobody = |party: &Party<'_>| party.customer.is_none() && party.account.is_none();
    if is_nobody(&originator) && is_nobody(&beneficiary) {
        let detail = "debtor or creditor must have a customer_id or an account_id";
        return Err(at(DATA, "").refuse(Reason::NoParty, detail));
    }
    let initiator = data
        .initiator
        .map(|text| word(&text, Initiator::parse, Initiator::WORDS, at(DATA, "initiator")))
        .transpose()?;
    Ok(Transaction {
        kind,
        status,
        booked,
        base_amount,
        rate,
        originator,
        beneficiary,
        initiator,
        purpose: limits.text_if(data.purpose, at(DATA, "purpose"))?,
        branch: limits.text_if(data.branch, at(DATA, "branch"))?,
        session: session(data.channel, data.session, limits)?,
        details: TransactionDetails { extra: extra(data.extra, limits)? },
    })
}

/// A deployment's own fields. What they mean is for the rulebook's schema to say.
fn extra(data: Option<Obj<Customs<'_>>>, limits: Limits) -> Result<Extra<'_>, Refusal> {
    const EXTRA: &str = "data.extra";
    let Some(Obj(Customs(fields))) = data else { return Ok(Extra::new()) };
    if fields.len() > EXTRA_MAX {
        let detail = format!("must not have more than {EXTRA_MAX} fields");
        return Err(at(DATA, "extra").refuse(Reason::InvalidText, detail));
    }
    let mut extra = Extra::new();
    for (name, value) in fields {
        let name = limits.text(name, at(EXTRA, "*"))?;
        match value {
            Custom::Text(text) => {
                extra.push((name, Scalar::Text(limits.text(text, at(EXTRA, "*"))?)));
            }
            Custom::Bool(value) => extra.push((name, Scalar::Bool(value))),
            Custom::Nothing => {}
        }
    }
    // The order of an object's fields means nothing in JSON.
    extra.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(extra)
}

/// The amount in base currency, with its rate when the booked currency is another one.
fn base(
    data: Option<&Obj<BaseData<'_>>>,
    booked: Money,
    base_currency: Currency,
) -> Result<(rust_decimal::Decimal, Option<Rate>), Refusal> {
    const BASE: &str = "data.base";
    let is_same = booked.currency == base_currency;
    let Some(Obj(data)) = data else {
        if is_same {
            return Ok((booked.amount, None));
        }
        let detail = format!("required with an amount that is not in {base_currency}");
        return Err(at(DATA, "base").refuse(Reason::RateMissing, detail));
    };
    let place = at(BASE, "currency");
    let given = currency(data.currency.as_ref().ok_or_else(|| place.missing())?, place)?;
    if given != base_currency {
        let detail = format!("must be the institution's base currency, {base_currency}");
        return Err(place.refuse(Reason::RateMissing, detail));
    }
    let place = at(BASE, "amount");
    let amount = data.amount.as_ref().ok_or_else(|| place.missing())?;
    let amount = money(amount, base_currency, place)?.amount;
    if is_same {
        if amount != booked.amount {
            let detail = "must equal the booked amount, which is in the same currency";
            return Err(place.refuse(Reason::InvalidAmount, detail));
        }
        return Ok((amount, None));
    }
    let lacking = |name| at(BASE, name).refuse(Reason::RateMissing, "required");
    let rate = data.rate.as_ref().ok_or_else(|| lacking("rate"))?;
    let taken_at = data.rate_date.as_ref().ok_or_else(|| lacking("rate_date"))?;
    let rate = Rate {
        rate: decimal(rate, at(BASE, "rate"))?,
        at: instant_or_date(taken_at, at(BASE, "rate_date"))?,
    };
    Ok((amount, Some(rate)))
}

fn party<'a>(
    data: Option<Obj<PartyData<'a>>>,
    place: &str,
    limits: Limits,
) -> Result<Party<'a>, Refusal> {
    let Some(Obj(data)) = data else {
        return Ok(Party::default());
    };
    Ok(Party {
        customer: limits.text_if(data.customer_id, at(place, "customer_id"))?,
        account: limits.text_if(data.account_id, at(place, "account_id"))?,
        bank: limits.text_if(data.bank, at(place, "bank"))?,
        country: country_if(data.country.as_ref(), at(place, "country"))?,
    })
}

fn session<'a>(
    channel: Option<Str<'a>>,
    data: Option<Obj<SessionData<'a>>>,
    limits: Limits,
) -> Result<Session<'a>, Refusal> {
    const SESSION: &str = "data.session";
    let channel = limits.text_if(channel, at(DATA, "channel"))?;
    let Obj(data) = data.unwrap_or_default();
    Ok(Session {
        channel,
        device: limits.text_if(data.device, at(SESSION, "device"))?,
        ip: limits.text_if(data.ip, at(SESSION, "ip"))?,
        subnet: limits.text_if(data.subnet, at(SESSION, "subnet"))?,
        country: country_if(data.country.as_ref(), at(SESSION, "country"))?,
        network: data
            .network
            .map(|text| word(&text, Network::parse, Network::WORDS, at(SESSION, "network")))
            .transpose()?,
        user_agent: limits.text_if(data.user_agent, at(SESSION, "user_agent"))?,
        referrer: limits.text_if(data.referrer, at(SESSION, "referrer"))?,
    })
}

pub(super) fn identity(
    kind: IdentityKind,
    data: IdentityData<'_>,
    limits: Limits,
) -> Result<IdentityEvent<'_>, Refusal> {
    let text = |value, name| limits.text_if(value, at(DATA, name));
    let customer = limits.text_required(data.customer_id, at(DATA, "customer_id"))?;
    let (document, document_expires_at) = document(data.document, limits)?;
    let facts = CustomerFacts {
        segment: data
            .segment
            .map(|text| word(&text, Segment::parse, Segment::WORDS, at(DATA, "segment")))
            .transpose()?,
        risk: data
            .risk
            .map(|text| word(&text, Risk::parse, Risk::WORDS, at(DATA, "risk")))
            .transpose()?,
        country: country_if(data.country.as_ref(), at(DATA, "country"))?,
        occupation: text(data.occupation, "occupation")?,
        expected_turnover: data
            .expected_turnover
            .map(|text| decimal(&text, at(DATA, "expected_turnover")))
            .transpose()?,
        document_expires_at,
        next_review_at: instant_or_date_if(
            data.next_review_at.as_ref(),
            at(DATA, "next_review_at"),
        )?,
    };
    let account = account(data.account, limits)?;
    let needs_account = matches!(kind, IdentityKind::AccountOpened | IdentityKind::AccountClosed);
    if needs_account && account.is_none() {
        return Err(at(DATA, "account").missing());
    }
    let field = data
        .field
        .map(|Str(text)| {
            if PROFILE_FIELDS.contains(&text.as_ref()) {
                return Ok(text);
            }
            let detail = format!("must be one of {}", PROFILE_FIELDS.join(", "));
            Err(at(DATA, "field").refuse(Reason::UnknownValue, detail))
        })
        .transpose()?;
    Ok(IdentityEvent {
        kind,
        customer,
        version: data.identity_version,
        facts,
        account,
        document,
        phone: text(data.phone_hash, "phone_hash")?,
        email: text(data.email_hash, "email_hash")?,
        address: text(data.address_hash, "address_hash")?,
        field,
        reasons: reasons(data.reasons.unwrap_or_default(), limits)?,
        session: session(data.channel, data.session, limits)?,
        details: IdentityDetails { extra: extra(data.extra, limits)? },
    })
}

type Document<'a> = (Option<crate::domain::event::Text<'a>>, Option<crate::domain::Instant>);

fn document(data: Option<Obj<DocumentData<'_>>>, limits: Limits) -> Result<Document<'_>, Refusal> {
    const DOCUMENT: &str = "data.document";
    let Some(Obj(data)) = data else {
        return Ok((None, None));
    };
    let hash = limits.text_if(data.hash, at(DOCUMENT, "hash"))?;
    let expires_at = instant_or_date_if(data.expires_at.as_ref(), at(DOCUMENT, "expires_at"))?;
    Ok((hash, expires_at))
}

fn account(
    data: Option<Obj<AccountData<'_>>>,
    limits: Limits,
) -> Result<Option<AccountFacts<'_>>, Refusal> {
    const ACCOUNT: &str = "data.account";
    let Some(Obj(data)) = data else {
        return Ok(None);
    };
    let code = match data.currency {
        None => None,
        Some(text) => {
            currency(&text, at(ACCOUNT, "currency"))?;
            Some(text.0)
        }
    };
    Ok(Some(AccountFacts {
        id: limits.text_required(data.id, at(ACCOUNT, "id"))?,
        opened_at: instant_or_date_if(data.opened_at.as_ref(), at(ACCOUNT, "opened_at"))?,
        purpose: limits.text_if(data.purpose, at(ACCOUNT, "purpose"))?,
        currency: code,
    }))
}

fn reasons(
    data: Vec<Str<'_>>,
    limits: Limits,
) -> Result<Vec<crate::domain::event::Text<'_>>, Refusal> {
    if data.len() > REASONS_MAX {
        let detail = format!("must not list more than {REASONS_MAX} codes");
        return Err(at(DATA, "reasons").refuse(Reason::InvalidText, detail));
    }
    data.into_iter()
        .enumerate()
        .map(|(index, text)| limits.text(text, at(DATA, &format!("reasons[{index}]"))))
        .collect()
}

pub(super) fn security(
    kind: SecurityKind,
    data: SecurityData<'_>,
    limits: Limits,
) -> Result<SecurityEvent<'_>, Refusal> {
    Ok(SecurityEvent {
        kind,
        customer: limits.text_required(data.customer_id, at(DATA, "customer_id"))?,
        outcome: limits.text_if(data.outcome, at(DATA, "outcome"))?,
        method: limits.text_if(data.method, at(DATA, "method"))?,
        payee: limits.text_if(data.payee, at(DATA, "payee"))?,
        session: session(data.channel, data.session, limits)?,
        extra: extra(data.extra, limits)?,
    })
}

pub(super) fn rulebook(data: RulebookData<'_>) -> Result<Control<'_>, Refusal> {
    let place = at(DATA, "digest");
    let Str(digest) = data.digest.ok_or_else(|| place.missing())?;
    let is_hexadecimal = digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hexadecimal || !(16..=128).contains(&digest.len()) {
        let detail = "must be 16 to 128 lower-case hexadecimal digits";
        return Err(place.refuse(Reason::InvalidText, detail));
    }
    // Checked, since it is shown to people; it decides nothing.
    data.note.map(|text| Limits::note(text, at(DATA, "note"))).transpose()?;
    Ok(Control::Rulebook { digest })
}

pub(super) fn disposition(
    data: DispositionData<'_>,
    limits: Limits,
) -> Result<Control<'_>, Refusal> {
    let alert = limits.text_required(data.alert_id, at(DATA, "alert_id"))?;
    let verdict = required(data.verdict.as_ref(), "verdict")?;
    let verdict = word(verdict, Verdict::parse, Verdict::WORDS, at(DATA, "verdict"))?;
    let by = limits.text_required(data.by, at(DATA, "by"))?;
    let note = data.note.map(|text| Limits::note(text, at(DATA, "note"))).transpose()?;
    Ok(Control::Disposition { alert, verdict, by, note })
}

fn required<'d, 'a>(text: Option<&'d Str<'a>>, name: &str) -> Result<&'d Str<'a>, Refusal> {
    text.ok_or_else(|| check::at(DATA, name).missing())
}

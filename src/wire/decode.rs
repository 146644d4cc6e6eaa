//! One message becomes one event, or a refusal with its reason and place.
//!
//! In: headers and body as the log carries them, and the broker's stamp. Out: an event that borrows
//! its text from them. A well-formed transaction is read once, by derived readers, without a tree in
//! between; only a message that fails is read again, slowly, to say what is wrong with it (`diagnose`).
//! Which reason a message with several mistakes is refused for never depends on anything but its bytes.

use std::borrow::Cow;

use memchr::memmem;
use serde::Deserialize;

use crate::domain::{Body, Control, Currency, Event, Instant, Reason, Refusal, Span};

use super::check::{Limits, at};
use super::kinds::{Kind, TRANSACTION};
use super::messages::{
    DispositionData, Envelope, IdentityData, RulebookData, SecurityData, TickData, TransactionData,
};
use super::text::{Ignored, Obj, Str};
use super::{convert, diagnose};

/// Deepest nesting that can be allowed at all; the JSON library stops not far above.
const DEPTH_LIMIT: usize = 64;

/// What the decoder accepts.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The institution's base currency, in which amounts are judged.
    pub base_currency: Currency,
    /// Most bytes of a message's body.
    pub message_bytes_max: usize,
    /// Deepest nesting of objects and arrays; at most 64.
    pub depth_max: usize,
    /// How far an event's time may lie after the broker's stamp: as far as clocks differ.
    pub future_allowed: Span,
    /// Most bytes of an id or other text.
    pub text_bytes_max: usize,
}

impl Settings {
    /// The ordinary limits, with `base_currency`.
    #[must_use]
    pub const fn new(base_currency: Currency) -> Self {
        Self {
            base_currency,
            message_bytes_max: 256 * 1024,
            depth_max: 16,
            future_allowed: crate::domain::event::FUTURE_ALLOWED,
            text_bytes_max: 256,
        }
    }
}

/// Reads messages. Holds no state between them, so that one decoder serves many threads.
#[derive(Clone, Debug)]
pub struct Decoder {
    settings: Settings,
    limits: Limits,
    transaction: memmem::Finder<'static>,
}

/// The attributes of an envelope, from JSON or from headers.
struct Attributes<'a> {
    specversion: Option<Str<'a>>,
    id: Option<Str<'a>>,
    source: Option<Str<'a>>,
    kind: Option<Str<'a>>,
    time: Option<Str<'a>>,
    content_type: Option<Str<'a>>,
}

/// The attributes that every event must have, checked.
struct Checked<'a> {
    id: Cow<'a, str>,
    source: Cow<'a, str>,
    time: Option<Str<'a>>,
}

/// How a message came.
enum Form<'a> {
    Structured(&'a str),
    Binary(Checked<'a>, &'a str),
}

/// A structured message whose data has the fields of `D`.
type Document<'a, D> = Obj<Envelope<'a, Obj<D>>>;

const DATA: &str = "data";

impl Decoder {
    /// A decoder with these limits.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let limits = Limits {
            text_bytes_max: settings.text_bytes_max,
            future_allowed: settings.future_allowed,
        };
        let settings = Settings { depth_max: settings.depth_max.min(DEPTH_LIMIT), ..settings };
        let transaction = memmem::Finder::new("\"aml.transaction.v1\"");
        Self { settings, limits, transaction }
    }

    /// Reads one message that the broker stored at `stored_at`. Header names are in lower case.
    ///
    /// # Errors
    /// The message is not a valid event; the refusal says why and where, and never repeats a value.
    pub fn decode<'a>(
        &self,
        headers: &'a [(String, String)],
        payload: &'a [u8],
        stored_at: Instant,
    ) -> Result<Event<'a>, Refusal> {
        let whole = at("", "");
        if payload.len() > self.settings.message_bytes_max {
            let detail =
                format!("must not be larger than {} bytes", self.settings.message_bytes_max);
            return Err(whole.refuse(Reason::TooLarge, detail));
        }
        let text = std::str::from_utf8(payload).map_err(|error| {
            let detail = format!("invalid UTF-8 after {} bytes", error.valid_up_to());
            whole.refuse(Reason::NotUtf8, detail)
        })?;
        if diagnose::is_deeper(text, self.settings.depth_max) {
            let detail = format!("must not be nested deeper than {}", self.settings.depth_max);
            return Err(whole.refuse(Reason::TooDeep, detail));
        }
        if headers.is_empty() {
            return self.structured(text, stored_at);
        }
        match header(headers, "content-type") {
            Some(kind) if kind.starts_with("application/cloudevents-batch") => {
                let detail = "batches are not accepted; send one event per message";
                Err(at("", "datacontenttype").refuse(Reason::NotCloudEvent, detail))
            }
            Some(kind) if kind.starts_with("application/cloudevents") => {
                self.structured(text, stored_at)
            }
            _ if headers.iter().any(|(name, _)| name.starts_with("ce-")) => {
                self.binary(headers, text, stored_at)
            }
            _ => self.structured(text, stored_at),
        }
    }

    /// Envelope and data in one JSON object.
    fn structured<'a>(&self, text: &'a str, stored_at: Instant) -> Result<Event<'a>, Refusal> {
        // The name may stand anywhere, so this is only a guess at what is worth trying first.
        if self.transaction.find(text.as_bytes()).is_some()
            && let Ok(Obj(envelope)) =
                serde_json::from_str::<Document<'a, TransactionData<'a>>>(text)
            && envelope.kind.as_ref().is_some_and(|kind| kind.0 == TRANSACTION)
        {
            let (attributes, data) = split(envelope);
            let (kind, checked) = self.check(attributes)?;
            return self.finish(kind, checked, data, stored_at);
        }
        let Obj(envelope) = read::<Obj<Envelope<'a, Ignored>>>(text, "")?;
        let (kind, _) = self.check(split(envelope).0)?;
        self.dispatch(kind, Form::Structured(text), stored_at)
    }

    /// Envelope in the headers, data in the body.
    fn binary<'a>(
        &self,
        headers: &'a [(String, String)],
        text: &'a str,
        stored_at: Instant,
    ) -> Result<Event<'a>, Refusal> {
        let attributes = Attributes {
            specversion: attribute(headers, "specversion")?,
            id: attribute(headers, "id")?,
            source: attribute(headers, "source")?,
            kind: attribute(headers, "type")?,
            time: attribute(headers, "time")?,
            content_type: header(headers, "content-type").map(|text| Str(Cow::Borrowed(text))),
        };
        let (kind, checked) = self.check(attributes)?;
        self.dispatch(kind, Form::Binary(checked, text), stored_at)
    }

    fn dispatch<'a>(
        &self,
        kind: Kind,
        form: Form<'a>,
        stored_at: Instant,
    ) -> Result<Event<'a>, Refusal> {
        match kind {
            Kind::Transaction => self.open::<TransactionData<'a>>(kind, form, stored_at),
            Kind::Identity(_) => self.open::<IdentityData<'a>>(kind, form, stored_at),
            Kind::Security(_) => self.open::<SecurityData<'a>>(kind, form, stored_at),
            Kind::Tick => self.open::<TickData>(kind, form, stored_at),
            Kind::Rulebook => self.open::<RulebookData<'a>>(kind, form, stored_at),
            Kind::Disposition => self.open::<DispositionData<'a>>(kind, form, stored_at),
        }
    }

    /// Reads the data that belongs to `kind`.
    fn open<'a, D: Data<'a>>(
        &self,
        kind: Kind,
        form: Form<'a>,
        stored_at: Instant,
    ) -> Result<Event<'a>, Refusal> {
        let (checked, data) = match form {
            Form::Structured(text) => {
                let Obj(envelope) = read::<Document<'a, D>>(text, "")?;
                let (attributes, data) = split(envelope);
                (self.check(attributes)?.1, data)
            }
            Form::Binary(checked, "") => (checked, None),
            Form::Binary(checked, text) => (checked, Some(read::<Obj<D>>(text, DATA)?)),
        };
        self.finish(kind, checked, data, stored_at)
    }

    /// What every envelope must have: version, id, source and a type that we know.
    fn check<'a>(&self, attributes: Attributes<'a>) -> Result<(Kind, Checked<'a>), Refusal> {
        let place = at("", "specversion");
        match attributes.specversion {
            Some(Str(version)) if version == "1.0" => {}
            Some(_) => return Err(place.refuse(Reason::NotCloudEvent, "must be 1.0")),
            None => {
                let detail = "required: the message is not a CloudEvents envelope";
                return Err(place.refuse(Reason::NotCloudEvent, detail));
            }
        }
        let id = self.limits.text_required(attributes.id, at("", "id"))?;
        let source = self.limits.text_required(attributes.source, at("", "source"))?;
        let place = at("", "type");
        let Str(name) = attributes.kind.ok_or_else(|| place.missing())?;
        let kind = Kind::parse(&name).ok_or_else(|| {
            place.refuse(Reason::UnknownType, "must be one of the types listed by `weir schema`")
        })?;
        if let Some(Str(content)) = attributes.content_type
            && !is_json(&content)
        {
            let place = at("", "datacontenttype");
            return Err(place.refuse(Reason::NotCloudEvent, "must be application/json"));
        }
        Ok((kind, Checked { id, source, time: attributes.time }))
    }

    fn finish<'a, D: Data<'a>>(
        &self,
        kind: Kind,
        checked: Checked<'a>,
        data: Option<Obj<D>>,
        stored_at: Instant,
    ) -> Result<Event<'a>, Refusal> {
        let Some(Obj(data)) = data.or_else(|| D::when_absent().map(Obj)) else {
            return Err(at("", DATA).missing());
        };
        let (time, place) = match (data.occurred_at(), &checked.time) {
            (Some(time), _) => (time, at(DATA, "occurred_at")),
            (None, Some(time)) => (time, at("", "time")),
            (None, None) => return Err(at("", "time").missing()),
        };
        let at = self.limits.event_time(time, stored_at, place)?;
        let body = data.body(kind, self)?;
        Ok(Event { id: checked.id, source: checked.source, at, body })
    }
}

/// The data of one family of messages.
trait Data<'a>: Deserialize<'a> {
    /// What stands for data that is not there, where it need not be.
    fn when_absent() -> Option<Self> {
        None
    }

    /// When it happened, if the data says so.
    fn occurred_at(&self) -> Option<&Str<'a>> {
        None
    }

    /// The checked body. `kind` is of this family.
    fn body(self, kind: Kind, decoder: &Decoder) -> Result<Body<'a>, Refusal>;
}

impl<'a> Data<'a> for TransactionData<'a> {
    fn occurred_at(&self) -> Option<&Str<'a>> {
        self.occurred_at.as_ref()
    }

    fn body(self, _: Kind, decoder: &Decoder) -> Result<Body<'a>, Refusal> {
        convert::transaction(self, decoder.limits, decoder.settings.base_currency)
            .map(Body::Transaction)
    }
}

impl<'a> Data<'a> for IdentityData<'a> {
    fn occurred_at(&self) -> Option<&Str<'a>> {
        self.occurred_at.as_ref()
    }

    fn body(self, kind: Kind, decoder: &Decoder) -> Result<Body<'a>, Refusal> {
        match kind {
            Kind::Identity(kind) => {
                convert::identity(kind, self, decoder.limits).map(Body::Identity)
            }
            _ => Err(wrong_family()),
        }
    }
}

impl<'a> Data<'a> for SecurityData<'a> {
    fn occurred_at(&self) -> Option<&Str<'a>> {
        self.occurred_at.as_ref()
    }

    fn body(self, kind: Kind, decoder: &Decoder) -> Result<Body<'a>, Refusal> {
        match kind {
            Kind::Security(kind) => {
                convert::security(kind, self, decoder.limits).map(Body::Security)
            }
            _ => Err(wrong_family()),
        }
    }
}

impl<'a> Data<'a> for TickData {
    fn when_absent() -> Option<Self> {
        Some(Self {})
    }

    fn body(self, _: Kind, _: &Decoder) -> Result<Body<'a>, Refusal> {
        Ok(Body::Control(Control::Tick))
    }
}

impl<'a> Data<'a> for RulebookData<'a> {
    fn body(self, _: Kind, _: &Decoder) -> Result<Body<'a>, Refusal> {
        convert::rulebook(self).map(Body::Control)
    }
}

impl<'a> Data<'a> for DispositionData<'a> {
    fn body(self, _: Kind, decoder: &Decoder) -> Result<Body<'a>, Refusal> {
        convert::disposition(self, decoder.limits).map(Body::Control)
    }
}

/// `dispatch` pairs kinds with their data; another pairing is a fault of ours.
#[cold]
fn wrong_family() -> Refusal {
    at("", "type").refuse(Reason::Internal, "the type was read with the data of another family")
}

/// Reads `text`, and reads it again to find out what is wrong when that fails.
fn read<'a, T: Deserialize<'a>>(text: &'a str, prefix: &str) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|_| diagnose::refusal::<T>(text, prefix))
}

fn split<D>(envelope: Envelope<'_, D>) -> (Attributes<'_>, Option<D>) {
    let attributes = Attributes {
        specversion: envelope.specversion,
        id: envelope.id,
        source: envelope.source,
        kind: envelope.kind,
        time: envelope.time,
        content_type: envelope.datacontenttype,
    };
    (attributes, envelope.data)
}

fn header<'a>(headers: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

/// The header `ce-<name>`, whose value is percent-encoded where it is not plain ASCII.
fn attribute<'a>(headers: &'a [(String, String)], name: &str) -> Result<Option<Str<'a>>, Refusal> {
    let found = headers.iter().find(|(header, _)| header.strip_prefix("ce-") == Some(name));
    let Some((_, value)) = found else {
        return Ok(None);
    };
    if !value.contains('%') {
        return Ok(Some(Str(Cow::Borrowed(value))));
    }
    let decoded = percent_decoded(value)
        .ok_or_else(|| at("", name).refuse(Reason::InvalidText, "must be percent-encoded UTF-8"))?;
    Ok(Some(Str(Cow::Owned(decoded))))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        decoded.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(decoded).ok()
}

/// `application/json`, or another kind of JSON, with or without parameters.
fn is_json(content: &str) -> bool {
    let kind = content.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind == "text/json" || kind.ends_with("+json")
}

/// The envelope of a message, as far as it can be told without judging it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The producer's id.
    pub id: Cow<'a, str>,
    /// Who produced it.
    pub source: Cow<'a, str>,
    /// What it is, when we know the type.
    pub kind: Option<Kind>,
}

/// Reads who sent a structured message and what it is; `None` when it is not even an envelope.
#[must_use]
pub fn head(payload: &[u8]) -> Option<Head<'_>> {
    let text = std::str::from_utf8(payload).ok()?;
    let Obj(envelope) = serde_json::from_str::<Obj<Envelope<'_, Ignored>>>(text).ok()?;
    let (id, source) = (envelope.id?.0, envelope.source?.0);
    let kind = envelope.kind.and_then(|Str(name)| Kind::parse(&name));
    Some(Head { id, source, kind })
}

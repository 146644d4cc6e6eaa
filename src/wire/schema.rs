//! JSON Schemas of every message that Weir reads or writes.
//!
//! Made from the same types that read and write, so that they cannot say something else. The files in
//! `schemas/` are what this module gives; a test holds them to it.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::encode;
use super::kinds::Kind;
use super::messages::{
    DispositionData, Envelope, IdentityData, RulebookData, SecurityData, TickData, TransactionData,
};
use super::outputs::{
    AlertData, AlertUpdatedData, DeadLetterData, OutEnvelope, RekycMergedData, RekycRequestedData,
};

/// All schemas with their names, inputs first.
///
/// The identity events share one schema and the security events another, named after the family.
#[must_use]
pub fn all() -> Vec<(&'static str, Value)> {
    let names = |wanted: fn(&Kind) -> bool| -> Vec<&'static str> {
        Kind::all().filter(wanted).map(Kind::name).collect()
    };
    let identity = names(|kind| matches!(kind, Kind::Identity(_)));
    let security = names(|kind| matches!(kind, Kind::Security(_)));
    let one = |kind: Kind| vec![kind.name()];
    let mut tick = input::<TickData>("aml.control.tick.v1", &one(Kind::Tick));
    // A tick says everything with its time.
    if let Some(required) = tick.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name != "data");
        required.push(json!("time"));
    }
    vec![
        input_row::<TransactionData<'static>>("aml.transaction.v1", &one(Kind::Transaction)),
        input_row::<IdentityData<'static>>("aml.identity.v1", &identity),
        input_row::<SecurityData<'static>>("aml.security.v1", &security),
        ("aml.control.tick.v1", tick),
        input_row::<RulebookData<'static>>("aml.control.rulebook.v1", &one(Kind::Rulebook)),
        input_row::<DispositionData<'static>>(
            "aml.control.disposition.v1",
            &one(Kind::Disposition),
        ),
        output::<AlertData<'static>>(encode::ALERT),
        output::<AlertUpdatedData<'static>>(encode::ALERT_UPDATED),
        output::<RekycRequestedData<'static>>(encode::REKYC_REQUESTED),
        output::<RekycMergedData<'static>>(encode::REKYC_MERGED),
        output::<DeadLetterData<'static>>(encode::DEAD_LETTER),
    ]
}

fn input_row<D: JsonSchema>(name: &'static str, types: &[&str]) -> (&'static str, Value) {
    (name, input::<D>(name, types))
}

fn input<D: JsonSchema>(name: &str, types: &[&str]) -> Value {
    finished::<Envelope<'static, D>>(name, types)
}

fn output<D: JsonSchema>(name: &'static str) -> (&'static str, Value) {
    (name, finished::<OutEnvelope<'static, D>>(name, &[name]))
}

fn finished<T: JsonSchema>(name: &str, types: &[&str]) -> Value {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    let mut schema = schema.to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("$id".to_owned(), json!(format!("urn:weir:schema:{name}")));
        root.insert("title".to_owned(), json!(name));
    }
    if let Some(kind) = schema.pointer_mut("/properties/type").and_then(Value::as_object_mut) {
        kind.insert("enum".to_owned(), json!(types));
    }
    schema
}

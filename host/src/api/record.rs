//! Records as they are answered and described: each field as the record's table in the domain has it.

use std::borrow::Cow;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa::openapi::schema::{
    AdditionalProperties, Array, ObjectBuilder, OneOfBuilder, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{KnownFormat, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::api::body::MoneyBody;
use crate::domain::edit::{NewValue, NotText};
use crate::domain::field::{Field, Record, ValueType};

/// A record's fields under their names.
#[derive(Debug)]
pub struct FieldsOf<R>(pub R);

impl<R: Record> Serialize for FieldsOf<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.0.write_json(&mut map)?;
        map.end()
    }
}

/// A record with what the practice knows about it: `A` is that, and has the schema's name and description.
#[derive(Serialize, Debug)]
#[serde(bound(serialize = "A: Serialize"))]
pub struct RecordBody<A, R: Record> {
    #[serde(flatten)]
    pub around: A,
    #[serde(flatten)]
    pub fields: FieldsOf<R>,
}

impl<A: ToSchema, R: Record> PartialSchema for RecordBody<A, R> {
    fn schema() -> RefOr<Schema> {
        with_fields(A::schema(), R::FIELDS)
    }
}

impl<A: ToSchema, R: Record> ToSchema for RecordBody<A, R> {
    fn name() -> Cow<'static, str> {
        A::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        A::schemas(schemas);
        schemas.push((ExtensionBody::name().into_owned(), ExtensionBody::schema()));
        schemas.push((MoneyBody::name().into_owned(), MoneyBody::schema()));
    }
}

/// An object with the fields of a record too, all of them required.
pub fn with_fields(object: RefOr<Schema>, fields: &[Field]) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = object else { return object };
    for field in fields {
        object.properties.insert(field.name.to_owned(), schema(field));
        object.required.push(field.name.to_owned());
    }
    RefOr::T(Schema::Object(object))
}

/// An object with those fields of a record that a person may fill in, none of them required.
pub fn editable<R: Record>(about: &str, describe: fn(&Field) -> RefOr<Schema>) -> ObjectBuilder {
    let object = ObjectBuilder::new()
        .description(Some(about))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
    let fields = R::FIELDS.iter().filter(|field| field.is_editable);
    fields.fold(object, |object, field| object.property(field.name, describe(field)))
}

/// The value that is to stand in a field.
pub fn new_value(value: Value) -> NewValue {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(NotText),
    }
}

/// The schema of what a field answers.
pub fn schema(field: &Field) -> RefOr<Schema> {
    let text = |format: Option<KnownFormat>| {
        let object = of_type(field, Type::String).format(format.map(SchemaFormat::KnownFormat));
        object.build().into()
    };
    match field.value {
        ValueType::Text | ValueType::Phone | ValueType::Country | ValueType::OwnId | ValueType::Id(_) => text(None),
        ValueType::Date => text(Some(KnownFormat::Date)),
        ValueType::Email => text(Some(KnownFormat::Email)),
        ValueType::Flag => of_type(field, Type::Boolean).build().into(),
        ValueType::Year => of_type(field, Type::Integer).minimum(Some(1900)).maximum(Some(2200)).build().into(),
        ValueType::Choice(choices) => {
            let message = choices.iter().map(|choice| Value::from(choice.word));
            let null = field.is_optional.then_some(Value::Null);
            of_type(field, Type::String).enum_values(Some(message.chain(null))).build().into()
        }
        ValueType::Money => {
            let money = Ref::from_schema_name(MoneyBody::name());
            let null = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null));
            RefOr::T(OneOfBuilder::new().item(null).item(money).description(Some(field.sentence())).build().into())
        }
        ValueType::Extensions => {
            let mut list = Array::new(Ref::from_schema_name(ExtensionBody::name()));
            list.description = Some(field.sentence().to_owned());
            RefOr::T(list.into())
        }
    }
}

/// The schema of what a field takes as text, from a person or a program that writes a record down.
pub fn written(field: &Field) -> RefOr<Schema> {
    let format = match field.value {
        ValueType::Date => Some(SchemaFormat::KnownFormat(KnownFormat::Date)),
        ValueType::Email => Some(SchemaFormat::KnownFormat(KnownFormat::Email)),
        _ => None,
    };
    of_type(field, Type::String).format(format).build().into()
}

/// An object's beginning: the type, with null where the field can be empty, the sentence and the example.
fn of_type(field: &Field, kind: Type) -> ObjectBuilder {
    let kind = match field.is_optional {
        true => SchemaType::from_iter([kind, Type::Null]),
        false => SchemaType::Type(kind),
    };
    ObjectBuilder::new().schema_type(kind).description(Some(field.sentence())).examples(field.example.map(Value::from))
}

/// A field that the pack adds.
#[derive(Serialize, ToSchema)]
#[schema(as = Extension)]
pub struct ExtensionBody {
    /// Unique within the record.
    name: String,
    /// The value as text; null where it is sensitive: `GET /clients/{id}/extensions` answers it.
    #[schema(required)]
    value: Option<String>,
    /// Whether the pack calls it sensitive.
    sensitive: bool,
}

//! JSON schemas made from the types, so that what is documented and what is written cannot differ.
//!
//! Types that serde derives derive theirs; those that write themselves by hand say here what they look like.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

/// Gives a type that is written by hand its schema: `written!(OrderId, { "type": "string", … })`.
macro_rules! written {
    ($type:ident, { $($schema:tt)+ }) => {
        $crate::domain::schema::written!($type, stringify!($type), { $($schema)+ });
    };
    ($type:ty, $name:expr, { $($schema:tt)+ }) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($type)).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ $($schema)+ })
            }
        }
    };
}
pub(in crate::domain) use written;

/// Returns the schema (JSON Schema, draft 2020-12) of what is written of `T`: a field that is always there is required.
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().into()
}

/// Returns the schema (JSON Schema, draft 2020-12) of what is read as `T`: a field that may be left out is not required.
pub fn schema_of_input<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    settings.into_generator().into_root_schema_for::<T>().into()
}

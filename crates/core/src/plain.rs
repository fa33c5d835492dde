//! `Plain`: the only things that may leave the house in a record, an error, a reply or a metric.
//!
//! Leaves are closed types: names with a grammar, canonical hosts, numbers, enums, and text that was
//! put together from a literal and other plain things ([`text!`](crate::text)). `String`, byte vectors,
//! `serde_json::Value` and boxed errors are not plain, and the compiler says so. So a value cannot
//! be logged by accident: there is no type to put it in.

use std::fmt;

use serde::Serialize;

/// A type that cannot hold a secret value. Implemented here for the leaves, and by
/// [`plain!`](crate::plain!) for structs and enums made of them; never by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not plain: it may not be written to a log, an error, a reply or a metric",
    label = "not plain",
    note = "use a closed type (a name, a host, a number, an enum) or `text!`"
)]
pub trait Plain: __sealed::Sealed + Serialize {}

#[doc(hidden)]
pub mod __sealed {
    /// Only `plain!` and the leaves below implement this.
    pub trait Sealed {}
}

macro_rules! leaves {
    ($($leaf:ty),* $(,)?) => { $(
        impl __sealed::Sealed for $leaf {}
        impl Plain for $leaf {}
    )* };
}

leaves!(bool, u8, u16, u32, u64, usize, i32, i64, &'static str, Text);

impl<T: Plain> __sealed::Sealed for &T {}
impl<T: Plain> Plain for &T {}
impl<T: Plain> __sealed::Sealed for Option<T> {}
impl<T: Plain> Plain for Option<T> {}
impl<T: Plain> __sealed::Sealed for Vec<T> {}
impl<T: Plain> Plain for Vec<T> {}
impl<K: Plain + Ord, V: Plain> __sealed::Sealed for std::collections::BTreeMap<K, V> {}
impl<K: Plain + Ord, V: Plain> Plain for std::collections::BTreeMap<K, V> {}

/// Text that was put together from a literal and plain things, by [`text!`](crate::text) only. It is
/// written and never read back: reading would make any input plain.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String", description = ""))]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __new(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

#[doc(hidden)]
pub fn __shown<T: Plain + fmt::Display>(plain: &T) -> &T {
    plain
}

/// Builds a [`Text`] from a literal with `{}` for each argument; every argument must be
/// [`Plain`] and `Display`.
#[macro_export]
macro_rules! text {
    ($format:literal $(, $argument:expr)* $(,)?) => {
        $crate::plain::Text::__new(::std::format!($format $(, $crate::plain::__shown(&$argument))*))
    };
}

/// What [`plain!`](crate::plain!) derives; with the feature `schema`, a schema too.
#[cfg(not(feature = "schema"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __written {
    ($($item:tt)*) => {
        #[derive(::serde::Serialize)]
        $($item)*
    };
}

/// What [`plain!`](crate::plain!) derives; with the feature `schema`, a schema too.
#[cfg(feature = "schema")]
#[doc(hidden)]
#[macro_export]
macro_rules! __written {
    ($($item:tt)*) => {
        #[derive(::serde::Serialize, $crate::schema::schemars::JsonSchema)]
        #[schemars(crate = "::withheld_core::schema::schemars")]
        $($item)*
    };
}

/// Declares structs and enums all of whose fields are [`Plain`]; derives `Serialize`. Further
/// derives and serde attributes are written as usual.
#[macro_export]
macro_rules! plain {
    () => {};
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident { $( $(#[$fmeta:meta])* $fvis:vis $field:ident : $type:ty ),* $(,)? }
        $($rest:tt)*
    ) => {
        $crate::__written! {
            $(#[$meta])*
            $vis struct $name { $( $(#[$fmeta])* $fvis $field : $type, )* }
        }
        const _: fn() = || {
            fn plain<T: $crate::plain::Plain>() {}
            $( plain::<$type>(); )*
        };
        impl $crate::plain::__sealed::Sealed for $name {}
        impl $crate::plain::Plain for $name {}
        $crate::plain! { $($rest)* }
    };
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident { $( $(#[$vmeta:meta])* $variant:ident $( ( $type:ty ) )? ),* $(,)? }
        $($rest:tt)*
    ) => {
        $crate::__written! {
            $(#[$meta])*
            $vis enum $name { $( $(#[$vmeta])* $variant $( ( $type ) )?, )* }
        }
        const _: fn() = || {
            #[allow(dead_code, reason = "unused where no variant carries a field")]
            fn plain<T: $crate::plain::Plain>() {}
            $( $( plain::<$type>(); )? )*
        };
        impl $crate::plain::__sealed::Sealed for $name {}
        impl $crate::plain::Plain for $name {}
        $crate::plain! { $($rest)* }
    };
}

/// Declares a validated string type: `$check` turns the written form into the kept one or says why
/// not. Plain by grammar.
macro_rules! word {
    ($(#[$meta:meta])* $name:ident, $error:ty, $check:path) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Reads the written form.
            ///
            /// # Errors
            /// Says which rule of the grammar it breaks; never quotes the input.
            pub fn parse(written: &str) -> Result<Self, $error> {
                $check(written).map(|kept| Self(kept.into()))
            }

            /// The kept form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;
            fn from_str(written: &str) -> Result<Self, $error> {
                Self::parse(written)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let written = std::borrow::Cow::<'de, str>::deserialize(from)?;
                Self::parse(&written).map_err(serde::de::Error::custom)
            }
        }

        impl $crate::plain::__sealed::Sealed for $name {}
        impl $crate::plain::Plain for $name {}
    };
}
pub(crate) use word;

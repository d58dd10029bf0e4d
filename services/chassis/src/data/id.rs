//! Ids: UUIDs of version 7, typed by what they name.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use uuid::Uuid;

use super::Clock;

/// Makes new ids.
#[derive(Clone, Debug)]
pub struct Ids(Source);

#[derive(Clone, Debug)]
enum Source {
    Random,
    Seeded { clock: Clock, next: Arc<AtomicU64> },
}

impl Ids {
    /// Ids nobody can guess, in the order of time.
    pub fn random() -> Self {
        Self(Source::Random)
    }

    /// The same ids in every run, for tests: the clock's time and a counter.
    pub fn seeded(clock: Clock, seed: u64) -> Self {
        Self(Source::Seeded { clock, next: Arc::new(AtomicU64::new(seed)) })
    }

    /// A new id of any type that is made of a UUID.
    pub fn next<T: From<Uuid>>(&self) -> T {
        T::from(match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
            Source::Random => Uuid::now_v7(),
            Source::Seeded { clock, next } => {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let millis = u64::try_from(clock.now().timestamp_millis()).unwrap_or_default();
                let mut random = [0u8; 10];
                random[2..].copy_from_slice(&n.to_be_bytes());
                uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
            }
        })
    }
}

/// Declares an id type over a UUID that is a column type, prints as the UUID and cannot be mistaken for another.
///
/// ```
/// chassis::typed_id!(
///     /// Names one room.
///     RoomId
/// );
/// let id: RoomId = "01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11".parse()?;
/// assert_eq!(id.to_string(), "01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11");
/// # Ok::<(), uuid::Error>(())
/// ```
#[macro_export]
macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, $crate::sea_orm::DeriveValueType,
        )]
        pub struct $name(pub ::uuid::Uuid);

        impl From<::uuid::Uuid> for $name {
            fn from(id: ::uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for ::uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl $crate::sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, $crate::sea_orm::DbErr> {
                Err($crate::sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    };
}

//! gzip (RFC 1952) and Zstandard (RFC 8878), both ways.

mod pack;
mod unpack;

pub(super) use pack::pack;
pub(super) use unpack::unpack;

/// A way to make bytes fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Zstd,
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    fn of(name: &str) -> Option<Self> {
        match name {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

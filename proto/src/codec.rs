//! The one place every message passes: what comes in is checked, what goes out is masked.

use std::marker::PhantomData;

use prost::Message;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{Checker, Contract, mask, refuse};

/// Protobuf, with the contract enforced. A request that breaks a rule is refused before a handler sees it; an answer's
/// personal fields are hidden unless it is encoded within [`in_clear`](crate::in_clear).
#[derive(Debug, Clone, Copy)]
pub struct ContractCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for ContractCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for ContractCodec<T, U>
where
    T: Message + Contract + 'static,
    U: Message + Contract + Default + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ContractEncoder<T>;
    type Decoder = ContractDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ContractEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        ContractDecoder(PhantomData)
    }
}

/// Masks, then encodes.
#[derive(Debug)]
pub struct ContractEncoder<T>(PhantomData<T>);

impl<T: Message + Contract> Encoder for ContractEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, mut item: T, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        if !T::REQUEST && !mask::is_clear() {
            item.mask();
        }
        item.encode(buf).map_err(|e| Status::internal(e.to_string()))
    }
}

/// Decodes, then checks.
#[derive(Debug)]
pub struct ContractDecoder<U>(PhantomData<U>);

impl<U: Message + Contract + Default> Decoder for ContractDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let item = U::decode(buf).map_err(|e| {
            let details = ErrorDetails::with_error_info("MALFORMED_MESSAGE", "linju", []);
            let message =
                format!("the message is not valid protobuf of this type ({e}): check the client's contract version");
            Status::with_error_details(Code::InvalidArgument, message, details)
        })?;
        if U::REQUEST {
            let mut checker = Checker::default();
            item.check(&mut checker);
            let violations = checker.into_violations();
            if !violations.is_empty() {
                return Err(refuse(violations));
            }
        }
        Ok(Some(item))
    }
}

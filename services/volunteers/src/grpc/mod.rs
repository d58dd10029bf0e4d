//! The contract's methods: each takes the call, reads the request, asks the app.

pub mod catalogue;
pub mod convert;
pub mod organisations;
pub mod people;
pub mod rota;
pub mod teams;

use tonic::{Response, Status};

type Answer<T> = Result<Response<T>, Status>;

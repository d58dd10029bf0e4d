//! The gateway's use cases, each on SQLite and on Postgres.

mod accounts;
mod attacks;
mod attacks_h2;
mod door;
mod door_grpc;
mod grants;
mod ground;
mod live;
mod office;
mod oidc;
mod openapi;
mod second_factor;
mod sessions;
mod tokens;
mod transcode;
mod transcode_answers;
mod transcode_echo;

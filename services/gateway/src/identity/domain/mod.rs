//! The rules of signing in. No clock, no random, no database.

pub mod bearer;
pub mod codes;
pub mod name;
pub mod password;
pub mod session;
pub mod subset;
pub mod throttle;
pub mod totp;

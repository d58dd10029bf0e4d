//! What goes wrong with a provider.

use tonic::Code;

/// Why a sign-in with the provider did not come about. No text holds a token or a code.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    #[error("the provider cannot be reached: {0}")]
    Unreachable(String),
    #[error("the provider's configuration cannot be used: {0}")]
    Provider(&'static str),
    #[error("service.gateway.identity.oidc: {0}")]
    Settings(&'static str),
    #[error("this sign-in was not begun here, or too long ago: begin again at /auth/oidc/start")]
    NotBegun,
    #[error("the answer comes from another provider than the one that was asked")]
    AnotherProvider,
    #[error("the provider refused: {0}")]
    Refused(String),
    #[error("the provider's token is refused: {0}")]
    Token(&'static str),
}

impl OidcError {
    pub fn answer(&self) -> (Code, &'static str) {
        match self {
            Self::Unreachable(_) => (Code::Unavailable, "PROVIDER_UNREACHABLE"),
            Self::Provider(_) | Self::Settings(_) => (Code::Internal, "INTERNAL"),
            Self::NotBegun => (Code::InvalidArgument, "SIGN_IN_NOT_BEGUN"),
            Self::AnotherProvider => (Code::PermissionDenied, "ANOTHER_PROVIDER"),
            Self::Refused(_) => (Code::PermissionDenied, "PROVIDER_REFUSED"),
            Self::Token(_) => (Code::Unauthenticated, "ID_TOKEN_REFUSED"),
        }
    }
}

/// An error code of the provider, cut to what RFC 6749 allows in one.
pub(super) fn plain(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect()
}

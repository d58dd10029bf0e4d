//! The contract's methods: each takes the call, reads the request, asks the app.

pub(super) mod convert;

use axum::{extract::Request as HttpRequest, middleware::Next, response::Response as HttpResponse};
use chassis::{access::Call, data::Page};
use linju_proto::{
    METHODS,
    gateway::v1::{
        self,
        account_service_server::{AccountService, AccountServiceServer},
        grant_service_server::GrantServiceServer,
    },
};
use tonic::{Request, Response, Status, service::Routes};

use super::{
    app::{App, Known},
    domain::name::AccountName,
    error::Error,
    grants::{GrantApi, Grants},
};
use convert::{id, named, text};

/// Answers `linju.gateway.v1.AccountService` and `GrantService`.
pub(super) fn routes(app: &App, grants: &Grants, message_bytes: usize) -> Routes {
    let accounts = AccountServiceServer::new(Accounts(app.clone())).max_decoding_message_size(message_bytes);
    let grants = GrantServiceServer::new(GrantApi(grants.clone())).max_decoding_message_size(message_bytes);
    let changed = axum::middleware::from_fn_with_state(app.known.clone(), forget_after_change);
    let grants = Routes::new(grants).into_axum_router().reset_fallback().layer(changed);
    Routes::from(Routes::new(accounts).into_axum_router().merge(grants))
}

/// A change of rights counts from the moment it is answered, here at once and in other copies when they hear of it.
async fn forget_after_change(known: axum::extract::State<Known>, request: HttpRequest, next: Next) -> HttpResponse {
    let path = request.uri().path();
    let reads = METHODS.iter().any(|method| method.path == path && method.retry_safe && is_read(method.path));
    let response = next.run(request).await;
    if !reads {
        known.forget();
    }
    response
}

fn is_read(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with("Get") || name.starts_with("List"))
}

/// Answers `linju.gateway.v1.AccountService`.
#[derive(Clone, Debug)]
struct Accounts(App);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl AccountService for Accounts {
    async fn get_me(&self, request: Request<v1::GetMeRequest>) -> Answer<v1::Me> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.me(&call, named(&request)).await?.into()))
    }

    async fn change_password(&self, request: Request<v1::ChangePasswordRequest>) -> Answer<v1::ChangePasswordResponse> {
        let (account, session) = self.0.caller_in_session(&Call::of(&request)?, named(&request)).await?;
        let v1::ChangePasswordRequest { old_password, new_password } = request.into_inner();
        self.0.change_password(account, session.id, &text(old_password), &text(new_password)).await?;
        Ok(Response::new(v1::ChangePasswordResponse {}))
    }

    async fn list_sessions(&self, request: Request<v1::ListSessionsRequest>) -> Answer<v1::ListSessionsResponse> {
        let sessions = self.0.my_sessions(&Call::of(&request)?, named(&request)).await?;
        let sessions = sessions.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListSessionsResponse { sessions }))
    }

    async fn end_session(&self, request: Request<v1::EndSessionRequest>) -> Answer<v1::EndSessionResponse> {
        let (account, _) = self.0.caller_in_session(&Call::of(&request)?, named(&request)).await?;
        self.0.end_session(account.id, id("id", &request.into_inner().id)?, "ended", "").await?;
        Ok(Response::new(v1::EndSessionResponse {}))
    }

    async fn end_other_sessions(
        &self,
        request: Request<v1::EndOtherSessionsRequest>,
    ) -> Answer<v1::EndOtherSessionsResponse> {
        let (account, session) = self.0.caller_in_session(&Call::of(&request)?, named(&request)).await?;
        let ended = self.0.end_sessions(account.id, Some(session.id)).await?;
        Ok(Response::new(v1::EndOtherSessionsResponse { ended: i32::try_from(ended).unwrap_or(i32::MAX) }))
    }

    async fn create_personal_token(
        &self,
        request: Request<v1::CreatePersonalTokenRequest>,
    ) -> Answer<v1::CreatePersonalTokenResponse> {
        let (call, session) = (Call::of(&request)?, named(&request));
        let (token, secret) = self.0.create_token(&call, session, request.into_inner().try_into()?).await?;
        let secret = secret.expose().to_owned();
        Ok(Response::new(v1::CreatePersonalTokenResponse { token: Some(token.into()), secret }))
    }

    async fn list_personal_tokens(
        &self,
        request: Request<v1::ListPersonalTokensRequest>,
    ) -> Answer<v1::ListPersonalTokensResponse> {
        let tokens = self.0.my_tokens(&Call::of(&request)?).await?;
        Ok(Response::new(v1::ListPersonalTokensResponse { tokens: tokens.into_iter().map(Into::into).collect() }))
    }

    async fn revoke_personal_token(
        &self,
        request: Request<v1::RevokePersonalTokenRequest>,
    ) -> Answer<v1::RevokePersonalTokenResponse> {
        let (account, _) = self.0.caller_in_session(&Call::of(&request)?, named(&request)).await?;
        self.0.end_session(account.id, id("id", &request.into_inner().id)?, "token_revoked", "").await?;
        Ok(Response::new(v1::RevokePersonalTokenResponse {}))
    }

    async fn start_second_factor(
        &self,
        request: Request<v1::StartSecondFactorRequest>,
    ) -> Answer<v1::StartSecondFactorResponse> {
        let (account, _) = self.0.caller_in_session(&Call::of(&request)?, named(&request)).await?;
        let made = self.0.start_factor(account, &text(request.into_inner().password)).await?;
        let (uri, qr_svg) = (made.uri.expose().to_owned(), made.qr_svg.expose().to_owned());
        Ok(Response::new(v1::StartSecondFactorResponse { uri, qr_svg }))
    }

    async fn confirm_second_factor(
        &self,
        request: Request<v1::ConfirmSecondFactorRequest>,
    ) -> Answer<v1::ConfirmSecondFactorResponse> {
        let (account, session) = self.0.caller_in_session(&Call::of(&request)?, named(&request)).await?;
        let recovery_codes = self.0.confirm_factor(account, session.id, &request.into_inner().code).await?;
        Ok(Response::new(v1::ConfirmSecondFactorResponse { recovery_codes }))
    }

    async fn remove_second_factor(
        &self,
        request: Request<v1::RemoveSecondFactorRequest>,
    ) -> Answer<v1::RemoveSecondFactorResponse> {
        let (account, _) = self.0.caller_in_session(&Call::of(&request)?, named(&request)).await?;
        self.0.remove_factor(account, &request.into_inner().code).await?;
        Ok(Response::new(v1::RemoveSecondFactorResponse {}))
    }

    async fn invite_account(&self, request: Request<v1::InviteAccountRequest>) -> Answer<v1::OneTimeCode> {
        let call = Call::of(&request)?;
        let name = AccountName::new(&request.into_inner().name).map_err(convert::not_a_name)?;
        Ok(Response::new(self.0.invite(call.subject(), name).await?.into()))
    }

    async fn get_account(&self, request: Request<v1::GetAccountRequest>) -> Answer<v1::Account> {
        Ok(Response::new(self.0.account(id("id", &request.into_inner().id)?).await?.into()))
    }

    async fn list_accounts(&self, request: Request<v1::ListAccountsRequest>) -> Answer<v1::ListAccountsResponse> {
        let v1::ListAccountsRequest { page_size, page_token } = request.into_inner();
        let page = Page::read(&["accounts"], page_size, &page_token).map_err(Error::from)?;
        let (accounts, next_page_token) = self.0.accounts(&page).await?;
        let accounts = accounts.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListAccountsResponse { accounts, next_page_token }))
    }

    async fn lock_account(&self, request: Request<v1::LockAccountRequest>) -> Answer<v1::Account> {
        let call = Call::of(&request)?;
        let id = convert::somebody_else(&call, id("id", &request.into_inner().id)?)?;
        Ok(Response::new(self.0.set_locked(call.subject(), id, true).await?.into()))
    }

    async fn unlock_account(&self, request: Request<v1::UnlockAccountRequest>) -> Answer<v1::Account> {
        let call = Call::of(&request)?;
        let id = convert::somebody_else(&call, id("id", &request.into_inner().id)?)?;
        Ok(Response::new(self.0.set_locked(call.subject(), id, false).await?.into()))
    }

    async fn reset_account(&self, request: Request<v1::ResetAccountRequest>) -> Answer<v1::OneTimeCode> {
        let call = Call::of(&request)?;
        let v1::ResetAccountRequest { id: account, remove_second_factor } = request.into_inner();
        let id = convert::somebody_else(&call, id("id", &account)?)?;
        Ok(Response::new(self.0.reset(call.subject(), id, remove_second_factor).await?.into()))
    }
}

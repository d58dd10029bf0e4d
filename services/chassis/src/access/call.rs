//! One call: who makes it, what it may touch, and why it wants to see.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use linju_proto::{
    ENTITLED, Method,
    common::v1::{Purpose, Role, Scope as ContractScope},
};
use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{Grant, Principal, Scope};
use crate::Fault;

/// What the access layer found out about a call. Handlers take it from the request and hand it on.
#[derive(Clone, Debug)]
pub struct Call(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    principal: Principal,
    scope: Scope,
    purpose: Option<Purpose>,
    method: &'static Method,
    trace: String,
    revealed: AtomicBool,
}

impl Call {
    /// Decides whether `principal` may call `method`, and what it may touch.
    pub(super) fn decide(
        method: &'static Method,
        principal: Principal,
        purpose: Option<&str>,
        trace: String,
    ) -> Result<Self, Status> {
        if method.scope == ContractScope::Account as i32 && principal.on_behalf.is_some() {
            return Err(denied(
                "NO_MANDATE",
                "nobody has your account by mandate: call without `linju-on-behalf`".to_owned(),
            ));
        }
        let not_allowed = || {
            let roles: Vec<_> = method.roles.iter().filter_map(|r| role_code(*r)).collect();
            denied("ROLE_NOT_ALLOWED", format!("only {} may do this", roles.join(", ")))
        };
        let mut scope = Scope::of(method, &principal, &principal.grants).ok_or_else(not_allowed)?;
        let purpose = purpose.map(|text| purpose_of(method, &principal, text)).transpose()?;
        if let Some(purpose) = purpose {
            // Only where a grant entitles to the purpose: another role's area does not come with it.
            let entitled = principal.grants.iter().filter(|grant| entitles(purpose, grant.role));
            scope = Scope::of(method, &principal, entitled).ok_or_else(not_allowed)?;
        }
        Ok(Self(Arc::new(Inner { principal, scope, purpose, method, trace, revealed: AtomicBool::new(false) })))
    }

    /// The call that a request belongs to. A request that did not pass the access layer has none and is refused.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        request.extensions().get::<Self>().cloned().ok_or_else(|| Status::internal("the access layer was not passed"))
    }

    /// Who calls: the token's subject.
    pub fn subject(&self) -> &str {
        &self.0.principal.subject
    }

    /// For whom, where that is somebody else.
    pub fn on_behalf(&self) -> Option<&str> {
        self.0.principal.on_behalf.as_deref()
    }

    /// Whose a row is that this call makes for somebody: the person for whom it is made, else the record of the register that
    /// is the caller's own, else the account. [`Scope::owns`] knows all three.
    pub fn owner(&self) -> String {
        let own = || self.scope().persons().first().map(ToString::to_string);
        let person = self.on_behalf().map(str::to_owned).or_else(own);
        person.unwrap_or_else(|| self.subject().to_owned())
    }

    /// Whether the caller holds `role` and the method lets that role in.
    pub fn acts_as(&self, role: Role) -> bool {
        self.0.method.roles.contains(&(role as i32)) && self.0.principal.grants.iter().any(|g| g.role == role)
    }

    /// All that the caller was granted, whether it counts for this method or not.
    pub fn grants(&self) -> &[Grant] {
        &self.0.principal.grants
    }

    /// What the call may touch.
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// Why it wants to see personal data; the layer has checked that caller and method are entitled to it.
    pub fn purpose(&self) -> Option<Purpose> {
        self.0.purpose
    }

    /// The purpose, or a refusal that names those that would do.
    pub fn needs_purpose(&self) -> Result<Purpose, Fault> {
        self.purpose().ok_or_else(|| {
            let codes: Vec<_> = self.0.method.purposes.iter().filter_map(|p| purpose_code(*p)).collect();
            Fault::PurposeNeeded(codes.join(", "))
        })
    }

    /// The method's path.
    pub fn method(&self) -> &'static str {
        self.0.method.path
    }

    /// The trace it belongs to, for the audit log.
    pub fn trace(&self) -> &str {
        &self.0.trace
    }

    /// Lets the answer out in clear. Only the audit log calls it, once the look is written.
    pub(super) fn reveal(&self) {
        self.0.revealed.store(true, Ordering::Release);
    }

    pub(super) fn is_revealed(&self) -> bool {
        self.0.revealed.load(Ordering::Acquire)
    }
}

fn purpose_of(method: &Method, principal: &Principal, text: &str) -> Result<Purpose, Status> {
    let all: Vec<_> = method.purposes.iter().filter_map(|p| purpose_code(*p)).collect();
    let refused = || {
        let may = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        denied("PURPOSE_NOT_ALLOWED", format!("this purpose does not fit here for you; the method knows: {may}"))
    };
    let purpose = Purpose::from_str_name(&format!("PURPOSE_{}", text.to_ascii_uppercase())).ok_or_else(refused)?;
    let entitled =
        principal.grants.iter().any(|g| entitles(purpose, g.role) && method.roles.contains(&(g.role as i32)));
    if entitled && method.purposes.contains(&(purpose as i32)) { Ok(purpose) } else { Err(refused()) }
}

fn entitles(purpose: Purpose, role: Role) -> bool {
    ENTITLED.iter().any(|(p, roles)| *p == purpose as i32 && roles.contains(&(role as i32)))
}

/// `PURPOSE_HOME_VISIT` -> `home_visit`, as callers write it.
pub fn purpose_code(number: i32) -> Option<String> {
    let purpose = Purpose::try_from(number).ok()?;
    purpose.as_str_name().strip_prefix("PURPOSE_").map(str::to_ascii_lowercase)
}

fn role_code(number: i32) -> Option<String> {
    Role::try_from(number).ok()?.as_str_name().strip_prefix("ROLE_").map(str::to_ascii_lowercase)
}

pub(super) fn denied(reason: &'static str, message: String) -> Status {
    Status::with_error_details(Code::PermissionDenied, message, ErrorDetails::with_error_info(reason, "linju", []))
}

#[cfg(test)]
mod tests {
    use linju_proto::METHODS;

    use super::*;

    #[test]
    fn a_purpose_opens_only_where_its_own_role_holds() {
        let method = METHODS.iter().find(|m| m.path.ends_with("/GetResident")).expect("a method");
        let grant = |role, area: &str| Grant::new(role, Some(vec![area.parse().expect("a code")]));
        let grants = vec![grant(Role::CallClerk, "511903001"), grant(Role::GridWorker, "511903001008001")];
        let principal = Principal { subject: "x".to_owned(), on_behalf: None, grants };
        let call = |purpose| Call::decide(method, principal.clone(), purpose, String::new());
        let elsewhere = "511903001009001".parse().expect("a code");
        assert!(call(None).expect("may call").scope().areas.contain(elsewhere));
        assert!(!call(Some("home_visit")).expect("may call").scope().areas.contain(elsewhere));
        assert!(call(Some("case_handling")).expect("may call").scope().areas.contain(elsewhere));
        let refused = call(Some("own_matter\u{7}")).expect_err("no such purpose");
        assert!(!refused.message().contains("own_matter"), "what was sent is not repeated");
    }
}

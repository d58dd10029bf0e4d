//! "What may I do, and where."

use chassis::access::{Call, Grant, Role};
use linju_proto::{
    ENTITLED, METHODS, Method, OWN_ROWS,
    common::v1::Scope,
    gateway::v1::{MyAccess, MyGrant, MyMethod},
};

use super::{app::Grants, convert, error::GrantError, mandates::account_of, store, words};

impl Grants {
    /// What this call's credential opens, read from the grants that services would hear.
    pub(super) async fn access_of(&self, call: &Call) -> Result<MyAccess, GrantError> {
        let mandates = match account_of(call) {
            Some(account) if call.on_behalf().is_none() => {
                store::held_by(self.db.read(), account, self.clock.now()).await?
            }
            _ => Vec::new(),
        };
        let grants: Vec<MyGrant> = call.grants().iter().map(my_grant).collect();
        let sentences: Vec<String> = grants.iter().map(|grant| grant.words.clone()).collect();
        let signed_in = !call.subject().is_empty() && call.on_behalf().is_none();
        let open = METHODS.iter().filter(|method| {
            method.scope == Scope::Public as i32 || (signed_in && method.scope == Scope::Account as i32)
        });
        Ok(MyAccess {
            account_id: call.subject().to_owned(),
            on_behalf: call.on_behalf().unwrap_or_default().to_owned(),
            summary: words::summary(&sentences, mandates.len(), call.on_behalf().is_some()),
            grants,
            mandates: mandates.into_iter().map(convert::mandate).collect(),
            open_methods: open.map(name).collect(),
        })
    }
}

fn name(method: &Method) -> String {
    method.path.trim_start_matches('/').to_owned()
}

fn my_grant(grant: &Grant) -> MyGrant {
    let role = grant.role as i32;
    let own_rows = OWN_ROWS.contains(&role);
    MyGrant {
        role,
        area_codes: grant.areas.iter().flatten().map(ToString::to_string).collect(),
        everywhere: grant.areas.is_none(),
        unit: grant.unit.clone().unwrap_or_default(),
        place_id: grant.place.map(|id| id.to_string()).unwrap_or_default(),
        person_ids: grant.persons.iter().map(ToString::to_string).collect(),
        covers: grant.covers.iter().flatten().map(|cover| *cover as i32).collect(),
        methods: METHODS.iter().filter(|method| grant.opens(method)).map(|m| my_method(grant.role, m)).collect(),
        words: words::words(grant, own_rows),
    }
}

fn my_method(role: Role, method: &Method) -> MyMethod {
    let role = role as i32;
    let entitled = |purpose: &i32| ENTITLED.iter().any(|(known, roles)| known == purpose && roles.contains(&role));
    MyMethod {
        name: name(method),
        own_rows_only: method.scope == Scope::Self_ as i32 || OWN_ROWS.contains(&role),
        purposes: method.purposes.iter().copied().filter(entitled).collect(),
    }
}

//! Accounts of an OpenID provider, and the rights that its claims give.

use chassis::access::Role;
use chassis::access::{Grant, role_code, role_of};
use sea_orm::{EntityTrait, IntoActiveModel};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Act, App};
use crate::identity::{
    domain::name::AccountName,
    error::Error,
    grants::{HeldRole, Period, clash},
    settings::ClaimRule,
    store::{
        account::{self, Model, State},
        revision, session,
    },
};

/// Who signed in at the provider.
#[derive(Clone, Debug)]
pub struct FromProvider {
    pub issuer: String,
    pub subject: String,
    /// What the person is called there; only for telling accounts apart.
    pub preferred_name: Option<String>,
}

const PROVIDER: &str = "provider";

impl App {
    /// The account of somebody whom the provider vouches for; made at the first sign-in. A locked one stays locked.
    pub async fn account_of_provider(&self, from: &FromProvider, trace: &str) -> Result<Model, Error> {
        let found = account::find_of_provider(self.db.read(), &from.issuer, &from.subject).await?;
        let account = match found {
            Some(account) => account,
            None => self.make_of_provider(from, trace).await?,
        };
        if account.state == State::Active { Ok(account) } else { Err(Error::SignInRefused) }
    }

    async fn make_of_provider(&self, from: &FromProvider, trace: &str) -> Result<Model, Error> {
        let id = self.ids.next::<Uuid>();
        // Only for people to read. A name that somebody has here already is not taken from them.
        let asked = from.preferred_name.as_deref().and_then(|name| AccountName::new(name).ok());
        let free = match &asked {
            Some(name) => self.find_account(name).await?.is_none(),
            None => false,
        };
        let made_up = || AccountName::new(&format!("p-{}", id.simple()));
        let name = match asked.filter(|_| free) {
            Some(name) => name,
            None => made_up().map_err(|e| chassis::Fault::Internal(e.to_string()))?,
        };
        let row = Model {
            id,
            name: self.keys.seal(account::NAME.at(id), name.as_str())?,
            name_index: account::index_of(&self.keys, &name),
            state: State::Active,
            password: None,
            must_change: false,
            issuer: Some(from.issuer.clone()),
            issuer_subject: Some(from.subject.clone()),
            totp: None,
            totp_pending: None,
            totp_step: 0,
            created_at: self.clock.now(),
            signed_in_at: None,
        };
        let (app, made, trace) = (self.clone(), row.clone(), trace.to_owned());
        let written = self.db.write(move |tx| {
            let (app, row, trace) = (app.clone(), made.clone(), trace.clone());
            Box::pin(async move {
                account::Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
                app.note(tx, &Act { who: PROVIDER, what: "account", account: id, detail: "made", trace: &trace });
                Ok::<_, Error>(())
            })
        });
        match written.await {
            Ok(()) => Ok(row),
            Err(Error::Fault(fault)) if fault.is_duplicate() => {
                // The same person in two windows at once.
                let found = account::find_of_provider(self.db.read(), &from.issuer, &from.subject).await?;
                found.ok_or(Error::NameTaken)
            }
            Err(error) => Err(error),
        }
    }

    /// Ends what the provider says is over.
    pub async fn end_of_provider(&self, issuer: &str, subject: &str, sid: Option<&str>) -> Result<(), Error> {
        let Some(account) = account::find_of_provider(self.db.read(), issuer, subject).await? else { return Ok(()) };
        let (app, sid) = (self.clone(), sid.map(str::to_owned));
        let written = self.db.write(move |tx| {
            let (app, sid, account) = (app.clone(), sid.clone(), account.id);
            Box::pin(async move {
                session::end_of_provider(tx, account, sid.as_deref(), app.clock.now()).await?;
                revision::bump(tx).await?;
                app.note(tx, &Act { who: PROVIDER, what: "session", account, detail: "ended_by_provider", trace: "" });
                Ok::<_, Error>(())
            })
        });
        written.await?;
        self.known.forget();
        Ok(())
    }
}

/// A right that claims gave, as it is kept with the session.
#[derive(Serialize, Deserialize)]
struct Claimed {
    role: String,
    areas: Option<Vec<String>>,
    unit: Option<String>,
}

/// The rights that `claims` give by `rules`, as they are kept with the session.
pub(in crate::identity) fn claimed(rules: &[ClaimRule], claims: &serde_json::Value) -> Option<String> {
    let given = rules.iter().filter(|rule| holds(rule, claims)).map(|rule| Claimed {
        role: role_code(rule.role),
        areas: rule.scope.as_ref().map(|codes| codes.iter().map(ToString::to_string).collect()),
        unit: rule.unit.clone(),
    });
    let given: Vec<_> = given.collect();
    if given.is_empty() { None } else { serde_json::to_string(&given).ok() }
}

fn holds(rule: &ClaimRule, claims: &serde_json::Value) -> bool {
    let found = rule.claim.split('.').try_fold(claims, |at, name| at.get(name));
    match found {
        Some(serde_json::Value::String(text)) => *text == rule.value,
        Some(serde_json::Value::Array(list)) => list.iter().any(|item| item.as_str() == Some(rule.value.as_str())),
        _ => false,
    }
}

/// What cannot be read gives nothing.
pub(super) fn read_claimed(json: &str) -> Vec<Grant> {
    let claimed: Vec<Claimed> = serde_json::from_str(json).unwrap_or_default();
    claimed.into_iter().filter_map(read_one).collect()
}

fn read_one(claimed: Claimed) -> Option<Grant> {
    let areas = match claimed.areas {
        None => None,
        Some(codes) => Some(codes.iter().map(|code| code.parse().ok()).collect::<Option<_>>()?),
    };
    Some(Grant { unit: claimed.unit, ..Grant::new(role_of(&claimed.role)?, areas) })
}

/// Whether a claimed right may stand beside those that there are.
pub(super) fn fits(held: &[Grant], claimed: &Grant) -> bool {
    let always = |role: Role| HeldRole {
        role,
        period: Period { start: chrono::DateTime::<chrono::Utc>::UNIX_EPOCH, end: None },
    };
    let held: Vec<_> = held.iter().map(|grant| always(grant.role)).collect();
    clash(&held, always(claimed.role)).is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(claim: &str, value: &str, role: Role) -> ClaimRule {
        let scope = Some(vec!["511903001".parse().expect("a code")]);
        ClaimRule { claim: claim.to_owned(), value: value.to_owned(), role, scope, unit: None }
    }

    #[test]
    fn only_what_a_rule_names_gives_a_right() {
        let rules = [rule("realm.roles", "grid", Role::GridWorker), rule("department", "hotline", Role::CallClerk)];
        let given =
            |claims: serde_json::Value| claimed(&rules, &claims).map(|json| read_claimed(&json)).unwrap_or_default();
        let held = |claims| given(claims).iter().map(|grant| grant.role).collect::<Vec<_>>();
        assert_eq!(held(json!({"realm": {"roles": ["x", "grid"]}})), [Role::GridWorker]);
        assert_eq!(
            held(json!({"realm": {"roles": "grid"}, "department": "hotline"})),
            [Role::GridWorker, Role::CallClerk]
        );
        for nothing in [
            json!({}),
            json!({"roles": ["grid"]}),
            json!({"realm.roles": ["grid"]}),
            json!({"realm": {"roles": ["GRID", 1]}}),
        ] {
            assert_eq!(given(nothing.clone()), [], "{nothing}");
        }
        let grants = given(json!({"department": "hotline"}));
        assert_eq!(grants, [Grant::new(Role::CallClerk, Some(vec!["511903001".parse().expect("a code")]))]);
    }

    #[test]
    fn a_claim_does_not_join_what_excludes_one_another() {
        let operator = Grant::new(Role::Operator, None);
        assert!(!fits(&[Grant::new(Role::SecurityAdmin, None)], &operator));
        assert!(fits(&[Grant::new(Role::GridWorker, None)], &operator));
    }
}

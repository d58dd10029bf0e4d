//! `linju account invite|list|reset|lock|unlock`: accounts, for whoever runs the machine.

use std::process::ExitCode;

use chassis::run::Install;
use linju_gateway::{
    GatewayService, GatewaySettings,
    identity::{AccountName, Identity, Invited, ShownAccount},
};
use serde_json::{Value, json};

use crate::{
    cli::Account,
    output::{Output, Usage},
};

pub(super) async fn run(install: &Install, what: Account, output: Output) -> anyhow::Result<ExitCode> {
    let context = install.context(&GatewayService).await?;
    let settings: GatewaySettings = context.config("gateway")?;
    let db = context.db.clone();
    let console = Identity::new(context, settings.identity).console();
    match what {
        Account::Invite { name } => tell_code(&console.invite(read(&name)?).await?, output),
        Account::Reset { name, second_factor } => {
            tell_code(&console.reset(&read(&name)?, second_factor).await?, output);
        }
        Account::Lock { name } => tell(&console.set_locked(&read(&name)?, true).await?, output),
        Account::Unlock { name } => tell(&console.set_locked(&read(&name)?, false).await?, output),
        Account::List => {
            let (mut list, mut text, mut next) = (Vec::new(), String::new(), String::new());
            loop {
                let (accounts, token) = console.list(&next).await?;
                for account in &accounts {
                    text.push_str(&line(account));
                    list.push(value(account));
                }
                if token.is_empty() {
                    break;
                }
                next = token;
            }
            if list.is_empty() {
                text.push_str("there is no account yet; `linju serve` makes the first\n");
            }
            output.result(&list, &text);
        }
    }
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

fn read(name: &str) -> Result<AccountName, Usage> {
    AccountName::new(name).map_err(|rule| Usage(format!("{name:?} {rule}")))
}

fn tell_code(invited: &Invited, output: Output) {
    let Invited { account, code, expires_at } = invited;
    let mut told = value(account);
    told["code"] = json!(code);
    told["expires_at"] = json!(expires_at);
    let text = format!(
        "{}\nOne-time code, until {}: {code}\nGive it to its owner and to nobody else; it is not shown again. With it they set a \
         password at the sign-in page.\nThe account has no rights until a security administrator grants some.",
        line(account).trim_end(),
        expires_at.format("%Y-%m-%d %H:%M UTC")
    );
    output.result(&told, &text);
}

fn tell(account: &ShownAccount, output: Output) {
    output.result(&value(account), &line(account));
}

fn value(account: &ShownAccount) -> Value {
    json!({
        "id": account.row.id.to_string(),
        "name": account.name,
        "state": account.state(),
        "second_factor": account.row.totp.is_some(),
        "issuer": account.row.issuer,
        "created_at": account.row.created_at,
        "signed_in_at": account.row.signed_in_at,
    })
}

fn line(account: &ShownAccount) -> String {
    let seen = account
        .row
        .signed_in_at
        .map_or("never signed in".to_owned(), |at| format!("last signed in {}", at.format("%Y-%m-%d %H:%M UTC")));
    format!("{}  {:<8} {:<24} {seen}\n", account.row.id, account.state(), account.name)
}

//! `linju dlq list|retry|drop`

use std::process::ExitCode;

use chassis::run::Install;
use linju_incidents::{IncidentsService, store::alarms::refused};
use serde_json::json;

use crate::{cli::Dlq, output::Output};

/// More than this are not listed at once.
const MOST: usize = 1_000;

/// Minutes of refused messages that are listed.
const REFUSED: u64 = 200;

pub(super) async fn run(install: &Install, what: Dlq, output: Output) -> anyhow::Result<ExitCode> {
    let bus = install.bus().await?;
    match what {
        Dlq::List => {
            let parked = bus.parked(MOST).await?;
            let mut text = String::new();
            let mut list = Vec::new();
            for p in &parked {
                text.push_str(&format!(
                    "{:>6}  {}  {}  {}  {}\n        {}\n",
                    p.id,
                    p.parked_at.format("%Y-%m-%d %H:%M:%SZ"),
                    p.consumer,
                    p.event.kind,
                    p.event.id,
                    p.reason
                ));
                list.push(json!({
                    "id": p.id, "parked_at": p.parked_at, "consumer": p.consumer, "kind": p.event.kind,
                    "event": p.event.id, "subject": p.event.subject, "reason": p.reason,
                }));
            }
            let refused = refused(install).await?;
            for r in &refused {
                text.push_str(&format!(
                    "     -  {}  partner {}  {} ×{}\n        {}\n",
                    r.minute.format("%Y-%m-%d %H:%MZ"),
                    r.partner,
                    r.reason,
                    r.messages,
                    r.sample
                ));
                list.push(json!({
                    "id": null, "parked_at": r.minute, "partner": r.partner, "kind": r.reason, "messages": r.messages,
                    "reason": r.sample,
                }));
            }
            if list.is_empty() {
                text.push_str("nothing was put aside\n");
            }
            output.result(&list, &text);
        }
        Dlq::Retry { id } => {
            bus.retry(id).await?;
            output.result(&json!({ "retried": id }), &format!("{id} goes to its consumer again"));
        }
        Dlq::Drop { id } => {
            bus.drop_parked(id).await?;
            output.result(&json!({ "dropped": id }), &format!("{id} is dropped for good"));
        }
    }
    bus.close().await;
    Ok(ExitCode::SUCCESS)
}

/// What partners sent and was not taken: counted by the minute, and not kept.
async fn refused(install: &Install) -> anyhow::Result<Vec<refused::Model>> {
    let db = install.database(&IncidentsService).await?;
    let newest = refused::newest(db.read(), REFUSED).await?;
    db.close().await;
    Ok(newest)
}

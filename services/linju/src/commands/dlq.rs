//! `linju dlq list|retry|drop`

use std::process::ExitCode;

use chassis::run::Install;
use serde_json::json;

use crate::{cli::Dlq, output::Output};

/// More than this are not listed at once.
const MOST: usize = 1_000;

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
            if parked.is_empty() {
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

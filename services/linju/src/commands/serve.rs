//! `linju serve`

use std::{process::ExitCode, time::Instant};

use chassis::run::{Settings, Telemetry, start};

use crate::{
    output::{Output, exit},
    services,
};

pub(super) async fn run(settings: Settings, names: &[String], output: Output) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let services = services::named(names)?;
    let telemetry = Telemetry::start(&settings.telemetry).map_err(crate::output::Usage)?;
    let (embedded, folder) = (settings.is_embedded(), settings.data_dir.clone());
    let running = start(settings, &services).await?;
    let names: Vec<_> = services.iter().map(|s| s.name()).collect();
    tracing::info!(
        services = names.join(","),
        grpc = %running.grpc,
        observe = %running.observe,
        door = running.doors.first().map(|(_, at)| tracing::field::display(at)),
        ready_ms = began.elapsed().as_millis(),
        "serving"
    );
    let place = if embedded {
        format!("the data lies in {}", folder.display())
    } else {
        "the data lies in Postgres".to_owned()
    };
    let door = running
        .doors
        .iter()
        .fold(String::new(), |said, (_, at)| format!("{said}\nIn a browser, and for programs: http://{at}/docs"));
    output.say(&format!(
        "{door}\nLinju serves {names} at grpc://{grpc}; {place}.\nMetrics and health: http://{observe}/metrics, \
         http://{observe}/healthz/ready\n\nTry next, in another terminal:\n  {me} demo\n    a subdistrict of synthetic \
         people\n  {me} keys token --role community_manager --scope 511903001\n    a token to call with; README.md shows \
         calls\n  {me} doctor\n    is everything well?\n\nCtrl-C stops it.",
        names = names.join(" and "),
        grpc = running.grpc,
        observe = running.observe,
        me = invocation(),
    ));
    running.until_signal().await?;
    tracing::info!("stopping");
    let in_time = running.stop().await;
    telemetry.flush().await;
    if !in_time {
        output.say("some work was cut off at the deadline; nothing that was answered is lost");
    }
    Ok(ExitCode::from(if in_time { 0 } else { exit::FAILED }))
}

/// How this program was called, with its global options, so that what is printed can be pasted.
fn invocation() -> String {
    let mut words = std::env::args();
    let mut said = words.next().unwrap_or_else(|| "linju".to_owned());
    while let Some(word) = words.next() {
        if ["--data", "--config"].iter().any(|option| word.starts_with(option)) {
            said.push_str(&format!(" {word}"));
            if !word.contains('=')
                && let Some(value) = words.next()
            {
                said.push_str(&format!(" {value}"));
            }
        }
    }
    said
}

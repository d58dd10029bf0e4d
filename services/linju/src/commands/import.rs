//! `linju import areas|survey|requests|categories|calendar`

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use chassis::run::Install;
use linju_incidents::{
    IncidentsService,
    app::{App as Incidents, CalendarOutcome, CategoriesOutcome, ImportOptions as RequestOptions},
    domain::catalogue::FileProblem,
    requests::{Mapping, ReportWriter},
};
use linju_residents::{
    ResidentsService,
    app::{App as Residents, AreaProblem, ImportOptions, SurveyOutcome},
    survey::{limits::Limits, source::SurveyFile},
};
use serde_json::json;

use crate::{
    cli::{Import, Survey},
    output::{Output, exit},
};

pub(super) async fn run(install: &Install, what: Import, output: Output) -> anyhow::Result<ExitCode> {
    match what {
        Import::Areas { file } => areas(install, &file, output).await,
        Import::Survey(survey) => import_survey(install, survey, output).await,
        Import::Requests { file, mapping, dry_run, report } => {
            requests(install, &file, &mapping, dry_run, report, output).await
        }
        Import::Categories { file } => categories(install, &file, output).await,
        Import::Calendar { file } => calendar(install, &file, output).await,
    }
}

async fn areas(install: &Install, path: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let context = install.context(&ResidentsService).await?;
    let db = context.db.clone();
    let app = Residents::new(context);
    let outcome = app.import_areas(BufReader::new(file)).await?;
    let mut text = format!(
        "{} rows: {} areas created, {} updated, {} unchanged, {} rejected\n",
        outcome.rows, outcome.created, outcome.updated, outcome.unchanged, outcome.rejected
    );
    for problem in &outcome.problems {
        text.push_str(&format!("  line {}, {}: {}\n", problem.line, problem.field, problem.message));
    }
    let problem = |p: &AreaProblem| json!({ "line": p.line, "field": p.field, "message": p.message });
    let problems: Vec<_> = outcome.problems.iter().map(problem).collect();
    output.result(
        &json!({
            "rows": outcome.rows, "created": outcome.created, "updated": outcome.updated,
            "unchanged": outcome.unchanged, "rejected": outcome.rejected, "problems": problems,
        }),
        &text,
    );
    db.close().await;
    Ok(code(outcome.rejected))
}

async fn import_survey(install: &Install, survey: Survey, output: Output) -> anyhow::Result<ExitCode> {
    let Survey { file: path, dry_run, report } = survey;
    let context = install.context(&ResidentsService).await?;
    let db = context.db.clone();
    let app = Residents::new(context);
    let opened = path.clone();
    let file = tokio::task::spawn_blocking(move || SurveyFile::open(&opened, Limits::default())).await?;
    let file = file.with_context(|| format!("cannot read {}", path.display()))?;
    let bar = output.counter(if dry_run { "rows tried" } else { "rows imported" });
    let counted = bar.clone();
    let options = ImportOptions { dry_run, progress: Some(Arc::new(move |rows| counted.inc(rows))) };
    let outcome = app.import_survey(file, options).await?;
    bar.finish_and_clear();

    let report = if outcome.problems.is_empty() {
        None
    } else {
        let target = report.unwrap_or_else(|| report_beside(&path));
        let out = File::create(&target).with_context(|| format!("cannot write the report {}", target.display()))?;
        outcome.write_report(out).with_context(|| format!("cannot write the report {}", target.display()))?;
        Some(target)
    };
    let SurveyOutcome { rows, created, updated, unchanged, rejected, households, .. } = &outcome;
    let (households_created, grids_created) = (outcome.households_created, outcome.grids_created);
    let would = if dry_run { "would be " } else { "" };
    let mut text = format!(
        "{rows} rows: {created} people {would}created, {updated} updated, {unchanged} unchanged, {rejected} rejected; \
         {households} households in the file, {households_created} {would}created; {grids_created} grids {would}created\n"
    );
    if !outcome.ignored_columns.is_empty() {
        text.push_str(&format!("columns that were not read: {}\n", outcome.ignored_columns.join(", ")));
    }
    if let Some(report) = &report {
        text.push_str(&format!("what is wrong with the rejected rows: {}\n", report.display()));
    }
    output.result(
        &json!({
            "dry_run": dry_run, "rows": rows, "created": created, "updated": updated, "unchanged": unchanged,
            "rejected": rejected, "households": households, "households_created": households_created,
            "grids_created": grids_created, "ignored_columns": outcome.ignored_columns, "report": report,
        }),
        &text,
    );
    db.close().await;
    Ok(code(*rejected))
}

async fn requests(
    install: &Install,
    path: &Path,
    mapping: &Path,
    dry_run: bool,
    report: Option<PathBuf>,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let text = fs::read_to_string(mapping).with_context(|| format!("cannot read the mapping {}", mapping.display()))?;
    let mapping: Mapping = text.parse().with_context(|| format!("the mapping {} cannot be used", mapping.display()))?;
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let context = install.context(&IncidentsService).await?;
    let db = context.db.clone();
    let app = Incidents::new(context);

    let bar = output.counter(if dry_run { "requests tried" } else { "requests imported" });
    let mut problems = Vec::new();
    let options = RequestOptions {
        dry_run,
        progress: &mut |outcome| bar.set_position(outcome.rows),
        problem: &mut |problem| problems.push(problem.clone()),
    };
    let outcome = app.import_requests(BufReader::new(file), &mapping, options).await?;
    bar.finish_and_clear();

    let report = if problems.is_empty() {
        None
    } else {
        let target = report.unwrap_or_else(|| report_beside(path));
        let out = File::create(&target).with_context(|| format!("cannot write the report {}", target.display()))?;
        let mut writer = ReportWriter::new(out)?;
        for problem in &problems {
            writer.write(problem)?;
        }
        writer.finish()?;
        Some(target)
    };
    let would = if dry_run { "would be " } else { "" };
    let mut told = format!(
        "{} rows: {} incidents {would}created, {} updated, {} unchanged, {} rejected\n",
        outcome.rows, outcome.created, outcome.updated, outcome.unchanged, outcome.rejected
    );
    if let Some(report) = &report {
        told.push_str(&format!("what is wrong with the rejected rows: {}\n", report.display()));
    }
    output.result(
        &json!({
            "dry_run": dry_run, "rows": outcome.rows, "created": outcome.created, "updated": outcome.updated,
            "unchanged": outcome.unchanged, "rejected": outcome.rejected, "report": report,
        }),
        &told,
    );
    db.close().await;
    Ok(code(outcome.rejected))
}

async fn categories(install: &Install, path: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let context = install.context(&IncidentsService).await?;
    let db = context.db.clone();
    let outcome = Incidents::new(context).import_categories(&text).await?;
    db.close().await;
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(problems) => return Ok(refused(path, &problems, output)),
    };
    let CategoriesOutcome { created, updated, unchanged, untouched } = outcome;
    output.result(
        &json!(outcome),
        &format!(
            "{created} categories created, {updated} updated, {unchanged} unchanged; {untouched} that the file does not name \
             stay as they are\n"
        ),
    );
    Ok(ExitCode::SUCCESS)
}

async fn calendar(install: &Install, path: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let context = install.context(&IncidentsService).await?;
    let db = context.db.clone();
    let outcome = Incidents::new(context).import_calendar(&text).await?;
    db.close().await;
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(problems) => return Ok(refused(path, &problems, output)),
    };
    let told = match outcome {
        CalendarOutcome::Year { year, special_days, changed: true } => {
            format!("holidays of {year} loaded: {special_days} special days\n")
        }
        CalendarOutcome::Year { year, .. } => format!("holidays of {year} unchanged\n"),
        CalendarOutcome::Units { changed, unchanged } => {
            format!("hours of {changed} units set, of {unchanged} unchanged\n")
        }
    };
    output.result(&json!(outcome), &told);
    Ok(ExitCode::SUCCESS)
}

/// Nothing of the file was taken, and this is why.
fn refused(path: &Path, problems: &[FileProblem], output: Output) -> ExitCode {
    let mut told = format!("nothing was changed; {} is wrong:\n", path.display());
    for problem in problems {
        told.push_str(&format!("  {problem}\n"));
    }
    let problem = |p: &FileProblem| json!({ "line": p.line, "place": p.place, "rule": p.rule });
    output.result(&json!({ "problems": problems.iter().map(problem).collect::<Vec<_>>() }), &told);
    code(problems.len() as u64)
}

/// `survey.csv` -> `survey.csv.report.csv`
fn report_beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".report.csv");
    PathBuf::from(name)
}

fn code(rejected: u64) -> ExitCode {
    ExitCode::from(if rejected == 0 { 0 } else { exit::FAULTS })
}

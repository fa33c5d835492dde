//! All that decides whether a change lands, with a table of what each stage took.

use std::time::Instant;

use crate::run::Outcome;
use crate::{check, demo, report, setup, test};

/// Runs every stage, also after one has failed, and prints the table.
///
/// # Errors
/// When a stage failed.
pub(crate) fn ci() -> Outcome {
    let mut stages: Vec<check::Stage> = vec![("setup", setup::setup)];
    stages.push(("test", || test::test(&[])));
    stages.extend(check::stages());
    stages.push(("demo", demo::demo));
    stages.push(("report", report::of_last_run));
    let mut table = Vec::new();
    for (name, stage) in stages {
        println!("\n── {name}");
        let start = Instant::now();
        let outcome = stage();
        if let Err(why) = &outcome {
            println!("error: {why}");
        }
        table.push((name, start.elapsed().as_secs(), outcome.is_ok()));
    }
    println!();
    for (name, seconds, passed) in &table {
        println!(
            "{name:<20} {seconds:>5} s   {}",
            if *passed { "passed" } else { "FAILED" }
        );
    }
    let failed = table.iter().filter(|(_, _, passed)| !passed).count();
    println!("{} passed, {failed} failed", table.len() - failed);
    if failed == 0 {
        Ok(())
    } else {
        Err(format!("{failed} of {} stages failed", table.len()))
    }
}

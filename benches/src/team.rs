//! What a team costs: the built program and a real server on loopback, set up and used by the public
//! commands, each member with a home and a broker of its own.

mod crypto;
mod disk;
mod exchange;
mod figures;
mod keychain;
mod keyring;
mod leaving;
mod people;
mod report;
mod server;
#[cfg(test)]
mod tests;
mod typed;

use std::path::Path;
use std::time::Duration;

use crate::lab::Folder;
use crate::{Options, Outcome, shuffle, tls};
use figures::{Figures, Measure, Size};
use people::{FIRST, Member};
use server::Server;

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much is done.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Whether it is as much as the targets speak of.
    is_whole: bool,
    /// Members when the first one leaves, each with one device.
    members: usize,
    /// Secrets that go at once, and how often.
    batch: usize,
    batches: usize,
    /// Secrets that are pulled into a keychain, and how often.
    few: usize,
    keychains: usize,
    /// Looks at a team where nothing changed.
    looks: usize,
    /// New versions that a colleague waits for.
    shows: usize,
    /// How many leave.
    leavers: usize,
}

impl Plan {
    fn of(quick: bool) -> Self {
        if quick {
            Self {
                is_whole: false,
                members: 10,
                batch: 100,
                batches: 1,
                few: 20,
                keychains: 1,
                looks: 20,
                shows: 3,
                leavers: 1,
            }
        } else {
            Self {
                is_whole: true,
                members: 100,
                batch: 1000,
                batches: 10,
                few: 200,
                keychains: 3,
                looks: 100,
                shows: 20,
                leavers: 3,
            }
        }
    }

    /// Those of the environment that everybody shares.
    fn secrets(&self) -> usize {
        self.batch * self.batches
    }

    /// Members who are neither the founder, nor the colleague, nor set up for the keychain's sake.
    fn crowd(&self) -> usize {
        self.members - 2 - 2 * self.keychains
    }
}

/// The yardstick of a keychain, as a process of its own.
///
/// # Errors
/// When there is no keychain, or it does not take them.
pub(crate) fn keychain(items: &str, bytes: &str) -> Outcome {
    keychain::bare(items, bytes)
}

/// Runs it and prints what came of it.
///
/// # Errors
/// When a command fails, or does not do what it is measured for: then there are no figures.
pub(crate) fn run(options: &Options) -> Outcome {
    let program = options.withheld.as_deref();
    let program = program.ok_or("name the built program: --withheld PATH")?;
    let plan = Plan::of(options.quick);
    let folder = Folder::new()?;
    let mut figures = Figures::of(plan);
    println!("{}", report::heading(options, &plan));
    measure(&program.canonicalize()?, folder.path(), &mut figures)?;
    println!("{}", report::table(&figures));
    println!("{}", report::targets(&figures));
    Ok(())
}

fn measure(program: &Path, folder: &Path, figures: &mut Figures) -> Outcome {
    let (plan, mut seed) = (figures.plan, shuffle::seed());
    let server = Server::start(program, folder)?;
    let founder = Member::with_files(program, folder, "founder")?;
    founder.found(&server)?;
    let value = tls::random_text()?;
    founder.home.run(&["set", FIRST, "--stdin"], Some(&value))?;
    founder.does(&["push"])?;
    let mut colleague = Member::with_files(program, folder, "colleague")?;
    figures.take(Measure::Join, founder.lets_in(&colleague)?);

    eprintln!("looks at a small team");
    server.ask(plan.looks, figures)?;
    exchange::starts(&colleague, figures)?;
    exchange::looks(&colleague, Size::One, figures)?;
    exchange::shows(&founder, &colleague, Size::One, &mut seed, figures)?;
    colleague.stop()?;
    figures.take(Measure::Unlock(Size::One), colleague.unlock()?);

    eprintln!("a keychain");
    keychain::share(&founder, figures)?;
    let mut others = Vec::new();
    for number in 0..plan.keychains {
        others.extend(keychain::pull(number, &founder, program, folder, figures)?);
    }

    let mut crowd = Vec::new();
    for number in 0..plan.crowd() {
        eprint!("\rmembers join: {} ", number + 1);
        let mut member = Member::with_files(program, folder, &format!("m{number:02}"))?;
        figures.take(Measure::Join, founder.lets_in(&member)?);
        member.stop()?;
        crowd.push(member);
    }
    eprintln!();

    for number in 0..plan.batches {
        eprintln!("secrets: {} of {}", number + 1, plan.batches);
        exchange::batch(number, &founder, &colleague, &server, figures)?;
    }
    exchange::looks(&colleague, Size::All, figures)?;
    exchange::shows(&founder, &colleague, Size::All, &mut seed, figures)?;

    for (number, leaver) in crowd.iter().take(plan.leavers).enumerate() {
        eprintln!("members leave: {}", number + 1);
        let left = plan.members - 1 - number;
        leaving::leave(leaver, &founder, &mut colleague, left, &server, figures)?;
    }
    server.verify()
}

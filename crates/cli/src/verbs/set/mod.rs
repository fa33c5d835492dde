//! `withheld set NAME…`: values first, each read where nobody can see it; then where they may be
//! used; the owner's proof last.

mod names;
mod proposal;
mod said;

use serde_json::Value;
use withheld_core::Code;
use withheld_core::api::{Deposit, OwnerRequest, StoreItem};
use withheld_core::binding::{BindingDraft, KeyPrefix};
use withheld_core::name::{Environment, SecretName};
use withheld_vault::intake::{self, How, KeyShape, PublicKey, Taken};

use crate::catalogue::Catalogue;
use crate::cli::Set;
use crate::context::Context;
use crate::drafts::{self, Extras};
use crate::failure::Failure;
use crate::output::Outcome;
use crate::owner::Owner;

#[cfg(test)]
pub(super) use said::documents;

/// One secret on its way in.
struct Item {
    name: SecretName,
    taken: Taken,
    bindings: Vec<BindingDraft>,
}

pub(super) fn run(context: &Context, arguments: &Set) -> Outcome {
    let names = names::read(&arguments.names)?;
    if names.len() > 1 && has_source(arguments) {
        return Err(Failure::refuse(
            Code::Usage,
            "one source cannot give several values",
            "name one key, or leave the option out and paste at the prompts",
        ));
    }
    let target = context.target()?;
    let environment = &target.environment;
    let catalogue = Catalogue::read()?;
    let wanted = names
        .iter()
        .map(|name| {
            drafts::of_options(&catalogue, name, &arguments.destination, &Extras::default())
        })
        .collect::<Outcome<Vec<_>>>()?;
    let owner = Owner::open(context)?;
    let bound = bound_names(&owner, environment)?;
    let shapes = shapes(&catalogue);
    let key = owner.intake_key()?;
    let mut items = Vec::new();
    for (name, bindings) in names.into_iter().zip(wanted) {
        let how = How {
            raw: arguments.raw,
            shapes: &shapes,
        };
        let taken = value(context, arguments, &name, &key, how)?;
        say_what_was_done(context, &taken);
        let is_bound = bound.contains(&name);
        let mut bindings = destination(context, &catalogue, &name, &taken, bindings, is_bound)?;
        note_prefix(&catalogue, &taken, &mut bindings);
        for note in catalogue.notes(&bindings) {
            context.output.note(&note);
        }
        items.push(Item {
            name,
            taken,
            bindings,
        });
    }
    let request = OwnerRequest::Store {
        environment: environment.clone(),
        items: items.iter().map(Item::request).collect(),
        proof: Deposit::to_come(),
    };
    let purpose = format!("{}{}", purpose(&items), target.signed());
    let stored = owner.ask_proven(request, &purpose)?;
    said::say(context, &target, &items, &stored, &bound)
}

fn has_source(arguments: &Set) -> bool {
    arguments.stdin || arguments.from_file.is_some() || arguments.from_env.is_some()
}

/// The secrets of the environment that are bound already: a new value of theirs changes nothing
/// about where they may go.
fn bound_names(owner: &Owner<'_>, environment: &Environment) -> Outcome<Vec<SecretName>> {
    let listed = owner.ask(OwnerRequest::List {
        environment: Some(environment.clone()),
    })?;
    let bindings = listed.get("bindings").and_then(Value::as_array);
    Ok(bindings
        .into_iter()
        .flatten()
        .filter_map(|binding| binding.get("secret").and_then(Value::as_str))
        .filter_map(|name| SecretName::parse(name).ok())
        .collect())
}

fn shapes(catalogue: &Catalogue) -> Vec<KeyShape> {
    catalogue
        .keys()
        .map(|(_, key)| KeyShape {
            prefix: key.prefix.clone(),
            alphabet: key.alphabet.clone(),
            min: key.min,
            max: key.max,
        })
        .collect()
}

fn value(
    context: &Context,
    arguments: &Set,
    name: &SecretName,
    key: &PublicKey,
    how: How<'_>,
) -> Outcome<Taken> {
    if arguments.stdin {
        return Ok(intake::from_stdin(key, how)?);
    }
    if let Some(file) = &arguments.from_file {
        return Ok(intake::from_file(file, key, how)?);
    }
    if let Some(variable) = &arguments.from_env {
        let taken = intake::from_variable(variable.as_ref(), key, how)?;
        context.output.note(
            "note: programs of this user can have read it in the environment; unset it there",
        );
        return Ok(taken);
    }
    if context.terminal().is_none() {
        return Err(Failure::refuse(
            Code::OwnerNeeded,
            "the value is missing, and nobody can be asked here",
            "give it by --stdin, --from-file FILE or --from-env VARIABLE",
        ));
    }
    let label = if arguments.names.len() == 1 {
        "Value (hidden):".to_owned()
    } else {
        format!("Value of {name} (hidden):")
    };
    Ok(intake::prompt(&label, key, how)?)
}

fn say_what_was_done(context: &Context, taken: &Taken) {
    if taken.trimmed_newline {
        context
            .output
            .note("note: one final newline was removed; --raw keeps it");
    }
    if taken.shape.weak {
        context.output.note(
            "note: this value is short or regular enough to be guessed; most APIs can issue a longer one",
        );
    }
}

/// Where the value may be used: what the options say, else what the catalogue proposes and the
/// owner accepts, else nowhere yet.
fn destination(
    context: &Context,
    catalogue: &Catalogue,
    name: &SecretName,
    taken: &Taken,
    wanted: Vec<BindingDraft>,
    is_bound: bool,
) -> Outcome<Vec<BindingDraft>> {
    let looks = catalogue.most_specific(&taken.shape.matches);
    let wanted = match context.questions() {
        Some(mut terminal) if wanted.is_empty() && !is_bound => {
            proposal::propose(&mut terminal, catalogue, name, looks)?
        }
        _ => wanted,
    };
    proposal::settle_doubts(context, catalogue, looks, &wanted)?;
    Ok(wanted)
}

/// The public prefix that the value has: the placeholder will begin with it, too, for programs that
/// look at a key before they send it.
fn note_prefix(catalogue: &Catalogue, taken: &Taken, bindings: &mut [BindingDraft]) {
    let looks = catalogue.most_specific(&taken.shape.matches);
    let prefix = looks.and_then(|(_, key)| KeyPrefix::parse(&key.prefix).ok());
    for binding in bindings {
        binding.prefix.clone_from(&prefix);
    }
}

/// What the proof is for, as the owner reads it.
fn purpose(items: &[Item]) -> String {
    let hosts: std::collections::BTreeSet<String> = items
        .iter()
        .flat_map(|item| &item.bindings)
        .map(drafts::at)
        .collect();
    let names = match items {
        [one] => one.name.to_string(),
        many => format!("{} keys", many.len()),
    };
    let hosts: Vec<String> = hosts.into_iter().collect();
    signed(&names, &hosts)
}

fn signed(names: &str, hosts: &[String]) -> String {
    match hosts {
        [] => format!("to store {names}"),
        [host] => format!("to bind {names} to {host}"),
        [one, other] => format!("to bind {names} to {one} and {other}"),
        many => format!("to bind {names} to {} hosts", many.len()),
    }
}

impl Item {
    fn request(&self) -> StoreItem {
        StoreItem {
            name: self.name.clone(),
            value: self.taken.deposit.clone(),
            bindings: self.bindings.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_reads_what_is_signed() {
        let hosts = |hosts: &[&str]| hosts.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (names, at, said) in [
            ("A_KEY", &[][..], "to store A_KEY"),
            ("A_KEY", &["a.test"], "to bind A_KEY to a.test"),
            (
                "A_KEY",
                &["a.test", "b.test"],
                "to bind A_KEY to a.test and b.test",
            ),
            (
                "2 keys",
                &["a.test", "b.test", "c.test"],
                "to bind 2 keys to 3 hosts",
            ),
        ] {
            assert_eq!(signed(names, &hosts(at)), said);
        }
    }
}

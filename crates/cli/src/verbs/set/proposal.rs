//! What the catalogue proposes, and the questions about it.

use withheld_core::Place;
use withheld_core::binding::BindingDraft;
use withheld_core::name::SecretName;

use crate::catalogue::{Catalogue, Key, Service};
use crate::cli::Destination;
use crate::context::Context;
use crate::drafts::{self, Extras, HTTPS_PORT};
use crate::failure::Failure;
use crate::output::Outcome;
use crate::terminal::{Choice, Terminal};
use crate::verbs::doubts;

/// A shape of the catalogue that the value has.
pub(super) type Looks<'a> = Option<(&'a Service, &'a Key)>;

/// Shows what is proposed and lets the owner accept, edit or stop. Nothing known: asks for a host.
pub(super) fn propose(
    terminal: &mut Terminal,
    catalogue: &Catalogue,
    name: &SecretName,
    looks: Looks<'_>,
) -> Outcome<Vec<BindingDraft>> {
    let by_name = catalogue.by_name(name);
    let Some(service) = looks.map(|(service, _)| service).or(by_name) else {
        return ask_for_host(terminal, catalogue, name);
    };
    let bindings = service.drafts(name);
    terminal.say(&proposed(service, looks, &bindings))?;
    match terminal.choose()? {
        Choice::Accept => Ok(bindings),
        Choice::Edit => edited(terminal, catalogue, name, &bindings),
    }
}

fn ask_for_host(
    terminal: &mut Terminal,
    catalogue: &Catalogue,
    name: &SecretName,
) -> Outcome<Vec<BindingDraft>> {
    loop {
        let host = terminal.ask("Host where it may be used (Enter: none yet):")?;
        if host.is_empty() {
            return Ok(Vec::new());
        }
        let written = Destination {
            host: vec![host],
            ..Destination::default()
        };
        if let Some(bindings) = understood(terminal, catalogue, name, &written)? {
            return Ok(bindings);
        }
    }
}

fn edited(
    terminal: &mut Terminal,
    catalogue: &Catalogue,
    name: &SecretName,
    bindings: &[BindingDraft],
) -> Outcome<Vec<BindingDraft>> {
    let Some(first) = bindings.first() else {
        return ask_for_host(terminal, catalogue, name);
    };
    let joined = |words: Vec<String>| words.join(" ");
    let hosts = joined(bindings.iter().map(|one| one.host.to_string()).collect());
    let vars = joined(first.vars.iter().map(ToString::to_string).collect());
    loop {
        let hosts = terminal.ask_with_default("Hosts", &hosts)?;
        let place = terminal.ask_with_default("Place", &first.place.to_string())?;
        let vars = terminal.ask_with_default("Variables", &vars)?;
        let words = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect();
        let written = Destination {
            host: words(&hosts),
            // A place that was kept keeps its format, too.
            inject: (place != first.place.to_string()).then_some(place),
            vars: words(&vars),
            ..Destination::default()
        };
        if let Some(bindings) = understood(terminal, catalogue, name, &written)? {
            return Ok(bindings);
        }
    }
}

/// The bindings that were written; `None`, after saying why, where they cannot be read: the value
/// that was typed before must not be lost over it.
fn understood(
    terminal: &mut Terminal,
    catalogue: &Catalogue,
    name: &SecretName,
    written: &Destination,
) -> Outcome<Option<Vec<BindingDraft>>> {
    match drafts::of_options(catalogue, name, written, &Extras::default()) {
        Ok(bindings) if !bindings.is_empty() => Ok(Some(bindings)),
        Ok(_) => Ok(None),
        Err(Failure::Refused(refused)) => {
            terminal.say(refused.message())?;
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// Asks about hosts that are not of the service whose key the value looks like, and about those that are
/// in doubt for any key.
pub(super) fn settle_doubts(
    context: &Context,
    catalogue: &Catalogue,
    looks: Looks<'_>,
    wanted: &[BindingDraft],
) -> Outcome {
    doubts::settle(context, catalogue, wanted, |host| {
        let (service, key) = looks?;
        doubts::of_service(&looks_like(key), service, host)
    })
}

fn looks_like(key: &Key) -> String {
    format!("This looks like {} {}", article(&key.kind), key.kind)
}

fn proposed(service: &Service, looks: Looks<'_>, bindings: &[BindingDraft]) -> String {
    let first = match looks {
        Some((_, key)) => format!("{}.", looks_like(key)),
        None => format!("By its name this is a key for {}.", service.name()),
    };
    let mut text = format!("{first} It may be used");
    for (index, binding) in bindings.iter().enumerate() {
        text.push_str(&format!("\n  at    https://{}", destination(binding)));
        // A style stands once, under the last host in a row that has it.
        let next = bindings.get(index + 1);
        if !next.is_some_and(|next| same_style(binding, next)) {
            text.push_str(&format!("\n  as    {}", style(binding)));
        }
    }
    if let Some(first) = bindings.first() {
        let vars: Vec<&str> = first.vars.iter().map(|var| var.as_str()).collect();
        text.push_str(&format!(
            "\n  in    {}   (agents see a placeholder there)",
            vars.join(", ")
        ));
    }
    text
}

fn same_style(one: &BindingDraft, other: &BindingDraft) -> bool {
    one.place == other.place && one.format == other.format
}

fn destination(binding: &BindingDraft) -> String {
    match binding.port {
        HTTPS_PORT => binding.host.to_string(),
        port => format!("{}:{port}", binding.host),
    }
}

fn style(binding: &BindingDraft) -> String {
    match (&binding.place, &binding.format) {
        (Place::Bearer, _) => "bearer token".to_owned(),
        (Place::Basic(None), _) => "user and password of Basic".to_owned(),
        (Place::Basic(Some(user)), _) => format!("password of Basic, user {user}"),
        (Place::Header(name), None) => format!("header {name}"),
        (Place::Header(name), Some(format)) => format!("header {name}: {format}"),
        (Place::Query(key), _) => format!("query parameter {key}"),
    }
}

fn article(kind: &str) -> &'static str {
    if kind.starts_with(['A', 'E', 'I', 'O', 'U']) {
        "an"
    } else {
        "a"
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_proposal_reads_as_in_the_transcript() {
        let catalogue = Catalogue::read().unwrap();
        let looks = catalogue.keys().find(|(_, key)| key.prefix == "sk_live_");
        let name = SecretName::parse("STRIPE_KEY").unwrap();
        let bindings = looks.unwrap().0.drafts(&name);
        assert_eq!(
            proposed(looks.unwrap().0, looks, &bindings),
            "This looks like a Stripe live key. It may be used
  at    https://api.stripe.com
  as    bearer token
  in    STRIPE_KEY, STRIPE_API_KEY   (agents see a placeholder there)"
        );
    }

    #[test]
    fn a_service_with_two_places_shows_both() {
        let catalogue = Catalogue::read().unwrap();
        let service = catalogue.service("github").unwrap();
        let bindings = service.drafts(&SecretName::parse("GH_TOKEN").unwrap());
        assert_eq!(
            proposed(service, None, &bindings),
            "By its name this is a key for GitHub. It may be used
  at    https://api.github.com
  as    bearer token
  at    https://github.com
  as    password of Basic, user x-access-token
  in    GH_TOKEN, GITHUB_TOKEN   (agents see a placeholder there)"
        );
    }
}

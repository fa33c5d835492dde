//! Hosts that a key is bound to only after its owner typed them once more (X03): another service's, those
//! that show what they are sent, and those that serve many by path where the binding names none.

use withheld_core::binding::BindingDraft;
use withheld_core::destination::HostPattern;
use withheld_core::name::SecretName;

use crate::catalogue::{Catalogue, Service};
use crate::context::Context;
use crate::output::Outcome;
use crate::terminal::stopped;

/// Asks for each host that there is a doubt about; where nobody can be asked, says the doubt. `foreign`
/// knows where the key belongs.
///
/// # Errors
/// `owner_needed` where another host is typed.
pub(super) fn settle(
    context: &Context,
    catalogue: &Catalogue,
    wanted: &[BindingDraft],
    foreign: impl Fn(&HostPattern) -> Option<String>,
) -> Outcome {
    for binding in wanted {
        let doubts = [foreign(&binding.host), catalogue.caution(binding)];
        let doubts: Vec<String> = doubts.into_iter().flatten().collect();
        if doubts.is_empty() {
            continue;
        }
        let Some(mut terminal) = context.questions() else {
            for doubt in doubts {
                context.output.note(&format!("note: {doubt}"));
            }
            continue;
        };
        for doubt in doubts {
            terminal.say(&doubt)?;
        }
        let typed = terminal.ask("Type the host to bind it all the same:")?;
        if typed != binding.host.to_string() {
            return Err(stopped());
        }
    }
    Ok(())
}

/// The doubt about a host that is not of the service to which a key belongs, for what `because` says.
pub(super) fn of_service(because: &str, service: &Service, host: &HostPattern) -> Option<String> {
    let name = service.name();
    (!service.is_at(host)).then(|| format!("{because}, and {host} is not a host of {name}."))
}

/// The doubt about a new host of a key that is bound to a service's hosts already. What its value looks
/// like is not known without opening it.
pub(super) fn of_bound(
    catalogue: &Catalogue,
    name: &SecretName,
    bound: &[HostPattern],
    host: &HostPattern,
) -> Option<String> {
    let services = bound
        .iter()
        .filter_map(|bound| Some((bound, catalogue.at(bound)?.0)));
    let services: Vec<_> = services.collect();
    let is_known = bound.contains(host) || services.iter().any(|(_, one)| one.is_at(host));
    let (at, service) = services.first().filter(|_| !is_known)?;
    of_service(&format!("{name} is bound to {at}"), service, host)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_one_service_is_not_bound_elsewhere_unseen() {
        let catalogue = Catalogue::read().unwrap();
        let host = |written: &str| HostPattern::parse(written).unwrap();
        let name = SecretName::parse("GH_KEY").unwrap();
        let doubt = |bound: &[&str], new: &str| {
            let bound: Vec<_> = bound.iter().map(|one| host(one)).collect();
            of_bound(&catalogue, &name, &bound, &host(new))
        };
        assert_eq!(
            doubt(&["own.test", "api.github.com"], "evil.test").as_deref(),
            Some("GH_KEY is bound to api.github.com, and evil.test is not a host of GitHub.")
        );
        assert_eq!(doubt(&["api.github.com"], "github.com"), None);
        assert_eq!(doubt(&["api.github.com", "own.test"], "own.test"), None);
        assert_eq!(doubt(&["own.test"], "evil.test"), None);
    }
}

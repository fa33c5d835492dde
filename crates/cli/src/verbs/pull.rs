//! `withheld pull [NAME…] [--take remote]`: what the team has comes here.

use withheld_core::api::AgentRequest;
use withheld_core::team::Take;

use super::exchange::{self, Way};
use crate::cli::Pull;
use crate::context::Context;
use crate::output::Outcome;
use crate::socket::ACT;

const PULL: Way = Way {
    schema: "withheld.pull/1",
    field: "pulled",
    verb: "Pulled",
};

pub(super) fn run(context: &Context, arguments: &Pull) -> Outcome {
    let names = exchange::names(&arguments.names)?;
    let (socket, target) = exchange::reach(context)?;
    let request = AgentRequest::Pull {
        environment: target.map(|one| one.environment),
        names,
        take: arguments.take.as_ref().map(|_| Take::Remote),
    };
    let under_way = context.output.progress("Pulling from the team");
    let said = socket.ask(&request, ACT)?;
    drop(under_way);
    exchange::ended(context, &PULL, said)
}

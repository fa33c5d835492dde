//! The way of one request through the house. Read it downwards: this is the order of the checks.
//! Nothing that is decided here is kept for the next request, so what the owner takes away counts at
//! once, on an open tunnel too.

use std::sync::Arc;

use http::Response;
use http::request::Parts;
use withheld_audit::{Paper, Receipt};
use withheld_core::Refusal;
use withheld_core::ask::{Ask, Terms};
use withheld_core::name::SecretName;
use withheld_core::policy::Decision;
use withheld_wire::Upload;

use crate::body::AgentBody;
use crate::closing::{Exchange, Wanted};
use crate::house::House;
use crate::injected;
use crate::refusal_reply::{self, Form, Stop};
use crate::stages::replaced_meanwhile;
use crate::visitor::Visitor;

/// A request that came through a door (stage 1), out of a tunnel where there was one (stage 3).
pub(crate) struct Arrival {
    pub(crate) parts: Parts,
    pub(crate) terms: Terms,
    pub(crate) body: Upload,
    pub(crate) form: Form,
}

/// Walks a request through the house. The answer is the washed reply, or a refusal in house form.
pub(crate) async fn walk(
    house: &Arc<House>,
    visitor: &Visitor,
    arrival: Arrival,
) -> Response<AgentBody> {
    let (form, method) = (arrival.form, arrival.parts.method.clone());
    match stages(house, visitor, arrival).await {
        Ok(reply) => reply,
        Err(stop) => refusal_reply::reply(&stop, form, &method),
    }
}

async fn stages(
    house: &Arc<House>,
    visitor: &Visitor,
    arrival: Arrival,
) -> Result<Response<AgentBody>, Stop> {
    let Arrival {
        parts, terms, body, ..
    } = arrival;
    let session = &visitor.caller.session.id;
    let (wanted, to) = (Wanted::of(&parts, &terms), terms.tunnel.clone());
    let unread = |refusal| house.refuse_unread(visitor, to.as_ref(), refusal);

    // 2 Identify: the session counts, and the vault is open.
    let vault = house.admit(visitor).map_err(unread)?;
    // 4 Read once.
    let ask = Ask::read(parts, terms).map_err(unread)?;
    // 5 Decide.
    let decided_by = house.policy().map_err(unread)?;
    match house.decide(visitor, &vault, ask).map_err(unread)? {
        Decision::Refuse(refused) => Err(house.refuse(visitor, *refused).into()),
        Decision::Permit(permit) => {
            let note = injected::with(&permit);
            let versions = vault.versions(&permit).map_err(unread)?;
            // 6 Note: the intent is in the log before a value is touched.
            let (receipt, exchange) =
                noted(house, visitor, Paper::Permit(&permit), &versions).await?;
            // 7 Fetch: of exactly the versions that the log has.
            let values = match vault.fetch(&permit) {
                Ok((values, fetched)) if fetched == versions => values,
                Ok(_) => return Err(exchange.failed(replaced_meanwhile())),
                Err(refusal) => return Err(exchange.failed(refusal)),
            };
            drop(vault);
            // 8 Send, 9 Wash: the wire's alone. It asks once more before it places a value.
            let still = house.unchanged_since(visitor, decided_by);
            let sent = house
                .wire
                .send(session, permit, receipt, values, body, &still)
                .await;
            // 10 Close: followed to its last byte.
            exchange.follow(sent, wanted, note)
        }
        Decision::Pass(pass) => {
            let note = injected::without(&pass);
            // 6, 8, 9 and 10 as above; there is nothing to fetch.
            let (receipt, exchange) = noted(house, visitor, Paper::Pass(&pass), &[]).await?;
            house.passes(visitor, &pass);
            let sent = house.wire.pass(session, pass, receipt, body).await;
            exchange.follow(sent, wanted, note)
        }
    }
}

async fn noted(
    house: &Arc<House>,
    visitor: &Visitor,
    paper: Paper<'_>,
    versions: &[u64],
) -> Result<(Receipt, Exchange), Refusal> {
    let sent = sent(&paper, versions);
    let ask = match paper {
        Paper::Permit(permit) => permit.ask(),
        Paper::Pass(pass) => pass.ask(),
    };
    let (receipt, closing) = house
        .log()?
        .intend_async(&visitor.who(), paper, versions)
        .await?;
    let exchange = Exchange::new(house, visitor, ask, closing).carrying(sent);
    Ok((receipt, exchange))
}

/// The secrets that go out, and which versions of them.
fn sent(paper: &Paper<'_>, versions: &[u64]) -> Vec<(SecretName, u64)> {
    let Paper::Permit(permit) = paper else {
        return Vec::new();
    };
    let names = permit.uses().iter().map(|one| one.binding.secret.clone());
    names.zip(versions.iter().copied()).collect()
}

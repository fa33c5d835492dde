//! The last door: the only code that puts a value on a network.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use http::Request;
use withheld_audit::Receipt;
use withheld_core::destination::Scheme;
use withheld_core::name::SessionId;
use withheld_core::policy::{Pass, Permit};
use withheld_core::{Code, Refusal};
use withheld_secret::{Spend as _, Values};

use crate::armory::Arms;
use crate::part::Asked;
use crate::place::{self, Head};
use crate::reply::{self, Arrived};
use crate::route::{Link, Route};
use crate::upload::{Outgoing, Progress, Upload};
use crate::{Failed, Reply, Wire, outgoing};

/// Sends a request with its credentials. The three papers are taken by value, and compared.
pub(crate) async fn send(
    wire: &Wire,
    session: &SessionId,
    permit: Permit,
    receipt: Receipt,
    values: Values,
    body: Upload,
    still: &Still<'_>,
) -> Result<Reply, Failed> {
    let ready = with_values(wire, session, permit, &receipt, values, body, still)
        .await
        .map_err(Failed::unsent)?;
    receipt.spend();
    ready.deliver(wire, session).await
}

/// Asked when a value is about to be placed: whether what was decided before dialling still holds.
pub type Still<'a> = dyn Fn() -> Result<(), Refusal> + Send + Sync + 'a;

/// Sends a request without a credential.
pub(crate) async fn pass(
    wire: &Wire,
    session: &SessionId,
    pass: Pass,
    receipt: Receipt,
    body: Upload,
) -> Result<Reply, Failed> {
    let ready = without_values(wire, session, pass, &receipt, body)
        .await
        .map_err(Failed::unsent)?;
    receipt.spend();
    ready.deliver(wire, session).await
}

/// A request that is about to be written to a verified connection.
struct Ready {
    route: Route,
    link: Link,
    request: Request<Outgoing>,
    asked: Asked,
    progress: Arc<Progress>,
    /// Whether the connection may serve again.
    keep: bool,
    /// What the reply is washed of at least; `None` for a host that no secret was ever bound to.
    arms: Option<Arc<Arms>>,
}

/// The order is the promise: nothing is dialled before the papers agree and the head is stripped,
/// and no value is placed before the upstream is verified.
async fn with_values(
    wire: &Wire,
    session: &SessionId,
    permit: Permit,
    receipt: &Receipt,
    values: Values,
    body: Upload,
    still: &Still<'_>,
) -> Result<Ready, Refusal> {
    let id = permit.id();
    if receipt.request() != id || *values.request() != *id.as_bytes() {
        return Err(bug("the papers of this request are not all its own"));
    }
    let arms = wire.arms(session)?;
    let (ask, uses) = permit.into_parts();
    if ask.scheme() != Scheme::Https {
        return Err(bug("a credential was about to go out in clear text"));
    }
    if uses.iter().any(|used| !arms.has(&used.binding.secret)) {
        return Err(bug(
            "the reply could not be searched for what was about to go out",
        ));
    }
    let route = Route::with(wire, session, &ask, &uses)?;
    let mut head = outgoing::head(&ask, wire.towards(&route, true))?;
    let link = route.connect(wire).await?;
    // To connect may take seconds, in which the owner may have locked the vault or taken a grant away.
    still()?;
    let values = values.spend();
    if values.len() != uses.len() {
        return Err(bug("this request has not as many values as bindings"));
    }
    for (used, value) in uses.iter().zip(&values) {
        place::put(&mut head, &used.binding, value)?;
    }
    let mut ready = Ready::new(route, link, head, body, Some(arms))?;
    // An origin that never read a body takes the next head for it (CL.0): no credential follows one.
    ready.keep = ready.progress.ended.load(Relaxed);
    Ok(ready)
}

async fn without_values(
    wire: &Wire,
    session: &SessionId,
    pass: Pass,
    receipt: &Receipt,
    body: Upload,
) -> Result<Ready, Refusal> {
    if receipt.request() != pass.id() {
        return Err(bug("the papers of this request are not all its own"));
    }
    let washed = pass.washed() || wire.washes(pass.ask().host());
    let arms = washed.then(|| wire.arms(session)).transpose()?;
    let route = Route::without(wire, session, &pass, washed)?;
    let head = outgoing::head(&pass.into_ask(), wire.towards(&route, washed))?;
    let link = route.connect(wire).await?;
    Ready::new(route, link, head, body, arms)
}

impl Ready {
    fn new(
        route: Route,
        link: Link,
        head: Head,
        body: Upload,
        arms: Option<Arc<Arms>>,
    ) -> Result<Self, Refusal> {
        let (asked, progress) = (Asked::of(&head), Arc::new(Progress::default()));
        let request = outgoing::request(head, body, &progress)?;
        Ok(Self {
            route,
            link,
            request,
            asked,
            progress,
            keep: true,
            arms,
        })
    }

    async fn deliver(self, wire: &Wire, session: &SessionId) -> Result<Reply, Failed> {
        let (progress, limit) = (&self.progress, wire.limits.body);
        let (response, lease) = self
            .route
            .exchange(wire, self.link, self.request, progress, self.keep)
            .await?;
        let status = response.status();
        let arrived = Arrived {
            response,
            lease,
            limit,
        };
        let reply = match self.arms {
            Some(sent) => {
                let search = || {
                    let arms = wire.armory.at_head(session, Arc::clone(&sent))?;
                    let stale = wire.armory.watch(*session, Arc::clone(&arms));
                    Some((Arc::clone(&arms.needles), stale))
                };
                reply::washed(arrived, search, &self.asked, progress).await
            }
            None => {
                let stale = wire.armory.watch_host(self.route.host().clone());
                reply::untouched(arrived, progress, stale)
            }
        };
        reply.map_err(|refusal| Failed::answered(refusal, status))
    }
}

fn bug(message: &'static str) -> Refusal {
    Refusal::new(
        Code::Internal,
        message,
        "report this as a bug; nothing was sent",
    )
}

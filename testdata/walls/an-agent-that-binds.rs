// crate: broker
// error: E0599
// why: what an agent may ask is an enum without the owner's words

use withheld_core::api::{AgentRequest, OwnerRequest};

pub fn ask() -> usize {
    let _ = |request: &AgentRequest| matches!(request, AgentRequest::Status);
    size_of_val(&AgentRequest::Lock) //~
    //= size_of_val(&OwnerRequest::Lock)
}

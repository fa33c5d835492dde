use withheld_core::Code;
use withheld_core::api::AgentRequest;
use withheld_core::name::Environment;

use crate::agent_api;
use crate::answer::Answer;
use crate::test_house::Case;

fn of(environment: &str) -> AgentRequest {
    let environment = Environment::parse(environment).expect("an environment");
    AgentRequest::StatusOf { environment }
}

/// The command line does not ask so for an agent; an agent can.
#[test]
fn x18_an_agent_looks_at_no_environment_but_its_own() {
    let case = Case::open();
    let local = case.house.sessions.local();
    let agent =
        |request| -> Result<Answer, _> { agent_api::answer(&case.house, &local, true, request) };
    let code = |request| agent(request).err().map(|refusal| refusal.code);
    assert_eq!(code(of("default/prod")), Some(Code::OwnerNeeded));
    assert_eq!(code(of("shop/dev")), Some(Code::OwnerNeeded));
    assert_eq!(code(of("default/dev")), None);
}

#[test]
fn a_program_of_the_user_looks_where_it_likes() {
    let case = Case::open();
    case.store("HERE_KEY");
    let status = |environment: &str| case.agent(of(environment)).expect("a status");
    let dev = status("dev");
    assert_eq!(dev["secrets"][0]["name"], "HERE_KEY");
    let prod = status("shop/prod");
    assert_eq!(prod["project"]["project"], "shop");
    assert_eq!(prod["project"]["environment"], "prod");
    assert_eq!(prod["secrets"].as_array().map(Vec::len), Some(0));
    assert_eq!(prod["you"]["kind"], "owner");
}

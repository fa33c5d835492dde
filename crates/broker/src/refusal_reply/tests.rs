use http_body_util::BodyExt as _;
use withheld_core::name::SecretName;

use super::*;

fn refusal() -> Refusal {
    let secret = SecretName::parse("STRIPE_KEY").unwrap();
    Refusal::new(
        Code::BindingViolation,
        text!("`{}` is not bound for POST", secret),
        "see which rule: withheld why POST https://api.stripe.com/v1",
    )
    .with_facts(Facts {
        secret: Some(secret),
        ..Facts::default()
    })
}

async fn body(reply: Response<AgentBody>) -> String {
    let bytes = reply.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_document_has_the_form_of_the_contract() {
    let reply = reply(&refusal().into(), Form::Document, &Method::POST);
    assert_eq!(reply.status(), 403);
    assert_eq!(reply.headers()["withheld-error"], "binding_violation");
    assert_eq!(reply.headers()["content-type"], "application/json");
    assert_eq!(
        reply.extensions().get::<ReasonPhrase>().unwrap().as_bytes(),
        b"Withheld binding_violation"
    );
    let document: serde_json::Value = serde_json::from_str(&body(reply).await).unwrap();
    assert_eq!(
        document,
        serde_json::json!({
            "schema": "withheld.error/1",
            "error": {
                "type": "withheld_refusal",
                "code": "binding_violation",
                "message": "Withheld did not send this request: `STRIPE_KEY` is not bound for POST.",
                "hint": "see which rule: withheld why POST https://api.stripe.com/v1",
                "retry": "after_owner",
                "facts": {"secret": "STRIPE_KEY"},
                "next": [{"who": "agent",
                    "argv": ["withheld", "why", "POST", "https://api.stripe.com/v1"]}],
            }
        })
    );
}

#[tokio::test]
async fn what_may_have_arrived_is_said_to_have() {
    let sent = crate::sent::told(&refusal(), &Method::POST, Some(201));
    let text = body(reply(&Stop::sent(sent), Form::Lines, &Method::POST)).await;
    assert!(text.starts_with(
        "Withheld sent this request, and did not hand on its whole reply (status 201): `STRIPE_KEY`"
    ));
}

#[tokio::test]
async fn git_reads_two_lines() {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static("git/2.39.5"));
    let form = Form::of(&headers);
    let reply = reply(&refusal().into(), form, &Method::GET);
    assert_eq!(reply.headers()["content-type"], "text/plain");
    assert_eq!(
        body(reply).await,
        "Withheld did not send this request: `STRIPE_KEY` is not bound for POST\n\
         hint: see which rule: withheld why POST https://api.stripe.com/v1\n"
    );
    headers.insert(USER_AGENT, HeaderValue::from_static("digit/1"));
    assert_eq!(Form::of(&headers), Form::Document);
}

#[tokio::test]
async fn agents_of_another_house_read_their_own_form() {
    let reply = reply(&refusal().into(), Form::AgentSecrets, &Method::GET);
    let document: serde_json::Value = serde_json::from_str(&body(reply).await).unwrap();
    assert_eq!(
        document,
        serde_json::json!({
            "error": "binding_violation",
            "domain": null,
            "message": "Withheld did not send this request: `STRIPE_KEY` is not bound for POST.",
        })
    );
}

#[tokio::test]
async fn head_has_no_body_and_the_unidentified_learn_a_status() {
    let head = reply(&refusal().into(), Form::Document, &Method::HEAD);
    assert_eq!(head.status(), 403);
    assert_eq!(body(head).await, "");
    let proxy = bare(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    assert_eq!(
        proxy.headers()["proxy-authenticate"],
        "Basic realm=\"withheld\""
    );
    assert!(!proxy.headers().contains_key("withheld-error"));
    assert_eq!(body(proxy).await, "");
    let call = bare(StatusCode::UNAUTHORIZED);
    assert!(
        !call.headers()["www-authenticate"]
            .as_bytes()
            .starts_with(b"Basic")
    );
}

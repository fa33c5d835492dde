//! The one list of fields that carry a client's own credentials or authority, that override what was
//! judged, that belong to one connection only, or that are ours.

use http::HeaderName;

/// Header fields in which services take credentials. Sources: the vendors' own documentation, as
/// gathered in the catalogue of services.
const CREDENTIAL_HEADERS: &[&str] = &[
    "api-key",
    "apikey",
    "authorization",
    "circle-token",
    "cb-access-key",
    "cookie",
    "dd-api-key",
    "dd-application-key",
    "fastly-key",
    "jfrog-art-api",
    "ocp-apim-subscription-key",
    "private-token",
    "job-token",
    "deploy-token",
    "token",
    "x-access-token",
    "x-algolia-api-key",
    "x-amz-security-token",
    "x-api-key",
    "x-api-token",
    "x-apikey",
    "x-auth-email",
    "x-auth-key",
    "x-auth-token",
    "x-authorization",
    "x-consul-token",
    "x-figma-token",
    "x-goog-api-key",
    "x-goog-iam-authorization-token",
    "x-gitlab-token",
    "x-honeycomb-team",
    "x-postmark-account-token",
    "x-postmark-server-token",
    "x-pm-appkey",
    "x-redmine-api-key",
    "x-sentry-auth",
    "x-shopify-access-token",
    "x-subscription-token",
    "x-token",
    "x-user-token",
    "x-vault-token",
    "xi-api-key",
];

/// Header fields that change on whose behalf, or for whose account, a request acts.
const AUTHORITY_HEADERS: &[&str] = &[
    "anthropic-organization",
    "dd-org-id",
    "openai-organization",
    "openai-project",
    "square-version-token",
    "stripe-account",
    "stripe-context",
    "x-amz-account-id",
    "x-goog-authenticated-user-email",
    "x-goog-user-project",
    "x-ms-client-principal",
    "x-sudo",
    "sudo",
    "x-twilio-account-sid",
    "x-vault-namespace",
];

/// Fields in the style of `Impersonate-User`: everything with one of these beginnings is authority.
const AUTHORITY_PREFIXES: &[&str] = &["impersonate-", "x-impersonate-", "x-remote-"];

/// Query keys in which services take credentials.
const CREDENTIAL_QUERY: &[&str] = &[
    "access_key",
    "access_token",
    "accesskey",
    "accesstoken",
    "api-key",
    "api_key",
    "apikey",
    "api-token",
    "api_token",
    "apitoken",
    "app_key",
    "appid",
    "application_key",
    "auth",
    "auth_token",
    "authorization",
    "awsaccesskeyid",
    "client_secret",
    "hapikey",
    "id_token",
    "jwt",
    "key",
    "oauth_token",
    "passwd",
    "password",
    "private_token",
    "pwd",
    "secret",
    "session_token",
    "sig",
    "signature",
    "subscription-key",
    "token",
    "x-api-key",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "x-goog-credential",
    "x-goog-signature",
];

/// Fields by which a server may read another method, host or path than the one that was judged.
const OVERRIDE_HEADERS: &[&str] = &[
    "forwarded",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-url",
    "x-original-uri",
    "x-real-ip",
    "x-rewrite-url",
    "x-rewrite-uri",
    "x-wap-profile",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "front-end-https",
    "x-url-scheme",
];

/// RFC 9110, section 7.6.1, and the older ones that proxies still meet.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Ends by which a field of any service shows that it carries a credential.
const CREDENTIAL_ENDINGS: &[&str] = &["-key", "-apikey", "-token", "-secret", "-password", "-auth"];
/// Words that make such an end mean something else: what is repeated safely, where a list goes on.
const NO_CREDENTIAL: &[&str] = &[
    "idempotency",
    "continuation",
    "page",
    "csrf",
    "xsrf",
    "sync",
    "partition",
    "cache",
    "surrogate",
    "websocket",
];
/// The same for query keys.
const CREDENTIAL_KEY_ENDINGS: &[&str] = &[
    "apikey",
    "api_key",
    "api-key",
    "access_token",
    "_secret",
    "_password",
];

/// A field as the strictest server might read it: gateways in the style of CGI take `_` for `-`.
#[must_use]
pub fn as_read(name: &HeaderName) -> std::borrow::Cow<'_, str> {
    if name.as_str().contains('_') {
        name.as_str().replace('_', "-").into()
    } else {
        name.as_str().into()
    }
}

/// Whether a client puts a credential there.
#[must_use]
pub fn is_credential(name: &HeaderName) -> bool {
    if is_ours(name) {
        return false;
    }
    let name = &*as_read(name);
    let by_end = CREDENTIAL_ENDINGS.iter().any(|end| name.ends_with(end))
        && !NO_CREDENTIAL.iter().any(|word| name.contains(word));
    by_end || CREDENTIAL_HEADERS.contains(&name)
}

/// Whether it changes on whose behalf a request acts; counts as the client's own credential.
#[must_use]
pub fn is_authority(name: &HeaderName) -> bool {
    let name = &*as_read(name);
    AUTHORITY_HEADERS.contains(&name)
        || AUTHORITY_PREFIXES
            .iter()
            .any(|start| name.starts_with(start))
}

/// Whether a query key carries a credential. Keys are compared without case.
#[must_use]
pub fn is_credential_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    CREDENTIAL_QUERY.contains(&key.as_str())
        || CREDENTIAL_KEY_ENDINGS.iter().any(|end| key.ends_with(end))
}

/// Whether it could make a server act on another request than the one that was judged.
#[must_use]
pub fn is_override(name: &HeaderName) -> bool {
    let name = &*as_read(name);
    OVERRIDE_HEADERS.contains(&name) || name.starts_with("x-forwarded-")
}

/// Whether it belongs to one connection and never goes further. What the `Connection` field names
/// comes on top.
#[must_use]
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(&name.as_str())
}

/// Whether it is said between an agent and us: never sent upstream, never taken from a reply.
#[must_use]
pub fn is_ours(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("withheld-") || name.starts_with("x-as-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h22_p06_the_fields_of_the_contract_are_known() {
        let name = HeaderName::from_static;
        for credential in [
            "authorization",
            "x-api-key",
            "cookie",
            "x-amz-security-token",
            "private-token",
        ] {
            assert!(is_credential(&name(credential)), "{credential}");
        }
        for authority in ["impersonate-user", "stripe-account", "x-goog-user-project"] {
            assert!(is_authority(&name(authority)), "{authority}");
        }
        for overriding in [
            "x-http-method-override",
            "x-original-url",
            "x-rewrite-url",
            "x-forwarded-host",
            "forwarded",
            "x-host",
            "x-http-method",
        ] {
            assert!(is_override(&name(overriding)), "{overriding}");
        }
        assert!(
            is_credential_key("KEY")
                && is_credential_key("access_token")
                && !is_credential_key("page")
        );
        for plain in [
            "accept",
            "content-type",
            "user-agent",
            "idempotency-key",
            "if-none-match",
        ] {
            let name = name(plain);
            assert!(
                !is_credential(&name) && !is_authority(&name) && !is_override(&name),
                "{plain}"
            );
        }
    }
}

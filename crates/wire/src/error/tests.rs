use super::*;

const BLOCKED: ErrorBody<'static> = ErrorBody {
    status: StatusCode::BAD_REQUEST,
    reason: Reason::PromptBlocked,
    message: "The request was blocked.",
    request_id: "req-1",
};

fn text(operation: Option<Operation>, error: &ErrorBody<'_>) -> (String, String) {
    let (content_type, body) = whole(operation, error);
    (
        content_type.to_str().unwrap().to_owned(),
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

#[test]
fn whole_bodies_are_those_of_the_api() {
    let openai = r#"{"error":{"message":"The request was blocked.","type":"invalid_request_error","param":null,"code":"prompt_blocked"}}"#;
    let anthropic = r#"{"type":"error","error":{"type":"invalid_request_error","message":"The request was blocked."},"request_id":"req-1"}"#;
    let tgi = r#"{"error":"The request was blocked.","error_type":"validation"}"#;
    let problem = r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"The request was blocked.","code":"prompt_blocked","request_id":"req-1"}"#;
    for operation in Operation::ALL {
        let (expected_type, expected) = match operation.api() {
            Api::Openai => ("application/json", openai),
            Api::Anthropic => ("application/json", anthropic),
            Api::Huggingface => ("application/json", tgi),
            Api::Generic => ("application/problem+json", problem),
        };
        let (content_type, body) = text(Some(operation), &BLOCKED);
        assert_eq!(body, expected, "{operation:?}");
        assert_eq!(content_type, expected_type, "{operation:?}");
    }
    assert_eq!(text(None, &BLOCKED).1, problem);
}

#[test]
fn in_band_bodies_are_those_of_the_api() {
    let error = ErrorBody {
        status: StatusCode::BAD_GATEWAY,
        reason: Reason::OutputBlocked,
        message: "The reply was blocked.",
        request_id: "req-2",
    };
    let openai = "data: {\"error\":{\"message\":\"The reply was blocked.\",\"type\":\"server_error\",\"param\":null,\"code\":\"output_blocked\"}}\n\n";
    let table = [
        (Operation::ChatCompletions, openai),
        (Operation::Completions, openai),
        (
            Operation::Responses,
            "event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"code\":\"output_blocked\",\"message\":\"The reply was blocked.\",\"param\":null,\"error\":{\"message\":\"The reply was blocked.\",\"type\":\"server_error\",\"param\":null,\"code\":\"output_blocked\"}}\n\n",
        ),
        (
            Operation::Messages,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"The reply was blocked.\"},\"request_id\":\"req-2\"}\n\n",
        ),
        (
            Operation::GenerateStream,
            "data: {\"error\":\"The reply was blocked.\",\"error_type\":\"generation\"}\n\n",
        ),
        (
            Operation::Generic,
            "event: error\ndata: {\"type\":\"about:blank\",\"title\":\"Bad Gateway\",\"status\":502,\"detail\":\"The reply was blocked.\",\"code\":\"output_blocked\",\"request_id\":\"req-2\"}\n\n",
        ),
    ];
    for (operation, expected) in table {
        assert_eq!(in_band(operation, &error), expected, "{operation:?}");
    }
}

#[test]
fn types_follow_the_reason() {
    let table = [
        (
            Reason::InvalidRequest,
            "invalid_request_error",
            "invalid_request_error",
        ),
        (
            Reason::BodyTooLarge,
            "invalid_request_error",
            "request_too_large",
        ),
        (
            Reason::Unauthenticated,
            "authentication_error",
            "authentication_error",
        ),
        (
            Reason::AuthenticationThrottled,
            "rate_limit_error",
            "rate_limit_error",
        ),
        (
            Reason::PermissionDenied,
            "permission_error",
            "permission_error",
        ),
        (
            Reason::ModelNotFound,
            "invalid_request_error",
            "not_found_error",
        ),
        (Reason::RateLimited, "rate_limit_error", "rate_limit_error"),
        (Reason::Overloaded, "server_error", "overloaded_error"),
        (Reason::AuditUnavailable, "server_error", "overloaded_error"),
        (Reason::UpstreamTimeout, "server_error", "timeout_error"),
        (Reason::Internal, "server_error", "api_error"),
    ];
    for (reason, openai, anthropic) in table {
        let error = ErrorBody {
            status: reason.status(),
            reason,
            ..BLOCKED
        };
        let code = format!("\"code\":\"{}\"", reason.as_str());
        let (_, body) = text(Some(Operation::ChatCompletions), &error);
        assert!(body.contains(&format!("\"type\":\"{openai}\"")), "{body}");
        assert!(body.contains(&code), "{body}");
        let (_, body) = text(Some(Operation::Messages), &error);
        assert!(
            body.contains(&format!("\"error\":{{\"type\":\"{anthropic}\"")),
            "{body}"
        );
    }
}

#[test]
fn a_providers_refusal_is_named_by_its_status() {
    for (status, expected) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "overloaded_error"),
        (529, "overloaded_error"),
    ] {
        let error = ErrorBody {
            status: StatusCode::from_u16(status).unwrap(),
            reason: Reason::UpstreamRejected,
            ..BLOCKED
        };
        let (_, body) = text(Some(Operation::Messages), &error);
        assert!(body.contains(expected), "{status}: {body}");
    }
}

#[test]
fn messages_are_escaped() {
    let error = ErrorBody {
        message: "a \"quoted\"\nline",
        ..BLOCKED
    };
    for operation in Operation::ALL {
        let (_, body) = text(Some(operation), &error);
        assert!(body.contains(r#"a \"quoted\"\nline"#), "{body}");
        let bytes = in_band(operation, &error);
        let event = std::str::from_utf8(&bytes).unwrap();
        assert!(event.ends_with("\n\n"), "{event}");
        assert_eq!(event.matches("data:").count(), 1, "{event}");
    }
}

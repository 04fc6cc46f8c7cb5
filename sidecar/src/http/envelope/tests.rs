//! What leaves when a handler fails or is not there.

use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body_json, try_call_service};
use actix_web::{App, web};
use serde_json::Value;

use super::*;

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/boom", web::get().to(boom))
        .route("/fail", web::get().to(fail));
}

async fn boom() -> &'static str {
    panic!("sk-secret in a panic")
}

async fn fail() -> Result<&'static str, Problem> {
    Err(Problem::internal(&"/var/lib/secret path"))
}

#[actix_web::test]
async fn a_panic_is_answered_with_a_generic_problem() {
    let app = init_service(App::new().wrap(from_fn(envelope)).configure(routes)).await;
    let request = TestRequest::get().uri("/boom").to_request();
    let error = try_call_service(&app, request).await.unwrap_err();
    let answer = error.error_response();
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.headers().get("cache-control").unwrap(), "no-store");
    let body = actix_web::body::to_bytes(answer.into_body()).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(
        text.contains("request_id") && !text.contains("secret"),
        "{text}"
    );
}

#[actix_web::test]
async fn the_cause_of_a_failure_stays_inside() {
    let app = init_service(App::new().wrap(from_fn(envelope)).configure(routes)).await;
    let request = TestRequest::get()
        .uri("/fail")
        .insert_header(("x-request-id", "caller-7"))
        .to_request();
    let answer = call_service(&app, request).await;
    assert_eq!(answer.headers().get("x-request-id").unwrap(), "caller-7");
    let body: Value = read_body_json(answer).await;
    assert_eq!(body["request_id"], "caller-7");
    assert!(!body.to_string().contains("secret"));
}

#[actix_web::test]
async fn an_odd_request_id_is_not_taken_over() {
    let app = init_service(App::new().wrap(from_fn(envelope)).configure(routes)).await;
    let request = TestRequest::get()
        .uri("/nowhere")
        .insert_header(("x-request-id", "a\" b"))
        .to_request();
    let answer = call_service(&app, request).await;
    assert_eq!(answer.status(), 404);
    assert_ne!(answer.headers().get("x-request-id").unwrap(), "a\" b");
}

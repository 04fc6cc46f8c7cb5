//! A WebSocket that sends back what it receives, in place of a realtime API.
//!
//! It understands no events. Invariant: the connection counts as an open stream until either side
//! has closed.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, rt, web};
use actix_ws::{Message, MessageStream, Session};

use super::call::error;
use super::recorder::OpenStream;

/// The subprotocol of realtime APIs; a client that offers it is told that it was accepted.
const PROTOCOL: &str = "realtime";

/// Whether a request asks to become a WebSocket.
pub(super) fn is_asked_for(request: &HttpRequest) -> bool {
    let upgrade = request.headers().get(header::UPGRADE);
    upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Accepts the WebSocket and echoes.
pub(super) fn echo(request: &HttpRequest, payload: web::Payload, open: OpenStream) -> HttpResponse {
    match actix_ws::handle_with_protocols(request, payload, &[PROTOCOL]) {
        Ok((response, session, messages)) => {
            rt::spawn(async move {
                repeat(session, messages).await;
                drop(open);
            });
            response
        }
        Err(_) => error(400, "the handshake of the WebSocket is wrong"),
    }
}

async fn repeat(mut session: Session, mut messages: MessageStream) {
    while let Some(Ok(message)) = messages.recv().await {
        let sent = match message {
            Message::Text(text) => session.text(text).await,
            Message::Binary(bytes) => session.binary(bytes).await,
            Message::Ping(bytes) => session.pong(&bytes).await,
            Message::Close(_) => break,
            Message::Pong(_) | Message::Continuation(_) | Message::Nop => Ok(()),
        };
        if sent.is_err() {
            return;
        }
    }
    // The other side may be gone already.
    let _ = session.close(None).await;
}

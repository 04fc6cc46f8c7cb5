//! Requests over HTTP/2 in the clear, with prior knowledge.
//!
//! One connection for each request. Does not speak TLS. Invariant: each chunk of a body is written
//! as frames of its own, as far as the windows allow.

use std::future::poll_fn;
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use tokio::net::TcpStream;

use crate::raw::{Answer, address_of};

/// Sends a request with a body in these chunks, perhaps with trailers; reads the answer.
pub fn send(url: &str, request: Request<()>, chunks: &[&[u8]], trailers: HeaderMap) -> Answer {
    send_for_trailers(url, request, chunks, trailers).0
}

/// The same, with the trailers of the answer; empty without any.
pub fn send_for_trailers(
    url: &str,
    request: Request<()>,
    chunks: &[&[u8]],
    trailers: HeaderMap,
) -> (Answer, HeaderMap) {
    let chunks = chunks
        .iter()
        .map(|chunk| Bytes::copy_from_slice(chunk))
        .collect();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(exchange(address_of(url), request, chunks, trailers))
}

/// Sends a request with a body that never ends, in a thread of its own; that gives the answer, with
/// status 0 if the stream was reset.
pub fn hold(url: &str, request: Request<()>, body: Vec<u8>) -> JoinHandle<Answer> {
    let url = url.to_owned();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let held = hold_open(address_of(&url), request, body.into());
        runtime.unwrap().block_on(held)
    })
}

async fn hold_open(address: &str, request: Request<()>, body: Bytes) -> Answer {
    let tcp = TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::handshake(tcp).await.unwrap();
    let driver = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let (response, mut stream) = client.send_request(request, false).unwrap();
    let _ = write_pieces(&mut stream, vec![body]).await;
    let (answer, _) = read(response).await;
    drop(stream);
    driver.abort();
    answer
}

/// A request to a path of the gate with header fields.
pub fn request(method: &str, path: &str, fields: &[(&str, &[u8])]) -> Request<()> {
    let mut builder = Request::builder()
        .method(method)
        .version(http::Version::HTTP_2)
        .uri(format!("http://gate{path}"));
    for (name, value) in fields {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap()
}

async fn exchange(
    address: &str,
    request: Request<()>,
    chunks: Vec<Bytes>,
    trailers: HeaderMap,
) -> (Answer, HeaderMap) {
    let tcp = TcpStream::connect(address).await.unwrap();
    // A window's last frame is short: Nagle would hold it back until the other side's late ACK.
    tcp.set_nodelay(true).unwrap();
    let (client, connection) = h2::client::handshake(tcp).await.unwrap();
    let driver = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let ends = chunks.is_empty() && trailers.is_empty();
    let (response, mut stream) = client.send_request(request, ends).unwrap();
    if !ends {
        // The gate may answer and reset the stream before it has read everything.
        let _ = write(&mut stream, chunks, trailers).await;
    }
    let answer = read(response).await;
    driver.abort();
    answer
}

async fn write(
    stream: &mut SendStream<Bytes>,
    chunks: Vec<Bytes>,
    trailers: HeaderMap,
) -> Result<(), h2::Error> {
    write_pieces(stream, chunks).await?;
    if trailers.is_empty() {
        stream.send_data(Bytes::new(), true)
    } else {
        stream.send_trailers(trailers)
    }
}

async fn write_pieces(stream: &mut SendStream<Bytes>, chunks: Vec<Bytes>) -> Result<(), h2::Error> {
    for mut chunk in chunks {
        while !chunk.is_empty() {
            stream.reserve_capacity(chunk.len());
            let Some(room) = poll_fn(|context| stream.poll_capacity(context)).await else {
                return Ok(());
            };
            let piece = chunk.split_to(room?.min(chunk.len()));
            stream.send_data(piece, false)?;
        }
    }
    Ok(())
}

async fn read(response: ResponseFuture) -> (Answer, HeaderMap) {
    let Ok(response) = response.await else {
        let nothing = Answer {
            status: 0,
            head: String::new(),
            body: Vec::new(),
        };
        return (nothing, HeaderMap::new());
    };
    let status = response.status().as_u16();
    let head = format!("{:?}", response.headers());
    let (body, trailers) = read_body(response.into_body()).await;
    (Answer { status, head, body }, trailers)
}

async fn read_body(mut stream: RecvStream) -> (Vec<u8>, HeaderMap) {
    let mut body = Vec::new();
    while let Some(Ok(chunk)) = stream.data().await {
        let _ = stream.flow_control().release_capacity(chunk.len());
        body.extend_from_slice(&chunk);
    }
    let trailers = stream.trailers().await;
    (body, trailers.ok().flatten().unwrap_or_default())
}

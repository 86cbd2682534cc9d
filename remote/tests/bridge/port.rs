//! Through the two ends of a message channel.

use anystorage_api::{ErrorKind, OpenOptions, Result, StorageBackend};
use anystorage_browser_host::task::spawn;
use anystorage_idb::IdbOptions;
use anystorage_memory::MemoryBackend;
use anystorage_remote::{Remote, Server, port};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{MessageChannel, MessagePort};

use crate::{fresh, path};

/// Leaves a server to the event loop, and gives what speaks to it.
async fn connected(engine: impl StorageBackend) -> Result<Remote> {
    let channel = MessageChannel::new().unwrap();
    let line = port::line(channel.port2()).await?;
    spawn(Box::pin(Server::new(engine).serve(line)));
    Remote::connect(port::transport(channel.port1()).await?).await
}

mod conformance {
    use super::*;
    use anystorage_conformance::subject;

    anystorage_conformance::suite!(
        subject = subject::from_fn("remote-port", |label: String| async move {
            connected(anystorage_idb::open(&format!("port {label}"), &IdbOptions::new()).await?).await
        })
    );
}

#[wasm_bindgen_test]
async fn what_is_large_is_handed_over_whole() {
    let remote = connected(MemoryBackend::new()).await.unwrap();
    let data: Vec<u8> = (0..3_000_000_u32).map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    remote.write(&path("a"), &data).await.unwrap();
    assert!(remote.read(&path("a")).await.unwrap() == data);
    assert!(!remote.capabilities().immediate);
}

/// Ends of a port of which the other one is in the hands of a test.
async fn beside() -> (port::PortLine, MessagePort) {
    let channel = MessageChannel::new().unwrap();
    (port::line(channel.port2()).await.unwrap(), channel.port1())
}

#[wasm_bindgen_test]
async fn garbage_ends_the_connection_at_either_end() {
    // To a server: the future ends, which is what lets the engine go.
    for garbage in [JsValue::from_f64(7.0), JsValue::NULL, JsValue::from_str("nonsense"), js_sys::Uint8Array::new_with_length(0).into()] {
        let (line, other) = beside().await;
        other.post_message(&garbage).unwrap();
        Server::new(MemoryBackend::new()).serve(line).await;
    }
    // To a client: nothing hangs.
    let channel = MessageChannel::new().unwrap();
    let transport = port::transport(channel.port1()).await.unwrap();
    channel.port2().post_message(&JsValue::from_str("nonsense")).unwrap();
    let error = Remote::connect(transport).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
}

/// Whoever has a port may post anything to it. Until the other end has greeted it is nobody's end of a bridge: what it says is not done, and
/// it is not waited for.
#[wasm_bindgen_test]
async fn what_does_not_greet_is_not_served() {
    let (line, other) = beside().await;
    // As a client says that it is there, but for the greeting: number 1, hello, version 1.
    let hello = [1, 0, 1];
    other.post_message(&js_sys::Uint8Array::from(hello.as_slice())).unwrap();
    let serving = async {
        Server::new(MemoryBackend::new()).serve(line).await;
        true
    };
    let hangs = async {
        anystorage_browser_host::global::sleep(30_000.0).await;
        false
    };
    assert!(futures_lite::future::or(serving, hangs).await, "it is served");
}

#[wasm_bindgen_test]
async fn an_end_that_goes_is_noticed_by_calls_that_wait() {
    let channel = MessageChannel::new().unwrap();
    let line = port::line(channel.port2()).await.unwrap();
    let transport = port::transport(channel.port1()).await.unwrap();
    // It goes without having answered.
    spawn(Box::pin(async move {
        anystorage_browser_host::global::sleep(50.0).await;
        drop(line);
    }));
    let error = Remote::connect(transport).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
}

#[wasm_bindgen_test]
async fn a_location_is_free_when_its_client_has_gone() {
    let name = fresh("port");
    let remote = connected(anystorage_idb::open(&name, &IdbOptions::new()).await.unwrap()).await.unwrap();
    let file = remote.open(&path("a"), &OpenOptions::editing()).await.unwrap();
    file.write_at(0, b"abc").await.unwrap();
    file.sync().await.unwrap();
    drop((file, remote));
    // Opening waits for half a second.
    let engine = anystorage_idb::open(&name, &IdbOptions::new()).await.unwrap();
    assert_eq!(engine.read(&path("a")).await.unwrap(), b"abc");
    engine.close().await.unwrap();
    anystorage_idb::remove(&name).await.unwrap();
}

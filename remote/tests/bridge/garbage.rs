//! The words that both ends share say what makes no sense: calls come back with an error, and neither end hangs or leaves the memory.

use anystorage_api::{Blocking, ErrorKind, OpenOptions};
use anystorage_browser_host::global::{call, random};
use anystorage_remote::Remote;
use anystorage_remote::shared::{self, SharedOptions};
use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::{memory, path};

/// Bridges that are scribbled into.
const BRIDGES: u32 = 12;

/// How long each, in milliseconds.
const SCRIBBLING: u32 = 200;

fn script() -> JsValue {
    let script = js_sys::eval(include_str!("garbage.js")).unwrap();
    method(&script, "prepare").call0(&script).unwrap();
    script
}

fn method(script: &JsValue, name: &str) -> Function {
    Reflect::get(script, &name.into()).unwrap().unchecked_into()
}

async fn bridge() -> Blocking<Remote> {
    Blocking::new(shared::open(memory, "", &SharedOptions::new().buffer_bytes(1_024)).await.unwrap()).unwrap()
}

#[wasm_bindgen_test]
async fn a_turn_that_nobody_has_is_the_end() {
    let script = script();
    for turn in [1, 2, 3, 4, 5, 6, -1, i32::MAX, i32::MIN] {
        let storage = bridge().await;
        storage.write(&path("a"), b"before").unwrap();
        method(&script, "set").call2(&script, &0.into(), &turn.into()).unwrap();
        let error = storage.read(&path("a")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disconnected, "{turn}: {error}");
        method(&script, "set").call2(&script, &0.into(), &0.into()).unwrap();
        assert_eq!(storage.sync().unwrap_err().kind(), ErrorKind::Disconnected, "it does not come back");
    }
}

#[wasm_bindgen_test]
async fn no_call_hangs_whatever_is_written_into_the_words() {
    let script = script();
    let data: Vec<u8> = (0..20_000_u32).map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let mut ended = 0;
    for _ in 0..BRIDGES {
        // An odd one is none that the generator stays at.
        let seed = random() as i32 | 1;
        console_log!("seed {seed}");
        let storage = bridge().await;
        let file = storage.open(&path("a"), &OpenOptions::editing()).unwrap();
        file.write_at(0, &data).unwrap();
        call(&script, "scribble", &[seed.into(), SCRIBBLING.into(), JsValue::FALSE]).await.unwrap();
        let mut buf = vec![0; data.len()];
        let mut outcomes = 0;
        while outcomes < 10_000 {
            outcomes += 1;
            let outcome = match outcomes % 3 {
                0 => file.write_at(0, &data),
                1 => storage.write(&path("b"), &data),
                _ => file.read_at(0, &mut buf).map(drop),
            };
            if outcome.is_err_and(|error| error.kind() == ErrorKind::Disconnected) {
                ended += 1;
                // Nothing brings it back, and nothing is waited for.
                assert_eq!(storage.sync().unwrap_err().kind(), ErrorKind::Disconnected);
                assert_eq!(file.read_at(0, &mut buf).unwrap_err().kind(), ErrorKind::Disconnected);
                break;
            }
        }
    }
    console_log!("{ended} of {BRIDGES} ended");
    assert!(ended > 0, "nothing was noticed");
}

/// A turn that is given back to a server which has answered used to be waited for without an end.
#[wasm_bindgen_test]
async fn a_turn_that_nobody_gave_is_not_waited_for() {
    let script = script();
    let storage = bridge().await;
    storage.write(&path("a"), b"before").unwrap();
    call(&script, "scribble", &[1.into(), 3_000.into(), JsValue::TRUE]).await.unwrap();
    // Each answer is one to be stolen.
    let error = (0..100_000).find_map(|_| storage.stat(&path("a")).err()).unwrap();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
    assert_eq!(storage.sync().unwrap_err().kind(), ErrorKind::Disconnected);
}

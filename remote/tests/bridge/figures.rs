//! What a synchronous read of 4 KiB from IndexedDB costs, beside what the platform asks for it: one get and one round trip. Printed; the time
//! decides nothing.

use anystorage_api::{Blocking, OpenOptions};
use anystorage_browser_host::global::{call, member, property};
use anystorage_idb::IdbOptions;
use anystorage_remote::shared::{self, Opening, SharedOptions};
use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::{fresh, path};

const BLOCK: usize = 4096;
const BLOCKS: u32 = 2_048;
const READS: u32 = 200;

/// Blocks of the size of a read, and a cache that holds next to none of them.
fn uncached(name: String) -> Opening {
    let options = IdbOptions::new().block_size(Some(BLOCK)).cache_bytes(256 << 10);
    Box::pin(async move { Ok(Box::new(anystorage_idb::open(&name, &options).await?) as _) })
}

fn now() -> f64 {
    let clock = property("performance");
    member(&clock, "now").unchecked_into::<Function>().call0(&clock).unwrap().as_f64().unwrap()
}

/// The middle one, in microseconds.
fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2] * 1000.0
}

#[wasm_bindgen_test]
async fn a_synchronous_read_beside_a_raw_one() {
    let floor = js_sys::eval(include_str!("figures.js")).unwrap();
    let (raw, name) = (fresh("floor"), fresh("figures"));
    call(&floor, "prepare", &[raw.as_str().into(), BLOCKS.into()]).await.unwrap();
    let storage = Blocking::new(shared::open(uncached, &name, &SharedOptions::new()).await.unwrap()).unwrap();
    let data: Vec<u8> = (0..BLOCKS as usize * BLOCK).map(|at| (at / BLOCK) as u8).collect();
    storage.write(&path("a"), &data).unwrap();
    storage.sync().unwrap();
    storage.close().unwrap();
    let storage = Blocking::new(shared::open(uncached, &name, &SharedOptions::new()).await.unwrap()).unwrap();
    let file = storage.open(&path("a"), &OpenOptions::reading()).unwrap();
    let (mut gets, mut echoes, mut reads, mut cached) = (vec![], vec![], vec![], vec![]);
    let mut buf = vec![0; BLOCK];
    for round in 0..READS * 3 {
        let at = round.wrapping_mul(2_654_435_761) % BLOCKS;
        // In turn, so that what the machine does besides hits all alike.
        gets.push(call(&floor, "get", &[at.into()]).await.unwrap().as_f64().unwrap());
        let echo: Function = Reflect::get(&floor, &"echo".into()).unwrap().unchecked_into();
        echoes.push(echo.call0(&JsValue::UNDEFINED).unwrap().as_f64().unwrap());
        for times in [&mut reads, &mut cached] {
            let begin = now();
            assert_eq!(file.read_at(u64::from(at) * BLOCK as u64, &mut buf).unwrap(), BLOCK);
            times.push(now() - begin);
            assert!(buf.iter().all(|byte| *byte == at as u8));
        }
    }
    let (get, echo, read, cached) = (median(&mut gets), median(&mut echoes), median(&mut reads), median(&mut cached));
    console_log!(
        "4 KiB: raw get {get:.0} us, raw round trip {echo:.0} us, synchronous read {read:.0} us ({:.2} times both), of the engine's cache \
         {cached:.0} us",
        read / (get + echo)
    );
    file.close().unwrap();
    storage.close().unwrap();
    call(&floor, "end", &[]).await.unwrap();
    anystorage_idb::remove(&name).await.unwrap();
}

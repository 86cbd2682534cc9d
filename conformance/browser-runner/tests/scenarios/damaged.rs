//! Bytes over which redb panics, in a page: the worker that it is in ends, and the page lives on.

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::{Act, Browser, Context};

use crate::world::{World, browser, compare, write};

/// Turns a bit of the names of types that redb keeps beside the name of its table, wherever that is: the second time all is as it was.
const DAMAGE: &str = r#"
    return (async () => {
        const root = await navigator.storage.getDirectory();
        const file = await (await root.getDirectoryHandle("panic")).getFileHandle(".anystorage-~packed");
        const bytes = new Uint8Array(await (await file.getFile()).arrayBuffer());
        const name = new TextEncoder().encode("anystorage");
        // So far behind it redb 4.4 begins the name of a type.
        const type = 79;
        let changed = 0;
        for (let at = 0; at + type < bytes.length; at++) {
            if (name.every((byte, nth) => bytes[at + nth] === byte) && (bytes[at + type] & 0x7f) > 0x20) {
                bytes[at + type] ^= 0x80;
                changed++;
            }
        }
        // The worker that has ended may have the file for a moment.
        let writable;
        for (const start = performance.now(); !writable; ) {
            try {
                writable = await file.createWritable();
            } catch (error) {
                if (performance.now() - start > 10_000) throw error;
                await new Promise((resolve) => setTimeout(resolve, 20));
            }
        }
        await writable.write(bytes);
        await writable.close();
        return changed;
    })();
"#;

#[test]
fn a_panic_of_redb_in_the_worker_of_a_page_is_damage() {
    if browser() == Browser::WebKit {
        println!("WebKit has no OPFS");
        return;
    }
    let world = World::new(Storage::Usual);
    let page = world.page();
    let act = |acts: &[Act]| page.act(("any", Context::Page), "opfs://panic?layout=packed", acts);
    act(&[write("file", 50_000, 1), Act::Sync, Act::Close]).unwrap();
    let changed = world.session.run(DAMAGE, &[]).unwrap();
    assert!(changed.as_u64() > Some(0), "nothing was changed: {changed}");
    for _ in 0..2 {
        let refusal = act(&[compare("file", 50_000, 1)]).unwrap_err();
        println!("{}: {refusal:?}", browser().as_str());
        assert_eq!(refusal.kind, ErrorKind::Corrupt.as_str(), "{refusal:?}");
        assert!(refusal.text.contains("cannot have written"), "{refusal:?}");
    }
    world.session.run(DAMAGE, &[]).unwrap();
    act(&[compare("file", 50_000, 1), Act::Close]).unwrap();
}

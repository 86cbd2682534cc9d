//! The exerciser in a dedicated worker of a browser, over the engines there that never wait.
//!
//! `ANYSTORAGE_VFS_CALLS`, when it is built, is how many calls each engine gets (3,000).

use std::sync::Arc;

use anystorage_api::{Blocking, StorageBackend};
use anystorage_memory::MemoryBackend;
use anystorage_opfs::packed::{self, PackedOptions};
use anystorage_opfs::pool::{self, PoolOptions};
use anystorage_vfs::{Config, MountOptions, Vfs};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::exerciser;

fn calls() -> u64 {
    option_env!("ANYSTORAGE_VFS_CALLS").map_or(3_000, |text| text.parse().unwrap())
}

async fn engine(name: &str, location: &str) -> Arc<dyn StorageBackend> {
    match name {
        "memory" => Arc::new(MemoryBackend::new()),
        "packed" => Arc::new(packed::open(location, &PackedOptions::new()).await.unwrap()),
        _ => {
            let pool = pool::open(location, &PoolOptions::new().capacity(1024)).await.unwrap();
            Arc::new(pool)
        }
    }
}

#[wasm_bindgen_test]
async fn every_engine_does_what_the_model_does() {
    for name in ["memory", "packed", "pool"] {
        let seed = anystorage_browser_host::global::random();
        let location = format!("vfs {seed:x}");
        console_log!("{name}: {} calls from seed {seed}", calls());
        let storage = engine(name, &location).await;
        let vfs = exerciser::face();
        let mount = |vfs: &Vfs| vfs.mount("/", Blocking::new(Arc::clone(&storage)).unwrap(), MountOptions::new()).unwrap();
        mount(&vfs);
        exerciser::exercise(name, &vfs, seed, calls(), |vfs| {
            vfs.unmount("/").unwrap();
            mount(vfs);
        });
        drop(vfs);
        storage.close().await.unwrap();
        if name != "memory" {
            anystorage_opfs::remove(&location).await.unwrap();
        }
    }
}

#[wasm_bindgen_test]
async fn every_engine_is_sane() {
    for name in ["memory", "packed", "pool"] {
        let location = format!("sane {:x}", anystorage_browser_host::global::random());
        let storage = engine(name, &location).await;
        let mut config = Config::new();
        config.sanity_checks = true;
        let vfs = Vfs::with_config(&config);
        let mounted = vfs.mount("/", Blocking::new(Arc::clone(&storage)).unwrap(), MountOptions::new());
        assert_eq!(mounted, Ok(()), "{name}: {:?}", vfs.last_error());
        assert_eq!(vfs.readdir("/").unwrap(), [], "{name}");
        drop(vfs);
        storage.close().await.unwrap();
        if name != "memory" {
            anystorage_opfs::remove(&location).await.unwrap();
        }
    }
}

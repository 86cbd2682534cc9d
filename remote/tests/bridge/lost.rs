//! The worker that has the engine dies: in the middle of a call, and between calls. The call that is blocked must come back.

use anystorage_api::{
    Blocking, Capabilities, DirEntry, ErrorKind, Metadata, OpenOptions, Result, StorageBackend, StorageFile, StoragePath, engine,
};
use anystorage_remote::shared::{self, Opening, SharedOptions};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{fresh, idb, path};

/// IndexedDB, and ways to die while `stat` is under way.
#[derive(Debug)]
struct Mortal(Box<dyn StorageBackend>);

fn mortal(name: String) -> Opening {
    Box::pin(async move { Ok(Box::new(Mortal(idb(name).await?)) as Box<dyn StorageBackend>) })
}

fn refusing(_: String) -> Opening {
    Box::pin(async { Err(anystorage_api::Error::new(ErrorKind::NoSpace, anystorage_api::Operation::Open).with_text("none left")) })
}

fn panicking(_: String) -> Opening {
    Box::pin(async { panic!("on purpose") })
}

fn ending(_: String) -> Opening {
    Box::pin(async {
        js_sys::global().unchecked_into::<web_sys::DedicatedWorkerGlobalScope>().close();
        std::future::pending().await
    })
}

#[engine]
impl StorageBackend for Mortal {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        self.0.open(path, options).await
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        match path.as_str() {
            // The worker ends without a word, as one does that the browser ends.
            "closes" => {
                js_sys::global().unchecked_into::<web_sys::DedicatedWorkerGlobalScope>().close();
                std::future::pending::<()>().await;
            }
            "panics" => panic!("on purpose"),
            "panics later" => {
                anystorage_browser_host::global::sleep(50.0).await;
                panic!("on purpose");
            }
            _ => {}
        }
        self.0.stat(path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.0.list(directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.0.create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.0.remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.0.remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.0.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.0.sync().await
    }
    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}

async fn dies_by(way: &str) {
    let name = fresh("mortal");
    let storage = Blocking::new(shared::open(mortal, &name, &SharedOptions::new()).await.unwrap()).unwrap();
    storage.write(&path("kept"), b"synced").unwrap();
    storage.sync().unwrap();
    let file = storage.open(&path("kept"), &OpenOptions::editing()).unwrap();
    file.write_at(0, b"unsync").unwrap();
    let error = storage.stat(&path(way)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
    assert_eq!(error.path(), Some(&path(way)));
    // From here on nothing waits for anything.
    assert_eq!(storage.sync().unwrap_err().kind(), ErrorKind::Disconnected);
    assert_eq!(file.write_at(0, b"more").unwrap_err().kind(), ErrorKind::Disconnected);
    drop((file, storage));
    let again = Blocking::new(shared::open(mortal, &name, &SharedOptions::new()).await.unwrap()).unwrap();
    assert_eq!(again.read(&path("kept")).unwrap(), b"synced");
    again.close().unwrap();
    anystorage_idb::remove(&name).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_worker_that_is_ended_in_the_middle_of_a_call_is_disconnected() {
    dies_by("closes").await;
}

#[wasm_bindgen_test]
async fn an_engine_that_panics_in_a_call_is_disconnected() {
    dies_by("panics").await;
}

#[wasm_bindgen_test]
async fn an_engine_that_panics_while_it_is_waited_for_is_disconnected() {
    dies_by("panics later").await;
}

#[wasm_bindgen_test]
async fn what_the_opener_answers_is_what_opening_answers() {
    let error = shared::open(refusing, "", &SharedOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.text()), (ErrorKind::NoSpace, Some("none left")));
    let error = shared::open(panicking, "", &SharedOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
}

/// A worker that ends while it opens the location says nothing, and opening must not wait for what it will never say.
#[wasm_bindgen_test]
async fn a_worker_that_ends_while_it_opens_is_disconnected() {
    let hangs = async {
        anystorage_browser_host::global::sleep(30_000.0).await;
        panic!("opening hangs");
    };
    let error = futures_lite::future::or(async { shared::open(ending, "", &SharedOptions::new()).await.unwrap_err() }, hangs).await;
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
}

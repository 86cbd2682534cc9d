//! The whole suite against the memory engine, natively and in a browser.

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_conformance::table;
use anystorage_memory::MemoryBackend;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[derive(Debug)]
struct Memory;

#[derive(Debug)]
struct Limited(u64);

#[engine]
impl Subject for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }
    fn expected(&self) -> Option<Capabilities> {
        Some(table::MEMORY)
    }
    async fn place(&self, _label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(Limited(u64::MAX)))
    }
}

#[engine]
impl Place for Limited {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(MemoryBackend::with_limit(self.0)))
    }
    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        Ok(Some(Box::new(Self(bytes))))
    }
}

anystorage_conformance::suite!(subject = crate::Memory);

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
#[test]
fn the_runner_finds_nothing_to_complain_about() {
    use anystorage_conformance::report::Report;
    use anystorage_conformance::suite::{self, Options};

    let found = futures_lite::future::block_on(suite::run(&Memory, &Options::new(), None, &mut |_| {}));
    let report: Report = std::iter::once(found).collect();
    println!("{}", report.matrix());
    assert_eq!(report.failed, 0, "{}", report.matrix());
}

//! The contract, line by line, and long random sequences beside a model, in a dedicated worker.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

use anystorage_conformance::model::{self, ModelFailure, ModelOptions};
use anystorage_opfs::subject::OpfsSubject;

anystorage_conformance::suite!(subject = OpfsSubject::new(""));

/// The seed is fixed, as there is nothing that could tell a test another one in a browser. Holes count towards the quota.
#[wasm_bindgen_test::wasm_bindgen_test]
async fn every_answer_is_the_models() -> Result<(), Box<ModelFailure>> {
    let report = model::run(&OpfsSubject::new("model "), ModelOptions::new(0x6f70_6673).operations(1000).farthest(5 << 30)).await?;
    wasm_bindgen_test::console_log!("{report}");
    Ok(())
}

/// Not so far, since each sync copies the holes.
#[wasm_bindgen_test::wasm_bindgen_test]
async fn every_answer_is_the_models_by_streams() -> Result<(), Box<ModelFailure>> {
    let subject = OpfsSubject::new("streamed model ").streaming();
    let report = model::run(&subject, ModelOptions::new(0x6f70_6673).operations(1000).farthest(1 << 20)).await?;
    wasm_bindgen_test::console_log!("{report}");
    Ok(())
}

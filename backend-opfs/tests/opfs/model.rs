//! Long random sequences beside a model. The cases of the contract run in the browsers' runner.

use anystorage_browser_host::global;
use anystorage_conformance::model::{self, ModelFailure, ModelOptions};
use anystorage_opfs::pool::subject::PoolSubject;
use anystorage_opfs::subject::OpfsSubject;
use wasm_bindgen_test::wasm_bindgen_test;

/// The seed is fixed, as there is nothing that could tell a test another one in a browser. Holes count towards the quota, of which Firefox
/// gives 10 GiB to all sites of a domain together.
#[wasm_bindgen_test]
async fn every_answer_is_the_models() -> Result<(), Box<ModelFailure>> {
    let is_roomy = global::estimate().await.ok().and_then(|usage| usage.free).is_some_and(|free| free > 40 << 30);
    let farthest = if is_roomy { 5 << 30 } else { 64 << 20 };
    let report = model::run(&OpfsSubject::new("model "), ModelOptions::new(0x6f70_6673).operations(1000).farthest(farthest)).await?;
    wasm_bindgen_test::console_log!("{report}");
    Ok(())
}

#[wasm_bindgen_test]
async fn every_answer_is_the_models_by_files_opened_ahead() -> Result<(), Box<ModelFailure>> {
    let subject = PoolSubject::new("pooled model ");
    let report = model::run(&subject, ModelOptions::new(0x706f_6f6c).operations(1000).farthest(64 << 20)).await?;
    wasm_bindgen_test::console_log!("{report}");
    Ok(())
}

/// Not so far, since each sync copies the holes.
#[wasm_bindgen_test]
async fn every_answer_is_the_models_by_streams() -> Result<(), Box<ModelFailure>> {
    let subject = OpfsSubject::new("streamed model ").streaming();
    let report = model::run(&subject, ModelOptions::new(0x6f70_6673).operations(1000).farthest(1 << 20)).await?;
    wasm_bindgen_test::console_log!("{report}");
    Ok(())
}

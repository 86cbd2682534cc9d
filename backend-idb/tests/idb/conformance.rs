//! The contract, line by line, and long random sequences beside a model.

use anystorage_conformance::model::{self, ModelFailure, ModelOptions};
use anystorage_idb::subject::IdbSubject;

anystorage_conformance::suite!(subject = IdbSubject::new(""));

/// The seed is fixed, as there is nothing that could tell a test another one in a browser.
#[wasm_bindgen_test::wasm_bindgen_test]
async fn every_answer_is_the_models() -> Result<(), Box<ModelFailure>> {
    let report = model::run(&IdbSubject::new("model "), ModelOptions::new(0x6964_6200).operations(3000)).await?;
    wasm_bindgen_test::console_log!("{report}");
    Ok(())
}

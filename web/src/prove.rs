//! The suite in the page.

use anystorage_conformance::case::Run;
use anystorage_conformance::list;
use anystorage_conformance::report::{CaseReport, Report};
use anystorage_conformance::suite::{self, Options, Stage};
use js_sys::Function;
use serde::Serialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::{Result, object};
use crate::places::{Places, sweep_all};

/// What is told after each case.
#[derive(Debug, Serialize)]
struct Progress<'a> {
    done: usize,
    all: usize,
    #[serde(flatten)]
    case: &'a CaseReport,
}

/// Removes what runs have left that were cut short. No other run may go on meanwhile, in whatever tab.
#[wasm_bindgen]
pub async fn tidy() {
    sweep_all().await;
}

/// Runs every case that a page can run on the engine that a URL opens, in places of its own, which are removed afterwards. `heard` is called
/// after each with how far it is. It brings the report of the suite.
///
/// # Errors
/// None: what fails is in the report.
#[wasm_bindgen]
pub async fn prove(url: String, heard: Function) -> Result<JsValue> {
    let places = Places::of(&url);
    let all = count(&places).await;
    let mut done = 0;
    let mut observer = |case: &CaseReport| {
        done += 1;
        if let Ok(progress) = object(&Progress { done, all: all.max(done), case }) {
            // What it throws is its own affair.
            let _ = heard.call1(&JsValue::UNDEFINED, &progress);
        }
    };
    let found = suite::run_on(&places, &Options::new(), &mut observer).await;
    places.sweep().await;
    object(&Report::from_iter([found]))
}

/// How many runs of cases there will be.
async fn count(places: &Places) -> usize {
    let Ok(declared) = places.declared().await else { return 1 };
    let crossings = places.crossings().len();
    let runs = |run: &Run, runs: bool| if runs && matches!(run, Run::Persistence { .. }) { crossings } else { 1 };
    1 + list::cases().iter().map(|case| runs(&case.run, suite::unmet(case, &declared).is_none())).sum::<usize>()
}

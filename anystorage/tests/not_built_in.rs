//! Engines that this version knows and this build does not have. The tests that apply depend on the features; the feature matrix of the
//! project's chores builds and runs them all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use anystorage::ENGINES;

#[cfg(not(all(feature = "memory", feature = "files", feature = "sled", feature = "redb")))]
#[test]
fn a_missing_engine_says_which_feature_to_enable() {
    use anystorage::ErrorKind;
    use futures_lite::future::block_on;

    let missing: Vec<_> = ENGINES.iter().filter(|engine| engine.on_target && !engine.enabled).collect();
    assert!(!missing.is_empty());
    for engine in missing {
        let url = match engine.scheme {
            "memory" => "memory:".to_owned(),
            scheme => format!("{scheme}:///tmp/anystorage-missing"),
        };
        let error = block_on(anystorage::open(&url)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains(&format!("enable the cargo feature {:?}", engine.feature)), "{error}");
    }
}

#[test]
fn what_is_built_in_is_what_the_features_say() {
    let built_in: Vec<&str> = ENGINES.iter().filter(|engine| engine.is_built_in()).map(|engine| engine.scheme).collect();
    let mut expected = Vec::new();
    if cfg!(feature = "memory") {
        expected.push("memory");
    }
    for (scheme, enabled) in [("file", cfg!(feature = "files")), ("sled", cfg!(feature = "sled")), ("redb", cfg!(feature = "redb"))] {
        if cfg!(unix) && enabled {
            expected.push(scheme);
        }
    }
    assert_eq!(built_in, expected);
}

#[cfg(all(feature = "memory", not(feature = "files")))]
#[test]
fn a_fallback_passes_over_an_engine_that_is_not_built_in() {
    let config = anystorage::StorageConfig::new("file:///tmp".parse().unwrap()).or("memory:".parse().unwrap());
    let storage = futures_lite::future::block_on(config.open()).unwrap();
    let report = storage.report();
    assert_eq!(report.opened.as_str(), "memory:");
    assert_eq!(report.tried.len(), 1);
    assert!(report.tried[0].error.to_string().contains("\"files\""));
}

//! What people write: paths, URLs of locations, configuration. It is taken as what it says, or refused.
#![no_main]

use anystorage::{ByteSize, StorageConfig, StoragePath, StorageUrl};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(path) = StoragePath::parse(text) {
        assert_eq!(path.as_str(), text);
        assert!(path.parts().all(|part| !part.is_empty() && part != "." && part != ".." && part.len() <= 255 && !part.contains('\0')));
        let again: Vec<&str> = path.parts().collect();
        assert_eq!(again.join("/"), text);
    }
    if let Ok(url) = StorageUrl::parse(text) {
        // What it is written as is the same location.
        let written = url.to_string();
        assert_eq!(StorageUrl::parse(&written).unwrap().to_string(), written, "{text:?}");
    }
    if let Ok(config) = toml::from_str::<StorageConfig>(text) {
        let written = toml::to_string(&config).unwrap();
        assert_eq!(toml::to_string(&toml::from_str::<StorageConfig>(&written).unwrap()).unwrap(), written, "{text:?}");
    }
    let _ = text.parse::<ByteSize>();
});

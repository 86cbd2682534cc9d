//! Files in a sled store.

//! Files in a redb store.

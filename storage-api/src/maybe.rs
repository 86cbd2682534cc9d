/// `Send`, except on `wasm32-unknown-unknown`, where it asks for nothing: browser objects belong to the thread that made them.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub trait MaybeSend: Send {}
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
impl<T: Send + ?Sized> MaybeSend for T {}

/// `Send`, except on `wasm32-unknown-unknown`, where it asks for nothing: browser objects belong to the thread that made them.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub trait MaybeSend {}
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
impl<T: ?Sized> MaybeSend for T {}

/// `Sync`, except on `wasm32-unknown-unknown`, where it asks for nothing.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub trait MaybeSync: Sync {}
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
impl<T: Sync + ?Sized> MaybeSync for T {}

/// `Sync`, except on `wasm32-unknown-unknown`, where it asks for nothing.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub trait MaybeSync {}
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
impl<T: ?Sized> MaybeSync for T {}

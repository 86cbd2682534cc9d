cfg_if::cfg_if! {
    if #[cfg(all(target_family = "wasm", target_os = "unknown"))] {
        /// `Send`, except on `wasm32-unknown-unknown`, where it asks for nothing: browser objects belong to the thread that made them.
        pub trait MaybeSend {}
        impl<T: ?Sized> MaybeSend for T {}

        /// `Sync`, except on `wasm32-unknown-unknown`, where it asks for nothing.
        pub trait MaybeSync {}
        impl<T: ?Sized> MaybeSync for T {}
    } else {
        /// `Send`, except on `wasm32-unknown-unknown`, where it asks for nothing: browser objects belong to the thread that made them.
        pub trait MaybeSend: Send {}
        impl<T: Send + ?Sized> MaybeSend for T {}

        /// `Sync`, except on `wasm32-unknown-unknown`, where it asks for nothing.
        pub trait MaybeSync: Sync {}
        impl<T: Sync + ?Sized> MaybeSync for T {}
    }
}

// anystorage-sqlite, with its recommended settings. What binds and steps is Rust, in the module that SQLite is in.

import init, { Ours } from "/suite.js";

export const open = (layout) => async () => {
  await init({ module_or_path: fetch("/suite_bg.wasm") });
  return await Ours.open(layout);
};

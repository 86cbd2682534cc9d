// Ours: what is asked of the face is Rust, in the module that the face is in.

import init, { Ours } from "/suite.js";

export async function load({ files, large, block, changed }) {
  await init({ module_or_path: fetch("/suite_bg.wasm") });
  let ours;
  return {
    version: "anystorage",
    mount: async () => (ours = await Ours.mount("bench", block)),
    prepare: (is_changed) => ours.prepare(files, large, is_changed ? changed : 0),
    populate: () => ours.populate(),
    sync: () => ours.sync(),
    write_small: () => ours.write_small(),
    write_large: () => ours.write_large(),
    change: () => ours.change(changed),
    read_small: () => ours.read_small(),
    read_large: () => ours.read_large(),
    check: () => ours.check(),
  };
}

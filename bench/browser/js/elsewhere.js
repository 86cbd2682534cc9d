// An engine, or a file of OPFS, in a dedicated worker, which does what the page says and tells how long it took.

import init, { Bench } from "/suite.js";
import { time } from "/time.js";

// Held until this worker ends.
const locked = new Promise((granted) => {
  navigator.locks.request(location.hash.slice(1), () => (granted(), new Promise(() => {})));
});
const loaded = init({ module_or_path: fetch("/suite_bg.wasm") });

let bench;
let handle;

const raw = async (name) => {
  const root = await navigator.storage.getDirectory();
  const directory = await root.getDirectoryHandle(name, { create: true });
  const file = await directory.getFileHandle("large", { create: true });
  handle = await file.createSyncAccessHandle();
};

const orders = {
  ready: () => {},
  open: async (url, bytes) => {
    bench = await Bench.open(url, bytes);
  },
  reopen: async (url, at) => {
    bench = await Bench.reopen(url, at);
  },
  files: async (count) => {
    if (count) await bench.add_files(count);
  },
  run: (...all) => bench.run(...all),
  fill: async (name, bytes) => {
    await raw(name);
    handle.write(new Uint8Array(bytes), { at: 0 });
    handle.flush();
  },
  raw: async (name, at) => {
    await raw(name);
    handle.read(new Uint8Array(1), { at });
  },
  close: async () => {
    await bench?.close();
    handle?.close();
  },
};

onmessage = async ({ data }) => {
  try {
    await Promise.all([locked, loaded]);
    const [[order, value]] = Object.entries(data);
    postMessage({ ms: await time(() => orders[order](...(Array.isArray(value) ? value : [value]))) });
  } catch (error) {
    postMessage({ error: String(error?.stack ?? error) });
  }
};

// Locations that sync by themselves, in a page or in a worker of it, and calls of them by name.

import init, { AutoSynced } from "/suite.js";

const LOCKED = "locked";

// How long a location may be held by whoever had it, in milliseconds.
const PATIENCE = 30_000;

const ready = init({ module_or_path: fetch("/suite_bg.wasm") });
const locations = new Map();

async function open(...options) {
  const start = performance.now();
  for (;;) {
    try {
      return await AutoSynced.open(...options);
    } catch (error) {
      if (!error.message.startsWith(LOCKED) || performance.now() - start > PATIENCE) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function call(name, method, ...options) {
  await ready;
  if (method === "open") {
    locations.set(name, await open(...options));
    return null;
  }
  return (await locations.get(name)[method](...options)) ?? null;
}

// The outcome of a call, which never throws.
globalThis.callLocation = (...words) => call(...words).then((done) => ({ done }), (error) => ({ failed: String(error) }));

// Keeps in mind, where other tabs see it, that a location was synced while the page was hidden.
globalThis.tellWhenHidden = (name) => {
  if (document.hidden && locations.get(name).is_synced()) localStorage.setItem(name, "synced");
  else setTimeout(tellWhenHidden, 20, name);
};

if (globalThis.document === undefined) {
  onmessage = async ({ data: { id, words } }) => postMessage({ id, outcome: await callLocation(...words) });
}

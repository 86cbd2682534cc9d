// Opens what is chosen, and keeps the parts of the page together.

import init, { Storage, prove, tidy } from "./anystorage.js";
import { chosen, nameOf } from "./engines.js";
import * as files from "./files.js";
import * as place from "./place.js";
import * as proof from "./prove.js";

// The page that was here before a reload, or in another tab, may be just going.
const PATIENCE = 4000;
const PAUSE = 250;

const part = (id) => document.getElementById(id);
const state = (now) => (document.documentElement.dataset.state = now);

let storage;
let url;

// The last choice wins: those before it are closed as soon as they are open.
let number = 0;

async function open() {
  state("opening");
  const mine = ++number;
  const engine = chosen();
  const before = storage;
  storage = url = undefined;
  part("prove").disabled = true;
  part("prove-engine").textContent = "the engine that is open";
  place.waiting();
  await files.use(undefined);
  part("status").textContent = "Opening …";
  try {
    // What was under way goes to its end first.
    await files.alone(async () => {
      await before?.close();
      before?.free();
    });
    const opened = await patiently(() => Storage.open(engine.urls));
    if (mine !== number) {
      await opened.close();
      return;
    }
    storage = opened;
    const info = storage.info();
    url = info.opened;
    part("status").textContent = "";
    await files.use(storage, info.durability !== "none");
    await place.opened(info, engine);
    part("prove-engine").textContent = nameOf(url);
    part("prove").disabled = proof.isRunning();
    state("open");
  } catch (error) {
    if (mine !== number) {
      return;
    }
    part("status").textContent = "";
    place.refused(error);
    state("refused");
  }
}

async function patiently(open) {
  for (const until = performance.now() + PATIENCE; ; ) {
    try {
      return await open();
    } catch (error) {
      if (error.kind !== "locked" || performance.now() > until) {
        throw error;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

await init({ module_or_path: new URL("./anystorage_bg.wasm", import.meta.url) });
files.wire(() => place.space());
place.wire(open);
proof.wire(prove, () => url);
await open();
proof.tidy(tidy);

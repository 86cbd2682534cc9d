// A page under the runner: takes orders from the server, one life of the page after the other, and answers them.

const tab = new URLSearchParams(location.search).get("tab");
const forever = new Promise(() => {});
let life = 0;

const tell = (what, body, more = "") => fetch(`/${what}?tab=${tab}&life=${life}${more}`, { method: "POST", body });
const trouble = (text) => tell("trouble", `${globalThis.anystoragePanic ?? ""} ${text}`).catch(() => {});
addEventListener("error", (event) => trouble(`in the page: ${event.message}`));
addEventListener("unhandledrejection", (event) => trouble(`in the page, not caught: ${event.reason}`));

// Locks say when a page or a worker has really ended: whoever holds one is alive. Where a site gets no storage it gets no locks either.
const pageLock = `runner page ${tab}`;
const workerLock = `runner worker ${tab}`;
const granted = (name, until) =>
  new Promise((resolve) => (navigator.locks ? navigator.locks.request(name, () => (resolve(), until)).catch(resolve) : resolve()));

// Which operations of a load were begun and ended last, as far as this page knows.
let begun = -1;
let ended = -1;
const underWay = () => (begun > ended ? `${begun}` : "null");

// What is to be done once an operation has been under way for a while. It is numbered, and a later one will do.
let armed;
const LONG = 5;
const arm = (number, delay, strike) => (number === undefined ? strike() : (armed = { number, delay, strike }));
function hear(number, inPage) {
  begun = number;
  if (!armed || number < armed.number) {
    return;
  }
  const { delay, strike } = armed;
  armed = undefined;
  // In the page it begins when this has returned. Elsewhere a timer is too coarse for the shortest, and nothing else may be held up for long.
  if (inPage || delay > LONG) {
    setTimeout(strike, delay);
    return;
  }
  for (const until = performance.now() + delay; performance.now() < until; );
  strike();
}
const post = async (url, body) => (await fetch(url, { method: "POST", body })).ok;
globalThis.anystoragePost = post;
globalThis.anystorageBegun = (number) => hear(number, true);
globalThis.anystorageEnded = (number) => (ended = number);

// The workers that engines start in this page.
const engines = new Set();
const PlainWorker = globalThis.Worker;
globalThis.Worker = class extends PlainWorker {
  constructor(...words) {
    super(...words);
    engines.add(this);
  }
  terminate() {
    engines.delete(this);
    super.terminate();
  }
};

let suite;
const compiled = () => (suite ??= WebAssembly.compileStreaming(fetch("/suite_bg.wasm")));

let inPage;
async function askPage(request) {
  inPage ??= (async () => {
    const bindings = await import("/suite.js");
    await bindings.default({ module_or_path: await compiled() });
    return bindings.anystorage_suite;
  })();
  return (await inPage)(request);
}

let worker;
const waiting = new Map();
async function askWorker(id, request) {
  worker ??= (async () => {
    const started = new PlainWorker(globalThis.crossOriginIsolated ? "/worker.js?isolated=yes" : "/worker.js", { type: "module" });
    started.onerror = (event) => trouble(`in the worker: ${event.message ?? "it could not be started"}`);
    started.onmessage = ({ data }) => {
      if (data.trouble !== undefined) {
        trouble(data.trouble);
      } else if (data.post !== undefined) {
        post(data.post, data.body).then((ok) => started.postMessage({ posted: ok }));
      } else if (data.begun !== undefined) {
        hear(data.begun, false);
      } else if (data.ended !== undefined) {
        ended = data.ended;
      } else {
        waiting.get(data.id)?.(data.answer);
        waiting.delete(data.id);
      }
    };
    started.postMessage({ module: await compiled(), lock: workerLock });
    return started;
  })();
  const answered = new Promise((resolve) => waiting.set(id, resolve));
  (await worker).postMessage({ id, request });
  return answered;
}

async function terminate({ number, delay }) {
  const running = await worker;
  const hit = await new Promise((resolve) =>
    arm(number, delay, () => {
      const hit = underWay();
      running?.terminate();
      resolve(hit);
    }),
  );
  worker = undefined;
  await granted(workerLock);
  begun = ended = -1;
  return hit;
}

// Whoever works by one of them lives on, and is to be told.
function terminateEngines({ number, delay }) {
  return new Promise((resolve) =>
    arm(number, delay, () => {
      const hit = underWay();
      for (const engine of [...engines]) engine.terminate();
      resolve(hit);
    }),
  );
}

function reload({ id, number, delay }) {
  arm(number, delay, () => {
    fetch(`/answer?tab=${tab}&life=${life}&id=${id}`, { method: "POST", body: underWay(), keepalive: true });
    location.reload();
  });
  return forever;
}

async function usage() {
  return `${(await navigator.storage?.estimate?.())?.usage ?? 0}`;
}

// Everything that this origin stores. Nothing may be open.
async function clear() {
  for (const { name } of (await globalThis.indexedDB?.databases?.()) ?? []) {
    await new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(name);
      request.onsuccess = resolve;
      request.onerror = () => reject(request.error);
      request.onblocked = () => reject(new Error(`${name} is open`));
    });
  }
  const root = await navigator.storage?.getDirectory?.();
  for await (const name of root?.keys() ?? []) {
    await root.removeEntry(name, { recursive: true });
  }
}

const orders = {
  page: ({ request }) => askPage(request),
  worker: ({ id, request }) => askWorker(id, request),
  terminate,
  terminateEngines,
  reload,
  clear,
  usage,
};

async function obey(order) {
  try {
    const answer = await orders[order.does](order);
    await tell("answer", answer ?? "null", `&id=${order.id}`);
  } catch (error) {
    await trouble(`${order.does}: ${error}`);
  }
}

await granted(pageLock, forever);
await granted(workerLock);
life = await (await tell("hello")).text();
for (;;) {
  const taken = await tell("take");
  if (taken.status === 200) {
    // Not awaited: a load is ended by an order that comes while it plays.
    obey(await taken.json());
  } else if (taken.status !== 204) {
    break;
  }
}

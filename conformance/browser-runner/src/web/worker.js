// A dedicated worker under the runner: passes requests on to the suite.

import init, { anystorage_suite } from "/suite.js";

const trouble = (text) => postMessage({ trouble: `${globalThis.anystoragePanic ?? ""} in the worker: ${text}` });
addEventListener("error", (event) => trouble(event.message));
addEventListener("unhandledrejection", (event) => trouble(event.reason));

// By the page: what a worker of WebKit fetches by itself does not always arrive. One at a time.
let posted;
globalThis.anystoragePost = (url, body) =>
  new Promise((resolve) => {
    posted = resolve;
    postMessage({ post: url, body }, [body.buffer]);
  });
globalThis.anystorageBegun = (number) => postMessage({ begun: number });
globalThis.anystorageEnded = (number) => postMessage({ ended: number });

let ready;
async function start({ module, lock }) {
  // Held for as long as this worker lives.
  await new Promise((resolve) => (navigator.locks ? navigator.locks.request(lock, () => (resolve(), new Promise(() => {}))).catch(resolve) : resolve()));
  await init({ module_or_path: module });
}

onmessage = async ({ data }) => {
  if (data.module) {
    ready = start(data);
    return;
  }
  if (data.posted !== undefined) {
    posted(data.posted);
    return;
  }
  await ready;
  postMessage({ id: data.id, answer: await anystorage_suite(data.request) });
};

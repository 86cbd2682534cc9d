// Starts the worker that measures, with the order that stands in the page, and leaves there what it says last.

const { dataset } = document.documentElement;
let heard = { done: 0, case: "" };
const hear = (news) => {
  heard = { ...heard, ...news };
  dataset.heard = JSON.stringify(heard);
};

hear({});
const worker = new Worker("/bench.js", { type: "module" });
worker.onmessage = ({ data }) => hear(data);
worker.onerror = ({ message }) => hear({ error: `the worker could not be started: ${message}` });
worker.postMessage(JSON.parse(dataset.order));

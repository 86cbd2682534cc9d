// Starts the worker that measures, with the order that stands in the page, measures in the page what is measured there, and leaves in the page
// what was said last. In a page that is isolated from other origins it is what shares memory that is measured.

import { measure as fresh } from "/fresh.js";
import { measure as page } from "/in_page.js";

const { dataset } = document.documentElement;
const order = JSON.parse(dataset.order);
let heard = { done: 0, all: 0, case: "" };
const hear = (news) => {
  heard = { ...heard, ...news };
  dataset.heard = JSON.stringify(heard);
};

const inPage = async (before) => {
  const hearPage = ({ one, more, ...news }) => hear({ ...news, done: heard.done + (one ?? 0), all: heard.all + (more ?? 0) });
  try {
    const afresh = await fresh(order, hearPage);
    hear({ measurements: [...before, ...afresh, ...(await page(order, hearPage))] });
  } catch (error) {
    hear({ error: String(error?.stack ?? error) });
  }
};

hear({});
const worker = new Worker(crossOriginIsolated ? "/bridged.js?isolated=yes" : "/bench.js", { type: "module" });
worker.onmessage = ({ data }) => (data.measurements && !crossOriginIsolated ? inPage(data.measurements) : hear(data));
worker.onerror = ({ message }) => hear({ error: `the worker could not be started: ${message}` });
worker.postMessage(order);

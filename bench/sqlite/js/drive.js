// The page: in which order everything happens. It leaves in the page what was said last.

import { CONTESTANTS } from "/contestants.js";
import { Elsewhere } from "/elsewhere_page.js";

const WORKLOADS = ["transactions", "inserts", "selects", "updates", "vacuum", "close"];

const { dataset } = document.documentElement;
const { rounds, counts, filter, without } = JSON.parse(dataset.order);
const names = Object.keys(CONTESTANTS).filter((name) => name.includes(filter) && !without.includes(name));
let heard = { done: 0, all: names.length * (rounds + 1) + rounds, case: "" };
const hear = (news) => {
  heard = { ...heard, ...news };
  dataset.heard = JSON.stringify(heard);
};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A worker on an empty OPFS, or on what an earlier one has left.
async function elsewhere(work, kept = false) {
  if (!kept) await empty();
  const worker = new Elsewhere("/worker.js");
  try {
    return await work((order) => worker.answer(order));
  } finally {
    await worker.end();
  }
}

// Handles stay busy for a moment after the end of their worker.
async function empty() {
  for (let tries = 0; ; tries++) {
    const root = await navigator.storage.getDirectory();
    try {
      for await (const name of root.keys()) await root.removeEntry(name, { recursive: true });
      return;
    } catch (error) {
      if (tries === 50) throw error;
      await pause(100);
    }
  }
}

let flushes = 0;
new BroadcastChannel("flushes").onmessage = () => flushes++;

// How many flushes there were so far, once no more are heard of.
async function settled() {
  for (let before = -1; before !== flushes; ) {
    before = flushes;
    await pause(300);
  }
  return flushes;
}

// How often a contestant flushes for a commit, and whether what it has committed is there after the end of its worker.
async function durability(contestant) {
  const how = { contestant, counted: true, counts };
  const each = await elsewhere(async (ask) => {
    await ask({ create: how });
    const before = await settled();
    await ask({ work: "transactions" });
    return ((await settled()) - before) / counts.transactions;
  });
  const { rows } = await elsewhere((ask) => ask({ find: { contestant } }), true);
  return { flushes: each, rows };
}

async function measure() {
  const found = Object.fromEntries(names.map((name) => [name, { ms: Object.fromEntries(WORKLOADS.map((work) => [work, []])) }]));
  const done = () => hear({ done: heard.done + 1 });
  for (const name of names) {
    hear({ case: `${name}: flushes` });
    Object.assign(found[name], await durability(name));
    done();
  }
  const floorMs = [];
  for (let round = 0; round < rounds; round++) {
    hear({ case: "the floor" });
    floorMs.push((await elsewhere((ask) => ask({ floor: counts.transactions }))).ms);
    done();
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length];
      await elsewhere(async (ask) => {
        found[name].settings = (await ask({ create: { contestant: name, counts } })).settings;
        for (const work of WORKLOADS) {
          hear({ case: `${name}: ${work}` });
          found[name].ms[work].push((await ask({ work })).ms);
        }
      });
      done();
    }
  }
  return { floor_ms: floorMs, contestants: names.map((name) => ({ name, kind: CONTESTANTS[name].kind, ...found[name] })) };
}

hear({});
measure().then(
  (measurements) => hear({ measurements }),
  (error) => hear({ error: `${heard.case}: ${error?.message ?? error}` }),
);

// The page: the steps of one contestant, in one of its two lives. It leaves in the page what was said last.

import { time } from "/time.js";

// What is timed, under which name, and which step that is.
const LIVES = {
  first: [
    ["mount, new", "mount"],
    ["populate, empty", "populate"],
    ["write small", "write_small"],
    ["sync small", "sync"],
    ["write large", "write_large"],
    ["sync large", "sync"],
    ["change a few", "change"],
    ["sync a few", "sync"],
  ],
  second: [
    ["mount", "mount"],
    ["populate", "populate"],
    ["read small", "read_small"],
    ["read large", "read_large"],
  ],
};

const { dataset } = document.documentElement;
const order = JSON.parse(dataset.order);
const steps = LIVES[order.life];
let heard = { done: 0, all: steps.length, case: "" };
const hear = (news) => {
  heard = { ...heard, ...news };
  dataset.heard = JSON.stringify(heard);
};

async function live() {
  hear({ case: `${order.contestant}: loading` });
  const { load } = await import(`/${order.contestant}.js`);
  const ms = {};
  let contestant;
  const loading = await time(async () => (contestant = await load(order)));
  for (const [name, step] of steps) {
    hear({ case: `${order.contestant}: ${name}` });
    ms[name] = await time(() => contestant[step]());
    // What files are to hold is made up when nobody looks at the clock.
    if (step === "mount") contestant.prepare(order.life === "second");
    hear({ done: heard.done + 1 });
  }
  const hash = order.life === "second" ? contestant.check() : null;
  return { version: contestant.version, loading_ms: loading, ms, hash };
}

hear({});
live().then(
  (measurements) => hear({ measurements }),
  (error) => hear({ error: `${heard.case}: ${error?.message ?? error}\n${error?.stack ?? ""}` }),
);

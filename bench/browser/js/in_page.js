// Runs an engine in the page, where it starts a worker of its own, and the same engine in a dedicated worker in turn, and tells how long each
// round took. The times of the second are taken in its worker. Beside it stand messages by themselves: what of it is the platform's.

import init, { Bench } from "/suite.js";
import { Elsewhere } from "/elsewhere_page.js";
import { Messages } from "/messages.js";
import { time } from "/time.js";

const LAYOUTS = { "opfs-page": "tree", "packed-page": "packed" };

const WORKER = "the same engine in a dedicated worker";
const MESSAGES = "a handle in a worker, a message for each step";

// The goals are ratios. Those beside the worker cannot be met by what waits for each answer before it asks again, as a message takes several times
// as long as the work: what of that is the engine's is seen beside plain JavaScript that sends messages too, with bytes that are copied.
const CASES = [
  ["files, a sync each", 20, WORKER, 2],
  ["files, one sync", 100, WORKER, 2],
  ["overwrites, 64 at once, one sync", 1280, WORKER, 2],
  ["reads, 64 at once", 3200, WORKER, 2],
  ["overwrites, a sync each", 100, WORKER, 2],
  ["overwrites with their syncs", 100, WORKER, 2],
  ["overwrites with their syncs", 100, MESSAGES, { "opfs-page": 1.5 }],
  ["overwrites, one sync", 500, WORKER, 2],
  ["overwrites, one sync", 500, MESSAGES, { "opfs-page": 1.5 }],
  ["reads", 500, WORKER, null],
  ["reads", 500, MESSAGES, { "opfs-page": 1.5 }],
  ["stats", 500, WORKER, null],
  ["stream read", 32, WORKER, null],
  ["stream write", 32, WORKER, null],
];

// Messages that bring bytes there and back, beside such as bring none.
const ROUND_TRIPS = [
  ["4 KiB copied", "copied", 500, false],
  ["4 KiB copied, 64 at once", "copied", 1280, true],
  ["4 KiB handed over", "handed over", 500, false],
  ["4 KiB handed over, 64 at once", "handed over", 1280, true],
];

// Both in turn. The first round is not counted; who begins changes from round to round.
async function pairs(rounds, engine, floor) {
  const [engineMs, floorMs] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    const pair = [0, 0];
    for (let turn = 0; turn < 2; turn++) {
      const ours = (round + turn) % 2 === 0;
      pair[ours ? 0 : 1] = await (ours ? engine : floor)(1 + round);
    }
    if (round > 0) {
      engineMs.push(pair[0]);
      floorMs.push(pair[1]);
    }
  }
  return { engine_ms: engineMs, floor_ms: floorMs };
}

export async function measure({ rounds, engines, filter, large }, hear) {
  const cases = CASES.filter(([work]) => work.includes(filter));
  const ours = engines.filter((engine) => engine in LAYOUTS);
  const found = [];
  if (ours.length === 0 || cases.length === 0) return found;
  hear({ more: ours.length * cases.length + ROUND_TRIPS.length });
  await init({ module_or_path: fetch("/suite_bg.wasm") });
  const messages = await Messages.open(large);
  for (const [work, bytes, times, atOnce] of ROUND_TRIPS) {
    hear({ case: `messages: ${work}` });
    const trips = (bytes) => () => time(() => messages.roundTrips(bytes, times, atOnce));
    const measured = await pairs(rounds, trips(bytes), trips("none"));
    found.push({ engine: "messages", case: work, floor: "messages without bytes", goal: null, times, bytes: 0, ...measured });
    hear({ one: 1 });
  }
  for (const engine of ours) {
    const url = (place) => `opfs://${engine}-${place}?layout=${LAYOUTS[engine]}`;
    const elsewhere = new Elsewhere();
    await elsewhere.ask({ open: [url("worker"), large] });
    const bench = await Bench.open(url("page"), large);
    for (const [work, times, floor, goals] of cases) {
      const goal = typeof goals === "number" ? goals : (goals?.[engine] ?? null);
      if (floor === WORKER || goal !== null) {
        hear({ case: `${engine}: ${work}` });
        const run = (seed) => [work, times, seed];
        const here = (seed) => time(() => bench.run(...run(seed)));
        const byMessages = (seed) => time(() => messages.run(...run(seed)));
        const measured = await pairs(rounds, here, floor === WORKER ? (seed) => elsewhere.ask({ run: run(seed) }) : byMessages);
        const bytes = work.startsWith("stream") ? 1 << 20 : 0;
        found.push({ engine, case: work, floor, goal, times, bytes, ...measured });
      }
      hear({ one: 1 });
    }
    await bench.close();
    await elsewhere.ask({ close: true });
    await elsewhere.end();
  }
  await messages.close();
  return found;
}

// Runs an engine in the page, where it starts a worker of its own, and the same engine in a dedicated worker in turn, and tells how long each
// round took. The times of the second are taken in its worker.

import init, { Bench } from "/suite.js";
import { Elsewhere } from "/elsewhere_page.js";
import { time } from "/time.js";

const LAYOUTS = { "opfs-page": "tree", "packed-page": "packed" };

const FLOOR = "the same engine in a dedicated worker";

// The goals are ratios; none for what waits for each answer before it asks again, and pays a message for it.
const CASES = [
  ["files, a sync each", 20, 2],
  ["files, one sync", 100, 2],
  ["overwrites, a sync each", 100, 2],
  ["overwrites, one sync", 500, 2],
  ["reads, 64 at once", 3200, 2],
  ["reads", 500, null],
  ["stats", 500, null],
  ["stream read", 32, null],
  ["stream write", 32, null],
];

export async function measure({ rounds, engines, filter, large }, hear) {
  const cases = CASES.filter(([work]) => work.includes(filter));
  const ours = engines.filter((engine) => engine in LAYOUTS);
  const found = [];
  if (ours.length === 0 || cases.length === 0) return found;
  hear({ more: ours.length * cases.length });
  await init({ module_or_path: fetch("/suite_bg.wasm") });
  for (const engine of ours) {
    const url = (place) => `opfs://${engine}-${place}?layout=${LAYOUTS[engine]}`;
    const elsewhere = new Elsewhere();
    await elsewhere.ask({ open: [url("worker"), large] });
    const bench = await Bench.open(url("page"), large);
    for (const [work, times, goal] of cases) {
      hear({ case: `${engine}: ${work}` });
      const engineMs = [];
      const floorMs = [];
      // The first round is not counted; who begins changes from round to round.
      for (let round = 0; round <= rounds; round++) {
        const pair = [0, 0];
        for (let turn = 0; turn < 2; turn++) {
          const run = [work, times, 1 + round];
          const here = (round + turn) % 2 === 0;
          pair[here ? 0 : 1] = await (here ? time(() => bench.run(...run)) : elsewhere.ask({ run }));
        }
        if (round > 0) {
          engineMs.push(pair[0]);
          floorMs.push(pair[1]);
        }
      }
      const bytes = work.startsWith("stream") ? 1 << 20 : 0;
      found.push({ engine, case: work, floor: FLOOR, goal, times, bytes, engine_ms: engineMs, floor_ms: floorMs });
      hear({ one: 1 });
    }
    await bench.close();
    await elsewhere.ask({ close: true });
    await elsewhere.end();
  }
  return found;
}

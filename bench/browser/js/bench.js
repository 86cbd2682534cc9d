// Runs an engine and its floor in turn, in a dedicated worker, and tells how long each round took.

import init, { Bench } from "/suite.js";
import { IdbFloor, OpfsFloor } from "/floor.js";
import { time } from "/time.js";

const URLS = { opfs: "opfs://bench?layout=tree", packed: "opfs://packed?layout=packed", idb: "idb://bench" };

// The goals are ratios to the floor; none where the floor does something else than the same work.
const CASES = [
  ["opfs", "reads", 20000, "a synchronous access handle", 1.3],
  ["opfs", "overwrites", 5000, "a synchronous access handle", 1.3],
  ["opfs", "overwrites, a sync each", 100, "a synchronous access handle", 1.3],
  ["opfs", "stream read", 32, "a synchronous access handle", null],
  ["opfs", "stream write", 32, "a synchronous access handle", null],
  ["opfs", "files, a sync each", 20, "a file and a handle each", null],
  ["opfs", "files, one sync", 100, "a file and a handle each", null],
  ["opfs", "stats", 100, "getFileHandle and getFile", null],
  ["packed", "reads", 20000, "a synchronous access handle", 1.6],
  ["packed", "overwrites, one sync", 500, "a synchronous access handle", null],
  ["packed", "overwrites, a sync each", 100, "a synchronous access handle", null],
  ["packed", "stream read", 32, "a synchronous access handle", null],
  ["packed", "stream write", 32, "a synchronous access handle", null],
  ["packed", "files, a sync each", 20, "a file and a handle each", 0.35],
  ["packed", "files, one sync", 100, "a file and a handle each", 0.03],
  ["packed", "stats", 3000, "getFileHandle and getFile", null],
  ["idb", "overwrites, one sync", 500, "batched", 1.5],
  ["idb", "overwrites, a sync each", 30, "one transaction each", null],
  ["idb", "files, one sync", 500, "batched", 1.5],
  ["idb", "files, a sync each", 30, "one transaction each", null],
  ["idb", "reads", 300, "one transaction each", 1.3],
  ["idb", "reads", 300, "batched", null],
  ["idb", "stream read", 16, "batched", null],
  ["idb", "stream write", 16, "batched", null],
  ["idb", "stats", 3000, "one transaction each", null],
];

async function measure({ rounds, engines, filter, large }) {
  await init({ module_or_path: fetch("/suite_bg.wasm") });
  const cases = CASES.filter(([engine, work]) => engines.includes(engine) && work.includes(filter));
  const found = [];
  for (const engine of engines.filter((engine) => engine in URLS)) {
    const ofEngine = cases.filter(([of]) => of === engine);
    if (ofEngine.length === 0) continue;
    const bench = await Bench.open(URLS[engine], large);
    const floors =
      engine !== "idb"
        ? { opfs: await OpfsFloor.open(large, `floor of ${engine}`) }
        : { "one transaction each": await IdbFloor.open(large, false), batched: await IdbFloor.open(large, true) };
    for (const [, work, times, named, goal] of ofEngine) {
      postMessage({ done: found.length, all: cases.length, case: `${engine}: ${work}` });
      const floor = floors[named] ?? floors.opfs;
      const engineMs = [];
      const floorMs = [];
      // The first round is not counted; who begins changes from round to round.
      for (let round = 0; round <= rounds; round++) {
        const pair = [0, 0];
        for (let turn = 0; turn < 2; turn++) {
          const ours = (round + turn) % 2 === 0;
          const seed = 1 + round;
          pair[ours ? 0 : 1] = await time(() => (ours ? bench : floor).run(work, times, seed));
        }
        if (round > 0) {
          engineMs.push(pair[0]);
          floorMs.push(pair[1]);
        }
      }
      const bytes = work.startsWith("stream") ? 1 << 20 : 0;
      found.push({ engine, case: work, floor: named, goal, times, bytes, engine_ms: engineMs, floor_ms: floorMs });
    }
    await bench.close();
    for (const floor of Object.values(floors)) await floor.close();
  }
  return found;
}

onmessage = ({ data }) => {
  measure(data).then(
    (measurements) => postMessage({ measurements }),
    (error) => postMessage({ error: String(error?.stack ?? error) }),
  );
};

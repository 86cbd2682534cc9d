// Runs synchronous reads behind a bridge and their floor in turn, in a dedicated worker of a page that is isolated from other origins, and tells
// how long a usual one took in each round: three threads take part in it, and one that has to wait for a core says nothing of the bridge.

import init, { Bridged } from "/suite.js";
import { IdbFloor } from "/floor.js";
import { time } from "/time.js";

const ENGINE = "idb-bridged";
const BLOCK = 4096;

// What a synchronous read cannot do without: a get of its own, and a round trip to the worker that does it.
const BOTH = "a get and a round trip";
const GET = "a get";
const ROUND_TRIP = "a round trip";

// The goal is a ratio; none where a part of it alone is the floor. What is shorter than the clock can tell is done several times at a time.
const CASES = [
  ["reads", 300, 1, BOTH, 1.3],
  ["reads", 300, 1, GET, null],
  ["reads of one block", 50, 20, ROUND_TRIP, null],
];

// The mean of the middle half: where the clock has steps of 20 microseconds, as in Firefox, a median is one of them.
const usual = (values) => {
  const from = values.length >> 2;
  const middle = values.sort((a, b) => a - b).slice(from, values.length - from);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
};

// A worker that sends 4 KiB back through shared memory whenever it is woken by a message, as the one is that has the engine.
const ECHO = `self.onmessage = ({ data }) => {
  if (data) {
    self.words = new Int32Array(data, 0, 16);
    self.room = new Uint8Array(data, 64);
    self.postMessage("there");
    return;
  }
  self.room.set(self.room.slice(0, ${BLOCK}));
  Atomics.store(self.words, 0, 0);
  Atomics.notify(self.words, 0);
};`;

class Floor {
  static async open(bytes) {
    const floor = new Floor();
    floor.idb = await IdbFloor.open(bytes, false);
    floor.worker = new Worker(URL.createObjectURL(new Blob([ECHO], { type: "text/javascript" })));
    const buffer = new SharedArrayBuffer(64 + (64 << 10));
    const there = new Promise((resolve) => (floor.worker.onmessage = resolve));
    floor.worker.postMessage(buffer);
    await there;
    floor.words = new Int32Array(buffer, 0, 16);
    floor.room = new Uint8Array(buffer, 64);
    floor.bytes = new Uint8Array(BLOCK);
    return floor;
  }

  async run(named, times, seed) {
    if (named !== ROUND_TRIP) await this.idb.run("reads", times, seed);
    for (let i = 0; i < times && named !== GET; i++) {
      Atomics.store(this.words, 0, 1);
      this.worker.postMessage(null);
      Atomics.wait(this.words, 0, 1);
      this.bytes.set(this.room.subarray(0, BLOCK));
    }
  }

  async close() {
    this.worker.terminate();
    await this.idb.close();
  }
}

async function measure({ rounds, engines, filter, large }) {
  await init({ module_or_path: fetch("/suite_bg.wasm") });
  const cases = engines.includes(ENGINE) ? CASES.filter(([work]) => work.includes(filter)) : [];
  const found = [];
  if (cases.length === 0) return found;
  const bridged = await Bridged.open("idb://bridged", large);
  const floor = await Floor.open(large);
  for (const [work, times, together, named, goal] of cases) {
    postMessage({ done: found.length, all: cases.length, case: `${ENGINE}: ${work}` });
    const engineMs = [];
    const floorMs = [];
    // The first round is not counted; who begins changes from time to time.
    for (let round = 0; round <= rounds; round++) {
      const took = [[], []];
      for (let at = 0; at < times; at++) {
        // Odd, and spread over all numbers.
        const seed = Math.imul(round * times + at + 1, 0x9e3779b1) | 1;
        for (let turn = 0; turn < 2; turn++) {
          const ours = (at + turn) % 2 === 0;
          const ms = await time(() => (ours ? bridged.run(work, together, seed >>> 0) : floor.run(named, together, seed)));
          took[ours ? 0 : 1].push(ms);
        }
      }
      if (round > 0) {
        engineMs.push(usual(took[0]));
        floorMs.push(usual(took[1]));
      }
    }
    found.push({ engine: ENGINE, case: work, floor: named, goal, times: together, bytes: 0, engine_ms: engineMs, floor_ms: floorMs });
  }
  bridged.close();
  await floor.close();
  return found;
}

onmessage = ({ data }) => {
  measure(data).then(
    (measurements) => postMessage({ measurements }),
    (error) => postMessage({ error: String(error?.stack ?? error) }),
  );
};

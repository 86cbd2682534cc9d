// How long a location of the layout packed takes to open, each time in a dedicated worker that has just been started, and one byte of it to read:
// beside a file of OPFS, and after the end of its holder beside the same after a close.

import { Elsewhere } from "/elsewhere_page.js";

const ENGINE = "packed";
const FILES = 10000;
const RAW = "a file and a handle";

const url = (name) => `opfs://fresh-${name}?layout=packed`;

export async function measure({ rounds, engines, filter, large }, hear) {
  const found = [];
  const wanted = (name) => engines.includes(ENGINE) && name.includes(filter);
  const add = (name, floor, goal, pairs) => {
    const [engineMs, floorMs] = [0, 1].map((side) => pairs.map((pair) => pair[side]));
    found.push({ engine: ENGINE, case: name, floor, goal, times: 1, bytes: 0, engine_ms: engineMs, floor_ms: floorMs });
    hear({ one: 1 });
  };

  // What happens in a worker that is new each time.
  const inNew = async (...orders) => {
    const elsewhere = new Elsewhere();
    let ms = 0;
    for (const order of orders) ms = await elsewhere.ask(order);
    return [ms, elsewhere];
  };
  const afterwards = async ([ms, elsewhere]) => {
    await elsewhere.ask({ close: true });
    await elsewhere.end();
    return ms;
  };
  const reopened = (name, round) => inNew({ ready: true }, { reopen: [url(name), (round * 7919 * 4096) % large] });
  const raw = (round) => inNew({ ready: true }, { raw: ["floor of fresh", (round * 7919 * 4096) % large] });

  const first = [
    ["first byte, 64 MiB", "large", 0],
    ["first byte, 10,000 files", "many", FILES],
  ];
  for (const [name, location, files] of first) {
    if (!wanted(name)) continue;
    hear({ more: 1, case: `${ENGINE}: ${name}` });
    await afterwards(await inNew({ open: [url(location), files ? 1 << 20 : large] }, { files }));
    await afterwards(await inNew({ fill: ["floor of fresh", large] }));
    const pairs = [];
    for (let round = 0; round <= rounds; round++) {
      const pair = [await afterwards(await reopened(location, files ? 0 : round)), await afterwards(await raw(round))];
      if (round > 0) pairs.push(pair);
    }
    add(name, RAW, 3, pairs);
  }

  const name = "opening after a kill, 64 MiB";
  if (wanted(name)) {
    hear({ more: 1, case: `${ENGINE}: ${name}` });
    await afterwards(await inNew({ open: [url("killed"), large] }));
    const pairs = [];
    for (let round = 0; round <= rounds; round++) {
      const [, killed] = await inNew({ reopen: [url("killed"), 0] }, { run: ["overwrites, one sync", 100, round + 1] });
      await killed.end();
      const afterKill = await afterwards(await reopened("killed", round));
      const afterClose = await afterwards(await reopened("killed", round));
      if (round > 0) pairs.push([afterKill, afterClose]);
    }
    add(name, "after a close", 2, pairs);
  }
  return found;
}

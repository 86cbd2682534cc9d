// One contestant in a dedicated worker, which does what the page says and tells how long it took.

import { CONTESTANTS } from "/contestants.js";
import * as floor from "/floor.js";
import { time } from "/time.js";
import { SCHEMA, SETTINGS, Work } from "/work.js";

// Held until this worker ends.
const locked = new Promise((granted) => {
  navigator.locks.request(location.hash.slice(1), () => (granted(), new Promise(() => {})));
});

let database;
let work;

const open = async ({ contestant, counted }) => {
  if (counted) await import("/count.js");
  database = await (await CONTESTANTS[contestant].load())(counted);
};

const orders = {
  // Opens a database that is not there, and says with which settings.
  create: async (how) => {
    await open(how);
    await database.exec(SCHEMA);
    work = new Work(database, how.counts);
    const settings = {};
    for (const setting of SETTINGS) settings[setting] = String(await database.row(`PRAGMA ${setting}`));
    return { settings };
  },
  // Opens one that is there, and looks whether it has these rows.
  find: async (how) => {
    await open(how);
    return { rows: Number(await database.row("SELECT count(*) FROM small")) };
  },
  work: async (name) => ({ ms: await work.run(name, time) }),
  floor: async (times) => {
    const handle = await floor.open();
    const ms = await time(() => floor.run(handle, times));
    handle.close();
    return { ms };
  },
};

onmessage = async ({ data }) => {
  try {
    await locked;
    const [[order, value]] = Object.entries(data);
    postMessage(await orders[order](value));
  } catch (error) {
    postMessage({ error: `${error?.message ?? error}\n${error?.stack ?? ""}` });
  }
};

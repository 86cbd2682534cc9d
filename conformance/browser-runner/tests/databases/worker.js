// One task over the databases of one location. What becomes of it is told to the server, which has heard it when a call of `say` returns.

import init, { MirroredPlace, Place } from "/databases.js";

const LOCKED = "locked";

// How long a location may be held by whoever had it, in milliseconds.
const PATIENCE = 30_000;

// After so many keys it is said that there is progress.
const KEYS_AT_ONCE = 50_000;

let token;

function say(...words) {
  const request = new XMLHttpRequest();
  request.open("POST", "/said", false);
  request.send(JSON.stringify([token, ...words]));
  if (request.status !== 204) throw new Error(`nobody listens: ${request.status}`);
}

const next = () => new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data), { once: true }));

async function open(url, { mirrored }) {
  const start = performance.now();
  for (;;) {
    try {
      return await (mirrored ? MirroredPlace : Place).open(url);
    } catch (error) {
      if (!error.message.startsWith(LOCKED) || performance.now() - start > PATIENCE) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const databaseOf = (place, { journal }) => (journal ? place.ledger(journal) : place.keys());

const pause = () => new Promise((resolve) => setTimeout(resolve, 0));

const tasks = {
  // Numbered commits, until it is ended.
  async commit(place, options) {
    const database = databaseOf(place, options);
    const found = database.committed();
    const commit = (number) => (say("begins", number), database.commit(number));
    say("found", found);
    for (let number = found + 1; ; number++) {
      commit(number);
      if (options.mirrored) {
        // A commit over a mirror is durable after its sync, and a transaction may be made meanwhile.
        const synced = place.sync();
        if (options.ahead) {
          await pause();
          commit(number + 1);
          await synced;
          say("committed", number);
          number++;
          await place.sync();
        }
        await synced;
      }
      say("committed", number);
    }
  },
  check(place, options) {
    const database = databaseOf(place, options);
    const found = database.check();
    database.free();
    return found;
  },
  fill_keys(place, { count }) {
    const database = place.keys();
    for (let from = 0; from < count; from += KEYS_AT_ONCE) {
      database.fill(from, Math.min(count, from + KEYS_AT_ONCE));
      say("filled", from);
    }
    database.free();
  },
  check_keys(place, { count }) {
    const database = place.keys();
    database.check_keys(count);
    database.free();
  },
  fill_shop(place, { documents }) {
    const shop = place.shop();
    const times = [];
    let last = performance.now();
    const took = (what) => times.push([what, Math.round(performance.now() - last)]) && (last = performance.now());
    const all = shop.fill(documents);
    took("fill");
    shop.check(all);
    took("check");
    const pages = shop.pages();
    const left = shop.shrink(all);
    took("shrink");
    shop.check(left);
    took("check");
    shop.close();
    took("close");
    return { left, pages, times };
  },
  check_shop(place, { expected }) {
    const shop = place.shop();
    shop.check(expected);
    shop.close();
  },
  // Commits of a row each, once what a database does at first is done.
  async rows(place, { count }) {
    const shop = place.shop();
    shop.rows(3, 100).free();
    say("ready");
    await next();
    const { made } = shop.rows(count, 100);
    say("made", made);
    await next();
    shop.close();
  },
  // `reopens`: changes that were refused are pending until the location is opened again, and take part in every sync.
  async full(place, { ballast, reopens }, reopen) {
    await place.fill_file("ballast", ballast);
    let shop = place.shop();
    const refused = shop.rows(4_000_000, 50_000);
    const why = place.last_error();
    const kept = shop.count_rows();
    const again = shop.rows(1, 50_000);
    say("full", { made: refused.made, code: refused.code, why, kept, again: again.code });
    await next();
    if (reopens) {
      shop.free();
      place = await reopen();
    }
    await place.remove_file("ballast");
    if (reopens) shop = place.shop();
    // Browsers take a while to see that there is space.
    const start = performance.now();
    let after = 0;
    while (after < 10 && performance.now() - start < PATIENCE) {
      after += shop.rows(10 - after, 50_000).made;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const found = shop.count_rows();
    shop.close();
    return { made: after, found, why: after < 10 ? place.last_error() : null };
  },
};

async function run({ data: { number, task, url, options } }) {
  token = number;
  try {
    await init({ module_or_path: fetch("/databases_bg.wasm") });
    let place = await open(url, options);
    const reopen = async () => (await place.close(), (place = await open(url, options)));
    const done = await tasks[task](place, options, reopen);
    await place.close();
    say("done", done ?? null);
  } catch (error) {
    // A worker that is being ended cannot send any more.
    if (error.name !== "NetworkError") say("failed", `${task}, ${url}: ${error}`);
  }
}

addEventListener("message", run, { once: true });

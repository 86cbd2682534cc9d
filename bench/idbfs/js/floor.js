// The floor: the same bytes in IndexedDB with no file system at all. Small files lie together in pieces of 64 KiB, the large one is a piece of its
// own, everything that a sync has is one transaction, as relaxed as that of IDBFS.

import { Files, SMALL } from "/files.js";

const STORE = "pieces";
// So many small files are a piece.
const TOGETHER = 64;

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

export async function load({ files: small, large, changed }) {
  let database;
  let files;
  let pieces = new Map();
  const dirty = new Set();
  const read = [];
  const set = (key, bytes) => {
    pieces.set(key, bytes);
    dirty.add(key);
  };
  return {
    version: "plain IndexedDB",
    mount: async () => {
      const opening = indexedDB.open("floor");
      opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
      database = await done(opening);
    },
    prepare: (is_changed) => (files = new Files(small, large, is_changed ? changed : 0)),
    populate: async () => {
      const store = database.transaction(STORE).objectStore(STORE);
      const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
      pieces = new Map(keys.map((key, nth) => [key, values[nth]]));
    },
    sync: () =>
      new Promise((resolve, reject) => {
        const transaction = database.transaction(STORE, "readwrite", { durability: "relaxed" });
        const store = transaction.objectStore(STORE);
        for (const key of dirty) store.put(pieces.get(key), key);
        dirty.clear();
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
      }),
    write_small: () => {
      for (let first = 0; first < small; first += TOGETHER) {
        const last = Math.min(first + TOGETHER, small);
        set(first / TOGETHER, files.bytes.slice(first * SMALL, last * SMALL));
      }
    },
    write_large: () => set("large", files.large.slice()),
    change: () => {
      for (const number of files.change(changed)) {
        const key = Math.floor(number / TOGETHER);
        pieces.get(key).set(files.of(number), (number % TOGETHER) * SMALL);
        dirty.add(key);
      }
    },
    read_small: () => {
      for (let number = 0; number < small; number++) {
        const at = (number % TOGETHER) * SMALL;
        read.push(pieces.get(Math.floor(number / TOGETHER)).slice(at, at + SMALL));
      }
    },
    read_large: () => read.push(pieces.get("large").slice()),
    check: () => files.check(read),
  };
}

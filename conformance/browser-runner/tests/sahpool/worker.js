// Databases that SQLite's own pool of handles has made: copied to a pool of ours, and from there to another one of SQLite's, which opens them.

import sqlite from "/sqlite/index.js";
import init, { anystorage_copy_sahpool as copy } from "/suite.js";

const DATABASES = ["/plain.db", "/shop/or ders é %25 .db"];
const BROKEN = "/broken.db";

function fill(pool, path) {
  const database = new pool.OpfsSAHPoolDb(path);
  database.exec(`
    create table orders(id integer primary key, item text, price real);
    with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 20000)
      insert into orders select n, 'item ' || hex(n * 7919), n * 0.25 from numbers;
    create index items on orders(item);`);
  database.close();
}

function look(pool, path) {
  const database = new pool.OpfsSAHPoolDb({ filename: path, flags: "w" });
  const found = {
    integrity: database.selectValue("pragma integrity_check"),
    rows: database.selectValue("select count(*) from orders"),
    sum: database.selectValue("select sum(price) from orders where item like 'item 3%'"),
  };
  // It is not only read there.
  database.exec("insert into orders(item, price) values ('later', 1)");
  database.close();
  return found;
}

// Changes the digest of a header, and returns all bytes of the file, by which it is known again.
async function damage(directory, path) {
  const opaque = await (await (await navigator.storage.getDirectory()).getDirectoryHandle(directory)).getDirectoryHandle(".opaque");
  for await (const file of opaque.values()) {
    const handle = await file.createSyncAccessHandle();
    const bytes = new Uint8Array(handle.getSize());
    handle.read(bytes, { at: 0 });
    if (new TextDecoder().decode(bytes.subarray(0, 512)).split("\0")[0] === path) {
      bytes[520] ^= 1;
      handle.write(bytes, { at: 0 });
      handle.flush();
      handle.close();
      return [file, bytes];
    }
    handle.close();
  }
  throw new Error(`no file of ${path}`);
}

async function run() {
  await init({ module_or_path: fetch("/suite_bg.wasm") });
  const sqlite3 = await sqlite();
  const theirs = await sqlite3.installOpfsSAHPoolVfs({ name: "theirs", directory: "/theirs", initialCapacity: 8 });
  for (const path of [...DATABASES, BROKEN]) fill(theirs, path);
  theirs.pauseVfs();
  const [file, bytes] = await damage("theirs", BROKEN);
  const copied = JSON.parse(await copy("taken over", "/theirs", "/given back"));
  const after = new Uint8Array(await (await file.getFile()).arrayBuffer());
  const kept = after.length === bytes.length && after.every((byte, at) => byte === bytes[at]);
  const back = await sqlite3.installOpfsSAHPoolVfs({ name: "back", directory: "/given back", initialCapacity: 8 });
  const names = back.getFileNames().sort();
  await back.reserveMinimumCapacity(8);
  await theirs.unpauseVfs();
  return { copied, kept, names, version: sqlite3.version.libVersion, found: DATABASES.map((path) => [look(theirs, path), look(back, path)]) };
}

run().then(
  (done) => postMessage({ done }),
  (error) => postMessage({ error: `${error}\n${error.stack}` }),
);

// Who takes part. Each is loaded where it runs, and no other one. `kind`: ours, a peer as it comes, or one of its faster ways beside that.

const ours = (layout) => ({ kind: "ours", load: async () => (await import("/peers/ours.js")).open(layout) });
const sqliteWasm = (kind, pick) => ({ kind, load: async () => pick(await import("/peers/sqlite_wasm.js")) });
const waSqlite = (kind, name, log) => ({ kind, load: async () => (await import("/peers/wa_sqlite.js")).vfs(name, log) });

export const CONTESTANTS = {
  "anystorage, pool": ours("pool"),
  "anystorage, packed": ours("packed"),
  "sqlite-wasm, opfs-sahpool": sqliteWasm("peer", ({ sahpool }) => sahpool(false)),
  "sqlite-wasm, opfs": sqliteWasm("peer", ({ opfs }) => opfs),
  "wa-sqlite, OPFSCoopSync": waSqlite("peer", "OPFSCoopSyncVFS", false),
  "wa-sqlite, AccessHandlePool": waSqlite("peer", "AccessHandlePoolVFS", false),
  "sqlite-wasm, opfs-sahpool, WAL": sqliteWasm("faster", ({ sahpool }) => sahpool(true)),
  "wa-sqlite, AccessHandlePool, WAL": waSqlite("faster", "AccessHandlePoolVFS", true),
  "wa-sqlite, OPFSWriteAhead": waSqlite("faster", "OPFSWriteAheadVFS", false),
};

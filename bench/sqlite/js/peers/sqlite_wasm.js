// @sqlite.org/sqlite-wasm, by its object-oriented API.

import { AS_THEY_COME, WITH_LOG, number, spread, text } from "/work.js";

class Database {
  constructor(database) {
    this.database = database;
  }
  exec(sql) {
    this.database.exec(sql);
  }
  row(sql) {
    return this.database.selectArray(sql);
  }
  with(sql, work) {
    const statement = this.database.prepare(sql);
    try {
      return work(statement);
    } finally {
      statement.finalize();
    }
  }
  inserts(sql, count) {
    this.with(sql, (statement) => {
      for (let id = 1; id <= count; id++) statement.bind([id, number(id), text(id)]).stepReset();
    });
  }
  selects(sql, count, rows) {
    return this.with(sql, (statement) => {
      let sum = 0;
      for (let nth = 1; nth <= count; nth++) {
        statement.bind(1, spread(nth, rows));
        if (!statement.step()) throw new Error("a row is missing");
        sum += statement.getInt(0);
        statement.reset();
      }
      return sum;
    });
  }
  updates(sql, count, rows) {
    this.with(sql, (statement) => {
      for (let nth = 1; nth <= count; nth++) statement.bind([number(rows + nth), text(rows + nth), spread(nth, rows)]).stepReset();
    });
  }
  close() {
    this.database.close();
  }
}

const library = async (counted) => (await import(`${counted ? "/counted" : ""}/sqlite-wasm/index.mjs`)).default();

// The pool of handles, with a rollback journal as it comes, or a write-ahead log.
export const sahpool = (log) => async (counted) => {
  const pool = await (await library(counted)).installOpfsSAHPoolVfs({ initialCapacity: 6 });
  const database = new Database(new pool.OpfsSAHPoolDb("/bench.db"));
  database.exec(log ? WITH_LOG : AS_THEY_COME);
  return database;
};

// The one that needs shared memory, and has a worker of its own.
export const opfs = async (counted) => {
  const sqlite3 = await library(counted);
  if (!sqlite3.oo1.OpfsDb) throw new Error("the VFS `opfs` is not there");
  const database = new Database(new sqlite3.oo1.OpfsDb("/bench.db", "c"));
  database.exec(AS_THEY_COME);
  return database;
};

// @journeyapps/wa-sqlite in its synchronous build, by its API, in which each step may wait.

import factory from "/wa-sqlite/dist/wa-sqlite.mjs";
import * as SQLite from "/wa-sqlite/src/sqlite-api.js";
import { AS_THEY_COME, WITH_LOG, number, spread, text } from "/work.js";

class Database {
  constructor(sqlite3, database) {
    Object.assign(this, { sqlite3, database });
  }
  async exec(sql) {
    await this.sqlite3.exec(this.database, sql);
  }
  async row(sql) {
    let found;
    await this.sqlite3.exec(this.database, sql, (row) => (found ??= row));
    return found;
  }
  async with(sql, work) {
    for await (const statement of this.sqlite3.statements(this.database, sql)) return await work(statement);
  }
  async change(sql, count, bindings) {
    const { sqlite3 } = this;
    await this.with(sql, async (statement) => {
      for (let nth = 1; nth <= count; nth++) {
        sqlite3.bind_collection(statement, bindings(nth));
        await sqlite3.step(statement);
        await sqlite3.reset(statement);
      }
    });
  }
  async inserts(sql, count) {
    await this.change(sql, count, (id) => [id, number(id), text(id)]);
  }
  async selects(sql, count, rows) {
    const { sqlite3 } = this;
    return await this.with(sql, async (statement) => {
      let sum = 0;
      for (let nth = 1; nth <= count; nth++) {
        sqlite3.bind_int(statement, 1, spread(nth, rows));
        if ((await sqlite3.step(statement)) !== SQLite.SQLITE_ROW) throw new Error("a row is missing");
        sum += sqlite3.column_int(statement, 0);
        await sqlite3.reset(statement);
      }
      return sum;
    });
  }
  async updates(sql, count, rows) {
    await this.change(sql, count, (nth) => [number(rows + nth), text(rows + nth), spread(nth, rows)]);
  }
  async close() {
    await this.sqlite3.close(this.database);
  }
}

// A write-ahead log is what its documentation recommends for the pool of handles, in which nothing speaks against exclusive locking.
export const vfs = (name, log) => async () => {
  const [module, { [name]: Vfs }] = await Promise.all([factory(), import(`/wa-sqlite/src/examples/${name}.js`)]);
  const sqlite3 = SQLite.Factory(module);
  sqlite3.vfs_register(await Vfs.create(name, module), true);
  const database = new Database(sqlite3, await sqlite3.open_v2("bench.db"));
  await database.exec(log ? WITH_LOG : AS_THEY_COME);
  return database;
};

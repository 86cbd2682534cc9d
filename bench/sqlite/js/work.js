// The workloads: what is timed, and what must come out. Each contestant is asked by the same SQL; a statement is prepared once and bound for
// each row. `src/lib.rs` makes the same rows.

export const number = (id) => (id * 7919) % 1000003;
export const text = (id) => String(number(id)).repeat(12);
export const spread = (nth, rows) => 1 + ((nth * 7919) % rows);

const INSERT = (table) => `INSERT INTO ${table} VALUES (?1, ?2, ?3)`;
const SUMS = (table) => `SELECT count(*), coalesce(sum(number), 0), coalesce(sum(length(text)), 0) FROM ${table}`;

// Equal for all. What else there is each sets as its documentation says.
const EQUAL = "PRAGMA page_size = 4096; PRAGMA cache_size = -16384; PRAGMA temp_store = memory; PRAGMA synchronous = full;";

// For peers as they come, and with a write-ahead log, which needs exclusive locking before anything else where there is no shared memory.
export const AS_THEY_COME = EQUAL;
export const WITH_LOG = `PRAGMA locking_mode = exclusive; ${EQUAL} PRAGMA journal_mode = wal;`;

export const SETTINGS = ["page_size", "cache_size", "journal_mode", "locking_mode", "synchronous"];

const TABLE = (name) => `CREATE TABLE ${name} (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, text TEXT NOT NULL);`;
export const SCHEMA = `${TABLE("small")} ${TABLE("large")} CREATE INDEX large_number ON large (number);`;

function equal(found, expected, what) {
  if (String(found) !== String(expected)) throw new Error(`${what}: ${found}, and not ${expected}`);
}

const sums = (numbers) => {
  const texts = numbers.map((number) => String(number).length * 12);
  const sum = (values) => values.reduce((sum, value) => sum + value, 0);
  return [numbers.length, sum(numbers), sum(texts)];
};

export class Work {
  // Of each statement so many, and so many rows in the large table.
  constructor(database, { transactions, rows, selects, updates }) {
    Object.assign(this, { database, transactions, rows, selects, updates });
    this.large = Array.from({ length: rows }, (_, at) => number(at + 1));
  }

  // Runs a workload: `time` is given what is timed.
  async run(name, time) {
    const { database, transactions, rows } = this;
    switch (name) {
      case "transactions": {
        const ms = await time(() => database.inserts(INSERT("small"), transactions));
        await this.check("small", sums(Array.from({ length: transactions }, (_, at) => number(at + 1))));
        return ms;
      }
      case "inserts": {
        const ms = await time(() => this.within(() => database.inserts(INSERT("large"), rows)));
        await this.check("large", sums(this.large));
        return ms;
      }
      case "selects": {
        let found = 0;
        const ms = await time(async () => {
          found = await database.selects("SELECT number FROM large WHERE id = ?1", this.selects, rows);
        });
        let expected = 0;
        for (let nth = 1; nth <= this.selects; nth++) expected += this.large[spread(nth, rows) - 1];
        equal(found, expected, "the sum of what was selected");
        return ms;
      }
      case "updates": {
        const sql = "UPDATE large SET number = ?1, text = ?2 WHERE id = ?3";
        const ms = await time(() => this.within(() => database.updates(sql, this.updates, rows)));
        for (let nth = 1; nth <= this.updates; nth++) this.large[spread(nth, rows) - 1] = number(rows + nth);
        await this.check("large", sums(this.large));
        return ms;
      }
      case "vacuum": {
        await database.exec("DELETE FROM large WHERE id % 3 = 0");
        const ms = await time(() => database.exec("VACUUM"));
        await this.check("large", sums(this.large.filter((_, at) => (at + 1) % 3 !== 0)));
        equal(await database.row("PRAGMA freelist_count"), 0, "free pages");
        equal(await database.row("PRAGMA integrity_check"), "ok", "integrity_check");
        return ms;
      }
      case "close":
        return await time(() => database.close());
      default:
        throw new Error(`no workload is called ${name}`);
    }
  }

  async within(work) {
    await this.database.exec("BEGIN");
    await work();
    await this.database.exec("COMMIT");
  }

  async check(table, expected) {
    equal(await this.database.row(SUMS(table)), expected, `count and sums of ${table}`);
  }
}

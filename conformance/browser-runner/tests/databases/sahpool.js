// Commits of a row each in SQLite's own pool of handles, with the settings that it has by itself.

import sqlite from "/sqlite/index.js";

let token;

function say(...words) {
  const request = new XMLHttpRequest();
  request.open("POST", "/said", false);
  request.send(JSON.stringify([token, ...words]));
}

const next = () => new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data), { once: true }));

async function run({ data: { number, options } }) {
  token = number;
  try {
    const sqlite3 = await sqlite();
    const pool = await sqlite3.installOpfsSAHPoolVfs({ name: "theirs", directory: "/theirs" });
    const database = new pool.OpfsSAHPoolDb("/rows.db");
    database.exec("create table rows (id integer primary key, data blob)");
    const insert = () => database.exec("insert into rows (data) values (zeroblob(100))");
    for (let row = 0; row < 3; row++) insert();
    say("ready", [database.selectValue("pragma journal_mode"), database.selectValue("pragma synchronous")]);
    await next();
    for (let row = 0; row < options.count; row++) insert();
    say("made", database.selectValue("select count(*) from rows") - 3);
  } catch (error) {
    say("failed", String(error));
  }
}

addEventListener("message", run, { once: true });

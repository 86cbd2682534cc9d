// The list of files, and what is done to them.

import { confirm, rename } from "./dialogs.js";
import { show, typeOf } from "./preview.js";
import { bytes, counted, moment } from "./words.js";

const part = (id) => document.getElementById(id);
const say = (text) => (part("status").textContent = text);

// An anchor's download reads the blob after the click.
const READING = 60_000;

let storage;
let isLasting = true;
let changed = () => {};

// One thing at a time: what is shown is what is there.
let last = Promise.resolve();
function inTurn(work) {
  const done = last.then(work);
  last = done.catch(() => {});
  return done;
}

// Does something with the location that is open now, which stays open until it is done. Says what failed; nothing is thrown any further.
async function attempt(what, work) {
  const here = storage;
  part("files").setAttribute("aria-busy", "true");
  try {
    await inTurn(() => work(here));
  } catch (error) {
    say(`${what} did not work. ${error.message}`);
    part("status").dataset.detail = error.detail ?? "";
    if (error instanceof TypeError || error instanceof ReferenceError) {
      // A mistake of the page's own.
      reportError(error);
    }
  } finally {
    part("files").removeAttribute("aria-busy");
  }
}

export function wire(onChange) {
  changed = onChange;
  part("upload").addEventListener("change", ({ target }) => {
    const files = [...target.files];
    target.value = "";
    add(files);
  });
  part("sample").addEventListener("click", () => add([sample()]));
  const drop = part("drop");
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    add([...event.dataTransfer.files]);
  });
}

// Shows the files of another location, which outlives the page or does not; of none if it is undefined.
export async function use(opened, lasting = true) {
  storage = opened;
  isLasting = lasting;
  part("upload").disabled = part("sample").disabled = !opened;
  part("drop").classList.toggle("off", !opened);
  if (opened) {
    await attempt("Listing the files", draw);
  } else {
    part("list").replaceChildren();
    part("empty").hidden = true;
    part("files-count").textContent = "";
  }
}

// Waits until nothing is under way, and keeps the rest waiting until `work` is done.
export const alone = (work) => inTurn(work);

function sample() {
  const where = isLasting ? "It is kept in this browser. Reload the page: it is still here." : "It is gone when the page is reloaded.";
  const text = `A note, written ${moment(Date.now())}.\n\n${where}\n`;
  return new File([text], "note.txt", { type: "text/plain" });
}

async function add(files) {
  if (!storage || files.length === 0) {
    return;
  }
  const there = new Set([...part("list").children].map(({ dataset }) => dataset.name));
  for (const file of files) {
    if (there.has(file.name)) {
      const text = "The old one is gone then. It is replaced whole, or not at all.";
      if (!(await confirm({ title: `Replace ${file.name}?`, text, yes: "Replace" }))) {
        continue;
      }
    }
    await attempt(`Saving ${file.name}`, async (here) => {
      say(`Saving ${file.name} …`);
      await here.write(file.name, new Uint8Array(await file.arrayBuffer()));
      await here.sync();
      await draw(here);
      say(`${file.name} is saved.`);
    });
  }
}

const preview = (name) => attempt(`Opening ${name}`, async (here) => show(name, await here.read(name)));

const download = (name) =>
  attempt(`Downloading ${name}`, async (here) => {
    const url = URL.createObjectURL(new Blob([await here.read(name)], { type: typeOf(name) }));
    const anchor = document.createElement("a");
    anchor.href = url;
    anchor.download = name;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(url), READING);
    say(`${name} is on its way to your downloads.`);
  });

async function renamed(name) {
  const here = storage;
  let current = name;
  await rename(name, (wanted) =>
    inTurn(async () => {
      await here.rename(name, wanted);
      await here.sync();
      current = wanted;
      await draw(here);
      say(current === name ? `${name} keeps its name.` : `${name} is now ${current}.`);
    }),
  );
  focusOn(current, "rename");
}

async function remove(name, position) {
  if (!(await confirm({ title: `Delete ${name}?`, text: "It cannot be brought back.", yes: "Delete" }))) {
    focusOn(name, "delete");
    return;
  }
  await attempt(`Deleting ${name}`, async (here) => {
    await here.remove(name);
    await here.sync();
    await draw(here);
    say(`${name} is deleted.`);
  });
  const rows = part("list").children;
  const next = rows[Math.min(position, rows.length - 1)];
  (next?.querySelector("button") ?? part("files")).focus();
}

function focusOn(name, action) {
  const row = [...part("list").children].find(({ dataset }) => dataset.name === name);
  row?.querySelector(`[data-action="${action}"]`)?.focus();
}

async function draw(here) {
  const entries = (await here.list("")).filter(({ kind }) => kind === "file");
  if (here !== storage) {
    return;
  }
  const rows = entries.map((entry, position) => row(entry, position));
  part("list").replaceChildren(...rows);
  part("empty").hidden = rows.length > 0;
  part("empty").textContent = isLasting
    ? "Nothing is kept here yet. Add a file, then reload the page."
    : "Nothing is here. What you add is gone when the page is reloaded.";
  const all = entries.reduce((sum, { len }) => sum + len, 0);
  part("files-count").textContent = rows.length === 0 ? "" : `${counted(rows.length, "file")}, ${bytes(all)}`;
  changed();
}

function row({ name, len, modified }, position) {
  const row = document.createElement("li");
  row.dataset.name = name;
  const about = document.createElement("div");
  about.className = "about";
  const open = button(name, "preview", `Preview ${name}`, () => preview(name));
  open.className = "name";
  const small = document.createElement("span");
  small.className = "quiet";
  small.textContent = modified === null ? bytes(len) : `${bytes(len)}, ${moment(modified)}`;
  about.append(open, small);
  const actions = document.createElement("div");
  actions.className = "actions";
  actions.append(
    button("Download", "download", `Download ${name}`, () => download(name)),
    button("Rename", "rename", `Rename ${name}`, () => renamed(name)),
    button("Delete", "delete", `Delete ${name}`, () => remove(name, position)),
  );
  row.append(about, actions);
  return row;
}

function button(text, action, label, click) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.dataset.action = action;
  button.setAttribute("aria-label", label);
  button.addEventListener("click", click);
  return button;
}

// Which engine, why, and what it keeps: chosen and told.

import { ENGINES, choose, chosen, nameOf } from "./engines.js";
import { bytes, lasts, why } from "./words.js";

const part = (id) => document.getElementById(id);

export function wire(reopen) {
  const now = chosen();
  for (const engine of ENGINES) {
    const label = document.createElement("label");
    label.className = "option";
    const input = document.createElement("input");
    input.type = "radio";
    input.name = "engine";
    input.value = engine.id;
    input.checked = engine === now;
    input.addEventListener("change", () => {
      choose(engine);
      reopen();
    });
    const title = document.createElement("span");
    title.className = "option-title";
    title.textContent = engine.title;
    const about = document.createElement("span");
    about.className = "quiet";
    about.textContent = engine.about;
    label.append(input, title, about);
    part("engines").append(label);
  }
  part("again").addEventListener("click", reopen);
  part("persist").addEventListener("click", async () => {
    const granted = await navigator.storage.persist();
    await space();
    if (!granted) {
      part("fact-kept").textContent = "The browser said no for now. It may say yes once you use this page more often, or have bookmarked it.";
    }
  });
}

// Nothing is open yet, or nothing any more.
export function waiting() {
  part("refused").hidden = true;
  part("facts").hidden = true;
}

export async function opened(info, engine) {
  part("refused").hidden = true;
  part("fact-engine").textContent = nameOf(info.opened);
  part("fact-url").textContent = info.opened;
  part("fact-lasts").textContent = lasts(info);
  part("fact-why").textContent = why(info, engine);
  part("fact-tried").replaceChildren(...info.refusals.map(attempt));
  part("fact-kept-row").hidden = info.durability === "none";
  part("facts").hidden = false;
  await space();
}

function attempt({ url, message, detail }) {
  const item = document.createElement("li");
  const more = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = "What the engine says";
  const said = document.createElement("p");
  said.className = "detail";
  said.textContent = detail;
  more.append(summary, said);
  item.append(`${nameOf(url)}: ${message}`, more);
  return item;
}

export function refused(error) {
  part("facts").hidden = true;
  part("refused-text").textContent = error.message;
  part("refused-detail").textContent = error.detail ?? "";
  part("refused").hidden = false;
}

// What the browser tells of the whole site. It rounds, and in some browsers counts late.
export async function space() {
  const storage = navigator.storage;
  const told = await storage?.estimate?.().catch(() => undefined);
  if (told?.quota) {
    part("fact-space").textContent = `This site uses about ${bytes(told.usage ?? 0)}. The browser lets it have about ${bytes(told.quota)}.`;
  }
  const persisted = await storage?.persisted?.().catch(() => undefined);
  part("persist").hidden = persisted !== false || !storage.persist;
  const kept = persisted ? "The browser keeps it until you clear it." : "When the disk is short of space, the browser may clear it.";
  part("fact-kept").textContent = persisted === undefined ? "The browser does not tell whether it may clear it." : kept;
}

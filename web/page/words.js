// Figures and facts in words.

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

export function bytes(count) {
  let unit = 0;
  let figure = count;
  while (figure >= 1000 && unit < UNITS.length - 1) {
    figure /= 1000;
    unit += 1;
  }
  if (unit === 0) {
    return count === 1 ? "1 byte" : `${count} bytes`;
  }
  return `${figure.toLocaleString("en", { maximumFractionDigits: figure < 10 ? 1 : 0 })} ${UNITS[unit]}`;
}

export const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

export function moment(milliseconds) {
  return new Date(milliseconds).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

const LASTS = {
  none: "Not at all: it is gone when this page is reloaded or closed.",
  process: "What was saved outlives reloads, restarts and crashes of the browser. Of power cuts no browser promises anything.",
  "power loss": "What was saved outlives power cuts.",
};

export function lasts({ durability, atomic_sync: atomicSync }) {
  const half = atomicSync ? " A crash never leaves half of a change." : "";
  return `${LASTS[durability] ?? durability}${half}`;
}

export function why({ tried }, engine) {
  if (engine.urls.length === 1) {
    return "You chose it.";
  }
  return tried.length === 0 ? "It is the first on the list, and works here." : "It works here. What comes before it on the list does not.";
}

export const LINES = [
  "A sync makes one file, or everything, last",
  "What was not synced is bounded",
  "A sync is one point: never half of it",
  "Replacing a file is all or nothing",
  "Reads see every earlier write",
  "Calls keep their order",
  "One holder: a second tab is told at once",
  "No space is told, and nothing is lost",
  "Damage is told, never passed off as data",
  "What is open, and why, can be asked",
  "After a failed flush nothing is glossed over",
  "Open files follow renames and removals",
];

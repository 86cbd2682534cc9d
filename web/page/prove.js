// The suite in this browser, and what it found.

import { nameOf } from "./engines.js";
import { LINES, counted } from "./words.js";

const part = (id) => document.getElementById(id);

// One run at a time in all tabs: each removes what runs before it have left.
const LOCK = "anystorage-demo proof";

// So that a screen reader is told now and then, not three hundred times.
const TOLD_EVERY = 50;

let running = false;

export const isRunning = () => running;

// Removes what a run has left whose page was reloaded meanwhile, as soon as that page is really gone.
export const tidy = (sweep) => navigator.locks?.request(LOCK, sweep).catch(() => {});

export function wire(run, opened) {
  part("prove").addEventListener("click", async () => {
    const url = opened();
    if (url === undefined || running) {
      return;
    }
    running = true;
    part("prove").disabled = true;
    part("proof").hidden = true;
    try {
      await alone(url, () => prove(run, url));
    } catch (error) {
      tell(`It did not come to an end. ${error.message}`);
    } finally {
      running = false;
      part("prove").disabled = opened() === undefined;
      part("prove-progress").hidden = true;
    }
  });
}

function alone(url, work) {
  // Memory leaves nothing behind, and where a site gets no storage it gets no locks either.
  if (!navigator.locks || url.startsWith("memory:")) {
    return work();
  }
  return navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => {
    if (lock) {
      return work();
    }
    tell("Another tab is proving it just now. Try again when that one is done.");
  });
}

const tell = (text) => (part("prove-status").textContent = text);

async function prove(run, url) {
  const bar = part("prove-progress");
  bar.hidden = false;
  bar.removeAttribute("value");
  tell("Beginning …");
  let failed = 0;
  const start = performance.now();
  const report = await run(url, ({ done, all, status }) => {
    bar.max = all;
    bar.value = done;
    failed += status === "failed" ? 1 : 0;
    if (done % TOLD_EVERY === 0) {
      tell(`${done} of ${all} cases, ${failed === 0 ? "none failed so far" : `${failed} failed`}`);
    }
  });
  const seconds = Math.round((performance.now() - start) / 1000);
  const { passed, failed: broken, skipped } = report;
  const verdict = broken === 0 ? `All ${counted(passed, "case")} that ran here passed` : `${counted(broken, "case")} failed, ${passed} passed`;
  tell(`${verdict}, ${skipped} were left out. It took ${counted(seconds, "second")}.`);
  const [engine] = report.engines;
  part("proof").replaceChildren(matrix(engine, report, nameOf(url)), ...failures(engine), ...omissions(engine));
  part("proof").hidden = false;
}

function matrix({ url, cases }, report, name) {
  const table = element("table", "matrix");
  table.id = "matrix";
  Object.assign(table.dataset, { url, passed: report.passed, failed: report.failed, skipped: report.skipped });
  const caption = element("caption");
  caption.textContent = `The contract, line by line, on ${name}`;
  const head = element("tr");
  for (const [text, kind] of [["Promise", ""], ["Passed", "figure"], ["Failed", "figure"], ["Left out", "figure"]]) {
    head.append(cell("th", kind, text, "col"));
  }
  const body = element("tbody");
  LINES.forEach((promise, index) => {
    const count = (status) => cases.filter((found) => found.line === index + 1 && found.status === status).length;
    body.append(lineOf(`${index + 1}. ${promise}`, count("passed"), count("failed"), count("skipped")));
  });
  const foot = element("tfoot");
  foot.append(lineOf("All", report.passed, report.failed, report.skipped));
  const top = element("thead");
  top.append(head);
  table.append(caption, top, body, foot);
  return table;
}

function lineOf(title, passed, failed, skipped) {
  const row = element("tr");
  // In words and signs, not by colour alone.
  const [state, sign] = failed > 0 ? ["bad", "✗"] : passed > 0 ? ["good", "✓"] : ["none", "–"];
  row.dataset.state = state;
  const name = cell("th", "", "", "row");
  const mark = element("span", "sign", sign);
  mark.setAttribute("aria-hidden", "true");
  name.append(mark, ` ${title}`);
  row.append(name, cell("td", "figure", passed), cell("td", "figure", failed), cell("td", "figure", skipped));
  return row;
}

function failures({ cases }) {
  const failed = cases.filter(({ status }) => status === "failed");
  if (failed.length === 0) {
    return [];
  }
  const list = element("ul", "failures");
  for (const { name, line, detail } of failed) {
    const details = element("details");
    details.append(element("summary", "", `${name} (line ${line})`), element("pre", "", detail));
    const item = element("li");
    item.append(details);
    list.append(item);
  }
  return [element("h3", "", "What failed"), list];
}

function omissions({ cases }) {
  const reasons = new Map();
  for (const { status, detail } of cases) {
    if (status === "skipped") {
      reasons.set(detail, (reasons.get(detail) ?? 0) + 1);
    }
  }
  if (reasons.size === 0) {
    return [];
  }
  const list = element("ul");
  for (const [why, count] of reasons) {
    list.append(element("li", "", `${counted(count, "case")}: ${why.replace(/^not offered: /, "the engine, or this page, does not offer ")}`));
  }
  const details = element("details");
  details.append(element("summary", "", "Why cases were left out"), list);
  return [details];
}

function cell(name, kind, text, scope) {
  const made = element(name, kind, text);
  if (scope) {
    made.scope = scope;
  }
  return made;
}

function element(name, className = "", text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

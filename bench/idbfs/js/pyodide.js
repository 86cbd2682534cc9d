// Pyodide's IDBFS, which is Emscripten's: its file system is JavaScript, and so is what is asked of it.

import { loadPyodide, version } from "/pyodide/pyodide.mjs";
import { DIRECTORY, Files } from "/files.js";

const POINT = "/persistent";
const directoryOf = (number) => `${POINT}/${Math.floor(number / DIRECTORY)}`;
const pathOf = (number) => `${directoryOf(number)}/${number}`;
const LARGE = `${POINT}/large`;

export async function load({ files: small, large, changed }) {
  const { FS } = await loadPyodide({ indexURL: "/pyodide/" });
  const syncfs = (populate) =>
    new Promise((resolve, reject) => FS.syncfs(populate, (error) => (error ? reject(new Error(`syncfs: ${error}`)) : resolve())));
  let files;
  const read = [];
  return {
    version: `pyodide ${version}`,
    mount: () => {
      FS.mkdir(POINT);
      FS.mount(FS.filesystems.IDBFS, {}, POINT);
    },
    prepare: (is_changed) => (files = new Files(small, large, is_changed ? changed : 0)),
    populate: () => syncfs(true),
    sync: () => syncfs(false),
    write_small: () => {
      for (let number = 0; number < small; number++) {
        if (number % DIRECTORY === 0) FS.mkdir(directoryOf(number));
        FS.writeFile(pathOf(number), files.of(number));
      }
    },
    write_large: () => FS.writeFile(LARGE, files.large),
    change: () => {
      for (const number of files.change(changed)) FS.writeFile(pathOf(number), files.of(number));
    },
    read_small: () => {
      for (let number = 0; number < small; number++) read.push(FS.readFile(pathOf(number)));
    },
    read_large: () => read.push(FS.readFile(LARGE)),
    check: () => files.check(read),
  };
}

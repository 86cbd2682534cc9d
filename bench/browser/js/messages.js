// What messages cost between a page and its dedicated worker, in plain JavaScript: by themselves, and as the way to a file of OPFS that the
// worker has open. The worker is `messages_worker.js`.

import { Random } from "/floor.js";

const BLOCK = 4096;
const AT_ONCE = 64;

export class Messages {
  #worker = new Worker("/messages_worker.js", { type: "module" });
  #waiting = [];

  static async open(bytes) {
    const messages = new Messages();
    const worker = messages.#worker;
    const [ready, failed] = [messages.#next(), new Promise((_, reject) => (worker.onerror = ({ message }) => reject(new Error(message))))];
    worker.onmessage = ({ data }) => messages.#waiting.shift()(data?.error ? Promise.reject(new Error(data.error)) : data);
    worker.postMessage({ open: bytes });
    await Promise.race([ready, failed]);
    messages.blocks = Math.ceil(bytes / BLOCK);
    return messages;
  }

  #next() {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #ask(message, handed = []) {
    this.#worker.postMessage(message, handed);
    return this.#next();
  }

  // Messages that are answered with what they bring, one after the other or many at once.
  async roundTrips(bytes, times, atOnce) {
    const ask = {
      none: () => this.#ask(null),
      copied: () => this.#ask(new Uint8Array(BLOCK)),
      "handed over": () => {
        const buffer = new ArrayBuffer(BLOCK);
        return this.#ask(buffer, [buffer]);
      },
    }[bytes];
    const together = atOnce ? AT_ONCE : 1;
    for (let asked = 0; asked < times; asked += together) await Promise.all(Array.from({ length: together }, ask));
  }

  // The same work as an engine's in the page: each step a message, which the worker does on its handle and answers.
  async run(work, times, seed) {
    const random = new Random(seed);
    const at = () => random.block(this.blocks) * BLOCK;
    const data = new Uint8Array(BLOCK).fill(0x5a);
    const buffer = new Uint8Array(BLOCK);
    for (let i = 0; i < times; i++) {
      if (work === "reads") buffer.set(await this.#ask({ read: BLOCK, at: at() }));
      else await this.#ask({ write: data, at: at(), flush: work === "overwrites with their syncs" });
    }
    if (work === "overwrites, one sync") await this.#ask({ flush: true });
  }

  async close() {
    await this.#ask({ close: true });
    this.#worker.terminate();
  }
}

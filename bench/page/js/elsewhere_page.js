// A dedicated worker, asked from the page. Its script holds the Web Lock that the fragment of its URL names until it ends, and answers each
// message with `ms`, and maybe more, or with `error`.

export class Elsewhere {
  #lock = `bench:${crypto.randomUUID()}`;
  #worker;

  constructor(script = "/elsewhere.js") {
    this.#worker = new Worker(`${script}#${this.#lock}`, { type: "module" });
  }

  // How long it took.
  async ask(order) {
    return (await this.answer(order)).ms;
  }

  // All that the worker says.
  answer(order) {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
      this.#worker.onerror = ({ message }) => reject(new Error(`the worker could not be started: ${message}`));
      this.#worker.postMessage(order);
    });
  }

  // Ends it, and waits until the browser has let go of what it had.
  async end() {
    this.#worker.terminate();
    await navigator.locks.request(this.#lock, () => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

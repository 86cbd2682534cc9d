// A dedicated worker that runs an engine, asked from the page.

export class Elsewhere {
  #lock = `bench:${crypto.randomUUID()}`;
  #worker = new Worker(`/elsewhere.js#${this.#lock}`, { type: "module" });

  ask(order) {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.ms));
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

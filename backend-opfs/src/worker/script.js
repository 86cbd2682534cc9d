// The worker that the engine starts where there are no synchronous access handles. Everything is done in the order in which it was sent.
// What is said is told in worker/mod.rs.
'use strict';

(() => {
  // The page asks for the same number: a copy of this file may be older.
  const VERSION = 3;

  // In bytes, what is handed over by a message instead of copied: below it, handing over takes longer.
  const MUCH = 1 << 12;

  // In bytes, a buffer that small results share: by itself each takes longer to hand over than to read.
  const SHARED = 1 << 19;

  // In bytes, how much of a file is copied at once.
  const COPIED_AT_ONCE = 1 << 20;

  const NO_BYTES = new Uint8Array(0);

  const describe = (error) => [String(error?.name ?? 'Error'), String(error?.message ?? error)];

  // Files that are open, by the number that the page gave them.
  const handles = new Map();

  // What the message brought that is being answered, and how far its calls have come with it.
  let bytes, objects, taken, left;

  const object = () => objects.shift();
  const data = (len) => (len < 0 ? object() : bytes.subarray(taken, (taken += len)));

  // In number, the buffers that wait to be used.
  const MOST_SPARE = 4;

  // Where replies go, how much of each buffer is used, and those that are used next.
  let buffers, used;
  const spares = [];

  const room = (len) => {
    let last = buffers.at(-1);
    if (!last || last.byteLength - used.at(-1) < len) {
      // What little there is would be handed over with all of a buffer.
      const spare = len * left >= MUCH ? spares.pop() : undefined;
      last = new Uint8Array(spare?.byteLength >= len ? spare : Math.min(Math.max(SHARED, len), len * left));
      buffers.push(last);
      used.push(0);
    }
    return last.subarray(used.at(-1), used.at(-1) + len);
  };
  const replied = (len) => ((used[used.length - 1] += len), len);

  const counted = (count) => {
    if (!(count >= 0)) throw new Error(`the browser gave ${count} as a count`);
    return count;
  };

  // Fills the buffer from a place on, as far as the file goes; how much that is.
  const fill = (handle, buffer, at) => {
    let filled = 0;
    while (filled < buffer.byteLength) {
      const wanted = buffer.byteLength - filled;
      const read = handle.read(filled ? buffer.subarray(filled) : buffer, { at: at + filled });
      if (!(read >= 0 && read <= wanted)) throw new Error(`the browser gave ${read} as the count of a read of ${wanted} bytes`);
      if (read === 0) break;
      filled += read;
    }
    return filled;
  };

  // The module of the page, once more and with a memory of its own. Of what it imports there are only the calls below: what is used here
  // asks for nothing else. Where the browser throws, they answer NaN, and `thrown` tells what it was.
  let module = null;
  let thrown = '';

  // What a panic of the module said.
  let panic;

  const guarded = (call) => {
    try {
      return call();
    } catch (error) {
      thrown = describe(error).join('\n');
      return NaN;
    }
  };
  const memory = (place, len) => new Uint8Array(module.memory.buffer, place >>> 0, len >>> 0);
  const offered = {
    anystorageopfssize: () => guarded(() => module.handle.getSize()),
    anystorageopfsread: (at, place, len) => guarded(() => module.handle.read(memory(place, len), { at })),
    anystorageopfswrite: (at, place, len) => guarded(() => module.handle.write(memory(place, len), { at })),
    anystorageopfstruncate: (len) => guarded(() => (module.handle.truncate(len), 0)),
    anystorageopfsflush: () => guarded(() => (module.handle.flush(), 0)),
    anystorageopfspanicked: (place, len) => void (panic = new TextDecoder().decode(memory(place, len))),
    anystorageopfsthrown: (place, len) => new TextEncoder().encodeInto(thrown, memory(place, len)).written,
  };

  const plain = (name) => name.toLowerCase().replaceAll('_', '');

  const instantiate = async (compiled, handle) => {
    const imports = {};
    for (const { module: from, name, kind } of WebAssembly.Module.imports(compiled)) {
      if (kind !== 'function' && kind !== 'tag') {
        throw new Error(`the module imports its ${kind}: one that shares memory between threads cannot be used here`);
      }
      const call = Object.keys(offered).find((call) => plain(name).includes(call));
      const absent = () => {
        throw new Error(`${name} is not there in the engine's worker`);
      };
      imports[from] ??= {};
      imports[from][name] = kind === 'tag' ? WebAssembly.JSTag : call ? offered[call] : absent;
    }
    const { exports } = await WebAssembly.instantiate(compiled, imports);
    const exported = (wanted) => {
      const name = Object.keys(exports).find((name) => plain(name) === wanted);
      if (!name) throw new Error(`the module has no ${wanted}`);
      return exports[name];
    };
    module = { handle, memory: exports.memory, room: exported('anystorageopfsroom'), serve: exported('anystorageopfsserve') };
  };

  // A request in, a reply out. If the module throws, what it holds is in doubt, as after a kill: whoever opens the location next begins with what
  // is stored.
  class Died extends Error {}

  const serve = (request) => {
    panic = undefined;
    try {
      // Whatever the module does may give its memory another buffer.
      const into = module.room(request.byteLength);
      memory(into, request.byteLength).set(request);
      const len = module.serve();
      const from = module.room(len);
      room(len).set(memory(from, len));
      return replied(len);
    } catch (error) {
      throw new Died(`${error?.name}: ${error?.message ?? error}`);
    }
  };

  const end = () => {
    try {
      for (const handle of handles.values()) handle.close();
    } finally {
      handles.clear();
      self.close();
    }
  };

  // The page has the same list, by names: Call.
  const calls = [
    // Nothing, in its turn.
    () => {},
    // A lock, held until this worker ends, however it ends: so the page learns of it.
    () =>
      new Promise((granted, refused) => {
        const held = () => {
          granted();
          return new Promise(() => {});
        };
        navigator.locks.request(object(), held).catch(refused);
      }),
    // Open.
    async (id) => {
      handles.set(id, await object().createSyncAccessHandle());
    },
    // Close.
    (id) => {
      handles.get(id)?.close();
      handles.delete(id);
    },
    // Size.
    (id) => counted(handles.get(id).getSize()),
    // Read. The file is asked for its size only where much may be too much.
    (id, at, len) => {
      const handle = handles.get(id);
      const most = len > SHARED / 8 ? Math.max(0, Math.min(len, handle.getSize() - at)) : len;
      return replied(fill(handle, room(most), at));
    },
    // Write.
    (id, at, len) => {
      const from = data(len);
      return counted(handles.get(id).write(from, { at }));
    },
    // Truncate.
    (id, len) => void handles.get(id).truncate(len),
    // Flush.
    (id) => void handles.get(id).flush(),
    // Copy: as many bytes as were written; fewer than there are if there is no space for more.
    (from, to) => {
      const buffer = new Uint8Array(COPIED_AT_ONCE);
      let at = 0;
      for (;;) {
        const read = fill(handles.get(from), buffer, at);
        if (read === 0) return at;
        const written = counted(handles.get(to).write(buffer.subarray(0, read), { at }));
        if (written !== read) return at + Math.min(written, read - 1);
        at += written;
      }
    },
    // The module.
    (id) => instantiate(object(), handles.get(id)),
    // A request to it.
    (_id, _at, len) => serve(data(len)),
  ];

  const answer = async (message) => {
    const [heads, small = NO_BYTES, others, ...more] = message;
    spares.push(...more);
    spares.splice(MOST_SPARE);
    [bytes, objects, taken, left, buffers, used] = [small, others, 0, heads.length / 4, [], []];
    const results = new Float64Array(left);
    const failures = [];
    for (let at = 0; left > 0; at += 4, left--) {
      const call = calls[heads[at]];
      try {
        let done = call(heads[at + 1], heads[at + 2], heads[at + 3]);
        if (done instanceof Promise) done = await done;
        results[at / 4] = done ?? 0;
      } catch (error) {
        if (error instanceof Died) throw error;
        results[at / 4] = NaN;
        failures.push(...describe(error));
      }
    }
    const replies = buffers.map((buffer, at) => buffer.subarray(0, used[at]));
    const handed = buffers.map(({ buffer }) => buffer).filter(({ byteLength }) => byteLength >= MUCH);
    self.postMessage([results, failures, ...replies], handed);
    // What was brought may be much, and the next message far.
    bytes = objects = buffers = used = undefined;
  };

  // Where something goes wrong that is no answer, the page is not left to wait.
  const die = (error) => {
    try {
      self.postMessage({ died: String(error?.message ?? error), panic: error instanceof Died ? panic : undefined });
    } finally {
      end();
    }
  };

  let turn = Promise.resolve();
  self.onmessage = ({ data }) => {
    turn = turn.then(() => (data === 'end' ? end() : answer(data))).catch(die);
  };
  self.onmessageerror = () => die(new Error('what the page said cannot be read'));
  self.postMessage({ version: VERSION });
})();

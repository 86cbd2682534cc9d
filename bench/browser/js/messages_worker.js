// A worker that has a file of OPFS open, and answers each message at once.

import { OpfsFloor } from "/floor.js";

let floor;

onmessage = async ({ data }) => {
  // With what it brought, and in the way in which it came.
  if (data === null || data instanceof Uint8Array) return postMessage(data);
  if (data instanceof ArrayBuffer) return postMessage(data, [data]);
  try {
    postMessage(await done(data));
  } catch (error) {
    postMessage({ error: String(error?.message ?? error) });
  }
};

async function done({ open, read, write, flush, close, at }) {
  let answer = true;
  if (open) floor = await OpfsFloor.open(open, "floor of a page");
  if (read) floor.large.read((answer = new Uint8Array(read)), { at });
  if (write) answer = floor.large.write(write, { at });
  if (flush) floor.large.flush();
  if (close) await floor.close();
  return answer;
}

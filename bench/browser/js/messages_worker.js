// A worker that has a file of OPFS open, and answers each message at once.

import { OpfsFloor } from "/floor.js";

let floor;

onmessage = async ({ data }) => {
  // With what it brought, and in the way in which it came.
  if (data === null || data instanceof Uint8Array) return postMessage(data);
  if (data instanceof ArrayBuffer) return postMessage(data, [data]);
  let answer = true;
  const { at } = data;
  if (data.open) floor = await OpfsFloor.open(data.open, "floor of a page");
  if (data.read) floor.large.read((answer = new Uint8Array(data.read)), { at });
  if (data.write) answer = floor.large.write(data.write, { at });
  if (data.flush) floor.large.flush();
  if (data.close) await floor.close();
  postMessage(answer);
};

// How long something takes, in milliseconds.
export async function time(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

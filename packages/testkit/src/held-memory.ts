import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/** Has V8 collect its garbage now, in a process that was not started with `--expose-gc`. Memory of buffers is given back a moment later. */
export const collectGarbage = (): void => {
  if (!collect) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
};

/**
 * Bytes of the heap and of buffers that are in use. Where that is above `bound`, garbage is collected and buffers get a few turns of
 * the event loop to be given back, so that what is measured is what is held, and not what the collector has not come to yet.
 */
export const heldMemory = async (bound: number): Promise<number> => {
  const inUse = (): number => {
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    return arrayBuffers + heapUsed;
  };
  let bytes = inUse();
  for (let turns = 0; bytes > bound && turns < 20; turns++) {
    if (turns % 10 === 0) collectGarbage();
    await new Promise(setImmediate);
    bytes = inUse();
  }
  return bytes;
};

/**
 * Work that a process inside a sandbox does, which the code there can stop for ever: waited for no longer than until the signal fires.
 *
 * @param onAbort called then; gives the error to reject with
 */
export async function unlessAborted<T>(
  signal: AbortSignal,
  work: Promise<T>,
  onAbort: () => Error,
): Promise<T> {
  let stop: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(onAbort());
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
    work.catch(() => {}); // whoever stopped waiting has the other error
  }
}

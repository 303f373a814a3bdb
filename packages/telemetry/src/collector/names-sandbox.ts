const SANDBOX_ID = Buffer.from('"sandboxId":"');
const ID_LENGTH = 30;

/** Whether the id of one of these sandboxes is somewhere in an event. What the event is about is seen once it is parsed. */
export function namesSandbox(payload: Buffer, sandboxes: ReadonlyMap<string, unknown>): boolean {
  for (let at = payload.indexOf(SANDBOX_ID); at !== -1; at = payload.indexOf(SANDBOX_ID, at + 1)) {
    const start = at + SANDBOX_ID.length;
    if (sandboxes.has(payload.toString("latin1", start, start + ID_LENGTH))) return true;
  }
  return false;
}

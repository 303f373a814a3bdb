import type { IncomingMessage } from "node:http";
import type { RequestIntake } from "./request-intake.ts";
import { PIECE_OVERHEAD_BYTES } from "./request-permit.ts";
import type { Tenant } from "./tenant.ts";

/** What a refused request costs, as if it were read and thrown away: its head alone takes as much work as a body of that size. */
const REFUSED_REQUEST_BYTES = 16 * 1024;

/**
 * Reads and throws away what is left of a request that is refused: a sender that finds its connection closed while it still writes
 * may never see the answer.
 *
 * @param timeoutMs how long that may take
 * @returns false where its sender has wasted so much that its connection is cut, now or while the rest is read
 */
export function discardRest(
  request: IncomingMessage,
  intake: RequestIntake,
  tenant: Tenant,
  timeoutMs: number,
): boolean {
  const { socket } = request;
  const waste = (bytes: number): boolean => {
    const goesOn = intake.waste(tenant, bytes);
    if (!goesOn) socket.destroy();
    return goesOn;
  };
  if (!waste(REFUSED_REQUEST_BYTES)) return false;
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off("close", stop);
  };
  // A request that is answered does not hear of its connection's end. There may be many of them on it, sent without waiting.
  socket.setMaxListeners(0).once("close", stop);
  request
    .on("data", (piece: Buffer) => waste(piece.length + PIECE_OVERHEAD_BYTES))
    .once("close", stop)
    .resume();
  return true;
}

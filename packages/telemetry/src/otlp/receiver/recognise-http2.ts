import type { Socket } from "node:net";

/** How HTTP/2 begins (RFC 9113, 3.4), and no method of HTTP/1 that anybody uses. */
const BEGIN: Buffer = Buffer.from("PRI", "latin1");

/**
 * Looks at how a new connection begins, and leaves what it read to whoever serves it. One that ends or fails before that is destroyed.
 *
 * @param decided is called once, as soon as its first bytes tell
 */
export function recogniseHttp2(socket: Socket, decided: (isHttp2: boolean) => void): void {
  let head: Buffer | undefined;
  const look = (): void => {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) return;
    head = head === undefined ? bytes : Buffer.concat([head, bytes]);
    const length = Math.min(head.length, BEGIN.length);
    const isLike = head.compare(BEGIN, 0, length, 0, length) === 0;
    if (isLike && length < BEGIN.length) return;
    socket.off("readable", look).off("end", destroy).off("error", destroy);
    if (socket.destroyed) return;
    socket.unshift(head);
    decided(isLike);
  };
  const destroy = (): void => void socket.destroy();
  socket.on("readable", look).on("end", destroy).on("error", destroy);
}

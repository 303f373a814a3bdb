import type { Socket } from "node:net";
import type { Passage } from "./passage.ts";

/**
 * Passes bytes both ways, each as fast as the slower side takes them. A side that ends its half is told on; a whole that stands still is
 * ended by the passage's idle timeout.
 *
 * @param head what came behind the request already
 */
export function openTunnel(passage: Passage, client: Socket, head: Buffer): void {
  const { upstream } = passage;
  client.setTimeout(0);
  client.setNoDelay(true);
  upstream.setNoDelay(true);
  client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
  if (head.length > 0) upstream.write(head);
  client.pipe(upstream);
  upstream.pipe(client);
  // An end that one side never answers with its own would keep the other half open as long as something trickles.
  upstream.once("close", () => client.destroySoon());
}

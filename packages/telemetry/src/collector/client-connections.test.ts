import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { ClientConnections } from "./client-connections.ts";

/** A connection of which only the peer's address matters: this machine has no two networks of IPv6. */
function connectionOf(remoteAddress: string): Socket {
  const socket = new EventEmitter();
  return Object.assign(socket, { remoteAddress, destroy: () => socket }) as unknown as Socket;
}

test("strangers of one /64 of IPv6 are counted together, those of the next and of IPv4 by themselves", () => {
  const connections = new ClientConnections({ connect: () => undefined });
  const taken = Array.from({ length: 200 }, (_, at) => connectionOf(`2001:db8::${at.toString(16)}`)).filter(
    (socket) => connections.take(socket),
  );
  assert.equal(taken.length, 128);
  for (const other of ["2001:db8:0:1::1", "192.0.2.1", "::ffff:192.0.2.2"])
    assert.ok(connections.take(connectionOf(other)), other);
  taken[0]?.emit("close");
  assert.ok(connections.take(connectionOf("2001:db8::ffff")));
  assert.ok(!connections.take(connectionOf("2001:db8::fffe")));
});

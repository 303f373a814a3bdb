import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { createClientAddresses } from "./client-address.ts";
import { ConnectionLimits } from "./connection-limits.ts";

/** A connection of which only the peer's address matters: this machine has no two networks of IPv6. */
function connectionOf(remoteAddress: string): Socket {
  return Object.assign(new EventEmitter(), { remoteAddress, destroy: () => undefined }) as unknown as Socket;
}

test("connections are counted by /64 of IPv6, and those of IPv4 that come to an IPv6 socket each by their own address", () => {
  const limits = new ConnectionLimits(
    { connections: 100, connectionsPerAddress: 2 },
    createClientAddresses([]),
  );
  const isTaken = (address: string): boolean => {
    const socket = connectionOf(address);
    limits.take(socket);
    const isRefused = limits.refusalOf(socket) !== undefined;
    if (isRefused) socket.emit("close");
    return !isRefused;
  };
  const first = connectionOf("2001:db8::1");
  limits.take(first);
  assert.deepEqual(
    ["2001:db8::2", "2001:db8::3", "2001:db8:0:1::3", "::ffff:192.0.2.1", "::ffff:192.0.2.2"].map(isTaken),
    [true, false, true, true, true],
  );
  first.emit("close");
  assert.ok(isTaken("2001:db8::4"));
});

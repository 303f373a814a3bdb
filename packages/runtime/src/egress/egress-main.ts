import type { Socket } from "node:net";
import { inspect } from "node:util";
import type { ProxyAnswer, ProxyCommand, ProxyReport, SocketAddress } from "./egress-messages.ts";
import { egressPolicy, type OwnerRefusal } from "./egress-policy.ts";
import { SandboxProxy } from "./sandbox-proxy.ts";

process.title = "sandglass-egress";
// The daemon decides when it is over: a Ctrl-C reaches the whole group.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

/** Nobody's, on every Linux. What reads bytes of strangers has no use for the rights of root. */
const NOBODY = 65_534;
/** Longer than any search for an owner and any wait for room in the record; what a daemon this busy has no word of is refused. */
const OWNER_TIMEOUT_MS = 20_000;

if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
}

const proxies = new Map<string, SandboxProxy>();
const waiting = new Map<number, (refusal: OwnerRefusal | undefined) => void>();
let lastRequest = 0;

function post(message: ProxyReport | ProxyAnswer): void {
  // Where the daemon is gone nobody is left to tell.
  if (process.connected) process.send?.(message, () => undefined);
}

function own(
  sandboxId: string,
  client: Socket,
): { request: number; owned: Promise<OwnerRefusal | undefined> } {
  const request = ++lastRequest;
  const peer: SocketAddress = { address: client.remoteAddress ?? "", port: client.remotePort ?? 0 };
  const { promise, resolve } = Promise.withResolvers<OwnerRefusal | undefined>();
  const settle = (refusal: OwnerRefusal | undefined): void => {
    clearTimeout(timer);
    waiting.delete(request);
    resolve(refusal);
  };
  const timer = setTimeout(settle, OWNER_TIMEOUT_MS, "not_attributed");
  waiting.set(request, settle);
  post({ kind: "request", request, sandboxId, peer });
  return { request, owned: promise };
}

async function perform(command: ProxyCommand, socket: object | undefined): Promise<void> {
  if (command.kind === "serve") {
    const { sandboxId, options, isTrusted, upstream } = command;
    if (socket === undefined) throw new Error("no socket came with it");
    await proxies.get(sandboxId)?.close();
    const policy = egressPolicy(options, isTrusted);
    proxies.set(sandboxId, new SandboxProxy({ sandboxId, policy, own, report: post, upstream }, socket));
  } else if (command.kind === "drop") {
    const proxy = proxies.get(command.sandboxId);
    proxies.delete(command.sandboxId);
    await proxy?.close();
  }
}

process.on("message", (command: ProxyCommand, socket: object | undefined) => {
  if (command.kind === "owned") return waiting.get(command.request)?.(command.refusal);
  const { call } = command;
  perform(command, socket).then(
    () => post({ kind: "result", call }),
    (error: unknown) => post({ kind: "result", call, error: (error as Error).message }),
  );
});

// With the daemon its sandboxes are gone.
process.on("disconnect", () => {
  for (const settle of [...waiting.values()]) settle("not_attributed");
  Promise.all([...proxies.values()].map((proxy) => proxy.close())).catch((error: unknown) => {
    process.stderr.write(`sandglass-egress: ${inspect(error)}\n`);
    process.exitCode = 1;
  });
});

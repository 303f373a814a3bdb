import { fileURLToPath } from "node:url";
import { callHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";

const CLI = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
/** What only the victim's organisation may ever see. */
export const SECRET = "victim-3b1f7c-secret";
const OPERATOR = "operator-0123456789abcdef";
const ATTACKER = "attacker-0123456789abcdef";
const VICTIM = "victim-0123456789abcdefgh";

export interface FuzzTarget extends AsyncDisposable {
  daemon: TestDaemon;
  /** The operator's. */
  operator: string;
  /** Of an organisation of its own, with every scope. */
  attacker: string;
  /** By what is wrong with them: none may get anything that takes the scope they lack. */
  badKeys: Readonly<Record<string, string>>;
  /** By the scope that each alone has. */
  scoped: Readonly<Record<string, string>>;
  /** Ids of what belongs to the victim. */
  victim: {
    sandboxId: string;
    execId: string;
    traceId: string;
    runId: string;
    keyId: string;
    exporterId: string;
  };
  /** A running sandbox of the attacker's own, made anew where requests have ended it. @returns its id */
  ownSandbox(): Promise<string>;
  /** Whether the victim's things are as they were. */
  isUnharmed(): Promise<boolean>;
}

/**
 * A daemon with a victim in it: a sandbox with a file, an exec that has ended, a run, a key, an exporter, all of which hold {@link SECRET}.
 * So does a component of its status page that is hidden.
 *
 * @param args further flags of `serve`
 */
export async function startFuzzTarget(args: readonly string[] = []): Promise<FuzzTarget> {
  const daemon = await startDaemon({
    // As users start it: MCP is the command's to mount.
    program: [CLI, "serve"],
    env: {
      SANDGLASS_STATUS_ENABLED: "true",
      SANDGLASS_STATUS_CANARY_ENABLED: "false",
      SANDGLASS_STATUS_SUBSCRIPTIONS_WEBHOOKS: "true",
      SANDGLASS_STATUS_COMPONENTS: JSON.stringify({ store: { name: SECRET, hidden: true } }),
    },
    apiKeys: [OPERATOR, `attacker:${ATTACKER}@attacker`, `victim:${VICTIM}@victim`],
    args: [
      ...["--pool", "python=0", "--max-sandboxes", "3", "--log", "error"],
      ...["--limits-requests-per-second", "0", "--limits-failed-auth-per-minute", "0"],
      ...args,
    ],
  });
  const as = async (apiKey: string, line: string, json?: unknown) =>
    (await callHttp(daemon, line, { apiKey, ...(json !== undefined && { json }) })).json;
  const keyOf = async (json: object): Promise<{ id: string; key: string }> =>
    as(ATTACKER, "POST /v1/keys", json);

  const { runId } = await as(VICTIM, "POST /v1/runs", { name: SECRET });
  const sandbox = await as(VICTIM, "POST /v1/sandboxes", {
    runId,
    metadata: { note: SECRET },
    env: { SECRET },
  });
  const path = `/v1/sandboxes/${sandbox.id}`;
  await callHttp(daemon, `PUT ${path}/files/secret`, { apiKey: VICTIM, body: SECRET });
  const exec = await callHttp(daemon, `POST ${path}/exec`, {
    apiKey: VICTIM,
    json: { command: "cat secret" },
  });
  const { id: keyId } = await as(VICTIM, "POST /v1/keys", { name: SECRET });
  const { id: exporterId } = await as(VICTIM, "POST /v1/exporters", {
    id: "victims-own",
    provider: "webhook",
    config: { url: `https://hooks.example.com/${SECRET}`, secret: `whsec_${"A".repeat(32)}` },
  });
  const scoped: Record<string, string> = {};
  for (const scope of ["sandboxes:read", "sandboxes:write", "events:read"])
    scoped[scope] = (await keyOf({ name: scope, scopes: [scope] })).key;
  const revoked = await keyOf({ name: "revoked" });
  await callHttp(daemon, `DELETE /v1/keys/${revoked.id}`, { apiKey: ATTACKER });
  const rotated = await keyOf({ name: "rotated" });
  await as(ATTACKER, `POST /v1/keys/${rotated.id}/rotate`, {});
  const expiresAt = new Date(Date.now() + 2_000).toISOString();
  const expired = await keyOf({ name: "expired", expiresAt });
  await until("it has expired", () => Date.now() > Date.parse(expiresAt));
  return {
    daemon,
    operator: OPERATOR,
    attacker: ATTACKER,
    scoped,
    badKeys: {
      none: "",
      garbage: "sg_garbage",
      proto: "__proto__",
      revoked: revoked.key,
      rotated: rotated.key,
      expired: expired.key,
    },
    victim: {
      sandboxId: sandbox.id,
      traceId: sandbox.traceId,
      execId: String(exec.headers["x-exec-id"]),
      runId,
      keyId,
      exporterId,
    },
    async ownSandbox() {
      const { items } = await as(ATTACKER, "GET /v1/sandboxes");
      const [kept, ...others] = items.filter(({ state }: { state: string }) => state === "running");
      for (const { id } of others) await callHttp(daemon, `DELETE /v1/sandboxes/${id}`, { apiKey: ATTACKER });
      return kept?.id ?? (await as(ATTACKER, "POST /v1/sandboxes", {})).id;
    },
    async isUnharmed() {
      const info = await as(VICTIM, `GET ${path}`);
      const file = await callHttp(daemon, `GET ${path}/files/secret`, { apiKey: VICTIM });
      const keys = await as(VICTIM, "GET /v1/keys");
      const exporters = await as(VICTIM, "GET /v1/exporters");
      return (
        info.state === "running" &&
        file.text === SECRET &&
        keys.items.some(({ id }: { id: string }) => id === keyId) &&
        exporters.items.length === 1 &&
        exporters.items[0].id === exporterId &&
        exporters.items[0].destination.includes(new URL("https://hooks.example.com").hostname)
      );
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop();
    },
  };
}

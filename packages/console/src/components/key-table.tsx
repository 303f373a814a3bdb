import type { CreatedKey, KeyInfo, KeyList } from "@sandglass/protocol";
import { type ReactNode, useState } from "react";
import { call, callJson } from "../api/api.ts";
import { useApi } from "../hooks/use-api.ts";
import { clock } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { KeyMaker, ShownOnce } from "./key-maker.tsx";
import { ErrorNote } from "./notes.tsx";

/** How long programs have to change over. */
const GRACE_MS = 3_600_000;

/** Keys: made, rotated, revoked. */
export function KeyTable(): ReactNode {
  const { data, error, reload } = useApi<KeyList>("/v1/keys");
  const [problem, setProblem] = useState<Error>();
  const [made, setMade] = useState<CreatedKey>();
  const act = async (question: string, change: () => Promise<void>): Promise<void> => {
    if (!window.confirm(question)) return;
    setProblem(undefined);
    await change().catch(setProblem);
    reload();
  };
  const revoke = (key: KeyInfo): Promise<void> =>
    act(`Revoke ${key.name}? Whoever uses it is cut off at once.`, async () => {
      await call(`/v1/keys/${encodeURIComponent(key.id)}`, { method: "DELETE" });
    });
  const rotate = (key: KeyInfo): Promise<void> =>
    act(`Give ${key.name} a new secret? The old one works for another hour.`, async () => {
      const path = `/v1/keys/${encodeURIComponent(key.id)}/rotate`;
      setMade(await callJson<CreatedKey>(path, { method: "POST", json: { graceMs: GRACE_MS } }));
    });
  const columns: readonly Column<KeyInfo>[] = [
    { title: "Key", cell: ({ name }) => safeText(name, 100) },
    { title: "Organisation", cell: ({ orgId }) => orgId },
    { title: "Scopes", cell: ({ scopes }) => scopes.join(" "), isWide: true },
    { title: "Made", cell: ({ createdAt }) => clock(createdAt) },
    { title: "Last used", cell: ({ lastUsedAt }) => (lastUsedAt === undefined ? "" : clock(lastUsedAt)) },
    {
      title: "Expires",
      cell: ({ expiresAt, graceUntil }) =>
        `${expiresAt === undefined ? "never" : clock(expiresAt)}${graceUntil === undefined ? "" : `, old secret until ${clock(graceUntil)}`}`,
    },
    {
      title: "Action",
      cell: (key) => (
        <span className="row-actions">
          <button type="button" onClick={() => void rotate(key)}>
            Rotate
          </button>
          <button type="button" className="danger" onClick={() => void revoke(key)}>
            Revoke
          </button>
        </span>
      ),
    },
  ];
  return (
    <>
      <KeyMaker
        onMade={(key) => {
          setMade(key);
          reload();
        }}
      />
      {made !== undefined && <ShownOnce made={made} onClose={() => setMade(undefined)} />}
      <ErrorNote error={error ?? problem} />
      <DataTable name="keys" items={data?.items ?? []} columns={columns} keyOf={({ id }) => id} />
    </>
  );
}

import { type CreatedKey, SCOPES, type Scope } from "@sandglass/protocol";
import { type FormEvent, type ReactNode, useState } from "react";
import { callJson } from "../api/api.ts";
import { CopyButton } from "./copy-button.tsx";
import { ErrorNote } from "./notes.tsx";

const DAY_MS = 86_400_000;

/** Makes a key. Its secret is shown here once, and is nowhere else to be had. */
export function KeyMaker({ onMade }: { onMade(key: CreatedKey): void }): ReactNode {
  const [error, setError] = useState<Error>();
  const make = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = new FormData(form);
    const days = Number(values.get("days"));
    setError(undefined);
    try {
      const json = {
        name: String(values.get("name") ?? "").trim(),
        scopes: values.getAll("scope") as Scope[],
        ...(days > 0 && { expiresAt: new Date(Date.now() + days * DAY_MS).toISOString() }),
      };
      onMade(await callJson<CreatedKey>("/v1/keys", { method: "POST", json }));
      form.reset();
    } catch (failure) {
      setError(failure as Error);
    }
  };
  return (
    <details className="key-maker">
      <summary>Make a key</summary>
      <form className="tools" onSubmit={(event) => void make(event)}>
        <input name="name" required maxLength={100} aria-label="Name" placeholder="Name" />
        {SCOPES.map((scope) => (
          <label key={scope}>
            <input type="checkbox" name="scope" value={scope} defaultChecked={scope === "sandboxes:read"} />{" "}
            {scope}
          </label>
        ))}
        <select name="days" aria-label="Expires" defaultValue="90">
          <option value="1">after a day</option>
          <option value="30">after 30 days</option>
          <option value="90">after 90 days</option>
          <option value="0">never</option>
        </select>
        <button type="submit" className="primary">
          Make
        </button>
      </form>
      <ErrorNote error={error} />
    </details>
  );
}

/** The secret of a key that was just made or rotated. */
export function ShownOnce({ made, onClose }: { made: CreatedKey; onClose(): void }): ReactNode {
  return (
    <section className="shown-once" aria-label="New secret" role="status">
      <p>
        The secret of <strong>{made.name}</strong>. It is shown this once: keep it where programs read it.
      </p>
      <pre>{made.key}</pre>
      <p className="tools">
        <CopyButton text={made.key} label="Copy secret" />
        <button type="button" onClick={onClose}>
          I have it
        </button>
      </p>
    </section>
  );
}

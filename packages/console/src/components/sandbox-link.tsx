import type { ReactNode } from "react";
import { Link } from "./link.tsx";

/** To a sandbox's page; the end of its id tells it apart. */
export function SandboxLink({ id }: { id: string }): ReactNode {
  return (
    <Link to={`/sandboxes/${id}`} title={id}>
      <code>…{id.slice(-8)}</code>
    </Link>
  );
}

/** To several. */
export function SandboxLinks({ ids }: { ids: readonly string[] }): ReactNode {
  return ids.map((id) => (
    <span key={id} className="chip">
      <SandboxLink id={id} />
    </span>
  ));
}

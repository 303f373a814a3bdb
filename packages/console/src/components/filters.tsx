import type { ReactNode } from "react";
import { setQuery, useRoute } from "../hooks/use-route.ts";

interface FiltersProps {
  /** Names in the address, what they are called, and what may be written there. */
  fields: readonly (readonly [name: string, label: string, hint?: string])[];
  /** One that is on or off. */
  flag?: readonly [name: string, label: string];
}

/** Filters of a view, kept in its address. The first is what `/` goes to. */
export function Filters({ fields, flag }: FiltersProps): ReactNode {
  const { query } = useRoute();
  return (
    <form
      className="tools"
      key={fields.map(([name]) => query.get(name)).join("\n")}
      onSubmit={(event) => {
        event.preventDefault();
        const values = new FormData(event.currentTarget);
        setQuery(Object.fromEntries(fields.map(([name]) => [name, String(values.get(name) ?? "").trim()])));
      }}
    >
      {fields.map(([name, label, hint], index) => (
        <input
          key={name}
          name={name}
          type="search"
          aria-label={label}
          placeholder={label}
          title={hint}
          defaultValue={query.get(name) ?? ""}
          {...(index === 0 && { "data-search": "" })}
        />
      ))}
      {flag !== undefined && (
        <label>
          <input
            type="checkbox"
            checked={query.get(flag[0]) === "true"}
            onChange={(event) => setQuery({ [flag[0]]: event.target.checked ? "true" : undefined })}
          />{" "}
          {flag[1]}
        </label>
      )}
      <button type="submit">Filter</button>
    </form>
  );
}

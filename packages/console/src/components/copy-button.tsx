import { type ReactNode, useState } from "react";

/** Copies what it is given; says that it did, or that the browser does not allow it. */
export function CopyButton({
  text,
  label = "Copy",
}: {
  text: string | (() => string);
  label?: string;
}): ReactNode {
  const [said, setSaid] = useState("");
  const copy = (): void => {
    const value = typeof text === "function" ? text() : text;
    const done = navigator.clipboard?.writeText(value) ?? Promise.reject(new Error("no clipboard"));
    done.then(
      () => setSaid("Copied"),
      () => setSaid("Not allowed"),
    );
  };
  return (
    <button type="button" onClick={copy}>
      {said || label}
    </button>
  );
}

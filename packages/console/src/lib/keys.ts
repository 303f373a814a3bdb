interface KeyTargets {
  /** `g`, then this. */
  go(key: string): void;
  help(): void;
}

/** The keys that work everywhere but where somebody writes. @returns what takes them away */
export function bindKeys(targets: KeyTargets): () => void {
  let isGoing = false;
  const onKey = (event: KeyboardEvent): void => {
    const { key, target } = event;
    const isWriting =
      target instanceof HTMLElement && target.closest("input, textarea, select, dialog") !== null;
    if (isWriting || event.ctrlKey || event.metaKey || event.altKey) {
      if (key === "Escape" && isWriting && target.closest("dialog") === null) {
        // A search field would be cleared.
        event.preventDefault();
        target.blur();
      }
      return;
    }
    if (isGoing) {
      isGoing = false;
      targets.go(key);
    } else if (key === "g") isGoing = true;
    else if (key === "?") targets.help();
    else if (key === "/") {
      event.preventDefault();
      document.querySelector<HTMLElement>("[data-search]")?.focus();
    } else if (key === "j" || key === "k") moveFocus(key === "j" ? 1 : -1);
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}

function moveFocus(step: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = at === -1 ? (step > 0 ? 0 : rows.length - 1) : at + step;
  rows[Math.max(0, Math.min(rows.length - 1, next))]?.focus();
}

/** A cell that a spreadsheet would take for a formula is quoted as text: what sandboxes say must not be calculated (CSV injection). */
function csvCell(value: unknown): string {
  const text =
    value === undefined || value === null
      ? ""
      : typeof value === "object"
        ? JSON.stringify(value)
        : String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** CSV (RFC 4180) of records; columns are all their names, in the order of their first appearance. */
export function toCsv(records: readonly object[]): string {
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const rows = records.map((record) =>
    names.map((name) => csvCell((record as Record<string, unknown>)[name])).join(","),
  );
  return `${[names.map(csvCell).join(","), ...rows].join("\r\n")}\r\n`;
}

/** Has the browser save something. */
export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken it up by the next task.
  setTimeout(() => URL.revokeObjectURL(url));
}

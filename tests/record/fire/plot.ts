const HEIGHT = 8;

/** A plot in text: one column a value, its highest on top. Empty columns are values that are not there. */
export function plot(title: string, values: readonly (number | undefined)[], unit: string): string {
  const top = Math.max(1, ...values.map((value) => value ?? 0));
  const lines = Array.from({ length: HEIGHT }, (_, row) => {
    const floor = (top * (HEIGHT - row - 1)) / HEIGHT;
    const cells = values.map((value) => (value !== undefined && value > floor ? "#" : " "));
    const label = row === 0 ? top.toFixed(0) : "";
    return `${label.padStart(8)} |${cells.join("")}`;
  });
  return [`${title} (${unit})`, ...lines, `${"0".padStart(8)} +${"-".repeat(values.length)}`].join("\n");
}

import type { ReactNode } from "react";
import { download, toCsv } from "../lib/table-file.ts";
import { Link } from "./link.tsx";

export interface Column<T> {
  title: string;
  cell(item: T): ReactNode;
  isNumber?: boolean;
  /** Its text wraps. */
  isWide?: boolean;
}

interface DataTableProps<T> {
  /** Of the file it is saved as. */
  name: string;
  items: readonly T[];
  columns: readonly Column<T>[];
  keyOf(item: T): string;
  /** The view of an item, which its first cell leads to. */
  linkTo?(item: T): string;
  /** Reads what comes next; undefined where this is all. */
  more?: (() => void) | undefined;
}

/** A list that can be walked with j and k, and saved. */
export function DataTable<T extends object>({
  name,
  items,
  columns,
  keyOf,
  linkTo,
  more,
}: DataTableProps<T>): ReactNode {
  const save = (type: "json" | "csv"): void => {
    const text = type === "json" ? JSON.stringify(items, null, 2) : toCsv(items);
    download(
      `${name}.${type}`,
      new Blob([text], { type: type === "json" ? "application/json" : "text/csv" }),
    );
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: where it is wider than the screen, the keyboard has to move it */}
      <section className="table-frame" aria-label={`${name}, as a table`} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {columns.map(({ title, isNumber }) => (
                <th key={title} scope="col" className={isNumber ? "number" : undefined}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <tr key={keyOf(item)}>
                {columns.map(({ title, cell, isNumber, isWide }, index) => (
                  <td key={title} className={isNumber ? "number" : isWide ? "wide" : undefined}>
                    {index === 0 && linkTo !== undefined ? (
                      <Link to={linkTo(item)} data-row="">
                        {cell(item)}
                      </Link>
                    ) : (
                      cell(item)
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p className="table-tools">
        {items.length} shown{more === undefined ? "" : ", there are more"} ·{" "}
        {more !== undefined && (
          <>
            <button type="button" data-row="" onClick={more}>
              More
            </button>{" "}
          </>
        )}
        <button type="button" onClick={() => save("json")}>
          JSON
        </button>{" "}
        <button type="button" onClick={() => save("csv")}>
          CSV
        </button>
      </p>
    </>
  );
}

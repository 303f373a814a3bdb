import assert from "node:assert/strict";
import { test } from "node:test";
import pc from "picocolors";
import { table } from "./table.ts";

test("columns are aligned, cells are stripped, and no line ends in spaces", () => {
  const rows = [
    ["sbx_1", "py\u001b[31mthon"],
    ["sbx_22", ""],
  ];
  assert.equal(
    table(["ID", "TEMPLATE"], rows, pc.createColors(false)),
    "ID      TEMPLATE\nsbx_1   py[31mthon\nsbx_22",
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { toCsv } from "./table-file.ts";

test("what sandboxes say is never a formula of a spreadsheet", () => {
  assert.equal(toCsv([{ a: "=1+1", b: '@x,"y"' }]), `a,b\r\n'=1+1,"'@x,""y"""\r\n`);
});

test("columns are those of all records, numbers stay numbers, objects are JSON", () => {
  assert.equal(toCsv([{ a: -1 }, { b: { c: 1 } }]), 'a,b\r\n-1,\r\n,"{""c"":1}"\r\n');
});

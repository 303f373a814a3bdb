import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileInfoOf, fileListOf } from "./file-record.ts";

const WHOLE = ["file", "12", "644", "1700000000.123456789", "a", ""];
const withField = (at: number, value: string): string[] => WHOLE.with(at, value);

describe("what a file operation says of a file", () => {
  test("is a file's description", () => {
    assert.deepEqual(fileInfoOf(WHOLE, "/workspace/a"), {
      name: "a",
      path: "/workspace/a",
      type: "file",
      sizeBytes: 12,
      mode: 0o644,
      modifiedAt: "2023-11-14T22:13:20.123Z",
    });
    assert.equal(fileInfoOf(WHOLE.with(0, "symlink").with(5, "/etc"), "/x").target, "/etc");
  });

  test("may be a time that no calendar has", () => {
    for (const [time, shown] of [
      ["99999999999999.0", "+275760-09-13T00:00:00.000Z"],
      ["-99999999999999.0", "-271821-04-20T00:00:00.000Z"],
    ] as const)
      assert.equal(fileInfoOf(withField(3, time), "/x").modifiedAt, shown);
  });

  for (const [what, fields] of [
    ["a type of its own", withField(0, "file\r\nset-cookie: x")],
    ["no type", withField(0, "")],
    ["a size that is no number", withField(1, "NaN")],
    ["a size below nothing", withField(1, "-1")],
    ["a size beyond all disks", withField(1, "1e300")],
    ["a size without end", withField(1, "Infinity")],
    ["a mode that is none", withField(2, "999")],
    ["a time that is none", withField(3, "yesterday")],
    ["a field too few", WHOLE.slice(1)],
    ["a field too many", [...WHOLE, ""]],
    ["nothing", []],
  ] as const) {
    test(`is refused where it has ${what}`, () => {
      assert.throws(() => fileInfoOf(fields, "/x"), { code: "FILE_ERROR" });
    });
  }

  test("is a list of names, sorted, none of which leads elsewhere", () => {
    const listed = fileListOf([...withField(4, "b"), ...withField(4, "a\nb")], "/workspace");
    assert.deepEqual(
      listed.map(({ path }) => path),
      ["/workspace/a\nb", "/workspace/b"],
    );
    assert.deepEqual(fileListOf([], "/x"), []);
    for (const name of ["", ".", "..", "../evil", "/etc/passwd", "a/b"])
      assert.throws(() => fileListOf(withField(4, name), "/x"), { code: "FILE_ERROR" }, name);
    assert.throws(() => fileListOf([...WHOLE, "file"], "/x"), { code: "FILE_ERROR" });
  });
});

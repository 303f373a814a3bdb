import assert from "node:assert/strict";
import { test } from "node:test";
import { DatabaseError } from "pg";
import { describeDatabaseError, isAboutRows, isMissingPartition, sqlState } from "./database-error.ts";

function answer(code: string, more: Partial<DatabaseError> = {}): DatabaseError {
  return Object.assign(new DatabaseError("it says no", 10, "error"), { severity: "ERROR", code, ...more });
}
const columns = new Set(["id", "type"]);

test("errors of the system and of the driver are never about the rows, whatever their code looks like", () => {
  for (const code of ["EPIPE", "EPERM", "ECONNRESET", "ERR_TLS_CERT_ALTNAME_INVALID"]) {
    const error = Object.assign(new Error("write failed"), { code });
    assert.equal(isAboutRows(error, columns), false, code);
    assert.equal(sqlState(error), undefined);
    assert.equal(describeDatabaseError(error), "write failed");
  }
  assert.equal(isAboutRows(new Error("Connection terminated unexpectedly"), columns), false);
});

test("what a person or time puts right is not about the rows", () => {
  const codes =
    "08006 25006 26000 28P01 3D000 3F000 40001 40P01 42501 42P01 42703 53100 53300 55P03 57P01 57P03 58030 XX001";
  for (const code of codes.split(" ")) assert.equal(isAboutRows(answer(code), columns), false, code);
});

test("what a row holds is", () => {
  const codes = "22007 22021 22P02 22P05 23505 23514 54000 54001 P0001 ABC01";
  for (const code of codes.split(" ")) assert.equal(isAboutRows(answer(code), columns), true, code);
  assert.equal(isAboutRows(answer("23502", { column: "type" }), columns), true);
  assert.equal(isAboutRows(answer("23502", { column: "tenant" }), columns), false);
});

test("a row without a partition is told from one that a check refuses", () => {
  assert.equal(isMissingPartition(answer("23514")), true);
  assert.equal(isMissingPartition(answer("23514", { constraint: "no_nines" })), false);
});

test("a server that answers at none of its addresses says where it was looked for", () => {
  const attempts = ["connect ECONNREFUSED ::1:5432", "connect ECONNREFUSED 127.0.0.1:5432"];
  const error = new AggregateError(attempts.map((message) => new Error(message)));
  assert.equal(describeDatabaseError(error), attempts.join("; "));
});

test("a reason is one line, without the details, which hold the row", () => {
  const error = answer("23514", {
    message: "new row\n\u001b[31mrefused",
    detail: "Failing row contains (s3cret)",
  });
  assert.equal(describeDatabaseError(error), "new row [31mrefused (SQLSTATE 23514)");
});

import * as SqlFailure from "@callstream/core/platform/SqlFailure"
import { UntrustedFile } from "@callstream/core/platform/TrustedFile"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { AuthenticationError, ConnectionError, SqlError, UnknownError } from "effect/sql/SqlError"

const failureOf = (cause: object) => SqlFailure.of(new SqlError({ reason: new UnknownError({ cause }) }))

const postgres = (code: string, more: object = {}) =>
  failureOf({ code, severity: "ERROR", message: "words of the server", ...more })

const server = (failure: SqlFailure.SqlFailure) => (failure._tag === "Server" ? failure : undefined)

describe("SqlFailure", () => {
  it.each([
    ["08006", "ConnectionLost", true],
    ["28P01", "WrongPassword", false],
    ["3D000", "NoDatabase", false],
    ["3F000", "NoSchema", false],
    ["42501", "NoPermission", false],
    ["53100", "DiskFull", true],
    ["55P03", "TableLocked", true],
    ["57P03", "StartingUp", true],
    // Of a class that passes, though this one is not known by itself.
    ["58030", "Refused", true],
    ["42601", "Refused", false]
  ] as const)("SQLSTATE %s is %s", (code, problem, retryable) => {
    assert.deepInclude(server(postgres(code)), { problem, retryable, code })
  })

  it("a row is described by its constraint, column and type, never by the server's words, which quote values", () => {
    const failure = postgres("23505", { constraint: "calls_pkey", column: "id", message: "Key (id)=(secret) exists" })
    assert.deepStrictEqual(failure, {
      _tag: "Row",
      problem: "Duplicate",
      code: "23505",
      constraint: "calls_pkey",
      column: "id"
    })
    assert.strictEqual(
      SqlFailure.describe(failure),
      "another row has the same value where the table wants each once (constraint calls_pkey, column id, SQLSTATE 23505)"
    )
    assert.isFalse(SqlFailure.isRetryable(failure))
  })

  it("words of names and rights are quoted", () => {
    const none = postgres("3D000", { message: 'database "x" does not exist' })
    assert.strictEqual(
      SqlFailure.describe(none),
      'there is no such database: database "x" does not exist (SQLSTATE 3D000)'
    )
    assert.notInclude(SqlFailure.describe(postgres("XX000")), "words of the server")
  })

  it.each([
    [5, "Locked", "SQLITE_BUSY"],
    // With details in the higher bits.
    [5 | (2 << 8), "Locked", "SQLITE_BUSY"],
    [13, "DiskFull", "SQLITE_FULL"],
    [26, "NotADatabase", "SQLITE_NOTADB"],
    [7, "Refused", "SQLITE_7"]
  ] as const)("SQLite's %s is %s", (errcode, problem, code) => {
    assert.deepInclude(server(failureOf({ code: "ERR_SQLITE_ERROR", errcode })), { problem, code })
  })

  it("codes of the system and of TLS, and what drivers say without one", () => {
    const problemOf = (cause: object) => server(failureOf(cause))?.problem
    assert.strictEqual(problemOf({ code: "ECONNREFUSED" }), "ConnectionRefused")
    // Five letters, and no SQLSTATE.
    assert.strictEqual(SqlFailure.describe(failureOf({ code: "EPIPE" })), "the connection was lost (EPIPE)")
    assert.strictEqual(problemOf({ code: "CERT_HAS_EXPIRED" }), "UntrustedCertificate")
    assert.strictEqual(problemOf({ message: "The server does not support TLS" }), "NoTls")
    assert.strictEqual(problemOf({ message: "The server requested password authentication" }), "NoPassword")
    const byKind = [
      [new ConnectionError({ cause: {} }), "NoConnection"],
      [new AuthenticationError({ cause: {} }), "NotAdmitted"]
    ] as const
    for (const [reason, problem] of byKind) {
      assert.strictEqual(server(SqlFailure.of(new SqlError({ reason })))?.problem, problem)
    }
  })

  it("crosses a process boundary as JSON, a file that is not trusted included", () => {
    const codec = Schema.toCodecJson(SqlFailure.SqlFailure)
    const file = new UntrustedFile({ path: "/d/calls.db", problem: { _tag: "OtherOwner", uid: 7 } })
    for (const failure of [postgres("57P01"), postgres("22001"), failureOf(file)]) {
      const json: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(codec)(failure)))
      assert.deepStrictEqual(Schema.decodeUnknownSync(codec)(json), failure)
    }
  })
})

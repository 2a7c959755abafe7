import * as PostgresClient from "@callstream/node/PostgresClient"
import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

const parse = (url: string) => PostgresClient.parse(Redacted.make(url))

describe("PostgresClient.parse", () => {
  it("reads a URL as libpq does", () => {
    const { password, ...target } = Result.getOrThrow(
      parse(
        "postgresql://us%40er:p%23w@[::1]:6432/data%20base?sslmode=verify-full&sslrootcert=/ca.pem&connect_timeout=3&application_name=x&options=-c%20a%3Db"
      )
    )
    assert.deepStrictEqual(target, {
      host: "::1",
      port: 6432,
      database: "data base",
      username: "us@er",
      sslMode: "verify-full",
      sslRootCert: "/ca.pem",
      sslCert: undefined,
      sslKey: undefined,
      connectTimeout: 3,
      applicationName: "x",
      options: "-c a=b"
    })
    assert.strictEqual(password === undefined ? "" : Redacted.value(password), "p#w")
    const other = Result.getOrThrow(parse("postgres://a@h/d?user=b&password=c&host=/run/postgresql&port=1&dbname=e"))
    assert.deepInclude(other, { host: "/run/postgresql", port: 1, database: "e", username: "b", sslMode: "prefer" })
    assert.deepInclude(Result.getOrThrow(parse("postgres:///d")), { host: "localhost", port: 5432, database: "d" })
  })

  it("refuses what it would not do, and repeats no URL", () => {
    for (const [url, expected] of [
      ["mysql://canary@h/d", /does not begin with postgres/],
      ["postgres://u:canary#1@h/d", /cannot be read/],
      ["postgres://u:canary@h/d#canary", /has a #/],
      ["postgres://u:canary%zz@h/d", /no percent-encoding/],
      ["postgres://u:canary@h/d?sslmode=maybe", /sslmode is none of/],
      ["postgres://u:canary@h/d?sslcrl=x", /the parameter sslcrl/],
      ["postgres://u:canary@h/d?port=0", /port/],
      ["postgres://u:canary@h/d?connect_timeout=soon", /connect_timeout/]
    ] as const) {
      const error = Result.isFailure(parse(url)) ? Result.getOrThrow(Result.flip(parse(url))) : undefined
      assert.match(error?.message ?? "", expected, url)
      assert.notInclude(JSON.stringify(error), "canary")
    }
  })
})

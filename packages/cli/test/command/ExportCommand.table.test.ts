/** Exports to SQLite and PostgreSQL as people make them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Postgres from "../../../node/test/postgres/PostgresServer.ts"
import { alongside, folder, simulation } from "../Callstream.ts"

const ask = (file: string, sql: string): ReadonlyArray<Record<string, unknown>> => {
  const database = new DatabaseSync(file)
  const rows = database.prepare(sql).all()
  database.close()
  return rows
}

describe("callstream export to a table", alongside, () => {
  it.live("in SQLite: twice changes nothing, a table of another name is beside it, objects stay whole", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation({ sessions: 60, undated: 0.1 })
      for (const width of ["20", "50"]) {
        const { code, stderr } = yield* one.run(["export", "--to", "sqlite:calls.db", "--page-size", width], { cwd })
        assert.strictEqual(code, 0, stderr)
        assert.match(stderr, /^60 calls to sqlite:calls\.db in /)
      }
      const flags = ["--flatten", "--omit", "id", "--table", "flat"]
      assert.strictEqual((yield* one.run(["export", "--to", "sqlite:calls.db", ...flags], { cwd })).code, 0)
      const ids = (sql: string) => ask(join(cwd, "calls.db"), sql).map(({ id }) => id)
      const truth = one.simulator.truth().map(({ id }) => id)
      assert.sameMembers(ids("SELECT id FROM call_sessions"), truth)
      assert.sameMembers(
        ids("SELECT session_id AS id FROM flat WHERE metadata IS NULL OR \"metadata\" LIKE '{%'"),
        truth
      )
    })
  )

  it.live("overwrites what a wrong clock wrote and says so, and counts what it leaves because it is newer", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation({ sessions: 30 })
      const args = ["export", "--to", "sqlite:calls.db"]
      assert.strictEqual((yield* one.run(args, { cwd })).code, 0)
      const file = join(cwd, "calls.db")
      const spoil = () => {
        const [first, second, third] = ask(file, "SELECT id FROM call_sessions ORDER BY id LIMIT 3").map(({ id }) =>
          String(id)
        )
        const database = new DatabaseSync(file)
        const change = database.prepare(
          "UPDATE call_sessions SET agentName = 'other', observed_at = ? WHERE id IN (?, ?)"
        )
        const at = (millis: number) => new Date(Date.now() + millis).toISOString().replace("Z", "000Z")
        change.run(at(86_400_000), first ?? "", second ?? "")
        change.run(at(200_000), third ?? "", "")
        database.close()
      }
      const others = () => ask(file, "SELECT count(*) AS n FROM call_sessions WHERE agentName = 'other'")[0]?.["n"]
      spoil()
      const people = yield* one.run(args, { cwd })
      assert.match(people.stderr, /^30 calls to sqlite:calls\.db in /)
      assert.include(people.stderr, "\n  1 row left unchanged: sqlite:calls.db holds a newer version\n")
      assert.include(
        people.stderr,
        "\n  warning: 2 rows of sqlite:calls.db had a version more than 5 minutes in the future and were overwritten"
      )
      assert.strictEqual(others(), 1)
      spoil()
      const json = yield* one.run([...args, "--json"], { cwd })
      assert.deepInclude(JSON.parse(json.stdout), { sessions: 30, newer: 1, notBelieved: 2 })
      const third = yield* one.run([...args, "--json"], { cwd })
      assert.notProperty(JSON.parse(third.stdout), "notBelieved")
    })
  )

  it.live("saves its state in a database, does nothing after it finished, and is refused with other flags", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation({ sessions: 40 })
      const args = ["export", "--name", "nightly", "--state", "sqlite:state.db", "--to", "sqlite:calls.db"]
      assert.strictEqual((yield* one.run(args, { cwd })).code, 0)
      assert.match((yield* one.run(args, { cwd })).stderr, /^run ".*" has finished and exports nothing more/)
      const other = yield* one.run([...args, "--status", "completed"], { cwd })
      assert.strictEqual(other.code, 2)
      assert.include(other.stderr, "filters was not set, is now status=completed")
      assert.isFalse(existsSync(join(cwd, ".callstream")))
      assert.strictEqual(ask(join(cwd, "calls.db"), "SELECT * FROM callstream_commits").length, 1)
    })
  )

  it.live("reports mistakes before any request, without a password", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation({ sessions: 1 })
      writeFileSync(join(cwd, "url"), "postgres://u:canary@127.0.0.1:1/x?sslmode=disable\n", { mode: 0o600 })
      const cases = [
        [["--to", "postgres://u:canary@h/d"], /^error: --to: others on this machine can read a password/],
        [["--to", "postgres:NONE"], /^error: --to: the environment variable NONE is not set\n/],
        [["--to", "postgres:@none"], /^error: --to: none cannot be read\n/],
        [["--to", "postgres:ODD"], /^error: --to: postgres:ODD: the URL has the parameter channel_binding/],
        [["--to", "postgres:HASH"], /^error: --to: postgres:HASH: the URL cannot be read\n {2}Percent-encode /],
        [
          ["--to", "postgres:@url"],
          /^\[.*\] WARN: postgres:@url: nobody answers there \(ECONNREFUSED\); callstream tries for 7 more seconds\n[^]*error: postgres:@url: nobody answers there \(ECONNREFUSED\)\n/
        ],
        [["--to", "sqlite:a.db", "--to", "sqlite:./a.db"], /^error: --to: .*a\.db is named twice\n/],
        [["--to", "sqlite:a.db", "--schema", "x"], /^error: --schema applies to PostgreSQL only\n/],
        [["--to", "sqlite:a.db", "--table", "callstream_commits"], /^error: --table: .* callstream's own\n/],
        [
          ["--to", "a.csv", "--to", "a.ndjson", "--rotate", "day"],
          /^error: --to: a\.ndjson and a\.csv would be written to one place/
        ],
        [
          ["--to", "a.csv", "--rotate", "day", "--coverage", "a.manifest.json"],
          /^error: --coverage: the file is where/
        ],
        [["--table", "x"], /^error: --table applies to SQLite or PostgreSQL only\n/]
      ] as const
      const env = {
        ODD: "postgres://u:canary@h/d?channel_binding=require",
        HASH: "postgres://u:canary#1@h/d"
      }
      for (const [flags, expected] of cases) {
        const { code, stderr, stdout } = yield* one.run(["export", "--debug", ...flags], { cwd, env })
        assert.match(stderr, expected)
        // A database that is down is no mistake of whoever typed the command.
        assert.strictEqual(code, stderr.includes("nobody answers there") ? 1 : 2, stderr)
        assert.notInclude(stderr + stdout, "canary")
      }
      assert.isFalse(existsSync(join(cwd, "a.db")))
    })
  )
})

describe.skipIf(Postgres.missing)(`callstream export to PostgreSQL${Postgres.reason}`, alongside, () => {
  it.live("by a URL in the environment, with its state there too", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation({ sessions: 300, undated: 0.1 })
      const server = yield* Postgres.Server.make
      const name = yield* server.database()
      const sql = yield* server.client(name, { maxConnections: 1 })
      const env = { DATABASE_URL: `postgres://postgres@127.0.0.1:${sql.config.port}/${name}` }
      const args = [
        "export",
        "--name",
        "m",
        "--state",
        "postgres:DATABASE_URL",
        "--to",
        "postgres:DATABASE_URL",
        "--commit-every",
        "0ms"
      ]
      const first = yield* one.run([...args, "--page-size", "20"], { cwd, env })
      assert.strictEqual(first.code, 0, first.stderr)
      assert.match(first.stderr, /^300 calls to postgres:DATABASE_URL in /)
      const rows = yield* sql<{ readonly id: string }>`SELECT id FROM call_sessions`
      assert.sameMembers(
        rows.map(({ id }) => id),
        one.simulator.truth().map(({ id }) => id)
      )
      assert.match((yield* one.run(args, { cwd, env })).stderr, /^run ".*" has finished and exports nothing more/)
    }).pipe(Effect.scoped)
  )
})

/** `callstream sync`, `status`, `why` and `resync`, as people run them. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { alongside, folder, lines, simulation } from "../Callstream.ts"
import * as Postgres from "../../../node/test/postgres/PostgresServer.ts"
import * as Receiver from "../torture/KillReceiver.ts"

const env = { CALLSTREAM_WEBHOOK_SECRET: "whsec_bm8gc2VjcmV0LCBqdXN0IGEgdGVzdCdzIGtleSE=" }

const rowsOf = (file: string, sql: string): ReadonlyArray<Record<string, unknown>> => {
  const database = new DatabaseSync(file)
  const rows = database.prepare(sql).all()
  database.close()
  return rows.map((row) => ({ ...row }))
}

describe("callstream sync", alongside, () => {
  it.live("fills a table, and takes fewer requests the second time; status and why need none", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 400, span: "20 days" })
      const args = ["sync", "--since", "60d", "--to", "sqlite:calls.db"]
      const first = yield* run(args, { cwd })
      assert.strictEqual(first.code, 0, first.stderr)
      assert.match(
        first.stderr,
        /^400 calls, 400 new, 0 changed · \d+ requests\nComplete up to 20\d\d-\d\d-\d\d \d\d:\d\d UTC \(checked by count; calls that start later than that may still be missing\)\.\n/
      )
      assert.strictEqual(first.stdout, "")
      const shown = rowsOf(join(cwd, "calls.db"), "SELECT id FROM call_sessions ORDER BY id").map(({ id }) => id)
      const truth = simulator.truth().map(({ id }) => id)
      assert.deepStrictEqual(shown, truth.toSorted())
      // The state is of its owner only, and has no content.
      assert.deepStrictEqual(readdirSync(join(cwd, ".callstream")).sort(), ["calls.db", "salt"])
      const before = simulator.requests.length

      const status = yield* run(["status", "calls", "--json"], { cwd })
      const [about] = lines(status.stdout)
      assert.deepInclude(about, { sync: "calls", calls: 400, behind: { "sqlite:calls.db": 0 }, holes: [] })
      const all = yield* run(["status"], { cwd })
      assert.match(all.stdout, /^calls: 400 calls\n {2}Complete up to .*\n[^]*sqlite:calls\.db is up to date\.\n$/)
      const [id = ""] = truth
      const why = yield* run(["why", id, "--name", "calls"], { cwd })
      assert.match(why.stdout, new RegExp(`^calls: ${id}\\n[^]*Up to date: sqlite:calls\\.db\\.\\n$`))
      assert.strictEqual(
        (yield* run(["why", "nothing"], { cwd })).stdout.split("\n")[0],
        "the sync calls knows no call with the id nothing"
      )
      const none = yield* run(["status", "other"], { cwd })
      assert.deepStrictEqual([none.code, none.stderr], [2, "error: there is no sync other\n  There is calls.\n"])
      assert.strictEqual(simulator.requests.length, before)

      // A pass waits when the day has no requests left, and says so.
      const late = yield* run([...args, "--max-requests", "5/day"], { cwd })
      assert.match(
        late.stderr,
        /^400 calls, 0 new, 0 changed · 0 requests\n[^]*\nLate, because of \d+ of 5 requests in the last 24 h: whole passes \(since [^)]*\)\.\n$/
      )
      assert.strictEqual(simulator.requests.length, before)

      const second = yield* run([...args, "--json"], { cwd })
      const [summary] = lines(second.stdout)
      assert.deepInclude(summary, { sync: "calls", created: 0, updated: 0, removed: 0, calls: 400 })
      assert.isBelow(Number(summary?.["requests"]), before)
    })
  )

  it.live("gives each sink what it lacks: added later, deleted, or down", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 60, span: "20 days" })
      const receiver = yield* Receiver.make()
      const table = ["sync", "--since", "60d", "--to", "sqlite:calls.db"]
      assert.strictEqual((yield* run(table, { cwd })).code, 0)
      // A receiver that takes nothing does not hold up the table.
      receiver.answer(410)
      const all = [...table, "--to", receiver.url, "--allow-private-hosts"]
      const down = yield* run(all, { cwd, env })
      assert.strictEqual(down.code, 3, down.stderr)
      assert.match(down.stderr, /warning: webhook:\S+ lacks changes: the receiver answered 410/)
      assert.match(down.stderr, /\nNothing is complete yet in every sink; the sync has read up to [^;]* UTC\.\n/)
      // Nothing is called complete for a sink that did not get it.
      const lag = ["status", "calls", "--max-lag", "3h"]
      const behind = yield* run(lag, { cwd })
      assert.strictEqual(behind.code, 3, behind.stdout)
      assert.match(behind.stdout, /\n {2}sqlite:calls\.db is up to date\.\n/)
      assert.match(behind.stdout, /\n {2}webhook:\S+ lacks 60 changes, and has nothing complete yet\.\n/)
      const [about] = lines((yield* run(["status", "calls", "--json"], { cwd })).stdout)
      assert.deepInclude(about, { completeUpTo: null, isFirstPass: false })
      assert.isString(about?.["readUpTo"])
      receiver.answer(undefined)
      assert.strictEqual((yield* run(all, { cwd, env })).code, 0)
      const healthy = yield* run(lag, { cwd })
      assert.strictEqual(healthy.code, 0, healthy.stdout)
      assert.match(healthy.stdout, /\n {2}Complete up to /)
      // A sink that the next run does not have holds nothing up.
      assert.strictEqual((yield* run(table, { cwd })).code, 0)
      assert.match(
        (yield* run(lag, { cwd })).stdout,
        /webhook:\S+ is up to date: the last run did not have this sink\./
      )
      assert.strictEqual(new Set(receiver.events.map(({ sessionId }) => sessionId)).size, 60)
      // A table that somebody deleted is made again.
      for (const name of readdirSync(cwd)) if (name.startsWith("calls.db")) rmSync(join(cwd, name))
      assert.strictEqual((yield* run(all, { cwd, env })).code, 0)
      assert.strictEqual(rowsOf(join(cwd, "calls.db"), "SELECT id FROM call_sessions").length, 60)
      assert.strictEqual(receiver.events.length, 60)
      // All of them down: it fails, and continues.
      const final = ["sync", "--name", "final", "--to", receiver.url, "--allow-private-hosts", "--events", "final"]
      assert.strictEqual((yield* run(final, { cwd, env })).code, 0)
      assert.isTrue(receiver.events.slice(60).every((event) => JSON.stringify(event).includes('"final"')))
      const before = receiver.events.length
      receiver.answer(410)
      const only = ["sync", "--name", "hook", "--to", receiver.url, "--allow-private-hosts"]
      assert.strictEqual((yield* run(only, { cwd, env })).code, 1)
      receiver.answer(undefined)
      assert.strictEqual((yield* run(only, { cwd, env })).code, 0)
      assert.strictEqual(receiver.events.length - before, 60)
    })
  )

  it.live("refuses a filter that changed, and resync takes it over", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 80, span: "20 days" })
      const args = ["--since", "60d", "--to", "sqlite:calls.db", "--history"]
      assert.strictEqual((yield* run(["sync", ...args], { cwd })).code, 0)
      const longer = [...args, "--where", "durationSec > 120"]
      const refused = yield* run(["sync", ...longer], { cwd })
      assert.strictEqual(refused.code, 2)
      assert.match(
        refused.stderr,
        /^error: the ledger of calls belongs to another sync: transforms differs\n {2}Run callstream resync /
      )
      const again = yield* run(["resync", "calls", ...longer.slice(2)], { cwd })
      assert.strictEqual(again.code, 0, again.stderr)
      const shown = rowsOf(join(cwd, "calls.db"), "SELECT durationSec FROM call_sessions WHERE removed_at IS NULL")
      assert.isAbove(shown.length, 0)
      assert.isTrue(shown.every(({ durationSec }) => Number(durationSec) > 120))
      assert.strictEqual(rowsOf(join(cwd, "calls.db"), "SELECT id FROM call_sessions").length, 80)
      assert.strictEqual((yield* run(["sync", ...longer], { cwd })).code, 0)
    })
  )

  it.live("runs from a file, and writes events to stdout and a log", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 30, span: "20 days" })
      writeFileSync(
        join(cwd, "keep.yaml"),
        "source: { since: 60d }\nsync: { history: true }\nsinks: [sqlite:calls.db, changes.ndjson, '-']\n"
      )
      const ran = yield* run(["run", "keep.yaml"], { cwd })
      assert.strictEqual(ran.code, 0, ran.stderr)
      const events = lines(ran.stdout)
      assert.strictEqual(events.length, 30)
      assert.isTrue(events.every(({ type }) => type === "call_session.created"))
      assert.isTrue(existsSync(join(cwd, "changes-00001.ndjson.partial")))
      assert.strictEqual(rowsOf(join(cwd, "calls.db"), "SELECT id FROM call_sessions_history").length, 30)
      // Nothing changed: nothing is written.
      assert.strictEqual((yield* run(["run", "keep.yaml"], { cwd })).stdout, "")
      const again = yield* run(["resync", "keep.yaml", "--quiet"], { cwd })
      assert.strictEqual(again.code, 0, again.stderr)
      assert.deepStrictEqual(
        lines(again.stdout)
          .map(({ sequence }) => Number(sequence))
          .toSorted((a, b) => a - b),
        events.map(({ sequence }) => Number(sequence) + 1).toSorted((a, b) => a - b)
      )
      const explained = yield* run(["run", "keep.yaml", "--explain"], { cwd })
      assert.match(
        explained.stdout,
        /^sqlite:calls\.db: each call in its latest version, [^]*\nstdout: each change at least once /
      )
      writeFileSync(join(cwd, "wrong.yaml"), "source: { until: 1d }\nsync: {}\nsinks: [calls.csv]\n")
      const wrong = yield* run(["run", "wrong.yaml"], { cwd })
      assert.strictEqual(wrong.code, 2)
      assert.include(wrong.stderr, "wrong.yaml:1:18: until is not for a sync")
      assert.include(wrong.stderr, "wrong.yaml:3:9: to names a CSV, Excel or Parquet file")
    })
  )

  it.live("refuses what makes no sense, before any request", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation()
      const mistakes: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["--until", "1d"], "--until is not for a sync\n  A sync has no end"],
        [["--newest", "3"], "--newest is not for a sync"],
        [["--limit", "3"], "--limit is not for a sync"],
        [["--walk", "pages"], "--walk is not for a sync"],
        [["--status", "completed"], "--status is not for a sync\n  Calls could leave the list unseen: use --where"],
        [
          ["--to", "calls.csv"],
          "--to names a CSV, Excel or Parquet file, in which a sync cannot change a call\n  Sync into a database, such as sqlite:calls.db"
        ],
        [["--to", "calls.parquet"], "--to names a CSV, Excel or Parquet file"],
        [["--to", "a.ndjson", "--rotate", "day"], "--rotate is not for a sync"],
        [["--to", "a.ndjson", "--history"], "--history applies to SQLite or PostgreSQL"],
        [["--to", "sqlite:a.db", "--every", "1m"], "--every needs --follow"],
        [["--to", "sqlite:a.db", "--max-removals", "5"], "--max-removals needs --delete-removed"],
        [["--to", "sqlite:a.db", "--audit", "1d,soon"], "--audit: expected ages such as 1d,3d,7d"],
        [["--to", "sqlite:a.db", "--events", "final"], "--events applies to a webhook"],
        [["--to", "sqlite:a.db", "--max-requests", "2000"], "--max-requests: expected a number of requests a day"],
        [["--to", "-"], "a sync needs a name for what it knows"]
      ]
      for (const [args, problem] of mistakes) {
        const { code, stderr } = yield* run(["sync", ...args], { cwd })
        assert.strictEqual(code, 2, stderr)
        assert.include(stderr, `error: ${problem}`)
      }
      assert.deepStrictEqual(readdirSync(cwd), [])
      assert.strictEqual(simulator.requests.length, 0)
    })
  )
})

describe("callstream sync, where a sink or its state cannot be used", alongside, () => {
  it.live("refuses the name that an export keeps its state under, before any request", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation()
      const first = yield* run(["export", "--name", "calls", "--to", "out.ndjson"], { cwd })
      assert.strictEqual(first.code, 0, first.stderr)
      const before = simulator.requests.length
      const { code, stderr } = yield* run(["sync", "--name", "calls", "--to", "sqlite:a.db"], { cwd })
      assert.deepStrictEqual(
        [code, stderr],
        [2, "error: an export keeps its state under the name calls\n  Give this sync another name.\n"]
      )
      assert.strictEqual(simulator.requests.length, before)
      assert.isFalse(existsSync(join(cwd, "a.db")))
    })
  )

  it.live("waits for a database that is away, then ends with exit code 1 and says what to do", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation()
      // Nobody listens on the port of a discarded service.
      const env = { AWAY: "postgres://postgres@127.0.0.1:9/calls" }
      const places = [
        ["--state", "postgres:AWAY", "--to", "sqlite:a.db"],
        ["--to", "postgres:AWAY"]
      ]
      const [took, ran] = yield* Effect.timed(
        Effect.forEach(places, (place) => run(["sync", "--name", "calls", ...place], { cwd, env }), { concurrency: 2 })
      )
      assert.isAtLeast(Duration.toSeconds(took), 8)
      for (const { code, stderr } of ran) {
        assert.strictEqual(code, 1, stderr)
        assert.match(
          stderr,
          /^warning: postgres:AWAY: nobody answers there \(ECONNREFUSED\); callstream tries for \d more seconds\n/
        )
        assert.strictEqual(
          stderr.slice(stderr.indexOf("\n") + 1),
          "error: postgres:AWAY: nobody answers there (ECONNREFUSED)\n  Check that the server runs, and that host and port are right.\n"
        )
      }
    })
  )

  it.live("names the constraint of a table that refuses a row, and status says that the sink has nothing", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation()
      const database = new DatabaseSync(join(cwd, "calls.db"))
      database.exec("CREATE TABLE call_sessions (id TEXT PRIMARY KEY, channel TEXT UNIQUE)")
      database.close()
      const { code, stderr } = yield* run(["sync", "--to", "sqlite:calls.db"], { cwd })
      assert.strictEqual(code, 1, stderr)
      assert.include(
        stderr,
        "error: sqlite:calls.db: another row has the same value where the table wants each once (column call_sessions.channel, SQLITE_CONSTRAINT_UNIQUE)\n  Check what the table requires"
      )
      const status = yield* run(["status", "calls"], { cwd })
      assert.match(
        status.stdout,
        /^calls: \d+ calls?\n {2}Nothing is complete yet[^]*\n {2}sqlite:calls\.db lacks \d+ changes, and has nothing complete yet\.\n$/
      )
      assert.strictEqual((yield* run(["status", "calls", "--max-lag", "30d"], { cwd })).code, 3)
    })
  )
})

describe.skipIf(Postgres.missing)(`callstream sync with PostgreSQL${Postgres.reason}`, alongside, () => {
  it.live("keeps its state and its table in one database, and nothing beside them", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 120, span: "20 days" })
      const server = yield* Postgres.Server.make
      const name = yield* server.database()
      const sql = yield* server.client(name, { maxConnections: 1 })
      const url = `postgres://postgres:canary-password@127.0.0.1:${sql.config.port}/${name}`
      const args = ["sync", "--name", "calls", "--state", "postgres:DATABASE_URL", "--to", "postgres:DATABASE_URL"]
      const options = { cwd, env: { DATABASE_URL: url } }
      for (const created of [120, 0]) {
        const { code, stderr, stdout } = yield* run([...args, "--history", "--json"], options)
        assert.strictEqual(code, 0, stderr)
        assert.deepInclude(lines(stdout)[0], { created, updated: 0, calls: 120 })
      }
      const status = yield* run(["status", "--state", "postgres:DATABASE_URL"], options)
      assert.match(status.stdout, /^calls: 120 calls\n[^]*postgres:DATABASE_URL is up to date\.\n$/)
      const [rows] = yield* sql<{
        readonly n: number
      }>`SELECT count(*)::int AS n FROM call_sessions_history WHERE is_current`
      assert.strictEqual(rows?.n, 120)
      assert.deepStrictEqual(readdirSync(cwd), [])
      // One name is not for a sync and an export.
      const exported = ["export", "--name", "other", "--state", "postgres:DATABASE_URL", "--to", "out.ndjson"]
      assert.strictEqual((yield* run(exported, options)).code, 0)
      const refused = yield* run(["sync", "--name", "other", ...args.slice(3)], options)
      assert.deepStrictEqual(
        [refused.code, refused.stderr],
        [2, "error: an export keeps its state under the name other\n  Give this sync another name.\n"]
      )
    })
  )
})

/** `callstream report`, as people run it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { gzipSync } from "node:zlib"
import * as Postgres from "../../../node/test/postgres/PostgresServer.ts"
import { alongside, folder, lines, simulation } from "../Callstream.ts"

const day = 86_400_000

/** Days ago, to the second, so that each run means the same period. */
const ago = (days: number): string => new Date(Math.floor((Date.now() - days * day) / 1000) * 1000).toISOString()

interface Told {
  readonly totals: { readonly calls: number; readonly finalCost: string; readonly outcomes: Record<string, number> }
  readonly before: Told["totals"] | null
  readonly coverage: { readonly verdict: string; readonly stretches: ReadonlyArray<{ readonly verdict: string }> }
  readonly days: ReadonlyArray<{ readonly date: string; readonly calls: number }>
}

const told = (stdout: string): Told => JSON.parse(stdout) as Told

/** Exact sums of decimal texts, in another way than the command's. */
const sumOf = (costs: ReadonlyArray<string>): string => {
  const scale = 12
  const total = costs.reduce((sum, cost) => {
    const [whole = "0", fraction = ""] = cost.split(".")
    return sum + BigInt(whole + fraction.padEnd(scale, "0"))
  }, 0n)
  const digits = total.toString().padStart(scale + 1, "0")
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`.replace(/\.?0+$/, "")
}

describe("callstream report", alongside, () => {
  it.live("says the same of the API and of every kind of export of it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 600, span: "20 days", undated: 0.1, wire: "seen" })
      const targets = ["calls.ndjson", "calls.ndjson.gz", "calls.ndjson.zst", "calls.parquet", "sqlite:calls.db"]
      const to = targets.flatMap((target) => ["--to", target])
      const exported = yield* run(["export", ...to], { cwd })
      assert.strictEqual(exported.code, 0, exported.stderr)
      const period = ["--since", ago(9), "--until", ago(1), "--zone", "Asia/Kolkata"]
      const requests = simulator.requests.length
      const answers: Array<string> = []
      for (const target of targets) {
        const ran = yield* run(["report", "--from", target, ...period, "--json"], { cwd })
        assert.strictEqual(ran.code, 0, ran.stderr)
        answers.push(ran.stdout)
      }
      assert.strictEqual(simulator.requests.length, requests)
      const live = yield* run(["report", ...period, "--json"], { cwd })
      assert.strictEqual(live.code, 0, live.stderr)
      const { coverage, ...report } = told(live.stdout)
      for (const answer of answers) {
        const { coverage, ...other } = told(answer)
        assert.deepStrictEqual(other, report)
        assert.strictEqual(coverage.verdict, "proven")
      }
      assert.strictEqual(coverage.verdict, "proven")
      // And it is the truth.
      const [from = "", until = ""] = [period[1], period[3]]
      const rows = lines(readFileSync(join(cwd, "calls.ndjson"), "utf8"))
      const within = rows.filter((row) => {
        const started =
          typeof row["startedAt"] === "string"
            ? Date.parse(row["startedAt"].replace(" +0000 UTC", "Z").replace(" ", "T"))
            : Number.NaN
        const time =
          started > Date.parse("2000-01-01")
            ? started
            : Date.parse(String(row["createdAt"]).replace(" +0000 UTC", "Z").replace(" ", "T"))
        return time >= Date.parse(from) && time < Date.parse(until)
      })
      assert.isAbove(within.length, 100)
      assert.strictEqual(report.totals.calls, within.length)
      assert.strictEqual(
        report.totals.finalCost,
        sumOf(within.map(({ costTotal }) => (typeof costTotal === "string" && costTotal !== "" ? costTotal : "0")))
      )
      assert.isNotNull(report.before)
      assert.strictEqual(
        report.days.reduce((sum, { calls }) => sum + calls, 0),
        within.length
      )
    })
  )

  it.live("writes a page that is private, replaces none without --force, and shows no number of a customer", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 300 })
      const page = join(cwd, "report.html")
      const first = yield* run(["report", "--to", "report.html"], { cwd })
      assert.strictEqual(first.code, 0, first.stderr)
      assert.match(first.stderr, /^300 calls in report\.html\n {2}Complete up to /)
      assert.strictEqual(first.stdout, "")
      assert.strictEqual(statSync(page).mode & 0o777, 0o600)
      const again = yield* run(["report", "--to", "report.html"], { cwd })
      assert.strictEqual(again.code, 2)
      assert.strictEqual((yield* run(["report", "--to", "report.html", "--force"], { cwd })).code, 0)
      yield* run(["export", "--to", "calls.ndjson"], { cwd })
      const args = ["report", "--from", "calls.ndjson"]
      const outputs = [readFileSync(page, "utf8")]
      for (const flags of [[], ["--json"], ["--csv"]]) outputs.push((yield* run([...args, ...flags], { cwd })).stdout)
      const numbers = lines(readFileSync(join(cwd, "calls.ndjson"), "utf8")).flatMap(({ calleeNumber, callerNumber }) =>
        [calleeNumber, callerNumber].filter((text) => typeof text === "string" && text.length > 6)
      )
      assert.isAbove(numbers.length, 100)
      for (const output of outputs) {
        assert.isAbove(output.length, 500)
        assert.isUndefined(numbers.find((number) => output.includes(String(number))))
      }
      const open = yield* run([...args, "--with-personal-data", "--json"], { cwd })
      assert.isDefined(numbers.find((number) => open.stdout.includes(String(number))))
    })
  )

  it.live("calls the coverage of a changed, moved or old file unknown, and bills only what is proven", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 200, agents: 3, stuck: 0.05 })
      assert.strictEqual((yield* run(["export", "--to", "calls.ndjson"], { cwd })).code, 0)
      const bill = ["report", "--from", "calls.ndjson", "--bill"]
      const json = yield* run([...bill, "--json"], { cwd })
      assert.strictEqual(json.code, 0, json.stderr)
      const made = JSON.parse(json.stdout) as {
        readonly total: { readonly calls: number; readonly open: number; readonly cost: string }
        readonly groups: ReadonlyArray<{ readonly calls: number; readonly cost: string }>
        readonly open: ReadonlyArray<{ readonly id: string; readonly outcome: string }>
      }
      assert.strictEqual(made.total.calls + made.total.open, 200)
      assert.isAbove(made.total.open, 0)
      assert.strictEqual(made.open.length, made.total.open)
      assert.strictEqual(made.groups.length, 3)
      assert.strictEqual(made.total.cost, sumOf(made.groups.map(({ cost }) => cost)))
      const people = yield* run(bill, { cwd })
      assert.match(people.stdout, /^Bill by agent of .*, from final calls only\nComplete: every call/)
      assert.include(people.stdout, `\n${made.total.open} calls may still change and are not in the figures:\n`)

      // The last two hours are not proven, and before the first export nothing is.
      const late = yield* run([...bill, "--since", ago(40)], { cwd })
      assert.strictEqual(late.code, 3)
      assert.match(late.stderr, /^error: no bill: the period is not proven complete\n/)
      const [part = ""] = /--since .*/.exec(late.stderr) ?? []
      assert.strictEqual((yield* run([...bill, ...part.split(" ")], { cwd })).code, 0, part)
      const machine = yield* run([...bill, "--since", ago(40), "--json"], { cwd })
      assert.deepInclude(JSON.parse(machine.stderr), { type: "error", error: "NotBillable", exitCode: 3 })
      assert.strictEqual(late.stdout, "")
      assert.strictEqual((yield* run([...bill, "--since", ago(40), "--provisional"], { cwd })).code, 0)

      const [first = ""] = readFileSync(join(cwd, "calls.ndjson"), "utf8").split("\n")
      appendFileSync(join(cwd, "calls.ndjson"), `${first}\nno call\n`)
      const changed = yield* run(["report", "--from", "calls.ndjson", "--json"], { cwd })
      assert.include(changed.stderr, "calls.ndjson.coverage.json is about another calls.ndjson")
      assert.strictEqual(told(changed.stdout).coverage.verdict, "unknown")
      assert.deepInclude(JSON.parse(changed.stdout), { repeats: 1, unreadable: 1 })
      assert.strictEqual(told(changed.stdout).totals.calls, 200)
    })
  )

  it.live("knows of a table what several exports and a sync proved of it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 300, span: "20 days" })
      const [a, b, c] = [ago(15), ago(10), ago(5)]
      for (const [since, until] of [
        [a, b],
        [b, c]
      ] as const) {
        const ran = yield* run(["export", "--since", since, "--until", until, "--to", "sqlite:calls.db"], { cwd })
        assert.strictEqual(ran.code, 0, ran.stderr)
      }
      const verdictOf = (since: string, until: string) =>
        Effect.map(
          run(["report", "--from", "sqlite:calls.db", "--since", since, "--until", until, "--json"], { cwd }),
          ({ stdout }) => told(stdout).coverage.stretches.map(({ verdict }) => verdict)
        )
      assert.deepStrictEqual(yield* verdictOf(a, c), ["proven"])
      assert.deepStrictEqual(yield* verdictOf(ago(16), ago(4)), ["unknown", "proven", "unknown"])
      const synced = yield* run(["sync", "--since", "30d", "--to", "sqlite:synced.db"], { cwd })
      assert.strictEqual(synced.code, 0, synced.stderr)
      const ran = yield* run(["report", "--from", "sqlite:synced.db", "--since", "20d", "--json"], { cwd })
      assert.deepStrictEqual(
        told(ran.stdout)
          .coverage.stretches.slice(0, 2)
          .map(({ verdict }) => verdict),
        ["proven", "provisional"]
      )
      // Calls that are gone are no part of a report.
      const database = new DatabaseSync(join(cwd, "synced.db"))
      database.exec("UPDATE call_sessions SET removed_at = '2026-01-01T00:00:00.000000Z' WHERE rowid = 1")
      database.close()
      const gone = yield* run(["report", "--from", "sqlite:synced.db", "--json"], { cwd })
      assert.strictEqual(told(gone.stdout).totals.calls, 299)
    })
  )

  it.live("filters with --where, groups by a path, and adds exactly", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 1 })
      const endedAt = "2026-07-01T10:05:00Z"
      const call = (id: string, client: unknown, costTotal: string, more: object = {}) =>
        JSON.stringify({
          id,
          status: "completed",
          startedAt: "2026-07-01T10:00:00Z",
          endedAt,
          durationSec: 90,
          costTotal,
          metadata: { client },
          ...more
        })
      const rows = [
        ...Array.from({ length: 10 }, (_, nth) => call(`a${nth}`, "acme", "0.1")),
        call("b", "=globex", "12345678901234567890.000000000000000001"),
        call("c", 7, "1", { status: "in progress" }),
        call("d", undefined, "2", { durationSec: 0 })
      ]
      writeFileSync(join(cwd, "calls.ndjson"), `${rows.join("\n")}\n`, { mode: 0o600 })
      const bill = ["report", "--from", "calls.ndjson", "--bill", "--by", "metadata.client", "--provisional"]
      const ran = yield* run([...bill, "--json"], { cwd })
      assert.strictEqual(ran.code, 0, ran.stderr)
      assert.deepInclude(JSON.parse(ran.stdout), {
        groups: [
          {
            group: "=globex",
            name: "=globex",
            calls: 1,
            seconds: 90,
            cost: "12345678901234567890.000000000000000001",
            open: 0
          },
          { group: "", name: "", calls: 1, seconds: 0, cost: "2", open: 0 },
          { group: "acme", name: "acme", calls: 10, seconds: 900, cost: "1", open: 0 },
          { group: "7", name: "7", calls: 0, seconds: 0, cost: "0", open: 1 }
        ],
        total: { calls: 12, seconds: 990, cost: "12345678901234567893.000000000000000001", open: 1 }
      })
      const csv = yield* run([...bill, "--csv"], { cwd })
      // A spreadsheet would run it.
      assert.deepStrictEqual(csv.stdout.split("\r\n"), [
        "\ufefftable,group,calls,seconds,finalCost,openCost,value",
        "bill,'=globex,1,90,12345678901234567890.000000000000000001,,",
        'bill,"",1,0,2,,',
        "bill,acme,10,900,1,,",
        "bill,7,0,0,0,,",
        "open call c,7,1,,,1,",
        ""
      ])
      const sum = yield* run(["report", "--from", "calls.ndjson", "--csv"], { cwd })
      assert.strictEqual(sum.stdout.split("\r\n")[1], 'total,"",13,1080,12345678901234567893.000000000000000001,1,')
      const page = yield* run([...bill, "--to", "bill.html"], { cwd })
      assert.match(page.stderr, /^12 calls in bill\.html\n {2}Unknown: /)
      const html = readFileSync(join(cwd, "bill.html"), "utf8")
      for (const text of ["12,345,678,901,234,567,893.000000000000000001", ">=globex<", ">1.00<"]) {
        assert.include(html, text)
      }
      const some = yield* run(["report", "--from", "calls.ndjson", "--where", 'metadata.client == "acme"', "--json"], {
        cwd
      })
      assert.deepInclude(told(some.stdout).totals, { calls: 10, finalCost: "1" })
      const euro = yield* run(["report", "--from", "calls.ndjson", "--currency", "EUR"], { cwd })
      assert.match(euro.stdout, /\n {2}cost {7}EUR 12,345,678,901,234,567,893\.00 of 12 final calls\n/)
    })
  )

  it.live("reports mistakes before it reads anything", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 5 })
      const log = JSON.stringify({ id: "evt_1", type: "call.created", sequence: 1, sessionId: "a", data: {} })
      writeFileSync(join(cwd, "log.ndjson"), `${log}\n`, { mode: 0o600 })
      for (const name of ["empty.ndjson", "there.html"]) writeFileSync(join(cwd, name), "", { mode: 0o600 })
      writeFileSync(join(cwd, "text.ndjson"), "no call\nnor this\n", { mode: 0o600 })
      writeFileSync(join(cwd, "log.ndjson.gz"), gzipSync(log).subarray(0, 30), { mode: 0o600 })
      writeFileSync(join(cwd, "bad.parquet"), "no parquet", { mode: 0o600 })
      writeFileSync(join(cwd, "bad.ndjson.gz"), "no gzip", { mode: 0o600 })
      const cases = [
        [["--from", "none.ndjson"], /^error: --from: none\.ndjson cannot be read\n/],
        [["--from", "sqlite:none.db"], /^error: --from: none\.db cannot be read\n/],
        [["--from", "calls.csv"], /--from/],
        [["--from", "calls.xlsx"], /--from/],
        [
          ["--from", "log.ndjson"],
          /^error: --from: log\.ndjson is a log of changes, .*\n {2}Let the sync keep a table/
        ],
        [["--from", "bad.parquet"], /^error: --from: bad\.parquet is no Parquet file, or a damaged one\n/],
        [
          ["--from", "bad.ndjson.gz"],
          /^error: --from: bad\.ndjson\.gz is damaged or cannot be read \(Z_DATA_ERROR\)\n/
        ],
        [["--by", "agent"], /^error: --by needs --bill\n/],
        [["--provisional"], /^error: --provisional needs --bill\n/],
        [["--since", "2099-01-01"], /^error: --since must be in the past\n/],
        [["--from", "empty.ndjson"], /^error: --from: empty\.ndjson has no calls\n/],
        [["--from", "log.ndjson.gz"], /^error: --from: log\.ndjson\.gz ends in the middle\n/],
        [["--from", "text.ndjson"], /^error: --from: text\.ndjson has no calls: 2 rows could not be read as calls\n/],
        [["--from", "text.ndjson", "--bill"], /^error: --from: text\.ndjson has no calls: 2 rows/],
        [["--from", "log.ndjson", "--to", "there.html"], /^error: there\.html: the file is there already\n/],
        [["--from", "log.ndjson", "--horizon", "1h"], /^error: --horizon cannot be combined with --from\n/],
        [["--json", "--csv"], /"message":"--csv cannot be combined with --json"/],
        [["--bill", "--by", "summary"], /--by/],
        [["--to", "a.xlsx"], /^error: --to: expected .*\.html .*callstream export --to calls\.xlsx/],
        [["--currency", "euro"], /--currency/],
        [["--table", "x"], /^error: --table applies to SQLite or PostgreSQL only\n/],
        [["--where", "nothing > 1"], /^error: --where: unknown field nothing\n/],
        [["--zone", "Mars"], /^error: --zone/]
      ] as const
      for (const [args, expected] of cases) {
        const { code, stderr, stdout } = yield* run(["report", ...args], { cwd })
        assert.strictEqual(code, 2, stderr)
        assert.match(stderr, expected)
        assert.strictEqual(stdout, "")
      }
      assert.strictEqual(simulator.requests.length, 0)
      assert.isFalse(existsSync(join(cwd, "none.db")))
    })
  )
})

describe.skipIf(Postgres.missing)(`callstream report from PostgreSQL${Postgres.reason}`, alongside, () => {
  it.live("says the same as from SQLite", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 300, undated: 0.1 })
      const server = yield* Postgres.Server.make
      const name = yield* server.database()
      const sql = yield* server.client(name, { maxConnections: 1 })
      yield* sql`CREATE SCHEMA agni`
      const env = { DATABASE_URL: `postgres://postgres@127.0.0.1:${sql.config.port}/${name}` }
      const exported = yield* run(
        ["export", "--to", "postgres:DATABASE_URL", "--to", "sqlite:calls.db", "--table", "calls"],
        { cwd, env }
      )
      assert.strictEqual(exported.code, 0, exported.stderr)
      assert.notInclude(exported.stderr, "could not be noted")
      const period = ["--since", ago(20), "--until", ago(1), "--table", "calls", "--json"]
      const [postgres, sqlite] = yield* Effect.forEach(["postgres:DATABASE_URL", "sqlite:calls.db"], (from) =>
        run(["report", "--from", from, ...period], { cwd, env })
      )
      assert.strictEqual(postgres?.code, 0, postgres?.stderr)
      assert.deepStrictEqual(told(postgres?.stdout ?? ""), told(sqlite?.stdout ?? ""))
      assert.strictEqual(told(postgres?.stdout ?? "").coverage.verdict, "proven")
      const down = yield* run(["report", "--from", "postgres:DATABASE_URL"], {
        cwd,
        env: { DATABASE_URL: "postgres://postgres@127.0.0.1:1/none?sslmode=disable" }
      })
      assert.strictEqual(down.code, 1)
      assert.match(down.stderr, /^error: postgres:DATABASE_URL: nobody answers there \(ECONNREFUSED\)\n/)
    }).pipe(Effect.scoped)
  )
})

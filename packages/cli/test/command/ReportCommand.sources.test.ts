/** `callstream report` and `--bill` from what is less than an export of its own. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { alongside, folder, simulation } from "../Callstream.ts"

const isRoot = process.getuid?.() === 0

/** Days ago, to the second, so that each run means the same period. */
const ago = (days: number): string => new Date(Math.floor((Date.now() - days * 86_400_000) / 1000) * 1000).toISOString()

const call = (id: string, agent: object) =>
  JSON.stringify({
    id,
    status: "completed",
    startedAt: "2026-07-01T10:00:00Z",
    endedAt: "2026-07-01T10:05:00Z",
    durationSec: 60,
    costTotal: "1.5",
    ...agent
  })

describe("callstream report", alongside, () => {
  it.live("compares with the previous period only where its coverage is known", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 300, span: "20 days" })
      const exported = yield* run(["export", "--since", ago(10), "--until", ago(1), "--to", "calls.ndjson"], { cwd })
      assert.strictEqual(exported.code, 0, exported.stderr)
      const since = (days: number) => ["report", "--from", "calls.ndjson", "--since", ago(days), "--until", ago(2)]
      const beforeOf = (days: number) =>
        Effect.map(
          run([...since(days), "--json"], { cwd }),
          ({ stdout }) => (JSON.parse(stdout) as { readonly before: object | null }).before
        )
      // Five days before the last five: from eight days ago.
      assert.isNotNull(yield* beforeOf(5))
      // From thirteen days ago, of which three are not in the file.
      assert.isNull(yield* beforeOf(8))
      assert.match((yield* run(since(5), { cwd })).stdout, /previous|before/)
      assert.notMatch((yield* run(since(8), { cwd })).stdout, /previous|before/)
    })
  )

  it.live("refuses a bill with rows that are no calls, and counts them where it is provisional", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 1 })
      const rows = [call("a", { agentId: "1" }), "no call", '{"status":"completed"}', call("b", { agentId: "1" })]
      writeFileSync(join(cwd, "calls.ndjson"), `${rows.join("\n")}\n`, { mode: 0o600 })
      const bill = ["report", "--from", "calls.ndjson", "--bill"]
      const refused = yield* run(bill, { cwd })
      assert.strictEqual(refused.code, 3)
      assert.include(refused.stderr, "2 rows could not be read as calls.")
      assert.strictEqual(refused.stdout, "")
      const json = yield* run([...bill, "--provisional", "--json"], { cwd })
      assert.deepInclude(JSON.parse(json.stdout), { unreadable: 2 })
      const people = yield* run([...bill, "--provisional"], { cwd })
      assert.include(people.stdout, "2 rows could not be read as calls.")
    })
  )

  it.live("names agents in the CSV of a bill, with their ids where two have one name", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 1 })
      const rows = [
        call("a", { agentId: "1", agentName: "Sales" }),
        call("b", { agentId: "2", agentName: "Support" }),
        call("c", { agentId: "3", agentName: "Support" }),
        call("d", { agentId: "4" })
      ]
      writeFileSync(join(cwd, "calls.ndjson"), `${rows.join("\n")}\n`, { mode: 0o600 })
      const { stdout } = yield* run(["report", "--from", "calls.ndjson", "--bill", "--provisional", "--csv"], { cwd })
      assert.sameMembers(stdout.split("\r\n").slice(1, -1), [
        "bill,Sales,1,60,1.5,,",
        "bill,Support (2),1,60,1.5,,",
        "bill,Support (3),1,60,1.5,,",
        "bill,4,1,60,1.5,,"
      ])
    })
  )

  it.live("takes a Parquet file with fewer columns, and refuses one without calls", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 40 })
      for (const [name, columns] of [
        ["few", "id,startedAt,status"],
        ["other", "status,channel"]
      ] as const) {
        const exported = yield* run(["export", "--to", `${name}.parquet`, "--select", columns], { cwd })
        assert.strictEqual(exported.code, 0, exported.stderr)
      }
      const few = yield* run(["report", "--from", "few.parquet", "--json"], { cwd })
      assert.strictEqual(few.code, 0, few.stderr)
      const { totals } = JSON.parse(few.stdout) as { readonly totals: object }
      assert.deepInclude(totals, { calls: 40, seconds: 0, finalCost: "0" })
      const other = yield* run(["report", "--from", "other.parquet"], { cwd })
      assert.strictEqual(other.code, 2)
      assert.match(other.stderr, /^error: --from: other\.parquet /)
      assert.strictEqual(other.stdout, "")
    })
  )

  it.live("calls the coverage of a table unknown that has calls and no table of coverage", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 40 })
      assert.strictEqual((yield* run(["export", "--to", "sqlite:calls.db"], { cwd })).code, 0)
      const database = new DatabaseSync(join(cwd, "calls.db"))
      database.exec("DROP TABLE callstream_coverage")
      database.close()
      const from = ["report", "--from", "sqlite:calls.db"]
      const ran = yield* run([...from, "--json"], { cwd })
      assert.strictEqual(ran.code, 0, ran.stderr)
      const { coverage, totals } = JSON.parse(ran.stdout) as { readonly coverage: object; readonly totals: object }
      assert.deepInclude(coverage, { verdict: "unknown" })
      assert.deepInclude(totals, { calls: 40 })
      assert.strictEqual((yield* run([...from, "--bill"], { cwd })).code, 3)
    })
  )

  it.live.skipIf(isRoot)("names a folder and a file without permission, and reads nothing", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 5 })
      mkdirSync(join(cwd, "locked"), { mode: 0o500 })
      const page = yield* run(["report", "--to", "locked/report.html"], { cwd })
      assert.strictEqual(page.code, 2)
      assert.match(page.stderr, /^error: locked\/report\.html: .*\(EACCES\)\n/)
      appendFileSync(join(cwd, "calls.ndjson"), `${call("a", {})}\n`)
      chmodSync(join(cwd, "calls.ndjson"), 0o000)
      const file = yield* run(["report", "--from", "calls.ndjson"], { cwd })
      assert.strictEqual(file.code, 2)
      assert.match(file.stderr, /^error: --from: calls\.ndjson may not be read by this user \(EACCES\)\n/)
      assert.lengthOf(simulator.requests, 0)
    })
  )
})

/** `callstream resync`, as people run it: everything, a range, and while the sync runs. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { alongside, folder, lines, simulation, until } from "../Callstream.ts"

const table = ["--to", "sqlite:calls.db"]
const log = [...table, "--to", "-"]
const range = ["--since", "12d", "--until", "6d"]

const ids = (text: string) =>
  lines(text)
    .map(({ sessionId }) => String(sessionId))
    .sort()

describe("callstream resync", alongside, () => {
  it.live("delivers a range again and nothing else, also of a pipeline file", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 200, span: "20 days", undated: 0 })
      const sync = ["sync", "--since", "60d", ...log]
      assert.strictEqual((yield* run(sync, { cwd })).code, 0)
      const now = simulator.now()
      const day = 86_400_000_000
      const within = simulator
        .truth()
        .filter(({ startedAt: start = 0 }) => start >= now - 12 * day && start < now - 6 * day)
        .map(({ id }) => id)
        .sort()
      assert.isAbove(within.length, 30)
      const again = yield* run(["resync", "calls", ...range, ...log], { cwd })
      assert.strictEqual(again.code, 0, again.stderr)
      assert.deepStrictEqual(ids(again.stdout), within)
      assert.match(again.stderr, new RegExp(`^200 calls, 0 new, ${within.length} changed · `))
      // Nothing is left to deliver.
      assert.strictEqual((yield* run(sync, { cwd })).stdout, "")
      writeFileSync(join(cwd, "calls.yaml"), "source: { since: 60d }\nsync: {}\nsinks: [sqlite:calls.db, '-']\n")
      const file = yield* run(["resync", "calls.yaml", ...range, "--json"], { cwd })
      assert.strictEqual(file.code, 0, file.stderr)
      assert.deepStrictEqual(ids(file.stdout), within)
      const all = yield* run(["resync", ...log], { cwd })
      assert.strictEqual(lines(all.stdout).length, 200)
    })
  )

  for (const [what, statement, problem] of [
    [
      "calls of a page",
      "UPDATE callstream_ledger_pages SET records = x'' WHERE first = 1",
      "some of its calls cannot be read"
    ],
    ["the row", "UPDATE callstream_ledgers SET state = substr(state, 1, length(state) - 9)", "holds a damaged one"],
    [
      "the state",
      `UPDATE callstream_ledgers SET state = replace(state, '"watermark":', '"Watermark":')`,
      "holds a damaged one"
    ]
  ] as const) {
    it.live(`repairs a ledger in which ${what} cannot be read`, () =>
      Effect.gen(function* () {
        const cwd = yield* folder
        const { run, simulator } = yield* simulation({ sessions: 200, span: "20 days" })
        const sinks = [...table, "--to", "changes.ndjson"]
        const sync = ["sync", "--since", "60d", ...sinks]
        assert.strictEqual((yield* run(sync, { cwd })).code, 0)
        const inDatabase = <A>(file: string, use: (database: DatabaseSync) => A): A => {
          const database = new DatabaseSync(join(cwd, file))
          const result = use(database)
          database.close()
          return result
        }
        inDatabase(join(".callstream", "calls.db"), (database) => database.exec(statement))
        for (const command of [sync, ["resync", "calls", ...range, ...sinks]]) {
          const torn = yield* run(command, { cwd })
          assert.strictEqual(torn.code, 2, torn.stderr)
          assert.include(torn.stderr, problem)
          assert.include(torn.stderr, "run callstream resync with these flags and without a range")
        }
        const again = yield* run(["resync", "calls", ...sinks], { cwd })
        assert.strictEqual(again.code, 0, again.stderr)
        assert.include(again.stderr, "could not be read")
        const truth = simulator.truth().map(({ id }) => id)
        const shown = inDatabase("calls.db", (database) =>
          database.prepare("SELECT id FROM call_sessions WHERE removed_at IS NULL ORDER BY id").all()
        )
        assert.deepStrictEqual(
          shown.map(({ id }) => id),
          truth.toSorted()
        )
        // The range that was asked for above waited, unless it was refused.
        yield* run(sync, { cwd })
        assert.match((yield* run(sync, { cwd })).stderr, /^200 calls, 0 new, 0 changed/)
        const logged = readdirSync(cwd)
          .filter((file) => /^changes.*ndjson/.test(file))
          .flatMap((file) => lines(readFileSync(join(cwd, file), "utf8")))
        assert.deepStrictEqual(new Set(logged.map(({ sessionId }) => String(sessionId))), new Set(truth))
        const versions = logged.map(({ sequence, sessionId }) => `${String(sessionId)} ${String(sequence)}`)
        assert.strictEqual(new Set(versions).size, versions.length, "each version is in the log once")
      })
    )
  }

  it.live("a sync whose ledger is a damaged file says so, and begins again without it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 60, span: "20 days" })
      const sync = ["sync", "--since", "60d", ...table]
      assert.strictEqual((yield* run(sync, { cwd })).code, 0)
      const file = join(cwd, ".callstream", "calls.db")
      writeFileSync(file, readFileSync(file).fill(0xa5, 4096, 12_288))
      for (const command of [sync, ["resync", "calls", ...table]]) {
        const damaged = yield* run(command, { cwd })
        assert.strictEqual(damaged.code, 2, damaged.stderr)
        assert.match(damaged.stderr, /the file is damaged .*\n {2}Restore it from a copy, or delete it to begin again/)
      }
      rmSync(file)
      const again = yield* run(sync, { cwd })
      assert.match(again.stderr, new RegExp(`^60 calls, 60 new`))
      const database = new DatabaseSync(join(cwd, "calls.db"))
      const shown = database.prepare("SELECT id FROM call_sessions WHERE removed_at IS NULL").all()
      database.close()
      assert.deepStrictEqual(new Set(shown.map(({ id }) => id)), new Set(simulator.truth().map(({ id }) => id)))
    })
  )

  it.live("leaves a range to the sync that runs, and refuses other flags then", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, start } = yield* simulation({ sessions: 60, span: "20 days" })
      const following = yield* start(["sync", "--since", "60d", ...log, "--follow", "--every", "500ms"], { cwd })
      yield* until(() => following.stdout().split("\n").length > 60)
      yield* until(() => following.stderr().includes("complete up to"))
      const queued = yield* run(["resync", "calls", ...range, ...log, "--follow"], { cwd })
      assert.deepStrictEqual(
        [queued.code, queued.stdout, queued.stderr],
        [0, "", "calls is running: its next pass delivers this again\n"]
      )
      yield* until(() => following.stdout().split("\n").length > 70)
      const all = yield* run(["resync", "calls", ...log], { cwd })
      assert.strictEqual(all.code, 0, all.stderr)
      yield* until(() => following.stdout().split("\n").length > 130)
      const other = yield* run(["resync", "calls", ...log, "--where", "durationSec > 60"], { cwd })
      assert.strictEqual(other.code, 2)
      assert.match(
        other.stderr,
        /^error: calls is running with other flags: transforms differ\n {2}Stop it, then run callstream resync /
      )
      following.child.kill("SIGTERM")
      assert.strictEqual((yield* following.ended).code, 0)
    })
  )

  it.live("refuses what it cannot do, before any request", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation()
      writeFileSync(join(cwd, "export.yaml"), "sinks: [calls.ndjson]\n")
      writeFileSync(join(cwd, "sync.yaml"), "sync: {}\nsinks: [sqlite:a.db]\n")
      const mistakes: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["calls", ...table], "error: there is no sync calls\n  Begin one with callstream sync"],
        [["calls", ...table, "--since", "1d", "--until", "2d"], "--until ("],
        [["export.yaml"], "export.yaml has no sync"],
        [["sync.yaml", ...table], "--to is not for a pipeline file\n  Write it into sync.yaml."],
        [["calls", "--to", "calls.csv"], "--to names a CSV, Excel or Parquet file"],
        [["--to", "-"], "a sync needs a name"]
      ]
      for (const [args, problem] of mistakes) {
        const { code, stderr } = yield* run(["resync", ...args], { cwd })
        assert.strictEqual(code, 2, stderr)
        assert.include(stderr, problem)
      }
      assert.strictEqual(simulator.requests.length, 0)
      assert.strictEqual((yield* run(["sync", "--since", "60d", ...table], { cwd })).code, 0)
      const other = yield* run(["resync", "calls", ...range, ...table, "--where", "durationSec > 60"], { cwd })
      assert.strictEqual(other.code, 2)
      assert.include(other.stderr, "Run callstream resync with these flags and without a range")
    })
  )
})

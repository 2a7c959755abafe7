import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { alongside, folder, idsOf, simulation } from "../Callstream.ts"

const sorted = (values: ReadonlyArray<unknown>) => values.map(String).sort()

describe("callstream export by windows", alongside, () => {
  it.live("brings everything, proven, oldest first, and says so in the summary and in the file", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 600, undated: 0.05 })
      const args = ["export", "--to", "a.ndjson", "--coverage", "c.json", "--horizon", "30m"]
      const { code, stderr } = yield* run(args, { cwd })
      assert.strictEqual(code, 0, stderr)
      const ids = idsOf(readFileSync(join(cwd, "a.ndjson"), "utf8"))
      assert.deepStrictEqual(sorted(ids), sorted(simulator.truth().map(({ id }) => id)))
      assert.match(
        stderr,
        /\n {2}Complete up to [-\d]+ [:\d]+ UTC, checked by count \(assumed: every call was in at least one answer about its time\)\. Calls from the last 30 min may still be added\./
      )
      const coverage: Record<string, unknown> = JSON.parse(readFileSync(join(cwd, "c.json"), "utf8"))
      assert.deepInclude(coverage, { set: "provisional", of: 600, horizon: 1800 })
      assert.isAbove(Number(coverage["undated"]), 0)
      assert.strictEqual(statSync(join(cwd, "c.json")).mode & 0o777, 0o600)
      const strict = yield* run([...args, "--force", "--strict"], { cwd })
      assert.strictEqual(strict.code, 3)
    })
  )

  it.live("a past range is proven whole", () =>
    Effect.gen(function* () {
      const { run, simulator } = yield* simulation({ sessions: 600 })
      const { code, stderr, stdout } = yield* run(["export", "--until", "12h", "--json"])
      assert.strictEqual(code, 0, stderr)
      const summary: Record<string, unknown> = JSON.parse(stderr)
      assert.deepInclude(summary["coverage"], { set: "proven", reasons: [] })
      assert.isEmpty(
        simulator.missed(idsOf(stdout).map(String), { to: Instant.of(simulator.now() - 12 * 3600e6 - 60e6) })
      )
    })
  )

  it.live(
    "what has no start comes with the range that it was created in, and a range that is still to come is not proven",
    () =>
      Effect.gen(function* () {
        const cwd = yield* folder
        const { run, simulator } = yield* simulation({ sessions: 600, undated: 0.05 })
        const undated = simulator.truth().length - simulator.count({ from: "1970-01-01" })
        const args = ["export", "--quiet", "--to", "a.ndjson", "--coverage", "c.json", "--force"]
        const reported = (): Record<string, unknown> => JSON.parse(readFileSync(join(cwd, "c.json"), "utf8"))
        assert.strictEqual((yield* run([...args, "--until", "1d"], { cwd })).code, 0)
        assert.isAbove(undated, 0)
        assert.deepInclude(reported(), { set: "proven", undated, undatedOutside: 0 })
        assert.strictEqual((yield* run([...args, "--until", "1d", "--without-start", "skip"], { cwd })).code, 0)
        assert.deepInclude(reported(), { set: "proven", undated: 0 })
        const before = yield* run([...args, "--until", "2021-01-01"], { cwd })
        assert.strictEqual(before.code, 0)
        assert.deepInclude(reported(), { set: "proven", of: 0 })
        assert.lengthOf(reported()["windows"] as ReadonlyArray<unknown>, 1)
        const future = yield* run([...args, "--since", "2099-01-01"], { cwd })
        assert.strictEqual(future.code, 0, future.stderr)
        assert.deepInclude(reported(), { set: "provisional", of: 0 })
      })
  )

  it.live("an end in the year 9999 is an end in the future, also under a name", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 100 })
      for (const more of [[], ["--name", "all"]]) {
        const args = ["export", "--until", "9999-12-31T23:59:59Z", "--to", `${more.length}.ndjson`, ...more]
        const { code, stderr } = yield* run(args, { cwd })
        assert.strictEqual(code, 0, stderr)
        const ids = idsOf(readFileSync(join(cwd, `${more.length}.ndjson`), "utf8"))
        assert.sameMembers(
          [...ids],
          simulator.truth().map(({ id }) => id)
        )
      }
    })
  )

  it.live("detects a server that ignores time bounds: everything comes, nothing is proven, exit 3", () =>
    Effect.gen(function* () {
      const { run, simulator } = yield* simulation({ sessions: 300, bounds: { ignored: "all" } })
      const { code, stderr, stdout } = yield* run(["export"])
      assert.strictEqual(code, 3)
      assert.include(stderr, "NOT proven complete")
      assert.isEmpty(simulator.missed(idsOf(stdout).map(String)))
    })
  )

  it.live("a poisoned stretch fails the run, or is a named gap with --keep-going", () =>
    Effect.gen(function* () {
      const { run, simulator } = yield* simulation({ sessions: 300, undated: 0 })
      const [victim] = simulator.truth().slice(100, 101)
      assert.isDefined(victim)
      simulator.poison(victim?.id ?? "")
      const args = ["export", "--retries", "0", "--until", "12h"]
      const failed = yield* run(args)
      assert.strictEqual(failed.code, 1)
      const { code, stderr, stdout } = yield* run([...args, "--keep-going"])
      assert.strictEqual(code, 3, stderr)
      assert.match(stderr, /20\d\d-\d\d-\d\d \d\d:\d\d:\d\d to \S+ \S+ UTC could not all be read/)
      const missed = simulator.missed(idsOf(stdout).map(String), { to: Instant.of(simulator.now() - 13 * 3600e6) })
      assert.include(missed, victim?.id ?? "")
      assert.isAtMost(missed.length, 3)
    })
  )
})

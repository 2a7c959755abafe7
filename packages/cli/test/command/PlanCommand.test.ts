import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, folder, simulation } from "../Callstream.ts"

describe("callstream plan", alongside, () => {
  it.live("prints the requests that the export then makes, and writes nothing", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 3000, undated: 0 })
      const flags = ["--since", "20d", "--until", "1d", "--to", "a.ndjson", "--strict"]
      const planned = yield* run(["plan", ...flags, "--json"], { cwd })
      assert.deepStrictEqual({ code: planned.code, stderr: planned.stderr }, { code: 0, stderr: "" })
      assert.deepStrictEqual(readdirSync(cwd), [])
      const plan: Record<string, unknown> = JSON.parse(planned.stdout)
      const { code, stderr, stdout } = yield* run(["export", ...flags, "--json"], { cwd })
      assert.strictEqual(code, 0, stderr)
      const summary: Record<string, unknown> = JSON.parse(stdout)
      assert.deepInclude(plan, { walk: "history", set: "proven", reasons: [] })
      // Ages are counted back from when each command began.
      const { least, most }: { least?: number; most?: number } = Object(plan["sessions"])
      assert.strictEqual(least, most)
      assert.approximately(Number(least), Number(summary["sessions"]), 2)
      assert.approximately(Number(plan["requests"]), Number(summary["requests"]), 0.2 * Number(summary["requests"]))
      assert.isAtMost(Number(plan["spent"]), 48)
    })
  )

  it.live("a line for each thing one wants to know", () =>
    Effect.gen(function* () {
      const { run } = yield* simulation({ sessions: 3000, undated: 0.01 })
      const { code, stderr, stdout } = yield* run(["plan", "--rate", "200"])
      assert.strictEqual(code, 0, stderr)
      const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`
      assert.match(
        stdout,
        new RegExp(
          [
            String.raw`^range        ${time} UTC to now, (29|30) d.*`,
            String.raw`calls        3,000, counted; about \d+ have no start time; 100 to a page`,
            String.raw`split        into \d+ windows of start time`,
            String.raw` {13}densest: \d.* from ${time} UTC with about \d+`,
            String.raw` {13}thinnest: \d.* from ${time} UTC with about \d+`,
            String.raw`requests     about \d+, \d+ of them probes`,
            String.raw`time         about \d.*: a request takes \d+ ms now, 4 at once, at most 200 a second`,
            `proof        can be proven up to ${time} UTC; later: calls may still be added.*`,
            String.raw`planned      with \d+ requests; nothing was written\n$`
          ].join("\n")
        )
      )
    })
  )

  it.live("says what its numbers leave out", () =>
    Effect.gen(function* () {
      const { run } = yield* simulation({ sessions: 300, undated: 0.1 })
      const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`
      const bounded = yield* run(["plan", "--since", "20d", "--until", "1d"])
      assert.match(bounded.stdout, new RegExp(`^range        ${time} to ${time} UTC, 19 d\n`))
      assert.match(bounded.stdout, /\ncalls        \d+ with a start time, counted; 100 to a page\n/)
      assert.match(bounded.stdout, /\nrequests     about \d/)
      const newest = yield* run(["plan", "--newest", "3"])
      assert.match(newest.stdout, /\nrequests     at most about \d/)
    })
  )

  it.live("warns that an export will prove nothing", () =>
    Effect.gen(function* () {
      const { run } = yield* simulation({ sessions: 300, undated: 0, bounds: { ignored: "all" } })
      const pages = yield* run(["plan", "--walk", "pages"])
      assert.include(pages.stdout, "nothing can be proven: page numbers prove nothing")
      const history = yield* run(["plan"])
      assert.include(history.stdout, "by page numbers, not into windows of time")
      assert.include(history.stdout, "nothing can be proven: calls from outside the time bounds came back")
      const status = yield* (yield* simulation({ sessions: 300 })).run(["plan", "--status", "completed"])
      assert.include(status.stdout, "not to be proven: the status of a call changes with time")
    })
  )

  it.live("wrong flags are refused as those of export are, before any request", () =>
    Effect.gen(function* () {
      const { run, simulator } = yield* simulation()
      const useless = yield* run(["plan", "--walk", "pages", "--horizon", "1h"])
      assert.strictEqual(useless.code, 2)
      assert.include(useless.stderr, "--horizon cannot be combined with --walk pages")
      const reversed = yield* run(["plan", "--since", "1d", "--until", "2d"])
      assert.strictEqual(reversed.code, 2)
      assert.strictEqual(simulator.requests.length, 0)
    })
  )
})

describe("callstream check --json, export --profile", alongside, () => {
  it.live("what check saved saves requests; --debug shows the endpoint profile and each window", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      // Page size and order have to be found out here, or nothing much is saved.
      const { run, simulator } = yield* simulation({
        sessions: 3000,
        undated: 0,
        order: "created-asc",
        maxPageSize: 50
      })
      const saved = yield* run(["check", "--json"])
      assert.strictEqual(saved.code, 0, saved.stderr)
      writeFileSync(join(cwd, "profile.json"), saved.stdout)
      // Side by side, whichever window ends first decides how the next ones are cut, and so what they take.
      const flags = ["export", "--until", "1d", "--concurrency", "1", "--quiet", "--to"]
      let before = simulator.requests.length
      yield* run([...flags, "a.ndjson"], { cwd })
      const without = simulator.requests.length - before
      before = simulator.requests.length
      const { code, stderr } = yield* run([...flags, "b.ndjson", "--profile", "profile.json", "--debug"], { cwd })
      assert.strictEqual(code, 0, stderr)
      assert.isAtMost(simulator.requests.length - before, without - 4)
      assert.include(stderr, "paging: a page begins where the one before it ended")
      assert.match(stderr, /\d{4}-\S+Z to \d{4}-\S+Z: \d+ calls?, \d+ requests?, proven\n/)
      assert.notMatch(stderr, /agni_test_key|\+1\d{10}|recordings/)
    })
  )

  it.live("a file that is something else, of another version or another endpoint: exit 2, no request", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator, url } = yield* simulation()
      const saved = yield* run(["check", "--json"])
      const profile: Record<string, unknown> = JSON.parse(saved.stdout)
      assert.strictEqual(profile["baseUrl"], url)
      const before = simulator.requests.length
      const files: ReadonlyArray<readonly [text: string, told: string]> = [
        ["{}", "is not what check --json saves"],
        ["not JSON", "is not what check --json saves"],
        [JSON.stringify({ ...profile, pageSize: -1 }), "is not what check --json saves"],
        [JSON.stringify({ ...profile, version: 2 }), "is of another version of callstream"],
        [JSON.stringify({ ...profile, baseUrl: "https://api.ravan.ai" }), "is the profile of https://api.ravan.ai"]
      ]
      for (const [i, [text, told]] of files.entries()) {
        writeFileSync(join(cwd, `${i}.json`), text)
        const { code, stderr } = yield* run(["export", "--profile", `${i}.json`], { cwd })
        assert.strictEqual(code, 2, told)
        assert.match(stderr, /^error: --profile: \d\.json .*\n {2}Save it again: .*\n$/)
        assert.include(stderr, told)
      }
      const missing = yield* run(["plan", "--profile", "none.json"], { cwd })
      assert.strictEqual(missing.code, 2)
      assert.include(missing.stderr, "none.json cannot be read")
      assert.strictEqual(simulator.requests.length, before)
    })
  )

  it.live("estimates a sync, from few requests, and from its state without any", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 3000, span: "30 days", undated: 0 })
      const flags = ["--since", "28d", "--to", "sqlite:calls.db"]
      const planned = yield* run(["plan", "--sync", ...flags, "--json"], { cwd })
      assert.strictEqual(planned.code, 0, planned.stderr)
      assert.deepStrictEqual(readdirSync(cwd), [])
      const plan: Record<string, unknown> = JSON.parse(planned.stdout)
      assert.approximately(Number(plan["callsADay"]), 100, 15)
      const spent = simulator.requests.length
      assert.strictEqual(plan["spent"], spent)
      assert.isAtMost(spent, 48)
      const synced = yield* run(["sync", ...flags, "--json"], { cwd })
      assert.strictEqual(synced.code, 0, synced.stderr)
      const first: { requests?: number } = Object(plan["firstPass"])
      const taken = simulator.requests.length - spent
      assert.approximately(Number(first.requests), taken, 0.2 * taken)
      const before = simulator.requests.length
      const known = yield* run(["plan", "--sync", ...flags, "--max-requests", "100/day"], { cwd })
      assert.match(
        known.stdout,
        /^calls {8}about \d+ a day\nthen {9}about \d+ requests a day with a pass every 1 h\n {13}about [\d,]+ requests a day with a pass every 1 min\nlimit {8}100 a day are enough for a pass every 1 h\n {13}100 a day are too few for a pass every 1 min: the sync would be late\nmeasured {5}\d+ requests in the last 24 h\nstate {8}about 1 MB on disk\nplanned {6}from the state of the sync, without a request\n$/
      )
      assert.strictEqual(simulator.requests.length, before)
      const wrong = yield* run(["plan", "--sync", "--until", "1d"], { cwd })
      assert.deepStrictEqual([wrong.code, wrong.stderr.split("\n")[0]], [2, "error: --until is not for a sync"])
      const alone = yield* run(["plan", "--every", "1m"], { cwd })
      assert.deepStrictEqual([alone.code, alone.stderr.split("\n")[0]], [2, "error: --every needs --sync"])
    })
  )
})

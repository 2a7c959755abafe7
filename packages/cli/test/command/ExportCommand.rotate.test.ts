/** `--rotate day --force` over an earlier output: what it replaces, what it leaves, and when it does not begin. */
import { Instant, Manifest } from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, folder, idsOf, simulation } from "../Callstream.ts"

const day = 86_400_000_000
const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Manifest.Manifest))
const manifestOf = (cwd: string) => decode(readFileSync(join(cwd, "calls.manifest.json"), "utf8"))
const contents = (cwd: string) =>
  readdirSync(cwd)
    .sort()
    .map((name) => [name, readFileSync(join(cwd, name), "utf8")])
const named = (cwd: string) => manifestOf(cwd).files.flatMap(({ name }) => idsOf(readFileSync(join(cwd, name), "utf8")))

const daily = ["export", "--rotate", "day", "--to", "calls.ndjson"]

describe("export --rotate day --force", alongside, () => {
  it.live("never replaces a full day by a part of it, and leaves the days that it does not read", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 400, span: "8 days", age: "1 day", undated: 0 })
      const starts = simulator.truth().flatMap(({ startedAt }) => (typeof startedAt === "number" ? [startedAt] : []))
      const midnight = Math.floor(Math.max(...starts) / day) * day
      const first = Instant.format(Instant.of(midnight - 6 * day))
      const last = Instant.format(Instant.of(midnight))
      const iso = (instant: number) => Instant.format(Instant.of(instant))
      const before = ["--since", first, "--until", last]

      const fresh = yield* run([...daily, ...before], { cwd })
      assert.strictEqual(fresh.code, 0, fresh.stderr)
      assert.notInclude(fresh.stderr, "replaced")
      const held = new Set(named(cwd))
      const days = manifestOf(cwd).files.map(({ name }) => name)
      assert.lengthOf(days, 6)
      const files = contents(cwd)

      const requests = simulator.requests.length
      const half = iso(midnight - 2 * day + day / 2)
      const wholeDay = iso(midnight - 2 * day)
      const webhook = ["--to", "http://127.0.0.1:9/", "--allow-private-hosts"]
      const env = { CALLSTREAM_WEBHOOK_SECRET: "whsec_bm8gc2VjcmV0LCBqdXN0IGEgdGVzdCdzIGtleSE=" }
      for (const more of [[], webhook]) {
        const partly = yield* run([...daily, "--since", half, "--until", last, "--force", ...more], { cwd, env })
        assert.strictEqual(partly.code, 2)
        assert.strictEqual(
          partly.stderr,
          `error: calls.ndjson: ${days[4]}: it holds the calls from ${wholeDay} to ${iso(midnight - day)}, and this run reads those from ${half} to ${last}\n  Set --since ${wholeDay}, or choose another name.\n`
        )
      }
      const narrow = ["--since", wholeDay, "--until", last, "--force"]
      for (const [flags, what] of [
        [["--status", "completed"], "it holds calls that this run leaves out (status=completed)"],
        [["--where", "durationSec > 60"], "it holds calls that this run leaves out (where)"],
        [["--keep-going"], "this run may not read all of them"],
        [["--newest", "10"], "this run may not read all of them"]
      ] as const) {
        const { code, stderr } = yield* run([...daily, ...narrow, ...flags], { cwd })
        assert.strictEqual(code, 2)
        assert.include(stderr, what)
      }
      assert.lengthOf(simulator.requests, requests)
      assert.deepStrictEqual(contents(cwd), files)

      const again = yield* run([...daily, ...narrow], { cwd })
      assert.strictEqual(again.code, 0, again.stderr)
      assert.include(again.stderr, `  replaced 2 files: ${days[4]}, ${days[5]}\n`)
      assert.notInclude(again.stderr, "removed")
      assert.deepStrictEqual(new Set(named(cwd)), held)
      assert.sameMembers(
        manifestOf(cwd).files.map(({ name }) => name),
        days
      )

      const json = yield* run(["export", "--rotate", "100MB", "--to", "calls.ndjson", "--force", "--json"], { cwd })
      assert.strictEqual(json.code, 0, json.stderr)
      const summary: unknown = JSON.parse(json.stdout)
      assert.deepInclude(summary, { removed: days.toSorted() })
    })
  )

  it.live("says of one file, too, that it was replaced", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 3 })
      assert.notInclude((yield* run(["export", "--to", "calls.ndjson", "--force"], { cwd })).stderr, "replaced")
      const { stderr } = yield* run(["export", "--to", "calls.ndjson", "--force"], { cwd })
      assert.include(stderr, "  replaced 1 file: calls.ndjson\n")
    })
  )
})

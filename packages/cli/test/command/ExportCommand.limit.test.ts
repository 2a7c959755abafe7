/** Filters come before limits, and where they leave nothing the summary names what there is. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, callstream, folder, idsOf, lines, records, server, simulation } from "../Callstream.ts"

const statuses = ["completed", "failed", "busy"]
const calls = Array.from({ length: 90 }, (_, at) => ({
  id: `call-${String(at).padStart(2, "0")}`,
  startedAt: `2026-07-31T07:${String(Math.floor(at / 2)).padStart(2, "0")}:${at % 2 === 0 ? "00" : "30"}Z`,
  status: statuses[at % 3],
  channel: "inbound_call",
  callerNumber: "+14155550123"
}))

describe("limits", alongside, () => {
  it.live("the newest and the oldest are chosen from those that pass", () =>
    Effect.gen(function* () {
      const { run } = yield* simulation({ sessions: 400, undated: 0 })
      // All that pass, by start.
      const passing = idsOf((yield* run(["export", "--where", "durationSec > 60"])).stdout)
      assert.isAbove(passing.length, 10)
      const where = ["--where", "durationSec > 60"]
      const newest = yield* run(["export", "--newest", "5", ...where])
      assert.deepStrictEqual(idsOf(newest.stdout), passing.slice(-5).reverse(), newest.stderr)
      const pages = yield* run(["export", "--newest", "5", ...where, "--walk", "pages"])
      assert.deepStrictEqual(idsOf(pages.stdout), passing.slice(-5).reverse())
      const oldest = yield* run(["export", "--oldest", "5", ...where])
      assert.deepStrictEqual(idsOf(oldest.stdout), passing.slice(0, 5))
    })
  )

  it.live("--limit stops after so many that passed, in every sink, and the coverage says so", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 400, undated: 0 })
      const to = ["--to", "a.ndjson", "--to", "sqlite:calls.db", "--to", "-", "--coverage", "coverage.json"]
      const { code, stderr, stdout } = yield* run(["export", "--limit", "7", ...to, "--where", "durationSec > 60"], {
        cwd
      })
      assert.strictEqual(code, 0, stderr)
      // All that pass, by start.
      const passing = idsOf((yield* run(["export", "--where", "durationSec > 60"])).stdout)
      assert.isAbove(passing.length, 10)
      assert.deepStrictEqual(idsOf(stdout), passing.slice(0, 7))
      assert.strictEqual(readFileSync(join(cwd, "a.ndjson"), "utf8"), stdout)
      assert.include(stderr, "  7 calls to sqlite:calls.db\n")
      assert.include(stderr, "  stopped at the limit of 7 calls; there may be more\n")
      const coverage = JSON.parse(readFileSync(join(cwd, "coverage.json"), "utf8"))
      assert.strictEqual(coverage.set, "provisional")
      assert.include(coverage.reasons.join(), "stopped at the limit of 7")
      const pages = yield* run(["export", "--limit", "3", "--walk", "pages", "--json"], { cwd })
      assert.lengthOf(idsOf(pages.stdout), 3)
      assert.deepInclude(JSON.parse(pages.stderr), { sessions: 3, limit: 3, limited: true })
    })
  )

  it.live("--limit goes with no state, and not with --newest", () =>
    Effect.gen(function* () {
      const named = yield* callstream(["export", "--limit", "7", "--name", "a"])
      assert.strictEqual(named.code, 2)
      assert.include(named.stderr, "--limit cannot be combined with --name; such a run cannot be resumed")
      const both = yield* callstream(["export", "--limit", "7", "--newest", "3"])
      assert.include(both.stderr, "--limit cannot be combined with --newest")
    })
  )
})

describe("when nothing matched", alongside, () => {
  const export_ = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
    const { requests, url } = yield* server(records(calls))
    const ran = yield* callstream(["export", "--walk", "pages", ...args], { env: { AGNI_BASE_URL: url } })
    return { ...ran, requests: requests.length }
  })

  it.live("a condition is repeated, and the values that there are", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* export_("--where", 'status == "faild"')
      assert.strictEqual(code, 0)
      assert.strictEqual(stdout, "")
      assert.include(stderr, '  No calls matched status == "faild". Seen: completed, failed, busy.\n')
      const newest = yield* export_("--where", 'status == "faild"', "--newest", "2")
      assert.include(newest.stderr, '  No calls matched status == "faild". Seen: completed, failed, busy.\n')
    })
  )

  it.live("one that may name a person is not repeated, nor are values of such fields", () =>
    Effect.gen(function* () {
      const { stderr } = yield* export_("--where", 'callerNumber == "+14150000000" && channel == "x"')
      assert.include(stderr, "  No calls matched the condition on each call. Seen: inbound_call.\n")
      assert.notInclude(stderr, "+1415")
    })
  )

  it.live("a run that brought something says nothing of it, and --json has it as data", () =>
    Effect.gen(function* () {
      assert.notInclude((yield* export_("--where", 'status == "busy"')).stderr, "No calls matched")
      const { stderr } = yield* export_("--where", 'status == "faild"', "--json")
      assert.deepStrictEqual(JSON.parse(stderr).unmatched, {
        filters: ['status == "faild"'],
        seen: { status: statuses },
        elsewhere: false
      })
    })
  )

  it.live("a filter of the server's too, with a request without it", () =>
    Effect.gen(function* () {
      const { run } = yield* simulation({ sessions: 60, undated: 0 })
      const { stderr } = yield* run(["export", "--walk", "pages", "--channel", "outbound"])
      assert.match(stderr, / {2}No calls matched channel "outbound"\. Seen: \w+(, \w+)*\.\n/)
      const number = yield* run(["export", "--walk", "pages", "--caller-number", "+14150000000"])
      assert.include(number.stderr, "  No calls matched the caller number.\n")
      const old = yield* run(["export", "--walk", "pages", "--status", "faild", "--until", "2001-01-01"])
      assert.match(old.stderr, / {2}No calls matched status "faild"\. Seen outside the range: /)
    })
  )
})

describe("export --dry-run", alongside, () => {
  it.live("shows the first that pass, says of how many, and writes nothing", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { url } = yield* server(records(calls))
      const args = [
        "export",
        "--to",
        "calls.ndjson",
        "--where",
        'status == "busy"',
        "--select",
        "id,status",
        "--dry-run"
      ]
      const { code, stderr, stdout } = yield* callstream(args, { cwd, env: { AGNI_BASE_URL: url } })
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(stderr, "The first 10 calls that passed, of 30 read.\n")
      const shown = lines(stdout)
      for (const stage of ["source", "where", "select", "to"]) {
        const records = shown.filter((line) => line["stage"] === stage)
        assert.lengthOf(records, 10, stage)
        assert.isTrue(records.every(({ record }) => (record as { readonly status: string }).status === "busy"))
      }
      assert.throws(() => readFileSync(join(cwd, "calls.ndjson")))
    })
  )
})

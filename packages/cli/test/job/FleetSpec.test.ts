import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FleetSpec from "../../src/job/FleetSpec.ts"
import type * as Overrides from "../../src/job/Overrides.ts"
import * as Tasks from "../../src/job/Tasks.ts"
import { describe as words } from "../../src/option/Reason.ts"
import { inFile } from "../../src/option/Speaker.ts"

const env = {
  KEY: "agni_secret",
  DB: "postgres://me:hidden@localhost/calls",
  CALLSTREAM_WEBHOOK_SECRET: "whsec_bm8gc2VjcmV0LCBqdXN0IGEgdGVzdCdzIGtleSE="
}

const load = (path: string, text: string, overrides: Overrides.Overrides = {}) =>
  Tasks.load({ path, text }, { report: "none", overrides, onRead: () => Effect.void }).pipe(
    Effect.provide(NodeServices.layer),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
  )

/** A file of one pipeline with these lines, and what workers refuse of it. */
const refused = (lines: string, { detach = false } = {}) =>
  Effect.gen(function* () {
    const { tasks } = yield* load("one.yaml", lines)
    return tasks.flatMap((task) =>
      FleetSpec.mistakes(task, { detach }).map((error) => [error.option, words(error, inFile)] as const)
    )
  })

const toTable = "sinks: ['postgres:DB']\n"

describe("job/FleetSpec", () => {
  it.effect("comes to the same pipelines on a worker, and holds no secret", () =>
    Effect.gen(function* () {
      const text = `source: { apiKey: "\${KEY}", rate: 5 }
pipelines:
  - { name: one, source: { since: 2026-06-01 }, sinks: [{ to: "\${DB}", table: one }] }
  - { name: two, transforms: { where: ['summary != "$\${DB}"'] }, sinks: ["postgres:DB"] }
`
      const overrides = { rate: 3, concurrency: 2 }
      const { tasks } = yield* load("/home/me/calls.yaml", text, overrides)
      for (const task of tasks) {
        const spec = FleetSpec.of("/home/me/calls.yaml", task, overrides)
        const stored: unknown = JSON.parse(JSON.stringify(yield* FleetSpec.encode(spec)))
        assert.notMatch(JSON.stringify(stored), /agni_secret|hidden|home/)
        const read = yield* FleetSpec.decode(stored)
        const there = FleetSpec.textOf(read)
        const { tasks: again } = yield* load(there.path, there.text, read.overrides)
        assert.deepStrictEqual(
          again.map(({ spec }) => spec),
          [task.spec]
        )
        assert.isTrue(FleetSpec.isSame(spec, { ...read, version: "9.9.9" }))
        assert.isFalse(FleetSpec.isSame(spec, { ...read, overrides: {} }))
      }
    })
  )

  it.effect("cannot be read where it is of another format, but its version can", () =>
    Effect.gen(function* () {
      const { tasks } = yield* load("one.yaml", toTable)
      const [task] = tasks
      assert.isDefined(task)
      const later = { ...FleetSpec.of("one.yaml", task, {}), format: 2, version: "7.0.0" }
      yield* Effect.flip(FleetSpec.decode(later))
      assert.strictEqual(FleetSpec.versionOf(later), "7.0.0")
      assert.strictEqual(FleetSpec.versionOf("?"), "unknown")
    })
  )

  it.effect("refuses what only one machine has, each with what to do instead", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* refused(toTable), [])
      const sinks = "sinks: ['postgres:DB', calls.ndjson, 'sqlite:calls.db', '-', 'https://example.com/hook']\n"
      const others = (yield* refused(sinks)).map(([, { problem }]) => problem)
      assert.deepStrictEqual(others, [
        "to: several workers cannot write to calls.ndjson",
        "to: several workers cannot write to sqlite:calls.db",
        "to: several workers cannot write to stdout"
      ])
      const toBucket = (name: string, more = "rotate: day") => `sinks: [{ to: 's3://calls/agni/${name}', ${more} }]\n`
      for (const name of ["calls.ndjson", "calls.csv.gz", "calls.parquet"]) {
        assert.deepStrictEqual(yield* refused(toBucket(name)), [])
        assert.deepStrictEqual(yield* refused(`state: false\n${toBucket(name, "rotate: 100MB, force: true")}`), [])
        const one = yield* refused(`sinks: ['s3://calls/agni/${name}']\n`)
        assert.match(one[0]?.[1].problem ?? "", /^to: several workers/)
      }
      assert.match((yield* refused(toBucket("calls.xlsx")))[0]?.[1].problem ?? "", /^to: several workers/)
      const log = `sync: {}\n${toBucket("log.ndjson", "rotate: 10MB")}`
      assert.match((yield* refused(log))[0]?.[1].problem ?? "", /^to: several workers/)
      const options: Readonly<Record<string, string>> = {
        newest: "source: { newest: 5 }\nstate: false",
        oldest: "source: { oldest: 5 }\nstate: false",
        limit: "source: { limit: 5 }\nstate: false",
        walk: "source: { walk: pages }\nstate: false",
        recordings: "recordings: audio",
        deadLetters: "deadLetters: rejected.ndjson",
        state: "state: states",
        zone: "zone: local",
        onSinkFailure: "onSinkFailure: continue",
        follow: "sync: { follow: true }"
      }
      for (const [option, lines] of Object.entries(options)) {
        const found = yield* refused(`${lines}\n${toTable}`)
        assert.strictEqual(found.map(([option]) => option).join(), option)
        assert.match(found[0]?.[1].problem ?? "", /is not for workers$/)
        assert.match(found[0]?.[1].advice ?? "", /\.$/)
      }
      const coverage = `coverage: all.json\n${toTable}`
      assert.deepStrictEqual(yield* refused(coverage), [])
      assert.strictEqual((yield* refused(coverage, { detach: true }))[0]?.[0], "coverage")
    })
  )
})

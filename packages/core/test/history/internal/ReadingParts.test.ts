/** A range in stretches that are read each by a process of its own: what they bring together, and how many requests that takes. */
import * as AgniClient from "@callstream/core/client/AgniClient"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import type { StretchProof } from "@callstream/core/coverage/StretchProof"
import * as History from "@callstream/core/history/History"
import * as Rows from "@callstream/core/model/Rows"
import * as Position from "@callstream/core/model/Position"
import * as HistorySource from "@callstream/core/source/HistorySource"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Units from "../../../src/source/internal/Units.ts"
import * as ListServer from "../ListServer.ts"
import { settle } from "../Walking.ts"

const passed = <A>(value: A): A => JSON.parse(JSON.stringify(value))

/** Reads all parts, one after another, the last stretch first. */
const inParts = Effect.fnUntraced(function* (
  server: ReturnType<typeof ListServer.make>,
  range: History.OpenRange,
  options: HistorySource.Options
) {
  const { begin, parts } = HistorySource.make(range, options)
  if (parts === undefined) return yield* Effect.die("it is read in one piece")
  const state = yield* begin
  const cut = passed(yield* parts.cut(state, 2))
  const probes = server.requests()
  const all = yield* Effect.forEach([...cut.stretches.entries()].toReversed(), ([nth, range]) =>
    Effect.map(Stream.runCollect(parts.stretch(state, cut, nth, { from: undefined, cuts: [] }, undefined)), (units) => {
      const coverage = units.reduce(Units.cover, CoverageSet.empty)
      return { units, proof: passed<StretchProof>({ range, coverage, evidence: units.at(-1)?.evidence?.save() }) }
    })
  )
  const questions = server.questions.slice(probes)
  const proofs = all.map(({ proof }) => proof)
  const [first] = cut.stretches
  const again = { from: first === undefined ? undefined : Position.of(first.to), cuts: [] }
  const left = yield* Stream.runCollect(parts.stretch(state, cut, 0, again, proofs.at(-1)?.evidence))
  const last = yield* Stream.runCollect(parts.ending(state, cut, proofs))
  const units = [...all.toReversed().flatMap(({ units }) => units), ...last]
  return {
    stretches: cut.stretches.length,
    questions,
    left,
    windows: all.map(({ units }) => units.map(({ rows }) => rows.length).filter((rows) => rows > 0)),
    coverage: units.reduce(Units.cover, CoverageSet.empty),
    ids: units.flatMap(({ rows }) => Rows.items(rows).map(({ id }) => id))
  }
})

const run = Effect.fnUntraced(function* (
  rows: ReadonlyArray<ListServer.Row>,
  range: History.OpenRange,
  options: HistorySource.Options
) {
  const one = yield* ListServer.run(ListServer.make(rows), History.windows(range, options))
  const server = ListServer.make(rows)
  const client = yield* Effect.provideService(
    AgniClient.AgniClient.make({ apiKey: Redacted.make("key") }),
    HttpClient.HttpClient,
    server.client
  )
  const parts = yield* settle(
    inParts(server, range, options).pipe(Effect.provideService(AgniClient.AgniClient, client), Random.withSeed(1))
  )
  return { one, parts, requests: server.requests() }
})

/** Two stretches, of some two hundred pages each. */
const options = { pageSize: 10, stretchSize: 2000, concurrency: 4 }

describe("stretches that are read each by a process of its own", () => {
  for (const shape of ["same", "queued"] as const) {
    it.effect(
      `a whole history, shape: ${shape}: no call twice, as much is proven, at most 1.05 of the requests and 8`,
      () =>
        Effect.gen(function* () {
          const { one, parts, requests } = yield* run(ListServer.rowsOf(3800, shape), {}, options)
          assert.isAtLeast(parts.stretches, 2)
          assert.lengthOf(parts.ids, 3800)
          assert.strictEqual(new Set(parts.ids).size, 3800)
          // The end of a range without one is still to come.
          assert.deepStrictEqual(
            parts.coverage.entries.map(({ verdict }) => verdict),
            ["proven", "provisional"]
          )
          assert.strictEqual(parts.coverage.withoutStart?.verdict, "proven")
          assert.isAtMost(requests, 1.05 * one.requests + 8)
          // Killed after its last window, a stretch has nothing left but what it saw.
          assert.deepStrictEqual(
            parts.left.map(({ _tag, evidence, rows }) => [_tag, evidence !== undefined, rows.length]),
            [["WithoutStart", true, 0]]
          )
          // What was probed is not probed again.
          assert.isTrue(parts.questions.every((search) => search.includes("started_after")))
        })
    )
  }

  it.effect("a range: all of it is proven, at most 1.05 of the requests and 8", () =>
    Effect.gen(function* () {
      const rows = ListServer.rowsOf(4800, "queued")
      const range = { from: new Date(rows[500]?.start ?? 0), to: new Date(rows[4300]?.start ?? 0) }
      const { one, parts, requests } = yield* run(rows, range, options)
      assert.isAtLeast(parts.stretches, 2)
      assert.deepStrictEqual([new Set(parts.ids).size, parts.ids.length, one.set], [3800, 3800, "proven"])
      assert.deepStrictEqual(
        parts.coverage.entries.map(({ count, verdict }) => [count, verdict]),
        [[3800, "proven"]]
      )
      assert.isAtMost(requests, 1.05 * one.requests + 8)
    })
  )

  it.effect(
    "a stretch shorter than two windows has two of the same length: both readers have work, and nobody waits for the first calls",
    () =>
      Effect.gen(function* () {
        const { parts } = yield* run(ListServer.rowsOf(1200, "same"), {}, { ...options, stretchSize: 300 })
        const long = parts.windows.filter((windows) => windows.reduce((sum, rows) => sum + rows, 0) >= 220)
        assert.isAtLeast(long.length, 2)
        for (const windows of long) {
          assert.lengthOf(windows, 2)
          assert.isAtMost(Math.max(...windows), 1.5 * Math.min(...windows))
        }
      })
  )

  it.effect("what another version cut is refused before a request", () =>
    Effect.gen(function* () {
      const server = ListServer.make([])
      const { parts } = HistorySource.make({}, options)
      const client = yield* Effect.provideService(
        AgniClient.AgniClient.make({ apiKey: Redacted.make("key") }),
        HttpClient.HttpClient,
        server.client
      )
      const cut = { stretches: [], note: { probes: "older" } }
      const bounds = { from: null, to: null, end: null }
      const error = yield* Effect.flip(
        Stream.runDrain(parts?.ending(bounds, cut, []) ?? Stream.empty).pipe(
          Effect.provideService(AgniClient.AgniClient, client)
        )
      )
      assert.strictEqual(error.reason._tag, "InvalidRequest")
      assert.strictEqual(server.requests(), 0)
    })
  )
})

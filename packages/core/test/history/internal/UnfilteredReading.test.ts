/** A range whose bounds or filters do not work: which calls each stretch brings, and what is said of a part from before. */
import type { CallSession } from "@callstream/core/model/CallSession"
import { AgniClient } from "@callstream/core/client/AgniClient"
import * as Instant from "@callstream/core/model/Instant"
import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Range } from "../../../src/endpoint/internal/Micros.ts"
import * as SavedProbes from "../../../src/endpoint/internal/SavedProbes.ts"
import * as PartEvidence from "../../../src/history/internal/PartEvidence.ts"
import type * as RangeReading from "../../../src/history/internal/RangeReading.ts"
import * as Shown from "../../../src/history/internal/Shown.ts"
import * as UnfilteredReading from "../../../src/history/internal/UnfilteredReading.ts"
import { seenOf } from "../../endpoint/internal/ProbeParts.ts"
import { byHand, collect, session } from "../Walking.ts"
import { call, iso, listed, poison } from "./AllPages.ts"
import { began, day, known } from "./FakeServer.ts"

const reason = { _tag: "BoundsAfterPaging" } as const
const all = { from: began - 10 * day, to: began }
const middle = began - 5 * day

const rows: ReadonlyArray<CallSession> = [
  call("late", began - day),
  call("at the middle", middle),
  call("early", began - 9 * day),
  call("before", began - 11 * day),
  session("busy", { createdAt: iso(began - 2 * day) }),
  session("busy before", { createdAt: iso(began - 11 * day) }),
  session("busy later", { createdAt: iso(began + 1) })
]

interface Given {
  readonly whole?: boolean
  /** The beginning that people asked for. @default none */
  readonly since?: number | undefined
  readonly options?: RangeReading.Options
  readonly stretches?: ReadonlyArray<Range>
  readonly resumed?: PartEvidence.Evidence
  /** Where the run before was stopped. @default nowhere */
  readonly at?: number
}

const evidenceOf = (...parts: ReadonlyArray<Range>): PartEvidence.Evidence => ({
  ...PartEvidence.save(all, known(), Shown.make([all])),
  parts
})

const open = ({ at, options = {}, resumed, since, stretches, whole = false }: Given) => {
  const { asked, layer } = byHand(listed(rows, 3))
  const asOf = (instant: number | undefined) => (instant === undefined ? undefined : Instant.of(instant))
  const bounds = { all, from: at ?? all.from, to: all.to, whole }
  const range = { from: asOf(since), to: undefined, end: undefined, resume: undefined, cuts: [] }
  const about = { filterProblem: reason, filters: { agentId: "agent-1" }, size: 3, resumed, now: began }
  const beside = stretches && { sideBySide: 2, stretches }
  const reading = Effect.map(AgniClient, (client) =>
    UnfilteredReading.make(range, bounds, options, beside, about, client)
  )
  return { asked, using: Effect.provide(layer), reading: Effect.provide(reading, layer) }
}

/** The reading of a whole history. */
const makeWith = (options: RangeReading.Options) =>
  Effect.map(AgniClient, (client) => {
    const about = { filterProblem: reason, filters: {}, size: 3, resumed: undefined, now: began }
    const range = { from: undefined, to: undefined, end: undefined, resume: undefined, cuts: [] }
    return UnfilteredReading.make(range, { ...all, all, whole: true }, options, undefined, about, client)
  })

/** The ids of each stretch, as far as it is read. */
const read = Effect.fnUntraced(function* (given: Given, from?: number) {
  const { asked, reading, using } = open(given)
  const { closing, stretches, windows } = yield* reading
  const each = yield* Effect.forEach([...stretches.keys()], (nth) =>
    Effect.map(using(collect(windows(nth, { from, cuts: [] }))), ({ elements, error }) => {
      assert.isUndefined(error)
      assert.isTrue(elements.every(({ coverage }) => coverage._tag === "Unprovable" && coverage.reason === reason))
      return { ids: elements.flatMap(({ rows }) => CallRows.items(rows).map(({ id }) => id)), last: elements.at(-1) }
    })
  )
  return {
    asked,
    stretches,
    ids: each.map(({ ids }) => ids),
    ranges: each.map(({ last }) => [last?.from, last?.to]),
    closing: (yield* using(collect(closing))).elements
  }
})

describe("UnfilteredReading.make", () => {
  it.effect("all pages are read, with the filters and without bounds, and the range is one stretch", () =>
    Effect.gen(function* () {
      const { asked, closing, ids, ranges, stretches } = yield* read({ since: all.from })
      assert.deepStrictEqual(stretches, [all])
      assert.deepStrictEqual(ids, [["late", "at the middle", "early", "busy"]])
      assert.deepStrictEqual(ranges, [[Instant.of(all.from), Instant.of(all.to)]])
      assert.deepStrictEqual(closing, [])
      assert.isAbove(asked.length, 2)
      for (const query of asked)
        assert.deepStrictEqual({ ...query, page: 0 }, { agentId: "agent-1", page: 0, pageSize: 3 })
    })
  )

  it.effect(
    "a whole history has all calls without a start time; a range those created in it, unless they are skipped",
    () =>
      Effect.gen(function* () {
        const dated = ["late", "at the middle", "early"]
        const skip = { withoutStart: "skip" } as const
        const of = (given: Given) => Effect.map(read(given), ({ ids }) => ids)
        const busy = ["busy", "busy before", "busy later"]
        assert.deepStrictEqual(yield* of({ whole: true }), [[...dated, ...busy]])
        assert.deepStrictEqual(yield* of({ whole: true, options: skip }), [[...dated, ...busy]])
        assert.deepStrictEqual(yield* of({ since: all.from, options: skip }), [dated])
        // One that began before the first call with a start is of a range without a beginning.
        assert.deepStrictEqual(yield* of({}), [[...dated, "busy", "busy before"]])
        assert.deepStrictEqual(yield* of({ since: began - 2 * day + 1 }), [dated])
      })
  )

  it.effect("each stretch has the calls of its own time, and the last one those without a start time", () =>
    Effect.gen(function* () {
      const stretches = [
        { from: all.from, to: middle },
        { from: middle, to: all.to }
      ]
      const one = yield* read({ stretches, since: all.from })
      assert.deepStrictEqual(one.stretches, stretches)
      assert.deepStrictEqual(one.ids, [["early"], ["late", "at the middle", "busy"]])
      assert.deepStrictEqual(one.ranges, [
        [Instant.of(all.from), Instant.of(middle)],
        [Instant.of(middle), Instant.of(all.to)]
      ])
      const whole = yield* read({ stretches, whole: true })
      assert.deepStrictEqual(whole.ids, [["early"], ["late", "at the middle", "busy", "busy before", "busy later"]])
    })
  )

  it.effect(
    "a stretch is read from where the run before was stopped, and a range from where it is said to resume",
    () =>
      Effect.gen(function* () {
        for (const one of [yield* read({ since: all.from }, middle), yield* read({ since: all.from, at: middle })]) {
          assert.deepStrictEqual(one.ids, [["late", "at the middle", "busy"]])
          assert.deepStrictEqual(one.ranges, [[Instant.of(middle), Instant.of(all.to)]])
        }
      })
  )

  it.effect("what was read while bounds seemed to work is compared with nothing, and may still change", () =>
    Effect.gen(function* () {
      const parts = [
        { from: all.from, to: began - 8 * day },
        { from: middle, to: began - 2 * day }
      ]
      const { closing } = yield* read({ resumed: evidenceOf(...parts) })
      const coverage = { _tag: "Provisional", reason: { _tag: "Resumed" } } as const
      assert.deepStrictEqual(
        closing.map(({ coverage, from, observedAt, requests, revised, rows, to }) => [
          [from, to, observedAt, requests, rows.length],
          coverage,
          revised
        ]),
        [
          [
            [Instant.of(all.to), Instant.of(all.to), Instant.of(began), 0, 0],
            coverage,
            parts.map(({ from, to }) => ({ from: Instant.of(from), to: Instant.of(to), coverage }))
          ]
        ]
      )
    })
  )

  it.effect("so many pages are read at the same time as is said, and four otherwise", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 60 }, (_, i) => call(`call-${i}`, began - (i + 1) * 60_000_000))
      const mostOf = (concurrency?: number) =>
        Effect.gen(function* () {
          let most = 0
          const pages = listed(many, 3)
          const { layer, underway } = byHand((query) =>
            Effect.gen(function* () {
              for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
              most = Math.max(most, underway.now)
              return pages(query)
            })
          )
          const { windows } = yield* makeWith({ concurrency }).pipe(Effect.provide(layer))
          yield* Effect.provide(collect(windows(0, { cuts: [] })), layer)
          return most
        })
      const four = yield* mostOf(4)
      assert.isBelow(yield* mostOf(1), yield* mostOf(2))
      assert.isBelow(yield* mostOf(2), four)
      assert.strictEqual(yield* mostOf(), four)
    })
  )

  it.effect("a page with a record that fails ends the run, or is a gap where that is asked for", () =>
    Effect.gen(function* () {
      const pages = listed(rows, 3)
      for (const keepGoing of [undefined, false, true]) {
        const { layer } = byHand((query) =>
          query.page === 2 && query.pageSize === 3 ? Effect.fail(poison) : pages(query)
        )
        const { windows } = yield* makeWith({ keepGoing }).pipe(Effect.provide(layer))
        const { elements, error } = yield* Effect.provide(collect(windows(0, { cuts: [] })), layer)
        assert.strictEqual(error, keepGoing === true ? undefined : poison)
        assert.strictEqual(elements.at(-1)?.coverage._tag, keepGoing === true ? "Gap" : "Unprovable")
      }
    })
  )
})

describe("what is known of such a reading", () => {
  it.effect("are the probes only, and no answer of it is evidence", () =>
    Effect.gen(function* () {
      const seen = seenOf()
      const { begun, evidence, noteRest, rows } = UnfilteredReading.noEvidence(seen)
      assert.deepStrictEqual(yield* begun, yield* SavedProbes.save(seen, []))
      noteRest()
      assert.deepStrictEqual([evidence(), rows()], [undefined, 0])
    })
  )
})

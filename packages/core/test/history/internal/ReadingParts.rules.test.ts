/** The ending of a range whose stretches other processes read: what it makes of what those know of their calls. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import type { StretchProof } from "@callstream/core/coverage/StretchProof"
import type * as Coverage from "@callstream/core/history/Coverage"
import * as Instant from "@callstream/core/model/Instant"
import * as Rows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as ReadingParts from "../../../src/history/internal/ReadingParts.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, day, hour, open, rowsAt } from "./FakeServer.ts"

/** 240 calls, one every half hour, the last one before the horizon; and three that never connected. */
const starts = Array.from({ length: 240 }, (_, i) => began - 6 * day + i * (hour / 2) + hour / 4)
const busy = ["one", "two", "three"].map((id) => ({ id, start: undefined, created: began - day }))
const options = { pageSize: 10, pagesPerWindow: 2, concurrency: 2, stretchSize: 60 }

const using = (server: Adversary.Server) => Effect.provideService(AgniClient, server.client)
const serve = () => open([...rowsAt(starts), ...busy])
const idsOf = (windows: ReadonlyArray<Coverage.Window>) =>
  windows.flatMap(({ rows }) => Rows.items(rows).map(({ id }) => id))

const cutFor = (readers: number) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(began / 1000)
    return yield* ReadingParts.cut({}, options, readers).pipe(using(serve()))
  })

/** The windows of a stretch, and what the process that read it passes on. */
const read = (cut: ReadingParts.Cut, nth: number) =>
  Effect.gen(function* () {
    const server = serve()
    const at = { from: undefined, cuts: [], evidence: undefined }
    const { evidence, windows } = yield* ReadingParts.stretch({}, options, cut, nth, at).pipe(using(server))
    const came = yield* Stream.runCollect(windows).pipe(using(server))
    return { windows: came, evidence: yield* evidence }
  })

type Entry = CoverageSet.Entry

const entryOf = (range: Coverage.Range, count: number | undefined): Entry => ({
  range,
  verdict: "proven",
  ...(count === undefined ? {} : { count }),
  final: 0,
  requests: 1,
  asOf: Instant.of(began)
})

/** The verdict on the last window, where the first stretch is known otherwise than by its evidence. */
const ending = Effect.fnUntraced(function* (
  first: (range: Coverage.Range, calls: number) => Omit<StretchProof, "range"> | undefined
) {
  const cut = yield* cutFor(2)
  const proofs: Array<StretchProof> = []
  for (const [nth, range] of cut.stretches.entries()) {
    const { evidence, windows } = yield* read(cut, nth)
    const calls = idsOf(windows).length
    const own = { coverage: { ...CoverageSet.empty, entries: [entryOf(range, calls)] }, evidence }
    proofs.push({ range, ...(nth === 0 ? (first(range, calls) ?? own) : own) })
  }
  const server = serve()
  const windows = yield* Stream.runCollect(ReadingParts.ending({}, options, cut, proofs)).pipe(using(server))
  const last = windows.at(-1)
  assert.deepStrictEqual(idsOf(windows).toSorted(), ["one", "three", "two"])
  return last?.coverage._tag === "Proven" || last === undefined ? last?.coverage._tag : last.coverage.reason._tag
})

describe("ReadingParts.cut", () => {
  it.effect("cuts for two readers at least, and each stretch has its own calls only", () =>
    Effect.gen(function* () {
      for (const readers of [0, 1, 2, 4]) {
        const { stretches } = yield* cutFor(readers)
        assert.isAtLeast(stretches.length, Math.max(2, readers))
        assert.isTrue(stretches.slice(1).every(({ from }, i) => from === stretches[i]?.to))
      }
      const cut = yield* cutFor(2)
      const all: Array<string> = []
      for (const [nth, { from, to }] of cut.stretches.entries()) {
        const { windows } = yield* read(cut, nth)
        assert.deepStrictEqual([windows[0]?.from, windows.at(-1)?.to], [from, to])
        all.push(...idsOf(windows))
      }
      assert.deepStrictEqual([all.length, new Set(all).size], [240, 240])
    })
  )
})

describe("ReadingParts.stretch", () => {
  it.effect("has no evidence where bounds do not work", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(began / 1000)
      const server = open(rowsAt(starts), { filterAfterPaging: true })
      const cut = yield* ReadingParts.cut({}, options, 2).pipe(using(server))
      assert.lengthOf(cut.stretches, 1)
      const at = { from: undefined, cuts: [], evidence: undefined }
      const { evidence, windows } = yield* ReadingParts.stretch({}, options, cut, 0, at).pipe(using(server))
      assert.lengthOf(idsOf(yield* Stream.runCollect(windows).pipe(using(server))), 240)
      assert.isUndefined(yield* evidence)
    })
  )
})

describe("ReadingParts.ending", () => {
  const known = (...entries: ReadonlyArray<Entry>) => ({ coverage: { ...CoverageSet.empty, entries } })
  const halves = ({ from, to }: Coverage.Range, left: number | undefined, right: number | undefined) => {
    const middle = Instant.of((from + to) / 2)
    return [entryOf({ from, to: middle }, left), entryOf({ from: middle, to }, right)]
  }

  it.effect("the whole is proven with the evidence of each stretch", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* ending(() => undefined), "Proven")
    })
  )

  it.effect("or with the number of its calls, which its entries come to", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* ending((range, calls) => known(entryOf(range, calls))), "Proven")
      assert.strictEqual(yield* ending((range, calls) => known(...halves(range, 7, calls - 7))), "Proven")
      for (const off of [1, -1])
        assert.notStrictEqual(yield* ending((range, calls) => known(...halves(range, 7, calls - 7 + off))), "Proven")
    })
  )

  it.effect("an entry without a number is known where the sum of what was divided is", () =>
    Effect.gen(function* () {
      const divided = (count: number, ...entries: ReadonlyArray<Entry>) => ({
        coverage: { ...CoverageSet.empty, entries, divided: { count, final: 0 } }
      })
      assert.strictEqual(yield* ending((range) => known(...halves(range, 7, undefined))), "Resumed")
      assert.strictEqual(yield* ending((range) => known(...halves(range, undefined, undefined))), "Resumed")
      // That all of them are in the others is chance.
      assert.strictEqual(yield* ending((range, calls) => known(...halves(range, calls, undefined))), "Resumed")
      assert.strictEqual(yield* ending((range, calls) => divided(calls - 7, ...halves(range, 7, undefined))), "Proven")
      assert.strictEqual(yield* ending((range, calls) => divided(calls - 14, ...halves(range, 7, 7))), "Proven")
      assert.notStrictEqual(yield* ending((range, calls) => divided(calls, ...halves(range, 7, undefined))), "Proven")
    })
  )

  it.effect("of a stretch that failed the number is not known, whatever its entries say", () =>
    Effect.gen(function* () {
      const failed = { _tag: "Unreadable", problem: "it answers 500" } as const
      assert.strictEqual(yield* ending((range, calls) => ({ ...known(entryOf(range, calls)), failed })), "Resumed")
    })
  )
})

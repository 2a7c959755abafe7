/** What is delivered once, and what is kept of it for the verdict on the rest. */
import type { Coverage, Window } from "@callstream/core/history/Coverage"
import { AgniError, NotFound } from "@callstream/core/model/AgniError"
import * as Instant from "@callstream/core/model/Instant"
import type { Rejected } from "@callstream/core/model/Rejected"
import * as CallRows from "@callstream/core/model/Rows"
import * as Version from "@callstream/core/model/Version"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as NotedCounts from "../../../src/endpoint/internal/NotedCounts.ts"
import * as Deliveries from "../../../src/history/internal/Deliveries.ts"
import type { Settings } from "../../../src/history/internal/Settings.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import { began, day, hour, item, known, open, second, settingsOf } from "./FakeServer.ts"

const from = began - 10 * day
const to = began - 4 * day
const middle = began - 7 * day
const range = { from, to }
const starts = [from + hour, middle - hour, middle + hour, to - hour]

const make = (rest: Partial<Settings> = {}, earliest = began) =>
  Deliveries.make(settingsOf(open([]), rest), range, () => known({ earliest }), {
    whole: false,
    fromOldest: false,
    newestFirst: false
  })

const proven: Coverage = { _tag: "Proven" }
const unprovable: Coverage = { _tag: "Unprovable", reason: { _tag: "NotBack" } }

interface Given {
  readonly rejected?: ReadonlyArray<Rejected>
  readonly coverage?: Coverage
}

const window = (
  ids: ReadonlyArray<number>,
  from: number,
  to: number,
  { coverage = proven, rejected = [] }: Given = {}
): Window =>
  Windows.make(
    ids.map((i) => item(`row-${i}`, starts[i] ?? 0)),
    { from, to, rejected, coverage, requests: 0, observedAt: began }
  )

const older = (ids: ReadonlyArray<number>, given?: Given) => window(ids, from, middle, given)
const newer = (ids: ReadonlyArray<number>, given?: Given) => window(ids, middle, to, given)

const idsOf = ({ rows }: Window) => CallRows.items(rows).map(({ id }) => id)
const rejectedIdsOf = ({ rejected }: Window) => rejected.map(({ raw }) => JSON.stringify(raw).slice(7, 12))

const record = (id: string, start?: number): Rejected => ({
  stage: "decode",
  reason: "not a call",
  raw: start === undefined ? { id } : { id, startedAt: Instant.format(Instant.of(start)) },
  page: 1,
  index: 0,
  observedAt: Version.of(Instant.of(began))
})

/** A server that answers each question with these records. */
const listing =
  (...rejected: ReadonlyArray<Rejected>): Settings["list"] =>
  () =>
    Effect.succeed({
      page: 1,
      rows: CallRows.make([], Instant.of(began)),
      rejected,
      observedAt: Instant.of(began),
      edition: "camelCase",
      total: undefined,
      age: 0,
      characters: 0
    })

const logOf = (...shown: ReadonlyArray<readonly [string, number | undefined]>): Ask.Log => {
  const log = Ask.makeLog()
  for (const [key, start] of shown) log.shown.set(key, start)
  return log
}

describe("a record that cannot be decoded", () => {
  it.effect("comes once, whether it has a start or not", () =>
    Effect.gen(function* () {
      for (const start of [undefined, middle - 1]) {
        const ledger = make()
        const first = older([0, 1], { rejected: [record("bad-1", start)] })
        assert.strictEqual(yield* ledger.deliver(first), first)
        const again = yield* ledger.deliver(newer([2, 3], { rejected: [record("bad-1", start), record("bad-2")] }))
        assert.deepStrictEqual(rejectedIdsOf(again), ["bad-2"])
        assert.strictEqual(ledger.has("bad-1"), start !== undefined)
        assert.strictEqual(ledger.unplaced.has("bad-1"), start === undefined)
      }
    })
  )

  it.effect("comes when it is looked for", () =>
    Effect.gen(function* () {
      const ledger = make({ list: listing(record("bad-1", middle - 1)) })
      ledger.note({ log: logOf(["bad-1", middle - 1]) })
      const done = yield* ledger.deliver(older([0, 1]))
      assert.deepStrictEqual(rejectedIdsOf(done), ["bad-1"])
      assert.strictEqual(done.coverage._tag, "Provisional")
    })
  )
})

describe("a call that comes twice", () => {
  it.effect("comes once also where nothing is proven, and is no call that is missing elsewhere", () =>
    Effect.gen(function* () {
      const ledger = make()
      yield* ledger.deliver(older([0, 1]))
      const again = yield* ledger.deliver(newer([1, 2], { coverage: unprovable }))
      assert.deepStrictEqual(idsOf(again), ["row-2"])
      assert.strictEqual(again.coverage, unprovable)
    })
  )

  it.effect("or was listed with two starts: its window is not proven", () =>
    Effect.gen(function* () {
      const ledger = make()
      const log = logOf()
      log.moved.add("row-1")
      ledger.note({ log })
      assert.strictEqual((yield* ledger.deliver(older([0, 1]))).coverage._tag, "Provisional")
      assert.strictEqual((yield* ledger.deliver(newer([2, 3]))).coverage._tag, "Proven")
    })
  )
})

describe("what is kept of deliveries", () => {
  it.effect("nothing that came is still awaited, or listed for other processes", () =>
    Effect.gen(function* () {
      const ledger = make()
      ledger.note({ log: logOf(["row-1", starts[2]], ["row-0", starts[0]], ["gone", starts[0]], ["bad-1", starts[3]]) })
      yield* ledger.deliver(older([0, 1], { rejected: [record("bad-1", starts[0])] }))
      assert.isEmpty(ledger.evidence(known()).listed)
    })
  )

  it("answers from before the reading began are known to each process, those of others are passed on", () => {
    const other = make()
    other.note({ log: logOf(["beyond", to + hour]) })
    const evidence = { ...other.evidence(known()), range: { from, to: from } }
    const ledger = make()
    ledger.restore([{ evidence, counted: undefined }])
    ledger.begin([logOf(["probed", to + 2 * hour])])
    assert.deepStrictEqual([...ledger.evidence(known()).listed], [["beyond", to + hour]])
  })

  it.effect("calls that cannot be had are added up", () =>
    Effect.gen(function* () {
      const error = new AgniError({ reason: new NotFound(), request: "GET", attempts: 1, elapsed: Duration.zero })
      const coverage = { _tag: "Gap", reason: { _tag: "Unreadable", problem: "fails" }, error } as const
      const ledger = make()
      assert.isUndefined(ledger.lost())
      yield* ledger.deliver({ ...older([0], { coverage }), extra: 2 })
      yield* ledger.deliver({ ...newer([3], { coverage }), extra: 3 })
      assert.strictEqual(ledger.lost()?.rows, 5)
    })
  )

  it.effect("a window that is too young does not make the whole unproven, its calls are recent", () =>
    Effect.gen(function* () {
      const young: Coverage = { _tag: "Provisional", reason: { _tag: "TooRecent" } }
      const ledger = make({}, middle + 2 * hour)
      yield* ledger.deliver(older([0, 1]))
      yield* ledger.deliver(newer([2, 3], { coverage: young, rejected: [record("bad-1")] }))
      assert.isTrue(ledger.proven())
      assert.deepStrictEqual([...ledger.recent], ["row-2", "row-3", "bad-1"])
      const old = make({}, middle + 2 * hour)
      yield* old.deliver(older([0, 1], { coverage: young }))
      assert.isFalse(old.proven())
    })
  )

  it.effect("a page of a list without the recent calls is explained, unless they were there when it began", () =>
    Effect.gen(function* () {
      for (const isBegun of [false, true]) {
        const ledger = make({ repeats: Effect.succeed(true) }, middle + 2 * hour)
        ledger.begin(isBegun ? [logOf(["row-2", starts[2]], ["row-3", starts[3]])] : [])
        yield* ledger.deliver(older([0, 1]))
        yield* ledger.deliver(newer([2, 3]))
        const log = logOf()
        const page = { after: from, before: to, rows: 8, size: 3, length: 2, isFirst: true }
        NotedCounts.notePage(log.lengths, page)
        NotedCounts.noteCount(log.counts, page, 4)
        ledger.note({ log })
        assert.strictEqual(yield* ledger.isExplained({ starts: [], withoutStart: 0 }), !isBegun)
      }
    })
  )

  it.effect("a page of bounds that are too young is not asked for again", () =>
    Effect.gen(function* () {
      for (const isOld of [true, false]) {
        const ledger = make({ repeats: Effect.succeed(true) }, isOld ? began : to - 10 * second)
        yield* ledger.deliver(older([0, 1]))
        yield* ledger.deliver(newer([2, 3]))
        const log = logOf()
        NotedCounts.notePage(log.lengths, { after: from, before: to, rows: 8, size: 3, length: 2, isFirst: false })
        ledger.note({ log })
        assert.lengthOf(ledger.unrepeated(), isOld ? 1 : 0)
      }
    })
  )

  it.effect("an id of two parts takes back what was said of both, and one of each does not", () =>
    Effect.gen(function* () {
      for (const isTwice of [true, false]) {
        const parts = [older([0, 1]), newer(isTwice ? [1, 3] : [2, 3])]
        const befores = yield* Effect.forEach(parts, (part) =>
          Effect.gen(function* () {
            const { from, to } = part
            const ledger = Deliveries.make(settingsOf(open([])), { from, to }, () => known(), {
              whole: false,
              fromOldest: false,
              newestFirst: false
            })
            yield* ledger.deliver(part)
            return { evidence: ledger.evidence(known()), counted: undefined }
          })
        )
        const ledger = make()
        ledger.restore(befores)
        assert.lengthOf(yield* ledger.revised(known()), isTwice ? 1 : 0)
      }
    })
  )
})

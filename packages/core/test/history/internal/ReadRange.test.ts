import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fold, type Known, mostRequests } from "../../../src/history/internal/Known.ts"
import { readRange } from "../../../src/history/internal/ReadRange.ts"
import type { Task } from "../../../src/history/internal/Task.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, hour, known, open, rowsAt, settingsOf } from "./FakeServer.ts"

const minutes = 60_000_000
const from = began - 20 * hour
const to = began - 4 * hour

const startsOf = (rows: number) => Array.from({ length: rows }, (_, i) => to - (i + 1) * minutes)

/** All parts of a range, one after another. */
const readAll = Effect.fnUntraced(function* (
  starts: ReadonlyArray<number>,
  traits: Partial<Adversary.Traits> = {},
  { expected = starts.length, from: begins = from, to: ends = to, before = known() } = {},
  rows = rowsAt(starts)
) {
  const server = open(rows, traits, 1000)
  const controls = starts.slice(0, 1).map((start) => control("row-0", start))
  const settings = settingsOf(server, { controls })
  let now: Known = before
  const tasks: Array<Task> = [{ from: begins, to: ends, expected }]
  const tags: Array<string> = []
  let came = 0
  const proven = new Set<string>()
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
    const outcome = yield* readRange(settings, now, task)
    now = fold(now, outcome.evidence)
    if (outcome._tag === "Split") tasks.unshift(...outcome.parts)
    else
      for (const { coverage, rows } of outcome.windows) {
        tags.push(coverage._tag)
        came += CallRows.items(rows).length
        if (coverage._tag === "Proven") for (const { id } of CallRows.items(rows)) proven.add(id)
      }
  }
  return { tags: [...new Set(tags)], windows: tags.length, came, proven, requests: server.requests(), now, server }
})

describe("readRange", () => {
  it.effect("a few pages overlap, and the last one counts them", () =>
    Effect.gen(function* () {
      const read = yield* readAll(startsOf(57))
      assert.deepInclude(read, { tags: ["Proven"], windows: 1, came: 57 })
      // Nine pages, and a look at both ends.
      assert.isAtMost(read.requests, 12)
    })
  )

  it.effect("what one page holds is not cut where answers lack rows: pages of its parts would lack them too", () =>
    Effect.gen(function* () {
      for (const every of [2, 3])
        for (const away of [1, every - 1])
          for (let rows = 2; rows < 10; rows++) {
            const hidden = { ids: [`row-${rows - 1}`], when: { by: "number", every, for: away } } as const
            const { windows } = yield* readAll(startsOf(rows), { hidden }, { before: known({ order: "start" }) })
            assert.strictEqual(windows, 1, `${rows} rows, away for ${away} of ${every} requests`)
          }
    })
  )

  it.effect("parts of years that hold few rows are not counted as if they were full", () =>
    Effect.gen(function* () {
      const rows = { expected: 300_000, from: began - 400 * day }
      const { came, requests } = yield* readAll(startsOf(60), {}, rows)
      assert.strictEqual(came, 60)
      assert.isAtMost(requests, 40)
    })
  )

  it.effect("years that hold nothing are read in as wide parts as the server answers", () =>
    Effect.gen(function* () {
      for (const cut of ["last", "first", "empty", "error"] as const) {
        const years = { expected: 0, from: began - 400 * day }
        const { requests, tags } = yield* readAll([began - 401 * day], { span: { most: 31 * day, cut } }, years)
        assert.deepStrictEqual(tags, ["Proven"], cut)
        assert.isAtMost(requests, 300, cut)
      }
    })
  )

  it.effect("a range with many rows is counted, and cut", () =>
    Effect.gen(function* () {
      const read = yield* readAll(startsOf(700))
      assert.deepInclude(read, { tags: ["Proven"], came: 700 })
      assert.isAtLeast(read.windows, 5)
    })
  )

  it.effect("a range that is wider than the server answers is cut until it is not", () =>
    Effect.gen(function* () {
      for (const cut of ["last", "first", "empty", "error"] as const) {
        const begins = began - 60 * day
        const starts = Array.from({ length: 120 }, (_, i) => to - (i + 1) * 11 * hour)
        const read = yield* readAll(starts, { span: { most: 7 * day, cut } }, { from: begins })
        assert.strictEqual(read.came, starts.filter((start) => start >= begins).length, cut)
        assert.deepStrictEqual(read.tags, ["Proven"], cut)
      }
    })
  )

  it.effect("a limit on depth, offset or results is found, and ranges are cut below it", () =>
    Effect.gen(function* () {
      for (const limit of ["depth", "offset", "results"] as const) {
        for (const cut of ["last", "first", "empty", "error"] as const) {
          const most = limit === "depth" ? 6 : 60
          const read = yield* readAll(startsOf(230), { [limit]: { most, cut } })
          const told = `${limit}: ${cut}, ${read.tags.join(" ")}`
          assert.isTrue(read.tags.includes("Proven"), told)
          // What looks like the end, and is none, may be called provisional; it is never called proven.
          if (!read.tags.some((tag) => tag !== "Proven")) assert.strictEqual(read.came, 230, told)
        }
      }
    })
  )

  it.effect("a call that leaves while pages are read is seen at the seam, and the range is read again", () =>
    Effect.gen(function* () {
      const rows = rowsAt(startsOf(57)).map((row) => (row.id === "row-3" ? { ...row, gone: began + 3500 } : row))
      const read = yield* readAll(startsOf(57), {}, {}, rows)
      assert.isTrue(read.now.differs)
      assert.isAtLeast(read.came, 56)
    })
  )

  it.effect("three that leave between two pages, and two that come in front, do not make the count right", () =>
    Effect.gen(function* () {
      const leaves = (i: number) => (i > 2 && i < 6 ? { gone: began + 1500 } : {})
      const comes = (i: number) => (i === 1 || i === 2 ? { seen: began + 2500 } : {})
      const rows = rowsAt(startsOf(57)).map((row, i) => ({ ...row, ...leaves(i), ...comes(i) }))
      const { proven, tags } = yield* readAll(startsOf(57), {}, {}, rows)
      // The thirteenth was behind the first page, and in front of the second one.
      assert.isTrue(proven.has("row-12") || tags.some((tag) => tag !== "Proven"))
    })
  )

  it.effect("seconds of which the server shows a page, and not whether there is another one, are not proven", () =>
    Effect.gen(function* () {
      const starts = Array.from({ length: 15 }, () => to - hour)
      const { tags } = yield* readAll(starts, { depth: { most: 1, cut: "empty" } })
      assert.isFalse(tags.every((tag) => tag === "Proven"))
    })
  )

  it.effect("where the order is known to be by start, one count proves a walk", () =>
    Effect.gen(function* () {
      const before = known({ order: "start" })
      const { requests, tags } = yield* readAll(startsOf(140), {}, { before })
      assert.deepStrictEqual(tags, ["Proven"])
      assert.isAtMost(requests, 22)
    })
  )

  it.effect("once answers differed, a count that agrees is not enough: the rows must be there again", () =>
    Effect.gen(function* () {
      const [once, twice] = [
        yield* readAll(startsOf(57)),
        yield* readAll(startsOf(57), {}, { before: known({ differs: true }) })
      ]
      assert.deepStrictEqual([once.tags, twice.tags], [["Proven"], ["Proven"]])
      assert.isAtLeast(twice.requests, once.requests + 5)
      assert.isAtMost(twice.requests, once.requests + 8)
    })
  )

  it.effect("a call that leaves and two that come while a walk passes another one by do not make the count right", () =>
    Effect.gen(function* () {
      const starts = startsOf(140)
      // Listed by creation: the walk by start is below its start when its place comes.
      const passed = (i: number) => (i === 70 ? { created: (starts[95] ?? 0) - 1 } : {})
      const last = yield* readAll(starts, { order: "created" })
      for (let request = 1; request <= last.requests; request++) {
        // It leaves after it was read.
        const leaves = (i: number) => (i === 5 ? { gone: began + request * 1000 + 500 } : {})
        const comes = (i: number) => (i === 120 || i === 121 ? { seen: began + 4500 } : {})
        const rows = rowsAt(starts).map((row, i) => ({ ...row, ...passed(i), ...leaves(i), ...comes(i) }))
        const { proven, tags } = yield* readAll(starts, { order: "created" }, {}, rows)
        assert.isTrue(proven.has("row-70") || tags.some((tag) => tag !== "Proven"), `gone after request ${request}`)
      }
    })
  )

  it.effect("while calls begin all the time, the newest part may still change, and is never called unprovable", () =>
    Effect.gen(function* () {
      for (const order of ["start", "created", "id"] as const)
        for (const sorting of [false, true])
          for (let every = 1; every <= 4; every++) {
            const come = Array.from({ length: 200 }, (_, i) => {
              const seen = began + i * every * 1000 + 1
              return { id: `${(i * 7919) % 997}-${i}`, start: seen, created: seen, seen }
            })
            const rows = [...rowsAt(startsOf(25).map((start) => start + 3 * hour)), ...come]
            const begins = { from: began - 2 * hour, to: began + hour }
            const { tags } = yield* readAll(startsOf(25), { order, sorting }, begins, rows)
            assert.deepStrictEqual(tags, ["Provisional"], JSON.stringify({ order, sorting, every }))
          }
    })
  )

  it.effect("bounds that the server refuses, however narrow, are unprovable and do not end the run", () =>
    Effect.gen(function* () {
      const at = to - hour
      const starts = [...Array.from({ length: 80 }, () => at), ...startsOf(20)]
      const read = yield* readAll(starts, { results: { most: 50, cut: "error" } })
      assert.includeMembers(read.tags, ["Proven", "Unprovable"])
      assert.strictEqual(read.came, 20)
    })
  )

  it.effect("after very many requests in vain everything is read once, and nothing is proven", () =>
    Effect.gen(function* () {
      const before = known({ requests: 2 * mostRequests.least })
      for (const rows of [0, 7, 57, 400]) {
        for (const traits of [{}, { shard: { of: 2, when: { by: "chance", share: 0.5 } } }] as const) {
          const read = yield* readAll(startsOf(rows), traits, { before })
          assert.deepStrictEqual(read.tags, ["Provisional"], `${rows} rows`)
          if (!("shard" in traits)) assert.strictEqual(read.came, rows)
          assert.isAtMost(read.requests, 4 + rows / 2, `${rows} rows`)
        }
        // Where many come, as many requests are worth it.
        const worth = known({ requests: mostRequests.least + 1, worth: 10 })
        if (rows > 0) assert.deepStrictEqual((yield* readAll(startsOf(rows), {}, { before: worth })).tags, ["Proven"])
      }
    })
  )

  it.effect(
    "a gap that is proven beside a call that left counts as read once, and others do not ask for that call again",
    () =>
      Effect.gen(function* () {
        const [low, high] = [began - 60 * day, began - 10 * day]
        const server = open(rowsAt([low, high]))
        const controls = [control("row-0", low), control("left", began - 50 * day), control("row-1", high)]
        const settings = settingsOf(server, { controls })
        const gap = { from: began - 40 * day, to: began - 20 * day, expected: 0 }
        const quiet = yield* readRange(
          { ...settings, controls: controls.filter(({ key }) => key !== "left") },
          known(),
          gap
        )
        assert.isUndefined(quiet.evidence.once)
        const { evidence } = yield* readRange(settings, known(), gap)
        assert.deepInclude(evidence.once, { from: gap.from })
        const before = server.requests()
        yield* readRange(settings, fold(known(), evidence), gap)
        assert.strictEqual(server.requests() - before, quiet.evidence.log.requests)
      })
  )

  it.effect("years that hold nothing are not cut into days", () =>
    Effect.gen(function* () {
      const read = yield* readAll(startsOf(57), {}, { from: began - 9000 * day })
      assert.strictEqual(read.came, 57)
      assert.isAtMost(read.requests, 100)
    })
  )
})

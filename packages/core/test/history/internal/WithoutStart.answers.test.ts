/** The calls of a bounded range that have no start, against a server on which calls hide, leave, come and are cut off. */
import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import type { Known } from "../../../src/history/internal/Known.ts"
import type { Settings } from "../../../src/history/internal/Settings.ts"
import * as WithoutStart from "../../../src/history/internal/WithoutStart.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, hour, known, open, rowsAt, settingsOf } from "./FakeServer.ts"

/** Each request takes a millisecond. */
const step = 1000
const range = { from: began - 6 * day, to: began - 3 * day }
const starts = Array.from({ length: 23 }, (_, i) => began - 2 * day - (i + 1) * 5 * hour)
const dated = rowsAt(starts)
const undatedAt = (id: string, created: number): Adversary.Row => ({ id, start: undefined, created })
const meant = [1, 2, 3, 4].map((i) => undatedAt(`meant-${i}`, range.to - i * 7 * hour))
const others = [1, 2].map((i) => undatedAt(`other-${i}`, range.to + i * 7 * hour))
const all = [...dated, ...meant, ...others]
const distant: Adversary.Row = { id: "distant", start: began + 9000 * day, created: range.to - hour }

const inFront = { order: "start", undatedFirst: true } as const
const byCreation = { order: "start", undatedFirst: false } as const
const nowhere = { order: "start", undatedFirst: false, sorting: false } as const

interface Given {
  readonly rows?: ReadonlyArray<Adversary.Row>
  readonly traits?: Partial<Adversary.Traits>
  readonly settings?: Partial<Settings>
  readonly facts?: Partial<Known>
  /** How many windows brought. @default those of the range */
  readonly delivered?: number
  /** Those that came with a start, although they are listed without one. */
  readonly came?: ReadonlyArray<string>
  readonly shown?: ReadonlyArray<readonly [string, number]>
}

const find = Effect.fnUntraced(function* (one: Given) {
  const { came = [], facts, rows = all, shown = [], traits } = one
  yield* TestClock.setTime(began / 1000)
  const server = open(rows, { ...inFront, ...traits }, step)
  const list = Patience.make(server.client.list)
  const controls = starts.map((start, i) => control(`row-${i}`, start)).reverse()
  const settings = settingsOf(server, { list, controls, ...one.settings })
  const isIn = (start: number) => start >= range.from && start < range.to
  const window = yield* WithoutStart.window(settings, range, {
    known: () => known(facts),
    calls: rows.length,
    delivered: () => one.delivered ?? starts.filter(isIn).length,
    isDelivered: (key) => came.includes(key),
    listed: () => new Set(),
    shown: () => new Map(shown),
    placed: () => new Map(),
    note: () => {}
  })
  const ids = window === undefined ? [] : CallRows.items(window.rows).map(({ id }) => id)
  const { coverage, outside } = window ?? {}
  return { tag: coverage?._tag, ids: ids.sort(), outside, requests: server.requests(), server, window }
})

const controlsOf = (rows: ReadonlyArray<Adversary.Row>) =>
  rows.flatMap(({ id, start }) => (start === undefined ? [] : [control(id, start)])).reverse()

const idsOf = (rows: ReadonlyArray<Adversary.Row>) => rows.map(({ id }) => id).sort()

describe("WithoutStart.window", () => {
  it.effect(
    "in front of the list, or in the order of creation: those created in the range come, and the rest are counted",
    () =>
      Effect.gen(function* () {
        for (const [traits, most] of [
          [inFront, [4, 5]],
          [byCreation, [11, 17]]
        ] as const)
          for (const rows of [all, [...all, distant]]) {
            const { ids, outside, requests, tag } = yield* find({ traits, rows })
            assert.deepStrictEqual([tag, outside], ["Proven", { created: 2, unassigned: 0 }])
            assert.deepStrictEqual(ids, idsOf(rows.filter(({ id }) => id === "distant" || id.startsWith("meant"))))
            assert.isAtMost(requests, most[rows === all ? 0 : 1])
          }
      })
  )

  it.effect("calls that were created together change places on each page: they are read again", () =>
    Effect.gen(function* () {
      let proven = 0
      for (let more = 0; more < 20; more++) {
        // Two at some places, of which a page may end with either.
        const rows = [...all, ...meant, ...rowsAt(starts.slice(0, more).map((start) => start - hour))].map(
          (row, i) => ({ ...row, id: `call-${i}` })
        )
        const { ids, tag } = yield* find({ rows, traits: { ...byCreation, tieOrder: "random" } })
        if (tag !== "Proven") continue
        proven++
        assert.strictEqual(ids.length, 2 * meant.length)
      }
      assert.isAbove(proven, 0)
    })
  )

  it.effect("a server that shows neither is asked for a few pages, and none where each call has a start", () =>
    Effect.gen(function* () {
      const { outside, requests } = yield* find({ traits: nowhere })
      assert.deepStrictEqual(outside, { created: 0, unassigned: 6 })
      assert.isAtMost(requests, 10)
      const none = yield* find({ rows: dated })
      assert.deepStrictEqual([none.tag, none.outside, none.requests], ["Proven", { created: 0, unassigned: 0 }, 2])
      assert.strictEqual((yield* find({ rows: dated, delivered: 23 })).requests, 1)
    })
  )

  it.effect("one that came with its start is not brought twice, and is not missed", () =>
    Effect.gen(function* () {
      const came = ["meant-2"]
      for (const traits of [inFront, byCreation]) {
        const { ids, tag } = yield* find({ traits, came })
        assert.deepStrictEqual([tag, ids], ["Proven", idsOf(meant.filter(({ id }) => id !== "meant-2"))])
        const rows = all.filter(({ id }) => id !== "meant-2")
        const shown = [["meant-2", range.to - hour]] as const
        assert.strictEqual((yield* find({ traits, rows, came, shown })).tag, "Proven")
        assert.strictEqual((yield* find({ traits, rows, shown })).tag, "Provisional")
        const alone = rows.filter(({ id }) => !id.startsWith("other"))
        assert.strictEqual((yield* find({ traits, rows: alone, shown })).tag, "Provisional")
      }
    })
  )

  it.effect("one that was created as the range begins is of it, as it ends is not; the ids of all are known", () =>
    Effect.gen(function* () {
      const rows = [...dated, undatedAt("first", range.from), undatedAt("next", range.to)]
      const { ids, outside, window } = yield* find({ rows })
      assert.deepStrictEqual([ids, outside], [["first"], { created: 1, unassigned: 0 }])
      assert.deepStrictEqual(window && WithoutStart.allIn(window), new Set(["first", "next"]))
    })
  )

  it.effect("a filter that changes with time proves nothing", () =>
    Effect.gen(function* () {
      const doubt = { _tag: "Provisional", reason: { _tag: "Changing", filter: "status" } } as const
      assert.strictEqual((yield* find({ settings: { doubt } })).tag, "Provisional")
    })
  )

  it.effect("one that hides, or leaves, after any request is among them, if any of these answers listed it", () =>
    Effect.gen(function* () {
      let shown = 0
      for (const traits of [inFront, byCreation]) {
        const { requests } = yield* find({ traits })
        for (let from = 0; from <= requests + 4; from++)
          for (const to of [from + 1, from + 3, Infinity]) {
            const hidden = { ids: ["meant-3"], when: { by: "time", from: from * step, to: to * step } } as const
            const { ids, server, tag } = yield* find({ traits: { ...traits, hidden } })
            if (tag !== "Proven" || !server.listed.has("meant-3")) continue
            shown++
            assert.include(ids, "meant-3", JSON.stringify({ traits, from, to }))
          }
      }
      assert.isAbove(shown, 0)
    })
  )

  it.effect("while one leaves and another comes, it is never proven without one that was there", () =>
    Effect.gen(function* () {
      const tally = { tried: 0, proven: 0 }
      for (const traits of [inFront, byCreation])
        for (const leaves of ["meant-1", "meant-4", "other-2", "row-3", "row-20"])
          for (const start of [undefined, range.to - hour]) {
            const { requests } = yield* find({ traits })
            for (let gone = 0; gone <= requests; gone++)
              for (let seen = 0; seen <= requests; seen++) {
                const rows: ReadonlyArray<Adversary.Row> = [
                  ...all.map((row) => (row.id === leaves ? { ...row, gone: began + gone * step + 1 } : row)),
                  { id: "comes", start, created: range.to - 10 * hour, seen: began + seen * step + 1 }
                ]
                const { ids, tag } = yield* find({ traits, rows })
                tally.tried++
                if (tag !== "Proven") continue
                tally.proven++
                const missing = meant.filter(({ id }) => id !== leaves && !ids.includes(id))
                assert.isEmpty(missing, JSON.stringify({ traits, leaves, start, gone, seen }))
              }
          }
      assert.isAbove(tally.proven, tally.tried / 4)
    })
  )

  it.effect("one that comes with a start while they are counted takes the place of none", () =>
    Effect.gen(function* () {
      let proven = 0
      for (const traits of [inFront, byCreation, { order: "id", sorting: false }, { order: "created" }] as const)
        // A page holds ten.
        for (const [some, brought] of [1, 10, 11].flatMap((some) => [[some, 15] as const, [some, 23] as const])) {
          const undated = Array.from({ length: some }, (_, i) => undatedAt(`some-${i}`, range.to - (i + 1) * hour))
          for (let seen = 0; seen <= 12; seen++) {
            const comes = { id: "comes", start: began - day, created: began - day, seen: began + seen * step + 1 }
            const { ids, outside, tag } = yield* find({
              traits,
              rows: [...dated, ...undated, comes],
              delivered: brought
            })
            const name = JSON.stringify({ traits, some, brought, seen })
            assert.strictEqual(ids.length + (outside?.unassigned ?? 0), some, name)
            if (tag === "Proven") proven++
          }
        }
      // One that comes between two pages in the order of creation moves what follows.
      assert.isAtLeast(proven, 280)
    })
  )

  it.effect("behind a page that holds no others there may be more, also where fewer were counted", () =>
    Effect.gen(function* () {
      let proven = 0
      const some = Array.from({ length: 11 }, (_, i) => undatedAt(`some-${i}`, range.to - (i + 1) * hour))
      for (let gone = 0; gone <= 8; gone++) {
        const rows = dated.map((row) => (row.id === "row-2" ? { ...row, gone: began + gone * step + 1 } : row))
        const { ids, tag } = yield* find({ rows: [...rows, ...some] })
        if (tag !== "Proven") continue
        assert.deepStrictEqual(ids, idsOf(some), `gone after ${gone}`)
        proven++
      }
      assert.isAbove(proven, 4)
    })
  )

  it.effect(
    "one that is listed twice in front takes the place of another one, also where other calls are in some counts only",
    () =>
      Effect.gen(function* () {
        let proven = 0
        const size = 3
        for (const hiding of [0, 1, 2])
          for (let every = 2; every <= 12; every++) {
            const hidden = {
              ids: dated.slice(0, hiding).map(({ id }) => id),
              when: { by: "number", every, for: every - 1 }
            } as const
            const { ids, outside, tag } = yield* find({
              settings: { size },
              traits: { ...inFront, cap: size, tieOrder: hiding === 0 ? "id" : "query", hidden }
            })
            // Or it says that so many exist, and not which they are.
            if (tag !== "Proven" || outside?.unassigned !== 0) continue
            proven++
            assert.deepStrictEqual(ids, idsOf(meant), JSON.stringify({ hiding, every }))
          }
        assert.isAbove(proven, 0)
      })
  )

  it.effect("two that leave between two pages make another one be passed by, and no number shows it", () =>
    Effect.gen(function* () {
      // On the last page of the list by start are some of these.
      const older = Array.from({ length: 40 }, (_, i) => undatedAt(`older-${i}`, range.from - (i + 1) * hour))
      const { requests } = yield* find({ traits: byCreation, rows: [...all, ...older] })
      let again = 0
      for (let after = 0; after <= requests; after++)
        for (const first of [0, 1, 2, 3, 4]) {
          const leave = (i: number) => (i === first || i === first + 1 ? { gone: began + after * step + 1 } : {})
          const rows = [...all.map((row, i) => ({ ...row, ...leave(i) })), ...older]
          const found = yield* find({ traits: byCreation, rows })
          if (found.tag === "Proven") assert.deepStrictEqual(found.ids, idsOf(meant), `${first} after ${after}`)
          if (found.requests > requests + 1) again++
        }
      assert.isAbove(again, 0)
    })
  )

  it.effect("while they come all the time, their number is of no time", () =>
    Effect.gen(function* () {
      // In the range, or before it: then no page is another one for that.
      for (const created of [range.to - 10 * hour, range.from - 9 * day]) {
        const come = Array.from({ length: 60 }, (_, i) => ({
          ...undatedAt(`comes-${i}`, created),
          seen: began + (2 * i + 1) * step
        }))
        assert.strictEqual((yield* find({ traits: byCreation, rows: [...all, ...come] })).tag, "Provisional")
      }
    })
  )

  it.effect("a limit that cuts the list, or an outage, does not show that there are none", () =>
    Effect.gen(function* () {
      const results = (most: number) => ({ results: { most, cut: "first" } }) as const
      const later = { order: "start", undatedFirst: false } as const
      for (const one of [
        // Fewer than came, as many as a limit that is known, and full pages.
        { traits: { ...later, ...results(14) } },
        { traits: { ...later, ...results(12) }, facts: { deepest: 12 }, delivered: 5 },
        { traits: { ...later, offset: { most: 20, cut: "empty" } as const }, delivered: 5 }
      ])
        assert.isUndefined((yield* find({ settings: { controls: [] }, ...one })).outside, JSON.stringify(one))
    })
  )

  it.effect("a limit that hides all calls with a start does not show it, though they start together", () =>
    Effect.gen(function* () {
      const together = rowsAt([range.to - day, range.to - day])
      const given = { rows: [...together, ...meant], settings: { controls: controlsOf(together) }, delivered: 2 }
      const disorder = { order: "id", sorting: false } as const
      assert.deepStrictEqual((yield* find({ ...given, traits: disorder })).ids, idsOf(meant))
      const span = { most: day, cut: "first" } as const
      assert.isUndefined((yield* find({ ...given, traits: { ...disorder, span } })).window)
    })
  )

  it.effect("an outage does not show it either where no window brought any", () =>
    Effect.gen(function* () {
      assert.isUndefined((yield* find({ rows: [], delivered: 0, settings: {} })).outside)
    })
  )

  it.effect("more calls with a start than calls at all are of two times", () =>
    Effect.gen(function* () {
      const few = { rows: dated.slice(6, 9), delivered: 1 }
      const controls = controlsOf(few.rows)
      const nothing = { created: 0, unassigned: 0 }
      for (let seen = 0; seen <= 4; seen++) {
        const comes = { id: "comes", start: range.to - hour, created: range.to - hour, seen: began + seen * step + 1 }
        const { outside = nothing } = yield* find({ ...few, rows: [...few.rows, comes], settings: { controls } })
        assert.deepStrictEqual(outside, nothing, `after ${seen}`)
      }
    })
  )

  it.effect(
    "a limit on the width of a range, or a known call in the year 9999, does not count calls as without a start time",
    () =>
      Effect.gen(function* () {
        for (const cut of ["last", "first", "empty"] as const)
          assert.isUndefined((yield* find({ traits: { ...nowhere, span: { most: day, cut } } })).outside, cut)
        const controls = [
          control("row-22", starts[22] ?? 0),
          control("row-0", starts[0] ?? 0),
          control("distant", began + 9000 * day)
        ]
        assert.deepStrictEqual((yield* find({ rows: [...all, distant], settings: { controls } })).outside, {
          created: 2,
          unassigned: 0
        })
      })
  )

  it.effect("among others on any page they are found, in no order at all", () =>
    Effect.gen(function* () {
      const rows = [...dated.slice(0, 12), ...meant, ...others]
      const settings = { controls: controlsOf(rows) }
      const { ids, outside, tag } = yield* find({
        rows,
        traits: { order: "id", sorting: false },
        settings,
        delivered: 7
      })
      assert.deepStrictEqual([tag, ids, outside], ["Proven", idsOf(meant), { created: 2, unassigned: 0 }])
    })
  )

  it.effect("pages that are later than the range are left out, and those of an order that is not by creation", () =>
    Effect.gen(function* () {
      const newer = Array.from({ length: 400 }, (_, i) => ({
        ...undatedAt(`newer-${i}`, began - 2 * day + i),
        start: began - 2 * day + i
      }))
      const deep = yield* find({ traits: byCreation, rows: [...all, ...newer] })
      assert.deepStrictEqual([deep.tag, deep.ids], ["Proven", idsOf(meant)])
      const [first, ...rest] = all
      const inverted = { id: "row-0", start: first?.start, created: range.to - 30 * hour }
      const none = yield* find({ traits: nowhere, rows: [inverted, ...rest] })
      const later = all.filter(({ created }) => created >= range.to)
      const before = yield* find({ traits: byCreation, rows: later, delivered: 0, settings: { controls: [] } })
      assert.isAtMost(deep.requests, 25)
      assert.isAtMost(none.requests, 7)
      assert.isAtMost(before.requests, 4)
    })
  )

  it.effect("a server that repeats itself beyond the end shows which they are, however full its last page is", () =>
    Effect.gen(function* () {
      const more = [5, 6, 7, 8, 9].map((i) => undatedAt(`meant-${i}`, range.to - i * 6 * hour))
      const full = [...all, ...more].filter(({ created }) => created >= range.from)
      for (const beyond of ["last", "first"] as const)
        for (let less = 0; less < 10; less++) {
          const rows = full.slice(less)
          const settings = { controls: controlsOf(rows), repeats: Effect.succeed(true) }
          const delivered = rows.filter(({ start = Infinity }) => start < range.to).length
          const found = yield* find({ traits: { ...byCreation, beyond }, rows, settings, delivered })
          assert.deepStrictEqual([found.tag, found.ids], ["Proven", idsOf([...meant, ...more])], `${beyond} ${less}`)
          assert.deepStrictEqual(found.outside, { created: 2, unassigned: 0 }, `${beyond} ${less}`)
        }
    })
  )

  it.effect("a server that goes no deeper than its first page does not show which they are", () =>
    Effect.gen(function* () {
      const traits = { ...byCreation, depth: { most: 1, cut: "empty" } } as const
      assert.isUndefined((yield* find({ traits })).window)
    })
  )
})

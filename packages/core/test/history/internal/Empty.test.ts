import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Empty from "../../../src/history/internal/Empty.ts"
import * as Known from "../../../src/history/internal/Known.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import { above, below, confirm, controls, range } from "./EmptyRange.ts"
import { began, control, day, hour, known, open, rowsAt, settingsOf } from "./FakeServer.ts"

const facts = known

describe("Empty.confirm", () => {
  it.effect("one answer with the nearest control rows on both sides, and none between, proves it", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* confirm([below, above]), { tag: "Proven", requests: 1 })
    })
  )

  it.effect("one side is enough beyond the end of the list", () =>
    Effect.gen(function* () {
      const ends = { newest: true, oldest: false }
      const one = { controls: controls.slice(0, 1), ends }
      assert.deepStrictEqual(yield* confirm([below], {}, one), { tag: "Proven", requests: 1 })
    })
  )

  describe("where a control row left", () => {
    const further = began - 60 * day
    const known = [control("row-0", further), control("left", below), control("row-1", above)]

    it.effect("the next one takes its place, for all that is read after it too", () =>
      Effect.gen(function* () {
        const server = open(rowsAt([further, above]))
        const settings = settingsOf(server, { controls: known })
        const ask = Ask.make(server.client.list, {}, settings)
        const confirm = () => Empty.confirm(settings, facts(), ask, range, Ask.boundsOf(range), undefined)
        assert.strictEqual((yield* confirm())?._tag, "Proven")
        assert.strictEqual(server.requests(), 5)
        assert.strictEqual((yield* confirm())?._tag, "Proven")
        assert.strictEqual(server.requests(), 6)
      })
    )

    it.effect("four are looked for on a side, one after another, and no more", () =>
      Effect.gen(function* () {
        for (const [left, tag] of [
          [1, "Proven"],
          [4, "Proven"],
          [5, undefined]
        ] as const) {
          const nearest = Array.from({ length: left }, (_, i) => control(`left-${i}`, below - i * hour))
          const controls = [control("row-0", further), ...nearest.toReversed(), control("row-1", above)]
          const found = yield* confirm([further, above], {}, { controls })
          assert.strictEqual(found.tag, tag, `${left}`)
          // Each takes an answer about the range, and three about its own second.
          assert.strictEqual(found.requests, tag === undefined ? 4 * left : 4 * left + 1, `${left}`)
        }
      })
    )

    it.effect("that was shown beside the range, the known one does", () =>
      Effect.gen(function* () {
        const beside = { below: control("left", began - 41 * day), above: undefined }
        const found = yield* confirm([below, above], {}, {}, 0, undefined, beside)
        assert.deepStrictEqual(found, { tag: "Proven", requests: 5 })
      })
    )

    it.effect("that ended the list, the list must end beside the range", () =>
      Effect.gen(function* () {
        const span = { most: 7 * day, cut: "first" } as const
        const rest = {
          controls: [control("row-0", below), control("left", above)],
          ends: { newest: true, oldest: false }
        }
        assert.deepStrictEqual(yield* confirm([below], {}, rest), { tag: "Proven", requests: 6 })
        // A limit on width hides it, but not in the list.
        assert.isUndefined((yield* confirm([below, range.to - day], { span }, rest)).tag)
        const oldest = {
          controls: [control("left", below), control("row-0", above)],
          ends: { newest: false, oldest: true }
        }
        assert.strictEqual((yield* confirm([above], {}, oldest)).tag, "Proven")
        const last = { span: { ...span, cut: "last" } } as const
        assert.isUndefined((yield* confirm([above, range.from + day], last, oldest)).tag)
      })
    )
  })

  it.effect("a full page may hide rows between: the next page shows them", () =>
    Effect.gen(function* () {
      const ties = Array.from({ length: 9 }, () => above)
      assert.deepStrictEqual(yield* confirm([below, above, ...ties]), { tag: "Proven", requests: 2 })
    })
  )

  it.effect("rows that were shown nearer than the control rows prove what many rows between would hide", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 30 }, (_, i) => range.to + (i + 1) * hour)
      const starts = [below, above, ...many]
      assert.isUndefined((yield* confirm(starts)).tag)
      const beside = { below: undefined, above: control("row-2", range.to + hour) }
      assert.deepStrictEqual(yield* confirm(starts, {}, {}, 0, undefined, beside), { tag: "Proven", requests: 1 })
    })
  )

  for (const [side, hides] of [
    ["both sides", undefined],
    ["one side", "no more"]
  ] as const)
    it.effect(`rows of ${side} that come back, and not for bounds that hold the range besides, prove nothing`, () =>
      Effect.gen(function* () {
        const many = Array.from({ length: 36 }, (_, i) => range.from + (i + 1) * 12 * hour)
        const starts = [below, above, ...many]
        const rest = side === "one side" ? { controls: controls.slice(0, 1) } : {}
        const results = { most: 5, cut: "empty" } as const
        assert.strictEqual((yield* confirm(starts, { results }, rest, 60 * day, hides)).tag, "Provisional")
        // Where only what lies beside comes, it is as empty as it seems.
        assert.strictEqual((yield* confirm([below, above], { results }, rest, 60 * day, hides)).tag, "Proven")
      })
    )

  it.effect("bounds that the server refuses once are not asked for again by the other parts of a long range", () =>
    Effect.gen(function* () {
      for (const cut of ["error", "failure"] as const) {
        const server = open(rowsAt([below, above]), { span: { most: 2 * day, cut } })
        const list = Patience.make(server.client.list)
        const settings = settingsOf(server, { list, controls })
        let facts = known()
        for (let from = range.from; from < range.to; from += day) {
          const part = { from, to: from + day }
          const ask = Ask.make(list, {}, settings)
          const before = server.requests()
          const coverage = yield* Empty.confirm(settings, facts, ask, part, Ask.boundsOf(part), undefined)
          assert.strictEqual(coverage?._tag, "Proven")
          // A control row on each side, and both halves.
          if (from > range.from) assert.strictEqual(server.requests() - before, 4, cut)
          facts = Known.fold(facts, {
            order: "unknown",
            differs: false,
            deepest: Infinity,
            whole: 0,
            worth: 0,
            log: ask.log
          })
        }
      }
    })
  )

  it.effect("a server that fails for so wide a range is not asked row by row", () =>
    Effect.gen(function* () {
      const span = { most: 25 * day, cut: "failure" } as const
      const found = yield* confirm([below, above], { span })
      assert.isUndefined(found.tag)
      assert.isAtMost(found.requests, 5)
    })
  )

  it.effect("a row between them is no empty range", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* confirm([below, above, began - 30 * day])).tag, "Provisional")
    })
  )

  it.effect("nothing in an answer proves nothing where a limit on results may answer so", () =>
    Effect.gen(function* () {
      const span = { most: 25 * day, cut: "empty" } as const
      assert.strictEqual((yield* confirm([below, above], { span }, {}, 30 * day)).tag, "Proven")
      assert.strictEqual((yield* confirm([below, above], { span }, {}, 30 * day, "again")).tag, "Provisional")
    })
  )

  it.effect("the end of the list does not prove a range that is wider than was seen", () =>
    Effect.gen(function* () {
      const one = { controls: controls.slice(0, 1), ends: { newest: true, oldest: false } }
      const span = { most: 7 * day, cut: "empty" } as const
      assert.isUndefined((yield* confirm([below], { span }, one)).tag)
    })
  )

  it.effect("the only control row on a side is asked for again, where it is away in some answers", () =>
    Effect.gen(function* () {
      const away = { ids: ["row-0"], when: { by: "number", every: 2, for: 1 } } as const
      const traits = { span: { most: 25 * day, cut: "empty" }, hidden: away } as const
      assert.strictEqual((yield* confirm([below, above], traits, {}, 30 * day)).tag, "Proven")
    })
  )

  it.effect("a limit on the width of a range hides the control rows, without an error", () =>
    Effect.gen(function* () {
      for (const cut of ["last", "first", "empty", "error"] as const) {
        assert.isUndefined((yield* confirm([below, above], { span: { most: 7 * day, cut } })).tag, cut)
      }
    })
  )

  it.effect("within a trusted width a control row on each side is enough, where both halves are empty", () =>
    Effect.gen(function* () {
      const span = { most: 21 * day, cut: "empty" } as const
      assert.deepStrictEqual(yield* confirm([below, above], { span }, {}, 21 * day), { tag: "Proven", requests: 5 })
    })
  )

  it.effect("a control row that comes back on one side only shows nothing: bounds may be applied after paging", () =>
    Effect.gen(function* () {
      for (const there of [below, above]) {
        assert.strictEqual((yield* confirm([there], {}, {}, 21 * day)).tag, "Unprovable")
      }
    })
  )

  for (const [side, at, most] of [
    ["below", began - 40 * day - hour, 11],
    ["above", began - 20 * day + hour, 13]
  ] as const) {
    it.effect(`a record that fails ${side} it is read around`, () =>
      Effect.gen(function* () {
        const found = yield* confirm([below, above, at], { poison: "row-2" })
        assert.strictEqual(found.tag, "Proven")
        assert.isAtMost(found.requests, most)
      })
    )
  }

  it.effect("a record that fails is read around beyond the ends of the list, too", () =>
    Effect.gen(function* () {
      const newest = { controls: controls.slice(0, 1), ends: { newest: true, oldest: false } }
      const oldest = { controls: controls.slice(1), ends: { newest: false, oldest: true } }
      const [before, behind] = [began - 40 * day - hour, began - 20 * day + hour]
      const found = [
        yield* confirm([below, before], { poison: "row-1" }, newest),
        yield* confirm([behind, above], { poison: "row-0" }, oldest)
      ]
      assert.deepStrictEqual(found, [
        { tag: "Proven", requests: 11 },
        { tag: "Proven", requests: 11 }
      ])
    })
  )

  it.effect("a record that fails may start within it: then nothing is proven", () =>
    Effect.gen(function* () {
      assert.isUndefined((yield* confirm([below, above, began - 30 * day], { poison: "row-2" })).tag)
    })
  )

  it.effect("a control row that fails itself does not come back", () =>
    Effect.gen(function* () {
      assert.isUndefined((yield* confirm([below, above], { poison: "row-0" })).tag)
    })
  )

  it.effect("a limit on the width of a range hides the control rows behind a record that fails, too", () =>
    Effect.gen(function* () {
      const span = { most: 25 * day, cut: "last" } as const
      const starts = [below, above, began - 20 * day + hour]
      assert.isUndefined((yield* confirm(starts, { span, poison: "row-2" })).tag)
    })
  )

  it.effect("an outage brings no control rows either", () =>
    Effect.gen(function* () {
      const none = yield* confirm([], {}, {}, 21 * day)
      assert.strictEqual(none.tag, "Unprovable")
    })
  )

  it.effect("a range with a control row that comes only alone is not empty", () =>
    Effect.gen(function* () {
      const inside = [...controls, control("row-2", began - 30 * day + hour)].sort((a, b) => a.start - b.start)
      const results = { most: 1, cut: "empty" } as const
      const starts = [below, above, began - 30 * day + hour, began - 29 * day]
      assert.notStrictEqual((yield* confirm(starts, { results }, { controls: inside }, 21 * day)).tag, "Proven")
    })
  )
})

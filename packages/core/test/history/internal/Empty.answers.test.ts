import { assert, describe, it } from "@effect/vitest"
import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import * as Instant from "@callstream/core/model/Instant"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Empty from "../../../src/history/internal/Empty.ts"
import type { Settings } from "../../../src/history/internal/Settings.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { above, below, confirm, controls, range } from "./EmptyRange.ts"
import { askOf, began, control, day, hour, known, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

describe("Empty.confirm, where answers hide rows", () => {
  it.effect(
    "one side is enough only where the list ends there: a limit on width would hide a row on the other side",
    () =>
      Effect.gen(function* () {
        for (const hides of [undefined, "no more"] as const)
          for (const [known, cut, at] of [
            [above, "last", range.from + day],
            [below, "first", range.to - day]
          ] as const) {
            const one = { controls: [control("row-0", known)] }
            const span = { most: 7 * day, cut } as const
            assert.isUndefined((yield* confirm([known, at], { span }, one, 0, hides)).tag, `${cut} ${hides}`)
          }
      })
  )

  it.effect("a call that an answer listed, and the next ones do not, is no empty range", () =>
    Effect.gen(function* () {
      const at = began - 30 * day
      const hidden = { ids: ["row-2"], when: { by: "time", from: 2 * second, to: Infinity } } as const
      const server = open(rowsAt([below, above, at]), { hidden }, second)
      const settings = settingsOf(server, { controls })
      const ask = Ask.make(server.client.list, {}, settings)
      assert.lengthOf((yield* ask(1, Ask.boundsOf(range))).rows, 1)
      const coverage = yield* Empty.confirm(settings, known(), ask, range, Ask.boundsOf(range), undefined)
      assert.strictEqual(coverage?._tag, "Provisional")
    })
  )

  it.effect("where the bounds of many calls were refused, one answer still proves years that hold none", () =>
    Effect.gen(function* () {
      const server = open(rowsAt([below, above]))
      const settings = settingsOf(server, { controls })
      const ask = askOf(server)
      const facts = known({ refused: 5 * day })
      const coverage = yield* Empty.confirm(settings, facts, ask, range, Ask.boundsOf(range), undefined)
      assert.deepStrictEqual([coverage?._tag, server.requests()], ["Proven", 1])
    })
  )

  it.effect("an answer that cannot be had hides no call: within a trusted width the control rows prove it", () =>
    Effect.gen(function* () {
      const span = { most: 25 * day, cut: "error" } as const
      assert.strictEqual((yield* confirm([below, above], { span }, {}, 60 * day)).tag, "Proven")
    })
  )

  it.effect("a full page that a limit cut does not look like a limit that answers with nothing", () =>
    Effect.gen(function* () {
      const burst = Array.from({ length: 14 }, (_, i) => above + i)
      const results = { most: 12, cut: "first" } as const
      const rest = { controls: [control("row-0", below), control("row-14", above + 13)] }
      assert.strictEqual((yield* confirm([below, ...burst], { results }, rest, 60 * day)).tag, "Proven")
    })
  )

  it.effect(
    "where a limit on results answers with nothing, and the range is not cut again, there are nearer rows",
    () =>
      Effect.gen(function* () {
        const older = Array.from({ length: 40 }, (_, i) => range.from - (i + 1) * 5 * hour)
        const newer = Array.from({ length: 40 }, (_, i) => range.to + (i + 1) * 5 * hour)
        const results = { most: 30, cut: "empty" } as const
        const found = (starts: ReadonlyArray<number>, isLast: boolean) =>
          confirm([below, above, ...starts], { results }, {}, 60 * day, undefined, undefined, isLast)
        const all = [...older, ...newer]
        assert.deepStrictEqual(
          [
            (yield* found(all, false)).tag,
            (yield* found(all, true)).tag,
            (yield* found([...all, range.from], true)).tag
          ],
          ["Provisional", "Proven", "Provisional"]
        )
        // There are so many that none come.
        const many = Array.from({ length: 200 }, (_, i) => range.from - 10 * second - i * second)
        assert.strictEqual((yield* found([...all, ...many], true)).tag, "Provisional")
      })
  )

  describe("and the range is not cut again", () => {
    const older = Array.from({ length: 40 }, (_, i) => range.from - (i + 1) * 5 * hour)
    const newer = Array.from({ length: 40 }, (_, i) => range.to + (i + 1) * 5 * hour)
    const together = (at: number) => Array.from({ length: 40 }, (_, i) => at + i)
    const limited = { results: { most: 30, cut: "empty" } } as const
    const found = (starts: ReadonlyArray<number>, traits: Partial<Adversary.Traits> = limited) =>
      Effect.map(confirm([below, above, ...starts], traits, {}, 60 * day, undefined, undefined, true), ({ tag }) => tag)

    it.effect("rows on one side only do not prove it", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* found([range.from - hour, ...together(above)]), "Provisional")
        assert.strictEqual(yield* found([range.to + hour, ...together(below)]), "Provisional")
      })
    )

    it.effect("a record that fails in it does not prove it", () =>
      Effect.gen(function* () {
        const starts = [...older, ...newer, range.from + day]
        assert.strictEqual(yield* found(starts, { ...limited, poison: "row-82" }), "Provisional")
      })
    )

    it.effect("an answer that lacks a row that was shown does not prove it", () =>
      Effect.gen(function* () {
        const { results } = limited
        const at = range.from - hour
        const starts = [below, above, at + 0.6 * second, at + 0.4 * second, ...older, ...newer]
        for (const [to, tag] of [
          [4, "Proven"],
          [1e9, "Provisional"]
        ] as const) {
          const hidden = { ids: ["row-2"], when: { by: "time", from: 1.5 * second, to: to * second } } as const
          const server = open(rowsAt(starts), { results, hidden }, second)
          const settings = settingsOf(server, { controls })
          const ask = Ask.make(server.client.list, {}, settings)
          yield* ask(1, Ask.around({ start: at }))
          const bounds = Ask.boundsOf(range)
          const facts = known({ width: 60 * day })
          const coverage = yield* Empty.confirm(settings, facts, ask, range, bounds, undefined, undefined, true)
          assert.strictEqual(coverage?._tag, tag)
        }
      })
    )

    it.effect("nor does a full page, of which a limit may have cut the rest", () =>
      Effect.gen(function* () {
        const near = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? range.from - hour - i : range.to + hour + i))
        let tried = 0
        for (let nth = 0; nth < 20; nth++) {
          const inside = { id: `inside-${nth}`, start: range.from + day, created: range.from + day }
          const rows = [...rowsAt([below, above, ...near]), inside]
          const traits = { order: "id", results: { most: 12, cut: "first" } } as const
          const listed = yield* askOf(open(rows, traits))(2, {})
          const first = yield* askOf(open(rows, traits))(1, {})
          if ([...first.rows, ...listed.rows].some(({ key }) => key === inside.id)) continue
          tried++
          const hidden = { ids: rows.map(({ id }) => id), when: { by: "time", from: 0, to: 1.5 * second } } as const
          const server = open(rows, { ...traits, hidden }, second)
          const settings = settingsOf(server, { controls })
          const ask = Ask.make(server.client.list, {}, settings)
          const facts = known({ width: 60 * day })
          const bounds = Ask.boundsOf(range)
          const coverage = yield* Empty.confirm(settings, facts, ask, range, bounds, undefined, undefined, true)
          assert.strictEqual(coverage?._tag, "Provisional", `${nth}`)
        }
        assert.isAbove(tried, 0)
      })
    )
  })

  it.effect("the rows beside it are away over one connection, and not over others", () =>
    Effect.gen(function* () {
      const hidden = { ids: ["row-0", "row-1"], when: { by: "connection", of: 4 } } as const
      const tags = []
      for (const isLast of [false, true])
        tags.push((yield* confirm([below, above], { hidden }, {}, 60 * day, undefined, undefined, isLast)).tag)
      assert.deepStrictEqual(tags, ["Provisional", "Proven"])
    })
  )

  it.effect("a control row that fails by chance is asked for with all patience", () =>
    Effect.gen(function* () {
      const { client } = open(rowsAt([below, above]), { span: { most: 21 * day, cut: "empty" } })
      const reason = new Unavailable({ outage: { _tag: "Status", status: 503 } })
      const failed = new AgniError({ reason, request: "GET", attempts: 2, elapsed: Duration.zero, alone: true })
      const own = [below, above].map((start) => Instant.format(Instant.of(Ask.around({ start }).after)))
      const tags = []
      for (const succeeds of [true, false]) {
        const list: Settings["list"] = (query, options = {}) =>
          own.some((after) => after === query.startedAfter) && !(succeeds && options.shortWaits === true)
            ? Effect.fail(failed)
            : client.list(query, options)
        const settings = settingsOf(open([]), { list, controls })
        const ask = Ask.make(list, {}, settings)
        const facts = known({ width: 21 * day, refused: 22 * day })
        tags.push((yield* Empty.confirm(settings, facts, ask, range, Ask.boundsOf(range), undefined))?._tag)
      }
      assert.deepStrictEqual(tags, ["Proven", "Unprovable"])
    })
  )

  it.effect("a control row that left does not hide that a limit on results answers with nothing", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 36 }, (_, i) => range.from + (i + 1) * 12 * hour)
      const further = [1, 2, 3].map((i) => above + i * hour)
      const starts = [below, ...further, ...many]
      const results = { most: 5, cut: "empty" } as const
      const rest = {
        controls: [
          control("row-0", below),
          control("left", above),
          ...further.map((start, i) => control(`row-${i + 1}`, start))
        ]
      }
      assert.strictEqual((yield* confirm(starts, { results }, rest, 60 * day)).tag, "Provisional")
    })
  )

  it.effect("control rows that come with rows from elsewhere show that bounds mean something else", () =>
    Effect.gen(function* () {
      const span = { most: 21 * day, cut: "empty" } as const
      // The request for the row on one side, and on the other.
      for (const every of [2, 3]) {
        const ignores = { by: "number", every, for: 1 } as const
        const found = yield* confirm([below, above], { span, ignores }, {}, 21 * day)
        assert.strictEqual(found.tag, "Unprovable")
      }
    })
  )

  it.effect("a full page of each half may hide rows behind it, and rows that come at last are no empty range", () =>
    Effect.gen(function* () {
      const older = Array.from({ length: 25 }, (_, i) => range.from + (i + 1) * hour)
      const beside = Array.from({ length: 12 }, () => range.to + second)
      const results = { most: 20, cut: "empty" } as const
      for (const newer of [[...beside, range.to - hour], [range.to - hour]]) {
        const starts = [below, above, ...older, ...newer]
        assert.strictEqual((yield* confirm(starts, { results }, {}, 21 * day)).tag, "Provisional")
      }
    })
  )

  it.effect("what lies behind two full pages is not known", () =>
    Effect.gen(function* () {
      const between = Array.from({ length: 30 }, (_, i) => range.to + (i + 1) * hour)
      const oldest = { controls: [control("row-0", above)], ends: { newest: false, oldest: true } }
      assert.strictEqual((yield* confirm([above, ...between], {}, oldest, 21 * day)).tag, "Proven")
      const within = [above, ...between, range.to - hour]
      // Besides, the second page fails, or the first one, or the first one comes again.
      const again = { depth: { most: 1, cut: "last" } } as const
      for (const traits of [{}, { poison: "row-15" }, { poison: "row-25" }, again])
        assert.strictEqual((yield* confirm(within, traits, oldest, 21 * day)).tag, "Provisional")
    })
  )

  it.effect("a range with all that is known has no row beside it, and a refusal or nothing proves nothing", () =>
    Effect.gen(function* () {
      const at = began - 30 * day
      const all = { controls: [control("row-0", at)], ends: { newest: true, oldest: true } }
      const span = { most: 7 * day, cut: "error" } as const
      assert.isUndefined((yield* confirm([at], { span }, all)).tag)
      assert.isUndefined((yield* confirm([], {}, all)).tag)
    })
  )

  it.effect("of control rows that start together one is asked for: all of them may have left", () =>
    Effect.gen(function* () {
      const gone = Array.from({ length: 70 }, (_, i) => control(`gone-${i}`, below + i))
      const rest = { controls: [control("row-0", below - hour), ...gone, control("row-1", above)] }
      const span = { most: 21 * day, cut: "empty" } as const
      assert.strictEqual((yield* confirm([below - hour, above], { span }, rest, 21 * day)).tag, "Proven")
    })
  )

  it.effect("a control row on a page that is refused is no reason to doubt bounds: another one comes", () =>
    Effect.gen(function* () {
      const burst = Array.from({ length: 15 }, (_, i) => below + i)
      const rest = { controls: [control("row-0", below - hour), control("row-2", below), control("row-1", above)] }
      const traits = { span: { most: 21 * day, cut: "empty" }, depth: { most: 1, cut: "error" } } as const
      assert.strictEqual((yield* confirm([below - hour, above, ...burst], traits, rest, 21 * day)).tag, "Proven")
    })
  )
})

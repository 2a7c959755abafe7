import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Empty from "../../../src/history/internal/Empty.ts"
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

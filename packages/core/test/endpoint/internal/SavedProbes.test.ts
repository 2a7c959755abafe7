/** What probes saw, as JSON for another process: nothing is lost that it needs, and nothing is saved that may be personal. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import type { Seen } from "../../../src/endpoint/internal/Probes.ts"
import * as SavedProbes from "../../../src/endpoint/internal/SavedProbes.ts"
import * as Histories from "../../torture/Histories.ts"
import { began, control, hour } from "../../history/internal/FakeServer.ts"
import { profileOf, rows, seenOf, undated } from "./ProbeParts.ts"

const codec = Schema.toCodecJson(SavedProbes.SavedProbes)

/** What another process reads of it, and how it is written. */
const pass = Effect.fnUntraced(function* (seen: Seen, others: Iterable<Ask.Log> = []) {
  const saved = yield* SavedProbes.save(seen, others)
  const text = JSON.stringify(yield* Schema.encodeEffect(codec)(saved))
  const read = yield* Schema.decodeUnknownEffect(codec)(JSON.parse(text))
  return { text, read, ...SavedProbes.restore(read) }
})

/** Without an id, a record is known by what it says. */
const personal = '={"callerNumber":"+4930123456"}'

const logOf = (seed: number): Ask.Log => {
  const { chance, next, pick } = Histories.random(seed)
  const number = () => Math.floor(next() * 1e15)
  const keys = ["a", "b", "c", personal]
  const map = <A>(value: () => A) => new Map(keys.flatMap((key) => (chance(0.6) ? [[key, value()] as const] : [])))
  const bound = () => pick(-Infinity, Infinity, number())
  const counted = () => ({ after: bound(), before: bound(), rows: number() })
  const counts = () => new Map(["1 2", "-Infinity 5"].map((key) => [key, counted()] as const))
  return {
    requests: number(),
    observedAt: pick(undefined, number()),
    slowest: pick(undefined, number()),
    latest: pick(undefined, number()),
    cached: chance(0.5),
    failed: chance(0.5),
    rounds: chance(0.5),
    shown: map(() => pick(undefined, number())),
    created: map(number),
    placed: map(number),
    moved: new Set(keys.filter(() => chance(0.5))),
    width: number(),
    refused: pick(Infinity, number()),
    places: counts(),
    lengths: new Map([["x", { ...counted(), size: number(), length: number(), isFirst: chance(0.5) }]]),
    sure: counts(),
    counts: counts(),
    failing: counts(),
    // Another process looks for itself.
    gone: new Map()
  }
}

/** The same without those that have no id. */
const withIds = (log: Ask.Log): Ask.Log => ({
  ...log,
  // The profile says that.
  rounds: false,
  slowest: log.slowest ?? log.observedAt,
  shown: new Map([...log.shown].filter(([key]) => key !== personal)),
  created: new Map([...log.created].filter(([key]) => key !== personal)),
  placed: new Map([...log.placed].filter(([key]) => key !== personal)),
  moved: new Set([...log.moved].filter((key) => key !== personal))
})

describe("SavedProbes", () => {
  it.effect("brings back what all answers showed", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 100; seed++) {
        const log = logOf(seed)
        const others = seed % 3 === 0 ? [] : [logOf(seed + 1000), logOf(seed + 2000)]
        const passed = yield* pass(seenOf({ log }), others)
        assert.deepStrictEqual(passed.seen.log, withIds(log), `seed ${seed}`)
        assert.deepStrictEqual(passed.others, others.map(withIds), `seed ${seed}`)
        assert.notInclude(passed.text, "+49", `seed ${seed}`)
      }
    })
  )

  it.effect("brings back logs that may be written to, each its own", () =>
    Effect.gen(function* () {
      const { others, read, seen } = yield* pass(seenOf({ log: logOf(1) }), [logOf(1)])
      const before = JSON.stringify(yield* Schema.encodeEffect(codec)(read))
      for (const log of [seen.log, ...others]) {
        for (const map of [log.shown, log.created, log.placed]) map.set("new", 1)
        for (const map of [log.places, log.sure, log.counts, log.failing])
          map.set("new", { after: 0, before: 1, rows: 1 })
        log.lengths.clear()
        log.moved.clear()
      }
      assert.strictEqual(JSON.stringify(yield* Schema.encodeEffect(codec)(read)), before)
    })
  )

  it.effect("brings back the rest, but that the length was measured: stretches were cut by pages", () =>
    Effect.gen(function* () {
      for (const flag of [true, false]) {
        const seen = seenOf({
          profile: profileOf({ clamped: flag, pagesAtMost: 64 }),
          oldest: flag ? began - hour : undefined,
          isOldestSure: flag,
          isListCut: flag,
          sorted: flag,
          trusted: flag,
          pages: [{ page: 3, rows: [...rows("row", began), undated("b")] }],
          controls: rows("control", 1, 2),
          ends: { newest: flag, oldest: !flag },
          oldRows: rows("old", 1)
        })
        const found = (yield* pass(seen)).seen
        assert.deepStrictEqual(found, { ...seen, measured: false, repeats: found.repeats })
        assert.isTrue(yield* found.repeats)
        const again = yield* pass({ ...seen, repeats: Effect.succeed(false) })
        assert.isFalse(yield* again.seen.repeats)
      }
    })
  )

  it.effect("has no row by what it says: a control without an id is left out, and others keep their places", () =>
    Effect.gen(function* () {
      const nobody = control(personal, began)
      const controls = rows("control", 1, 2)
      const ends = { newest: true, oldest: true }
      const old = [nobody, ...rows("old", 1)]
      const pages = [{ page: 1, rows: [nobody, undated(personal), ...rows("row", 5)] }]
      for (const [of, kept] of [
        [[nobody, ...controls], { newest: true, oldest: false }],
        [[...controls, nobody], { newest: false, oldest: true }],
        [[nobody], { newest: false, oldest: false }],
        [controls, ends]
      ] as const) {
        const { seen, text } = yield* pass(seenOf({ controls: of, ends, oldRows: old, pages }))
        assert.notInclude(text, "+49")
        assert.deepStrictEqual(
          seen.controls,
          of.filter(({ key }) => key !== personal)
        )
        assert.deepStrictEqual(seen.ends, kept)
        assert.deepStrictEqual(
          seen.pages.map(({ rows }) => rows.map(({ start }) => start)),
          pages.map(({ rows }) => rows.map(({ start }) => start))
        )
        assert.deepStrictEqual(
          seen.oldRows.map(({ start }) => start),
          old.map(({ start }) => start)
        )
      }
      // A list that ends on its first page shows both ends, also without a call.
      const empty = yield* pass(seenOf({ ends }))
      assert.deepStrictEqual(empty.seen.ends, ends)
    })
  )

  it.effect("reads what was saved before there was a slowest clock, or calls placed by their creation", () =>
    Effect.gen(function* () {
      const { log, ...saved } = yield* SavedProbes.save(seenOf({ log: { ...logOf(3), observedAt: 7 } }), [])
      const before = Struct.omit(log, ["placed", "slowest"])
      const json = yield* Schema.encodeEffect(codec)({ ...saved, log: before })
      const read = yield* Schema.decodeUnknownEffect(codec)(JSON.parse(JSON.stringify(json)))
      const { seen } = SavedProbes.restore(read)
      assert.deepStrictEqual([seen.log.slowest, seen.log.placed], [7, new Map()])
    })
  )
})

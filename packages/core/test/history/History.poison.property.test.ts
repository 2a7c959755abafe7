import * as History from "@callstream/core/history/History"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ListServer from "./ListServer.ts"

const share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const Case = Schema.Struct({
  count: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 700 })),
  shape: Schema.Literals(["same", "queued"]),
  /** Milliseconds between two calls. */
  every: Schema.Literals([0, 300, 2000, 7000, 400_000]),
  /** Places of the records that fail, as shares of the count. */
  poison: Schema.Array(share).check(Schema.isMinLength(1), Schema.isMaxLength(3)),
  scrambled: Schema.Boolean,
  /** Days since the last call. */
  quiet: Schema.Literals([0, 200]),
  whole: Schema.Boolean
})

type Case = typeof Case.Type

const read = (one: Case, keepGoing: boolean) => {
  const earlier = one.quiet * 86_400_000
  const rows = ListServer.rowsOf(one.count, one.shape, one.every).map(({ created, id, start }): ListServer.Row => ({
    id,
    start: start - earlier,
    created: created - earlier
  }))
  const victims = [...new Set(one.poison.map((share) => Math.min(one.count - 1, Math.floor(share * one.count))))]
  const poison = victims.flatMap((i) => rows[i] ?? [])
  const server = ListServer.make(rows, {
    poison: poison.map(({ id }) => id),
    ...(one.scrambled ? { order: "scrambled" } : {})
  })
  const [first] = rows
  const last = rows.at(-1)
  const range =
    one.whole || first === undefined || last === undefined
      ? {}
      : { from: new Date(first.start - 60_000), to: new Date(last.start + 60_000) }
  return Effect.map(ListServer.run(server, History.windows(range, { keepGoing, concurrency: 4 })), (result) => ({
    ...result,
    poison,
    rows
  }))
}

/** What must hold of a run, whatever the records are that fail. */
const check = (
  one: Case,
  { ids, poison, requests, rows, seconds, windows }: Effect.Success<ReturnType<typeof read>>
) => {
  const about = JSON.stringify(one)
  const lost = new Set(poison.map(({ id }) => id))
  // All others come, once.
  assert.sameMembers(
    [...ids],
    rows.filter(({ id }) => !lost.has(id)).map(({ id }) => id),
    about
  )
  const ranges = windows.filter(({ from, to }) => from < to)
  for (const { start } of poison) {
    const found = ranges.find(({ from, to }) => start * 1000 >= from && start * 1000 < to)
    if (found !== undefined) assert.strictEqual(found.coverage._tag, "Gap", about)
    // The only call there is has no known time: it is missing from the whole.
    else assert.notStrictEqual(windows.at(-1)?.coverage._tag, "Proven", about)
  }
  // Of a few pages, or of calls that all start together, it may not be seen what bounds do.
  if (one.scrambled || rows.length < 320 || one.every === 0) return
  for (const { coverage, from, to } of ranges) {
    if (coverage._tag === "Gap") {
      assert.isTrue(
        poison.some(({ start }) => start * 1000 >= from - 4e6 && start * 1000 < to + 4e6),
        about
      )
      assert.isAtMost(to - from, 8e6 + poison.length * 12e6, about)
    } else if (to <= (ListServer.now - 3 * 3_600_000) * 1000) assert.strictEqual(coverage._tag, "Proven", about)
  }
  assert.isAtMost(requests, 110 + 90 * poison.length, about)
  // Most of it is the wait before the last tries, when the record is the first or the last of the range.
  assert.isAtMost(seconds, 10 + 150 * poison.length, about)
}

describe("records that fail each page that they are on", () => {
  it.effect.prop(
    "everything else comes, proven, beside gaps of seconds that hold them",
    { one: Case },
    ({ one }) =>
      Effect.gen(function* () {
        const result = yield* read(one, true)
        assert.isUndefined(result.error, JSON.stringify(one))
        check(one, result)
      }),
    { timeout: 600_000, arbitrary: { runs: 20 } }
  )
})

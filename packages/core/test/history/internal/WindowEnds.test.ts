/** The ends of a window: a limit on results cuts off what lies there, and the rows that came look complete. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import type { Settings } from "../../../src/history/internal/Settings.ts"
import type { Task } from "../../../src/history/internal/Task.ts"
import { ends } from "../../../src/history/internal/WindowEnds.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, hour, known, open, settingsOf } from "./FakeServer.ts"

const range = { from: began - 5 * day, to: began - 4 * day }
const oldest = range.from + 6 * hour
const newest = range.to - 6 * hour

const at = (id: string, start: number): Adversary.Row => ({ id, start, created: start })
const middle = at("middle", range.from + 12 * hour)
const three = [at("oldest", oldest), middle, at("newest", newest)]
/** So many that start in one second, one after the other, or all at once. */
const burst = (count: number, start: number, apart: 0 | 1): ReadonlyArray<Adversary.Row> =>
  Array.from({ length: count }, (_, i) => at(`burst-${i}`, start + apart * i))

interface Given {
  readonly held: ReadonlyArray<Adversary.Row>
  /** Those of the server. @default those that are held */
  readonly rows?: ReadonlyArray<Adversary.Row>
  readonly traits?: Partial<Adversary.Traits>
  readonly task?: Partial<Task>
  readonly settings?: Partial<Settings>
  readonly whole?: number
}

const look = Effect.fnUntraced(function* ({ held: came, rows = came, settings: rest, task, traits, whole = 0 }: Given) {
  const server = open(rows, traits)
  const list = Patience.make(server.client.list)
  const settings = settingsOf(server, { list, ...rest })
  const ask = Ask.make(list, {}, settings)
  const held = Rows.makeHeld()
  held.add(came.map(({ id, start = 0 }) => control(id, start)))
  const read = {
    range,
    bounds: Ask.boundsOf(range),
    held,
    problem: undefined,
    moved: false,
    tied: false,
    way: "pages",
    count: undefined,
    dense: false,
    order: "unknown",
    deepest: Infinity
  } as const
  const problem = yield* ends(settings, known({ whole }), ask, { ...range, expected: 0, ...task }, read)
  return { problem: problem?._tag, requests: server.requests(), shown: ask.log.shown }
})

describe("WindowEnds.ends", () => {
  it.effect("the first row and the last one come back for bounds that begin beside them", () =>
    Effect.gen(function* () {
      const { problem, requests } = yield* look({ held: three })
      assert.deepStrictEqual([problem, requests], [undefined, 2])
    })
  )

  it.effect("one that does not come back leaves the window without a proof", () =>
    Effect.gen(function* () {
      for (const place of [0, 2])
        assert.strictEqual((yield* look({ held: three, rows: three.filter((_, i) => i !== place) })).problem, "NotBack")
      assert.isUndefined((yield* look({ held: three, rows: [three[0] ?? middle, three[2] ?? middle] })).problem)
    })
  )

  it.effect("among more rows of its second than a page holds it is looked for on the others", () =>
    Effect.gen(function* () {
      const many = burst(13, newest, 0)
      for (const tieOrder of ["id", "query"] as const)
        assert.isUndefined((yield* look({ held: [middle, ...many], traits: { tieOrder } })).problem, tieOrder)
      const held = [middle, at("left", newest)]
      assert.strictEqual((yield* look({ held, rows: [middle, ...many] })).problem, "NotBack")
    })
  )

  it.effect("rows from elsewhere show that bounds are not understood", () =>
    Effect.gen(function* () {
      const elsewhere = at("elsewhere", range.from - day)
      for (const every of [1, 2]) {
        const traits = { ignores: { by: "number", every, for: 1 } } as const
        const { problem } = yield* look({ held: three, rows: [...three, elsewhere], traits })
        assert.strictEqual(problem, "OutsideBounds", `each request of ${every}`)
      }
    })
  )

  it.effect("a record that fails beyond an end says nothing of the window", () =>
    Effect.gen(function* () {
      const fails = at("fails", newest + hour)
      const { problem } = yield* look({ held: three, rows: [...three, fails], traits: { poison: "fails" } })
      assert.isUndefined(problem)
    })
  )

  it.effect("what lies beyond an end is shown, also behind pages of what is held", () =>
    Effect.gen(function* () {
      const later = at("missing", newest + hour)
      const earlier = at("missing", oldest - hour)
      for (const { beyond, count, start, newestFirst, apart } of [
        // In a page of rows that start together no order can be seen.
        { beyond: later, count: 12, start: newest, newestFirst: false, apart: 0 },
        { beyond: later, count: 22, start: newest, newestFirst: false, apart: 1 },
        // The newest rows come first, and the oldest ones last.
        { beyond: earlier, count: 12, start: oldest, newestFirst: true, apart: 1 }
      ] as const) {
        const held = [middle, ...burst(count, start, apart)]
        const { problem, shown } = yield* look({ held, rows: [...held, beyond], traits: { newestFirst } })
        assert.deepStrictEqual([problem, shown.has("missing")], [undefined, true], JSON.stringify({ count, start }))
      }
    })
  )

  it.effect("no page more is read than shows it", () =>
    Effect.gen(function* () {
      const many = burst(35, newest, 1)
      // The newest ones come first: what is missing would be on the first page.
      assert.strictEqual((yield* look({ held: [middle, ...many] })).requests, 2)
      const [first = middle] = many
      const traits = { newestFirst: false, sorting: false }
      const { requests, shown } = yield* look({ held: [middle, first], rows: [middle, ...many], traits })
      assert.deepStrictEqual([requests, shown.size], [2, 11])
    })
  )

  it.effect("a server that repeats its last page for ever is given up", () =>
    Effect.gen(function* () {
      const many = burst(20, newest, 0)
      const { requests } = yield* look({ held: [middle, ...many], traits: { beyond: "last" } })
      assert.isAtMost(requests, 8)
    })
  )

  it.effect("an end is not checked where a row from beyond it came too, or the one at which the range was cut", () =>
    Effect.gen(function* () {
      const first = at("first", range.from + hour / 7200)
      const controls = [control("first", first.start ?? 0)]
      const cut = { task: { bottom: "oldest" } }
      for (const [requests, one] of [
        [1, { held: [...three, at("below", range.from - 1)] }],
        [1, { held: [...three, at("above", range.to)] }],
        [1, { held: three, ...cut }],
        [1, { held: [first, ...three], settings: { controls } }],
        [0, { held: three, whole: 4 }],
        // Those that did not come show nothing, and a known row that lies elsewhere neither.
        [2, { held: three, whole: 3 }],
        [2, { held: three.slice(1), ...cut }],
        [2, { held: three, settings: { controls } }],
        [2, { held: three, settings: { controls: [control("middle", middle.start ?? 0)] } }]
      ] as const)
        assert.strictEqual((yield* look(one)).requests, requests, JSON.stringify(one))
    })
  )
})

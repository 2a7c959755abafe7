/** Calls without a start time that lie within bounds, because the server takes their creation for it, or hides a start that it knows. */
import * as History from "@callstream/core/history/History"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Instant from "@callstream/core/model/Instant"
import * as Server from "./ListServer.ts"

const hour = 3_600_000
const until = Instant.of((Server.now - 3 * hour) * 1000)
const rows = (shape: Server.Shape) => Server.rowsOf(1000, shape, hour)

/** Each twentieth. */
const withoutStart = rows("same").flatMap(({ id }, i) => (i % 20 === 7 ? [id] : []))

const idsOf = (shape: Server.Shape) => rows(shape).map(({ id }) => id)

const read = (shape: Server.Shape, traits: Server.Traits, range: Parameters<typeof History.windows>[0]) =>
  Server.run(Server.make(rows(shape), traits), History.windows(range))

/** Calls with a start, and those without one, as the last window brings them. */
const came = ({ windows }: Server.Result) => {
  const last = windows.at(-1)
  const alone = last !== undefined && last.from === last.to ? last.rows.length : 0
  return { withStart: windows.reduce((sum, window) => sum + window.rows.length, 0) - alone, withoutStart: alone }
}

describe("calls without a start time within bounds", () => {
  it.effect("placed by their creation: a whole history has all calls, for less than twice the requests", () =>
    Effect.gen(function* () {
      const quiet = yield* read("same", {}, {})
      const placed = yield* read("same", { withoutStart, placed: true }, {})
      assert.deepStrictEqual(placed.ids.toSorted(), idsOf("same").toSorted())
      assert.deepStrictEqual(came(placed), { withStart: 950, withoutStart: 50 })
      // Calls may still come into the last hours.
      assert.deepStrictEqual(
        placed.windows.filter(({ coverage }) => coverage._tag !== "Proven").map(({ rows }) => rows.length),
        quiet.windows.filter(({ coverage }) => coverage._tag !== "Proven").map(({ rows }) => rows.length)
      )
      assert.isBelow(placed.requests, 2 * quiet.requests)
    })
  )

  it.effect("placed by their creation: a range is proven with those that were created in it", () =>
    Effect.gen(function* () {
      const range = { from: Instant.of((Server.now - 500 * hour) * 1000), to: until }
      const expected = rows("same").filter(({ start }) => start * 1000 >= range.from && start * 1000 < range.to)
      const placed = yield* read("same", { withoutStart, placed: true }, range)
      assert.deepStrictEqual(placed.ids.toSorted(), expected.map(({ id }) => id).toSorted())
      assert.strictEqual(placed.set, "proven")
      assert.isAbove(placed.windows.at(-1)?.outside?.created ?? 0, 0)
      const others = yield* Server.run(
        Server.make(rows("same"), { withoutStart, placed: true }),
        History.windows(range, { withoutStart: "skip" })
      )
      assert.deepStrictEqual(
        others.ids.toSorted(),
        expected.flatMap(({ id }) => (withoutStart.includes(id) ? [] : [id])).toSorted()
      )
    })
  )

  it.effect("one whose start is hidden: a whole history is proven with it", () =>
    Effect.gen(function* () {
      const { ids, windows } = yield* read("queued", { withoutStart: ["call-500"], placed: true }, {})
      assert.deepStrictEqual(ids.toSorted(), idsOf("queued").toSorted())
      const old = windows.filter(({ rows }) => rows.length > 0)
      assert.deepStrictEqual([...new Set(old.map(({ coverage }) => coverage._tag))], ["Proven"])
    })
  )

  it.effect("one that was created before the range: nothing is proven of its window, but all other calls come", () =>
    Effect.gen(function* () {
      for (const count of [900, 3000])
        for (const [traits, pagesPerWindow] of [
          [{}, 12],
          [{}, 40],
          [{ offset: 300 }, 12],
          [{ repeats: true, offset: 300 }, 40]
        ] as const) {
          const id = `call-${Math.floor(count / 2)}`
          const all = Server.rowsOf(count, "same", hour).map((row) => (row.id === id ? { ...row, created: 0 } : row))
          const server = Server.make(all, { withoutStart: [id], placed: true, ...traits })
          const { ids, set } = yield* Server.run(
            server,
            History.windows({ from: Instant.of((Server.now - 5000 * hour) * 1000), to: until }, { pagesPerWindow })
          )
          const expected = all.map((row) => row.id).filter((one) => one !== id)
          assert.deepStrictEqual(ids.filter((one) => one !== id).toSorted(), expected.toSorted(), `${count}`)
          assert.strictEqual(set, "unprovable")
        }
    })
  )
})

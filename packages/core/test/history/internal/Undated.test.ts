/** The last window of a whole history, against a server on which calls leave, come and hide between any two requests. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { began, hour } from "./FakeServer.ts"
import { dated, orders, read, step, undated, young } from "./LastWindow.ts"

const minute = 60_000_000

describe("the last window of a whole history", () => {
  it.effect("brings each call without a start time, wherever it is listed, and proves that these are all", () =>
    Effect.gen(function* () {
      for (const traits of orders)
        for (const beyond of ["empty", "last", "first"] as const)
          for (let count = 0; count <= undated.length; count++) {
            const rows = [...dated, ...undated.slice(0, count)]
            const { ids, tag } = yield* read({ rows, traits: { ...traits, beyond } })
            const expected = undated.slice(0, count).map(({ id }) => id)
            assert.deepStrictEqual(
              [tag, ids.toSorted()],
              ["Proven", expected],
              JSON.stringify({ traits, beyond, count })
            )
          }
    })
  )

  it.effect("while one call leaves and another comes, it is never proven without one that was there throughout", () =>
    Effect.gen(function* () {
      let proven = 0
      let tried = 0
      const cases = orders.flatMap((traits) => [
        { traits, there: undated, leaves: "undated-0", start: undefined },
        { traits, there: undated, leaves: "undated-3", start: undefined },
        { traits, there: undated, leaves: "row-0", start: undefined },
        { traits, there: undated.slice(2, 3), leaves: "row-0", start: began - 30 * minute }
      ])
      for (const { leaves, start, there, traits } of cases) {
        const { requests } = yield* read({ rows: [...dated, ...there], traits })
        for (let gone = 0; gone <= requests; gone++)
          for (let seen = 0; seen <= requests; seen++) {
            const rows = [
              ...[...dated, ...there].map((row) =>
                row.id === leaves ? { ...row, gone: began + gone * step + 1 } : row
              ),
              { id: "comes", start, created: young - 7 * hour, seen: began + seen * step + 1 }
            ]
            const { ids, server, tag } = yield* read({ rows, traits })
            tried++
            if (tag !== "Proven") continue
            proven++
            const isShown = (id: string) => server.listed.has(id) || server.counted.has(id)
            assert.isEmpty(
              there.filter(({ id }) => id !== leaves && !ids.includes(id) && isShown(id)),
              JSON.stringify({ traits, leaves, start, gone, seen })
            )
          }
      }
      assert.isAbove(proven, tried / 20)
    })
  )

  it.effect("a call that hides from some requests, and is listed by one, comes, or it is not proven", () =>
    Effect.gen(function* () {
      let shown = 0
      for (const traits of orders) {
        const { requests } = yield* read({ rows: [...dated, ...undated], traits })
        for (let from = 0; from <= requests; from++)
          for (let to = from + 1; to <= requests + 1; to++) {
            const hidden = { ids: ["undated-1"], when: { by: "time", from: from * step, to: to * step } } as const
            const { ids, server, tag } = yield* read({ rows: [...dated, ...undated], traits: { ...traits, hidden } })
            if (tag !== "Proven" || !server.listed.has("undated-1")) continue
            shown++
            assert.include(ids, "undated-1", JSON.stringify({ traits, from, to }))
          }
      }
      assert.isAbove(shown, 0)
    })
  )

  it.effect(
    "while calls begin all the time, the whole may still change: that it does not add up is no lasting fault",
    () =>
      Effect.gen(function* () {
        for (const traits of orders)
          for (const cap of [3, 10])
            for (let every = 1; every <= 6; every++) {
              const come = Array.from({ length: 60 }, (_, i) => {
                const seen = began + i * every * step + 1
                return { id: `new-${i}`, start: seen, created: seen, seen }
              })
              const rows = [...dated, ...undated, ...come]
              const { tag } = yield* read({ rows, traits: { ...traits, cap } })
              assert.notStrictEqual(tag, "Unprovable", JSON.stringify({ traits, cap, every }))
            }
      })
  )

  it.effect("a call with a start that no window brought: the sum is not right", () =>
    Effect.gen(function* () {
      for (const traits of orders) {
        const { tag } = yield* read({ rows: [...dated, ...undated], traits, delivered: dated.slice(1) })
        assert.notStrictEqual(tag, "Proven", JSON.stringify(traits))
      }
    })
  )

  it.effect("it proves no more than the windows do, and nothing where answers stay older than the first ones", () =>
    Effect.gen(function* () {
      const rows = [...dated, ...undated]
      assert.strictEqual((yield* read({ rows })).tag, "Proven")
      assert.strictEqual((yield* read({ rows, unproven: true })).tag, "Provisional")
      assert.strictEqual((yield* read({ rows, inPart: true })).tag, "Provisional")
      const date = { offset: -3 * hour, from: 0, to: Infinity, every: 1 }
      assert.strictEqual((yield* read({ rows, traits: { date } })).tag, "Provisional")
    })
  )

  it.effect("a replica that lags lacks the newest calls, or their starts: nothing takes their place in the sum", () =>
    Effect.gen(function* () {
      let proven = 0
      const since = began - 15 * minute
      const newest = [0, 1, 2].map((i) => ({ id: `new-${i}`, start: began - (20 + i) * minute, created: began - hour }))
      const cases = orders.flatMap((traits) =>
        [0, 1, 2, 3].flatMap((fresh) =>
          undated.flatMap((_, count) => [false, true].map((connect) => ({ traits, fresh, count, connect })))
        )
      )
      for (const { connect, count, fresh, traits } of cases) {
        const there = undated.slice(0, count)
        const recent = newest.slice(0, fresh)
        const later = recent.map((row) =>
          connect ? { ...row, start: undefined, moves: [{ at: since, start: row.start }] } : { ...row, seen: since }
        )
        const rows = [...dated, ...there, ...later]
        const all = yield* read({ rows, traits, recent })
        for (let from = 0; from <= all.requests; from++) {
          const replica = { lag: hour, when: { by: "time", from: from * step, to: Infinity } } as const
          const { ids, server, tag } = yield* read({ rows, traits: { ...traits, replica }, recent })
          const about = JSON.stringify({ traits, fresh, count, connect, from })
          assert.isFalse(
            recent.some(({ id }) => ids.includes(id)),
            about
          )
          if (tag !== "Proven") continue
          proven++
          const isShown = (id: string) => server.listed.has(id) || server.counted.has(id)
          assert.isEmpty(
            there.filter(({ id }) => !ids.includes(id) && isShown(id)),
            about
          )
        }
      }
      assert.isAbove(proven, 0)
    })
  )
})

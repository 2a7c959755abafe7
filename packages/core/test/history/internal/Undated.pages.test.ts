/** All pages of a list without bounds, which do not overlap: one call leaves, so that another one is passed by, and a third one comes. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as NotedCounts from "../../../src/endpoint/internal/NotedCounts.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, hour } from "./FakeServer.ts"
import { dated, type Given, range, read, step, young } from "./LastWindow.ts"

const size = 3

/** So many that not each of them is on a page that was asked for to count them. */
const there = Array.from({ length: 30 }, (_, i): Adversary.Row => ({
  id: `undated-${i}`,
  start: undefined,
  created: young - (5 * i + 2) * hour
}))

const orders = [
  { order: "start", undatedFirst: false },
  { order: "created", newestFirst: false }
] as const

describe("all pages of a whole history", () => {
  it.effect("do not prove that nothing was passed by, however right the sum is", () =>
    Effect.gen(function* () {
      let proven = 0
      for (const traits of orders) {
        const given = { traits: { ...traits, cap: size }, settings: () => ({ size }) } satisfies Partial<Given>
        const { requests, tag } = yield* read({ ...given, rows: [...dated, ...there] })
        assert.strictEqual(tag, "Proven")
        for (const leaves of [0, 10])
          for (const comes of ["y-0", "y-1"])
            for (let after = 0; after <= requests; after++) {
              const at = began + after * step + 1
              const rows = [
                ...dated,
                ...there.map((row, i) => (i === leaves ? { ...row, gone: at } : row)),
                { id: comes, start: undefined, created: young - 400 * hour, seen: at }
              ]
              const { ids, tag } = yield* read({ ...given, rows })
              if (tag !== "Proven") continue
              proven++
              const missing = there.filter(({ id }, i) => i !== leaves && !ids.includes(id))
              assert.isEmpty(missing, JSON.stringify({ traits, leaves, comes, after }))
            }
      }
      assert.isAbove(proven, 20)
    })
  )

  it.effect("have no more places for these calls than were found, where some answers lack other calls", () =>
    Effect.gen(function* () {
      let proven = 0
      // Counts that are made one after another lack calls with a start time, and those that are made together have them.
      for (let number = 4; number <= 9; number++)
        for (let hiding = 0; hiding <= 2; hiding++) {
          const ids = dated.slice(17, 17 + hiding).map(({ id }) => id)
          const given = yield* read({
            rows: [...dated, ...there.slice(0, number)],
            settings: () => ({ size }),
            width: 0,
            traits: {
              undatedFirst: false,
              cap: size,
              tieOrder: "query",
              hidden: { ids, when: { by: "connection", of: 2 } }
            }
          })
          if (given.tag !== "Proven") continue
          proven++
          assert.strictEqual(given.ids.length, number, JSON.stringify({ number, hiding }))
        }
      assert.isAbove(proven, 0)
    })
  )

  it.effect("are read again in pages of another size, where a call is on some of them only", () =>
    Effect.gen(function* () {
      let proven = 0
      for (let number = 4; number <= 12; number++)
        for (let hidden = 0; hidden < number; hidden++)
          for (const beyond of ["first", "last"] as const) {
            const undated = there.slice(0, number)
            const id = `undated-${hidden}`
            const { ids, tag } = yield* read({
              rows: [...dated, ...undated],
              settings: () => ({ size }),
              traits: {
                undatedFirst: false,
                cap: size,
                beyond,
                hidden: { ids: [id], when: { by: "number", every: 3, for: 2 } }
              }
            })
            if (tag !== "Proven") continue
            proven++
            const missing = undated.filter((row) => row.id !== id && !ids.includes(row.id))
            assert.isEmpty(missing, JSON.stringify({ number, hidden, beyond }))
          }
      assert.isAbove(proven, 0)
    })
  )

  it.effect("prove nothing where an earlier count was less than what came, and is another one now", () =>
    Effect.gen(function* () {
      const bounds = { after: range.from, before: young }
      const tagOf = (counted: number) =>
        Effect.map(
          read({
            rows: dated,
            before: (ledger) =>
              Effect.sync(() => {
                const log = Ask.makeLog()
                NotedCounts.noteCount(log.counts, bounds, counted)
                ledger.note({ log })
              })
          }),
          ({ tag }) => tag
        )
      assert.deepStrictEqual([yield* tagOf(23), yield* tagOf(22)], ["Proven", "Provisional"])
    })
  )
})

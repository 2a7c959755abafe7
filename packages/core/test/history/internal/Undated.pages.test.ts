/** All pages of a list without bounds, which do not overlap: one call leaves, so that another one is passed by, and a third one comes. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, hour } from "./FakeServer.ts"
import { dated, type Given, read, step, young } from "./LastWindow.ts"

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
})

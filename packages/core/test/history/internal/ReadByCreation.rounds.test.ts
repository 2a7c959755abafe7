/** Calls of a range by the order of creation, with pages that overlap, and on a server that rounds their size. */
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as ReadByCreation from "../../../src/history/internal/ReadByCreation.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, hour, open } from "./FakeServer.ts"

/** Every third has no start. */
const rows = Arr.range(0, 89).map((i): Adversary.Row => {
  const created = began - (i + 1) * hour
  return { id: `row-${i}`, created, start: i % 3 === 0 ? undefined : created }
})
const range = { from: began - 60 * hour, to: began - 15 * hour }
const isLoose: ReadByCreation.IsLoose = ({ start }) => start === undefined

const sorted = { order: "start", undatedFirst: false } as const
const rounding = { ...sorted, sizes: { of: [10], round: "least" } } as const

const read = Effect.fnUntraced(function* (traits: Partial<Adversary.Traits>, earlier = 0, from = range.from) {
  const meant = rows
    .filter(({ created, start }) => start === undefined && created >= from && created < range.to)
    .map(({ id }) => id)
  const server = open(rows, traits)
  const ask = askOf(server)
  ask.log.rounds = traits.sizes !== undefined
  for (const page of Arr.range(1, earlier + 1)) yield* ask(page, {})
  const created = yield* ReadByCreation.readByCreation({ size: 10 }, ask, { ...range, from }, isLoose, () => new Map())
  const keys = new Set(created?.rows.map(({ key }) => key))
  return {
    tag: created?.coverage._tag,
    requests: server.requests() - earlier - 1,
    missing: meant.filter((id) => !keys.has(id))
  }
})

describe("readByCreation", () => {
  it.effect("all that were created in the range, by pages that overlap; twice where no pages do", () =>
    Effect.gen(function* () {
      for (const [traits, most] of [
        [sorted, 11],
        [rounding, 22]
      ] as const) {
        const { missing, requests, tag } = yield* read(traits)
        assert.deepStrictEqual([tag, missing], ["Proven", []])
        assert.isAtMost(requests, most)
      }
    })
  )

  it.effect("a call in front of them that every second answer lacks: those passed by are not proven away", () =>
    Effect.gen(function* () {
      const hidden = { ids: ["row-0"], when: { by: "number", every: 2, for: 1 } } as const
      let doubted = 0
      for (const traits of [sorted, rounding])
        for (const earlier of [0, 1])
          for (const hours of Arr.range(30, 80)) {
            const { missing, tag } = yield* read({ ...traits, hidden }, earlier, began - hours * hour)
            if (tag === "Proven") assert.deepStrictEqual(missing, [])
            if (tag === "Provisional") doubted++
          }
      assert.isAbove(doubted, 0)
    })
  )

  it.effect("nothing where the server does not order by creation", () =>
    Effect.gen(function* () {
      for (const traits of [sorted, rounding])
        assert.isUndefined((yield* read({ ...traits, sorting: false, order: "id" })).tag)
    })
  )
})

/** The last window of a whole history while calls leave, come and hide: what the rules are for that look again. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, day, hour, open, second } from "./FakeServer.ts"
import { dated, orders, read, step, undated, young } from "./LastWindow.ts"

const minute = 60 * second

describe("while something happens", () => {
  it.effect("all is looked for again until nothing comes", () =>
    Effect.gen(function* () {
      const all = yield* read({ rows: [...dated, ...undated] })
      for (let after = 0; after <= all.requests; after++)
        for (const start of [undefined, began - hour]) {
          const comes = { id: "comes", start, created: young, seen: began + after * step + 1 }
          const { ids, server, tag } = yield* read({ rows: [...dated, ...undated, comes] })
          const about = JSON.stringify({ after, start })
          assert.strictEqual(tag, "Proven", about)
          assert.strictEqual(ids.includes("comes"), server.listed.has("comes"), about)
        }
    })
  )

  it.effect(
    "a call in days of which nothing came, which a limit on the width hides from their count, hides no other",
    () =>
      Effect.gen(function* () {
        let proven = 0
        let tried = 0
        for (const traits of orders)
          for (const cut of ["last", "first", "empty"] as const)
            for (const leaves of ["undated-0", "row-22"])
              for (const isThere of [true, false]) {
                const span = { most: 2 * day, cut }
                const old = { id: "old", start: began - 6 * day, created: began - 6 * day }
                const rows = [...dated, ...undated, ...(isThere ? [old] : [])]
                const { requests } = yield* read({ rows, traits: { ...traits, span }, width: day })
                for (let gone = 0; gone <= requests; gone++) {
                  const moving = rows.map((row) =>
                    row.id === leaves ? { ...row, gone: began + gone * step + 1 } : row
                  )
                  const { ids, server, tag } = yield* read({ rows: moving, traits: { ...traits, span }, width: day })
                  tried++
                  if (tag !== "Proven") continue
                  proven++
                  const isShown = (id: string) => server.listed.has(id) || server.counted.has(id)
                  assert.isEmpty(
                    [...undated, old].filter(({ id }) => id !== leaves && isShown(id) && !ids.includes(id)),
                    JSON.stringify({ traits, cut, leaves, gone })
                  )
                  assert.isFalse(isThere, JSON.stringify({ traits, cut, leaves, gone }))
                }
              }
        assert.isAbove(proven, tried / 20)
      })
  )

  it.effect("calls at the end come also where others have left, so that fewer are there than came", () =>
    Effect.gen(function* () {
      const there = [...dated.slice(2), ...undated.slice(0, 1)]
      const all = yield* read({ rows: there, traits: { undatedFirst: false } })
      assert.deepStrictEqual([all.tag, all.ids], ["Provisional", ["undated-0"]])
    })
  )
})

describe("a call that the first pages lack, and counts have", () => {
  it.effect("is not replaced by one that was found and left", () =>
    Effect.gen(function* () {
      const [leaves, lacking, ...others] = undated
      const of = (...rows: ReadonlyArray<Adversary.Row | undefined>) =>
        open([...dated, ...others, ...rows.flatMap((row) => row ?? [])])
      for (let gone = 0; gone <= 20; gone++) {
        let requests = 0
        // By whether one has left, and whether it is the first page.
        const servers = [of(leaves, lacking), of(leaves), of(lacking), of()]
        const list: Adversary.Server["client"]["list"] = (query, how) => {
          const place = (++requests > gone ? 2 : 0) + (query.page === 1 ? 1 : 0)
          return (servers[place] ?? of()).client.list(query, how)
        }
        const { ids, tag } = yield* read({ rows: [], settings: () => ({ list }) })
        assert.isTrue(tag !== "Proven" || ids.includes(lacking?.id ?? ""), `${gone}`)
      }
    })
  )
})

describe("a count that holds a call which nobody lists", () => {
  it.effect("is no proof, whichever count it is", () =>
    Effect.gen(function* () {
      let counted = 0
      for (const traits of orders)
        for (const start of [undefined, began - hour, young - 5 * minute]) {
          const hides = { id: "hides", start, created: young - hour }
          const rows = [...dated, ...undated, hides]
          const all = yield* read({ rows, traits })
          for (let from = 0; from <= all.requests; from++)
            for (let to = from + 1; to <= all.requests + 1; to++) {
              // It is there for these requests alone.
              const { ids, server, tag } = yield* read({
                rows: [...dated, ...undated, { ...hides, seen: began + from * step + 1, gone: began + to * step + 1 }],
                traits
              })
              const most = dated.length + ids.length
              const isCounted = server.counts.some(
                ({ front, given }) => !given && front.length > most && front.some(({ id }) => id === "hides")
              )
              if (!isCounted) continue
              counted++
              assert.notStrictEqual(tag, "Proven", JSON.stringify({ traits, start, from, to }))
            }
        }
      assert.isAbove(counted, 20)
    })
  )
})

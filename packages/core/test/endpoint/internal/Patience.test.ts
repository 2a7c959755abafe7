import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, day, hour, open, rowsAt } from "../../history/internal/FakeServer.ts"

const starts = Array.from({ length: 95 }, (_, i) => began - (i + 3) * hour)
const sort = { by: undefined, order: undefined }

const askOf = (traits: Partial<Adversary.Traits>) => {
  const server = open(rowsAt(starts), traits)
  return { ask: Ask.make(Patience.make(server.client.list), {}, { size: 10, sort }), server }
}

/** How each page ends, of the list and of a range. */
const pagesOf = Effect.fnUntraced(function* (traits: Partial<Adversary.Traits>) {
  const { ask } = askOf(traits)
  const ends = []
  for (let page = 1; page <= 12; page++)
    ends.push(
      yield* Effect.match(ask(page, {}), {
        onSuccess: ({ rows }) => String(rows.length),
        onFailure: (error) => (Ask.isPoison(error) ? "fails" : Ask.isRefusal(error) ? "refused" : "other")
      })
    )
  return ends.join(" ")
})

describe("Patience", () => {
  it.effect("a page that fails because it lies deep is refused; one that fails for its record is not", () =>
    Effect.gen(function* () {
      const poison = "row-13"
      const deep = { depth: { most: 4, cut: "failure" } } as const
      assert.strictEqual(yield* pagesOf({ poison }), "10 fails 10 10 10 10 10 10 10 5 0 0")
      assert.strictEqual(
        yield* pagesOf(deep),
        "10 10 10 10 refused refused refused refused refused refused refused refused"
      )
      // A server that does so for one reason does it for the other too: who reads narrower bounds meets the record on the first page.
      assert.strictEqual((yield* pagesOf({ ...deep, poison })).slice(0, 13), "10 refused 10")
    })
  )

  it.effect(
    "a record that fails far beyond the end, because the last page comes there again, is no limit of depth",
    () =>
      Effect.gen(function* () {
        const ends = yield* pagesOf({ poison: "row-94", beyond: "last" })
        assert.strictEqual(ends, "10 10 10 10 10 10 10 10 10 fails fails fails")
      })
  )

  it.effect("whether bounds fail for their width shows also where no page lies deep", () =>
    Effect.gen(function* () {
      for (const limit of [
        undefined,
        { depth: { most: 4, cut: "failure" } },
        { depth: { most: 4, cut: "error" } }
      ] as const)
        for (const poison of [undefined, "row-0"]) {
          const { ask } = askOf({ ...limit, poison, span: { most: 2 * day, cut: "failure" } })
          const wide = { after: began - 4 * day, before: began }
          const told = JSON.stringify({ limit, poison })
          assert.isTrue(yield* Ask.failsAsWhole(ask, wide), told)
          assert.isFalse(yield* Ask.failsAsWhole(ask, { ...wide, after: began - day }), told)
        }
    })
  )
})

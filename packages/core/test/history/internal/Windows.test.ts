import * as Instant from "@callstream/core/model/Instant"
import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Windows from "../../../src/history/internal/Windows.ts"
import { began, day, hour, item } from "./FakeServer.ts"

const proven = { _tag: "Proven" } as const
const moved = { _tag: "Provisional", reason: { _tag: "CallsMoved" } } as const

describe("Windows.make", () => {
  it("is a window of these calls, with instants for its microseconds", () => {
    const items = [item("one", began - 2 * hour), item("two", began - hour)]
    const { from, observedAt, rows, to, ...rest } = Windows.make(items, {
      from: began - day,
      to: began,
      rejected: [],
      coverage: proven,
      requests: 7,
      observedAt: began - 1
    })
    assert.deepStrictEqual([from, to, observedAt], [Instant.of(began - day), Instant.of(began), Instant.of(began - 1)])
    assert.deepStrictEqual(
      CallRows.items(rows).map(({ id }) => id),
      ["one", "two"]
    )
    // Neither has an end that would make it final.
    assert.deepStrictEqual(rest, { rejected: [], coverage: proven, requests: 7, revised: undefined, settled: 0 })
  })

  it("has the ranges of which less is known than was said, as instants", () => {
    const { coverage, outside, revised } = Windows.make([], {
      from: began,
      to: began,
      rejected: [],
      coverage: proven,
      requests: 0,
      observedAt: began,
      outside: { created: 3, unassigned: 4 },
      revised: [
        { from: began - 2 * day, to: began - day, coverage: moved },
        { from: began - day, to: began, coverage: proven }
      ]
    })
    assert.deepStrictEqual(coverage, proven)
    assert.deepStrictEqual(outside, { created: 3, unassigned: 4 })
    assert.deepStrictEqual(revised, [
      { from: Instant.of(began - 2 * day), to: Instant.of(began - day), coverage: moved },
      { from: Instant.of(began - day), to: Instant.of(began), coverage: proven }
    ])
  })
})

/** The first page of a list, while calls come. */
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Open from "../../../src/endpoint/internal/Open.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import { began, hour, open, rowsAt, second } from "../../history/internal/FakeServer.ts"

describe("Open.open", () => {
  const rows = rowsAt(Arr.range(1, 5).map((i) => began - i * hour))
  /** Each request takes a second, and between two of them an older call comes. */
  const openWith = (comes: number) => {
    const older = Arr.range(1, comes).map((i) => ({
      id: `older-${i}`,
      start: began - (5 + i) * hour,
      created: began - hour,
      seen: began + 3 * (i - 1) * second + 1.5 * second
    }))
    const server = open([...rows, ...older], { cap: 30 }, second)
    return Open.open(Patience.make(server.client.list), {}, 30, undefined)
  }

  it.effect("a short list to which a call is added is read again", () =>
    Effect.gen(function* () {
      const { answer, clamped, endShown, size } = yield* openWith(1)
      assert.deepStrictEqual([answer.rows.length, size, clamped, endShown], [6, 6, false, true])
    })
  )

  it.effect("one that grows again and again is not taken for one whose pages are cut", () =>
    Effect.gen(function* () {
      assert.isFalse((yield* openWith(9)).clamped)
    })
  )
})

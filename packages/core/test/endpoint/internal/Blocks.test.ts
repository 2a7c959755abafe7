import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Blocks from "../../../src/endpoint/internal/Blocks.ts"

/** A list of rows, some of which cannot be had; beyond its end nothing, or the last row again and again. */
const listOf = (list: ReadonlyArray<string | undefined>, repeats: boolean) => ({
  beyond: Effect.succeed("nothing" as const),
  read: (at: number, size: number): Effect.Effect<Blocks.Block> => {
    const length = repeats ? size : Math.max(0, Math.min(size, list.length - at))
    const rows = Array.from({ length }, (_, i) => {
      const key = at + i < list.length ? list[at + i] : list.at(-1)
      return key === undefined ? undefined : { key, start: undefined, item: undefined, rejected: undefined }
    })
    return Effect.succeed({ rows, ended: length < size })
  }
})

describe("Blocks.all", () => {
  for (const [list, repeats, lost] of [
    [["a", undefined, undefined], false, 2],
    [[undefined, "a", undefined, "b"], true, 2],
    [["a", undefined], true, 1],
    [[undefined], true, 1]
  ] as const) {
    const places = list.map((key) => key ?? "-").join(" ")
    it.effect(`${places}${repeats ? ", which repeats its last row" : ""}: ${lost} cannot be had`, () =>
      Effect.gen(function* () {
        const whole = yield* Blocks.all(listOf(list, repeats), { most: 64, size: 8 })
        assert.lengthOf(whole.lost, lost)
        assert.strictEqual(whole.ended, !repeats)
      })
    )
  }
})

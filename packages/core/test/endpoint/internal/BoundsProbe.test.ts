import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as BoundsProbe from "../../../src/endpoint/internal/BoundsProbe.ts"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import { began, control, open, rowsAt, second } from "../../history/internal/FakeServer.ts"

const minute = 60 * second
const sort: Ask.Sort = { by: undefined, order: undefined }

/** Three calls, each in the middle of its minute, on a server that cuts bounds. */
const problemOf = (unit: number) =>
  Effect.gen(function* () {
    const starts = [1, 2, 3].map((days) => began - days * 86_400 * second - 7 * 3600 * second - 30.5 * minute)
    const { client } = open(rowsAt(starts))
    const cut = (bound: CallSessionQuery["startedAfter"]) =>
      typeof bound === "string"
        ? new Date(Math.floor((Date.parse(bound) * 1000) / unit) * (unit / 1000)).toISOString()
        : bound
    const list: typeof client.list = (query) =>
      client.list({ ...query, startedAfter: cut(query.startedAfter), startedBefore: cut(query.startedBefore) })
    const ask = Ask.make(list, {}, { size: 10, sort })
    const samples = starts.map((start, i) => ({ row: control(`row-${i}`, start), page: 1 }))
    return yield* BoundsProbe.bounds(ask, ask, samples, samples[0]?.row, 10)
  })

describe("bounds", () => {
  it.effect("that are read only to the minute or hour are said to be", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* problemOf(second))
      assert.deepStrictEqual(yield* problemOf(minute), { _tag: "BoundsCoarse", unit: "minute" })
      assert.deepStrictEqual(yield* problemOf(60 * minute), { _tag: "BoundsCoarse", unit: "hour" })
    })
  )
})

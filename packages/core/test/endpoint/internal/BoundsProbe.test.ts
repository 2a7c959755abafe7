import type { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, InvalidRequest } from "@callstream/core/model/AgniError"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as BoundsProbe from "../../../src/endpoint/internal/BoundsProbe.ts"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import { began, control, open, rowsAt, second } from "../../history/internal/FakeServer.ts"

const minute = 60 * second
const always = { by: "number", every: 1, for: 1 } as const
const refusal = new AgniError({
  reason: new InvalidRequest({ status: 400 }),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero
})
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

  it.effect("that are refused are said to be, and not where a limit refuses only what many calls match", () =>
    Effect.gen(function* () {
      const starts = Array.from({ length: 30 }, () => began - 3600 * second)
      const samples = [control("row-3", began - 3600 * second)].map((row) => ({ row, page: 1 }))
      const of = (list: AgniClient["Service"]["list"]) => {
        const ask = Ask.make(list, {}, { size: 10, sort })
        return BoundsProbe.bounds(ask, ask, samples, samples[0]?.row, 10)
      }
      const { client } = open(rowsAt(starts))
      const isRefused = ({ startedAfter, startedBefore }: CallSessionQuery) =>
        startedAfter !== undefined || startedBefore !== undefined
      const refused = { _tag: "BoundsRefused" } as const
      assert.deepStrictEqual(
        yield* of((query) => (isRefused(query) ? Effect.fail(refusal) : client.list(query))),
        refused
      )
      const limited = open(rowsAt(starts), { results: { most: 20, cut: "error" } })
      assert.deepStrictEqual(yield* of(limited.client.list), { _tag: "BoundsUnclear" })
      // Times before there were calls are refused, and those of the call are not; nothing comes for them.
      const early = (query: CallSessionQuery) => isRefused(query) && Date.parse(String(query.startedAfter)) < 1e12
      const hiding = open(rowsAt(starts), { tieOrder: "query", hidden: { ids: ["row-3"], when: always } })
      const found = yield* of((query) => (early(query) ? Effect.fail(refusal) : hiding.client.list(query)))
      assert.notDeepEqual(found, refused)
    })
  )
})

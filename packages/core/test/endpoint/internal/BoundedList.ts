/** A list of calls by start, the newest first, whose bounds are tried, and what it was asked. */
import type { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, InvalidRequest, NotFound } from "@callstream/core/model/AgniError"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import * as Instant from "@callstream/core/model/Instant"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as BoundsProbe from "../../../src/endpoint/internal/BoundsProbe.ts"
import type * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, open, rowsAt } from "../../history/internal/FakeServer.ts"

export const sort: Ask.Sort = { by: undefined, order: undefined }
export const failing = (reason: AgniError["reason"]) =>
  new AgniError({ reason, request: "GET", attempts: 1, elapsed: Duration.zero })
export const refusal = failing(new InvalidRequest({ status: 400 }))

/** Forty calls, the newest first, a day apart: four pages. */
export const starts = Array.from({ length: 40 }, (_, i) => began - (i + 1) * day)

export interface Given {
  readonly starts?: ReadonlyArray<number>
  readonly traits?: Partial<Adversary.Traits>
  readonly rows?: ReadonlyArray<Adversary.Row>
  /** Places of the samples in the list. */
  readonly samples?: ReadonlyArray<number>
  /** The pages on which they were seen. @default those on which they are */
  readonly pages?: ReadonlyArray<number>
  /** The row that is first without bounds. @default the first one */
  readonly first?: number | undefined
  /** What a request is answered with in place of the server's answer. @default nothing is */
  readonly instead?: ((query: CallSessionQuery, nth: number) => AgniError | CallSessionQuery | undefined) | undefined
}

export type List = AgniClient["Service"]["list"]

/** A server, and each page that it was asked for, with the kind of bounds. */
export const given = ({ instead = () => undefined, ...one }: Given) => {
  const rows = one.rows ?? rowsAt(one.starts ?? starts)
  const server = open(rows, one.traits)
  const asked: Array<string> = []
  const patient = Patience.make(server.client.list)
  const list: List = (query, options) =>
    Effect.suspend(() => {
      const { page, pageSize, startedAfter } = query
      asked.push(`${startedAfter === undefined ? "all" : "near"} ${page} ${pageSize}`)
      const other = instead(query, asked.length)
      if (other instanceof AgniError) return Effect.fail(other)
      return patient(other ?? query, options)
    })
  const ask = Ask.make(list, {}, { size: 10, sort })
  const samples = (one.samples ?? [39, 20, 5]).map((place, i) => ({
    row: control(rows[place]?.id ?? "nobody", rows[place]?.start ?? began),
    page: one.pages?.[i] ?? Math.floor(place / 10) + 1
  }))
  const top = "first" in one ? one.first : 0
  const first: Rows.Row | undefined =
    top === undefined
      ? undefined
      : {
          key: rows[top]?.id ?? "nobody",
          start: rows[top]?.start === undefined ? undefined : Instant.of(rows[top].start),
          item: undefined,
          rejected: undefined
        }
  return { asked, server, ask, samples, first }
}

export const probe = (one: Given) => {
  const { ask, asked, first, samples } = given(one)
  return Effect.map(BoundsProbe.bounds(ask, ask, samples, first, 10), (problem) => ({ problem, asked }))
}

export const problemOf = (one: Given) => Effect.map(probe(one), ({ problem }) => problem)

export const poisoned = new AgniError({
  reason: new NotFound(),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero,
  alone: true
})
export const afterPaging = { _tag: "BoundsAfterPaging" } as const
export const unclear = { _tag: "BoundsUnclear" } as const
export const notBack = { _tag: "NotBack" } as const
export const outside = { _tag: "OutsideBounds" } as const

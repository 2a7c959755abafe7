/** All pages of a list whose bounds or filters do not work, made by hand. */
import type { Window } from "@callstream/core/history/Coverage"
import { AgniError, InvalidRequest, Unavailable } from "@callstream/core/model/AgniError"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import * as Instant from "@callstream/core/model/Instant"
import type { Page } from "@callstream/core/model/Page"
import * as CallRows from "@callstream/core/model/Rows"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fallback from "../../../src/history/internal/Fallback.ts"
import { byHand, collect, page, session } from "../Walking.ts"
import { began, day, hour, second } from "./FakeServer.ts"

const problem = { _tag: "BoundsRefused" } as const
export const unprovable = { _tag: "Unprovable", reason: problem } as const

const errorOf = (reason: AgniError["reason"], alone = false) =>
  new AgniError({ reason, request: "GET", attempts: 1, elapsed: Duration.zero, alone })
export const down = errorOf(new Unavailable({ outage: { _tag: "Status", status: 500, quote: "cannot render" } }))
export const poison = errorOf(down.reason, true)
export const refusal = errorOf(new InvalidRequest({ status: 422 }))

export const iso = (at: number) => Instant.format(Instant.of(at))

/** A call that started then. */
export const call = (id: string, start: number): CallSession =>
  session(id, { startedAt: iso(start), createdAt: iso(start) })

/** The newest first, an hour apart. */
export const calls = (count: number, apart = hour) =>
  Array.from({ length: count }, (_, i) => call(`call-${i}`, began - (i + 1) * apart))

export const range = { from: began - 100 * day, to: began }

export interface Given {
  readonly answer: (query: CallSessionQuery & { readonly page: number }) => Effect.Effect<Page, AgniError> | Page
  readonly whole?: boolean
  readonly filters?: { readonly agentId?: string }
  readonly options?: Partial<Parameters<typeof Fallback.windows>[4]>
}

const idsOf = (windows: ReadonlyArray<Window>) =>
  windows.flatMap(({ rows }) => CallRows.items(rows).map(({ id }) => id))

export const read = Effect.fnUntraced(function* ({ answer, filters = {}, options = {}, whole = false }: Given) {
  const { asked, layer } = byHand((query) => {
    // No walk over these few pages takes so many.
    if (asked.length > 500) throw new Error("it does not end")
    return answer(query)
  })
  const given = { created: undefined, size: 10, concurrency: 1, ...options }
  const { elements, error } = yield* Effect.provide(
    collect(Fallback.windows(range, whole, filters, problem, given)),
    layer
  )
  return { windows: elements, ids: idsOf(elements), last: elements.at(-1), error, asked }
})

/** Pages of a list. Time passes: the first one is of when it began. */
export const listed = (rows: ReadonlyArray<CallSession>, size = 10, beyond: "empty" | "last" = "empty") => {
  const last = Math.max(1, Math.ceil(rows.length / size))
  return ({ page: number }: { readonly page: number }): Page => {
    const nth = beyond === "last" ? Math.min(number, last) : number
    return page(number, rows.slice((nth - 1) * size, nth * size), [], began + (number - 1) * second)
  }
}

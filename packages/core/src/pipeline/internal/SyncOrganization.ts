/** The organization of the calls of a sync, which is a part of events. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { Rows } from "../../model/Rows.ts"

export interface SyncOrganization {
  /** Notes what the answers show to an effect. */
  readonly watching: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | AgniClient>
  /** By what was noted; a request only where nothing shows it. Empty where the API does not show it. */
  readonly ofCalls: Effect.Effect<string, AgniError, AgniClient>
}

/** Nothing yet; an answer with calls, which is read only where somebody needs it; what it shows. */
type Known =
  | { readonly _tag: "Nothing" }
  | { readonly _tag: "Answer"; readonly rows: Rows }
  | { readonly _tag: "Organization"; readonly id: string }

const organizationIn = (rows: Rows): string | undefined =>
  rows.sessions().find(({ organizationId }) => typeof organizationId === "string" && organizationId !== "")
    ?.organizationId ?? undefined

export const make: Effect.Effect<SyncOrganization> = Effect.map(Ref.make<Known>({ _tag: "Nothing" }), (known) => {
  const note = (rows: Rows) =>
    Ref.update(known, (before): Known =>
      before._tag === "Nothing" && rows.length > 0 ? { _tag: "Answer", rows } : before
    )
  const ask = Effect.flatMap(AgniClient, ({ list }) => Effect.map(list({ pageSize: 20 }), ({ rows }) => rows))
  return {
    watching: (effect) =>
      Effect.updateService(effect, AgniClient, (client) => ({
        ...client,
        list: (query, how) => Effect.tap(client.list(query, how), ({ rows }) => note(rows))
      })),
    ofCalls: Effect.gen(function* () {
      const before = yield* Ref.get(known)
      if (before._tag === "Organization") return before.id
      const shown = before._tag === "Answer" ? organizationIn(before.rows) : undefined
      const id = shown ?? organizationIn(yield* ask) ?? ""
      yield* Ref.set(known, { _tag: "Organization", id })
      return id
    })
  }
})

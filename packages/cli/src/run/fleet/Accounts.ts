/** The clients of a worker: jobs with one API key share its limit of requests, with all workers of the fleet. */
import { type FleetError, SharedBudget } from "@callstream/cluster"
import { type AgniError, Budget } from "@callstream/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import type { SqlClient } from "effect/sql/SqlClient"
import { createHash } from "node:crypto"
import type { Connection } from "../../option/PipelineSpec.ts"
import * as Source from "../../option/SourceOptions.ts"
import * as JobPipeline from "../JobPipeline.ts"
import { decoderOf } from "../RunJob.ts"
import * as Pauses from "./Pauses.ts"

/** Two workers with one key share its rate; nobody can tell the key from this. */
const accountOf = Effect.fnUntraced(function* (connection: Connection) {
  const key = Redacted.value(yield* Source.readKey(connection))
  return createHash("sha256")
    .update(`${Source.baseUrlOf(connection)}\n${key}`)
    .digest("hex")
    .slice(0, 24)
})

/** The limit of requests of an account, as text, so that equal ones are one. */
interface Limit {
  readonly organization: string
  readonly requestsPerSecond: number | undefined
  readonly maxConcurrentRequests: number
}

const budgetOf = (limit: string): Effect.Effect<Pauses.Account, AgniError | FleetError.FleetError, SqlClient> => {
  // It was written by `JSON.stringify`, below.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { requestsPerSecond, ...options } = JSON.parse(limit) as Limit
  return requestsPerSecond === undefined
    ? Effect.flatMap(Budget.make(options), Pauses.noted)
    : SharedBudget.make({ ...options, requestsPerSecond })
}

/** What a job needs of its connection. */
interface Options {
  /** Requests in flight. */
  readonly most: number
  readonly isSync: boolean
}

/** All accounts of a worker, as long as its scope. */
export const make = Effect.gen(function* () {
  const scope = yield* Effect.scope
  const budgets = yield* RcMap.make({ lookup: budgetOf, idleTimeToLive: "1 minute" })
  const organizations = yield* Ref.make<ReadonlyMap<string, string>>(new Map())
  // One thread decodes for all exports, and one for all syncs, from the first one on.
  const threadOf = (kind: "export" | "sync") => Effect.cached(Layer.buildWithScope(decoderOf(kind), scope))
  const threads = { export: yield* threadOf("export"), sync: yield* threadOf("sync") }

  const look = (account: string) =>
    Effect.tap(JobPipeline.look, ({ organization }) =>
      Ref.update(organizations, (all) => new Map(all).set(account, organization))
    )
  const known = (account: string) =>
    Effect.flatMap(Ref.get(organizations), (all) => {
      const organization = all.get(account)
      return organization === undefined ? look(account) : Effect.succeed({ organization, end: undefined })
    })

  return {
    /** The client of a job, whose calls there are now, whose they are as far as that is known, and what its budget knows of it. */
    open: Effect.fnUntraced(function* (connection: Connection, { isSync, most }: Options) {
      const organization = yield* accountOf(connection)
      const limit: Limit = { organization, requestsPerSecond: connection.rate, maxConcurrentRequests: most }
      const { budget, ...of } = yield* Effect.flatMap(RcMap.get(budgets, JSON.stringify(limit)), Pauses.ofJob)
      const client = yield* Layer.build(Source.clientWithin(connection)).pipe(
        Effect.provideService(Budget, budget),
        Effect.provideContext(yield* threads[isSync ? "sync" : "export"])
      )
      return { client, look: look(organization), known: known(organization), ...of }
    })
  }
})

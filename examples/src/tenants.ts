/** Many organizations in one process, each with its own key and budget: `node src/tenants.ts`. */
import { AgniClient, CallSessions } from "@callstream/core"
import { NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect, Layer, LayerMap, Stream } from "effect"
import * as Simulated from "./tenants-simulated.ts"

/**
 * The clients by organization. One is built when it is first asked for, shared by all who ask, and given up when nobody
 * has used it for a while. The key of `acme` is read from `ACME_AGNI_API_KEY`.
 */
export class Organizations extends LayerMap.Service<Organizations>()("examples/Organizations", {
  lookup: (organization: string) =>
    AgniClient.layerConfig(
      AgniClient.config.pipe(
        Config.nested(organization.toUpperCase()),
        Config.map((options) => ({ ...options, requestsPerSecond: 20 }))
      )
    ),
  idleTimeToLive: "10 minutes"
}) {}

/** Knows nothing of organizations: whose calls these are is decided where it is provided. */
const countCalls = CallSessions.sessions({ status: "completed" }).pipe(Stream.runCount)

export const report = (organizations: ReadonlyArray<string>) =>
  Effect.forEach(
    organizations,
    (organization) =>
      countCalls.pipe(
        Effect.provide(Organizations.get(organization)),
        Effect.map((calls) => ({ organization, calls })),
        // One organization's wrong key is no reason to leave out the others.
        Effect.catchTag("AgniError", (error) => Effect.succeed({ organization, error: error.reason._tag }))
      ),
    { concurrency: "unbounded" }
  )

if (import.meta.main) {
  report(["acme", "globex", "initech"]).pipe(
    Effect.flatMap(Console.table),
    Effect.provide(Organizations.layer.pipe(Layer.provideMerge(Simulated.layer))),
    NodeRuntime.runMain
  )
}

/** Sends traces, metrics and logs of a command to a collector, with `--otlp`. */
import * as Effect from "effect/Effect"
import * as OtlpOptions from "../option/OtlpOptions.ts"
import type { UsageError } from "../option/UsageError.ts"

/** What the environment says of it; nothing without `--otlp`. */
export const settings = (otlp: boolean | undefined): Effect.Effect<OtlpOptions.Settings | undefined, UsageError> =>
  otlp === true ? Effect.suspend(() => Effect.fromResult(OtlpOptions.read(process.env))) : Effect.undefined

/** Without settings nothing of the exporter is loaded. */
export const exporting = <A, E, R>(
  settings: OtlpOptions.Settings | undefined,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  settings === undefined
    ? effect
    : Effect.flatMap(
        Effect.promise(() => import("./OtlpExport.ts")),
        ({ within }) => within(settings, effect)
      )

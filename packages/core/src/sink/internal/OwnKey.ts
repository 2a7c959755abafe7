/** The key of what a sink keeps under a name of its own: of one pipeline, and of one fingerprint. */
import * as Effect from "effect/Effect"
import type { Opening } from "../SessionSink.ts"
import { hexOf } from "./webhook/Sha256.ts"

/**
 * Eight digits of the fingerprint, without the names of the sinks: what one sink got does not depend on the others.
 * `undefined` for a sink that no pipeline opened.
 */
export const of = ({
  fingerprint,
  pipeline
}: Pick<Opening, "pipeline" | "fingerprint">): Effect.Effect<string | undefined> => {
  if (pipeline === "") return Effect.succeed(undefined)
  const parts = Object.entries(fingerprint)
    .filter(([name]) => name !== "sinks")
    .sort(([left], [right]) => (left < right ? -1 : 1))
  return Effect.map(hexOf([new TextEncoder().encode(JSON.stringify(parts))]), ([hex = ""]) => hex.slice(0, 8))
}

/** Where the examples get their calls: from Agni when AGNI_API_KEY is set, otherwise from a simulator in this process. */
import { AgniClient } from "@callstream/core"
import { AgniSimulator } from "@callstream/core/testing"
import { AgniTransport } from "@callstream/node"
import { Config, Effect, Layer, Option, Redacted } from "effect"

const real = AgniClient.layerConfig().pipe(Layer.provide(AgniTransport.layer))

const simulated = Layer.unwrap(
  Effect.map(AgniSimulator.make({ sessions: 2500 }), (simulator) =>
    AgniClient.layer({ apiKey: Redacted.make(simulator.apiKey) }).pipe(Layer.provide(simulator.layer))
  )
)

export const layer = Layer.unwrap(
  Effect.map(
    Config.option(Config.Redacted("AGNI_API_KEY")),
    Option.match({ onSome: () => real, onNone: () => simulated })
  )
)

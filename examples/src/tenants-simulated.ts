/** Two organizations on one simulated endpoint, told apart by their keys; the third has a key that is not accepted. */
import { AgniSimulator } from "@callstream/core/testing"
import { ConfigProvider, Effect, Layer } from "effect"
import { HttpClient } from "effect/http"

export const make = Effect.gen(function* () {
  const acme = yield* AgniSimulator.make({ apiKey: "key-of-acme", seed: 1, sessions: 600 })
  const globex = yield* AgniSimulator.make({ apiKey: "key-of-globex", seed: 2, sessions: 1100 })
  const http = HttpClient.make((request) =>
    (request.headers["x-api-key"] === globex.apiKey ? globex : acme).httpClient.execute(request)
  )
  const keys = ConfigProvider.fromUnknown({
    ACME: { AGNI_API_KEY: acme.apiKey },
    GLOBEX: { AGNI_API_KEY: globex.apiKey },
    INITECH: { AGNI_API_KEY: "wrong" }
  })
  return { acme, globex, layer: Layer.merge(Layer.succeed(HttpClient.HttpClient, http), ConfigProvider.layer(keys)) }
})

export const layer = Layer.unwrap(Effect.map(make, (simulated) => simulated.layer))

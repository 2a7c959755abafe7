/** What the bench of the client measures of Effect 3: programs over a `fetch`, as an app has them. */
import { AgniClient, CallSessions } from "@callstream/effect3"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"

type Selection = NonNullable<Parameters<typeof CallSessions.sessions>[0]>

const layerOf = (apiKey: string, fetch: typeof globalThis.fetch) =>
  AgniClient.layer({ apiKey: Redacted.make(apiKey) }).pipe(
    Layer.provide(FetchHttpClient.layer),
    Layer.provide(Layer.succeed(FetchHttpClient.Fetch, fetch))
  )

/** Reads all calls one by one; gives their number. */
export const count = (apiKey: string, fetch: typeof globalThis.fetch, selection: Selection): Promise<number> =>
  CallSessions.sessions(selection).pipe(
    Stream.runFold(0, (count, { id }) => (id.length > 0 ? count + 1 : count)),
    Effect.provide(layerOf(apiKey, fetch)),
    Effect.runPromise
  )

/** Milliseconds until a stream that waits for a server is interrupted. */
export const interrupted = (apiKey: string, fetch: typeof globalThis.fetch): Promise<number> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(Stream.runDrain(CallSessions.sessions()))
    yield* Effect.sleep(20)
    const began = performance.now()
    yield* Fiber.interrupt(fiber)
    return performance.now() - began
  }).pipe(Effect.provide(layerOf(apiKey, fetch)), Effect.runPromise)

/** Takes one call, then waits for as long as it may. */
export const stopped = (apiKey: string, fetch: typeof globalThis.fetch, wait: Promise<void>): Promise<void> =>
  CallSessions.sessions().pipe(
    Stream.take(1),
    Stream.runForEach(() => Effect.promise(() => wait)),
    Effect.provide(layerOf(apiKey, fetch)),
    Effect.runPromise
  )

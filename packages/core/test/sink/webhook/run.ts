/** Runs of the sink against a receiver and a disk in memory. */
import * as Version from "@callstream/core/model/Version"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import type { Batch, Item, Writer } from "@callstream/core/sink/SessionSink"
import type { SinkError } from "@callstream/core/sink/SinkError"
import * as WebhookSink from "@callstream/core/sink/WebhookSink"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { Disk } from "./Disk.ts"
import * as PromptCrypto from "./PromptCrypto.ts"
import type { Receiver } from "./Receiver.ts"

export const secrets = ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4"] as const

export const observedAt = 1_785_482_170_117_605

export const options: WebhookSink.Options = {
  url: "https://hooks.example.com/in",
  secrets: Redacted.make(secrets[0]),
  organization: "acme",
  spool: "/state/spool"
}

export const item = (id: string, row: unknown = { id, status: "completed" }): Item<unknown> => ({
  id,
  start: undefined,
  row
})

export const batch = (ids: ReadonlyArray<string | Item<unknown>>, at = observedAt): Batch<unknown> => ({
  items: ids.map((one) => (typeof one === "string" ? item(one) : one)),
  columns: [],
  observedAt: Version.of(at)
})

export const ids = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, at) => `s${at}`)

/** Opens the sink, uses it, and closes it. */
export const run = <A, E>(
  world: { readonly receiver: Receiver; readonly disk: Disk },
  use: (writer: Writer<unknown>) => Effect.Effect<A, E, Scope.Scope>,
  more: Partial<WebhookSink.Options> = {},
  crypto: Layer.Layer<never> = PromptCrypto.layer
): Effect.Effect<A, E | SinkError> =>
  Effect.gen(function* () {
    const sink = WebhookSink.make({ ...options, ...more })
    const writer = yield* sink.open(SessionSink.opening())
    return yield* use(writer)
  }).pipe(Effect.scoped, Effect.provide([world.receiver.layer, world.disk.layer, crypto]))

/** Lets the clock run for as long as the effect takes, so many times a step at most. */
export const inTime = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  step: "1 second" | "10 seconds" | "1 minute" = "10 seconds",
  times = 2000
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let done = 0; done < times && fiber.pollUnsafe() === undefined; done++) {
      yield* settle
      yield* TestClock.adjust(step)
    }
    return yield* Fiber.join(fiber)
  })

/** Promises that are fulfilled already are waited for. */
export const settle = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

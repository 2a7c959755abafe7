/** Walks against the simulator, and against pages made by hand. */
import * as AgniClient from "@callstream/core/client/AgniClient"
import * as Rows from "@callstream/core/model/Rows"
import type { AgniError } from "@callstream/core/model/AgniError"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import * as Instant from "@callstream/core/model/Instant"
import type { Page } from "@callstream/core/model/Page"
import type { Rejected } from "@callstream/core/model/Rejected"
import * as Version from "@callstream/core/model/Version"
import type { AgniSimulator } from "@callstream/core/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

/** A client of the simulator, with waits that its seed decides. */
export const clientOf =
  (simulator: AgniSimulator.AgniSimulator, options: Partial<AgniClient.Options> = {}) =>
  <A, E>(effect: Effect.Effect<A, E, AgniClient.AgniClient>): Effect.Effect<A, E | AgniError> =>
    Effect.flatMap(AgniClient.AgniClient.make({ apiKey: Redacted.make(simulator.apiKey), ...options }), (client) =>
      Effect.provideService(effect, AgniClient.AgniClient, client)
    ).pipe(Effect.provideService(HttpClient.HttpClient, simulator.httpClient), Random.withSeed(simulator.seed))

/**
 * Runs to the end while the test clock goes on for as long as it takes, at most a day. It goes in small steps, because a
 * clock that jumps finds nobody asleep yet.
 */
export const settle = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  for (let steps = 0; fiber.pollUnsafe() === undefined && steps < 345_600; steps++) yield* TestClock.adjust(250)
  return fiber.pollUnsafe() === undefined ? yield* Effect.die(new Error("it never ends")) : yield* Fiber.join(fiber)
})

/** All elements, and the error behind them, if there is one. */
export const collect = <A, E, R>(stream: Stream.Stream<A, E, R>) =>
  Effect.suspend(() => {
    const elements: Array<A> = []
    return Stream.runForEachArray(stream, (array) => Effect.sync(() => elements.push(...array))).pipe(
      Effect.match({
        onSuccess: (): { elements: Array<A>; error: E | undefined } => ({ elements, error: undefined }),
        onFailure: (error) => ({ elements, error })
      })
    )
  })

/** All of a walk over the simulator, and the error behind it, if there is one. */
export const all = <A, E>(
  simulator: AgniSimulator.AgniSimulator,
  stream: Stream.Stream<A, E, AgniClient.AgniClient>,
  options?: Partial<AgniClient.Options>
) => settle(clientOf(simulator, options)(collect(stream)))

/** The ids of pages, those of rejected records included. */
export const idsOf = (pages: ReadonlyArray<Pick<Page, "rows">>): ReadonlyArray<string> =>
  pages.flatMap((page) => page.rows.sessions().map(({ id }) => id))

export const session = (id: string, fields: Partial<CallSession> = {}): CallSession => ({ id, ...fields })

export const page = (
  number: number,
  sessions: ReadonlyArray<CallSession>,
  raws: ReadonlyArray<unknown> = [],
  observedAt = 0
): Page => ({
  page: number,
  rows: Rows.ofSessions(sessions, Instant.of(observedAt)),
  rejected: raws.map((raw, index): Rejected => ({
    stage: "decode",
    reason: "id is missing",
    raw,
    page: number,
    index,
    observedAt: Version.of(observedAt)
  })),
  observedAt: Instant.of(observedAt),
  edition: "camelCase",
  total: undefined,
  age: 0
})

/** A client whose answer to a page number is a function's, and what it was asked, in the order of asking. */
export const byHand = (
  answer: (query: CallSessionQuery & { readonly page: number }) => Effect.Effect<Page, AgniError> | Page
) => {
  const asked: Array<CallSessionQuery> = []
  const underway = { now: 0, interrupted: 0 }
  const layer: Layer.Layer<AgniClient.AgniClient> = AgniClient.AgniClient.layerList((query) =>
    Effect.suspend(() => {
      asked.push(query)
      underway.now++
      const given = answer({ ...query, page: query.page ?? 1 })
      return (Effect.isEffect(given) ? given : Effect.succeed(given)).pipe(
        Effect.onInterrupt(() => Effect.sync(() => underway.interrupted++)),
        Effect.ensuring(Effect.sync(() => underway.now--))
      )
    })
  )
  return { asked, layer, underway, pagesAsked: () => asked.map((query) => query.page ?? 1) }
}

/** Numbers as ids, `size` a page. */
export const numbered = (total: number, size: number) => (number: number) =>
  page(
    number,
    Array.from({ length: Math.max(0, Math.min(size, total - (number - 1) * size)) }, (_, index) =>
      session(String((number - 1) * size + index))
    )
  )

export const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

export const json = (value: unknown): string => JSON.stringify(value)

/** The server of a case, and a client of it. */
import { type Case, optionsOf, startAt } from "./HistoryCase.ts"
import { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, InvalidRequest, Unavailable } from "@callstream/core/model/AgniError"
import * as CallSessionQuery from "@callstream/core/model/CallSessionQuery"
import * as Instant from "../../src/model/Instant.ts"
import type { Page } from "@callstream/core/model/Page"
import { AgniSimulator } from "@callstream/core/testing"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Envelope from "../../src/client/internal/Envelope.ts"

/** What a quiet twin of the server lists in one answer. */
export const everything = (options: AgniSimulator.Options, query: CallSessionQuery.CallSessionQuery) => {
  const twin = AgniSimulator.makeUnsafe(
    {
      wire: "seen",
      ...options,
      bounds: {},
      cache: undefined,
      faultRate: 0,
      poison: 0,
      replicas: undefined,
      maxPageSize: 100_000,
      filterAfterPaging: "nothing",
      duplicated: 0
    },
    () => 0
  )
  const page = Effect.runSync(direct(twin, () => {})({ ...query, pageSize: 100_000 }))
  return { rows: page.rows.sessions() }
}

/** What says nothing to a walk and is another one in each answer: signatures, and where the page begins. */
const unsigned = (body: string) => body.replaceAll(/[?]token=[^"]*|"offset":[0-9]+/g, "")

/**
 * The client's job without transport, budget and retries. Pages come again and again in a reading: the text of one is
 * decoded once.
 */
const direct = (
  simulator: AgniSimulator.AgniSimulator,
  tick: () => void,
  now: () => number = () => startAt / 1000
): AgniClient["Service"]["list"] => {
  const decoded = new Map<string, Page>()
  const headersSent = { "x-api-key": simulator.apiKey, "cache-control": "no-cache" }
  return (query) =>
    Effect.suspend(() => {
      tick()
      const params = Result.getOrThrow(CallSessionQuery.toParameters(query))
      const search = params.map((pair) => pair.join("=")).join("&")
      const { body, headers, status } = simulator.handle(
        {
          method: "GET",
          origin: "",
          path: AgniSimulator.endpointPath,
          search,
          params: Object.fromEntries(params),
          headers: headersSent
        },
        simulator.now() / 1000
      )
      const age = Number(headers["age"] ?? 0)
      const date = headers["date"] === undefined ? now() : Date.parse(headers["date"])
      const fail = (reason: AgniError["reason"]) =>
        Effect.fail(new AgniError({ reason, request: search, attempts: 1, elapsed: Duration.zero }))
      if (status === 400) return fail(new InvalidRequest({ status, quote: body }))
      if (status !== 200) return fail(new Unavailable({ outage: { _tag: "Status", status, quote: body } }))
      const observed = { page: query.page ?? 1, observedAt: Instant.of(Math.round((date - age * 1000) * 1000)), age }
      const text = unsigned(body)
      const known = decoded.get(text)
      if (known !== undefined) return Effect.succeed({ ...known, ...observed })
      const page = Envelope.decode(body, { ...observed, quote: (text) => text })
      if (Result.isFailure(page)) return fail(page.failure)
      if (page.success.rejected.length === 0) decoded.set(text, page.success)
      return Effect.succeed(page.success)
    })
}

export interface World {
  readonly simulator: AgniSimulator.AgniSimulator
  /** This machine's clock, which goes with the server's. */
  readonly clock: Clock.Clock
  readonly client: AgniClient["Service"]
}

/** The server of a case, and a client of it whose every request takes the case's time. */
export const open = (one: Case, limit = 8_000): World => {
  let clock = startAt / 1000
  const simulator = AgniSimulator.makeUnsafe({ wire: "seen", ...optionsOf(one.simulator) }, () => clock)
  let requests = 0
  const tick = () => {
    clock += one.step
    if (++requests > limit) throw new Error(`more than ${limit} requests`)
  }
  const made = AgniClient.make({
    apiKey: Redacted.make(simulator.apiKey),
    retry: { base: "1 millis", cap: "1 millis", tries: 12 }
  }).pipe(
    Effect.provideService(
      HttpClient.HttpClient,
      HttpClient.transform(simulator.httpClient, (effect) =>
        Effect.suspend(() => {
          tick()
          return effect
        })
      )
    )
  )
  const bare = direct(simulator, tick, () => clock)
  return {
    simulator,
    clock: impatient(
      () => clock,
      (millis) => {
        clock += millis
      }
    ),
    // The turn of another reader comes between a request and the next one.
    client: one.client
      ? Effect.runSync(made)
      : AgniClient.of({ list: (query) => Effect.andThen(Effect.yieldNow, bare(query)) })
  }
}

/** The client's waits between tries take no time, and its time-outs their own. */
const impatient = (millis: () => number, wait: (millis: number) => void): Clock.Clock => {
  const clock = Clock.Clock.defaultValue()
  return {
    currentTimeMillis: Effect.sync(millis),
    currentTimeMillisUnsafe: millis,
    currentTimeNanos: Effect.sync(() => BigInt(Math.floor(millis())) * 1_000_000n),
    currentTimeNanosUnsafe: () => BigInt(Math.floor(millis())) * 1_000_000n,
    monotonicTimeNanos: clock.monotonicTimeNanos,
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    sleep: (duration) =>
      Duration.toMillis(duration) <= 1000
        ? Effect.andThen(
            Effect.sync(() => wait(Duration.toMillis(duration))),
            Effect.yieldNow
          )
        : clock.sleep(duration)
  }
}

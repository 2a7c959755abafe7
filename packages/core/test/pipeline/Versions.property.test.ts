import { AgniClient } from "@callstream/core/client/AgniClient"
import * as PageDecoder from "@callstream/core/client/PageDecoder"
import { Checkpoint, type State } from "@callstream/core/checkpoint/Checkpoint"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Coverage from "@callstream/core/history/Coverage"
import * as Rows from "@callstream/core/model/Rows"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as Server from "../client/Server.ts"
import * as Outside from "./Outside.ts"
import * as Parts from "./Parts.ts"

const { begin, letterBox, sourceOf, trouble } = Parts

const day = 86_400_000
const pages = 8
const ids = ["a", "b", "c"]

interface Event {
  readonly sink: string
  readonly id: string
  readonly version: number
  /** The place of its answer among all that were received. */
  readonly received: number
}

/** What the sinks of a named run were given, in processes that are killed, with clocks that nobody can rely on. */
const history = Effect.fnUntraced(function* (seed: number) {
  const chance = Outside.chanceOf(seed)
  const below = (count: number) => Math.floor(chance() * count)
  const pick = <A>(...of: readonly [A, ...ReadonlyArray<A>]): A => of[below(of.length)] ?? of[0]
  let now = Date.parse("2026-08-01T00:00:00Z")
  let elapsed = 0
  let dead = false
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanosUnsafe: () => BigInt(now) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => BigInt(elapsed) * 1_000_000n,
    monotonicTimeNanos: Effect.sync(() => BigInt(elapsed) * 1_000_000n),
    // Nobody waits for what a process does that is dead.
    sleep: () => (dead ? Effect.void : Effect.never)
  }
  const odd = chance() < 0.8
  const frozen = chance() < 0.2
  const server = Server.make((number) => {
    const passed = pick(0, 0, 1, 300, 2500)
    elapsed += passed
    now += passed + (odd && chance() < 0.05 ? pick(-day, day, -3000) : 0)
    const skew = odd && chance() < 0.3 ? pick(day, -day, 2000, -2000) : 0
    const date = new Date(frozen ? Date.parse("2026-08-01T00:00:00Z") : now + skew).toUTCString()
    const age: Record<string, string> = odd && chance() < 0.2 ? { age: String(below(4000)) } : {}
    return {
      headers: odd && chance() < 0.1 ? {} : { date, ...age },
      body: { data: { callSessions: ids.map((id) => ({ id, metadata: { request: number } })) } }
    }
  })
  const received = new Map<unknown, number>()
  const decoder: PageDecoder.Decoder = {
    decode: (body, about) =>
      Effect.tap(PageDecoder.here.decode(body, about), ({ rows }) =>
        Effect.sync(() => received.set(requestOf(rows.sessions()[0]), received.size))
      )
  }
  const delays = (client: HttpClient.HttpClient) =>
    HttpClient.transform(client, (answer) =>
      Effect.tap(answer, () => Effect.forEach(Array.from({ length: below(6) }), () => Effect.yieldNow))
    )
  const events: Array<Event> = []
  let saved: State | undefined

  const process = Effect.fnUntraced(function* (faulty: boolean) {
    const end = yield* Deferred.make<void>()
    const killAt = faulty && chance() < 0.7 ? 1 + below(2 * pages) : 0
    dead = false
    let writes = 0
    const sinkOf = (name: string): SessionSink.SessionSink<CallSession> =>
      SessionSink.make({
        name,
        delivery: "idempotent",
        open: ({ from }) =>
          Effect.succeed({
            committed: from,
            write: (batch) =>
              Effect.suspend(() => {
                if (dead) return Effect.never
                if (faulty && chance() < 0.05) return Effect.fail(trouble(name, "write"))
                for (const item of batch.items) {
                  const of = received.get(requestOf(item.row)) ?? -1
                  events.push({ sink: name, id: item.id, version: SessionSink.versionOf(batch, item), received: of })
                }
                if (++writes !== killAt) return Effect.succeed([])
                dead = true
                return Effect.andThen(Deferred.succeed(end, undefined), Effect.never)
              }),
            flush: (cursor) => Effect.succeed({ at: cursor, note: null }),
            finish: Effect.void
          })
      })
    const pipeline = Pipeline.make({
      name: "calls",
      source: sourceOf(({ from = begin }) =>
        Stream.unwrap(
          Effect.map(AgniClient, ({ list }) =>
            Stream.range(0, pages - 1).pipe(
              Stream.filter((at) => begin + at >= from),
              Stream.mapEffect((at) => list({ page: at + 1 }), { concurrency: 3 }),
              Stream.map((page) =>
                Coverage.make(Rows.items(page.rows), {
                  from: Instant.of(begin + page.page - 1),
                  to: Instant.of(begin + page.page),
                  rejected: [],
                  coverage: { _tag: "Proven" },
                  requests: 1,
                  observedAt: page.observedAt
                })
              )
            )
          )
        )
      ),
      transform: Transform.identity<CallSession>(),
      sinks: [sinkOf("one"), sinkOf("two")],
      deadLetters: letterBox().sink,
      commitEvery: pick<Duration.Input>(0, "1 second", "1 hour"),
      onSinkFailure: "continue"
    })
    const client = yield* Server.clientOf({ client: delays(server.client) }).pipe(
      Effect.provideService(PageDecoder.PageDecoder, decoder)
    )
    const run = pipeline.run().pipe(
      Effect.provideService(AgniClient, client),
      Effect.provideService(Checkpoint, {
        open: () =>
          Effect.succeed({
            epoch: 1,
            state: Option.fromUndefinedOr(saved),
            commit: (state) => Effect.sync(() => (dead ? undefined : void (saved = state)))
          })
      }),
      Effect.exit
    )
    yield* Effect.raceFirst(run, Deferred.await(end))
  })

  for (let faulty = below(4); faulty > 0; faulty--) yield* process(true).pipe(Effect.provideService(Clock.Clock, clock))
  // One that has nothing else to do finishes.
  for (let more = 0; saved?.finished !== true && more < 3; more++) {
    yield* process(false).pipe(Effect.provideService(Clock.Clock, clock))
  }
  return { events, finished: saved?.finished === true }
})

const requestOf = (session: CallSession | undefined): unknown => {
  const metadata = session?.metadata
  return typeof metadata === "object" && metadata !== null && "request" in metadata ? metadata.request : undefined
}

describe("the versions of a named run", () => {
  const from = Number(process.env["SEED"] ?? 1)

  it.live(
    `rise with the order in which answers are received, whatever clocks do and processes die (seed ${from})`,
    () =>
      Effect.gen(function* () {
        let several = 0
        for (let seed = from; seed < from + 400; seed++) {
          const { events, finished } = yield* history(seed)
          assert.isTrue(finished, `seed ${seed}`)
          const inOrder = events.toSorted((left, right) => left.received - right.received)
          for (const [place, event] of inOrder.entries()) {
            const before = inOrder[place - 1]
            if (before === undefined) continue
            const rises =
              before.received === event.received ? before.version === event.version : before.version < event.version
            assert.isTrue(rises, `seed ${seed}: ${JSON.stringify([before, event])}`)
          }
          for (const sink of ["one", "two"]) {
            const held = events.filter((event) => event.sink === sink)
            assert.isAtLeast(held.length, pages * ids.length, `seed ${seed}`)
            if (held.length > pages * ids.length) several++
            // What an upsert that compares versions keeps is what was observed last.
            for (const id of ids) {
              const all = held.filter((event) => event.id === id)
              const kept = all.reduce((left, right) => (right.version >= left.version ? right : left))
              assert.strictEqual(kept.received, Math.max(...all.map(({ received }) => received)), `seed ${seed}`)
            }
          }
        }
        // Some were given rows again.
        assert.isAbove(several, 50)
      }).pipe(Effect.provideService(References.MaxOpsBeforeYield, 1_000_000))
  )
})

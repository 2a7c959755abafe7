/** Sends messages until the receiver has answered for them: retries, circuit breaker, and a slow start after an outage. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import { SinkError } from "../../SinkError.ts"
import type { Answer as Reply } from "../../SinkReason.ts"
import type { Outcome } from "./Attempt.ts"
import type { Status } from "../WebhookSink.ts"
import type { Message } from "./Message.ts"
import * as SlowStart from "./SlowStart.ts"

interface Options {
  readonly sink: string
  readonly giveUpAfter: Duration.Duration
  /** Whether what waits is there for the next run. */
  readonly lasting: boolean
  readonly onStatus: (status: Status) => Effect.Effect<void>
}

/** The final answer of a receiver. */
export type Answer = Extract<Outcome, { readonly _tag: "Accepted" | "Refused" }>

const base = 500
const cap = 30_000
const longestAsked = Duration.hours(1)
const failuresToOpen = 5
/** 1, 2, 4 … 32 s, then a minute each. */
const openDuration = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("1 minute")]).pipe(
  Schedule.upTo({ times: 7 })
)

export const make = Effect.fnUntraced(function* (
  attempt: (message: Message) => Effect.Effect<Outcome>,
  options: Options
) {
  const breaker = yield* CircuitBreaker.make({
    tripPolicy: CircuitBreaker.consecutive(failuresToOpen),
    openDuration,
    maxOpenDuration: longestAsked
  })
  const pace = SlowStart.make()
  /** When the receiver went down; `undefined` while it answers. */
  const downSince = yield* Ref.make<number | undefined>(undefined)

  const guarded = (message: Message) =>
    breaker.execute(attempt(message), {
      key: options.sink,
      classify: (exit) =>
        Exit.isSuccess(exit) && exit.value._tag === "Unavailable"
          ? CircuitBreaker.failure({ retryAfter: exit.value.retryAfter })
          : CircuitBreaker.success
    })

  const isClosed = Effect.match(breaker.state(options.sink), {
    onSuccess: (state) => state._tag === "Closed",
    onFailure: () => true
  })

  /** Says once that the receiver is down. */
  const failed = Effect.fnUntraced(function* (answer: Reply) {
    if ((yield* Ref.get(downSince)) !== undefined) return
    if (yield* isClosed) return
    yield* Ref.set(downSince, yield* Clock.currentTimeMillis)
    yield* options.onStatus({ _tag: "Waiting", answer, giveUpAfter: options.giveUpAfter })
  })

  /** It answers: those who wait go one after another, and not all at once. */
  const answered = Effect.fnUntraced(function* () {
    const since = yield* Ref.get(downSince)
    if (since === undefined) return yield* pace.taken
    // A request from before the outage was answered late.
    if (!(yield* isClosed)) return
    const after = Duration.millis((yield* Clock.currentTimeMillis) - since)
    yield* Ref.set(downSince, undefined)
    yield* pace.slow
    yield* options.onStatus({ _tag: "Back", after })
  })

  return Effect.fnUntraced(function* (message: Message): Effect.fn.Return<Answer, SinkError> {
    const began = yield* Clock.currentTimeMillis
    let last: Reply = { _tag: "Nothing" }
    for (let tries = 0; ;) {
      yield* pace.turn
      const outcome = yield* Effect.result(guarded(message))
      let wait: number
      if (outcome._tag === "Failure") wait = yield* untilProbe(outcome.failure)
      else {
        const answer = outcome.success
        if (answer._tag === "Stopped") return yield* stopped(options.sink, answer.answer)
        if (answer._tag !== "Unavailable") {
          yield* answered()
          return answer
        }
        last = answer.answer
        yield* failed(last)
        wait = yield* backOff(tries++, answer.retryAfter)
        if (answer.overloaded) {
          yield* pace.slow
          yield* pace.hold(wait)
        }
      }
      if ((yield* Clock.currentTimeMillis) + wait - began > Duration.toMillis(options.giveUpAfter)) {
        return yield* givenUp(options, last)
      }
      yield* Effect.sleep(Math.ceil(wait))
    }
  })
})

/** Full jitter, and never less than was asked for. */
const backOff = (tries: number, asked: Duration.Duration | undefined): Effect.Effect<number> =>
  Effect.map(Random.next, (random) =>
    Math.max(
      random * Math.min(cap, base * 2 ** tries),
      Duration.toMillis(Duration.min(asked ?? Duration.zero, longestAsked))
    )
  )

/** The circuit is open, or somebody else tries whether the receiver is back, which may take until its time-out. */
const untilProbe = ({ reason }: CircuitBreaker.CircuitBreakerError): Effect.Effect<number> =>
  Effect.map(Random.next, (random) =>
    reason._tag === "CircuitOpen" ? Duration.toMillis(reason.retryAfter) + 1000 * random : 1000 + 4000 * random
  )

const stopped = (sink: string, answer: Reply) =>
  Effect.fail(new SinkError({ sink, operation: "write", retryable: false, reason: { _tag: "Stopped", answer } }))

const givenUp = ({ giveUpAfter, lasting, sink }: Options, answer: Reply) =>
  Effect.fail(
    new SinkError({
      sink,
      operation: "write",
      retryable: true,
      reason: { _tag: "GaveUp", answer, after: giveUpAfter, kept: lasting }
    })
  )

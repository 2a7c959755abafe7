/** Cases of a store that is slow or fails, and of processes that get a signal to stop. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import type { CallSession } from "../../../model/CallSession.ts"
import type { Committed } from "../../../model/Committed.ts"
import type { Writer } from "../../../sink/SessionSink.ts"
import type { SinkError } from "../../../sink/SinkError.ts"
import { assert, close, type Harness, type Nonconformity, type Test, write } from "./Harness.ts"
import * as Resuming from "./Resuming.ts"
import * as Sample from "./Sample.ts"

export const slow =
  <S, R>(slow: (store: S) => Effect.Effect<void, unknown, R>) =>
  (kit: Harness<S, R>): Test<R> =>
    Effect.gen(function* () {
      const sessions = Sample.sessions(12)
      yield* slow(kit.store)
      const committed = yield* Resuming.killed(kit, undefined, sessions, 4, 8, 2)
      const from = kit.delivery === "append" ? undefined : committed
      yield* Resuming.completed(kit, from, sessions, 4)
      yield* kit.assertHolds(sessions, kit.delivery === "append" ? "atLeastOnce" : "once")
    })

/** Again, as long as the sink says that this may help, and not for ever. */
const retry = <S, R, A>(
  kit: Harness<S, R>,
  operation: Effect.Effect<A, SinkError>,
  tries: number
): Effect.Effect<A, SinkError | Nonconformity> =>
  Effect.catchTag(operation, "SinkError", (error) =>
    Effect.gen(function* () {
      yield* assert(error.sink === kit.sink.name, `its error names ${error.sink}, not ${kit.sink.name}`)
      yield* assert(error.retryable, `it may not be retried: ${error.message}`)
      yield* assert(tries > 0, `it still fails: ${error.message}`)
      return yield* retry(kit, operation, tries - 1)
    })
  )

/** A store that fails before every call, and a caller that does not give up. */
export const retried =
  <S, R>(fail: (store: S, times: number) => Effect.Effect<void, unknown, R>, times: number) =>
  (kit: Harness<S, R>): Test<R> =>
    Effect.gen(function* () {
      const sessions = Sample.sessions(12)
      const failing = <A>(operation: Effect.Effect<A, SinkError>) =>
        Effect.andThen(fail(kit.store, times), retry(kit, operation, times))
      yield* kit.process(undefined, (writer) =>
        Effect.gen(function* () {
          for (let place = 0; place < sessions.length; place += 5) {
            yield* failing(writer.write(Sample.batch(sessions.slice(place, place + 5))))
            yield* failing(writer.flush(Sample.cursorAt(sessions, place + 5)))
          }
          yield* fail(kit.store, 0)
          yield* close(writer)
        })
      )
      yield* kit.assertHolds(sessions)
    })

/** Where a process gets the signal to stop: in the middle of a call, and after as many turns of the others. */
const turns = [0, 1, 2, 3, 5, 8, 13, 30]

/** Commits, continues, and gets the signal to stop; returns the last commit that it knows. */
const stopped = <S, R>(
  kit: Harness<S, R>,
  from: Committed | undefined,
  sessions: ReadonlyArray<CallSession>,
  after: number
): Effect.Effect<Committed | undefined, unknown, R> =>
  Effect.gen(function* () {
    const committed = yield* Ref.make(from)
    const work = (writer: Writer<CallSession>) =>
      Effect.gen(function* () {
        for (let place = 0; place < sessions.length; place += 2) {
          yield* write(writer, sessions.slice(place, place + 2), 1)
          if (place % 4 !== 0) continue
          yield* Ref.set(committed, yield* writer.flush(Sample.cursorAt(sessions, place + 2)))
        }
        return yield* Effect.never
      })
    const fiber = yield* Effect.forkChild(kit.process(from, work))
    for (let turn = 0; turn < after; turn++) yield* Effect.yieldNow
    yield* Fiber.interrupt(fiber)
    return yield* Ref.get(committed)
  })

export const interrupted = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    for (const after of turns) {
      yield* stopped(kit, undefined, Sample.sessions(12), after)
      yield* assert((yield* kit.read) === undefined, `stopped after ${after} turns, it leaves a finished file`)
    }
  })

export const resumed = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    const sessions = Sample.sessions(24)
    let committed: Committed | undefined
    for (const after of turns) committed = yield* stopped(kit, committed, sessions, after)
    yield* Resuming.completed(kit, committed, sessions, 7)
    yield* kit.assertHolds(sessions)
  })

/** Cases of one process after another. */
import * as Effect from "effect/Effect"
import type { CallSession } from "../../../model/CallSession.ts"
import type { Committed } from "../../../model/Committed.ts"
import { close, type Harness, type Test, write } from "./Harness.ts"
import * as Sample from "./Sample.ts"

/** A process that commits up to one place, writes up to another, and ends. */
export const killed = <S, R>(
  kit: Harness<S, R>,
  from: Committed | undefined,
  sessions: ReadonlyArray<CallSession>,
  committed: number,
  written: number,
  ...widths: ReadonlyArray<number>
): Effect.Effect<Committed, unknown, R> =>
  kit.process(from, (writer) =>
    Effect.gen(function* () {
      yield* write(writer, sessions.slice(0, committed), ...widths)
      const position = yield* writer.flush(Sample.cursorAt(sessions, committed))
      yield* write(writer, sessions.slice(committed, written), ...widths)
      return position
    })
  )

export const completed = <S, R>(
  kit: Harness<S, R>,
  from: Committed | undefined,
  sessions: ReadonlyArray<CallSession>,
  ...widths: ReadonlyArray<number>
): Effect.Effect<Committed, unknown, R> =>
  kit.process(from, (writer) => Effect.andThen(write(writer, sessions, ...widths), close(writer)))

export const once = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    const sessions = Sample.sessions(30)
    const committed = yield* killed(kit, undefined, sessions, 10, 20, 5)
    yield* completed(kit, committed, sessions, 5)
    yield* kit.assertHolds(sessions)
  })

export const atLeastOnce = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    const sessions = Sample.sessions(30)
    const committed = yield* killed(kit, undefined, sessions, 10, 20, 5)
    yield* completed(kit, committed, sessions, 5)
    yield* kit.assertHolds(sessions, "atLeastOnce")
  })

export const widths = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    const sessions = Sample.sessions(60)
    let committed: Committed | undefined
    for (const [upTo, written, ...widths] of [
      [4, 9, 4, 1],
      [4, 8, 3],
      [15, 15, 7, 2],
      [16, 40, 24],
      [38, 59, 1],
      [40, 60, 11, 5]
    ] as const) {
      committed = yield* killed(kit, committed, sessions, upTo, written, ...widths)
    }
    yield* completed(kit, committed, sessions, 6, 1)
    yield* kit.assertHolds(sessions)
  })

export const torn =
  <S, R>(tear: (store: S) => Effect.Effect<void, unknown, R>) =>
  (kit: Harness<S, R>): Test<R> =>
    Effect.gen(function* () {
      const sessions = Sample.sessions(30)
      const first = yield* killed(kit, undefined, sessions, 10, 10, 5)
      yield* tear(kit.store)
      const second = yield* killed(kit, first, sessions, 12, 20, 4)
      yield* tear(kit.store)
      yield* completed(kit, second, sessions, 5)
      yield* kit.assertHolds(sessions)
    })

export const atBegin = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    const sessions = Sample.sessions(10)
    const committed = yield* killed(kit, undefined, sessions, 0, 6, 3)
    yield* completed(kit, committed, sessions, 4)
    yield* kit.assertHolds(sessions)
  })

export const atEnd = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    const sessions = Sample.sessions(10)
    const committed = yield* killed(kit, undefined, sessions, 10, 10, 3)
    yield* completed(kit, committed, sessions, 4)
    yield* kit.assertHolds(sessions)
  })

export const finished = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    const sessions = Sample.sessions(10)
    const committed = yield* completed(kit, undefined, sessions, 3)
    for (let times = 0; times < 2; times++) {
      yield* completed(kit, committed, sessions, 3)
      yield* kit.assertHolds(sessions)
    }
  })

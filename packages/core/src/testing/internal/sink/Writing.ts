/** Cases of one process. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { CallSession } from "../../../model/CallSession.ts"
import * as Version from "../../../model/Version.ts"
import { assert, close, type Harness, type Test, write } from "./Harness.ts"
import { opening } from "../../../sink/SessionSink.ts"
import * as Sample from "./Sample.ts"

export const claim = <S, R>({ delivery, sink }: Harness<S, R>): Test<R> =>
  Effect.andThen(
    assert(sink.delivery === delivery, `it says ${sink.delivery}, and is tested as ${delivery}`),
    assert(sink.name !== "", "it has no name")
  )

const holdsAfter = <S, R>(kit: Harness<S, R>, sessions: ReadonlyArray<CallSession>, ...widths: ReadonlyArray<number>) =>
  kit
    .process(undefined, (writer) => Effect.andThen(write(writer, sessions, ...widths), close(writer)))
    .pipe(
      Effect.flatMap((left) => Effect.scoped(kit.sink.verify?.(left, opening(Option.some(left))) ?? Effect.void)),
      Effect.andThen(kit.assertHolds(sessions))
    )

export const all = <S, R>(kit: Harness<S, R>): Test<R> => holdsAfter(kit, Sample.sessions(40), 1, 7, 3)

export const odd = <S, R>(kit: Harness<S, R>): Test<R> => holdsAfter(kit, Sample.oddSessions, 5)

export const large = <S, R>(kit: Harness<S, R>): Test<R> => holdsAfter(kit, Sample.sessions(kit.large), kit.large)

export const none = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    const sessions = Sample.sessions(4)
    yield* kit.process(undefined, (writer) =>
      Effect.gen(function* () {
        const refused = [
          ...(yield* writer.write(Sample.batch([]))),
          ...(yield* writer.write(Sample.batch(sessions))),
          ...(yield* writer.write(Sample.batch([])))
        ]
        yield* assert(refused.length === 0, "it refuses rows of a batch without rows")
        yield* close(writer)
      })
    )
    yield* kit.assertHolds(sessions)
  })

export const refuses =
  (refused: CallSession) =>
  <S, R>(kit: Harness<S, R>): Test<R> =>
    Effect.gen(function* () {
      const sessions = Sample.sessions(9)
      const back = yield* kit.process(undefined, (writer) =>
        Effect.gen(function* () {
          const back = yield* writer.write(Sample.batch([...sessions.slice(0, 4), refused, ...sessions.slice(4)]))
          const alone = yield* writer.write(Sample.batch([refused]))
          yield* close(writer)
          return [...back, ...alone]
        })
      )
      yield* assert(
        back.length === 2 && back.every(({ id }) => id === refused.id),
        `of the ids that come back two should be ${refused.id}, and no others: ${back.map(({ id }) => id).join(", ")}`
      )
      const values = Object.values(refused).filter((value) => typeof value === "string" && value.length > 3)
      for (const { reason } of back) {
        yield* assert(reason !== "", "a reason is empty")
        yield* assert(!values.some((value) => reason.includes(String(value))), "a reason names a value of the row")
      }
      yield* kit.assertHolds(sessions)
    })

export const again = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    const sessions = Sample.sessions(10)
    yield* kit.process(undefined, (writer) =>
      Effect.gen(function* () {
        yield* write(writer, sessions, 5)
        yield* write(writer, sessions.slice(3, 8), 2)
        yield* writer.flush("end")
        yield* write(writer, sessions, 10)
        yield* close(writer)
      })
    )
    yield* kit.assertHolds(sessions)
  })

export const versions = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    const version = (summary: string) => Array.from({ length: 6 }, (_, index) => Sample.session(index, { summary }))
    yield* kit.process(undefined, (writer) =>
      Effect.gen(function* () {
        yield* writer.write(Sample.batch(version("first"), Sample.observed))
        yield* writer.write(Sample.batch(version("third"), Version.of(Sample.observed + 2)))
        yield* writer.flush("end")
        yield* writer.write(Sample.batch(version("second"), Version.of(Sample.observed + 1)))
        yield* writer.write(
          Sample.withVersion(version("own"), Version.of(Sample.observed + 1), Version.of(Sample.observed + 9))
        )
        yield* close(writer)
      })
    )
    yield* kit.assertHolds(version("third"))
  })

export const flushes = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    const sessions = Sample.sessions(6)
    yield* kit.process(undefined, (writer) =>
      Effect.gen(function* () {
        for (const [place, session] of sessions.entries()) {
          yield* write(writer, [session], 1)
          const cursor = Sample.cursorAt(sessions, place + 1)
          const committed = yield* writer.flush(cursor)
          yield* assert(committed.at === cursor, `flushed up to ${cursor}, it says ${committed.at}`)
          const kept: unknown = JSON.parse(JSON.stringify(committed.note))
          yield* assert(
            JSON.stringify(kept) === JSON.stringify(committed.note),
            "its note does not survive being kept as JSON"
          )
        }
        yield* writer.finish
      })
    )
    yield* kit.assertHolds(sessions)
  })

export const flushesAgain = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    const sessions = Sample.sessions(6)
    const cursor = Sample.cursorAt(sessions, 3)
    yield* kit.process(undefined, (writer) =>
      Effect.gen(function* () {
        yield* writer.flush(Sample.cursorAt(sessions, 0))
        yield* write(writer, sessions.slice(0, 3), 3)
        for (let times = 0; times < 3; times++) yield* writer.flush(cursor)
        yield* write(writer, sessions.slice(3), 3)
        yield* writer.flush("end")
        yield* close(writer)
      })
    )
    yield* kit.assertHolds(sessions)
  })

export const empty = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    yield* kit.process(undefined, close)
    const rows = yield* kit.read
    yield* assert(rows !== undefined, "after a run without rows there is nothing to read")
    yield* assert(rows?.length === 0, "after a run without rows there are some")
  })

export const unfinished = <S, R>(kit: Harness<S, R>): Test<R> =>
  Effect.gen(function* () {
    yield* kit.process(undefined, (writer) => write(writer, Sample.sessions(6), 2))
    yield* assert((yield* kit.read) === undefined, "a scope that closed without a flush leaves a finished file")
    yield* kit.process(undefined, (writer) => Effect.andThen(write(writer, Sample.sessions(6), 2), writer.flush("end")))
    yield* assert((yield* kit.read) === undefined, "a scope that closed without finish leaves a finished file")
  })

/** Cases of a sink in a sync: calls that are gone, and that come back. */
import * as Effect from "effect/Effect"
import type { CallSession } from "../../../model/CallSession.ts"
import type { Change, Kind } from "../../../model/Change.ts"
import type { Committed } from "../../../model/Committed.ts"
import * as Position from "../../../model/Position.ts"
import * as Version from "../../../model/Version.ts"
import type { Batch, Item, Writer } from "../../../sink/SessionSink.ts"
import type { SinkError } from "../../../sink/SinkError.ts"
import { assert, type Harness, type Nonconformity, type Test } from "./Harness.ts"
import * as Sample from "./Sample.ts"

/** The ids of calls that a reader finds; of a log, when its changes are applied. */
export type Shown<S, R> = (store: S) => Effect.Effect<ReadonlyArray<string>, unknown, R>

const [first, second, third] = Sample.sessions(3)

const itemOf = <A>(kind: Kind, { id }: CallSession, after: number, row: A): Item<A> => {
  const sequence = Version.of(Sample.observed + after)
  const change: Change = { kind, id, facets: ["rest"], milestones: [], sequence, previous: null }
  return { id, start: undefined, version: sequence, change, row }
}

const batchOf = <A>(items: ReadonlyArray<Item<A>>): Batch<A> => ({ ...Sample.batch([]), items })

const write = (writer: Writer<CallSession>, ...changes: ReadonlyArray<readonly [CallSession | undefined, number]>) =>
  writer.write(
    batchOf(
      changes.flatMap(([session, after]) => (session === undefined ? [] : [itemOf("updated", session, after, session)]))
    )
  )

const remove = (
  writer: Writer<CallSession>,
  ...changes: ReadonlyArray<readonly [CallSession | undefined, number, "left" | "removed"]>
): Effect.Effect<unknown, SinkError | Nonconformity> =>
  writer.remove === undefined
    ? assert(false, "it has no remove")
    : writer.remove(
        batchOf(
          changes.flatMap(([session, after, kind]) =>
            session === undefined ? [] : [itemOf(kind, session, after, null)]
          )
        )
      )

const assertShown = Effect.fnUntraced(function* <S, R>(
  kit: Harness<S, R>,
  shown: Shown<S, R>,
  expected: ReadonlyArray<CallSession | undefined>
) {
  const found = [...(yield* shown(kit.store))].sort()
  const ids = expected.flatMap((session) => session?.id ?? []).sort()
  yield* assert(found.join() === ids.join(), `it shows ${found.join(", ") || "none"} instead of ${ids.join(", ")}`)
})

/** A sink that says how it can be in a sync has `remove`, and no other one has. */
export const claim = <S, R>(kit: Harness<S, R>): Test<R> =>
  kit.process(undefined, (writer) =>
    assert(
      (kit.sink.keeps === undefined) === (writer.remove === undefined),
      `it keeps ${kit.sink.keeps ?? "nothing"}, and ${writer.remove === undefined ? "has no" : "has"} remove`
    )
  )

/** The next process gives again what was not committed. */
export const again =
  <S, R>(shown: Shown<S, R>) =>
  (kit: Harness<S, R>): Test<R> =>
    Effect.gen(function* () {
      const committed: Committed = yield* kit.process(undefined, (writer) =>
        Effect.gen(function* () {
          yield* write(writer, [first, 1], [second, 2], [third, 3])
          yield* remove(writer, [second, 4, "left"])
          return yield* writer.flush(Position.of(4))
        })
      )
      yield* assertShown(kit, shown, [first, third])
      const next = (writer: Writer<CallSession>) =>
        Effect.gen(function* () {
          yield* write(writer, [second, 5])
          yield* remove(writer, [third, 6, "removed"])
          return yield* writer.flush(Position.of(6))
        })
      yield* kit.process(committed, next)
      yield* kit.process(committed, next)
      yield* assertShown(kit, shown, [first, second])
    })

/** An earlier version that comes later does not bring a call back. */
export const late =
  <S, R>(shown: Shown<S, R>) =>
  (kit: Harness<S, R>): Test<R> =>
    Effect.gen(function* () {
      yield* kit.process(undefined, (writer) =>
        Effect.gen(function* () {
          yield* write(writer, [first, 1], [second, 2])
          yield* remove(writer, [second, 9, "removed"])
          yield* write(writer, [second, 5])
          yield* remove(writer, [first, 0, "removed"])
          yield* writer.flush(Position.of(9))
        })
      )
      yield* assertShown(kit, shown, [first])
    })

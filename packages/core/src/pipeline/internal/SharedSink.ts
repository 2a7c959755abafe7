/** A sink that is opened once and takes the rows of several stretches: each commit of one hands over its own. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Range } from "../../coverage/CoverageSet.ts"
import type { Committed } from "../../model/Committed.ts"
import * as Position from "../../model/Position.ts"
import * as SessionSink from "../../sink/SessionSink.ts"
import { SinkError } from "../../sink/SinkError.ts"
import * as SinkHandle from "./SinkHandle.ts"

/** Saved in the checkpoint: its own note, and how far it has each stretch, by their order. */
const Note = Schema.Struct({
  note: Schema.Json,
  stretches: Schema.Array(Schema.NullOr(Position.Cursor))
})
const decode = Schema.decodeUnknownOption(Note)

interface Held {
  readonly committed: Committed | undefined
  readonly stretches: ReadonlyArray<Position.Cursor | null>
}

/** Comes after all stretches. */
export const ending = -1

export interface SharedSink<in A> {
  readonly name: string
  /** The sink as a stretch sees it. The ending finishes it. */
  readonly of: (stretch: number) => SessionSink.SessionSink<A>
  /** For the checkpoint; once it is finished, as any sink that was written by one run. */
  readonly saved: (finished: boolean) => Committed | undefined
}

const heldIn = (left: Committed | undefined): Held => {
  const note = Option.getOrUndefined(decode(left?.note))
  return left === undefined || note === undefined
    ? { committed: undefined, stretches: [] }
    : { committed: { at: left.at, note: note.note }, stretches: note.stretches }
}

/** Of all that starts before this nothing comes any more. */
const frontierOf = (ranges: ReadonlyArray<Range>, stretches: Held["stretches"]): Position.Position => {
  let at: Position.Position = Position.of(ranges[0]?.from ?? 0)
  for (const [nth, { from, to }] of ranges.entries()) {
    const reached = stretches[nth] ?? Position.of(from)
    if (reached !== "end") return Position.of(Math.max(at, reached))
    at = Position.of(to)
  }
  return at
}

/** The sink while it is open. */
interface Open<in A> {
  readonly sink: Pick<SessionSink.SessionSink<A>, "delivery" | "name" | "shares">
  readonly writer: SessionSink.Writer<A>
  readonly ranges: ReadonlyArray<Range>
  readonly turn: Semaphore.Semaphore
  readonly state: Ref.Ref<Held>
  /** Why nothing more can be committed: rows without a position are in the file, and the next run cuts them off. */
  readonly broken: Ref.Ref<SinkError | undefined>
  /** The ending knows it. */
  readonly hasWithoutStart: Ref.Ref<Effect.Effect<boolean>>
}

/** @param left What an earlier run saved. */
export const open = Effect.fnUntraced(function* <A, R>(
  sink: SessionSink.SessionSink<A, R>,
  opening: Omit<SessionSink.Opening, "from" | "hasWithoutStart">,
  left: Committed | undefined,
  ranges: ReadonlyArray<Range>
): Effect.fn.Return<SharedSink<A>, SinkError, R | Scope.Scope> {
  const before = heldIn(left)
  const hasWithoutStart = yield* Ref.make<Effect.Effect<boolean>>(Effect.succeed(false))
  const self: Open<A> = {
    sink,
    writer: yield* SinkHandle.patiently(
      sink.open({
        ...opening,
        from: Option.fromUndefinedOr(before.committed),
        hasWithoutStart: Effect.flatten(Ref.get(hasWithoutStart))
      })
    ),
    ranges,
    turn: yield* Semaphore.make(1),
    state: yield* Ref.make<Held>(before),
    broken: yield* Ref.make<SinkError | undefined>(undefined),
    hasWithoutStart
  }
  return {
    name: sink.name,
    saved: (finished) => {
      const { committed, stretches } = Ref.getUnsafe(self.state)
      return committed === undefined || finished
        ? committed
        : { at: committed.at, note: { note: committed.note, stretches } }
    },
    of: (stretch) => ofStretch(self, stretch)
  }
})

/** Hands over the rows of a stretch, and makes them safe, while no other one does. */
const commit = <A>(
  { broken, ranges, sink, state, turn, writer }: Open<A>,
  stretch: number,
  at: Position.Cursor,
  batches: ReadonlyArray<SessionSink.Batch<A>>
): Effect.Effect<void, SinkError> =>
  Effect.gen(function* () {
    const before = yield* Ref.get(broken)
    if (before !== undefined) return yield* before
    for (const batch of batches) {
      const refused = yield* SinkHandle.patiently(writer.write(batch))
      if (refused.length > 0) return yield* rejected(sink.name, refused)
    }
    const { stretches } = yield* Ref.get(state)
    const next =
      stretch === ending ? stretches : ranges.map((_, nth) => (nth === stretch ? at : (stretches[nth] ?? null)))
    const committed = yield* SinkHandle.patiently(writer.flush(stretch === ending ? at : frontierOf(ranges, next)))
    // In one step: the next commit of any stretch saves both, or none is saved.
    yield* Ref.set(state, { committed, stretches: next })
  }).pipe(
    Effect.onExit((exit) =>
      Exit.isSuccess(exit) || sink.delivery !== "resumable"
        ? Effect.void
        : Ref.set(broken, failureOf(sink.name, exit.cause))
    ),
    turn.withPermits(1)
  )

const positionOf = ({ state }: Pick<Open<never>, "state">, stretch: number): Option.Option<Committed> => {
  const { committed, stretches } = Ref.getUnsafe(state)
  const at = stretch === ending ? (committed?.at === "end" ? "end" : undefined) : (stretches[stretch] ?? undefined)
  return at === undefined ? Option.none() : Option.some({ at, note: null })
}

const ofStretch = <A>(self: Open<A>, stretch: number): SessionSink.SessionSink<A> => {
  const { hasWithoutStart, ranges, sink, state, turn, writer } = self
  const finish = Effect.suspend(() => {
    const { stretches } = Ref.getUnsafe(state)
    // Where a stretch is missing, the next run brings it.
    return ranges.every((_, nth) => stretches[nth] === "end") ? writer.finish : Effect.void
  })
  return SessionSink.make<A>({
    name: sink.name,
    // A file is cut back by the whole run, and not by a stretch.
    delivery: sink.delivery === "resumable" ? "append" : sink.delivery,
    shares: sink.shares,
    open: Effect.fnUntraced(function* (own) {
      if (stretch === ending && own.hasWithoutStart !== undefined) yield* Ref.set(hasWithoutStart, own.hasWithoutStart)
      /** A file is cut back to a commit, which must hold whole units only: they wait. */
      const waiting = yield* Ref.make<ReadonlyArray<SessionSink.Batch<A>>>([])
      return {
        committed: positionOf(self, stretch),
        write: (batch) =>
          sink.delivery === "resumable"
            ? Ref.update(waiting, (all) => [...all, batch])
            : turn.withPermits(1)(writer.write(batch)),
        flush: (at) =>
          Effect.flatMap(Ref.get(waiting), (all) => commit(self, stretch, at, all)).pipe(
            Effect.andThen(Ref.set(waiting, [])),
            Effect.asVoid
          ),
        ...(stretch === ending ? { finish, replaced: writer.replaced, compared: writer.compared } : {})
      }
    })
  })
}

const failureOf = (sink: string, cause: Cause.Cause<SinkError>): SinkError => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  const { operation, reason } = error ?? {
    operation: "flush" as const,
    reason: { _tag: "Other", description: "a commit was stopped half way" } as const
  }
  return new SinkError({ sink, operation, retryable: false, reason })
}

/** It is too late to make a dead letter of one row: those of its unit are written. */
const rejected = (sink: string, refused: ReadonlyArray<SessionSink.Refused>) =>
  Effect.fail(
    new SinkError({
      sink,
      operation: "write",
      retryable: false,
      reason: {
        _tag: "RowsRefused",
        count: refused.length,
        reasons: [...new Set(refused.map(({ reason }) => reason))]
      }
    })
  )

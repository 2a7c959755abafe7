/** What the cases of the suite are made of. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { CallSession } from "../../../model/CallSession.ts"
import { Committed } from "../../../model/Committed.ts"
import * as Position from "../../../model/Position.ts"
import { opening, type Delivery, type SessionSink, type Writer } from "../../../sink/SessionSink.ts"
import type { SinkError } from "../../../sink/SinkError.ts"
import * as Sample from "./Sample.ts"

/**
 * The sink does not do what the contract says.
 *
 * @since 0.1.0
 * @category errors
 */
export class Nonconformity extends Schema.TaggedError<Nonconformity>()("Nonconformity", {
  description: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.description
  }
}

export const assert = (holds: boolean, description: string): Effect.Effect<void, Nonconformity> =>
  holds ? Effect.void : Effect.fail(new Nonconformity({ description }))

type Fails<A, R> = Effect.Effect<A, unknown, R>

/** A case: fails with what is wrong. */
export type Test<R> = Fails<void, R | Scope.Scope>

export interface Harness<S, R> {
  readonly store: S
  readonly sink: SessionSink<CallSession, R>
  readonly delivery: Delivery
  readonly large: number
  /** From opening to the end of a process, of which the sink gets no notice. */
  readonly process: <A>(from: Committed | undefined, use: (writer: Writer<CallSession>) => Fails<A, R>) => Fails<A, R>
  readonly read: Fails<ReadonlyArray<unknown> | undefined, R>
  /** Fails unless the sink holds these sessions and no others, each once, or at least once. */
  readonly assertHolds: (sessions: ReadonlyArray<CallSession>, times?: "once" | "atLeastOnce") => Fails<void, R>
}

export const make = <S extends { readonly sink: SessionSink<CallSession, R>; readonly read: Harness<S, R>["read"] }, R>(
  store: S,
  options: {
    readonly delivery: Delivery
    readonly holds?: ((session: CallSession) => unknown) | undefined
    readonly large?: number | undefined
  }
): Harness<S, R> => {
  const holds = options.holds ?? ((session: CallSession): unknown => session)
  return {
    store,
    sink: store.sink,
    delivery: options.delivery,
    large: options.large ?? 5000,
    process: (from, use) =>
      Effect.flatMap(throughCheckpoint(from), (committed) =>
        Effect.scoped(
          Effect.flatMap(store.sink.open(opening(committed)), (writer) =>
            Effect.andThen(assertOpened(options.delivery, committed, writer), use(writer))
          )
        )
      ),
    read: store.read,
    assertHolds: (sessions, times = "once") =>
      Effect.flatMap(store.read, (rows) =>
        assertSame(rows ?? [], new Map(sessions.map((session) => [canonical(holds(session)), session.id])), times)
      )
  }
}

/** A checkpoint keeps text. */
const throughCheckpoint = (committed: Committed | undefined): Effect.Effect<Option.Option<Committed>, Nonconformity> =>
  committed === undefined
    ? Effect.succeedNone
    : Schema.encodeEffect(Schema.fromJsonString(Committed))(committed).pipe(
        Effect.flatMap(Schema.decodeEffect(Schema.fromJsonString(Committed))),
        Effect.mapBoth({
          onSuccess: Option.some,
          onFailure: (error) =>
            new Nonconformity({ description: "what flush gave cannot be kept in a checkpoint as JSON", cause: error })
        })
      )

const assertOpened = (delivery: Delivery, from: Option.Option<Committed>, writer: Writer<CallSession>) => {
  const stands = Option.getOrUndefined(Option.map(writer.committed, ({ at }) => at))
  const asked = Option.getOrUndefined(Option.map(from, ({ at }) => at))
  return assert(
    delivery === "transactional" || stands === asked,
    `opened at ${asked ?? "none"}, it says that it is at ${stands ?? "none"}`
  )
}

/** The same text for values that differ in the order of their keys only. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner
  )

/** Prints ids and numbers, not the rows. */
const assertSame = (
  rows: ReadonlyArray<unknown>,
  expected: ReadonlyMap<string, string>,
  times: "once" | "atLeastOnce"
): Effect.Effect<void, Nonconformity> => {
  const found = new Map<string, number>()
  let others = 0
  for (const row of rows) {
    const text = canonical(row)
    if (expected.has(text)) found.set(text, (found.get(text) ?? 0) + 1)
    else others++
  }
  const named = (which: (count: number) => boolean) =>
    [...expected].filter(([text]) => which(found.get(text) ?? 0)).map(([, id]) => id)
  const lost = named((count) => count === 0)
  const repeated = times === "once" ? named((count) => count > 1) : []
  const tell = (ids: ReadonlyArray<string>) =>
    `${ids.length} (${ids.slice(0, 3).join(", ")}${ids.length > 3 ? ", …" : ""})`
  const wrong = [
    ...(lost.length > 0 ? [`${tell(lost)} are missing`] : []),
    ...(repeated.length > 0 ? [`${tell(repeated)} are there more than once`] : []),
    ...(others > 0 ? [`${others} are there that were never written so`] : [])
  ]
  return assert(wrong.length === 0, `of ${expected.size} rows ${wrong.join(", ")}`)
}

/** Writes those of the sessions that the sink does not have yet, in batches of these widths. */
export const write = Effect.fnUntraced(function* (
  writer: Writer<CallSession>,
  sessions: ReadonlyArray<CallSession>,
  ...widths: ReadonlyArray<number>
): Effect.fn.Return<void, SinkError | Nonconformity> {
  const at = Option.getOrUndefined(writer.committed)?.at
  const rest = sessions.filter((session) => !Position.isBefore(Position.of(Sample.startOf(session)), at))
  for (const piece of Sample.cut(rest, widths)) {
    const refused = yield* writer.write(Sample.batch(piece))
    yield* assert(refused.length === 0, `refused: ${refused.map(({ reason }) => reason).join("; ")}`)
  }
})

/** The end of a run that has brought everything. */
export const close = (writer: Writer<CallSession>): Effect.Effect<Committed, SinkError> =>
  Effect.tap(writer.flush("end"), () => writer.finish)

/**
 * The contract of a sink: an output for calls.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import { pipeArguments } from "effect/Pipeable"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { type CallSession, startInstant } from "../model/CallSession.ts"
import { type Column, ofSession } from "../model/Column.ts"
import type { Committed } from "../model/Committed.ts"
import { withRow } from "../model/Item.ts"
import * as SqlFailure from "../platform/SqlFailure.ts"
import type { Cursor } from "../model/Position.ts"
import type { RejectedRow } from "../model/RejectedRow.ts"
import { of as versionAt, type Version } from "../model/Version.ts"
import { type Batch, opening, type Opening, type Refused, type SessionSink, type Writer } from "./SinkContract.ts"
import { SinkError } from "./SinkError.ts"
import type { SinkReason } from "./SinkReason.ts"

export type { Item, JsonBytes } from "../model/Item.ts"
export * from "./SinkContract.ts"

/**
 * The members of an open sink; all except `write` have a default.
 *
 * @since 0.1.0
 * @category options
 */
export interface WriterOptions<in A, out R = never> {
  /** @default the position that it was opened with */
  readonly committed?: Writer<A>["committed"] | undefined
  /** Returns the rejected rows, or nothing when it wrote all. */
  readonly write: (batch: Batch<A>) => Effect.Effect<ReadonlyArray<Refused> | void, SinkError, R>
  /** For a sync: takes calls out of what the sink shows. @default the sink cannot be in a sync */
  readonly remove?: ((batch: Batch<null>) => Effect.Effect<ReadonlyArray<Refused> | void, SinkError, R>) | undefined
  /** Returns nothing when it has no position. @default every write is safe when it returns */
  readonly flush?: ((at: Cursor) => Effect.Effect<Committed | void, SinkError, R>) | undefined
  /** @default does nothing */
  readonly finish?: Effect.Effect<void, SinkError, R> | undefined
  readonly replaced?: Writer<A>["replaced"]
  readonly compared?: Writer<A>["compared"]
}

type Named = Pick<SessionSink<never>, "delivery" | "keeps" | "name" | "shares">

/**
 * The parts of a sink: how it writes a batch or, if it holds a file or a connection, how it is opened.
 *
 * @since 0.1.0
 * @category options
 */
export type Options<A, R, RV = never> = Named &
  (
    | (WriterOptions<A, R> & { readonly open?: undefined; readonly verify?: undefined })
    | {
        readonly open: (opening: Opening) => Effect.Effect<WriterOptions<A, R>, SinkError, R | Scope.Scope>
        readonly verify?:
          | ((left: Committed, opening: Opening) => Effect.Effect<void, SinkError, RV | Scope.Scope>)
          | undefined
        readonly write?: undefined
      }
  )

/**
 * Makes a sink of a function that writes a batch of rows:
 *
 * ```ts
 * SessionSink.make({
 *   name: "crm",
 *   delivery: "idempotent",
 *   write: ({ items }) => Effect.flatMap(Crm, (crm) => crm.upsert(items.map(({ row }) => row)))
 * })
 * ```
 *
 * or of `open`, for a sink that holds a file or a connection. `open` returns the same members.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <A, R = never, RV = never>(options: Options<A, R, RV>): SessionSink<A, R | RV> => {
  const { delivery, keeps, name, shares } = options
  const verify = options.write === undefined ? options.verify : undefined
  const opened = (opening: Opening): Effect.Effect<WriterOptions<A, R>, SinkError, R | Scope.Scope> =>
    options.write === undefined ? options.open(opening) : Effect.succeed(options)
  return create<A, R | RV>({
    name,
    delivery,
    keeps,
    shares,
    open: (opening) =>
      Effect.flatMap(opened(opening), (writer) =>
        Effect.map(Effect.context<R>(), (context) => toWriter(writer, context, opening.from))
      ),
    ...(verify === undefined ? {} : { verify })
  })
}

const toWriter = <A, R>(
  { committed, compared, finish = Effect.void, flush, remove, replaced, write }: WriterOptions<A, R>,
  context: Context.Context<R>,
  from: Option.Option<Committed>
): Writer<A> => ({
  committed: committed ?? from,
  write: (batch) =>
    Effect.provideContext(
      Effect.map(write(batch), (refused) => refused ?? []),
      context
    ),
  ...(remove === undefined
    ? {}
    : {
        remove: (batch) =>
          Effect.provideContext(
            Effect.map(remove(batch), (refused) => refused ?? []),
            context
          )
      }),
  flush: (at) =>
    Effect.map(
      flush === undefined ? Effect.void : Effect.provideContext(flush(at), context),
      (kept) => kept ?? { at, note: null }
    ),
  finish: Effect.provideContext(finish, context),
  ...(replaced === undefined ? {} : { replaced }),
  ...(compared === undefined ? {} : { compared })
})

const create = <A, R>(sink: Omit<SessionSink<A, R>, "pipe">): SessionSink<A, R> => ({
  ...sink,
  pipe() {
    // oxlint-disable-next-line prefer-rest-params
    return pipeArguments(this, arguments)
  }
})

/**
 * Errors of the services of a sink: a `SinkError`, an error of a database, or one with a message without secrets.
 *
 * @since 0.1.0
 * @category models
 */
export type ServiceError = SinkError | SqlError | { readonly description: string }

/**
 * Provides a sink with services, which are built when it is opened and closed with it.
 *
 * ```ts
 * SqlSink.make().pipe(SessionSink.provide(SqliteClient.layer({ filename: "calls.db" })))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const provide: {
  <RO, E extends ServiceError, RL>(
    services: Layer.Layer<RO, E, RL>
  ): <A, R>(self: SessionSink<A, R>) => SessionSink<A, Exclude<R, RO> | RL>
  <A, R, RO, E extends ServiceError, RL>(
    self: SessionSink<A, R>,
    services: Layer.Layer<RO, E, RL>
  ): SessionSink<A, Exclude<R, RO> | RL>
} = dual(
  2,
  <A, R, RO, E extends ServiceError, RL>(
    self: SessionSink<A, R>,
    services: Layer.Layer<RO, E, RL>
  ): SessionSink<A, Exclude<R, RO> | RL> => {
    const { delivery, keeps, name, open, shares, verify } = self
    const within = <B>(operation: SinkError["operation"], use: Effect.Effect<B, SinkError, R | Scope.Scope>) =>
      Effect.flatMap(
        Effect.mapError(Layer.build(services), toSinkError(name, operation)),
        (context) =>
          // A layer does not build the scope of the sink.
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion
          Effect.provideContext(use, context) as Effect.Effect<B, SinkError, Exclude<R, RO> | Scope.Scope>
      )
    return create({
      name,
      delivery,
      keeps,
      shares,
      open: (opening) => within("open", open(opening)),
      ...(verify === undefined
        ? {}
        : { verify: (left: Committed, opening: Opening) => within("verify", verify(left, opening)) })
    })
  }
)

const toSinkError =
  (sink: string, operation: SinkError["operation"]) =>
  (error: ServiceError): SinkError => {
    if (error instanceof SinkError) return error
    if (!isSqlError(error)) {
      const reason: SinkReason = { _tag: "Address", problem: error.description }
      return new SinkError({ sink, operation, retryable: false, reason })
    }
    const failure = SqlFailure.of(error)
    const reason: SinkReason = failure._tag === "Untrusted" ? failure : { _tag: "Database", failure }
    return new SinkError({ sink, operation, retryable: SqlFailure.isRetryable(failure), reason })
  }

/**
 * A sink of other rows: `f` maps each row when it is written. `columns` are those of the mapped rows.
 *
 * @since 0.1.0
 * @category combinators
 */
export const mapInput: {
  <A, B>(
    f: (row: B) => A,
    columns?: (input: ReadonlyArray<Column>) => ReadonlyArray<Column>
  ): <R>(self: SessionSink<A, R>) => SessionSink<B, R>
  <A, B, R>(
    self: SessionSink<A, R>,
    f: (row: B) => A,
    columns?: (input: ReadonlyArray<Column>) => ReadonlyArray<Column>
  ): SessionSink<B, R>
} = dual(
  (args) => typeof args[0] !== "function",
  <A, B, R>(
    self: SessionSink<A, R>,
    f: (row: B) => A,
    columns: (input: ReadonlyArray<Column>) => ReadonlyArray<Column> = (input) => input
  ): SessionSink<B, R> => {
    const { delivery, keeps, name, open, shares, verify } = self
    const mapped = (batch: Batch<B>): Batch<A> => ({
      ...batch,
      items: batch.items.map((item) => withRow(item, f(item.row))),
      columns: columns(batch.columns)
    })
    return create({
      name,
      delivery,
      keeps,
      shares,
      open: (opening) =>
        Effect.map(open(opening), ({ write, ...writer }): Writer<B> => ({
          ...writer,
          write: (batch) => Effect.suspend(() => write(mapped(batch)))
        })),
      ...(verify === undefined ? {} : { verify })
    })
  }
)

/**
 * What to do with rows that a sink rejects.
 *
 * @since 0.1.0
 * @category options
 */
export interface ToSinkOptions<E = never, R = never> {
  /** Called with the rejected rows of an array. @default the stream fails with a `SinkError` with their number and reasons */
  readonly onRejected?: ((rows: ReadonlyArray<RejectedRow>) => Effect.Effect<void, E, R>) | undefined
}

/**
 * The sink as an `effect/Sink`: `Stream.run(sessions, SessionSink.toSink(NdjsonSink.make({ path: "calls.ndjson" })))`.
 * Returns the number of calls written. Each array of the stream is written as one batch, in its order. Anything that
 * depends on windows, such as the completion of a day's file, waits for the end.
 *
 * It starts from the beginning and cannot resume. If the stream fails or is interrupted, no finished file remains. It does
 * not retry a failed write; a pipeline does.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toSink = <R, E2 = never, R2 = never>(
  self: SessionSink<CallSession, R>,
  options?: ToSinkOptions<E2, R2>
): Sink.Sink<number, CallSession, never, SinkError | E2, Exclude<R, Scope.Scope> | R2> => {
  const onRejected: (rows: ReadonlyArray<RejectedRow>) => Effect.Effect<void, SinkError | E2, R2> =
    options?.onRejected ?? ((rows) => Effect.fail(refusal(self.name, rows)))
  return Sink.unwrap(
    Effect.map(self.open(opening()), (writer) => {
      /** `undefined` before the first batch. */
      const taken = Ref.makeUnsafe<number | undefined>(undefined)
      const write = Effect.fnUntraced(function* (sessions: ReadonlyArray<CallSession>) {
        const observedAt = versionAt((yield* Clock.currentTimeMillis) * 1000)
        const refused = yield* writer.write({
          items: sessions.map((session) => ({ id: session.id, start: startInstant(session), row: session })),
          columns: ofSession,
          observedAt
        })
        yield* Ref.update(taken, (count = 0) => count + sessions.length - refused.length)
        if (refused.length > 0) yield* onRejected(rejectedOf(self.name, sessions, refused, observedAt))
      })
      return Sink.forEachArray(write).pipe(
        Sink.mapEffect(() =>
          // A table without rows still has its columns.
          Effect.flatMap(Ref.get(taken), (count) => (count === undefined ? write([]) : Effect.void)).pipe(
            Effect.andThen(writer.flush("end")),
            Effect.andThen(writer.finish),
            Effect.andThen(Effect.map(Ref.get(taken), (count = 0) => count))
          )
        )
      )
    })
  )
}

const rejectedOf = (
  sink: string,
  sessions: ReadonlyArray<CallSession>,
  refused: ReadonlyArray<Refused>,
  observedAt: Version
): ReadonlyArray<RejectedRow> => {
  const rows = new Map(sessions.map((session) => [session.id, session] as const))
  return refused.map(({ id, reason }) => ({
    stage: "sink",
    sink,
    id,
    reason,
    row: rows.get(id) ?? { id },
    observedAt
  }))
}

const refusal = (sink: string, refused: ReadonlyArray<RejectedRow>): SinkError => {
  const reasons = [...new Set(refused.map(({ reason }) => reason))]
  return new SinkError({
    sink,
    operation: "write",
    retryable: false,
    reason: { _tag: "RowsRefused", count: refused.length, reasons }
  })
}

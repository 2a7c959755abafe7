/** Rows for a sink, and a sink that is used from beginning to end. */
import { opening } from "@callstream/core/sink/SessionSink"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Column from "@callstream/core/model/Column"
import * as Version from "@callstream/core/model/Version"
import type { Batch, SessionSink, Writer } from "@callstream/core/sink/SessionSink"
import type { SinkError } from "@callstream/core/sink/SinkError"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export const observedAt = Date.parse("2026-08-01T00:00:00Z") * 1000

export const session = (at: number, fields: Partial<CallSession> & Record<string, unknown> = {}): CallSession => ({
  id: `session-${String(at).padStart(6, "0")}`,
  startedAt: "2026-07-31 07:16:10.117605 +0000 UTC",
  durationSec: 65,
  costTotal: "0.1234567890123",
  metadata: { crm: at },
  ...fields
})

export const batch = (
  rows: ReadonlyArray<CallSession>,
  options: { readonly columns?: ReadonlyArray<Column.Column>; readonly observedAt?: number } = {}
): Batch<CallSession> => ({
  items: rows.map((row) => ({ id: row.id, start: undefined, row })),
  columns: options.columns ?? Column.ofSession,
  observedAt: Version.of(options.observedAt ?? observedAt)
})

/** One run from its beginning to its end. */
export const written = <A, Row = CallSession>(
  sink: SessionSink<Row>,
  use: (writer: Writer<Row>) => Effect.Effect<A, SinkError, Scope.Scope>
): Effect.Effect<A, SinkError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* sink.open(opening())
      const result = yield* use(writer)
      yield* writer.flush("end")
      yield* writer.finish
      return result
    })
  )

/** A sink that this pipeline opens. */
export const asOf = <A, R>(pipeline: string, { verify, ...sink }: SessionSink<A, R>): SessionSink<A, R> => ({
  ...sink,
  open: (opening) => sink.open({ ...opening, pipeline }),
  verify: verify === undefined ? undefined : (left, opening) => verify(left, { ...opening, pipeline })
})

/** A transform, and an effect with the records that came through. */
import * as Effect from "effect/Effect"
import { pipeArguments } from "effect/Pipeable"
import { at } from "./Batches.ts"
import type { Transform } from "../TransformContract.ts"

export const tap = <A, B, E, R, E2, R2>(
  self: Transform<A, B, E, R>,
  onPassed: (records: ReadonlyArray<A>) => Effect.Effect<unknown, E2, R2>
): Transform<A, B, E | E2, R | R2> => ({
  label: self.label,
  columns: (input) => self.columns(input),
  redaction: self.redaction,
  run: (given, onReject) =>
    Effect.tap(self.run(given, onReject), ({ places }) => onPassed(at(given, places).map(({ row }) => row))),
  pipe() {
    // oxlint-disable-next-line prefer-rest-params
    return pipeArguments(this, arguments)
  }
})

/** Rows in files up to a size, by number: what does not fit into one goes into the next. */
import * as Effect from "effect/Effect"
import type { OutputError } from "../OutputError.ts"
import type { Line } from "./Lines.ts"
import * as OpenParts from "./OpenParts.ts"
import * as PartName from "./PartName.ts"

export const write = Effect.fnUntraced(function* (
  self: OpenParts.OpenParts,
  lines: ReadonlyArray<Line>
): Effect.fn.Return<void, OutputError> {
  const current = yield* ofNumber(self)
  if (!(yield* current.part.add(lines))) yield* roll(self, current, "settle")
})

/** The first from this number on that is not complete yet. */
const ofNumber = Effect.fnUntraced(function* (
  self: OpenParts.OpenParts
): Effect.fn.Return<OpenParts.OpenPart, OutputError> {
  for (; ; self.number++) {
    const found = yield* OpenParts.growing(self, PartName.ofNumber(self.number), 1)
    if (found !== undefined) return found
  }
})

/** Moves what did not fit to the next file, as often as it takes. */
export const roll = Effect.fnUntraced(function* (
  self: OpenParts.OpenParts,
  full: OpenParts.OpenPart,
  put: "settle" | "drain"
): Effect.fn.Return<void, OutputError> {
  let current = full
  let fits = false
  while (!fits) {
    self.number++
    const next = yield* ofNumber(self)
    const rest = current.part.release()
    current.complete = true
    current = next
    fits = yield* current.part.add(rest)
    if (fits) fits = yield* current.part[put]
  }
})

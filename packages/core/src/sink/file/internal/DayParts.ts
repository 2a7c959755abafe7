/** Rows in a file for each day; a day that comes again after its file was complete gets another one. */
import * as Effect from "effect/Effect"
import type { Calendar } from "../../../model/Calendar.ts"
import type { OutputError } from "../OutputError.ts"
import type { Line } from "./Lines.ts"
import * as OpenParts from "./OpenParts.ts"
import * as PartName from "./PartName.ts"

export const write = Effect.fnUntraced(function* (
  self: OpenParts.OpenParts,
  lines: ReadonlyArray<Line>
): Effect.fn.Return<void, OutputError> {
  for (const [key, group] of byDay(lines, self.settings.calendar)) {
    const { part } = yield* ofDay(self, key)
    yield* part.add(group)
  }
})

/** The first of the day that is not complete yet. */
const ofDay = Effect.fnUntraced(function* (
  self: OpenParts.OpenParts,
  key: string
): Effect.fn.Return<OpenParts.OpenPart, OutputError> {
  for (let repeat = 1; ; repeat++) {
    const found = yield* OpenParts.growing(self, key, repeat)
    if (found === undefined) continue
    self.parts.delete(found.name)
    self.parts.set(found.name, found)
    return found
  }
})

const byDay = (lines: ReadonlyArray<Line>, calendar: Calendar): ReadonlyMap<string, ReadonlyArray<Line>> => {
  const days = new Map<string, Array<Line>>()
  for (const line of lines) {
    const key = PartName.ofCall(calendar, line)
    const group = days.get(key)
    if (group === undefined) days.set(key, [line])
    else group.push(line)
  }
  return days
}

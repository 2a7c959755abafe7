/** Rows that do not fill a group yet, safe in a file of their own until they do. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Ref from "effect/Ref"
import * as Scope from "effect/Scope"
import { of } from "../../../model/Instant.ts"
import type { OutputError } from "../OutputError.ts"
import type { Line } from "./Lines.ts"
import * as PartialFile from "./PartialFile.ts"
import type { Place } from "./Place.ts"

const decoder = new TextDecoder()
const encoder = new TextEncoder()

const pathOf = (path: string, number: number): string => `${path}.rows-${number}`

export interface GroupBuffer {
  readonly number: number
  /** Whether these rows begin with those that it holds. */
  readonly begins: (pending: ReadonlyArray<Line>) => boolean
  /** Adds what it does not hold yet, and makes it safe. */
  readonly sync: (pending: ReadonlyArray<Line>) => Effect.Effect<PartialFile.Position, OutputError>
  /** Nothing in it is needed any more. */
  readonly remove: Effect.Effect<void>
}

/** A line with its start before it. */
const write = ({ start, text }: Line): string => `${start ?? ""} ${text}\n`

const read = (line: string): Line => {
  const space = line.indexOf(" ")
  return { start: space <= 0 ? undefined : of(Number(line.slice(0, space))), text: line.slice(space + 1) }
}

/** Enough to know the rows of a file again. */
const holding = (lines: ReadonlyArray<Line>) => ({ first: lines[0], last: lines.at(-1), count: lines.length })

/** @param from With it, also gives the lines that are in it. */
export const open = Effect.fnUntraced(function* (
  place: Place,
  path: string,
  number: number,
  from: PartialFile.Position | undefined,
  parent: Scope.Scope
): Effect.fn.Return<{ readonly waiting: GroupBuffer; readonly lines: ReadonlyArray<Line> }, OutputError> {
  const scope = yield* Scope.fork(parent)
  const own = pathOf(path, number)
  const file = yield* place.open({ path: own, force: true, from, scratch: true }).pipe(
    Scope.provide(scope),
    Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
  )
  const text = from === undefined ? "" : decoder.decode(yield* file.read(0, from.bytes))
  const lines = text.split("\n").slice(0, -1).map(read)
  const held = Ref.makeUnsafe(holding(lines))
  const waiting: GroupBuffer = {
    number,
    begins: (pending) => {
      const { count, first, last } = Ref.getUnsafe(held)
      return count === 0 || (pending[0] === first && pending[count - 1] === last)
    },
    sync: Effect.fnUntraced(function* (pending) {
      const more = pending.slice((yield* Ref.get(held)).count)
      yield* Effect.uninterruptible(
        Effect.andThen(file.write(encoder.encode(more.map(write).join(""))), Ref.set(held, holding(pending)))
      )
      return yield* file.sync
    }),
    remove: Effect.andThen(Scope.close(scope, Exit.void), file.discard)
  }
  return { waiting, lines }
})

/** Removes what killed runs left, but for the one with this number. */
export const clear = Effect.fnUntraced(function* (
  place: Place,
  path: string,
  kept: number | undefined
): Effect.fn.Return<number, OutputError> {
  const start = place.nameOf(pathOf(path, 0)).slice(0, -1)
  const end = PartialFile.partialPath("")
  let greatest = kept ?? 0
  for (const name of yield* place.namesBeside(path)) {
    if (!name.startsWith(start) || !name.endsWith(end)) continue
    const number = name.slice(start.length, -end.length)
    if (!/^\d+$/.test(number) || Number(number) === kept) continue
    greatest = Math.max(greatest, Number(number))
    yield* place.remove(place.beside(path, name))
  }
  return greatest
})

/**
 * Dead letters as a file of lines that only grows.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { parseJson } from "../model/ExactNumber.ts"
import * as TrustedFile from "../file/TrustedFile.ts"
import * as Ndjson from "../sink/Ndjson.ts"
import { codeOf, fromPlatform, toSinkError } from "../sink/OutputError.ts"
import type { SessionSink } from "../sink/SessionSink.ts"
import { SinkError } from "../sink/SinkError.ts"
import { DeadLetter } from "./DeadLetter.ts"

/**
 * Marks a dead letter as done with.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Tombstone = Schema.Struct({
  letter: Schema.String,
  /** When it was replayed, in ISO 8601. */
  replayed: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export type Tombstone = typeof Tombstone.Type

type Line = DeadLetter | Tombstone

/**
 * A sink for dead letters. What an earlier run put aside stays, so the file is opened for appending, and only when there is
 * something to write. It is private to its owner, because records may hold personal data; one that another user owns or can write to is
 * refused. A line that a killed run left half written is ended before the next one.
 *
 * @since 0.1.0
 * @category constructors
 */
export const sink = (path: string): SessionSink<Line, FileSystem.FileSystem> => ({
  name: "dead-letters",
  delivery: "append",
  open: Effect.fnUntraced(function* ({ from }) {
    const fs = yield* FileSystem.FileSystem
    const scope = yield* Scope.Scope
    const failing = (operation: "write" | "flush") => (error: Parameters<ReturnType<typeof fromPlatform>>[0]) =>
      toSinkError(path, operation)(fromPlatform(path, operation === "write" ? "write" : "finish")(error))
    let file: FileSystem.File | undefined
    /** Half a line may stand at the end. */
    let torn = false
    const opened = Effect.suspend(() =>
      file !== undefined
        ? Effect.succeed(file)
        : Effect.gen(function* () {
            torn = yield* Effect.provideService(endsMidway(path), FileSystem.FileSystem, fs)
            file = yield* TrustedFile.open(path, { flag: "a", mode: 0o600 }).pipe(
              Effect.provideService(FileSystem.FileSystem, fs),
              Scope.provide(scope)
            )
            return file
          })
    )
    return {
      committed: from,
      write: ({ items }) =>
        Effect.gen(function* () {
          const file = yield* opened
          const text = `${torn ? "\n" : ""}${Ndjson.encode(items.map(({ row }) => row))}`
          torn = true
          yield* file.writeAll(new TextEncoder().encode(text))
          torn = false
          return []
        }).pipe(Effect.mapError(failing("write"))),
      flush: (at) =>
        Effect.suspend(() =>
          Effect.as(file === undefined ? Effect.void : Effect.mapError(file.sync, failing("flush")), {
            at,
            note: null
          })
        ),
      finish: Effect.void
    }
  })
})

const newline = 10

const endsMidway = Effect.fnUntraced(function* (path: string) {
  const found = yield* TrustedFile.check(path)
  if (Option.isNone(found)) return false
  const { size, type } = found.value
  if (type !== "File" || size === 0n) return false
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const file = yield* TrustedFile.open(path, { flag: "r", isPublic: true })
      yield* file.seek(size - 1n, "start")
      return Option.getOrUndefined(yield* file.readAlloc(1))?.[0] !== newline
    })
  )
})

/**
 * What a file of dead letters holds: those that are not done with, each once, and how many lines could not be read because
 * a run was killed in the middle of one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Pending {
  readonly letters: ReadonlyArray<DeadLetter>
  readonly replayed: number
  readonly torn: number
}

const decodeLine = Schema.decodeUnknownOption(Schema.Union([DeadLetter, Tombstone]))

/**
 * Reads a file of dead letters.
 *
 * @since 0.1.0
 * @category reading
 */
export const read = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<Pending, SinkError, FileSystem.FileSystem> {
  const text = yield* Effect.mapError(TrustedFile.readString(path), (error) =>
    codeOf(error) === "ENOENT"
      ? new SinkError({
          sink: path,
          operation: "open",
          retryable: false,
          description: "there is no such file",
          advice: "Name the file of dead letters that the summary of the run named."
        })
      : toSinkError(path, "open")(fromPlatform(path, "open")(error))
  )
  const letters = new Map<string, DeadLetter>()
  const done = new Set<string>()
  let torn = 0
  for (const line of text.split("\n")) {
    if (line === "") continue
    const parsed = Option.flatMap(parse(line), decodeLine)
    if (Option.isNone(parsed)) torn++
    else if ("replayed" in parsed.value) done.add(parsed.value.letter)
    else letters.set(parsed.value.letter, parsed.value)
  }
  const pending = [...letters.values()].filter(({ letter }) => !done.has(letter))
  return { letters: pending, replayed: letters.size - pending.length, torn }
})

const parse = (line: string): Option.Option<unknown> => {
  try {
    return Option.some(parseJson(line))
  } catch {
    return Option.none()
  }
}

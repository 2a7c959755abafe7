/**
 * Dead letters in a file of lines that only grows.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Ref from "effect/Ref"
import * as Scope from "effect/Scope"
import { parseJson } from "../model/ExactNumber.ts"
import * as TrustedFile from "../platform/TrustedFile.ts"
import * as Ndjson from "../sink/file/Ndjson.ts"
import { codeOf, fromPlatform, toSinkError } from "../sink/file/OutputError.ts"
import * as SessionSink from "../sink/SessionSink.ts"
import { SinkError } from "../sink/SinkError.ts"
import { DeadLetter } from "./DeadLetter.ts"

/**
 * Marks a dead letter as done.
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
 * A sink for dead letters. It appends to the letters of earlier runs, and opens the file only when there is something to
 * write. Only the owner can read the file, because records may hold personal data. A file that another user owns or can
 * write to is refused. If a killed run left half a line, the sink ends that line first.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (path: string): SessionSink.SessionSink<Line, FileSystem.FileSystem> =>
  SessionSink.make({
    name: "dead-letters",
    delivery: "append",
    open: Effect.fnUntraced(function* () {
      const fs = yield* FileSystem.FileSystem
      const scope = yield* Scope.Scope
      const failing = (operation: "write" | "flush") => (error: Parameters<ReturnType<typeof fromPlatform>>[0]) =>
        toSinkError(path, operation)(fromPlatform(path, operation === "write" ? "write" : "finish")(error))
      const known = yield* Ref.make<FileSystem.File | undefined>(undefined)
      /** The file may end with half a line. */
      const torn = yield* Ref.make(false)
      const opened = Effect.gen(function* () {
        const before = yield* Ref.get(known)
        if (before !== undefined) return before
        yield* Ref.set(torn, yield* endsMidway(path))
        const file = yield* Scope.provide(TrustedFile.open(path, { flag: "a", mode: 0o600 }), scope)
        yield* Ref.set(known, file)
        return file
      }).pipe(Effect.provideService(FileSystem.FileSystem, fs))
      return {
        write: ({ items }) =>
          Effect.gen(function* () {
            const file = yield* opened
            const half = yield* Ref.getAndSet(torn, true)
            const text = `${half ? "\n" : ""}${Ndjson.encode(items.map(({ row }) => row))}`
            yield* file.writeAll(new TextEncoder().encode(text))
            yield* Ref.set(torn, false)
            return []
          }).pipe(Effect.mapError(failing("write"))),
        flush: () =>
          Effect.flatMap(Ref.get(known), (file) =>
            file === undefined ? Effect.void : Effect.mapError(file.sync, failing("flush"))
          )
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
 * The dead letters of a file that are not done, each once, and the number of unreadable lines, which a killed run leaves.
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
          reason: { _tag: "NoSuchFile" }
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

/** The files of a lock: the one under its name, and those of processes that take over the lock of an ended one. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import { Owner } from "../ProcessOwner.ts"
import { ifThere, isAlreadyThere, parse, writeNew } from "./Files.ts"

export const Holder = Schema.Struct({
  version: Schema.Literal(1),
  /** Unique to this lock, and part of a file name. */
  id: Schema.String.check(Schema.isPattern(/^[0-9a-f-]{36}$/)),
  ...Owner.fields,
  /** ISO 8601. */
  since: Schema.String
})
export type Holder = typeof Holder.Type
const decodeHolder = Schema.decodeUnknownOption(Holder)

/** A lock file; no holder when it cannot be read. */
export interface Found {
  readonly path: string
  readonly holder: Holder | undefined
}

export interface LockChain {
  readonly look: (at: string) => Effect.Effect<Option.Option<Found>, PlatformError.PlatformError>
  /** The valid lock. */
  readonly find: Effect.Effect<Found | undefined, PlatformError.PlatformError>
  /** The name of the lock that follows one. */
  readonly successor: (holder: Holder) => string
  /** Creates the own lock if there is none. Without links a crash may leave an empty lock. */
  readonly place: (at: string, attempt: number) => Effect.Effect<void, PlatformError.PlatformError>
  readonly removeOwn: (at: string) => Effect.Effect<void>
}

export const make = (fs: FileSystem.FileSystem, path: string, own: Holder): LockChain => {
  const text = `${JSON.stringify(own, undefined, 2)}\n`
  const look = (at: string) =>
    Effect.map(
      // Checked before each commit, in a folder that no other user can write to.
      ifThere(fs.readFile(at)),
      Option.map((bytes): Found => ({ path: at, holder: Option.getOrUndefined(decodeHolder(parse(bytes))) }))
    )
  const successor = (holder: Holder) => `${path}.${holder.id}.next`
  return {
    look,
    successor,
    find: Effect.gen(function* () {
      const seen = new Set<string>()
      let found = yield* look(path)
      let last = Option.getOrUndefined(found)
      while (Option.isSome(found) && found.value.holder !== undefined && !seen.has(found.value.holder.id)) {
        last = found.value
        seen.add(found.value.holder.id)
        found = yield* look(successor(found.value.holder))
      }
      return Option.isSome(found) ? found.value : last
    }),
    place: (at, attempt) => {
      const temporary = `${path}.${own.id}.${attempt}.tmp`
      return Effect.andThen(
        writeNew(fs, temporary, text),
        fs.link(temporary, at).pipe(
          Effect.catch((error) => (isAlreadyThere(error) ? Effect.void : writeNew(fs, at, text))),
          Effect.catchIf(isAlreadyThere, () => Effect.void),
          Effect.ensuring(Effect.ignore(fs.remove(temporary)))
        )
      )
    },
    // Another lock may appear between this check and the removal only if somebody removed this one by hand.
    removeOwn: (at) =>
      Effect.ignore(
        Effect.flatMap(look(at), (found) =>
          Option.isSome(found) && found.value.holder?.id === own.id ? fs.remove(at) : Effect.void
        )
      )
  }
}

/** Suffixes of the files that a process leaves when it is killed while it takes a lock. */
export const leftover = /^\.[0-9a-f-]{36}\.(\d+\.tmp|next)$/

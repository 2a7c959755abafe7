/** A lock as a file: created whole and exclusively. Of several processes, one takes over the lock of an ended process. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as PlatformError from "effect/PlatformError"
import * as SecureRandom from "effect/crypto/SecureRandom"
import type { Held } from "../../platform/Held.ts"
import { Owner, type ProcessOwner } from "../ProcessOwner.ts"
import { ifThere, isAlreadyThere, parse, writeNew } from "./Files.ts"

const Holder = Schema.Struct({
  version: Schema.Literal(1),
  /** Unique to this lock, and part of a file name. */
  id: Schema.String.check(Schema.isPattern(/^[0-9a-f-]{36}$/)),
  ...Owner.fields,
  /** ISO 8601. */
  since: Schema.String
})
type Holder = typeof Holder.Type
const decodeHolder = Schema.decodeUnknownOption(Holder)

/** A lock file; no holder when it cannot be read. */
interface Found {
  readonly path: string
  readonly holder: Holder | undefined
}

export interface LockFile<E> {
  readonly id: string
  /** Fails when the lock is no longer this one. */
  readonly verify: Effect.Effect<void, E>
  /** Removes the lock if it is still this one. */
  readonly release: Effect.Effect<void>
}

/** What its failures become. */
export interface About<E> {
  readonly held: (held: Held) => E
  readonly failed: (path: string, action: "read" | "written") => (error: PlatformError.PlatformError) => E
}

/** After so many changes of the owner, taking the lock fails. */
const attempts = 32

/**
 * Takes the lock at `path`, or fails with who holds it.
 *
 * To take a free lock, a process writes a file and links it to the lock's name, which fails when the name is taken. No
 * process removes the lock of an ended process: of two that found it, each could remove the new lock of the other.
 * Instead, a process links its own file to a name that contains the old lock's id. Only one succeeds. It renames its file
 * over the old lock, and the rename removes that name in the same step. A process that gets the name later finds a new
 * lock in the old one's place and gives up. If the process is killed in between, its file is taken over in the same way,
 * so the last file of such a chain is the valid lock.
 */
export const acquire = <E>(
  fs: FileSystem.FileSystem,
  process: ProcessOwner["Service"],
  path: string,
  about: About<E>
): Effect.Effect<LockFile<E>, E> => Effect.uninterruptible(take(fs, process, path, about))

const take = Effect.fnUntraced(function* <E>(
  fs: FileSystem.FileSystem,
  process: ProcessOwner["Service"],
  path: string,
  about: About<E>
): Effect.fn.Return<LockFile<E>, E> {
  const reading = Effect.mapError(about.failed(path, "read"))
  const writing = Effect.mapError(about.failed(path, "written"))
  const id = yield* Effect.sync(() => SecureRandom.uuidV4Unsafe())
  const since = DateTime.formatIso(yield* DateTime.now)
  const own: Holder = { version: 1, id, ...process.self, since }
  const text = `${JSON.stringify(own, undefined, 2)}\n`

  const held = (why: Held) => Effect.fail(about.held(why))
  const shown = ({ host, pid, since, start }: Holder) => ({
    pid,
    host,
    since,
    here: process.self.pid === pid && process.self.start === start && process.self.host === host
  })

  const look = (at: string) =>
    Effect.map(
      // Checked before each commit, in a folder that no other user can write to.
      ifThere(fs.readFile(at)),
      Option.map((bytes): Found => ({ path: at, holder: Option.getOrUndefined(decodeHolder(parse(bytes))) }))
    )
  const successor = (holder: Holder) => `${path}.${holder.id}.next`
  /** The valid lock. */
  const find = Effect.gen(function* () {
    const seen = new Set<string>()
    let found = yield* look(path)
    let last = Option.getOrUndefined(found)
    while (Option.isSome(found) && found.value.holder !== undefined && !seen.has(found.value.holder.id)) {
      last = found.value
      seen.add(found.value.holder.id)
      found = yield* look(successor(found.value.holder))
    }
    return Option.isSome(found) ? found.value : last
  }).pipe(reading)

  const refuseUnlessGone = Effect.fnUntraced(function* ({ holder, path: at }: Found) {
    const place = { _tag: "File", path: at } as const
    if (holder === undefined) return yield* held({ _tag: "Elsewhere", place })
    const verdict = yield* process.judge(holder)
    if (verdict === "elsewhere") return yield* held({ _tag: "Elsewhere", holder: shown(holder), place })
    if (verdict === "alive") return yield* held({ _tag: "Running", holder: shown(holder), place })
    return holder
  })

  /** Creates the own lock if there is none. Without links a crash may leave an empty lock. */
  const place = (at: string, attempt: number) => {
    const temporary = `${path}.${id}.${attempt}.tmp`
    return Effect.andThen(
      writeNew(fs, temporary, text),
      fs.link(temporary, at).pipe(
        Effect.catch((error) => (isAlreadyThere(error) ? Effect.void : writeNew(fs, at, text))),
        Effect.catchIf(isAlreadyThere, () => Effect.void),
        Effect.ensuring(Effect.ignore(fs.remove(temporary)))
      )
    ).pipe(writing)
  }
  // Another lock may appear between this check and the removal only if somebody removed this one by hand.
  const removeOwn = (at: string) =>
    Effect.ignore(
      Effect.flatMap(look(at), (found) =>
        Option.isSome(found) && found.value.holder?.id === id ? fs.remove(at) : Effect.void
      )
    )

  let placed = path
  yield* Effect.gen(function* () {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const found = yield* find
      if (found?.holder?.id === id) {
        if (found.path !== path) yield* writing(fs.rename(found.path, path))
        return
      }
      if (placed !== path) yield* removeOwn(placed)
      placed = found === undefined ? path : successor(yield* refuseUnlessGone(found))
      yield* place(placed, attempt)
    }
    return yield* held({ _tag: "Changing", path })
  }).pipe(Effect.onError(() => Effect.andThen(removeOwn(placed), removeOwn(path))))

  return {
    id,
    verify: Effect.gen(function* () {
      const found = yield* reading(look(path))
      if (Option.isSome(found) && found.value.holder?.id === id) return
      if (Option.isSome(found) && found.value.holder !== undefined) {
        return yield* held({ _tag: "TakenOver", holder: shown(found.value.holder) })
      }
      return yield* held({ _tag: "Lost", path, how: Option.isSome(found) ? "overwritten" : "removed" })
    }),
    release: removeOwn(path)
  }
})

/** Suffixes of the files that a process leaves when it is killed while it takes a lock. */
export const leftover = /^\.[0-9a-f-]{36}\.(\d+\.tmp|next)$/

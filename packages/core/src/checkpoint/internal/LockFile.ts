/** A lock as a file: created whole and exclusively. Of several processes, one takes over the lock of an ended process. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import * as Ref from "effect/Ref"
import * as SecureRandom from "effect/crypto/SecureRandom"
import type { Held, Holder } from "../../platform/Held.ts"
import type { ProcessOwner } from "../ProcessOwner.ts"
import * as LockChain from "./LockChain.ts"

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
  /** Another process has the lock now. */
  readonly fenced: (holder: Holder) => E
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
  const chain = LockChain.make(fs, path, { version: 1, id, ...process.self, since })
  const placed = yield* Ref.make(path)

  const held = (why: Held) => Effect.fail(about.held(why))
  const shown = shownTo(process)
  const refuseUnlessGone = Effect.fnUntraced(function* ({ holder, path: at }: LockChain.Found) {
    const place = { _tag: "File", path: at } as const
    if (holder === undefined) return yield* held({ _tag: "Elsewhere", place })
    const verdict = yield* process.judge(holder)
    if (verdict === "elsewhere") return yield* held({ _tag: "Elsewhere", holder: shown(holder), place })
    if (verdict === "alive") return yield* held({ _tag: "Running", holder: shown(holder), place })
    return holder
  })

  yield* Effect.gen(function* () {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const found = yield* reading(chain.find)
      if (found?.holder?.id === id) {
        if (found.path !== path) yield* writing(fs.rename(found.path, path))
        return
      }
      const before = yield* Ref.get(placed)
      if (before !== path) yield* chain.removeOwn(before)
      const next = found === undefined ? path : chain.successor(yield* refuseUnlessGone(found))
      yield* Ref.set(placed, next)
      yield* writing(chain.place(next, attempt))
    }
    return yield* held({ _tag: "Changing", path })
  }).pipe(Effect.onError(() => Effect.andThen(Effect.flatMap(Ref.get(placed), chain.removeOwn), chain.removeOwn(path))))

  return {
    id,
    verify: Effect.gen(function* () {
      const found = yield* reading(chain.look(path))
      if (Option.isSome(found) && found.value.holder?.id === id) return
      if (Option.isSome(found) && found.value.holder !== undefined) {
        return yield* Effect.fail(about.fenced(shown(found.value.holder)))
      }
      return yield* held({ _tag: "Lost", path, how: Option.isSome(found) ? "overwritten" : "removed" })
    }),
    release: chain.removeOwn(path)
  }
})

/** What people read of a holder. */
const shownTo =
  ({ self }: ProcessOwner["Service"]) =>
  ({ host, pid, since, start }: LockChain.Holder) => ({
    pid,
    host,
    since,
    here: self.pid === pid && self.start === start && self.host === host
  })

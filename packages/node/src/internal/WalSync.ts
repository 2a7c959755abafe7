/** Brings the log of a SQLite file to the disk while the process does other work: SQLite's own way holds it up until the disk wrote. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Scope from "effect/Scope"
import { type BigIntStats, close, fdatasync, open, stat } from "node:fs"

type Done<A> = (error: NodeJS.ErrnoException | null, value: A) => void

/** Brings what was written to a file to the disk. */
export const Disk = Context.Reference<(file: number, done: (error: NodeJS.ErrnoException | null) => void) => void>(
  "callstream/WalSync/Disk",
  { defaultValue: () => fdatasync }
)

const called = <A>(run: (done: Done<A>) => void): Effect.Effect<A, NodeJS.ErrnoException> =>
  Effect.callback((resume) => {
    run((error, value) => resume(error === null ? Effect.succeed(value) : Effect.fail(error)))
  })

/** Nothing was committed yet. */
const isAbsent = ({ code }: NodeJS.ErrnoException): boolean => code === "ENOENT"

/** With SQLite's own number, SQLITE_READONLY_DBMOVED. */
const moved = (): NodeJS.ErrnoException =>
  Object.assign(new Error("another file, or none, has its name"), { errcode: 1032 })

/** Which file has this name; nothing where none has. */
const whoseName = (filename: string): Effect.Effect<string | undefined, NodeJS.ErrnoException> =>
  called<BigIntStats>((done) => stat(filename, { bigint: true }, done)).pipe(
    Effect.map(({ dev, ino }) => `${dev}:${ino}`),
    Effect.catchIf(isAbsent, () => Effect.undefined)
  )

/**
 * When it returns, all that was committed is on the disk. The log is opened when it is first needed, because SQLite makes it with the
 * first write, and stays open: SQLite keeps it as long as a connection does. Closing it releases no lock of SQLite, which has none on it.
 * Where the file is no longer the one of its name, nobody would find what was committed.
 *
 * @param filename as SQLite knows it, without links
 * @param name that people know
 */
export const make = Effect.fnUntraced(function* (
  filename: string,
  name: string
): Effect.fn.Return<Effect.Effect<void, NodeJS.ErrnoException>, NodeJS.ErrnoException, Scope.Scope> {
  const disk = yield* Disk
  const opened = yield* whoseName(name)
  const isMoved = Effect.map(whoseName(name), (now) => now !== opened)
  const scope = yield* Effect.scope
  const kept = Ref.makeUnsafe<number | undefined>(undefined)
  // Where it may only be read, a system may refuse to bring it to the disk.
  const log = Effect.acquireRelease(
    called<number>((done) => open(`${filename}-wal`, "r+", done)),
    (file) => Effect.ignore(called<void>((done) => close(file, (error) => done(error ?? null))))
  ).pipe(
    Scope.provide(scope),
    Effect.tap((file) => Ref.set(kept, file))
  )
  return Ref.get(kept).pipe(
    Effect.flatMap((file) => (file === undefined ? log : Effect.succeed(file))),
    Effect.flatMap((file) => called<void>((done) => disk(file, (error) => done(error)))),
    Effect.catchIf(isAbsent, () => Effect.void),
    Effect.andThen(isMoved),
    Effect.flatMap((is) => (is ? Effect.fail(moved()) : Effect.void)),
    Effect.uninterruptible
  )
})

import * as SqlFailure from "@callstream/core/platform/SqlFailure"
import * as SqliteClient from "@callstream/node/SqliteClient"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError } from "effect/sql/SqlError"
import { fstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { describe } from "vitest"
import { Disk } from "../src/internal/WalSync.ts"

type Done = (error: NodeJS.ErrnoException | null) => void

/** Instead of a disk. */
interface Fake {
  write: (file: number, done: Done) => void
}

const quick = (): Fake => ({ write: (_file, done) => done(null) })

/** A file with a table, on that disk. */
const withTable = Effect.fnUntraced(function* (
  disk: Fake,
  use: (sql: SqlClient.SqlClient, filename: string) => Effect.Effect<void, unknown>
) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "callstream-sqlite-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )
  const filename = join(folder, "calls.db")
  yield* Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql.unsafe("CREATE TABLE calls (id TEXT)")
    yield* use(sql, filename)
  }).pipe(
    Effect.provide(SqliteClient.layer({ filename })),
    Effect.provideService(Disk, (file, done) => disk.write(file, done))
  )
}, Effect.scoped)

describe("SqliteClient", () => {
  it.live("a commit returns when the disk has it, and others work until then", () => {
    const disk = quick()
    const asked: Array<Done> = []
    return withTable(
      disk,
      Effect.fnUntraced(function* (sql) {
        disk.write = (_file, done) => void asked.push(done)
        const insert = sql.unsafe("INSERT INTO calls VALUES ('a')")
        const commit = yield* Effect.forkChild(sql.withTransaction(insert), { startImmediately: true })
        const [written] = asked
        assert.isUndefined(commit.pollUnsafe())
        written?.(null)
        yield* Fiber.join(commit)
        assert.deepStrictEqual(yield* sql.unsafe("SELECT id FROM calls"), [{ id: "a" }])
      })
    )
  })

  it.live("the log of the file is what the disk gets, once a commit", () => {
    const disk = quick()
    const files: Array<number> = []
    return withTable(
      disk,
      Effect.fnUntraced(function* (sql, filename) {
        disk.write = (file, done) => {
          files.push(fstatSync(file).ino)
          done(null)
        }
        const log = statSync(`${filename}-wal`).ino
        yield* sql.unsafe("INSERT INTO calls VALUES ('a')")
        assert.deepStrictEqual(files, [log])
        const insert = (id: string) => sql.unsafe("INSERT INTO calls VALUES (?)", [id])
        yield* sql.withTransaction(Effect.andThen(insert("b"), insert("c")))
        assert.deepStrictEqual(files, [log, log])
        yield* Effect.ignore(sql.withTransaction(Effect.andThen(insert("d"), Effect.fail("rolled back"))))
        assert.lengthOf(yield* sql.unsafe("SELECT id FROM calls"), 3)
        assert.deepStrictEqual(files, [log, log])
      })
    )
  })

  it.live("a disk that fails is an error of the statement", () => {
    const disk = quick()
    return withTable(
      disk,
      Effect.fnUntraced(function* (sql) {
        disk.write = (_file, done) => done(Object.assign(new Error("EIO: i/o error"), { code: "EIO" }))
        assert.isTrue(isSqlError(yield* Effect.flip(Effect.asVoid(sql.unsafe("INSERT INTO calls VALUES ('a')")))))
      })
    )
  })

  for (const [what, change] of Object.entries({
    removed: (filename: string) => rmSync(filename),
    moved: (filename: string) => renameSync(filename, `${filename}-old`),
    replaced: (filename: string) => {
      writeFileSync(`${filename}-new`, "")
      renameSync(`${filename}-new`, filename)
    }
  }))
    it.live(`a file that was ${what} takes no commit`, () =>
      withTable(
        quick(),
        Effect.fnUntraced(function* (sql, filename) {
          const insert = sql.unsafe("INSERT INTO calls VALUES ('a')")
          yield* insert
          change(filename)
          const error = yield* Effect.flip(Effect.asVoid(sql.withTransaction(insert)))
          assert.deepStrictEqual(SqlFailure.of(error), {
            _tag: "Server",
            problem: "FileMoved",
            retryable: false,
            code: "SQLITE_READONLY_DBMOVED"
          })
        })
      )
    )

  it.live("nor does one whose folder is a link that leads elsewhere by now", () =>
    withTable(
      quick(),
      Effect.fnUntraced(function* (_sql, there) {
        const folder = dirname(there)
        const link = join(folder, "current")
        for (const name of ["one", "two"]) mkdirSync(join(folder, name))
        symlinkSync("one", link)
        yield* Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* sql.unsafe("CREATE TABLE calls (id TEXT)")
          rmSync(link)
          symlinkSync("two", link)
          const error = yield* Effect.flip(Effect.asVoid(sql.unsafe("INSERT INTO calls VALUES ('a')")))
          assert.strictEqual(SqlFailure.describe(SqlFailure.of(error)).includes("replaced"), true)
        }).pipe(Effect.provide(SqliteClient.layer({ filename: join(link, "calls.db") })))
      })
    )
  )

  it.live("a name is never a URI", () =>
    withTable(
      quick(),
      Effect.fnUntraced(function* (_sql, there) {
        const filename = `file:${basename(there)}?mode=memory`
        const before = process.cwd()
        process.chdir(dirname(there))
        yield* Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* sql.unsafe("CREATE TABLE others (id TEXT)")
        }).pipe(
          Effect.provide(SqliteClient.layer({ filename })),
          Effect.ensuring(Effect.sync(() => process.chdir(before)))
        )
        const { mode, size } = statSync(join(dirname(there), filename))
        assert.strictEqual(mode & 0o777, 0o600)
        assert.isAbove(size, 0)
      })
    )
  )

  it.live("binds what SQLite has a type for, in any place, and refuses the rest", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const kinds: ReadonlyArray<readonly [unknown, unknown]> = [
        ["text", "text"],
        [1.5, 1.5],
        [7n, 7],
        [true, 1],
        [false, 0],
        [null, null],
        [undefined, null],
        [new Uint8Array([1, 2]), new Uint8Array([1, 2])]
      ]
      for (const [first, firstBack] of kinds) {
        for (const [second, secondBack] of kinds) {
          const [row] = yield* sql.unsafe("SELECT ? AS first, ? AS second", [first, second])
          assert.deepStrictEqual({ ...row }, { first: firstBack, second: secondBack })
        }
      }
      for (const refused of [{}, { first: 1 }, new Date(0), [1], Symbol("one"), () => 1]) {
        for (const params of [
          [refused, 1],
          [1, refused]
        ]) {
          const error = yield* Effect.flip(Effect.asVoid(sql.unsafe("SELECT ? AS first, ? AS second", params)))
          assert.isTrue(isSqlError(error))
        }
      }
    }).pipe(Effect.provide(SqliteClient.layer({ filename: ":memory:" })))
  )

  it.live("a new file has larger pages, and one that is there keeps its own", () =>
    withTable(
      quick(),
      Effect.fnUntraced(function* (sql, filename) {
        assert.deepStrictEqual(yield* sql.unsafe("PRAGMA page_size"), [{ page_size: 8192 }])
        const small = `${filename}-small`
        const database = new DatabaseSync(small)
        database.exec("PRAGMA page_size = 4096; CREATE TABLE calls (id TEXT)")
        database.close()
        const sizes = Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe("PRAGMA page_size"))
        const found = yield* Effect.provide(sizes, SqliteClient.layer({ filename: small }))
        assert.deepStrictEqual(found, [{ page_size: 4096 }])
      })
    )
  )

  it.live("without a file the disk gets nothing", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      assert.lengthOf(yield* sql.unsafe("CREATE TABLE calls (id TEXT)"), 0)
    }).pipe(
      Effect.provide(SqliteClient.layer({ filename: ":memory:" })),
      Effect.provideService(Disk, (_file, done) => done(new Error("there is no file")))
    )
  )
})

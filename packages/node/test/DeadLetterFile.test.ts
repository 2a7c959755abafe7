import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Position from "@callstream/core/model/Position"
import * as Version from "@callstream/core/model/Version"
import * as DeadLetter from "@callstream/core/pipeline/DeadLetter"
import * as DeadLetterFile from "@callstream/core/pipeline/DeadLetterFile"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as FileSystem from "effect/FileSystem"
import * as PlatformError from "effect/PlatformError"
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"

const folder = mkdtempSync(join(tmpdir(), "callstream-letters-"))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const newPath = () => join(folder, `${++files}.ndjson`)

const letterOf = (id: string) =>
  DeadLetter.seal([{ stage: "decode", reason: "id is missing", record: { id }, observedAt: Version.of(5) }])

type Rows = ReadonlyArray<DeadLetter.DeadLetter | DeadLetterFile.Tombstone>

const write = (path: string, rows: Rows) =>
  Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* DeadLetterFile.make(path).open(SessionSink.opening())
      yield* writer.write({
        items: rows.map((row) => ({ id: row.letter, start: undefined, row })),
        columns: [],
        observedAt: Version.of(0)
      })
      yield* writer.flush(Position.of(1))
    })
  )

describe("DeadLetterFile", () => {
  it.effect("adds to what is there, makes no file for nothing, and keeps it private", () =>
    Effect.gen(function* () {
      const path = newPath()
      yield* Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.flatMap(DeadLetterFile.make(path).open(SessionSink.opening()), (writer) =>
            Effect.andThen(writer.flush(Position.of(1)), writer.finish)
          )
        )
        assert.isFalse(existsSync(path))
        const [a] = yield* letterOf("a")
        const [b] = yield* letterOf("b")
        assert.isDefined(a)
        assert.isDefined(b)
        if (a === undefined || b === undefined) return
        assert.notStrictEqual(a.letter, b.letter)
        assert.strictEqual(a.letter, (yield* letterOf("a"))[0]?.letter)
        yield* write(path, [a])
        assert.strictEqual(statSync(path).mode & 0o777, 0o600)
        yield* write(path, [b, a])
        const { letters, replayed, torn } = yield* DeadLetterFile.read(path)
        assert.deepStrictEqual(letters, [a, b])
        assert.deepStrictEqual({ replayed, torn }, { replayed: 0, torn: 0 })
        yield* write(path, [{ letter: a.letter, replayed: "2026-11-22T21:00:00Z" }])
        const after = yield* DeadLetterFile.read(path)
        assert.deepStrictEqual(after, { letters: [b], replayed: 1, torn: 0 })
      }).pipe(Effect.provide(NodeServices.layer))
    })
  )

  it.effect("cut at every byte, it loses at most the line that was cut, and the next one is a line of its own", () =>
    Effect.gen(function* () {
      const [a] = yield* letterOf("a")
      const [b] = yield* letterOf("b")
      if (a === undefined || b === undefined) return assert.fail("no letters")
      const whole = `${JSON.stringify(a)}\n`
      for (let length = 0; length <= whole.length; length++) {
        const path = newPath()
        writeFileSync(path, whole.slice(0, length))
        const read = Effect.andThen(write(path, [b]), DeadLetterFile.read(path))
        const { letters, torn } = yield* Effect.provide(read, NodeServices.layer)
        const kept = length >= whole.length - 1
        assert.deepStrictEqual(letters, kept ? [a, b] : [b], `cut to ${length}`)
        assert.strictEqual(torn, kept || length === 0 ? 0 : 1)
      }
    })
  )

  it.effect("a write that failed midway is not run into by the next one", () =>
    Effect.gen(function* () {
      const path = newPath()
      const [a] = yield* letterOf("a")
      const [b] = yield* letterOf("b")
      if (a === undefined || b === undefined) return assert.fail("no letters")
      let full = true
      const noSpace = PlatformError.systemError({
        _tag: "Unknown",
        module: "FileSystem",
        method: "write",
        cause: Object.assign(new Error("ENOSPC"), { code: "ENOSPC" })
      })
      /** A disk that takes half of what is written, and then no more, until there is room. */
      const halfway = (fs: FileSystem.FileSystem): FileSystem.FileSystem => ({
        ...fs,
        open: (...args) =>
          Effect.map(fs.open(...args), (file) =>
            Object.assign(Object.create(file) as FileSystem.File, {
              writeAll: (bytes: Uint8Array) =>
                full
                  ? Effect.andThen(file.writeAll(bytes.subarray(0, bytes.length / 2)), Effect.fail(noSpace))
                  : file.writeAll(bytes)
            })
          )
      })
      const batch = (row: DeadLetter.DeadLetter) => ({
        items: [{ id: row.letter, start: undefined, row }],
        columns: [],
        observedAt: Version.of(0)
      })
      const found = yield* Effect.scoped(
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem
          const writer = yield* Effect.provideService(
            DeadLetterFile.make(path).open(SessionSink.opening()),
            FileSystem.FileSystem,
            halfway(fs)
          )
          const error = yield* Effect.flip(writer.write(batch(a)))
          assert.isTrue(error.retryable)
          full = false
          yield* writer.write(batch(b))
          yield* writer.flush(Position.of(1))
          return yield* DeadLetterFile.read(path)
        })
      ).pipe(Effect.provide(NodeServices.layer))
      assert.deepStrictEqual(found, { letters: [b], replayed: 0, torn: 1 })
    })
  )
})

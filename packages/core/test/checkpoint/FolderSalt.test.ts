import * as FolderSalt from "@callstream/core/checkpoint/FolderSalt"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as MemoryFileSystem from "../sink/file/MemoryFileSystem.ts"
import * as MemoryFiles from "./MemoryFiles.ts"
import * as Runs from "./Runs.ts"

const folder = "/d/state"
const path = "/d/state/salt"

const get = (files: ReturnType<typeof MemoryFiles.make>) =>
  Effect.map(FolderSalt.get({ folder }), Redacted.value).pipe(Effect.provide(files.layer))

describe("FolderSalt", () => {
  it.effect("is made once, for its owner only, and is the same for all that ask at the same time", () =>
    Effect.gen(function* () {
      const files = MemoryFiles.make()
      files.intercept(() => Effect.yieldNow)
      const salts = yield* Effect.all(
        Array.from({ length: 5 }, () => get(files)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(salts).size, 1)
      assert.match(salts[0] ?? "", /^[0-9a-f]{64}$/)
      assert.deepStrictEqual(files.names(), [path])
      assert.strictEqual(files.node(path)?.mode, 0o600)
      assert.strictEqual(files.node(folder)?.mode, 0o700)
      assert.isTrue(files.node(path)?.synced)
      assert.isTrue(files.node(folder)?.synced)
      assert.strictEqual(yield* get(files), salts[0])
      assert.notStrictEqual(yield* get(MemoryFiles.make()), salts[0])
    })
  )

  it.effect("that is something else is refused, and stays as it is", () =>
    Effect.gen(function* () {
      for (const text of ["", "00", "x".repeat(64)]) {
        const files = MemoryFiles.make()
        files.add(folder, "Directory")
        files.add(path, "File", text)
        const error = yield* Effect.flip(get(files))
        assert.deepStrictEqual(error.reason, { _tag: "Torn", path, problem: { _tag: "NoSalt" } })
        assert.include(error.message, path)
        assert.strictEqual(files.text(path), text)
      }
    })
  )

  it.effect("what a run left that was killed while it made it is removed by the next one", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      runs.files.add(folder, "Directory")
      for (const name of ["salt", "salt.json", `salt.${"0".repeat(36)}.tmp`])
        runs.files.add(`${folder}/${name}`, "File")
      yield* Effect.scoped(runs.open(1))
      assert.deepStrictEqual(runs.names(), [path, `${folder}/salt.json`])
    })
  )

  it.effect("when any call fails, it reports or survives the failure, and the next run has a whole salt", () =>
    Effect.gen(function* () {
      const whole = MemoryFiles.make()
      yield* get(whole)
      assert.isAbove(whole.calls.length, 8)
      for (let number = 1; number <= whole.calls.length; number++) {
        const files = MemoryFiles.make()
        files.intercept((call) =>
          call.number === number ? Effect.fail(MemoryFileSystem.failed(call.method, call.path, "EIO")) : Effect.void
        )
        const first = yield* Effect.result(get(files))
        if (first._tag === "Failure") assert.include(first.failure.message, path, `call ${number}`)
        files.intercept(() => Effect.void)
        const next = yield* get(files)
        assert.match(next, /^[0-9a-f]{64}$/, `call ${number}`)
        if (first._tag === "Success") assert.strictEqual(next, first.success, `call ${number}`)
      }
    })
  )
})

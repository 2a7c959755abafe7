import type { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import * as Version from "@callstream/core/model/Version"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { fromPipeline, longest } from "../../src/checkpoint/internal/FileName.ts"
import * as MemoryFileSystem from "../sink/file/MemoryFileSystem.ts"
import * as Runs from "./Runs.ts"
import { epochPath, errorOf, fingerprint, folder, lockPath, path, stateOf } from "./Runs.ts"

const assertRefused = (
  error: CheckpointError | undefined,
  tag: CheckpointError["reason"]["_tag"],
  text: string | RegExp
) => {
  assert.strictEqual(error?.reason._tag, tag, error?.message)
  assert.match(error?.message ?? "", typeof text === "string" ? new RegExp(text) : text)
  assert.match(error?.message ?? "", /^[^A-Z].*[^.]$/)
}

/** Opens, commits each state, and closes. */
const run = (runs: Runs.Runs, states: ReadonlyArray<ReturnType<typeof stateOf>>, pid = 1) =>
  Effect.scoped(
    Effect.gen(function* () {
      const lease = yield* runs.open(pid)
      for (const state of states) yield* lease.commit(state)
      return lease.state
    })
  )

describe("FileCheckpoint", () => {
  it.effect("keeps the last state, and nothing else when it is closed", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      assert.isTrue(Option.isNone(yield* run(runs, [stateOf(1), stateOf(2), stateOf(3, true)])))
      assert.deepStrictEqual(yield* run(runs, []), Option.some(stateOf(3, true)))
      assert.deepStrictEqual(runs.files.names(), [epochPath, path])
      assert.strictEqual(runs.files.node(path)?.mode, 0o600)
      assert.strictEqual(runs.files.node(epochPath)?.mode, 0o600)
      assert.strictEqual(runs.files.node(folder)?.mode, 0o700)
    })
  )

  it.effect("syncs the file before it gets its name, and the folder afterwards", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const lease = yield* runs.open(1)
          const folderNode = runs.files.node(folder)
          assert.isTrue(runs.files.node("/d")?.synced)
          if (folderNode !== undefined) folderNode.synced = false
          runs.files.calls.length = 0
          yield* lease.commit(stateOf(1))
          assert.isTrue(runs.files.node(path)?.synced)
          assert.isTrue(folderNode?.synced)
        })
      )
      const order = runs.files.calls.map(({ method, path }) => (path === folder ? `folder.${method}` : method))
      assert.isBelow(order.indexOf("file.sync"), order.indexOf("rename"))
      assert.isBelow(order.indexOf("rename"), order.indexOf("folder.file.sync"))
    })
  )

  it.effect("cut at any place or with any byte changed, it is as before or refused, and stays as it is", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      yield* run(runs, [stateOf(17)])
      const text = runs.files.text(path) ?? ""
      const node = runs.files.node(path)
      const tried = Effect.fnUntraced(function* (changed: string) {
        if (node !== undefined) node.text = changed
        const result = yield* Effect.result(run(runs, []))
        assert.strictEqual(runs.files.text(path), changed)
        if (result._tag === "Success") assert.deepStrictEqual(result.success, Option.some(stateOf(17)), changed)
        else assertRefused(result.failure, "Torn", `${path} .*`)
        return result._tag
      })
      for (let length = 0; length < text.length; length++) {
        // Without the last line break it is whole.
        assert.strictEqual(yield* tried(text.slice(0, length)), length === text.length - 1 ? "Success" : "Failure")
      }
      for (let at = 0; at < text.length; at++) {
        const byte = ["0", " ", "}", "x"][at % 4] ?? ""
        if (text[at] !== byte) yield* tried(text.slice(0, at) + byte + text.slice(at + 1))
      }
      assert.strictEqual(yield* tried(text + text), "Failure")
      assert.strictEqual(yield* tried(JSON.stringify(JSON.parse(text))), "Success")
    })
  )

  it.effect("distinguishes a torn, a changed and a newer one", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      yield* run(runs, [stateOf(17)])
      const text = runs.files.text(path) ?? ""
      const opened = (changed: string) => {
        runs.files.add(path, "File", changed)
        return errorOf(run(runs, []))
      }
      assertRefused(yield* opened(text.slice(0, 40)), "Torn", "is torn")
      assertRefused(yield* opened("\0".repeat(text.length)), "Torn", "is torn")
      assertRefused(yield* opened(text.replace("17", "18")), "Torn", "was changed after it was written")
      for (const other of [1, 3]) {
        const error = yield* opened(text.replace(`"version": 2`, `"version": ${other}`))
        assertRefused(error, "Torn", `has version ${other}, and only version 2 is known here`)
      }
      assertRefused(yield* opened("[]"), "Torn", "was changed")
    })
  )

  it.effect("another pipeline's is refused, by what differs and by its name", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      yield* run(runs, [stateOf(17)])
      const as = { ...fingerprint, range: "2026-08" }
      const other = yield* errorOf(Effect.scoped(runs.open(1, { as })))
      assertRefused(other, "Different", "belongs to another pipeline: range differs$")
      runs.files.add(`${folder}/copy.json`, "File", runs.files.text(path))
      assertRefused(
        yield* errorOf(Effect.scoped(runs.open(1, { pipeline: "copy" }))),
        "OtherOwner",
        "belongs to the pipeline calls"
      )
    })
  )

  it.effect("one in which no sink has anything belongs to no pipeline, and keeps the last version", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      yield* run(runs, [{ ...stateOf(17), sinks: {}, lastVersion: Version.of(1_785_482_170_117_605) }])
      const as = { ...fingerprint, range: "2026-08" }
      const { state } = yield* Effect.scoped(runs.open(1, { as }))
      assert.strictEqual<number | undefined>(Option.getOrUndefined(state)?.lastVersion, 1_785_482_170_117_605)
    })
  )

  it.effect("is not held by a run that was refused, even before its scope ends", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      yield* run(runs, [])
      runs.files.add(path, "File", "{")
      yield* Effect.scoped(
        Effect.gen(function* () {
          assertRefused(yield* errorOf(runs.open(1)), "Torn", path)
          assert.deepStrictEqual(runs.names(), [path])
        })
      )
    })
  )

  it.effect.each(["ENOSPC", "EACCES", "EIO"])(
    "%s at any call, once and from then on: told, and a whole state",
    (code) =>
      Effect.gen(function* () {
        const states = [stateOf(2), stateOf(3)]
        let refused = 0
        for (const always of [false, true]) {
          for (let number = 1, reached = true; reached; number++) {
            const runs = Runs.make()
            yield* run(runs, [stateOf(1)])
            const before = runs.files.calls.length
            reached = false
            runs.files.intercept((call) => {
              if (always ? call.number < before + number : call.number !== before + number) return Effect.void
              reached = true
              return Effect.fail(MemoryFileSystem.failed(call.method, call.path, code))
            })
            const done: Array<number> = [1]
            const error = yield* errorOf(
              Effect.scoped(
                Effect.gen(function* () {
                  const lease = yield* runs.open(1)
                  for (const state of states) {
                    yield* lease.commit(state)
                    done.push(Number(state.sinks["calls.ndjson"]?.at ?? 0))
                  }
                })
              )
            )
            runs.files.intercept(() => Effect.void)
            if (error !== undefined) {
              refused++
              assertRefused(error, "File", `${folder}.*${code}`)
            }
            runs.ended.add(1)
            const kept = Number(Option.getOrUndefined(yield* run(runs, [], 2))?.sinks["calls.ndjson"]?.at ?? 0)
            const last = done.at(-1) ?? 0
            // What was said to be kept is; what was not may be.
            assert.include(error === undefined ? [last] : [last, last + 1], kept, `call ${number}`)
            // A leftover is cleared away by the next run.
            assert.deepStrictEqual(runs.names(), [path], `call ${number}`)
          }
        }
        assert.isAbove(refused, 20)
      })
  )

  it.effect("a commit without its folder says so", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const lease = yield* runs.open(1)
          runs.files.remove(lockPath)
          runs.files.remove(folder)
          assertRefused(yield* errorOf(lease.commit(stateOf(1))), "File", "its folder is not there")
        })
      )
    })
  )

  it.effect("a state that is no JSON is refused, not kept", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      yield* run(runs, [stateOf(1)])
      assertRefused(yield* errorOf(run(runs, [stateOf(Number.NaN)])), "NotJson", "is no JSON")
      assert.deepStrictEqual(yield* run(runs, []), Option.some(stateOf(1)))
    })
  )

  it.effect("commits at the same time come one after the other", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      runs.files.intercept(() => Effect.yieldNow)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const lease = yield* runs.open(1)
          yield* Effect.forEach([1, 2, 3, 4, 5], (cursor) => lease.commit(stateOf(cursor)), {
            concurrency: "unbounded"
          })
        })
      )
      assert.deepStrictEqual(yield* run(runs, []), Option.some(stateOf(5)))
      assert.deepStrictEqual(runs.names(), [path])
    })
  )

  it.effect.prop(
    "two names never share a file, and none leaves the folder",
    [Schema.String, Schema.String],
    ([left, right]) =>
      Effect.sync(() => {
        const files = [left, right, `${left}.json`, left.toUpperCase(), `../${left}`].map((name) => [
          name,
          fromPipeline(name)
        ])
        const names = new Map<string, string>()
        for (const [name, file] of files) {
          if (name === undefined || file === undefined) continue
          assert.match(file, /^[a-z0-9_%-]+$/)
          assert.isAtMost(file.length, longest)
          assert.strictEqual(names.get(file) ?? name, name)
          names.set(file, name)
          assert.strictEqual(decodeURIComponent(file), name)
        }
      })
  )

  it.effect("plain names stay as they are, odd ones are escaped, impossible ones refused", () =>
    Effect.gen(function* () {
      assert.strictEqual(fromPipeline("calls-2026_07"), "calls-2026_07")
      assert.strictEqual(fromPipeline("Calls"), "%43alls")
      assert.strictEqual(fromPipeline("../x"), "%2e%2e%2fx")
      assert.strictEqual(fromPipeline("con"), "%63on")
      assert.strictEqual(fromPipeline("com1"), "%63om1")
      for (const pipeline of ["", "x".repeat(longest + 1), "\ud800"]) {
        const runs = Runs.make()
        assertRefused(yield* errorOf(Effect.scoped(runs.open(1, { pipeline }))), "Name", "name")
        assert.isEmpty(runs.files.calls)
      }
    })
  )
})

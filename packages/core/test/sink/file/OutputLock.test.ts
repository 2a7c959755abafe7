/** A run that loses its lock at any moment of its last flush and its end gives nothing a name after that. */
import { ProcessOwner } from "@callstream/core/checkpoint/ProcessOwner"
import * as Instant from "@callstream/core/model/Instant"
import * as Position from "@callstream/core/model/Position"
import * as Version from "@callstream/core/model/Version"
import * as OutputLockFile from "@callstream/core/pipeline/OutputLockFile"
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryFiles from "../../checkpoint/MemoryFiles.ts"

const path = "/d/calls.ndjson"

const lockOf = (pid: number) =>
  Layer.provide(
    OutputLockFile.layer,
    Layer.succeed(ProcessOwner, { self: { host: "here", pid }, judge: () => Effect.succeed("alive") })
  )

const batch = {
  items: [29, 30].map((day) => {
    const start = Instant.of(Date.UTC(2026, 6, day) * 1000)
    return { id: `call-${day}`, start, row: { id: `call-${day}` } }
  }),
  columns: [{ name: "id", type: "text" as const }],
  observedAt: Version.of(0)
}

/** Another process has the lock from before the call of that number on, counted from the last flush. */
const run = (options: Partial<NdjsonSink.Options>, lockPath: string, number: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const files = MemoryFiles.make()
      const writer = yield* NdjsonSink.make({ path, ...options })
        .open(SessionSink.opening())
        .pipe(Effect.provide(Layer.merge(files.layer, lockOf(1))))
      yield* writer.write(batch)
      yield* writer.flush(Position.of(1))
      const before = files.calls.length
      files.intercept((call) =>
        Effect.sync(() => {
          if (call.number !== before + number) return
          const own = files.text(lockPath) ?? ""
          files.add(lockPath, "File", own.replace(/"id": "[0-9a-f]{4}/, `"id": "0000`).replace(`"pid": 1`, `"pid": 2`))
        })
      )
      const error = yield* Effect.match(Effect.andThen(writer.flush("end"), writer.finish), {
        onSuccess: () => undefined,
        onFailure: (error) => error
      })
      const named = files.names().filter((name) => !/\.(lock|partial)/.test(name))
      return { error, named, calls: files.calls.slice(before) }
    })
  )

describe("a file of a run that another one takes over", () => {
  it.effect.each([
    ["one file", {}, `${path}.lock`],
    ["files of days", { rotate: "day" }, "/d/calls.manifest.json.lock"]
  ] as const)("gets no name: %s", ([, options, lockPath]) =>
    Effect.gen(function* () {
      const whole = yield* run(options, lockPath, Infinity)
      assert.isUndefined(whole.error)
      const renames = whole.calls.flatMap(({ method, path }, at) =>
        method === "rename" && /\.partial\.\d+$/.test(path) ? [at] : []
      )
      assert.isNotEmpty(renames)
      // Nothing comes between the last look and the name.
      for (const at of renames) assert.strictEqual(whole.calls[at - 1]?.path, lockPath)
      const [first = 0] = renames
      for (let number = 1; number <= first; number++) {
        const { error, named } = yield* run(options, lockPath, number)
        assert.deepInclude(error?.reason, { _tag: "Output" }, `call ${number}`)
        assert.strictEqual(error?.reason._tag === "Output" ? error.reason.reason._tag : "", "Fenced", `call ${number}`)
        assert.include(error?.message, "another run took over it: process 2 on here")
        assert.isEmpty(named, `call ${number}`)
      }
    })
  )
})

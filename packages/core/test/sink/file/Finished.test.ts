/** What a finished run left is known again, and missed when it is gone or another. */
import * as SessionSink from "@callstream/core/sink/SessionSink"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { Committed } from "@callstream/core/model/Committed"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as GroupFiles from "./GroupFiles.ts"
import * as NdjsonFiles from "./NdjsonFiles.ts"

const rowsOf = (count: number) =>
  Array.from({ length: count }, (_, n): CallSession => {
    const startedAt = new Date(Date.UTC(2026, 6, 29, n)).toISOString()
    return { id: `session-${n}`, startedAt }
  })

const finished = (store: NdjsonFiles.Store, rows: ReadonlyArray<CallSession>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* store.sink.open(SessionSink.opening())
      yield* writer.write({
        items: rows.map((row) => ({ id: row.id, start: Instant.of(Date.parse(row.startedAt ?? "") * 1000), row })),
        columns: [{ name: "id", type: "text" }],
        observedAt: Version.of(0)
      })
      const committed = yield* writer.flush("end")
      yield* writer.finish
      return committed
    })
  )

const verify = (store: NdjsonFiles.Store, left: Committed) =>
  Effect.scoped(store.sink.verify?.(left, SessionSink.opening()) ?? Effect.die("there is no verify"))

const bytesOf = (store: NdjsonFiles.Store, name: string) => store.memory.node(name)?.data.slice() ?? new Uint8Array()

const put = (store: NdjsonFiles.Store, name: string, bytes: Uint8Array<ArrayBuffer>) => {
  store.memory.remove(name)
  store.memory.add(name, "File").data = bytes
}

const stores = {
  ...Object.fromEntries(
    Object.entries(NdjsonFiles.forms).map(([form, options]) => [form, () => NdjsonFiles.make(options)])
  ),
  "in groups": () => NdjsonFiles.make({}, GroupFiles.kind(5)),
  "in groups, by day": () => NdjsonFiles.make({ rotate: "day" }, GroupFiles.kind(5))
}

describe.each(Object.entries(stores))("what a finished run left: %s", (_, make) => {
  it.effect.each([0, 1, 30])("of %i rows is there, also as a copy", (count) =>
    Effect.gen(function* () {
      const store = make()
      const left = yield* finished(store, rowsOf(count))
      yield* verify(store, left)
      for (const name of store.memory.names()) put(store, name, bytesOf(store, name))
      yield* verify(store, left)
    })
  )

  it.effect("reports each file that is missing or replaced", () =>
    Effect.gen(function* () {
      const store = make()
      const left = yield* finished(store, rowsOf(30))
      const names = store.memory.names()
      assert.isAbove(names.length, 0)
      for (const name of names) {
        const bytes = bytesOf(store, name)
        for (const other of [undefined, bytes.slice(0, 0), bytes.slice(0, -2), new Uint8Array([...bytes, 120])]) {
          store.memory.remove(name)
          if (other !== undefined) put(store, name, other)
          const error = yield* Effect.flip(verify(store, left))
          const where = `${name}: ${error.message}`
          assert.strictEqual(error.operation, "verify", where)
          assert.isFalse(error.retryable, where)
          assert.include(error.message, name, where)
          assert.include(error.message, other === undefined ? "gone since" : "replaced or changed since", where)
        }
        put(store, name, bytes)
        yield* verify(store, left)
      }
    })
  )

  it.effect("another run's output in its place is not its own", () =>
    Effect.gen(function* () {
      const store = make()
      const left = yield* finished(store, rowsOf(30))
      for (const name of store.memory.names()) store.memory.remove(name)
      yield* finished(store, rowsOf(29))
      const error = yield* Effect.flip(verify(store, left))
      assert.include(error.message, "since the run finished")
    })
  )
})

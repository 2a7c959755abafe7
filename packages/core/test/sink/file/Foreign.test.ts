/** What another program does to a file while a run writes it: the run fails, names the file, and gives it no name. */
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Position from "@callstream/core/model/Position"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as GroupFiles from "./GroupFiles.ts"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"
import * as NdjsonFiles from "./NdjsonFiles.ts"

const rows = Array.from({ length: 36 }, (_, n): CallSession => {
  const startedAt = new Date(Date.UTC(2026, 6, 29, n)).toISOString()
  return { id: `session-${n}`, startedAt }
})

type Deed = (memory: MemoryFileSystem.MemoryFileSystem, path: string) => void

const change =
  (edit: (data: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>): Deed =>
  (memory, path) => {
    const node = memory.node(path)
    if (node !== undefined) node.data = edit(node.data.slice())
  }

const flipped = (data: Uint8Array<ArrayBuffer>, at: number) => {
  data[at] = (data[at] ?? 0) ^ 1
  return data
}

const deeds: Readonly<Record<string, Deed>> = {
  emptied: change(() => new Uint8Array()),
  "cut in half": change((data) => data.slice(0, data.length >> 1)),
  "cut by a byte": change((data) => data.slice(0, -1)),
  "longer by a byte": change((data) => new Uint8Array([...data, 10])),
  "another last byte": change((data) => flipped(data, data.length - 1)),
  removed: (memory, path) => void memory.remove(path)
}
/** Only what is read again shows it. */
const inside: Readonly<Record<string, Deed>> = { "another first byte": change((data) => flipped(data, 0)) }

/** Windows of twelve rows, each committed; `at` is called before the step of that number, and there are as many as it gives. */
const run = (store: NdjsonFiles.Store, at: (step: number) => void) =>
  Effect.scoped(
    Effect.gen(function* () {
      let step = 0
      const writer = yield* store.sink.open(SessionSink.opening())
      for (let from = 0; from < rows.length; from += 12) {
        const part = rows.slice(from, from + 12)
        const starts = part.map(({ startedAt }) => Instant.of(Date.parse(startedAt ?? "") * 1000))
        at(++step)
        yield* writer.write({
          items: part.map((row, n) => ({ id: row.id, start: starts[n], row })),
          columns: [{ name: "id", type: "text" }],
          observedAt: Version.of(0)
        })
        at(++step)
        yield* writer.flush(Position.of((starts.at(-1) ?? 0) + 1))
      }
      at(++step)
      yield* writer.flush("end")
      at(++step)
      yield* writer.finish
      return step
    })
  )

const partials = (memory: MemoryFileSystem.MemoryFileSystem) =>
  memory.names().filter((name) => name.endsWith(".partial") && (memory.node(name)?.data.length ?? 0) > 0)

const finished = (memory: MemoryFileSystem.MemoryFileSystem) =>
  memory.names().filter((name) => !name.endsWith(".partial") && !name.endsWith(".manifest.json"))

describe("a file that another program changes while it is written", () => {
  const stores = {
    ...Object.fromEntries(
      Object.entries(NdjsonFiles.forms).map(([form, options]) => [form, () => NdjsonFiles.make(options)])
    ),
    "in groups": () => NdjsonFiles.make({}, GroupFiles.kind(15)),
    "in groups, by day": () => NdjsonFiles.make({ rotate: "day" }, GroupFiles.kind(5))
  }
  for (const [form, make] of Object.entries(stores)) {
    const all = form.includes("compressed") || form.includes("groups") ? { ...deeds, ...inside } : deeds
    it.effect.each(Object.entries(all))(`${form}: %s`, ([, deed]) =>
      Effect.gen(function* () {
        const steps = yield* run(make(), () => {})
        let done = 0
        for (let step = 1; step <= steps; step++) {
          for (let which = 0; ; which++) {
            const store = make()
            let hit: string | undefined
            let named: ReadonlyArray<string> = []
            const result = yield* Effect.result(
              run(store, (now) => {
                if (now !== step) return
                hit = partials(store.memory)[which]
                if (hit !== undefined) deed(store.memory, hit)
                named = finished(store.memory)
              })
            )
            if (hit === undefined) break
            done++
            const where = `before step ${step}, ${hit}`
            // What only waited for its rows to become a group may not be needed any more.
            if (result._tag === "Success" && hit.includes(".rows-")) continue
            if (result._tag === "Success") assert.fail(`nothing was said of it ${where}`)
            assert.isFalse(result.failure.retryable, where)
            assert.match(result.failure.description, /another (?:program|run)/, where)
            const name = hit.slice(0, -".partial".length)
            assert.isTrue([result.failure.sink, result.failure.description].join(" ").includes(name), where)
            assert.notInclude(finished(store.memory), name, where)
            for (const one of named) assert.include(finished(store.memory), one, where)
          }
        }
        assert.isAbove(done, 5)
      })
    )
  }
})

import * as CallSessions from "@callstream/core/CallSessions"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import type * as Recordings from "@callstream/core/recording/Recordings"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { all, clientOf } from "../history/Walking.ts"
import * as MemoryFileSystem from "../sink/file/MemoryFileSystem.ts"
import { type Answer, audio, call, linesOf, opened, ticking } from "./Folder.ts"

const status = (code: number) => new Response("", { status: code })

const isRecorded = ({ recordingUrl: link }: CallSession): boolean => typeof link === "string" && link !== ""

/** A pass of a sync, which retries what failed before it. */
const pass = (
  simulator: AgniSimulator.AgniSimulator,
  memory: MemoryFileSystem.MemoryFileSystem,
  answer: Answer,
  { calls = [], maxRequests }: { readonly calls?: ReadonlyArray<CallSession>; readonly maxRequests?: number } = {}
) =>
  opened(memory, answer, (recordings: Recordings.Recordings, seen) =>
    Effect.gen(function* () {
      const before = yield* Instant.now
      yield* recordings.keep(calls)
      yield* clientOf(simulator)(recordings.retry({ before, maxRequests }))
      return { asked: seen.map(({ url }) => url), ...recordings.counts() }
    })
  ).pipe(ticking)

/** Calls with a recording, of a simulator. */
const simulated = Effect.gen(function* () {
  const simulator = yield* AgniSimulator.make({ sessions: 100, recordingsUrl: "https://files.test" })
  const { elements } = yield* all(simulator, CallSessions.sessions())
  const calls = elements.filter(isRecorded)
  assert.isAbove(calls.length, 6)
  return { simulator, calls }
})

describe("Recordings.retry", () => {
  it.effect("counts the folder, of all runs, and what this one did", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      const run = (answer: Answer, ids: ReadonlyArray<string>) =>
        opened(memory, answer, (recordings) =>
          Effect.gen(function* () {
            yield* ticking(recordings.keep(ids.map((id) => call(id, `https://files.test/${id}?token=canary`))))
            return recordings.counts()
          })
        )
      const none = { expired: 0, missing: 0, notAudio: 0, tooLarge: 0, forbiddenHost: 0, unavailable: 0 }
      const first: Answer = ({ pathname }) => (pathname === "/b" ? status(403) : audio(pathname))
      assert.deepInclude(yield* run(first, ["a", "b"]), { of: 2, kept: 1, fetched: 1, missed: 1 })
      const second = yield* run(({ pathname }) => audio(pathname), ["c"])
      assert.deepInclude(second, { of: 3, kept: 2, fetched: 1, missed: 0, failed: { ...none, expired: 1 } })
      // A run that reads the call again has a new link.
      const third = yield* run(({ pathname }) => audio(pathname), ["b"])
      assert.deepInclude(third, { of: 3, kept: 3, fetched: 1, missed: 0, failed: none })
      assert.notInclude(memory.text("/d/recordings/index.ndjson") ?? "", "canary")
    })
  )

  it.effect("fetches what was not there, with the link as the API has it now", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      const { calls, simulator } = yield* simulated
      const [one, other, ...rest] = calls.slice(0, 4)
      assert(one !== undefined && other !== undefined)
      // An older link, which nobody may use again.
      const old = [one, other, ...rest].map(({ id, recordingUrl }) =>
        call(id, String(recordingUrl).replace(/\?.*/, "?token=old"))
      )
      const down: Answer = ({ pathname }) =>
        pathname.includes(one.id) ? status(404) : pathname.includes(other.id) ? status(503) : status(403)
      const first = yield* pass(simulator, memory, down, { calls: old })
      assert.deepInclude(first, { of: 4, kept: 0, missed: 4 })
      assert.deepInclude(first.failed, { missing: 1, unavailable: 1, expired: 2 })
      const second = yield* pass(simulator, memory, ({ pathname }) => audio(pathname))
      assert.deepInclude(second, { of: 4, kept: 2, fetched: 2, missed: 0 })
      // An expired link is final.
      assert.deepInclude(second.failed, { missing: 0, unavailable: 0, expired: 2 })
      assert.lengthOf(second.asked, 2)
      for (const url of second.asked) assert.notInclude(url, "token=old")
      assert.deepInclude(yield* pass(simulator, memory, ({ pathname }) => audio(pathname)), { kept: 2, fetched: 0 })
    })
  )

  it.effect("waits longer after each try, ends after eight, and remembers both", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      const { calls, simulator } = yield* simulated
      const gone: Answer = () => status(404)
      yield* pass(simulator, memory, gone, { calls: calls.slice(0, 1) })
      const tries: Array<number> = []
      for (let minutes = 0; minutes < 6 * 24 * 60; minutes += 10) {
        const { asked } = yield* opened(memory, gone, (recordings, seen) =>
          Effect.gen(function* () {
            yield* clientOf(simulator)(recordings.retry({ before: yield* Instant.now }))
            return { asked: seen.length }
          })
        )
        if (asked > 0) tries.push(minutes)
        yield* TestClock.adjust("10 minutes")
      }
      assert.lengthOf(tries, 7)
      const waits = tries.slice(1).map((at, number) => at - (tries[number] ?? 0))
      assert.deepStrictEqual(waits, [10, 20, 80, 320, 1280, 5120])
      assert.deepStrictEqual(
        linesOf(memory).map(({ failed, tries }) => [failed, tries]),
        [1, 2, 3, 4, 5, 6, 7, 8].map((number) => ["missing", number])
      )
    })
  )

  it.effect("leaves what failed in this pass, a host that is down, and requests beyond the limit to later passes", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      const { calls, simulator } = yield* simulated
      const six = calls.slice(0, 6)
      const asks = (urls: ReadonlyArray<string>) => new Set(urls.map((url) => new URL(url).pathname)).size
      const down: Answer = () => status(503)
      const first = yield* pass(simulator, memory, down, { calls: six })
      assert.lengthOf(first.asked, 6 * 4)
      const second = yield* pass(simulator, memory, down)
      assert.strictEqual(asks(second.asked), 3)
      const third = yield* pass(simulator, memory, ({ pathname }) => audio(pathname), { maxRequests: 1 })
      assert.deepInclude(third, { kept: 1, fetched: 1 })
    })
  )

  it.effect("a call that is gone is a try too", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      const { simulator } = yield* simulated
      const gone = call("0198f3a2-6c1e-7d4b-9a55-3f2e1d0c9b8a", "https://files.test/gone")
      yield* pass(simulator, memory, () => status(404), { calls: [gone] })
      const { asked } = yield* pass(simulator, memory, () => audio("late"))
      assert.isEmpty(asked)
      assert.deepStrictEqual(
        linesOf(memory).map(({ failed, tries }) => [failed, tries]),
        [
          ["missing", 1],
          ["missing", 2]
        ]
      )
    })
  )
})

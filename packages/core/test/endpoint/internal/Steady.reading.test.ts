import * as CallSessions from "@callstream/core/CallSessions"
import * as History from "@callstream/core/history/History"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Probes from "../../../src/endpoint/internal/Probes.ts"
import { all, byHand, page, session } from "../../history/Walking.ts"

/** Other calls in each answer, though ids may come twice. */
const madeUp = (startedAt: (number: number) => string) => {
  let made = 0
  return byHand(({ page: number }) =>
    page(
      number,
      Array.from({ length: 4 }, () => {
        made++
        return session(String(made % 9), { organizationId: `of ${made}`, startedAt: startedAt(made) })
      })
    )
  )
}

const uses = {
  pages: Stream.runDrain(CallSessions.pages({ pageSize: 20 })),
  history: Stream.runDrain(History.windows()),
  probing: Probes.probe()
}

describe("a server that makes its answers up", () => {
  for (const [name, use] of Object.entries(uses)) {
    it.effect(`is no history to read: ${name}`, () =>
      Effect.gen(function* () {
        const starts = [() => "lorem ipsum", (made: number) => new Date((made % 2) * 1e12 + 1e12 + made).toISOString()]
        for (const startedAt of starts) {
          const made = madeUp(startedAt)
          const error = yield* Effect.flip(Effect.provide(use, made.layer))
          assert.strictEqual(error.reason._tag, "InvalidResponse")
          assert.include(error.message, "makes its answers up")
          assert.isAtMost(made.asked.length, 20)
        }
      })
    )
  }
})

describe("a history whose first page shows no order", () => {
  const servers: Readonly<Record<string, AgniSimulator.Options>> = {
    "no call has a start": { undated: 1 },
    "no call has a start, and they come in another order each time": { undated: 1, tieOrder: "random", sessions: 200 },
    "starts are in no order": { order: "id-desc", queued: 0.8, sorting: "ignored" }
  }
  for (const [name, options] of Object.entries(servers)) {
    it.effect(`is read: ${name}`, () =>
      Effect.gen(function* () {
        const simulator = yield* AgniSimulator.make({ content: "minimal", sessions: 60, ...options })
        const { elements } = yield* all(simulator, CallSessions.pages({ pageSize: 20 }))
        assert.isNotEmpty(elements)
      })
    )
  }
})

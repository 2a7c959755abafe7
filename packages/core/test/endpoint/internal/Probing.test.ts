import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Probing from "../../../src/endpoint/internal/Probing.ts"
import * as Walking from "../../history/Walking.ts"

const agentId = "0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44"
const callerNumber = "+14155550123"
const startedAt = "2026-05-01T00:00:00Z"

const answer = Walking.page(
  1,
  [
    Walking.session("of the agent", { agentId, startedAt, channel: "web" }),
    Walking.session("of both", { agentId, callerNumber, startedAt, channel: "voice", status: "completed" }),
    Walking.session("of another one", { agentId: agentId.replace("4", "5"), startedAt, channel: "voice" }),
    Walking.session("of none", { startedAt })
  ],
  [
    { id: "not decoded", agent_id: agentId, started_at: startedAt },
    { id: "not decoded, of another one", agent_id: "x", started_at: startedAt }
  ]
)

/** What answers without filters leave in the log. */
const logOf = (filters: Ask.Filters) => {
  const { layer } = Walking.byHand(() => answer)
  return Effect.gen(function* () {
    const { log, unfiltered } = yield* Probing.make({ filters }, [])
    yield* unfiltered({})
    return log
  }).pipe(Effect.provide(layer))
}

const cases: ReadonlyArray<readonly [filters: Ask.Filters, keys: ReadonlyArray<string>]> = [
  [{ agentId }, ["not decoded", "of both", "of the agent"]],
  [{ agentId: agentId.toUpperCase() }, ["not decoded", "of both", "of the agent"]],
  [{ channel: " voice" }, ["of another one", "of both"]],
  [{ channel: "Voice" }, []],
  [{ callerNumber }, ["of both"]],
  [{ agentId, channel: "voice" }, ["of both"]],
  [{ agentId, search: "both" }, []],
  [{ agentId, status: "completed" }, []]
]

describe("answers without filters", () => {
  for (const [filters, keys] of cases)
    it.effect(`show the rows of ${JSON.stringify(filters)}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual([...(yield* logOf(filters)).shown.keys()].toSorted(), keys)
      })
    )

  it.effect("are no places in the filtered list", () =>
    Effect.gen(function* () {
      const { lengths, observedAt, places } = yield* logOf({ agentId })
      assert.deepStrictEqual([lengths.size, observedAt, places.size], [0, undefined, 0])
    })
  )
})

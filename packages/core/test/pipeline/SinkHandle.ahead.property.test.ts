import type { CallSession } from "@callstream/core/model/CallSession"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as AheadCase from "./AheadCase.ts"
import * as MemoryTable from "./MemoryTable.ts"

const first = Number(process.env["SEED"] ?? 1)
const count = 24

const table = Effect.sync((): AheadCase.Table => {
  const { rows, sink } = MemoryTable.make("table")
  const agentOf = (row: unknown) => (row as CallSession).agentId ?? ""
  return { sink, read: Effect.sync(() => new Map([...rows].map(([id, { row }]) => [id, agentOf(row)] as const))) }
})

describe("a table that is ahead of the state after a kill", () => {
  it.effect(`has what the next run proves: ${count} histories from seed ${first}`, () =>
    Effect.gen(function* () {
      const { ahead, played, proven, wrong } = yield* AheadCase.playAll(first, count, table)
      console.log(JSON.stringify({ played, ahead, proven }))
      assert.deepStrictEqual(wrong, [])
      assert.isAtLeast(ahead, 0.3 * count)
      assert.isAtLeast(proven, 0.3 * count)
    })
  )
})

/** Runs that are killed between the commit of a table in a real database and that of the state. */
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as SqlSink from "@callstream/core/sink/SqlSink"
import * as SqliteClient from "@callstream/node/SqliteClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as AheadCase from "../../../core/test/pipeline/AheadCase.ts"
import * as SinkStore from "../SinkStore.ts"

const first = Number(process.env["SEED"] ?? 1)
const count = 12

const table = Effect.map(SinkStore.folder, (folder): AheadCase.Table => {
  const filename = join(folder, "calls.db")
  // Virtual time passes while the database works.
  const options: SqlSink.Options = { name: "table", keepsOffset: true, timeout: "36500 days" }
  return {
    sink: SessionSink.provide(SqlSink.make(options), SqliteClient.layer({ filename })),
    read: Effect.sync(() => {
      const database = new DatabaseSync(filename)
      const rows = database.prepare(`SELECT id, "agentId" AS agent FROM call_sessions`).all()
      database.close()
      return new Map(rows.map(({ agent, id }) => [String(id), String(agent)] as const))
    })
  }
})

describe("a table in SQLite that is ahead of the state after a kill", () => {
  it.effect(`has what the next run proves: ${count} histories from seed ${first}`, () =>
    Effect.gen(function* () {
      const { ahead, played, proven, wrong } = yield* AheadCase.playAll(first, count, table)
      console.log(JSON.stringify({ played, ahead, proven }))
      assert.deepStrictEqual(wrong, [])
      assert.isAtLeast(ahead, 0.3 * count)
      assert.isAtLeast(proven, 1)
    })
  )
})

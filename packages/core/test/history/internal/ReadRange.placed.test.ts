import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readRange } from "../../../src/history/internal/ReadRange.ts"
import { began, control, hour, known, open, rowsAt, settingsOf } from "./FakeServer.ts"

const from = began - 20 * hour
const to = began - 4 * hour
const starts = Array.from({ length: 900 }, (_, i) => to - (i + 1) * 60_000_000)

describe("readRange", () => {
  it.effect(
    "a row without a start time that was created elsewhere: of too many rows none is left out, they are cut",
    () =>
      Effect.gen(function* () {
        const rows = rowsAt(starts).map((row, i) => (i === 5 ? { ...row, created: 0 } : row))
        const server = open(rows)
        const list: typeof server.client.list = (query, options) =>
          Effect.map(server.client.list(query, options), (page) => ({
            ...page,
            rows: CallRows.ofSessions(
              CallRows.items(page.rows).map(({ row }) => {
                const { startedAt, ...rest } = row
                return row.id === "row-5" || startedAt === undefined ? rest : { ...rest, startedAt }
              }),
              page.observedAt
            )
          }))
        const settings = settingsOf(server, { list, controls: [control("row-0", starts[0] ?? 0)] })
        const outcome = yield* readRange(settings, known(), { from, to, expected: 20 })
        assert.strictEqual(outcome._tag, "Split")
      })
  )
})

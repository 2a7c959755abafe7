import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Time from "../../../src/sink/sql/internal/Time.ts"

describe("Time.text", () => {
  it("is what the instant is written as, whatever it was read from", () => {
    for (const text of [
      "2026-07-31T07:16:10.117605Z",
      "2026-07-31T07:16:10.1176059Z",
      "2026-07-31T07:16:10.11760Z",
      "2026-07-31T07:16:10.117Z",
      "2026-07-31T07:16:10.117z",
      "2026-07-31T09:16:10.1+01",
      "2026-07-31T07:16:10Z",
      "2026-07-31T07:16:10.117605z",
      "2026-07-31t07:16:10.117605Z",
      "2026-07-31 07:16:10.117605Z",
      "2026-07-31T09:16:10.12+02:00",
      "2026-07-31T09:16:10.1+02:00Z",
      "2026-07-31T24:00:00.000000Z",
      "2026-07-31T23:59:60.000000Z",
      "2026-07-31"
    ]) {
      const instant = Instant.parse(text)
      if (instant === undefined) continue
      assert.strictEqual(Time.text(instant, text), Time.format(instant), text)
      assert.lengthOf(Time.text(instant, text), 27)
    }
  })
})

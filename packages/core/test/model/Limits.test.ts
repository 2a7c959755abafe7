import * as Instant from "@callstream/core/model/Instant"
import * as Limits from "@callstream/core/model/Limits"
import { assert, describe, it } from "@effect/vitest"

describe("Limits", () => {
  it("are what their descriptions say", () => {
    assert.strictEqual(Instant.format(Limits.earliestStart), "2000-01-01T00:00:00Z")
    assert.isAbove(Limits.pageBeyondAll, 2 ** 26)
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as Held from "../../src/platform/Held.ts"

const heldSince = (since: string) =>
  Held.describe({ _tag: "Running", holder: { pid: 7, host: "vm", since, here: false } }, "it", "is running already")

describe("Held.describe", () => {
  it("says since when in whole seconds of UTC", () => {
    assert.strictEqual(
      heldSince("2026-11-30T15:47:21.553Z"),
      "it is running already: process 7 on vm, since 2026-11-30 15:47:21 UTC"
    )
  })

  it("leaves what is no such time as it is", () => {
    assert.include(heldSince("some day"), "since some day")
  })
})

import { Instant } from "@callstream/core"
import { retryRequests } from "../../src/run/RunSync.ts"
import { assert, describe, it } from "@effect/vitest"

const waiting = [{ work: "audits", since: Instant.of(0) }] as const

describe("Requests for recordings that are retried", () => {
  it("are a thousandth of the most of a day", () => {
    assert.isUndefined(retryRequests({ most: undefined, sent: 5, waiting: [] }))
    assert.strictEqual(retryRequests({ most: 5000, sent: 100, waiting: [] }), 5)
    assert.strictEqual(retryRequests({ most: 100, sent: 10, waiting: [] }), 1)
  })

  it("are none where a day has none left, or other work waits", () => {
    assert.strictEqual(retryRequests({ most: 5000, sent: 4998, waiting: [] }), 2)
    assert.strictEqual(retryRequests({ most: 5000, sent: 5003, waiting: [] }), 0)
    assert.strictEqual(retryRequests({ most: 5000, sent: 100, waiting }), 0)
  })
})

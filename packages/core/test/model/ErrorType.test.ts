import {
  AgniError,
  type AgniErrorReason,
  Forbidden,
  InvalidRequest,
  InvalidResponse,
  NotFound,
  RateLimited,
  Unauthorized,
  Unavailable
} from "@callstream/core/model/AgniError"
import { SinkError } from "@callstream/core/sink/SinkError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as ErrorType from "../../src/model/internal/ErrorType.ts"

const canary = "canary +14155550123"

const reasons: ReadonlyArray<readonly [AgniErrorReason, string]> = [
  [new Unauthorized({ quote: canary }), "401"],
  [new Forbidden({ quote: canary }), "403"],
  [new NotFound(), "404"],
  [new RateLimited({}), "429"],
  [new InvalidRequest({ status: 422, quote: canary }), "422"],
  [new InvalidRequest({ parameter: canary, requirement: canary }), "InvalidRequest"],
  [new Unavailable({ outage: { _tag: "Status", status: 503, quote: canary } }), "503"],
  [new Unavailable({ outage: { _tag: "Unreachable", code: "ECONNREFUSED" } }), "ECONNREFUSED"],
  [new Unavailable({ outage: { _tag: "Unreachable" } }), "Unreachable"],
  [new Unavailable({ outage: { _tag: "TimedOut", limit: Duration.seconds(1) } }), "TimedOut"],
  [new InvalidResponse({ problem: { _tag: "NotJson", characters: 3 } }), "NotJson"]
]

describe("the type of an error", () => {
  it("is a status, a code or a tag, and nothing that a server said", () => {
    for (const [reason, type] of reasons) {
      assert.strictEqual(ErrorType.ofReason(reason), type)
      const error = new AgniError({ reason, request: canary, attempts: 1, elapsed: Duration.zero })
      assert.strictEqual(ErrorType.of(error), type)
    }
  })

  it("has the tag of the reason", () => {
    const error = new SinkError({
      sink: canary,
      operation: "write",
      retryable: false,
      reason: { _tag: "Other", description: canary }
    })
    assert.strictEqual(ErrorType.of(error), "SinkError.Other")
  })

  it("of what others throw is a name, whatever they throw", () => {
    const named = Object.assign(new Error(canary), { name: canary })
    const thrown = [
      new TypeError(canary),
      named,
      canary,
      undefined,
      { _tag: canary },
      { _tag: 1 },
      { _tag: "Mine", reason: { _tag: canary } }
    ]
    assert.deepStrictEqual(thrown.map(ErrorType.of), [
      "TypeError",
      "unknown",
      "unknown",
      "unknown",
      "unknown",
      "unknown",
      "Mine"
    ])
  })
})

/** The words of errors are core's, whichever way an error was made. */
import { AgniError, AgniErrorReason } from "@callstream/effect3"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const reasons: ReadonlyArray<typeof AgniErrorReason.Encoded> = [
  { _tag: "InvalidRequest", parameter: "pageSize", requirement: "must be an integer" },
  { _tag: "InvalidRequest", status: 422, quote: "no" },
  { _tag: "Unauthorized", quote: "no" },
  { _tag: "Forbidden" },
  { _tag: "NotFound" },
  { _tag: "RateLimited", retryAfter: 1500 },
  { _tag: "Unavailable", outage: { _tag: "TimedOut", limit: 30_000 }, retryAfter: 1000 },
  { _tag: "Unavailable", outage: { _tag: "Unreachable", proxy: { host: "p", port: 1, variable: "HTTPS_PROXY" } } },
  { _tag: "Unavailable", outage: { _tag: "Status", status: 502, quote: "down" } },
  { _tag: "InvalidResponse", problem: { _tag: "TooLarge", limit: 100 } },
  { _tag: "InvalidResponse", problem: { _tag: "NotJson", characters: 3 } }
]

const errorOf = (reason: (typeof reasons)[number]) => ({
  _tag: "AgniError" as const,
  reason,
  request: "GET https://x/y?z=1",
  attempts: 3,
  elapsed: 4200,
  alone: true
})

describe("AgniError", () => {
  it.each(reasons)("is data, with words: %j", (reason) => {
    const encoded = errorOf(reason)
    const error = Schema.decodeUnknownSync(AgniError)(encoded)
    assert.deepStrictEqual(Schema.encodeSync(AgniError)(error), encoded)
    assert.instanceOf(error.reason, Error)
    assert.strictEqual(
      error.message,
      `${reason._tag}: ${error.reason.message}: GET https://x/y (3 attempts in 4s; other requests were answered)`
    )
    assert.isAbove(error.reason.message.length, 10)
    assert.strictEqual(error.retryable, error.reason.retryable)
  })

  it("has the words of core", () => {
    const { reason } = Schema.decodeUnknownSync(AgniError)(errorOf({ _tag: "RateLimited", retryAfter: 1500 }))
    assert.strictEqual(reason.message, "the server limits the rate of requests and asks to wait 1s 500ms")
    assert.isTrue(reason.retryable)
    assert.deepStrictEqual(reason._tag === "RateLimited" && reason.retryAfter, Duration.millis(1500))
  })

  it.effect("has reasons that are caught by their tag", () =>
    Effect.gen(function* () {
      const caught = yield* Effect.fail(Schema.decodeUnknownSync(AgniError)(errorOf({ _tag: "NotFound" }))).pipe(
        Effect.mapError(({ reason }) => reason),
        Effect.catchTags({
          InvalidRequest: ({ _tag }) => Effect.succeed(_tag),
          Unauthorized: ({ _tag }) => Effect.succeed(_tag),
          Forbidden: ({ _tag }) => Effect.succeed(_tag),
          NotFound: ({ _tag }) => Effect.succeed(_tag),
          RateLimited: ({ _tag }) => Effect.succeed(_tag),
          Unavailable: ({ _tag }) => Effect.succeed(_tag),
          InvalidResponse: ({ _tag }) => Effect.succeed(_tag)
        })
      )
      assert.strictEqual(caught, "NotFound")
    })
  )
})

import { AgniError } from "@callstream/core"
import * as Reasons from "@callstream/core/model/AgniError"
import { fromCode } from "@callstream/core/sink/OutputError"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import { isClosedPipe } from "../../src/option/ClosedPipe.ts"
import { type CommandError, type Report, report } from "../../src/render/Failure.ts"
import { Incomplete, UsageError } from "../../src/option/UsageError.ts"

const agni = (reason: Reasons.AgniErrorReason, attempts = 1) =>
  new AgniError({ reason, request: "GET https://api.example/x?page=1", attempts, elapsed: Duration.seconds(90) })

const told = (error: CommandError) => report(Cause.fail(error), { debug: false })

/** What people see. */
const shown = ({ exitCode, lines }: Report) => ({ exitCode, lines })

const reasons: ReadonlyArray<Reasons.AgniErrorReason> = [
  new Reasons.Unauthorized({ quote: "no" }),
  new Reasons.Forbidden({}),
  new Reasons.NotFound(),
  new Reasons.RateLimited({ retryAfter: Duration.minutes(5) }),
  new Reasons.RateLimited({}),
  ...(
    [
      { _tag: "Unreachable", code: "ECONNREFUSED" },
      { _tag: "Unreachable", proxy: { host: "proxy.local", port: 3128, variable: "HTTPS_PROXY" } },
      { _tag: "TimedOut", limit: Duration.seconds(30) },
      { _tag: "CutOff" },
      { _tag: "Status", status: 503 },
      { _tag: "Unsuccessful", quote: "busy" },
      { _tag: "DecoderEnded" }
    ] as const
  ).map((outage) => new Reasons.Unavailable({ outage })),
  ...(
    [
      { _tag: "TooManyRedirects", limit: 5 },
      { _tag: "RedirectedNowhere" },
      { _tag: "RedirectedElsewhere", to: "https://other.example", origin: "https://api.example" },
      { _tag: "TooLarge", limit: 64 * 1024 * 1024 },
      { _tag: "Html" },
      { _tag: "NotJson", characters: 12 },
      { _tag: "NoList" },
      { _tag: "MadeUp" }
    ] as const
  ).map((problem) => new Reasons.InvalidResponse({ problem })),
  new Reasons.InvalidRequest({ status: 400 })
]

describe("Failure", () => {
  it("renders every reason in one to three lines, with exit code 1", () => {
    for (const reason of reasons) {
      const { exitCode, lines } = told(agni(reason))
      assert.strictEqual(exitCode, 1, reason._tag)
      assert.strictEqual(lines[0], `error: ${reason.message}`)
      assert.strictEqual(lines[1], "  in GET https://api.example/x?page=1")
      assert.isAtMost(lines.length, 3)
    }
  })

  it("names the page size and the filters where the server refuses a request", () => {
    const { lines } = told(agni(new Reasons.InvalidRequest({ status: 400, quote: "limit must be <= 50" })))
    assert.include(lines.at(-1), "--page-size")
  })

  it("says how many attempts over how long, when there were several", () => {
    assert.strictEqual(
      told(agni(new Reasons.Unavailable({ outage: { _tag: "TimedOut", limit: Duration.seconds(30) } }), 8)).lines[0],
      "error: no complete response within 30s, after 8 attempts over 1 min 30 s"
    )
  })

  it("takes an error before the first request for wrong usage", () => {
    const reason = new Reasons.InvalidRequest({ parameter: "from", requirement: "must be earlier than to" })
    assert.deepStrictEqual(shown(told(agni(reason, 0))), {
      lines: ["error: from must be earlier than to"],
      exitCode: 2
    })
  })

  it("exit codes of outputs: 2 before the run, 1 later, 0 for a closed pipe", () => {
    for (const [code, line] of [
      ["EEXIST", "error: a.ndjson: the file is there already (EEXIST)"],
      ["EACCES", "error: a.ndjson: no permission to write there (EACCES)"],
      ["ENOENT", "error: a.ndjson: the folder does not exist (ENOENT)"],
      ["EISDIR", "error: a.ndjson: it is not a regular file (EISDIR)"],
      ["ENOSPC", "error: a.ndjson: the disk is full (ENOSPC)"],
      ["EWHAT", "error: a.ndjson: it could not be written (EWHAT)"]
    ] as const) {
      const opened = told(fromCode("a.ndjson", "open", code))
      assert.strictEqual(opened.lines[0], line)
      // Only what nobody has seen before comes without advice.
      assert.lengthOf(opened.lines, code === "EWHAT" ? 1 : 2)
      assert.strictEqual(opened.exitCode, 2)
      assert.strictEqual(told(fromCode("a.ndjson", "write", code)).exitCode, 1)
    }
    const closed = fromCode("stdout", "write", "EPIPE")
    assert.isTrue(isClosedPipe(closed))
    assert.deepStrictEqual(shown(told(closed)), { lines: [], exitCode: 0 })
    const destroyed = fromCode("stdout", "write", "EBADF")
    assert.isFalse(isClosedPipe(destroyed))
    assert.strictEqual(told(destroyed).exitCode, 1)
  })

  it("reports wrong usage with advice, an incomplete run by its code, an interruption by 130", () => {
    assert.deepStrictEqual(shown(told(new UsageError({ option: "apiKey", reason: { _tag: "NoApiKey" } }))), {
      lines: [
        "error: there is no API key",
        "  Set AGNI_API_KEY, or name a file that holds the key with --api-key-file."
      ],
      exitCode: 2
    })
    assert.deepStrictEqual(shown(told(new Incomplete())), { lines: [], exitCode: 3 })
    assert.deepStrictEqual(shown(report(Cause.interrupt(), { debug: false })), { lines: [], exitCode: 130 })
  })

  it("gives machines the tags of an error and its reason, the message and what to do", () => {
    assert.deepStrictEqual(told(agni(new Reasons.Forbidden({}), 1)).facts, [
      {
        error: "AgniError",
        reason: "Forbidden",
        message: new Reasons.Forbidden({}).message,
        details: told(agni(new Reasons.Forbidden({}), 1))
          .lines.slice(1)
          .map((line) => line.trim())
      }
    ])
    assert.deepStrictEqual(told(new UsageError({ option: "apiKey", reason: { _tag: "NoApiKey" } })).facts, [
      {
        error: "UsageError",
        reason: "NoApiKey",
        message: "there is no API key",
        details: ["Set AGNI_API_KEY, or name a file that holds the key with --api-key-file."]
      }
    ])
    assert.deepStrictEqual(told(new Incomplete()).facts, [])
  })

  it("shows a stack under --debug only, and never the message of a defect without it", () => {
    const defect = Cause.die(new TypeError("secret words"))
    const quiet = report(defect, { debug: false })
    assert.strictEqual(quiet.exitCode, 1)
    assert.deepStrictEqual(quiet.lines, [
      "error: callstream itself failed (TypeError)",
      "  Run it again with --debug and report what it prints."
    ])
    assert.include(report(defect, { debug: true }).lines.join("\n"), "secret words")
    const failed = Cause.fail(
      agni(new Reasons.Unavailable({ outage: { _tag: "TimedOut", limit: Duration.seconds(30) } }))
    )
    assert.isAbove(report(failed, { debug: true }).lines.length, report(failed, { debug: false }).lines.length)
  })
})

import { AgniError, CheckpointError, LedgerError, SinkError } from "@callstream/core"
import * as Reasons from "@callstream/core/model/AgniError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { PipelineFileError, type Pointed } from "../../../src/option/PipelineFileError.ts"
import { UsageError, UsageErrors } from "../../../src/option/UsageError.ts"
import * as JobFailure from "../../../src/run/fleet/JobFailure.ts"

const of = (error: Error) => JobFailure.ofJob((text) => text.replaceAll("hunter2", "${PASSWORD}"), error).reason

const place: Pointed = { line: 3, column: 9, problem: "a bracket", quoted: [], advice: undefined, variable: undefined }
const agni = (reason: Reasons.AgniErrorReason) =>
  new AgniError({ reason, request: "GET https://api.example/x", attempts: 8, elapsed: Duration.seconds(9) })
const sink = (retryable: boolean) =>
  new SinkError({ sink: "s", operation: "write", retryable, reason: { _tag: "Other", description: "hunter2 is full" } })
const held = new CheckpointError({ reason: { _tag: "Held", pipeline: "p", held: { _tag: "Running" } } })

describe("run/fleet/JobFailure", () => {
  it("names the variables that are missing here, whatever found that", () => {
    const hook = new UsageError({ reason: { _tag: "NoWebhookSecret", variable: "HOOK" } })
    const url = new UsageError({ option: "to", reason: { _tag: "VariableNotSet", variable: "DB", holds: "a URL" } })
    const missing = (...names: ReadonlyArray<string>) => ({ _tag: "Missing", names }) as const
    assert.deepStrictEqual(of(hook), missing("HOOK"))
    assert.deepStrictEqual(of(new UsageErrors({ errors: [url, hook, url] })), missing("DB", "HOOK"))
    assert.deepStrictEqual(
      of(new UsageError({ option: "apiKey", reason: { _tag: "NoApiKey" } })),
      missing("AGNI_API_KEY")
    )
    const file = new PipelineFileError({ file: "f.yaml", mistakes: [place, { ...place, variable: "KEY" }] })
    assert.deepStrictEqual(of(file), missing("KEY"))
  })

  it("says what else is wrong, without places in a text that nobody has, and without values of references", () => {
    const file = new PipelineFileError({ file: "f.yaml", mistakes: [place, { ...place, problem: "hunter2" }] })
    assert.deepStrictEqual(of(file), { _tag: "Failed", message: "a bracket; ${PASSWORD}", retryable: false })
    assert.deepStrictEqual(of(sink(true)), { _tag: "Failed", message: "s: ${PASSWORD} is full", retryable: true })
  })

  it("is retryable where another try may succeed, also while the holder of a ledger may still be there", () => {
    const retryable = (error: Error) => {
      const reason = of(error)
      return reason._tag === "Failed" && reason.retryable
    }
    assert.isTrue(retryable(agni(new Reasons.Unavailable({ outage: { _tag: "CutOff" } }))))
    assert.isFalse(retryable(agni(new Reasons.Unauthorized({}))))
    assert.isFalse(retryable(sink(false)))
    assert.isTrue(retryable(new LedgerError({ reason: { _tag: "Store", reason: held.reason } })))
    assert.isFalse(retryable(new LedgerError({ reason: { _tag: "Torn", name: "p", damaged: "calls" } })))
  })

  it("leaves to the fleet what is the fleet's: a claim that was lost", () => {
    const fenced = new CheckpointError({ reason: { _tag: "Fenced", pipeline: "p" } })
    assert.strictEqual(JobFailure.of((text) => text)(fenced), fenced)
    // A table noticed it first.
    const table = new SinkError({ sink: "t", operation: "flush", retryable: false, reason: { _tag: "Fenced" } })
    assert.strictEqual(JobFailure.of((text) => text)(table).reason._tag, "Fenced")
  })
})

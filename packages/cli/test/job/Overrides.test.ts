import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { PipelineSpec } from "../../src/option/PipelineSpec.ts"
import * as Overrides from "../../src/job/Overrides.ts"

type Named = PipelineSpec & { readonly name: string }

/** Data, as a file has it: a `PipelineSpec` type counts as a class for lint. */
type Plain = Omit<Named, "">

const file: Plain = { name: "nightly", source: { since: "7d", until: "1d", rate: 5 }, sinks: ["-"] }
const stateless: Plain = { ...file, state: false }

const sourceOf = (spec: Plain, overrides: Overrides.Overrides) =>
  Result.map(Overrides.apply(spec, overrides, false), ({ source }) => source)
const why = (spec: Plain, overrides: Overrides.Overrides, several = false) => {
  const result = Overrides.apply(spec, overrides, several)
  return Result.isFailure(result) && result.failure.reason._tag === "NotOverridden"
    ? [result.failure.option, result.failure.reason.because]
    : undefined
}

describe("Overrides", () => {
  it("replace a bound, and a day both", () => {
    assert.deepStrictEqual(sourceOf(stateless, { since: "3d" }), Result.succeed({ since: "3d", until: "1d", rate: 5 }))
    assert.deepStrictEqual(sourceOf(stateless, { on: "monday" }), Result.succeed({ on: "monday", rate: 5 }))
    const day: Plain = { ...stateless, source: { on: "yesterday" } }
    assert.deepStrictEqual(sourceOf(day, { until: "1d" }), Result.succeed({ until: "1d" }))
    assert.deepStrictEqual(
      sourceOf(day, { on: "monday", since: "3d" }),
      Result.succeed({ on: "monday", since: "3d" }),
      "both is a mistake, which is told later"
    )
  })

  it("leave a state its range, unless another name is given", () => {
    for (const option of ["since", "until", "on"] as const) {
      assert.deepStrictEqual(why(file, { [option]: "3d" }), [option, "state"])
      assert.deepStrictEqual(why(file, { [option]: "3d" }, true), [option, "state of several"])
      assert.deepStrictEqual(why({ ...file, sync: {} }, { [option]: "3d", name: "x" }), [option, "sync"])
      assert.isUndefined(why(file, { [option]: "3d", name: "june" }))
      assert.isUndefined(why(stateless, { [option]: "3d" }, true))
    }
    assert.deepStrictEqual(why({ ...file, sync: {} }, { name: "x" }), ["name", "sync"])
    assert.deepStrictEqual(why(file, { name: "x" }, true), ["name", "several"])
  })

  it("of the connection change nothing that a state belongs to", () => {
    const overrides = { rate: 1, retries: 0, timeout: "5s", concurrency: 2, apiKeyFile: "key.txt" }
    assert.isUndefined(why({ ...file, sync: {} }, overrides))
    assert.deepInclude(Result.getOrThrow(sourceOf(file, overrides)), { since: "7d", rate: 1, concurrency: 2 })
    const { apiKey, ...rest } = Overrides.connection({ apiKey: "secret", retries: 3 }, { apiKeyFile: "key.txt" })
    assert.isUndefined(apiKey)
    assert.deepStrictEqual<object>(rest, { retries: 3, apiKeyFile: "key.txt" })
    assert.deepStrictEqual(Overrides.connection({ apiKey: "secret" }, {}), { apiKey: "secret" })
  })
})

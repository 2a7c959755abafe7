import * as Guarantee from "@callstream/core/pipeline/Guarantee"
import { assert, describe, it } from "@effect/vitest"

const told = (delivery: Guarantee.Guarantee["delivery"], durable: boolean) =>
  Guarantee.describe(Guarantee.of("calls", delivery, { durable }))

describe("Guarantee", () => {
  it("with a checkpoint that outlasts the process", () => {
    assert.strictEqual(
      told("transactional", true),
      "calls: each session exactly once, because it keeps how far it got in one transaction with the rows."
    )
    assert.strictEqual(
      told("resumable", true),
      "calls: each session exactly once, because a run that goes on cuts off what was written after the last checkpoint, and writes it again."
    )
    assert.strictEqual(
      told("idempotent", true),
      "calls: each session at least once (a repeat changes nothing), because what was sent after the last checkpoint is sent again under the same id, and changes nothing."
    )
    assert.strictEqual(
      told("append", true),
      "calls: each session at least once (a repeat is there twice), because what was written after the last checkpoint is written again, and nothing takes the first one back."
    )
  })

  it("without one: only a sink with an account of its own does not need it", () => {
    assert.strictEqual(told("transactional", false), told("transactional", true))
    assert.strictEqual(
      told("resumable", false),
      "calls: each session exactly once, because without a checkpoint a run that is killed leaves no finished file, and the next one begins afresh."
    )
    assert.strictEqual(
      told("idempotent", false),
      "calls: each session at least once (a repeat changes nothing), because without a checkpoint the next run sends everything again under the same ids."
    )
    assert.strictEqual(
      told("append", false),
      "calls: each session at most once, because without a checkpoint a run that is killed does not go on, and the next one writes everything again."
    )
  })
})

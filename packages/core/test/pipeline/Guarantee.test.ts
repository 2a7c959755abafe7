import * as Guarantee from "@callstream/core/pipeline/Guarantee"
import { assert, describe, it } from "@effect/vitest"

const told = (delivery: Guarantee.Guarantee["delivery"], durable: boolean) =>
  Guarantee.describe(Guarantee.of("calls", delivery, { durable }))

describe("Guarantee", () => {
  it("with a checkpoint that outlasts the process", () => {
    assert.strictEqual(
      told("transactional", true),
      "calls: each call exactly once, because it writes its offset in one transaction with the rows."
    )
    assert.strictEqual(
      told("resumable", true),
      "calls: each call exactly once, because a resumed run cuts off everything after the last checkpoint, and writes it again."
    )
    assert.strictEqual(
      told("idempotent", true),
      "calls: each call at least once (a repeat changes nothing), because rows after the last checkpoint are sent again under the same id, and change nothing."
    )
    assert.strictEqual(
      told("append", true),
      "calls: each call at least once (a repeat is there twice), because rows after the last checkpoint are written again, and nothing removes the first ones."
    )
  })

  it("without one: only a sink with its own offset does not need it", () => {
    assert.strictEqual(told("transactional", false), told("transactional", true))
    assert.strictEqual(
      told("resumable", false),
      "calls: each call exactly once, because without a checkpoint a killed run leaves no finished file, and the next one starts again."
    )
    assert.strictEqual(
      told("idempotent", false),
      "calls: each call at least once (a repeat changes nothing), because without a checkpoint the next run sends everything again under the same ids."
    )
    assert.strictEqual(
      told("append", false),
      "calls: each call at most once, because without a checkpoint a killed run does not resume, and the next one writes everything again."
    )
  })
})

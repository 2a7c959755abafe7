import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Struct from "effect/Struct"
import * as PartLog from "../../src/render/PartLog.ts"
import { Screen } from "../../src/render/Screen.ts"
import type { PartEvent } from "../../src/run/fleet/PartEvent.ts"

const part = { run: "nightly", stretch: 3, of: 12 }
const ended = { ...part, counts: { read: 21_000, delivered: 20_000, dead: 0 }, seconds: 41.5 }

const lineOf = (event: PartEvent): string => PartLog.line(event).replace("nightly: ", "")

/** What stderr gets with `--log json`. */
const recorded = Effect.fnUntraced(function* (event: PartEvent) {
  const written: Array<string> = []
  const screen = Screen.of({
    live: false,
    colors: false,
    columns: () => 80,
    write: (text) => Effect.sync(() => void written.push(text)),
    reword: () => Effect.void,
    log: "json",
    errors: "json",
    reworded: (text) => text
  })
  yield* Effect.provideService(PartLog.tell(event), Screen, screen)
  return Struct.omit(JSON.parse(written.join("")), ["time"])
})

describe("render/PartLog", () => {
  it("is a line for each step, with the run, the stretch, the calls and the time", () => {
    assert.strictEqual(PartLog.line({ _tag: "Taken", ...part }), "nightly: stretch 3 of 12 begins")
    assert.strictEqual(lineOf({ _tag: "Finished", ...ended }), "stretch 3 of 12 finished: 20,000 calls in 41.5 s")
    assert.match(lineOf({ _tag: "HandedBack", ...ended }), /^stretch 3 of 12 handed back after 20,000 calls in 41.5 s$/)
    assert.match(lineOf({ _tag: "Fenced", ...ended }), /: another worker has it, or the run was cancelled$/)
    const failed = { _tag: "Failed", reason: "the table is gone", ...ended } as const
    assert.match(lineOf({ ...failed, retryable: false }), /: the table is gone$/)
    assert.match(lineOf({ ...failed, retryable: true }), /: the table is gone; it is retried$/)
    const dead = { ...ended, counts: { ...ended.counts, dead: 1 } }
    assert.match(lineOf({ _tag: "Finished", ...dead }), /in 41.5 s, 1 record rejected$/)
  })

  it("names the ending, and a run that has nothing else by its name alone", () => {
    assert.strictEqual(lineOf({ _tag: "Taken", ...part, stretch: undefined }), "the end begins")
    assert.strictEqual(PartLog.line({ _tag: "Taken", run: "calls", stretch: undefined, of: 0 }), "calls begins")
    assert.strictEqual(
      lineOf({ _tag: "Unusable", run: "nightly", reason: "KEY is not set" }),
      "cannot run on this worker: KEY is not set"
    )
  })

  it.effect("is a record for machines", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* recorded({ _tag: "Taken", ...part }), { type: "part", event: "taken", ...part })
      const { counts, ...rest } = ended
      assert.deepStrictEqual(yield* recorded({ _tag: "HandedBack", ...ended }), {
        type: "part",
        event: "handed back",
        ...rest,
        ...counts
      })
    })
  )
})

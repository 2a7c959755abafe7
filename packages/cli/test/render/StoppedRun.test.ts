import { Instant, SinkError } from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Target from "../../src/option/Target.ts"
import * as StoppedRun from "../../src/render/StoppedRun.ts"
import { Screen } from "../../src/render/Screen.ts"
import * as Progress from "../../src/run/Progress.ts"
import { folder } from "../Callstream.ts"

type About = Parameters<typeof StoppedRun.print>[0]

const sinkOf = (to: string, settings: object = {}): About["sinks"][number] => ({
  target: Option.getOrThrow(Target.parse(to)),
  settings
})

/** What it prints of a run that was asked to stop, or failed. */
const printed = Effect.fnUntraced(function* (
  about: Partial<About>,
  at: Partial<Progress.Progress>,
  cause: Cause.Cause<unknown> = Cause.interrupt()
) {
  const lines: Array<string> = []
  const screen = Screen.of({
    live: false,
    colors: false,
    columns: () => 80,
    write: (text) => Effect.sync(() => void lines.push(text)),
    reword: () => Effect.void,
    log: "text",
    errors: "text",
    reworded: (text) => text
  })
  const job = {
    title: undefined,
    name: undefined,
    report: "people",
    coverage: undefined,
    sinks: [sinkOf("-")]
  } as const
  yield* StoppedRun.print({ ...job, ...about }, { ...(yield* Progress.make), ...at }, cause).pipe(
    Effect.provide(Layer.merge(NodeServices.layer, Layer.succeed(Screen, screen)))
  )
  return lines.join("").trimEnd()
})

const name = "nightly"
const all = { written: 300, safe: 300, committed: true } as const
const at = Instant.parse("2026-07-31T07:16:10Z")

describe("StoppedRun", () => {
  for (const [when, progress, line] of [
    ["before the first call", {}, "stopped before a call was written"],
    ["while it writes the first ones", { inFlight: 50 }, "stopped while the first calls were written"],
    ["before the first commit", { written: 40 }, "stopped after 40 calls; the same command begins again"],
    ["at a commit", { ...all, written: 40, safe: 40 }, "stopped after 40 calls; the same command resumes from there"],
    [
      "behind a commit",
      { ...all, safe: 200 },
      "stopped after 300 calls, of which 200 are saved; the same command resumes after these"
    ],
    [
      "with rows in flight",
      { ...all, inFlight: 50 },
      "stopped after at least 300 calls, of which 300 are saved; the same command resumes after these"
    ],
    [
      "behind the commit of an earlier process",
      { written: 1, committed: true, resumedAt: at },
      "stopped after 1 call, none of which is saved; the same command resumes before them"
    ],
    [
      "after the last commit",
      { ...all, stage: "written" },
      "stopped after all 300 calls; the same command finishes the run"
    ],
    ["at its end", { ...all, stage: "finished" }, "stopped after all 300 calls; the run has finished"],
    [
      "at its end, when an earlier process wrote some",
      { ...all, stage: "finished", resumedAt: at },
      "stopped after the last call; the run has finished"
    ],
    [
      "at its end, when an earlier process wrote all",
      { stage: "finished" },
      "stopped after the last call; the run has finished"
    ]
  ] as const)
    it.effect(`a run with a name, stopped ${when}`, () =>
      Effect.map(printed({ name }, progress), (text) => assert.strictEqual(text, line))
    )

  it.effect("says that the coverage report is left to write", () =>
    Effect.map(printed({ name, coverage: "calls.coverage.json" }, { ...all, stage: "finished" }), (text) =>
      assert.strictEqual(
        text,
        "stopped after all 300 calls; the run has finished, and the same command writes its coverage report"
      )
    )
  )

  for (const [to, progress, line] of [
    ["-", { written: 40 }, "stopped after 40 calls to stdout"],
    ["-", { written: 50, inFlight: 50 }, "stopped after at least 50 calls to stdout"],
    ["https://crm.example", { written: 40 }, "stopped after 40 calls to crm.example"],
    ["sqlite:calls.db", { written: 40 }, "stopped after 40 calls; sqlite:calls.db may lack the last ones"],
    ["sqlite:calls.db", all, "stopped after 300 calls, which are in sqlite:calls.db"],
    ["s3://bucket/calls.ndjson", all, "stopped after 300 calls; s3://bucket/calls.ndjson was not made"],
    [
      "s3://bucket/calls.ndjson",
      { ...all, stage: "written" },
      "stopped after all 300 calls; see whether s3://bucket/calls.ndjson was made"
    ],
    [
      "s3://bucket/calls.ndjson",
      { ...all, stage: "finished" },
      "stopped after all 300 calls, which are in s3://bucket/calls.ndjson"
    ]
  ] as const)
    it.effect(`a run without a name to ${to}: ${line}`, () =>
      Effect.map(printed({ sinks: [sinkOf(to)] }, progress), (text) => assert.strictEqual(text, line))
    )

  it.effect("names the file that has the calls, also when it got its name a moment ago", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "calls.ndjson")
      const coverage = `${path}.coverage.json`
      const of = (settings: object) =>
        printed({ coverage, sinks: [sinkOf(path, settings)] }, { ...all, stage: "written" })
      assert.strictEqual(
        yield* of({}),
        `stopped after all 300 calls, which are in ${path}; the coverage report may be missing`
      )
      writeFileSync(`${path}.partial`, "")
      assert.strictEqual(
        yield* of({}),
        `stopped after all 300 calls, which are in ${path}.partial; ${path} was not made`
      )
      assert.include(yield* of({ force: true }), `${path} was left as it was`)
      assert.strictEqual(
        yield* of({ rotate: "day" }),
        "stopped after all 300 calls; files that are not complete end with .partial"
      )
    })
  )

  it.effect("says nothing where an error says it, nor of a pipe that its reader closed", () =>
    Effect.gen(function* () {
      const failure = new SinkError({
        sink: "stdout",
        operation: "write",
        retryable: false,
        reason: { _tag: "Output", target: "stdout", reason: { _tag: "Closed" }, code: "EPIPE" }
      })
      assert.strictEqual(yield* printed({}, { written: 40 }, Cause.fail(failure)), "")
      assert.strictEqual(yield* printed({}, {}, Cause.fail(new Error("no room"))), "")
      assert.strictEqual(yield* printed({ report: "none" }, { written: 40 }), "")
      assert.strictEqual(
        yield* printed({ title: "calls" }, { written: 40 }, Cause.fail(new Error("no room"))),
        "calls: stopped after 40 calls to stdout"
      )
      const two = [sinkOf("-"), sinkOf("sqlite:calls.db")]
      assert.strictEqual(yield* printed({ sinks: two }, { written: 40 }), "stopped after 40 calls")
    })
  )
})

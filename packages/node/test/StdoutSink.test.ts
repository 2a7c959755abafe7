import { SinkConformance } from "@callstream/core/testing"
import * as StdoutSink from "@callstream/node/StdoutSink"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { rowsIn } from "./SinkStore.ts"
import * as StdoutProgram from "./StdoutProgram.ts"

/** Takes the place of the process's standard output while a case runs. */
const store = Effect.acquireRelease(
  Effect.sync(() => {
    const { stdout } = process
    const write = stdout.write.bind(stdout)
    let text = ""
    let later = 0
    stdout.write = (chunk: unknown, ...rest: ReadonlyArray<unknown>) => {
      const callback = rest.find((one) => typeof one === "function")
      setTimeout(() => {
        text += String(chunk)
        callback?.(null)
      }, later)
      return true
    }
    return {
      sink: StdoutSink.make(),
      read: Effect.sync(() => rowsIn(text)),
      slow: Effect.sync(() => void (later = 5)),
      restore: () => {
        stdout.write = write
      }
    }
  }),
  ({ restore }) => Effect.sync(restore)
)

describe("StdoutSink conforms", () => {
  const cases = SinkConformance.cases({ store, delivery: "append", slow: ({ slow }) => slow, large: 500 })
  for (const { name, notApplicable, test } of cases) {
    it.live.skipIf(notApplicable !== undefined)(name, () => test)
  }
})

const program = `
import { SessionSink } from "@callstream/core"
import * as StdoutSink from "@callstream/node/StdoutSink"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
const sessions = Stream.rechunk(Stream.map(Stream.range(1, Number(process.argv[1])), (n) => ({ id: "é" + n })), 100)
const exit = await Effect.runPromiseExit(Stream.run(sessions, SessionSink.toSink(StdoutSink.make())))
const [failure] = exit._tag === "Failure" ? exit.cause.reasons : []
process.stderr.write(JSON.stringify(exit._tag === "Success" ? exit.value : { ...failure.error }))
`

const run = (count: number, closing: boolean) =>
  Effect.map(StdoutProgram.run([program, String(count)], closing), ({ stderr, ...rest }) => ({
    ...rest,
    stderr: JSON.parse(stderr) as unknown
  }))

describe("StdoutSink", () => {
  it.live("writes a stream to a pipe, all of it", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(3000, false)
      assert.deepStrictEqual([code, stderr], [0, 3000])
      assert.deepStrictEqual(
        rowsIn(stdout),
        Array.from({ length: 3000 }, (_, index) => ({ id: `é${index + 1}` }))
      )
    })
  )

  it.live("a reader that goes away is an error with the code EPIPE, and ends no process", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run(1_000_000, true)
      assert.strictEqual(code, 0)
      assert.deepNestedInclude(stderr, {
        sink: "stdout",
        operation: "write",
        retryable: false,
        "reason._tag": "Output",
        "reason.code": "EPIPE"
      })
    })
  )
})

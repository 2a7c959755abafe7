import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as StdoutProgram from "./StdoutProgram.ts"

const program = (body: string) => `
import * as StdoutOutput from "@callstream/node/StdoutOutput"
import * as Effect from "effect/Effect"
const output = Effect.runSync(StdoutOutput.make)
const tell = (what) => process.stderr.write(JSON.stringify(what) + "\\n")
${body}
`

const run = (body: string, closing: boolean) => StdoutProgram.run([program(body)], closing)

describe("StdoutOutput", () => {
  it.live("writes all of it, in order, and ends", () =>
    Effect.gen(function* () {
      const done = yield* run(
        `
        for (let i = 0; i < 300; i++) await Effect.runPromise(output.write(String(i).padStart(1000, "é") + "\\n"))
        await Effect.runPromise(output.finish)
        `,
        false
      )
      assert.deepStrictEqual([done.code, done.stderr], [0, ""])
      assert.strictEqual(
        done.stdout,
        Array.from({ length: 300 }, (_, index) => `${String(index).padStart(1000, "é")}\n`).join("")
      )
    })
  )

  it.live("a reader that goes away is reason closed, and ends no process", () =>
    Effect.gen(function* () {
      const done = yield* run(
        `
        await Effect.runPromise(StdoutOutput.make)
        tell(process.stdout.listenerCount("error"))
        let error
        for (let i = 0; i < 10_000 && error === undefined; i++) {
          error = await Effect.runPromise(Effect.match(output.write("x".repeat(10_000) + "\\n"), {
            onSuccess: () => undefined,
            onFailure: (error) => error
          }))
        }
        tell(error === undefined ? {} : {
          tag: error._tag, target: error.target, operation: error.operation, reason: error.reason._tag, code: error.code
        })
        const again = await Effect.runPromise(Effect.flip(output.write("more")))
        tell(again.reason._tag)
        // An error that arrives when nobody writes any more must not end the process either.
        setTimeout(() => tell("still there"), 50)
        `,
        true
      )
      const lines = done.stderr
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line))
      assert.deepStrictEqual(lines, [
        1,
        { tag: "OutputError", target: "stdout", operation: "write", reason: "Closed", code: "EPIPE" },
        "Closed",
        "still there"
      ])
      assert.strictEqual(done.code, 0)
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { print, Screen, toPrintable } from "../../src/render/Screen.ts"

describe("Screen", () => {
  it("shows what a terminal would obey, hide or reorder", () => {
    assert.strictEqual(
      toPrintable("a\u001b[2Jb\rc\nd\u0000\u007f\u009b\u202ee\u200b\ufeff\u2028"),
      "a\\u001b[2Jb\\u000dc\\u000ad\\u0000\\u007f\\u009b\\u202ee\\u200b\\ufeff\\u2028"
    )
    assert.strictEqual(toPrintable("Zoë – 李小龍 👩 “x” …"), "Zoë – 李小龍 👩 “x” …")
  })

  it.effect("prints lines cleared of it", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      yield* print("one\u001b[31m", "two\nthree").pipe(
        Effect.provideService(Screen, {
          live: false,
          colors: false,
          columns: () => 80,
          write: (text) => Effect.sync(() => void written.push(text)),
          reword: () => Effect.void,
          reworded: (text) => text,
          log: "text",
          errors: "text"
        })
      )
      assert.strictEqual(written.join(""), "one\\u001b[31m\ntwo\\u000athree\n")
    })
  )
})

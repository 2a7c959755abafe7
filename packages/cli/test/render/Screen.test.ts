import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { clearLine, print, Screen, toPrintable } from "../../src/render/Screen.ts"

describe("Screen", () => {
  it("shows what a terminal would obey, hide or reorder", () => {
    assert.strictEqual(
      toPrintable("a\u001b[2Jb\rc\nd\u0000\u007f\u009b\u202ee\u200b\ufeff\u2028"),
      "a\\u001b[2Jb\\u000dc\\u000ad\\u0000\\u007f\\u009b\\u202ee\\u200b\\ufeff\\u2028"
    )
    assert.strictEqual(toPrintable("Zoë – 李小龍 👩 “x” …"), "Zoë – 李小龍 👩 “x” …")
  })

  const printed = Effect.fnUntraced(function* (live: boolean, ...lines: ReadonlyArray<string>) {
    const written: Array<string> = []
    yield* print(...lines).pipe(
      Effect.provideService(Screen, {
        live,
        colors: false,
        columns: () => 80,
        write: (text) => Effect.sync(() => void written.push(text)),
        reword: () => Effect.void,
        reworded: (text) => text,
        log: "text",
        errors: "text"
      })
    )
    return written.join("")
  })

  it.effect("prints lines cleared of it", () =>
    Effect.gen(function* () {
      const text = yield* printed(false, "one\u001b[31m", "two\nthree")
      assert.strictEqual(text, "one\\u001b[31m\ntwo\\u000athree\n")
    })
  )

  it.effect("removes a progress line that other runs still have, before a line of one", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* printed(true, "one", "two"), `${clearLine}one\ntwo\n`)
    })
  )
})

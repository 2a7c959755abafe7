import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { alongside, start, until } from "../Callstream.ts"

/** The text of one page, from the command as people run it. */
const pageOf = (...args: ReadonlyArray<string>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { stdout } = yield* start(["simulate", "--port", "0", "--sessions", "100", ...args])
      yield* until(() => stdout().includes("\n"))
      const url = new URL("/api/v1/calling/call-sessions?page_size=100", stdout().trim())
      return yield* Effect.promise(() =>
        fetch(url, { headers: { "x-api-key": "agni_test_key" } }).then((response) => response.text())
      )
    })
  )

describe("callstream simulate", () => {
  it.live(
    "answers as documented, or as seen, in either edition",
    () =>
      Effect.gen(function* () {
        const documented = yield* pageOf()
        assert.notMatch(documented, /"(?:callerName|summary|endedAt|recordingUrl|durationSec)":null/)
        assert.notMatch(documented, / \+0000 UTC|"durationSec":"/)
        assert.strictEqual((yield* pageOf("--wire", "documented")).length, documented.length)
        const seen = yield* pageOf("--wire", "seen")
        assert.match(seen, /"callerName":null/)
        assert.match(seen, / \+0000 UTC"/)
        assert.match(seen, /"durationSec":"\d/)
        assert.match(yield* pageOf("--wire", "seen", "--edition", "snake"), /"data":\[\{"id":/)
      }),
    alongside
  )
})

import type * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import type { RunPart } from "@callstream/core/sink/SessionSink"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as GroupFiles from "./GroupFiles.ts"
import * as LateRequests from "./LateRequests.ts"
import { type Kind, ndjson } from "./NdjsonFiles.ts"

/** Every nth case: all of them take four minutes. */
const every = Number(process.env["EVERY"] ?? 23)

const stretch: RunPart = { _tag: "Stretch", run: "3f9a1c2e-0000-4000-8000-000000000001", nth: 0 }

const forms: Readonly<Record<string, readonly [Kind, Partial<NdjsonSink.Options>, RunPart | undefined]>> = {
  "an object": [ndjson, {}, undefined],
  "an object of groups": [GroupFiles.kind(5), {}, undefined],
  "an object of a stretch": [ndjson, { rotate: "day" }, stretch],
  "an object of groups of a stretch": [GroupFiles.kind(5), { rotate: "day" }, stretch],
  "objects of a stretch by size": [ndjson, { rotate: { bytes: 500 } }, stretch]
}

describe("a request that reaches the store late changes nothing that is committed", () => {
  for (const [form, [kind, options, part]] of Object.entries(forms)) {
    for (const late of ["held", "woken", "again"] as const) {
      it.live(`${form}, ${late}`, () =>
        Effect.gen(function* () {
          let cases = 0
          const wrong: Array<string> = []
          for (const victim of [0, 1, 2]) {
            for (let request = 1, happened = true; happened; request++) {
              for (let after = 0, hasLater = true; hasLater; after++) {
                // Or nearly where the next process is at the same request.
                const isOne = after % every === (request * 3 + victim) % every || Math.abs(after - request) <= 1
                if (!isOne) continue
                const result = yield* LateRequests.play({ kind, options, part, late, victim, request, after })
                ;({ hasLater, happened } = result)
                if (!happened) break
                cases++
                for (const one of result.wrong)
                  wrong.push(`victim ${victim}, request ${request}, after ${after}: ${one}`)
              }
            }
          }
          console.log(JSON.stringify({ form, late, cases, wrong: wrong.length }))
          assert.deepStrictEqual(wrong.slice(0, 5), [])
          assert.isAbove(cases, 20)
        })
      )
    }
  }
})

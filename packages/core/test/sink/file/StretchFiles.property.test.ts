import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import * as GroupFiles from "./GroupFiles.ts"
import { framed, type Kind, ndjson } from "./NdjsonFiles.ts"
import * as StretchProcesses from "./StretchProcesses.ts"

const count = Number(process.env["COUNT"] ?? 40)
const first = Number(process.env["SEED"] ?? 1)

/** A process looks for an unfinished file while the older one gives it its name. */
const found = [1103]

const forms: Readonly<Record<string, readonly [Kind, Partial<NdjsonSink.Options>]>> = {
  "by day": [ndjson, { rotate: "day" }],
  "by size, compressed": [ndjson, { rotate: { bytes: 900 }, compression: framed }],
  "groups, by day": [GroupFiles.kind(5), { rotate: "day" }],
  "groups, by size": [GroupFiles.kind(5), { rotate: { bytes: 900 } }]
}

describe("a bucket that several processes write", () => {
  for (const [form, [kind, options]] of Object.entries(forms)) {
    it.live(
      `${form}: ${count} runs from seed ${first}, whose processes are killed and frozen: at any time each committed call once at most`,
      () =>
        Effect.gen(function* () {
          let processes = 0
          for (const seed of [...Array.from({ length: count }, (_, nth) => first + nth), ...found]) {
            const result = yield* StretchProcesses.play(seed, kind, options)
            assert.deepStrictEqual(result.wrong, [], result.told)
            processes += result.processes
          }
          console.log(JSON.stringify({ form, first, count, processes }))
        })
    )
  }
})

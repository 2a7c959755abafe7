import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import { judge } from "../../../src/history/internal/RangeVerdict.ts"
import type { Work } from "../../../src/history/internal/RangeWork.ts"
import type { Read } from "../../../src/history/internal/ReadPages.ts"
import { ask as askOf } from "../../../src/history/internal/Settings.ts"
import { began, control, day, known, open, rowsAt, settingsOf } from "./FakeServer.ts"

const range = { from: began - 3 * day, to: began - day }
const hour = 3_600_000_000
const starts = Array.from({ length: 25 }, (_, i) => range.to - (i + 1) * hour)

/** Judges a reading that holds a call which has left, and lacks another one: as many as the server counts. */
const judged = (way: Read["way"]) =>
  Effect.gen(function* () {
    const server = open(rowsAt(starts), { order: "id", sorting: false })
    const settings = settingsOf(server, { rounds: true, controls: [control("row-0", starts[0] ?? 0)] })
    const held = Rows.makeHeld()
    held.add([...starts.keys()].flatMap((i) => (i === 12 ? [] : [control(`row-${i}`, starts[i] ?? 0)])))
    held.add([control("left", range.to - 12.5 * hour)])
    const work: Work = {
      settings,
      known: known({ whole: 100 }),
      task: { ...range, expected: 25 },
      ask: askOf(settings),
      share: undefined,
      came: () => Effect.void,
      young: false,
      limit: 150,
      beyond: { repeats: false },
      seen: {
        order: "unknown",
        differs: false,
        deepest: Infinity,
        cut: false,
        whole: 0,
        worth: 0,
        once: undefined
      }
    }
    const read: Read = {
      range,
      bounds: Ask.boundsOf(range),
      held,
      problem: undefined,
      moved: false,
      tied: false,
      way,
      count: 25,
      dense: false,
      order: "unknown",
      deepest: Infinity
    }
    const outcome = yield* judge(work, read, 25)
    if (outcome._tag === "Split") return ["Split"]
    return outcome.windows.map(({ coverage, rows }) => `${coverage._tag} ${CallRows.items(rows).length}`)
  })

describe("pages that do not overlap", () => {
  it.effect("are not proven by counts before and after: they are read again", () =>
    Effect.gen(function* () {
      const proven = (verdicts: ReadonlyArray<string>) => verdicts.every((verdict) => verdict.startsWith("Proven"))
      assert.isTrue(proven(yield* judged("walk")))
      assert.isFalse(proven(yield* judged("apart")))
    })
  )
})

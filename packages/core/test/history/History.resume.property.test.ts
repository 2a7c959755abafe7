/** A run that resumes reads a part: what earlier runs read is in counts of the whole, and contradicts nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Adversaries from "../torture/Adversaries.ts"
import * as Judge from "../torture/AdversaryJudge.ts"

const second = 1_000_000
const first = Number(process.env["SEED"] ?? 1)
const differ = ["AnswersDiffer", "CountDiffers"]

describe("History.windows, resumed on a server that hides nothing", () => {
  it.live(`takes nothing back (100 servers from seed ${first})`, () =>
    Effect.gen(function* () {
      for (let seed = first; seed < first + 100; seed++) {
        const one = Adversaries.make(seed, "none")
        const starts = one.rows.flatMap(({ start }) => start ?? []).sort((left, right) => left - right)
        for (const share of [0.2, 0.5, 0.8]) {
          const at = starts[Math.floor(share * starts.length)]
          if (at === undefined) continue
          const resume = Math.floor(at / second) * second
          const windows = yield* Judge.windows({ ...one, range: {}, read: { ...one.read, cuts: [], resume } })
          const all = windows.flatMap(({ coverage, revised = [] }) => [coverage, ...revised.map((of) => of.coverage)])
          const reasons = all.flatMap((coverage) => ("reason" in coverage ? [coverage.reason] : []))
          assert.deepStrictEqual(
            reasons.filter(({ _tag }) => differ.includes(_tag)),
            [],
            `seed ${seed}, resumed after ${share} of the calls`
          )
        }
      }
    })
  )
})

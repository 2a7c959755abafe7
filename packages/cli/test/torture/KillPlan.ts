/** Which runs a chain is made of: all that chance decides, from one seed. */
import type { Kill, Run, Scenario } from "./RandomChain.ts"
import type { KillPoint, Trace } from "./KillPoint.ts"

/** Numbers from 0 to 1, the same for the same seed. */
export const random = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const pick = <A>(random: () => number, list: ReadonlyArray<A>): A => {
  const picked = list[Math.floor(random() * list.length)]
  if (picked === undefined) throw new Error("nothing to pick from")
  return picked
}

/** Widths of a run, and nothing that kills it. */
const quiet = (random: () => number): Run => ({
  pageSize: pick(random, [3, 5, 8, 13, 40, 100]),
  concurrency: pick(random, [1, 2, 3, 5, 8]),
  kill: undefined
})

const killOf = (random: () => number, scenario: Scenario, counts: Trace["counts"]): Kill => {
  const kind = random()
  // More often early, because a run that goes on does less than the first.
  const nth = (most: number) => 1 + Math.floor(random() ** 2 * most)
  if (scenario.webhook === true && kind < 0.3) {
    return { _tag: "Answer", phase: pick(random, ["before", "after"]), nth: nth(10) }
  }
  if (kind > 0.85) return { _tag: "Request", nth: nth(100), delay: Math.floor(random() * 20) }
  // What is written once a run would otherwise hide what is written with each window.
  const [key, count] = pick(
    random,
    Object.entries(counts).flatMap((entry) => (/lock|coverage|folder/.test(entry[0]) ? [entry] : [entry, entry, entry]))
  )
  const [op = "", on = ""] = key.split(" ")
  const phases: ReadonlyArray<KillPoint["phase"]> = op === "write" ? ["before", "midway", "after"] : ["before", "after"]
  return { _tag: "Point", point: { op, on, phase: pick(random, phases), nth: nth(count) } }
}

/** Some runs that are killed where one that was not did something, and one that is not. */
export const runs = (random: () => number, scenario: Scenario, counts: Trace["counts"]): ReadonlyArray<Run> => [
  ...Array.from({ length: 2 + Math.floor(random() * 6) }, () => ({
    ...quiet(random),
    kill: killOf(random, scenario, counts)
  })),
  quiet(random)
]

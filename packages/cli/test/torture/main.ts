/**
 * `pnpm torture:kill --minutes 10 [--seed N] [--count N]`: exports that are killed with SIGKILL and go on, to each kind of
 * sink, until time is up or so many ended. Each seed that ends wrongly is told; then the exit code is 1. So it is when no
 * kill fell inside a commit, or nothing came to a webhook twice: then it would prove nothing.
 */
import * as Effect from "effect/Effect"
import * as Chain from "./RandomChain.ts"
import type { Trace } from "./KillPoint.ts"
import * as Plan from "./KillPlan.ts"
import * as Arguments from "../../../core/test/torture/Arguments.ts"

const { count, first, minutes } = Arguments.read("main.ts")

const sideBySide = 2
const tally = { exports: 0, wrong: 0, kills: 0, insideCommits: 0, repeats: 0, resumed: 0 }
const killed: Record<string, number> = {}
const censuses = new Map<string, Trace["counts"]>()

/** What a run to these sinks does when nobody kills it, so that each kind of call is among those to be killed at. */
const census = Effect.fnUntraced(function* (scenario: Chain.Scenario) {
  const known = censuses.get(scenario.name)
  if (known !== undefined) return known
  const widths = { pageSize: 5, concurrency: 4, kill: undefined }
  const { counts, problems } = yield* Effect.scoped(
    Chain.run({ scenario, seed: 2, sessions: 300, random: () => 0.1, runs: [widths] })
  )
  for (const problem of problems) yield* tell(`${scenario.name}, never killed`, problem)
  censuses.set(scenario.name, counts)
  return counts
})

const tell = (which: string, problem: string) =>
  Effect.sync(() => {
    tally.wrong++
    console.error(`${which}: ${problem}`)
  })

const one = Effect.fnUntraced(function* (seed: number) {
  const scenario = Chain.scenarios[seed % Chain.scenarios.length]
  if (scenario === undefined) return
  const random = Plan.random(seed)
  const runs = Plan.runs(random, scenario, yield* census(scenario))
  const result = yield* Effect.scoped(
    Chain.run({ scenario, seed, sessions: 100 + Math.floor(random() * 400), random, runs })
  )
  for (const problem of new Set(result.problems)) {
    yield* tell(`seed ${seed} (${scenario.name}), killed ${result.kills.join(", ")}`, problem)
  }
  for (const kill of result.kills) killed[kill] = (killed[kill] ?? 0) + 1
  tally.exports++
  tally.kills += result.kills.length
  tally.insideCommits += result.insideCommits
  tally.repeats += result.repeats
  tally.resumed += result.resumed
})

console.log(`seed ${first}`)
const end = Date.now() + minutes * 60_000
let next = first
const worker = Effect.suspend(() => one(next++)).pipe(
  Effect.repeat({ while: () => Date.now() < end && next < first + count })
)
await Effect.runPromise(
  Effect.all(
    Array.from({ length: sideBySide }, () => worker),
    { concurrency: sideBySide }
  )
)

for (const [where, times] of Object.entries(killed).sort(([a], [b]) => a.localeCompare(b))) {
  console.log(`${String(times).padStart(5)}  ${where}`)
}
console.log(JSON.stringify(tally))
if (tally.insideCommits === 0) console.error("no kill fell inside a commit: this proves nothing")
if (tally.repeats === 0) console.error("nothing came to a webhook twice: this proves nothing")
if (tally.wrong > 0 || tally.insideCommits === 0 || tally.repeats === 0) process.exitCode = 1

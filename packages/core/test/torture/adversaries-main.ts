/**
 * `node packages/core/test/torture/adversaries-main.ts --count 5000 [--seed N] [--only TRAIT]`: histories on the adversary, and
 * for each trait how many, how many are proven, and how many wrongly. Each seed that is wrong is told; then the exit code is 1.
 */
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Adversaries from "./Adversaries.ts"

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "5000" },
    seed: { type: "string" },
    only: { type: "string" },
    quiet: { type: "boolean" }
  }
})
const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
const only = ["none" as const, ...Adversaries.names].find((name) => name === values.only)
console.log(`seed ${first}`)

interface Tally {
  histories: number
  proven: number
  possible: number
  wrong: number
  failed: number
  requests: number
  windows: number
  provenWindows: number
}
const tallies = new Map<string, Tally>()
const reasons = new Map<string, number>()
const tallyOf = (name: string): Tally => {
  const known = tallies.get(name) ?? {
    histories: 0,
    proven: 0,
    possible: 0,
    wrong: 0,
    failed: 0,
    requests: 0,
    windows: 0,
    provenWindows: 0
  }
  tallies.set(name, known)
  return known
}
for (let seed = first; seed < first + Number(values.count); seed++) {
  const one = Adversaries.make(seed, only)
  const exit = await Effect.runPromiseExit(Adversaries.run(one))
  const groups = [
    "all",
    ...(one.traits.length === 0
      ? ["none"]
      : one.traits.length === 1
        ? [one.traits[0] ?? "", ...one.traits.map((name) => `${name} alone`)]
        : one.traits)
  ]
  for (const tally of groups.map(tallyOf)) {
    tally.histories++
    if (Exit.isFailure(exit)) tally.failed++
    else {
      const { proven, requests, verdict, windows, wrong } = exit.value
      const possible = Adversaries.isProvable(one)
      if (possible) tally.possible++
      if (possible && verdict === "proven") tally.proven++
      if (wrong.length > 0) tally.wrong++
      tally.requests += requests
      tally.windows += windows
      tally.provenWindows += proven
    }
  }
  if (Exit.isFailure(exit)) {
    if (values.quiet !== true)
      console.error(`seed ${seed} ${one.traits.join(", ")}: failed ${String(exit.cause).slice(0, 200)}`)
  } else if (exit.value.wrong.length > 0) {
    process.exitCode = 1
    if (values.quiet !== true) console.error(`seed ${seed} ${one.traits.join(", ")}: ${exit.value.wrong.join("; ")}`)
  } else if (Adversaries.isProvable(one) && exit.value.verdict !== "proven") {
    for (const reason of exit.value.reasons)
      reasons.set(reason.replaceAll(/\d+/g, "N"), (reasons.get(reason.replaceAll(/\d+/g, "N")) ?? 0) + 1)
    if (process.env["SHOW"] !== undefined)
      console.error(`seed ${seed} ${one.traits.join(", ")}: ${exit.value.verdict} ${exit.value.reasons.join("; ")}`)
  }
}
console.table(
  Object.fromEntries(
    [...tallies].map(([name, { histories, possible, proven, provenWindows, requests, windows, ...rest }]) => [
      name,
      {
        histories,
        possible,
        proven: possible === 0 ? "" : `${Math.round((1000 * proven) / possible) / 10} %`,
        windows: `${Math.round((1000 * provenWindows) / Math.max(1, windows)) / 10} %`,
        requests: Math.round(requests / histories),
        ...rest
      }
    ])
  )
)
console.table([...reasons].toSorted((a, b) => b[1] - a[1]).slice(0, 15))

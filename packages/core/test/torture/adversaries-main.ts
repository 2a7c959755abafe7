/**
 * `node packages/core/test/torture/adversaries-main.ts --count 5000 [--seed N] [--only TRAIT] [--with TRAIT]`: histories on the adversary, and
 * for each trait how many, how many are proven, and how many wrongly. Each seed that is wrong is printed; then the exit code
 * is 1. `--until-wrong` stops there; with `--small` it is made as small as it stays wrong besides, and printed as JSON.
 * At the end the histories that cost most for their pages are printed. `--weak` prints each seed that could have been proven and was not. `--apart`: each stretch in a process of its own. `--killed`: each process is killed, and the next one resumes. `--with`: that trait besides those of each seed.
 */
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Adversaries from "./Adversaries.ts"
import * as Judge from "./AdversaryJudge.ts"
import * as Provable from "./AdversaryProvable.ts"
import * as Smaller from "./Smaller.ts"

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "5000" },
    seed: { type: "string" },
    only: { type: "string" },
    with: { type: "string" },
    quiet: { type: "boolean" },
    weak: { type: "boolean" },
    apart: { type: "boolean" },
    killed: { type: "boolean" },
    small: { type: "boolean" },
    "until-wrong": { type: "boolean" }
  }
})
const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
const only = ["none" as const, ...Adversaries.names].find((name) => name === values.only)
const also = Adversaries.names.find((name) => name === values.with)
console.log(`seed ${first}`)

const zero = { histories: 0, possible: 0, proven: 0, wrong: 0, failed: 0, requests: 0, windows: 0, provenWindows: 0 }
const tallies = new Map<string, typeof zero>()
const reasons = new Map<string, number>()
/** Requests and pages of each history: as cheap as 12 pages each one may be, whatever it has. */
const costs: Array<{ seed: number; traits: string; pages: number; requests: number; share: number }> = []
const leastPages = 12
const noteCost = (one: Adversaries.Case, requests: number): void => {
  const pages = Provable.pagesOf(one)
  const share = Math.round((10 * requests) / Math.max(leastPages, pages)) / 10
  costs.push({ seed: one.seed, traits: one.traits.join(", "), pages, requests, share })
}
const tallyOf = (name: string) => {
  const known = tallies.get(name) ?? { ...zero }
  tallies.set(name, known)
  return known
}
const groupsOf = ({ read, traits }: Adversaries.Case): ReadonlyArray<string> => [
  "all",
  ...(read.sideBySide === undefined ? [] : ["in stretches"]),
  ...(traits.length === 0 ? ["none"] : traits),
  ...(traits.length === 1 ? traits.map((name) => `${name} alone`) : [])
]
const tell = (one: Adversaries.Case, what: string) => {
  if (values.quiet !== true) console.error(`seed ${one.seed} ${one.traits.join(", ")}: ${what}`)
}
const note = (one: Adversaries.Case, exit: Exit.Exit<Judge.Judgement, unknown>): void => {
  const groups = groupsOf(one).map(tallyOf)
  for (const tally of groups) tally.histories++
  if (Exit.isFailure(exit)) {
    for (const tally of groups) tally.failed++
    return tell(one, `failed ${String(exit.cause).slice(0, 200)}`)
  }
  const { possible, proven, provenToHorizon, requests, windows, wrong } = exit.value
  for (const tally of groups) {
    if (possible) tally.possible++
    if (possible && provenToHorizon) tally.proven++
    if (wrong.length > 0) tally.wrong++
    tally.requests += requests
    tally.windows += windows
    tally.provenWindows += proven
  }
  if (wrong.length > 0) tell(one, wrong.join("; "))
  if (!possible || provenToHorizon) return
  for (const reason of exit.value.reasons.map((reason) => reason.replaceAll(/\d+/g, "N")))
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  if (values.weak === true) tell(one, `not proven: ${exit.value.reasons.join("; ")}`)
}

for (let seed = first; seed < first + Number(values.count); seed++) {
  const drawn = Adversaries.make(seed, only, also)
  const one =
    values.apart === true ? Adversaries.apart(drawn) : values.killed === true ? Adversaries.killed(drawn) : drawn
  const server = Judge.open(one)
  const exit = await Effect.runPromiseExit(Judge.runOn(one, server))
  noteCost(one, server.requests())
  note(one, exit)
  if (!Exit.isSuccess(exit) || exit.value.wrong.length === 0) continue
  process.exitCode = 1
  if (values.small === true) console.log(JSON.stringify(await Smaller.make(one)))
  if (values.small === true || values["until-wrong"] === true) {
    console.log(`wrong after ${seed - first + 1} histories`)
    process.exit()
  }
}
const percent = (part: number, all: number) => (all === 0 ? "" : `${Math.round((1000 * part) / all) / 10} %`)
console.table(
  Object.fromEntries(
    [...tallies].map(([name, { histories, possible, proven, provenWindows, requests, windows, ...rest }]) => [
      name,
      {
        histories,
        possible,
        proven: percent(proven, possible),
        windows: percent(provenWindows, windows),
        requests: Math.round(requests / histories),
        ...rest
      }
    ])
  )
)
console.table([...reasons].toSorted((a, b) => b[1] - a[1]).slice(0, 15))
const byCost = costs.toSorted((a, b) => b.share - a.share)
console.table(
  Object.fromEntries(
    [0.5, 0.9, 0.99, 0.999].map((part) => [`${100 * part} %`, byCost[Math.floor((1 - part) * byCost.length)]?.share])
  )
)
console.table(byCost.slice(0, 10))

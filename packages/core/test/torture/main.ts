/**
 * `node packages/core/test/torture/main.ts --minutes 10 [--seed N] [--count N]`: the property of the history walk, until
 * time is up or so many histories were read. Each seed that breaks it is told; then the exit code is 1.
 */
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Histories from "./Histories.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    count: { type: "string", default: "Infinity" }
  }
})
const minutes = Number(values.minutes)
const count = Number(values.count)
const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
if (!(minutes > 0) || !(count > 0) || !Number.isSafeInteger(first)) {
  console.error("usage: main.ts [--minutes N] [--seed N] [--count N]")
  process.exit(2)
}

const tally = { histories: 0, proven: 0, provisional: 0, unprovable: 0, failed: 0, complete: 0, requests: 0, wrong: 0 }
const end = Date.now() + minutes * 60_000
let told = Date.now()
const tell = (seed: number, what: string, one: Histories.Case) => {
  tally.wrong++
  process.exitCode = 1
  console.error(`seed ${seed}: ${what}\n${JSON.stringify(one)}`)
}
console.log(`seed ${first}`)
for (let seed = first; Date.now() < end && seed < first + count; seed++) {
  const one = Histories.make(seed)
  const exit = await Effect.runPromiseExit(Histories.run(one))
  tally.histories++
  if (Exit.isFailure(exit)) {
    tally.failed++
    if (!Histories.mayFail(one)) tell(seed, `failed: ${String(exit.cause)}`, one)
    continue
  }
  const { complete, requests, verdict, wrong } = exit.value
  if (wrong.length > 0) tell(seed, wrong.join("; "), one)
  tally[verdict]++
  tally.requests += requests
  if (complete) tally.complete++
  if (Date.now() - told > 30_000) {
    told = Date.now()
    console.log(JSON.stringify(tally))
  }
}
console.log(JSON.stringify(tally))

/** `node packages/core/test/torture/main.ts --minutes 10 [--seed N]`: the property of the history walk, until time is up. */
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Histories from "./Histories.ts"

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" }, seed: { type: "string" } } })
const minutes = Number(values.minutes)
const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
if (!(minutes > 0) || !Number.isSafeInteger(first)) {
  console.error("usage: main.ts [--minutes N] [--seed N]")
  process.exit(2)
}

const tally = { histories: 0, proven: 0, provisional: 0, unprovable: 0, failed: 0, complete: 0, requests: 0 }
const end = Date.now() + minutes * 60_000
let told = Date.now()
console.log(`seed ${first}`)
for (let seed = first; Date.now() < end; seed++) {
  const one = Histories.make(seed)
  const exit = await Effect.runPromiseExit(Histories.run(one))
  tally.histories++
  if (Exit.isFailure(exit)) {
    if (!Histories.mayFail(one)) {
      console.error(`seed ${seed} failed: ${String(exit.cause)}\n${JSON.stringify(one)}`)
      process.exit(1)
    }
    tally.failed++
    continue
  }
  const { complete, requests, verdict, wrong } = exit.value
  if (wrong.length > 0) {
    console.error(`seed ${seed}: ${wrong.join("; ")}\n${JSON.stringify(one)}`)
    process.exit(1)
  }
  tally[verdict]++
  tally.requests += requests
  if (complete) tally.complete++
  if (Date.now() - told > 30_000) {
    told = Date.now()
    console.log(JSON.stringify(tally))
  }
}
console.log(JSON.stringify(tally))

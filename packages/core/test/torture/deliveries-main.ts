/**
 * `node packages/core/test/torture/deliveries-main.ts [--count 3000] [--seed N] [--first] [--long]`: short histories of what a sync
 * delivers, with kills at each step. Each seed that breaks a promise is printed; then the exit code is 1.
 */
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Deliveries from "../pipeline/SyncDeliveries.ts"

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "3000" },
    seed: { type: "string" },
    first: { type: "boolean", default: false },
    long: { type: "boolean", default: false }
  }
})
const count = Number(values.count)
const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
if (!(count > 0) || !Number.isSafeInteger(first)) {
  console.error(
    "usage: deliveries-main.ts [--count N] [--seed N] [--first: end with the first wrong one] [--long: more passes]"
  )
  process.exit(2)
}

console.log(`seed ${first}`)
const tally = { histories: 0, wrong: 0, kills: 0, failures: 0, events: 0, losses: 0, requests: 0 }
const state = await Effect.runPromise(Deliveries.known)
const before = process.cpuUsage()
for (let seed = first; seed < first + count; seed++) {
  const one = Deliveries.make(seed, values.long)
  const exit = await Effect.runPromiseExit(Deliveries.run(one, state))
  tally.histories++
  const wrong = Exit.isFailure(exit) ? [`failed: ${String(exit.cause)}`] : exit.value.wrong
  if (wrong.length > 0) {
    tally.wrong++
    process.exitCode = 1
    console.error(`seed ${seed}: ${wrong.slice(0, 3).join("; ")}\n${JSON.stringify(one)}`)
    if (values.first) break
  }
  if (Exit.isSuccess(exit)) {
    for (const key of ["kills", "failures", "events", "losses", "requests"] as const) tally[key] += exit.value[key]
  }
}
const { system, user } = process.cpuUsage(before)
console.log(JSON.stringify({ ...tally, processorSeconds: (system + user) / 1e6 }))

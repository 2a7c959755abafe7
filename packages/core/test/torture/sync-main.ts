/**
 * `node packages/core/test/torture/sync-main.ts --minutes 10 [--seed N] [--count N] [--first]`: histories of a sync, with kills at each step,
 * until time is up or so many were played. Each seed that breaks a promise is printed; then the exit code is 1.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Histories from "../sync/SyncHistories.ts"
import * as Arguments from "./Arguments.ts"

const { count, first, has, minutes } = Arguments.read("sync-main.ts", { first: "end with the first wrong one" })

const tally = { histories: 0, wrong: 0, passes: 0, kills: 0, changes: 0, repeats: 0, removed: 0, requests: 0 }
const end = Date.now() + minutes * 60_000
let told = Date.now()
console.log(`seed ${first}`)
for (let seed = first; Date.now() < end && seed < first + count; seed++) {
  const one = Histories.make(seed)
  const exit = await Effect.runPromiseExit(Histories.run(one))
  tally.histories++
  const wrong = Exit.isFailure(exit) ? [`failed: ${String(exit.cause)}`] : exit.value.wrong
  if (wrong.length > 0) {
    tally.wrong++
    process.exitCode = 1
    console.error(`seed ${seed}: ${wrong.slice(0, 3).join("; ")}\n${JSON.stringify(one)}`)
    if (has("first")) break
  }
  if (Exit.isSuccess(exit)) {
    for (const key of ["passes", "kills", "changes", "repeats", "removed", "requests"] as const) {
      tally[key] += exit.value[key]
    }
  }
  if (Date.now() - told > 30_000) {
    told = Date.now()
    console.log(JSON.stringify(tally))
  }
}
const { system, user } = process.cpuUsage()
console.log(JSON.stringify({ ...tally, processorSeconds: Math.round((system + user) / 1e6) }))

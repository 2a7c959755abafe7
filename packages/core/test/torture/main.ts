/**
 * `node packages/core/test/torture/main.ts --minutes 10 [--seed N] [--count N]`: the property of the history walk, until
 * time is up or so many histories were read. Each seed that breaks it is told; then the exit code is 1.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Histories from "./Histories.ts"
import * as Arguments from "./Arguments.ts"

const { count, first, minutes } = Arguments.read("main.ts")

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

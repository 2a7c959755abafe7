/**
 * `node packages/core/test/torture/small-main.ts [--each 20] [--pairs 20] [--only TEXT]`: things that happen once to a window of a few rows,
 * each or each so manieth of them, and so many pairs of them for each server. Each history that is wrong is printed as JSON; then the exit
 * code is 1. `--only`: shapes whose name has that text. `--first`: the first wrong one ends it.
 */
import { parseArgs } from "node:util"
import * as Histories from "./SmallHistories.ts"
import * as Reading from "./SmallReading.ts"

const { values } = parseArgs({
  options: {
    each: { type: "string", default: "20" },
    pairs: { type: "string", default: "20" },
    only: { type: "string", default: "" },
    first: { type: "boolean", default: false }
  }
})
const each = Number(values.each)
const pairs = Number(values.pairs)
if (!(pairs >= 0) || !(each >= 1)) {
  console.error("usage: small-main.ts [--each N] [--pairs N] [--only TEXT] [--first]")
  process.exit(2)
}

const tally = { histories: 0, wrong: 0, windows: 0, proven: 0, requests: 0 }
for (const history of Histories.all(Reading.requestsOf, { swap: each, single: each }, pairs)) {
  const { events, shape } = history
  if (!shape.name.includes(values.only)) continue
  const { proven, requests, windows, wrong } = Reading.run(history)
  tally.histories++
  tally.windows += windows
  tally.proven += proven
  tally.requests += requests
  if (wrong.length === 0) continue
  tally.wrong++
  process.exitCode = 1
  console.error(`${wrong.join("; ")}\n${JSON.stringify({ shape: shape.name, events })}`)
  if (values.first) break
}
const { system, user } = process.cpuUsage()
console.log(JSON.stringify({ ...tally, processorSeconds: (system + user) / 1e6 }))
